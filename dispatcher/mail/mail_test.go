package mail

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"convertd/runner/fault"
	"convertd/runner/spool"
	"convertd/sql/db"
	"convertd/sql/dbtest"
	"convertd/sql/outbox"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

// bundle is a sender between a real database and a real SMTP server.
type bundle struct {
	t      *testing.T
	office *postOffice
	owed   *outbox.Store
	db     *db.DB
	spool  spool.Spool
	sender *Sender

	mu    sync.Mutex
	clock time.Time
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{t: t, office: newPostOffice(t), db: dbtest.Open(t), spool: spool.New(t.TempDir())}
	b.owed = outbox.NewStore(b.db)
	b.sender = NewSender(Config{
		SMTP: b.office.address, From: "convertd@studio.example", Admin: "admin@studio.example",
		PerHour: 3, AttachLimit: 1000, BaseURL: "https://convert.studio.example",
	}, b.owed, b.spool, slog.New(slog.DiscardHandler))
	b.sender.Poll, b.sender.Retry = 10*time.Millisecond, 20*time.Millisecond
	b.sender.now = b.now
	return b
}

func (b *bundle) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.clock.IsZero() {
		return time.Now()
	}
	return b.clock
}

// at sets the sender's clock; the rows' clock is the database's.
func (b *bundle) at(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock = now
}

func (b *bundle) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); b.sender.Run(ctx) }()
	b.t.Cleanup(func() { cancel(); <-done })
}

// owe adds a failure whose input lies in the spool.
func (b *bundle) owe(change ...func(*Failure)) Failure {
	b.t.Helper()
	f := Failure{
		Job: rand.Text(), Recipe: "to-webp", Class: fault.BadInput, Detail: "The picture is cut short.",
		Hint: "Send it again.", Step: "convert", Ended: "exit status 1", Attempts: 1,
		Inputs: []File{{File: "1.png", Name: "a picture.png", Size: 5}}, LogTail: []string{"line one", "line two"},
		Usage: Usage{WallSeconds: 1.5, CPUSeconds: 1.2, PeakMemoryBytes: 3 << 20},
		At:    time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC), KeptUntil: time.Date(2026, 11, 29, 4, 0, 0, 0, time.UTC),
	}
	for _, c := range change {
		c(&f)
	}
	in := b.spool.Job(f.Job).In()
	if err := os.MkdirAll(in, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(in, "1.png"), []byte("PNG!!"), 0o644); err != nil {
		b.t.Fatal(err)
	}
	payload, err := Marshal(f)
	if err != nil {
		b.t.Fatal(err)
	}
	draft := outbox.Draft{Kind: KindFailure, To: "admin@studio.example", Attach: true, Payload: payload}
	if err := b.owed.Owe(context.Background(), f.Job+"."+KindFailure, draft); err != nil {
		b.t.Fatal(err)
	}
	return f
}

// await waits until the office has n mails.
func (b *bundle) await(n int) []parsed {
	b.t.Helper()
	deadline, look := time.NewTimer(30*time.Second), time.NewTicker(5*time.Millisecond)
	defer deadline.Stop()
	defer look.Stop()
	for len(b.office.mails()) < n {
		select {
		case <-deadline.C:
			b.t.Fatalf("%d mails arrived, want %d", len(b.office.mails()), n)
		case <-look.C:
		}
	}
	var all []parsed
	for _, m := range b.office.mails() {
		all = append(all, parse(b.t, m))
	}
	return all
}

type parsed struct {
	id, subject, to, body string
	attached              map[string]string
}

func parse(t *testing.T, raw string) parsed {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	p := parsed{id: m.Header.Get("Message-ID"), subject: subject, to: m.Header.Get("To"), attached: map[string]string{}}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(kind, "multipart/") {
		p.body = read(t, quotedprintable.NewReader(m.Body))
		return p
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return p
		}
		if err != nil {
			t.Fatal(err)
		}
		if part.FileName() != "" {
			p.attached[part.FileName()] = read(t, part)
			continue
		}
		p.body = read(t, quotedprintable.NewReader(part))
	}
}

func read(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), "\r\n", "\n")
}

