package webui

import (
	"archive/zip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/fault"
	"convertd/runner/spool"
	"convertd/sql/job"
)

// getArchive serves all results of a job as one zip, made while it is sent.
func (s *Server) getArchive(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	j, err := s.finished(r, p)
	if err != nil {
		return err
	}
	if len(j.Outputs) == 0 {
		return fault.New(fault.NotFound, "The job has no results.", "Its document says whether it has ended, and how.")
	}
	return s.sendZip(w, r, archiveName(j), []job.Job{j})
}

// archiveName is the stem of the first input, or the recipe's name.
func archiveName(j job.Job) string {
	if len(j.Inputs) == 0 {
		return j.Recipe + ".zip"
	}
	name := j.Inputs[0].Name
	if ext := spool.Extension(name); ext != "" {
		name = name[:len(name)-len(ext)-1]
	}
	return spool.CleanName(name + ".zip")
}

// sendZip streams the results of jobs. An error in the middle cuts the connection, so
// that nobody takes half an archive for a whole one.
func (s *Server) sendZip(w http.ResponseWriter, r *http.Request, name string, jobs []job.Job) error {
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Security-Policy", sandboxed)
	w.Header().Set("Cache-Control", "private, no-cache")
	attachment(w, name)
	if r.Method == http.MethodHead {
		return nil
	}
	archive := zip.NewWriter(w)
	var names spool.Names
	for _, j := range jobs {
		for _, out := range j.Outputs {
			if err := s.addToZip(archive, j, out, names.Unique(spool.CleanName(out.Name))); err != nil {
				return fmt.Errorf("send archive: %w", err)
			}
		}
	}
	return archive.Close()
}

func (s *Server) addToZip(archive *zip.Writer, j job.Job, out job.Output, name string) error {
	file, err := s.Spool.Job(j.ID).OpenOutput(j.Attempt, out.File)
	if err != nil {
		return missingFile(j, err)
	}
	defer file.Close()
	header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: ended(j)}
	if packed(out.MediaType, name) {
		header.Method = zip.Store
	}
	entry, err := archive.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{entry}, struct{ io.Reader }{file}, make([]byte, 128<<10))
	return err
}

func ended(j job.Job) time.Time {
	if j.EndedAt != nil {
		return j.EndedAt.UTC()
	}
	return j.CreatedAt.UTC()
}

// packed reports whether the content is compressed already, so that compressing it again
// would cost time and win nothing.
func packed(mediaType, name string) bool {
	switch mediaType {
	case "image/svg+xml", "image/bmp", "image/tiff", "audio/wav", "audio/x-wav":
		return false
	case "application/zip", "application/gzip", "application/pdf", "application/x-7z-compressed", "application/x-xz",
		"application/zstd", "application/epub+zip":
		return true
	}
	for _, family := range []string{"video/", "audio/", "image/", "application/vnd.openxmlformats", "application/vnd.oasis"} {
		if strings.HasPrefix(mediaType, family) {
			return true
		}
	}
	switch spool.Extension(name) {
	case "zip", "gz", "xz", "bz2", "7z", "zst":
		return true
	}
	return false
}
