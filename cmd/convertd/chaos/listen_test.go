package chaos

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"convertd/cmd/convertd/chaos/verdict"
)

// listener follows jobs by their events, as a page that is left open does: its connection
// breaks now and then, and it goes on where it was.
type listener struct {
	*client
	random *rand.Rand
	seen   []verdict.Sighting
	heard  []verdict.Heard
}

// listen follows one job after another until ctx ends, and keeps what it heard.
func (w *world) listen(ctx context.Context, number int) {
	l := &listener{client: w.administrator(), random: w.stream(uint64(300 + number))}
	l.http.Timeout = 0 // a stream lasts
	for ctx.Err() == nil {
		if id := w.anyJob(l.random); id != "" {
			l.follow(ctx, id)
		}
		pause(ctx, 20*time.Millisecond)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sightings, w.heard = append(w.sightings, l.seen), append(w.heard, l.heard)
}

// follow hears a job to its end over some connections; the first begins at the beginning.
func (l *listener) follow(ctx context.Context, id string) {
	last := ""
	for range 6 {
		moment := time.Duration(200+l.random.IntN(3000)) * time.Millisecond
		part, cancel := context.WithTimeout(ctx, moment)
		done := l.connect(part, id, &last)
		cancel()
		if done || !pause(ctx, 50*time.Millisecond) {
			return
		}
	}
}

// connect listens until the connection ends; true says that the job has.
func (l *listener) connect(ctx context.Context, id string, last *string) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.w.address+"/api/v1/jobs/"+id+"/events", nil)
	if err != nil {
		return true
	}
	r.Header.Set("Authorization", "Bearer "+l.w.token)
	if *last != "" {
		r.Header.Set("Last-Event-ID", *last)
	}
	res, err := l.http.Do(r)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		raw, _ := io.ReadAll(res.Body)
		if res.StatusCode >= 500 && res.StatusCode != http.StatusServiceUnavailable {
			l.w.complain(fmt.Sprintf("the events of %s were answered %d: %.300s", id, res.StatusCode, raw))
		}
		return res.StatusCode == http.StatusNotFound
	}
	fresh := *last == ""
	lines := bufio.NewReader(res.Body)
	for {
		e, err := readEvent(lines)
		if err != nil {
			return false
		}
		if e.name == "" {
			continue
		}
		l.note(id, e, fresh)
		fresh, *last = false, e.id
		if e.name == "done" {
			return true
		}
	}
}

// event is one of a stream of server-sent events.
type event struct {
	name, id string
	data     []string
}

// readEvent reads up to an empty line; an event that is cut off is none.
func readEvent(lines *bufio.Reader) (event, error) {
	var e event
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return e, err
		}
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			return e, nil
		}
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			e.data = append(e.data, value)
		}
	}
}

// note keeps what an event said.
func (l *listener) note(id string, e event, fresh bool) {
	attempt, offset, ok := strings.Cut(e.id, ":")
	n, err1 := strconv.Atoi(attempt)
	at, err2 := strconv.ParseInt(offset, 10, 64)
	if !ok || err1 != nil || err2 != nil {
		l.w.complain(fmt.Sprintf("an event %s of %s has the id %q", e.name, id, e.id))
		return
	}
	h := verdict.Heard{Job: id, Attempt: n, Offset: at, Fresh: fresh}
	if e.name == "log" {
		for _, line := range e.data {
			h.Bytes += int64(len(line)) + 1
		}
	}
	l.heard = append(l.heard, h)
	var j jobDocument
	if e.name == "log" || json.Unmarshal([]byte(strings.Join(e.data, "\n")), &j) != nil || j.ID == "" {
		return
	}
	l.seen = append(l.seen, verdict.Sighting{Job: id, State: j.State, Done: j.Done, Attempt: j.Attempt, Percent: j.Percent})
}
