package webui

import (
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/fault"
	"convertd/sql/job"
	"convertd/webui/client"
)

// sandboxed is the policy of everything that strangers' programs made: even if a browser
// shows it, it has no origin, no scripts and no network.
const sandboxed = "sandbox; default-src 'none'; frame-ancestors 'none'"

func filesAreGone(j job.Job) error {
	if j.GoneFor == job.Disk {
		return fault.New(fault.Gone, "The files of this job were removed before their time, because the disk of this service was nearly full.",
			"Send the file again, and fetch the result soon; the administrator sets with [keep] free when this happens.")
	}
	return fault.New(fault.Gone, "The files of this job have been removed, because their time was over.", "Send the job again to make them anew.")
}

// finished returns the route's job if its results can be served.
func (s *Server) finished(r *http.Request, p httprouter.Params) (job.Job, error) {
	j, err := s.find(r.Context(), p)
	if err != nil {
		return j, err
	}
	if filesGone(j) {
		return j, filesAreGone(j)
	}
	return j, nil
}

// listOutputs serves the list of results.
func (s *Server) listOutputs(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	j, err := s.finished(r, p)
	if err != nil {
		return err
	}
	return writeTagged(w, r, struct {
		Outputs []client.File `json:"outputs"`
	}{outputFiles(j, "outputs", j.Outputs)})
}

// getOutput serves one result.
func (s *Server) getOutput(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	j, err := s.finished(r, p)
	if err != nil {
		return err
	}
	out, err := named(j.Outputs, p.ByName("name"))
	if err != nil {
		return err
	}
	file, err := s.Spool.Job(j.ID).OpenOutput(j.Attempt, out.File)
	if err != nil {
		return missingFile(j, err)
	}
	defer file.Close()
	attachment(w, out.Name)
	return serveFile(w, r, file, out)
}

// getPreview serves a picture of a result, to be shown in a page of ours.
func (s *Server) getPreview(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	j, err := s.finished(r, p)
	if err != nil {
		return err
	}
	preview, err := named(s.previews(j), p.ByName("name"))
	if err != nil {
		return err
	}
	file, err := s.Spool.Job(j.ID).OpenPreview(j.Attempt, preview.File)
	if err != nil {
		return missingFile(j, err)
	}
	defer file.Close()
	if !picture(preview.MediaType) {
		attachment(w, preview.Name)
	}
	if preview.MediaType == drawing {
		// As a picture in a page of ours it runs nothing; opened by itself it is a
		// download, and sandboxed.
		w.Header().Set("Content-Type", drawing)
	}
	return serveFile(w, r, file, preview)
}

// drawing is the type of SVG, which is a picture within a page and a document by itself.
const drawing = "image/svg+xml"

// picture reports whether a browser can show the type and runs nothing in it.
func picture(mediaType string) bool {
	switch mediaType {
	case "image/png", "image/jpeg", "image/webp", "image/gif", "image/avif":
		return true
	}
	return false
}

// listInputs serves the list of what went in, to those who may manage the job.
func (s *Server) listInputs(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	j, err := s.managed(r, p)
	if err != nil {
		return err
	}
	files := inputFiles(slices.Concat(j.Inputs, j.Files))
	for i := range files {
		files[i].URL = jobPath(j.ID) + "/inputs/" + pathEscape(files[i].Name)
	}
	return writeTagged(w, r, struct {
		Inputs []client.File `json:"inputs"`
	}{files})
}

// getInput serves a file that went in.
func (s *Server) getInput(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	j, err := s.managed(r, p)
	if err != nil {
		return err
	}
	if filesGone(j) {
		return filesAreGone(j)
	}
	inputs := make([]job.Output, 0, len(j.Inputs))
	for _, in := range slices.Concat(j.Inputs, j.Files) {
		inputs = append(inputs, job.Output{File: in.File, Name: in.Name, Size: in.Size, SHA256: in.SHA256, MediaType: in.MediaType})
	}
	in, err := named(inputs, p.ByName("name"))
	if err != nil {
		return err
	}
	file, err := s.Spool.Job(j.ID).OpenInput(in.File)
	if err != nil {
		return missingFile(j, err)
	}
	defer file.Close()
	attachment(w, in.Name)
	return serveFile(w, r, file, in)
}

func named(files []job.Output, name string) (job.Output, error) {
	for _, f := range files {
		if f.Name == name {
			return f, nil
		}
	}
	return job.Output{}, fault.New(fault.NotFound, "The job has no file of this name.", "The job's document lists its files with their addresses.")
}

// missingFile says that a file is gone although its row is not.
func missingFile(j job.Job, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return filesAreGone(j)
	}
	return err
}

// serveFile serves a file that a stranger's program made: ranges, validation by its
// digest, and no chance to act in our origin.
func serveFile(w http.ResponseWriter, r *http.Request, file *os.File, f job.Output) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("ETag", `"`+f.SHA256+`"`)
	h.Set("Content-Security-Policy", sandboxed)
	h.Set("Cache-Control", "private, no-cache")
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", servedType(f.MediaType))
	}
	if strings.Count(r.Header.Get("Range"), ",") >= maxRanges {
		r.Header.Del("Range") // RFC 9110 14.2: too many small ranges may be ignored
	}
	http.ServeContent(w, r, "", info.ModTime(), file)
	return nil
}

// maxRanges is how many ranges of one request are honoured.
const maxRanges = 16

// servedType withholds the types that a browser would run.
func servedType(mediaType string) string {
	kind, _, err := mime.ParseMediaType(mediaType)
	if err != nil {
		return "application/octet-stream"
	}
	for _, active := range []string{"html", "xml", "svg", "script", "pdf", "flash"} {
		if strings.Contains(kind, active) {
			return "application/octet-stream"
		}
	}
	return mediaType
}

// attachment names the download (RFC 6266): the true name in filename* (RFC 8187), and
// for old programs one of plain ASCII.
func attachment(w http.ResponseWriter, name string) {
	plain := strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' || strings.ContainsRune(`"\%;`, c) {
			return '_'
		}
		return c
	}, name)
	value := `attachment; filename="` + plain + `"`
	if plain != name {
		value += "; filename*=UTF-8''" + extValue(name)
	}
	w.Header().Set("Content-Disposition", value)
}

// extValue escapes all but the attr-char of RFC 8187.
func extValue(name string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$&+-.^_`|~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}
