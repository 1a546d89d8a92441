package webui

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"convertd/runner/progress"
)

// heard answers with the same document always.
type heard struct{ document []byte }

func (h heard) Get(_ context.Context, ids []string) (map[string][]byte, error) {
	return map[string][]byte{ids[0]: h.document}, nil
}

// While the database is away memcached may still hold what a dispatcher could not overwrite.
func TestBoardNeverGoesBackWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	const id, told = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "what memcached says"
	ended := view{body: []byte("ended"), known: true, done: true, attempt: 1}
	runs := view{body: []byte("runs"), known: true, live: true, attempt: 1}
	rows := []struct {
		name string
		read *view // what the row said before, nil for never read
		want string
	}{
		{"the job had ended", &ended, "ended"},
		{"the job ran", &runs, told},
		{"a process that has just been started", nil, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			document, err := json.Marshal(progress.Status{ID: id, State: "running", Attempt: 1, UpdatedAt: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			want := row.want
			if want == told {
				want = string(document)
			}
			away := errors.New("away")
			b := newBoard(heard{document}, func(context.Context, string) (view, error) { return view{}, away })
			if row.read != nil {
				b.rows[id] = *row.read // read longer ago than it is served again for
			}
			v, err := b.get(t.Context(), id)
			if string(v.body) != want || (err != nil) != (want == "") {
				t.Errorf("%q, %v; want %q", v.body, err, want)
			}
		})
	}
}
