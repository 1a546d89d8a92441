package webui

import "context"

// Status has the documents that runners and dispatcher write (runner/progress/store). A
// miss or an error is no failure: the row is the truth.
type Status interface {
	Get(ctx context.Context, ids []string) (map[string][]byte, error)
}