func TestFailureMail(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f := b.owe(func(f *Failure) { f.Advice = []string{"It probably could not read /srv/luts."} })
	b.run()
	m := b.await(1)[0]
	if m.subject != "[convertd] to-webp failed (bad_input)" || m.to != "<admin@studio.example>" {
		t.Errorf("subject %q to %q", m.subject, m.to)
	}
	if want := "<" + f.Job + ".failure@studio.example>"; m.id != want {
		t.Errorf("Message-ID %s, want %s", m.id, want)
	}
	for _, want := range []string{"The picture is cut short.\nSend it again.\n", "  line one\n  line two\n", "did not have:\n  It probably could not read /srv/luts.\n", "1.5 s, 1.2 s of processor time, at most 3.0 MiB",
		"convertd replay " + f.Job, "https://convert.studio.example/jobs/" + f.Job, "“a picture.png”", "exit status 1", "are attached"} {
		if !strings.Contains(m.body, want) {
			t.Errorf("the body lacks %q:\n%s", want, m.body)
		}
	}
	if got := m.attached["1.png"]; strings.TrimSpace(got) != "UE5HISE=" || len(m.attached) != 1 {
		t.Errorf("attached %q", m.attached)
	}
}

func faultLargeInput(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.sender.config.Load().AttachLimit = 4
	f := b.owe()
	b.run()
	m := b.await(1)[0]
	if len(m.attached) != 0 || !strings.Contains(m.body, "https://convert.studio.example/api/v1/jobs/"+f.Job+"/inputs/a%20picture.png\n") {
		t.Errorf("attached %q, body:\n%s", m.attached, m.body)
	}
}

func faultAttachmentRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.office.refuse = func(message string) error {
		if strings.Contains(message, "1.png\"") {
			return &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 3, 4}, Message: "too big"}
		}
		return nil
	}
	f := b.owe()
	b.run()
	m := b.await(1)[0]
	if len(m.attached) != 0 || !strings.Contains(m.body, "/inputs/a%20picture.png\n") || !strings.Contains(m.id, f.Job) {
		t.Errorf("attached %q, id %s, body:\n%s", m.attached, m.id, m.body)
	}
}

func faultServerDown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.office.close()
	b.owe()
	b.run()
	var tries int
	for deadline := time.Now().Add(30 * time.Second); tries < 3; {
		if err := b.db.Get(&tries, `select max(tries) from outbox`); err != nil || time.Now().After(deadline) {
			t.Fatalf("tries %d, %v", tries, err)
		}
	}
	b.office.open()
	if mails := b.await(1); len(mails) != 1 {
		t.Errorf("%d mails, want one", len(mails))
	}
}

func faultTemporary(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refused := 0
	b.office.refuse = func(string) error {
		if refused++; refused <= 2 {
			return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "later"}
		}
		return nil
	}
	b.owe()
	b.run()
	if m := b.await(1)[0]; len(m.attached) != 1 {
		t.Errorf("a temporary refusal cost the attachment: %q", m.attached)
	}
}

func TestWithdrawnFilesAreNotAttached(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.owe()
	if _, err := b.db.Exec(`update outbox set attach = false`); err != nil {
		t.Fatal(err)
	}
	b.run()
	if m := b.await(1)[0]; len(m.attached) != 0 {
		t.Errorf("attached %q", m.attached)
	}
}

// faultManyFailures has many failures of two kinds within one hour.
func faultManyFailures(t *testing.T) {
	t.Parallel()
	b := setup(t)
	base := time.Now()
	b.at(base)
	want := map[string]bool{}
	for i := range 12 {
		f := b.owe(func(f *Failure) {
			if i%4 == 0 {
				f.Class, f.Detail = fault.Timeout, "It ran longer than 10 s."
			}
		})
		want[f.Job] = true
	}
	b.run()
	first := b.await(2)
	if first[0].subject == first[1].subject {
		t.Errorf("the first of each kind has the subjects %q, %q", first[0].subject, first[1].subject)
	}
	waiting := `select count(*) from outbox where due_at > now() and tries = 0`
	for deadline, n := time.Now().Add(30*time.Second), 0; n != 10; {
		if err := b.db.Get(&n, waiting); err != nil || time.Now().After(deadline) {
			t.Fatalf("%d failures wait for the digest, want 10: %v", n, err)
		}
	}
	// The hour ends: for the sender by its clock, for the rows by being due.
	b.at(base.Truncate(time.Hour).Add(time.Hour + time.Second))
	if _, err := b.db.Exec(`update outbox set due_at = now() where due_at > now() and tries = 0`); err != nil {
		t.Fatal(err)
	}
	mails := b.await(3)
	named := map[string]string{}
	for _, m := range mails {
		for _, id := range regexp.MustCompile(`/jobs/([A-Z2-7]{26})\b`).FindAllStringSubmatch(m.body, -1) {
			if other, ok := named[id[1]]; ok && other != m.id {
				t.Errorf("job %s is named in %s and %s", id[1], other, m.id)
			}
			named[id[1]] = m.id
		}
	}
	if len(named) != len(want) {
		t.Errorf("%d jobs are named, want %d", len(named), len(want))
	}
	if len(mails) != 3 || !strings.Contains(mails[2].subject, "10 more failed jobs") {
		t.Errorf("%d mails, the last about %q", len(mails), mails[len(mails)-1].subject)
	}
}

