package webui

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/fault"
	"convertd/webui/auth"
)

const (
	// streamAge is how long an event stream lives; browsers connect again by themselves.
	streamAge = 30 * time.Minute
	// streamPulse is how often a comment keeps proxies from closing a silent stream.
	streamPulse = 15 * time.Second
	// streamWrite is how long a client may take nothing before it is dropped.
	streamWrite = 10 * time.Second
	// streamRetry is what browsers wait before they connect again, in milliseconds.
	streamRetry = "2000"
	// logTick is how often a log is looked at for more.
	logTick = 250 * time.Millisecond
	// maxStreamJobs bounds the jobs of one stream.
	maxStreamJobs = 50
)

// stream writes server-sent events (WHATWG HTML 9.2) to one client.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	buffer  bytes.Buffer
	// leave gives its place to another.
	leave func()
	// err is why nothing can be sent any more.
	err error
}

// openStream begins an event stream, or refuses when there are too many. The caller
// calls leave.
func (s *Server) openStream(w http.ResponseWriter, r *http.Request) (*stream, error) {
	leave, err := s.takeStream(s.Guard.Address(r))
	if err != nil {
		return nil, err
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	if paced, ok := w.(*response); ok {
		paced.pace = min(paced.pace, streamWrite)
	}
	w.WriteHeader(http.StatusOK)
	st := &stream{w: w, control: http.NewResponseController(w), leave: leave}
	st.buffer.WriteString("retry: " + streamRetry + "\n\n")
	return st, nil
}

// takeStream takes a place among all event streams, and one of the address.
func (s *Server) takeStream(addr netip.Addr) (leave func(), err error) {
	free, network := s.rates.free(addr), auth.Network(addr)
	if !free && !s.rates.streams.Open(network) {
		return nil, slowDown("event streams at once", streamWrite)
	}
	giveBack := func() {
		if !free {
			s.rates.streams.Close(network)
		}
	}
	select {
	case s.streams <- struct{}{}:
		return func() { giveBack(); <-s.streams }, nil
	default:
		giveBack()
		return nil, fault.New(fault.Unavailable, "Too many event streams are open.", "Poll the status instead, or connect again later.")
	}
}

// event adds one event; send makes the client see it. A line end in data would end the
// field, so each line becomes a field of its own.
func (st *stream) event(name, id string, data []byte) {
	st.buffer.WriteString("event: " + name + "\n")
	if id != "" {
		st.buffer.WriteString("id: " + id + "\n")
	}
	data = bytes.ReplaceAll(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"), nil)
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		st.buffer.WriteString("data: ")
		st.buffer.Write(line)
		st.buffer.WriteByte('\n')
	}
	st.buffer.WriteByte('\n')
}

func (st *stream) pulse() { st.buffer.WriteString(":\n\n") }

// send writes what was added. A client that takes nothing for a while is given up.
func (st *stream) send() error {
	if st.buffer.Len() == 0 || st.err != nil {
		return st.err
	}
	if _, st.err = st.w.Write(st.buffer.Bytes()); st.err == nil {
		st.err = st.control.Flush()
	}
	st.buffer.Reset()
	return st.err
}

// jobEvents streams status and log of one job.
func (s *Server) jobEvents(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	j, err := s.find(r.Context(), p)
	if err != nil {
		return err
	}
	now, err := s.board.get(r.Context(), j.ID)
	if err != nil {
		return err
	}
	if !now.known {
		return noSuchJob
	}
	// Either may have been read before a claim and the other behind it.
	log := followLog(s.Spool.Job(j.ID), max(j.Attempt, now.attempt), r.Header.Get("Last-Event-ID"))
	defer log.close()
	log.silent = r.URL.Query().Get("log") == "0"
	st, err := s.openStream(w, r)
	if err != nil {
		return err
	}
	defer st.leave()
	watch := s.hub.watch([]string{j.ID})
	defer watch.close()
	f := follower{stream: st, log: log, last: view{}}
	f.status(now)
	_ = s.follow(r.Context(), &f, watch) // the client is gone, or the stream is over
	return nil
}

// follower tells one client of one job.
type follower struct {
	stream *stream
	log    *logFollower
	last   view
}

// status adds a status event if it says something new, and the end if it is one.
func (f *follower) status(v view) {
	if v.tag == f.last.tag && v.known == f.last.known {
		return
	}
	f.last = v
	if !v.known { // deleted: nothing of its log is told any more, and its place is kept
		f.stream.event("done", f.log.id(), []byte("{}"))
		return
	}
	f.log.turnTo(v.attempt)
	f.stream.event("status", f.log.id(), v.body)
	if !f.over() {
		return
	}
	f.log.finish()
	f.more()
	f.stream.event("done", f.log.id(), v.body)
}

// more adds what the log has got.
func (f *follower) more() {
	for {
		text := f.log.next()
		if len(text) == 0 {
			return
		}
		f.stream.event("log", f.log.id(), text)
		if f.stream.send() != nil {
			return // the next send reports it
		}
	}
}

func (f *follower) over() bool { return f.last.done || !f.last.known }

// follow streams until the job is done, the client gone or the stream old.
func (s *Server) follow(ctx context.Context, f *follower, watch *watch) error {
	end := time.NewTimer(streamAge)
	defer end.Stop()
	pulse := time.NewTicker(streamPulse)
	defer pulse.Stop()
	logs := time.NewTicker(logTick)
	defer logs.Stop()
	for {
		if err := f.stream.send(); err != nil || f.over() {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end.C:
			return nil
		case <-s.stopping:
			return nil
		case <-watch.changed:
			for _, v := range watch.take() {
				f.status(v)
			}
		case <-logs.C:
			f.more()
		case <-pulse.C:
			f.stream.pulse()
		}
	}
}

// events streams the statuses of several jobs: those of a group, or up to 50 by id.
func (s *Server) events(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	query := r.URL.Query()
	group, ids := query.Get("group"), query["job"]
	if (group == "") == (len(ids) == 0) || len(ids) > maxStreamJobs {
		return fault.New(fault.Invalid, fmt.Sprintf("Name one group, or 1 to %d jobs.", maxStreamJobs), "Add ?group=ID or ?job=ID&job=ID.")
	}
	if group != "" {
		var err error
		if ids, err = s.groupJobs(r.Context(), group); err != nil {
			return err
		}
	}
	for _, id := range ids {
		if !isID(id) {
			return noSuchJob
		}
	}
	st, err := s.openStream(w, r)
	if err != nil {
		return err
	}
	defer st.leave()
	_ = s.followAll(r.Context(), &flock{stream: st, group: group, ids: ids, last: map[string]view{}})
	return nil
}

// flock tells one client of several jobs.
type flock struct {
	stream *stream
	group  string
	ids    []string
	last   map[string]view
}

func (f *flock) status(id string, v view) {
	if before, ok := f.last[id]; ok && before.tag == v.tag {
		return
	}
	f.last[id] = v
	if v.known {
		f.stream.event("status", "", v.body)
	}
}

// over reports whether all jobs have ended, and tells the client.
func (f *flock) over() bool {
	for _, id := range f.ids {
		if !f.last[id].done {
			return false
		}
	}
	f.stream.event("done", "", []byte("{}"))
	return true
}

// regroup is how often a group is asked for jobs that joined it.
const regroup = 5 * time.Second

// followAll streams until all jobs are done, the client gone or the stream old. A group
// may grow meanwhile.
func (s *Server) followAll(ctx context.Context, f *flock) error {
	ctx, cancel := context.WithTimeout(ctx, streamAge)
	defer cancel()
	for {
		grown, err := s.followSet(ctx, f)
		if err != nil || !grown {
			return err
		}
	}
}

// followSet follows the jobs that are known; it returns true when the group has others.
func (s *Server) followSet(ctx context.Context, f *flock) (grown bool, err error) {
	watch := s.hub.watch(f.ids)
	defer watch.close()
	pulse := time.NewTicker(streamPulse)
	defer pulse.Stop()
	again := time.NewTicker(regroup)
	defer again.Stop()
	for {
		if f.over() {
			return false, f.stream.send()
		}
		if err := f.stream.send(); err != nil {
			return false, err
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-s.stopping:
			return false, nil
		case <-watch.changed:
			for id, v := range watch.take() {
				f.status(id, v)
			}
		case <-again.C:
			if ids, err := s.members(ctx, f); err == nil && !slices.Equal(ids, f.ids) {
				f.ids = ids
				return true, nil
			}
		case <-pulse.C:
			f.stream.pulse()
		}
	}
}

func (s *Server) members(ctx context.Context, f *flock) ([]string, error) {
	if f.group == "" {
		return f.ids, nil
	}
	return s.groupJobs(ctx, f.group)
}

// parseEventID reads ATTEMPT:LOG_OFFSET; ok is false for anything else.
func parseEventID(id string) (attempt int, offset int64, ok bool) {
	a, o, found := strings.Cut(id, ":")
	attempt, errA := strconv.Atoi(a)
	offset, errO := strconv.ParseInt(o, 10, 64)
	return attempt, offset, found && errA == nil && errO == nil && attempt >= 0 && offset >= 0
}
