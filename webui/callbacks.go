package webui

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"unicode/utf8"

	"github.com/julienschmidt/httprouter"
	"golang.org/x/sys/unix"

	"convertd/runner/fault"
)

// pushed is what a called service tells about its progress.
type pushed struct {
	Percent *float64 `json:"percent"`
	Message string   `json:"message"`
}

var noSuchCallback = error(fault.New(fault.NotFound, "There is no such callback.", "It is of a job that has ended, or was written wrongly."))

// maxPushedMessage bounds a message in bytes; pages show less.
const maxPushedMessage = 1000

// pushProgress takes progress that a called service pushes and leaves it in the file that
// the runner of the attempt made for it. Who knows the token may; it is of no other use.
func (s *Server) pushProgress(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	token := p.ByName("token")
	if !isID(token) {
		return noSuchCallback
	}
	var told pushed
	if err := s.readJSON(w, r, &told); err != nil {
		return err
	}
	switch {
	case told.Percent == nil && told.Message == "":
		return fieldFault("percent", "The request tells neither percent nor message.", `Send {"percent": 40, "message": "rendering"}, or one of both.`)
	case told.Percent != nil && (*told.Percent < 0 || *told.Percent > 100):
		return fieldFault("percent", "The percent is not from 0 to 100.", "Send a share as 100 times its value.")
	case len(told.Message) > maxPushedMessage || !utf8.ValidString(told.Message):
		return fieldFault("message", "The message is longer than 1000 bytes.", "Send a short line of text.")
	}
	text, err := json.Marshal(told)
	if err != nil {
		return err
	}
	if err := overwrite(s.Spool.Callback(token), text); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return noSuchCallback
		}
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// overwrite writes a file that is there, never a new one: its end is the runner's to
// decide.
func overwrite(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return err
	}
	if err := f.Truncate(int64(len(text))); err != nil {
		return err
	}
	_, err = f.WriteAt(text, 0)
	return err
}
