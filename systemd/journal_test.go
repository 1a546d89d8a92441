package systemd

import (
	"bytes"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
	"github.com/google/go-cmp/cmp"
)

func TestEntryOfTheJournal(t *testing.T) {
	t.Parallel()
	var message string
	var priority journal.Priority
	var fields map[string]string
	var text bytes.Buffer
	h := &journalHandler{text: slog.NewTextHandler(&text, nil), level: slog.LevelInfo,
		send: func(m string, p journal.Priority, f map[string]string) error {
			message, priority, fields = m, p, f
			return nil
		}}
	log := slog.New(h).With("job", "ABC", "recipe", "to-webp", "attempt", 2)
	log.WithGroup("step").Warn("odd", "name", "two words", slog.Group("at", "time", time.Unix(0, 0)), "empty-or not", "")
	if want := `odd job=ABC recipe=to-webp attempt=2 step.name="two words" step.at.time=1970-01-01T00:00:00Z step.empty-or not=""`; message != want {
		t.Errorf("message\n%s, want\n%s", message, want)
	}
	want := map[string]string{"CONVERTD_JOB": "ABC", "CONVERTD_RECIPE": "to-webp", "CONVERTD_ATTEMPT": "2",
		"CONVERTD_STEP_NAME": "two words", "CONVERTD_STEP_AT_TIME": "1970-01-01T00:00:00Z", "CONVERTD_STEP_EMPTY_OR_NOT": ""}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("fields -want +got\n%s", diff)
	}
	if priority != journal.PriWarning || text.Len() > 0 {
		t.Errorf("priority %d, on stderr %q", priority, &text)
	}
	fields = nil
	if log.Debug("nothing"); fields != nil {
		t.Error("a record below the level was sent")
	}
}

// What says several lines says them in one line: none can be forged by a name.
func TestAJournalThatIsAwayLosesNothing(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	h := &journalHandler{text: slog.NewTextHandler(&text, nil), level: slog.LevelInfo,
		send: func(string, journal.Priority, map[string]string) error { return errors.New("away") }}
	slog.New(h).With("job", "ABC").Info("job started", "name", "a\nlevel=ERROR msg=forged")
	if got := text.String(); !strings.Contains(got, `msg="job started" job=ABC name="a\nlevel=ERROR msg=forged"`) || strings.Count(got, "\n") != 1 {
		t.Errorf("stderr has %q", got)
	}
}

// Not parallel: it is about the process's environment.
func TestLogWithoutAJournalIsText(t *testing.T) {
	t.Setenv("JOURNAL_STREAM", "1:2")
	var text bytes.Buffer
	slog.New(NewLog(&text, slog.LevelInfo)).Info("hello", "job", "ABC")
	if !strings.Contains(text.String(), "msg=hello job=ABC") {
		t.Errorf("stderr has %q", &text)
	}
}

func TestALogThatHangsHangsNobody(t *testing.T) {
	t.Parallel()
	hung := make(chan struct{})
	b := newBound()
	for range mostHanging + 5 {
		go func() { _ = b.do(func() error { <-hung; return nil }) }()
	}
	for len(b.places) < mostHanging {
		runtime.Gosched()
	}
	if err := b.do(func() error { return nil }); !errors.Is(err, errLogHangs) {
		t.Errorf("an entry beside %d that hang: %v", mostHanging, err)
	}
	close(hung)
	for len(b.places) > 0 {
		runtime.Gosched()
	}
	if err := b.do(func() error { return nil }); err != nil {
		t.Errorf("an entry after the end of that: %v", err)
	}
}
