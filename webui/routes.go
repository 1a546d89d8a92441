package webui

import "net/http"

// The methods that routes take; HEAD goes with GET.
const (
	get     = http.MethodGet
	head    = http.MethodHead
	post    = http.MethodPost
	patch   = http.MethodPatch
	del     = http.MethodDelete
	options = http.MethodOptions
)

// routes is the whole site on one screen; the addresses that people open are in
// pageRoutes.
func (s *Server) routes() []route {
	return append([]route{
		{post, "/api/v1/jobs", api, s.createJob},
		{get, "/api/v1/jobs", api, s.listJobs},
		{get, "/api/v1/jobs/:id", api, s.getJob},
		{patch, "/api/v1/jobs/:id", api, s.keepJob},
		{del, "/api/v1/jobs/:id", api, s.deleteJob},
		{get, "/api/v1/jobs/:id/status", api, s.getStatus},
		{get, "/api/v1/jobs/:id/events", api, s.jobEvents},
		{get, "/api/v1/jobs/:id/log", api, s.getLog},
		{get, "/api/v1/jobs/:id/history", api, s.getHistory},
		{get, "/api/v1/jobs/:id/attempts", api, s.listAttempts},
		{get, "/api/v1/jobs/:id/inputs", api, s.listInputs},
		{get, "/api/v1/jobs/:id/inputs/:name", api, s.getInput},
		{get, "/api/v1/jobs/:id/outputs", api, s.listOutputs},
		{get, "/api/v1/jobs/:id/outputs/:name", api, s.getOutput},
		{get, "/api/v1/jobs/:id/outputs.zip", api, s.getArchive},
		{get, "/api/v1/jobs/:id/previews/:name", api, s.getPreview},
		{post, "/api/v1/jobs/:id/cancel", api, s.cancelJob},
		{post, "/api/v1/jobs/:id/retry", api, s.retryJob},
		{post, "/api/v1/jobs/:id/replay", api, s.replayJob},
		{get, "/api/v1/events", api, s.events},
		{get, "/api/v1/groups/:id", api, s.getGroup},
		{get, "/api/v1/groups/:id/outputs.zip", api, s.getGroupArchive},
		{post, "/api/v1/groups/:id/cancel", api, s.cancelGroup},
		{get, "/api/v1/recipes", api, s.listRecipes},
		{get, "/api/v1/recipes/:name", api, s.getRecipe},
		{get, "/api/v1/recipes/:name/jobs", api, s.listRecipeJobs},
		{options, uploadsPath, api, s.describeUploads},
		{post, uploadsPath, api, s.createUpload},
		{head, uploadsPath + "/:id", api, s.headUpload},
		{patch, uploadsPath + "/:id", api, s.patchUpload},
		{del, uploadsPath + "/:id", api, s.deleteUpload},
		{get, "/api/v1/queues", api, s.listQueues},
		{post, "/api/v1/queues/:name/pause", api, s.pauseQueue},
		{post, "/api/v1/queues/:name/resume", api, s.resumeQueue},
		{get, "/api/v1/dispatchers", api, s.listDispatchers},
		{post, "/api/v1/dispatchers/drain", api, s.drain},
		{get, "/api/v1/failures", api, s.listFailures},
		{get, "/api/v1/refused", api, s.listRefused},
		{get, "/api/v1/findings", api, s.listFindings},
		{get, "/api/v1/stats", api, s.getStats},
		{get, "/api/v1/audit", api, s.listActs},
		{del, "/api/v1/cache", api, s.dropCache},
		{post, "/api/v1/callbacks/:token", api, s.pushProgress},
		{get, "/api/v1/openapi.json", api, s.getOpenAPI},
		{get, "/healthz", api, s.getHealth},
		{get, "/readyz", api, s.getReady},
	}, s.pageRoutes()...)
}
