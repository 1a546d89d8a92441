package systemd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
)

// fieldPrefix begins the journal fields of attributes: `journalctl CONVERTD_JOB=ID` finds
// what was logged about one job.
const fieldPrefix = "CONVERTD_"

// NewLog returns the handler for a program's log: the journal with every attribute as a
// field of its own when stderr is connected to it, else text on stderr. An entry that the
// journal does not take, because it is away, goes to stderr as text too.
func NewLog(stderr io.Writer, level slog.Leveler) slog.Handler {
	text := slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level})
	connected, err := journal.StderrIsJournalStream()
	// No step may find out that there is a journal.
	unset := os.Unsetenv("JOURNAL_STREAM")
	if err != nil || unset != nil || !connected {
		return text
	}
	survivePipe()
	toJournal, toStderr := newBound(), newBound()
	return &journalHandler{
		text:  slog.NewTextHandler(boundWriter{stderr, toStderr}, &slog.HandlerOptions{Level: level}),
		level: level,
		send: func(message string, priority journal.Priority, fields map[string]string) error {
			return toJournal.do(func() error { return journal.Send(message, priority, fields) })
		},
	}
}

// survivePipe keeps a write to a stderr that nobody reads any more from ending the
// process. The signal is heard and not ignored, so that children have it as usual.
func survivePipe() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// bound keeps a log that hangs from hanging the program: what takes too long is left to
// itself, and what comes while too much of that is about is dropped.
type bound struct{ places chan struct{} }

// The most that hangs at once, and how long one entry is waited for.
const (
	mostHanging = 64
	logPatience = 200 * time.Millisecond
)

var errLogHangs = errors.New("the log does not take entries")

func newBound() bound { return bound{make(chan struct{}, mostHanging)} }

func (b bound) do(write func() error) error {
	select {
	case b.places <- struct{}{}:
	default:
		return errLogHangs
	}
	done := make(chan error, 1)
	go func() {
		done <- write()
		<-b.places
	}()
	late := time.NewTimer(logPatience)
	defer late.Stop()
	select {
	case err := <-done:
		return err
	case <-late.C:
		return errLogHangs
	}
}

// boundWriter is a writer that does not hang.
type boundWriter struct {
	io.Writer
	bound
}

// Write passes on a copy: the caller uses its buffer again.
func (w boundWriter) Write(p []byte) (int, error) {
	line := slices.Clone(p)
	return len(p), w.do(func() error {
		_, err := w.Writer.Write(line)
		return err
	})
}

// journalHandler writes slog records in the journal's native protocol
// (systemd.io/JOURNAL_NATIVE_PROTOCOL).
type journalHandler struct {
	// text takes what the journal does not.
	text  slog.Handler
	level slog.Leveler
	send  func(message string, priority journal.Priority, fields map[string]string) error
	// attrs are those of With, their keys preceded by the groups they were given in.
	attrs []slog.Attr
	group string
}

// Enabled implements slog.Handler.
func (h *journalHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level()
}

// WithAttrs implements slog.Handler.
func (h *journalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.text = h.text.WithAttrs(attrs)
	with.attrs = slices.Clip(h.attrs)
	for _, attr := range attrs {
		with.attrs = append(with.attrs, slog.Attr{Key: h.group + attr.Key, Value: attr.Value})
	}
	return &with
}

// WithGroup implements slog.Handler.
func (h *journalHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	with := *h
	with.text, with.group = h.text.WithGroup(name), h.group+name+"."
	return &with
}

// Handle implements slog.Handler.
func (h *journalHandler) Handle(ctx context.Context, r slog.Record) error {
	entry := entry{fields: map[string]string{}}
	entry.message.WriteString(r.Message)
	for _, attr := range h.attrs {
		entry.add("", attr)
	}
	r.Attrs(func(attr slog.Attr) bool {
		entry.add(h.group, attr)
		return true
	})
	if h.send(entry.message.String(), priorityOf(r.Level), entry.fields) != nil {
		return h.text.Handle(ctx, r)
	}
	return nil
}

// entry is one entry as it grows: the attributes follow the message as NAME=VALUE, for
// those who read the journal as it is shown, and are fields, for those who search it.
type entry struct {
	message strings.Builder
	fields  map[string]string
}

func (e *entry) add(group string, attr slog.Attr) {
	value := attr.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if attr.Key != "" {
			group += attr.Key + "."
		}
		for _, inner := range value.Group() {
			e.add(group, inner)
		}
		return
	}
	if attr.Equal(slog.Attr{}) {
		return
	}
	key, text := group+attr.Key, value.String()
	if value.Kind() == slog.KindTime {
		text = value.Time().UTC().Format(time.RFC3339Nano)
	}
	shown := text
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == '"' || r == '=' || r == 0x7f }) {
		shown = fmt.Sprintf("%q", text)
	}
	e.message.WriteString(" " + key + "=" + shown)
	e.fields[fieldName(key)] = text
}

// fieldName makes a name as the journal takes them: capitals, digits, underscores.
func fieldName(key string) string {
	return fieldPrefix + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z' || r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, key)
}

func priorityOf(level slog.Level) journal.Priority {
	switch {
	case level >= slog.LevelError:
		return journal.PriErr
	case level >= slog.LevelWarn:
		return journal.PriWarning
	case level >= slog.LevelInfo:
		return journal.PriInfo
	}
	return journal.PriDebug
}
