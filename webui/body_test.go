package webui

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"
)

// TestSteadyBody_takes_back_what_it_promised whether the body came, broke off or was given
// up: room on the disk is not refused for uploads that are over.
func TestSteadyBody_takes_back_what_it_promised(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]io.Reader{
		"whole":    strings.NewReader("0123456789"),
		"broken":   io.MultiReader(strings.NewReader("012"), iotest.ErrReader(io.ErrUnexpectedEOF)),
		"too long": strings.NewReader("0123456789abc"),
		"empty":    strings.NewReader(""),
	} {
		var all atomic.Int64
		all.Store(5) // another upload
		b := &steadyBody{body: io.NopCloser(source), control: http.NewResponseController(httptest.NewRecorder()), idle: time.Minute,
			promised: &all, left: 10}
		all.Add(10) // as reserve does
		if all.Load() != 15 {
			t.Errorf("%s: %d promised at the beginning", name, all.Load())
		}
		_, _ = b.Read(make([]byte, 3))
		if n := all.Load(); n != 12 && name != "empty" {
			t.Errorf("%s: %d promised after 3 bytes", name, n)
		}
		_, _ = io.Copy(io.Discard, b)
		_ = b.Close()
		_ = b.Close()
		if all.Load() != 5 {
			t.Errorf("%s: %d promised at the end", name, all.Load())
		}
	}
}
