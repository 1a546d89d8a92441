package webui

import (
	"net/http"

	"github.com/julienschmidt/httprouter"
)

// uploadsPath is the address of resumable uploads.
const uploadsPath = "/api/v1/uploads"

func (s *Server) describeUploads(w http.ResponseWriter, _ *http.Request, _ httprouter.Params) error {
	s.tus.Describe(w)
	return nil
}

func (s *Server) createUpload(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	if err := s.mayUpload(r); err != nil {
		return err
	}
	return s.tus.Create(w, r)
}

func (s *Server) headUpload(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	return s.tus.Head(w, r, p.ByName("id"))
}

func (s *Server) patchUpload(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	return s.tus.Patch(w, r, p.ByName("id"))
}

func (s *Server) deleteUpload(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	return s.tus.Delete(w, r, p.ByName("id"))
}
