package webui

import (
	"bytes"
	"io"
	"mime"
	"slices"
	"strings"
	"unicode/utf8"

	"convertd/sql/job"
	pages "convertd/webui/page"
)

const (
	// maxPlayed is how many films and sounds a card plays.
	maxPlayed = 3
	// excerptBytes and excerptLines bound what a card shows of a text.
	excerptBytes = 2000
	excerptLines = 12
)

// addShown adds to a result what its card shows of it besides pictures: players for films
// and sounds that browsers know, and the beginning of a text where there is nothing else.
func (s *Server) addShown(j job.Job, result *pages.Result) {
	if filesGone(j) {
		return
	}
	for i, out := range j.Outputs {
		kind, _, _ := mime.ParseMediaType(out.MediaType)
		switch {
		case len(result.Films)+len(result.Sounds) >= maxPlayed:
			return
		case kind == "video/mp4" || kind == "video/webm":
			result.Films = append(result.Films, result.Files[i])
		case strings.HasPrefix(kind, "audio/"):
			result.Sounds = append(result.Sounds, result.Files[i])
		}
	}
	if len(result.Films)+len(result.Sounds)+len(result.Pictures) > 0 {
		return
	}
	first := slices.IndexFunc(j.Outputs, func(out job.Output) bool { return isText(out.MediaType) })
	if first >= 0 {
		result.Excerpt, result.ExcerptOf = s.excerpt(j, j.Outputs[first]), j.Outputs[first].Name
	}
}

func isText(mediaType string) bool {
	kind, _, _ := mime.ParseMediaType(mediaType)
	return strings.HasPrefix(kind, "text/") || kind == "application/json"
}

// excerpt is the beginning of a text, "" for one that is none or cannot be read: the
// download tells why.
func (s *Server) excerpt(j job.Job, out job.Output) string {
	file, err := s.Spool.Job(j.ID).OpenOutput(j.Attempt, out.File)
	if err != nil {
		return ""
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, excerptBytes))
	if err != nil {
		return ""
	}
	whole := len(text) < excerptBytes
	for cut := 0; cut < utf8.UTFMax && !utf8.Valid(text) && len(text) > 0; cut++ {
		text = text[:len(text)-1] // the limit may have cut a character
	}
	if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		return ""
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	// A text that ends with a line has an empty piece after it.
	whole = whole && (len(lines) <= excerptLines || len(lines) == excerptLines+1 && len(lines[excerptLines]) == 0)
	shown := strings.TrimRight(string(bytes.Join(lines[:min(len(lines), excerptLines)], nil)), "\r\n")
	if !whole {
		shown += " …"
	}
	return shown
}
