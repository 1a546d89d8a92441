package webui

import (
	"context"
	_ "embed"
	"net/http"
	"time"

	"github.com/julienschmidt/httprouter"
)

// getHealth says that this process answers.
func (s *Server) getHealth(w http.ResponseWriter, _ *http.Request, _ httprouter.Params) error {
	return writeJSON(w, http.StatusOK, health{"ok"})
}

type health struct {
	Status string `json:"status"`
}

// readyTime bounds the question whether what we depend on answers.
const readyTime = 3 * time.Second

// getReady says whether a submission would be taken.
func (s *Server) getReady(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	if s.Ready != nil {
		ctx, cancel := context.WithTimeout(r.Context(), readyTime)
		defer cancel()
		if err := s.Ready(ctx); err != nil {
			return notReady(err)
		}
	}
	if _, err := s.Spool.Free(); err != nil {
		return notReady(err)
	}
	return writeJSON(w, http.StatusOK, health{"ready"})
}

//go:embed openapi.json
var openAPI []byte

// OpenAPI is the description of the API as it is served, a JSON document of OpenAPI 3.1.
func OpenAPI() []byte { return openAPI }

// getOpenAPI serves the description of the API.
func (s *Server) getOpenAPI(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	serveTagged(w, r, openAPI, tagOf(openAPI))
	return nil
}
