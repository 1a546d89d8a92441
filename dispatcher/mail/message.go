package mail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"convertd/runner/spool"
)

// letter is one mail, ready to be sent.
type letter struct {
	to   string
	id   string
	text text
	// files are attached under their names on disk, which are ours.
	job   spool.Job
	files []File
	at    time.Time
}

// message makes the message; done closes its attachments.
func (c Config) message(l letter) (m *gomail.Msg, done func(), err error) {
	m = gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := errors.Join(m.From(c.From), m.To(l.to)); err != nil {
		return nil, nil, fmt.Errorf("address mail: %w", err)
	}
	m.Subject(l.text.subject)
	m.SetMessageIDWithValue(l.id + "@" + c.host())
	m.SetDateWithValue(l.at)
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetBodyString(gomail.TypeTextPlain, l.text.body)
	var open []io.Closer
	done = func() {
		for _, f := range open {
			f.Close()
		}
	}
	for _, file := range l.files {
		f, err := l.job.OpenInput(file.File)
		if err != nil {
			done()
			return nil, nil, fmt.Errorf("attach input: %w", err)
		}
		open = append(open, f)
		m.AttachReadSeeker(filepath.Base(file.File), f)
	}
	return m, done, nil
}

// host is the part of a Message-ID after the at sign: the sender's domain, so that the
// id stays the same wherever the dispatcher runs.
func (c Config) host() string {
	if _, domain, ok := strings.Cut(strings.Trim(c.From, "<> "), "@"); ok {
		return strings.TrimRight(domain, "> ")
	}
	return "convertd.invalid"
}

// client opens no connection yet. A server on this machine is trusted without a
// certificate; elsewhere STARTTLS is used when it is offered, and must then be right.
func (c Config) client() (*gomail.Client, error) {
	host, port, err := net.SplitHostPort(c.SMTP)
	if err != nil {
		return nil, fmt.Errorf("[mail] smtp = %q: give HOST:PORT: %w", c.SMTP, err)
	}
	number, err := net.LookupPort("tcp", port)
	if err != nil {
		return nil, fmt.Errorf("[mail] smtp = %q: %w", c.SMTP, err)
	}
	policy := gomail.TLSOpportunistic
	if ip := net.ParseIP(host); !c.tests.strict && (host == "localhost" || ip != nil && ip.IsLoopback()) {
		policy = gomail.NoTLS
	}
	patience := shippedPatience
	if c.tests.patience > 0 {
		patience = c.tests.patience
	}
	return gomail.NewClient(host, gomail.WithPort(number), gomail.WithTLSPolicy(policy), gomail.WithTimeout(patience))
}

// shippedPatience is how long a mail server may take for one answer.
const shippedPatience = 30 * time.Second

// permanent reports whether the server said no for good (5xx) to this very mail.
func permanent(err error) bool {
	var e *gomail.SendError
	return errors.As(err, &e) && !e.IsTemp() && e.ErrorCode() >= 500
}

// Check reports whether the mail server can be reached and greets; it sends nothing.
func (c Config) Check(ctx context.Context) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	if err := client.DialWithContext(ctx); err != nil {
		return fmt.Errorf("reach mail server: %w", err)
	}
	return client.Close()
}
