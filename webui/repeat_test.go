package webui_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"convertd/runner/fault"
)

// keyed sends the same JSON request with one key.
func (b *bench) keyed(body string) answer {
	b.t.Helper()
	return b.do(http.MethodPost, "/api/v1/jobs", strings.NewReader(body), "Content-Type: application/json", "Idempotency-Key: a-key-that-is-long-enough-for-all")
}

// The answer to a submission may have been lost; what it named is used up or changed since.
func TestSubmit_repeated_names_its_job_although_what_it_named_has_changed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		// begin returns the request, change what happens before it is repeated.
		begin  func(b *bench) string
		change func(b *bench)
	}{
		{"an upload that was used up", func(b *bench) string {
			link := b.begin(5)
			b.piece(link, 0, []byte("hello"))
			return fmt.Sprintf(`{"to": "copy", "inputs": [{"upload": %q}]}`, link[strings.LastIndex(link, "/")+1:])
		}, func(*bench) {}},
		{"an output that has come", func(b *bench) string {
			return fmt.Sprintf(`{"recipe": "copy", "inputs": [{"job": %q, "output": "out.txt"}]}`, b.made().ID)
		}, func(b *bench) { b.finish(b.claim(), fault.Succeeded, upload{"out.txt", "made"}) }},
		{"an output whose job is deleted", func(b *bench) string {
			return fmt.Sprintf(`{"recipe": "copy", "inputs": [{"job": %q, "output": "out.txt"}]}`, b.done(upload{"out.txt", "made"}).ID)
		}, func(b *bench) {
			if _, err := b.db.Exec(`update job set deleted_at = now() where state = 'succeeded'`); err != nil {
				b.t.Fatal(err)
			}
		}},
		{"a job before it that is deleted", func(b *bench) string {
			return fmt.Sprintf(`{"recipe": "button", "after": [%q]}`, b.done(upload{"out.txt", "made"}).ID)
		}, func(b *bench) {
			if _, err := b.db.Exec(`update job set deleted_at = now() where state = 'succeeded'`); err != nil {
				b.t.Fatal(err)
			}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			body := row.begin(b)
			first := b.keyed(body).job(t, http.StatusAccepted)
			row.change(b)
			if again := b.keyed(body).job(t, http.StatusAccepted); again.ID != first.ID {
				t.Errorf("the same request made %s after %s", again.ID, first.ID)
			}
			other := strings.Replace(body, `"inputs"`, `"params": {"quality": 1}, "inputs"`, 1)
			if other != body {
				b.keyed(other).problemOf(t, fault.IdempotencyMismatch)
			}
		})
	}
}
