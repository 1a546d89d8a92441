package mail

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"convertd/runner/failpoint"
	"convertd/runner/spool"
	"convertd/sql/outbox"
)

// Sender brings owed mails to the mail server.
type Sender struct {
	config atomic.Pointer[Config]
	owed   *outbox.Store
	spool  spool.Spool
	log    *slog.Logger
	// Wake makes Run look at once; it never has to be used.
	Wake chan struct{}
	// Poll is how often Run looks otherwise; NewSender sets 2 s.
	Poll time.Duration
	// Retry is the wait after the first failure, doubled with each up to an hour;
	// NewSender sets 5 s.
	Retry time.Duration
	// down counts connections that failed in a row; nothing is tried before downUntil.
	down      int
	downUntil time.Time
	now       func() time.Time
}

// NewSender returns a sender; Run makes it work.
func NewSender(config Config, owed *outbox.Store, s spool.Spool, log *slog.Logger) *Sender {
	sender := &Sender{
		owed: owed, spool: s, log: log, now: time.Now,
		Wake: make(chan struct{}, 1), Poll: 2 * time.Second, Retry: 5 * time.Second,
	}
	sender.Configure(config)
	return sender
}

// Configure puts another configuration in force from the next round on. It may be called
// while Run works.
func (s *Sender) Configure(config Config) { s.config.Store(&config) }

// batch is how many owed mails are looked at together.
const batch = 2000

// Run sends until ctx ends. The mail server or the database may be away as long as they
// like.
func (s *Sender) Run(ctx context.Context) {
	tick := time.NewTicker(s.Poll)
	defer tick.Stop()
	for {
		for s.round(ctx) {
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.Wake:
		}
	}
}

// round does what is due now; true says that there may be more.
func (s *Sender) round(ctx context.Context) bool {
	if ctx.Err() != nil || !s.config.Load().Enabled() || s.now().Before(s.downUntil) {
		return false
	}
	due, err := s.owed.Due(ctx, batch)
	if err != nil {
		if ctx.Err() == nil {
			s.log.Error("look for owed mails", "error", err)
		}
		return false
	}
	if len(due) == 0 {
		return false
	}
	ready, err := s.sort(ctx, due)
	if err != nil {
		s.log.Error("sort owed mails", "error", err)
		return false
	}
	for _, m := range ready {
		if !s.deliver(ctx, m) {
			return false
		}
	}
	return len(due) == batch || len(ready) > 0
}

// lease is how long a mail is left alone whose sending began and whose end nobody
// noted: the sender was killed, and the mail may or may not have arrived.
const lease = time.Minute

// lastNote bounds the note about a mail that was sent while we were told to stop.
const lastNote = 5 * time.Second

// deliver sends one mail; false says that the server is away, so that the others need
// not be tried. That it is being tried is noted first: from then on the mail is never
// joined with others, so that it cannot be told about twice under different ids.
func (s *Sender) deliver(ctx context.Context, m outbox.Mail) bool {
	l, err := s.letter(m)
	if err != nil {
		return s.failed(ctx, m, m.Attach, err)
	}
	if err := s.owed.Failed(ctx, m.ID, "being sent", s.now().Add(lease), m.Attach); err != nil {
		s.log.Error("note mail", "mail", m.Key, "error", err)
		return false
	}
	failpoint.Hit(failpoint.BeforeMail)
	err = s.send(ctx, l)
	if err != nil && permanent(err) && len(l.files) > 0 {
		s.log.Warn("the mail server refuses a mail with its attachment; sending a link", "mail", m.Key, "error", err)
		m.Attach = false
		if l, err = s.letter(m); err == nil {
			err = s.send(ctx, l)
		}
	}
	if err != nil {
		return s.failed(ctx, m, m.Attach, err)
	}
	failpoint.Hit(failpoint.AfterMail)
	s.down = 0
	// The mail has arrived: that is noted even if we are told to stop just now.
	note, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastNote)
	defer cancel()
	if err := s.owed.Sent(note, m.ID); err != nil {
		s.log.Error("note sent mail; it may be sent once more", "mail", m.Key, "error", err)
		return false
	}
	s.log.Info("mail sent", "mail", m.Key)
	return true
}

func (s *Sender) send(ctx context.Context, l letter) error {
	m, done, err := s.config.Load().message(l)
	if err != nil {
		return err
	}
	defer done()
	client, err := s.config.Load().client()
	if err != nil {
		return err
	}
	err = client.DialAndSendWithContext(ctx, m)
	if m.IsDelivered() {
		return nil // the server has taken it, whatever became of the connection
	}
	return err
}

// failed notes why and when to try again, and reports whether to go on with others: a
// server that answered is there, one that did not is left alone for a while.
func (s *Sender) failed(ctx context.Context, m outbox.Mail, attach bool, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	answered := permanent(err)
	next := s.now().Add(s.backoff(m.Tries))
	s.log.Error("send mail", "mail", m.Key, "again", next, "error", err)
	if noteErr := s.owed.Failed(ctx, m.ID, err.Error(), next, attach); noteErr != nil {
		s.log.Error("note failed mail", "mail", m.Key, "error", noteErr)
	}
	if !answered {
		s.downUntil = s.now().Add(s.backoff(2 * s.down))
		s.down++
	}
	return answered
}

// backoff doubles with every second try, because a try is noted twice: when it begins
// and when it fails.
func (s *Sender) backoff(tries int) time.Duration {
	return min(time.Hour, s.Retry<<min(tries/2, 20))
}

// letter makes the mail from its row.
func (s *Sender) letter(m outbox.Mail) (letter, error) {
	l := letter{to: m.To, id: m.Key, at: m.CreatedAt}
	switch m.Kind {
	case KindFailure:
		var f Failure
		if err := json.Unmarshal(m.Payload, &f); err != nil {
			return letter{}, fmt.Errorf("read failure: %w", err)
		}
		l.job = s.spool.Job(f.Job)
		if m.Attach {
			l.files = s.attachable(l.job, f.Inputs)
		}
		l.text = s.config.Load().failureText(f, len(l.files) > 0)
	case KindSuccess, KindSuccess + "-admin":
		var done Success
		if err := json.Unmarshal(m.Payload, &done); err != nil {
			return letter{}, fmt.Errorf("read success: %w", err)
		}
		written, err := s.config.Load().successText(done)
		if err != nil {
			return letter{}, err
		}
		l.text = written
	case KindDigest:
		var d Digest
		if err := json.Unmarshal(m.Payload, &d); err != nil {
			return letter{}, fmt.Errorf("read digest: %w", err)
		}
		l.text = s.config.Load().digestText(d)
	default:
		return letter{}, fmt.Errorf("mail of unknown kind %q", m.Kind)
	}
	return l, nil
}

// attachable returns the inputs if all of them are there and fit together.
func (s *Sender) attachable(j spool.Job, inputs []File) []File {
	var sum int64
	for _, in := range inputs {
		f, err := j.OpenInput(in.File)
		if err != nil {
			return nil
		}
		info, err := f.Stat()
		f.Close()
		if err != nil {
			return nil
		}
		if sum += info.Size(); sum > s.config.Load().AttachLimit {
			return nil
		}
	}
	return inputs
}
