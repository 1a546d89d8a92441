package chaos

import (
	"bytes"
	"encoding/base64"
	"io"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"

	"convertd/cmd/convertd/chaos/verdict"
)

// mailbox is an SMTP server that writes down what reaches it, and now and then refuses a
// mail for a while, or takes it and is cut off before it can say so.
type mailbox struct {
	address string

	mu      sync.Mutex
	random  *rand.Rand
	calm    bool
	letters []verdict.Letter
}

func startMailbox(t *testing.T, random *rand.Rand) *mailbox {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mailbox{address: l.Addr().String(), random: random}
	server := smtp.NewServer(m)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return m
}

// NewSession takes every client.
func (m *mailbox) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{mailbox: m, conn: c.Conn()}, nil
}

// session is one connection.
type session struct {
	*mailbox
	conn net.Conn
	to   []string
}

// Mail takes every sender.
func (s *session) Mail(string, *smtp.MailOptions) error { s.to = nil; return nil }

// Rcpt takes every recipient.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error { s.to = append(s.to, to); return nil }

// Reset forgets the recipients.
func (s *session) Reset() { s.to = nil }

// Logout does nothing.
func (*session) Logout() error { return nil }

// Data writes the mail down, and confirms it or not.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fate := s.random.IntN(10)
	if s.calm {
		fate = 9
	}
	if fate == 0 {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "try again later"}
	}
	l := verdict.Letter{To: s.to, Taken: fate > 1}
	if message, err := mail.ReadMessage(bytes.NewReader(raw)); err == nil {
		l.MessageID = message.Header.Get("Message-ID")
		l.Text = textOf(message.Header.Get("Content-Type"), message.Header.Get("Content-Transfer-Encoding"), message.Body)
	}
	s.letters = append(s.letters, l)
	if !l.Taken {
		return s.conn.Close()
	}
	return nil
}

// textOf decodes what a person reads of a mail, attachments left out.
func textOf(contentType, encoding string, body io.Reader) string {
	media, params, err := mime.ParseMediaType(contentType)
	switch {
	case err != nil:
		return ""
	case strings.HasPrefix(media, "multipart/"):
		text := ""
		parts := multipart.NewReader(body, params["boundary"])
		for {
			part, err := parts.NextRawPart()
			if err != nil {
				return text
			}
			if part.FileName() == "" {
				text += textOf(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part)
			}
		}
	}
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	raw, err := io.ReadAll(body)
	if err != nil {
		return ""
	}
	return string(raw)
}

// beCalm ends its moods.
func (m *mailbox) beCalm() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calm = true
}

func (m *mailbox) all() []verdict.Letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]verdict.Letter(nil), m.letters...)
}
