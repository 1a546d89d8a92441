package chaos

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"

	"convertd/cmd/convertd/chaos/verdict"
)

// pieces sends files as programs do that speak tus 1.0: bit by bit, and on from where the
// service has got to after everything that went wrong.
type pieces struct {
	*client
	random *rand.Rand
}

// errHungUp ends a piece in the middle.
var errHungUp = errors.New("hung up")

// send uploads a file and returns its id; "" when time ran out.
func (p *pieces) send(ctx context.Context, content []byte, told *verdict.Upload) (id string) {
	told.Size = int64(len(content))
	for ctx.Err() == nil {
		if id = p.create(ctx, len(content)); id == "" {
			return ""
		}
		if p.fill(ctx, id, content, told) {
			return id
		}
		told.Told = nil // the upload is gone: another one begins at nothing
	}
	return ""
}

// create asks for a place for a file until there is one.
func (p *pieces) create(ctx context.Context, size int) string {
	for wait := firstPause; ctx.Err() == nil; wait = min(2*wait, lastPause) {
		status, header := p.tus(ctx, http.MethodPost, "/api/v1/uploads", map[string]string{
			"Upload-Length": strconv.Itoa(size), "Upload-Metadata": "filename ZmlsZS0xLnR4dA==", // file-1.txt
		}, nil, 0)
		if status == http.StatusCreated {
			location := header.Get("Location")
			return location[1+lastSlash(location):]
		}
		pause(ctx, wait)
	}
	return ""
}

func lastSlash(path string) int { return bytes.LastIndexByte([]byte(path), '/') }

// fill sends pieces until the file is whole; false says that the upload is not there.
func (p *pieces) fill(ctx context.Context, id string, content []byte, told *verdict.Upload) bool {
	path, offset, known := "/api/v1/uploads/"+id, int64(0), true
	for wait := firstPause; ctx.Err() == nil; wait = min(2*wait, lastPause) {
		status, header := 0, http.Header(nil)
		if known {
			if offset == told.Size {
				return true
			}
			status, header = p.patch(ctx, path, content, offset)
		} else {
			status, header = p.tus(ctx, http.MethodHead, path, nil, nil, 0)
		}
		switch at, err := strconv.ParseInt(header.Get("Upload-Offset"), 10, 64); {
		case status == http.StatusNotFound || status == http.StatusGone:
			return false
		case (status == http.StatusNoContent || status == http.StatusOK) && err == nil:
			told.Told, offset, known, wait = append(told.Told, at), at, true, firstPause
			continue
		default:
			known = false // what arrived of a piece that was cut off is the service's to tell
		}
		pause(ctx, wait)
	}
	return true
}

// patch sends the next piece; every third hangs up in the middle of it.
func (p *pieces) patch(ctx context.Context, path string, content []byte, offset int64) (int, http.Header) {
	size := min(int64(1+p.random.IntN(len(content))), int64(len(content))-offset)
	piece := content[offset : offset+size]
	var body io.Reader = bytes.NewReader(piece)
	if p.random.IntN(3) == 0 {
		body = io.MultiReader(bytes.NewReader(piece[:size/2]), failing{})
	}
	return p.tus(ctx, http.MethodPatch, path, map[string]string{
		"Upload-Offset": strconv.FormatInt(offset, 10), "Content-Type": "application/offset+octet-stream",
	}, body, size)
}

// failing is a body that breaks off.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errHungUp }

// tus asks once; status 0 is a try that was cut off.
func (p *pieces) tus(ctx context.Context, method, path string, header map[string]string, body io.Reader, size int64) (int, http.Header) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+p.w.address+path, body)
	if err != nil {
		return 0, nil
	}
	r.ContentLength = size
	r.Header.Set("Tus-Resumable", "1.0.0")
	r.Header.Set("X-Remote-User", p.owner)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	res, err := p.http.Do(r)
	if err != nil {
		return 0, nil
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	if res.StatusCode >= 500 && res.StatusCode != http.StatusServiceUnavailable {
		p.w.complain(method + " " + path + " was answered " + res.Status)
	}
	return res.StatusCode, res.Header
}

// uploaded sends the only file of a job in pieces, and names it in a document.
func (p *worker) uploaded(ctx context.Context, r *verdict.Request, s *submission) bool {
	sender := &pieces{client: p.client, random: rand.New(rand.NewPCG(s.seed, 1))}
	var told verdict.Upload
	id := sender.send(ctx, s.files[0], &told)
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	r.Uploads = append(r.Uploads, told)
	s.document["inputs"] = []any{map[string]string{"upload": id}}
	return id != ""
}
