package webui_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"convertd/runner/fault"
	"convertd/webui/client"
)

// listener reads an event stream of the service in the background.
type listener struct {
	b      *bench
	events chan client.Event
	header http.Header
	stop   func()
}

func (b *bench) listen(link, lastID string) *listener {
	b.t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), patience)
	b.t.Cleanup(stop)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.base+link, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		b.t.Fatalf("%s: %d", link, response.StatusCode)
	}
	l := &listener{b: b, events: make(chan client.Event, 100), header: response.Header, stop: stop}
	go func() {
		defer close(l.events)
		defer response.Body.Close()
		l.read(bufio.NewScanner(response.Body))
	}()
	return l
}

func (l *listener) read(lines *bufio.Scanner) {
	var e client.Event
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "event":
			e.Name = value
		case "id":
			e.ID = value
		case "data":
			e.Data += value + "\n"
		case "":
			if e.Name != "" {
				l.events <- e
			}
			e = client.Event{}
		}
	}
}

// until returns the next event of a kind that contains the words.
func (l *listener) until(name, words string) client.Event {
	l.b.t.Helper()
	for e := range l.events {
		if e.Name == name && strings.Contains(e.Data, words) {
			return e
		}
	}
	l.b.t.Fatalf("the stream ended without %s with %q", name, words)
	return client.Event{}
}

func (l *listener) rest() (names []string) {
	for e := range l.events {
		names = append(names, e.Name)
	}
	return names
}

func (b *bench) writeLog(id string, attempt int, text string) {
	b.t.Helper()
	f, err := os.OpenFile(b.spool.Job(id).Log(attempt), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		b.t.Fatal(err)
	}
	_, err = f.WriteString(text)
	if err != nil || f.Close() != nil {
		b.t.Fatal(err)
	}
}

func TestEvents_tell_status_log_and_end(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.made()
	l := b.listen(j.Links.Events, "")
	if l.header.Get("Content-Type") != "text/event-stream" || l.header.Get("X-Accel-Buffering") != "no" {
		t.Errorf("%v", l.header)
	}
	if e := l.until("status", "queued"); e.ID != "0:0" {
		t.Errorf("first event %+v", e)
	}
	c := b.claim()
	b.writeLog(j.ID, 1, "one\ntwo\nhalf")
	b.status.put(running(c, 12))
	l.until("status", `"percent":12`)
	if e := l.until("log", "one"); e.Data != "one\ntwo\n" || e.ID != "1:8" {
		t.Errorf("log event %+v", e)
	}
	b.writeLog(j.ID, 1, " line\n")
	if e := l.until("log", "half"); e.Data != "half line\n" || e.ID != "1:18" {
		t.Errorf("log event %+v", e)
	}
	if err := os.WriteFile(b.spool.Job(j.ID).LogTail(1), []byte("tail\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	b.finish(c, fault.Succeeded, upload{"out.txt", "x"})
	done := running(c, 100)
	done.State, done.Done = "succeeded", true
	b.status.put(done)
	l.until("log", "tail")
	l.until("done", "succeeded")
	if rest := l.rest(); len(rest) > 0 {
		t.Errorf("after the end: %v", rest)
	}
}

func TestEvents_go_on_where_they_were(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.made()
	c := b.claim()
	b.writeLog(j.ID, 1, "one\ntwo\nthree\n")
	b.finish(c, fault.ConverterFailed)
	tests := []struct{ lastID, want string }{
		{"", "one\ntwo\nthree\n"}, {"1:4", "two\nthree\n"}, {"1:14", ""}, {"0:0", "one\ntwo\nthree\n"}, {"1:99", ""},
		// What is none of our ids begins at the present end.
		{"garbage", ""}, {"2:0", ""}, {"1:-5", ""}, {"1:99999999999999999999", ""},
	}
	for _, tt := range tests {
		l := b.listen(j.Links.Events, tt.lastID)
		got := ""
		for e := range l.events {
			if e.Name == "log" {
				got += e.Data
			}
		}
		if got != tt.want {
			t.Errorf("after %q: %q, want %q", tt.lastID, got, tt.want)
		}
	}
}

func TestEvents_end_when_the_job_is_deleted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.made()
	l := b.listen(j.Links.Events, "")
	l.until("status", "queued")
	b.status.put(running(b.claim(), 12))
	b.writeLog(j.ID, 1, "one\ntwo\n")
	l.until("log", "two")
	b.do(http.MethodDelete, j.Links.Self, nil)
	if e := l.until("done", ""); e.ID != "1:8" || e.Data != "{}\n" {
		t.Errorf("the end of a deleted job: %+v, want it where the log was", e)
	}
}

func TestEvents_of_several_jobs_and_of_a_group(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one := b.submit([]string{"recipe=copy", "group=new"}, upload{"a.txt", "1"}).job(t, 202)
	two := b.submit([]string{"recipe=copy", "group=" + *one.Group}, upload{"b.txt", "2"}).job(t, 202)
	byGroup := b.listen("/api/v1/events?group="+*one.Group, "")
	byID := b.listen(fmt.Sprintf("/api/v1/events?job=%s&job=%s", one.ID, two.ID), "")
	for range 2 {
		b.finish(b.claim(), fault.Succeeded, upload{"out.txt", "x"})
	}
	for _, l := range []*listener{byGroup, byID} {
		l.until("done", "")
	}
	for _, query := range []string{"", "?group=" + *one.Group + "&job=" + one.ID, "?group=x", "?job=x", "?" + strings.Repeat("job="+one.ID+"&", 51)} {
		if a := b.get("/api/v1/events" + query); a.StatusCode != 400 && a.StatusCode != 404 {
			t.Errorf("%.40s: %d", query, a.StatusCode)
		}
	}
}

func TestClient_submits_waits_follows_and_downloads(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c, err := client.New(b.base, adminToken)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	j, err := c.Submit(ctx, client.Submission{Recipe: "copy", Params: map[string][]string{"quality": {"3"}},
		Files: []client.SubmissionFile{{Name: "ü.txt", Open: opener("hello")}}, Key: "a-key-that-is-long-enough-for-all"})
	if err != nil || j.Inputs[0].Name != "ü.txt" || j.Links.Manage == "" {
		t.Fatalf("%+v, %v", j, err)
	}
	claimed := b.claim()
	b.writeLog(j.ID, 1, "a line\n")
	b.finish(claimed, fault.Succeeded, upload{"a b.txt", "result"})
	states := []string{}
	if err := c.Wait(ctx, j.ID, func(s client.Status) { states = append(states, s.State) }); err != nil || states[len(states)-1] != "succeeded" {
		t.Errorf("%v, %v", states, err)
	}
	var log strings.Builder
	if err := c.FollowLog(ctx, j.ID, &log); err != nil || log.String() != "a line\n" {
		t.Errorf("%q, %v", log.String(), err)
	}
	if j, err = c.Job(ctx, j.ID); err != nil {
		t.Fatal(err)
	}
	body, err := c.Open(ctx, j.Outputs[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if text := readString(t, body); text != "result" {
		t.Errorf("%q", text)
	}
	if _, err := c.Cancel(ctx, j.ID); !fault.Is(err, fault.AlreadyEnded) {
		t.Errorf("%v", err)
	}
	if err := c.Delete(ctx, j.ID); err != nil {
		t.Error(err)
	}
	if _, err := c.Job(ctx, j.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
}
