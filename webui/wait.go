package webui

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"convertd/runner/fault"
	"convertd/sql/job"
)

// maxWait bounds Prefer: wait.
const maxWait = time.Minute

// preferredWait reads the wait preference (RFC 7240), 0 for none.
func preferredWait(r *http.Request) (time.Duration, error) {
	for _, line := range r.Header.Values("Prefer") {
		for preference := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(preference, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "wait") {
				continue
			}
			value, _, _ = strings.Cut(value, ";")
			n, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 31)
			if err != nil {
				return 0, fault.New(fault.Invalid, "The preference to wait is not a number of seconds.", "Send Prefer: wait=30, at most 60.")
			}
			return min(time.Duration(n)*time.Second, maxWait), nil
		}
	}
	return 0, nil
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// waitForEnd returns the job when it has ended, or as it is after the wait.
func (s *Server) waitForEnd(ctx context.Context, j job.Job, wait time.Duration) (job.Job, error) {
	if j.State.Ended() {
		return j, nil
	}
	patience, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	watch := s.hub.watch([]string{j.ID})
	defer watch.close()
	for {
		select {
		case <-watch.changed:
			if watch.take()[j.ID].done {
				return s.Jobs.Find(ctx, j.ID)
			}
		case <-patience.Done():
			return s.Jobs.Find(ctx, j.ID) // fails if the client is gone
		case <-s.stopping:
			return s.Jobs.Find(ctx, j.ID)
		}
	}
}
