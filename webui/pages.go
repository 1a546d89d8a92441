package webui

import (
	"net/http"

	"convertd/webui/client"
)

// pageRoutes are the addresses that people open.
func (s *Server) pageRoutes() []route { return nil }

// failPage tells a person why a page did not come.
func (s *Server) failPage(w http.ResponseWriter, _ *http.Request, problem client.Problem) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(problem.Status)
	_, _ = w.Write([]byte(problem.Detail + "\n" + problem.Hint + "\n"))
}
