package webui

import (
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"convertd/webui/auth"
)

// A stop waits for the first request of a connection that it has accepted, and no longer
// than its patience for one that never comes.
func TestStopWaitsForNewcomers(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]time.Duration{"a request comes": newcomerPatience / 2, "none comes": time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := net.Pipe()
			defer ours.Close()
			defer theirs.Close()
			c := &crowd{server: &Server{rates: newRates(Rates{})}}
			c.server.Guard = auth.New(auth.Options{})
			c.turn(ours, http.StateNew)
			timer := time.AfterFunc(after, func() { c.turn(ours, http.StateActive) })
			defer timer.Stop()
			begin := time.Now()
			c.awaitNewcomers(t.Context())
			if waited := time.Since(begin); waited < min(after, newcomerPatience) || waited > newcomerPatience+newcomerPatience/10 {
				t.Errorf("%s: waited %v", name, waited)
			}
		})
	}
}