func faultPerHour(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.at(time.Now())
	for i := range 5 {
		b.owe(func(f *Failure) { f.Recipe = fmt.Sprintf("recipe-%c", 'a'+i) })
	}
	b.run()
	b.await(3)
	var waiting int
	for deadline := time.Now().Add(30 * time.Second); waiting != 2; {
		if err := b.db.Get(&waiting, `select count(*) from outbox where due_at > now() and tries = 0`); err != nil || time.Now().After(deadline) {
			t.Fatalf("%d wait, want 2: %v", waiting, err)
		}
	}
	if n := len(b.office.mails()); n != 3 {
		t.Errorf("%d mails in the hour, want 3", n)
	}
}

func TestAttack_B10_B07_nothing_of_others_gets_out_of_its_place(t *testing.T) {
	t.Parallel()
	b := setup(t)
	evil := "x\r\nBcc: evil@example.com\r\n\r\n<b>\u202egnp.exe\u2028\x1b[31m\xff"
	b.owe(func(f *Failure) {
		f.Recipe, f.Detail, f.Hint, f.Step = "a\nBcc: evil@example.com", evil, evil, evil
		f.Inputs[0].Name, f.LogTail, f.Advice = evil, []string{evil, strings.Repeat("y", 5000)}, []string{evil}
	})
	b.run()
	b.await(1)
	raw := b.office.mails()[0]
	m, err := netmail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	for name := range m.Header {
		switch name {
		case "From", "To", "Subject", "Date", "Message-Id", "Mime-Version", "Content-Type", "Auto-Submitted":
		default:
			t.Errorf("header %s: %q", name, m.Header[name])
		}
	}
	p := parse(t, raw)
	if regexp.MustCompile(`(?m)^Bcc:`).MatchString(p.body) || strings.ContainsAny(p.body, "\r\x1b\u202e\u2028") {
		t.Errorf("body:\n%q", p.body)
	}
}

func TestNormalText(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, a, b string
		same       bool
	}{
		{"numbers", "It ran longer than 10 s.", "It ran longer than 3600 s.", true},
		{"names", "The file “a b.mov” is cut.", "The file “c.mov” is cut.", true},
		{"paths", "cannot open /srv/a", "cannot open /srv/b/c", true},
		{"case", "Broken pipe", "broken pipe", true},
		{"words", "The index is missing.", "The codec is missing.", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if same := normal(tt.a) == normal(tt.b); same != tt.same {
				t.Errorf("%q and %q: same kind %v, want %v", normal(tt.a), normal(tt.b), same, tt.same)
			}
		})
	}
}

func TestSuccessMailIsShort(t *testing.T) {
	t.Parallel()
	b := setup(t)
	payload, err := Marshal(Success{Job: rand.Text(), Recipe: "to-webp", Outputs: []File{{File: "1", Name: "a.webp", Size: 9}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.owed.Owe(context.Background(), "k", outbox.Draft{Kind: KindSuccess, To: "ann@studio.example", Payload: payload}); err != nil {
		t.Fatal(err)
	}
	b.run()
	m := b.await(1)[0]
	if m.to != "<ann@studio.example>" || m.subject != "[convertd] Your file is ready (to-webp)" || !strings.Contains(m.body, "“a.webp”") || len(m.attached) != 0 {
		t.Errorf("%+v", m)
	}
}
