package mail

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
)

// postOffice is an SMTP server on this machine that can be away and refuse.
type postOffice struct {
	t       *testing.T
	address string
	server  *smtp.Server

	mu       sync.Mutex
	received []string
	// refuse answers a mail's bytes; nil takes it.
	refuse func(message string) error
	// unknown is a recipient that it does not know; cut closes a connection in the middle
	// of a mail; tls is what it offers for STARTTLS.
	unknown string
	cut     func() bool
	tls     *tls.Config
}

func newPostOffice(t *testing.T) *postOffice {
	t.Helper()
	p := &postOffice{t: t, address: "127.0.0.1:0"}
	p.open()
	t.Cleanup(p.close)
	return p
}

// open listens; after the first time on the same address as before.
func (p *postOffice) open() {
	p.t.Helper()
	listener, err := net.Listen("tcp", p.address)
	if err != nil {
		p.t.Fatal(err)
	}
	p.address = listener.Addr().String()
	p.server = smtp.NewServer(p)
	p.server.Domain, p.server.TLSConfig = "localhost", p.tls
	go p.server.Serve(listener)
}

func (p *postOffice) close() { _ = p.server.Close() }

// NewSession is called for each connection.
func (p *postOffice) NewSession(conn *smtp.Conn) (smtp.Session, error) { return session{p, conn}, nil }

func (p *postOffice) mails() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.received...)
}

type session struct {
	office *postOffice
	conn   *smtp.Conn
}

func (s session) Mail(string, *smtp.MailOptions) error { return nil }
func (s session) Reset()                               {}
func (s session) Logout() error                        { return nil }

// Rcpt refuses whom the office does not know.
func (s session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.office.unknown != "" && to == s.office.unknown {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	}
	return nil
}

// Data takes a mail.
func (s session) Data(r io.Reader) error {
	if s.office.cut != nil && s.office.cut() {
		_, _ = io.CopyN(io.Discard, r, 100)
		return s.conn.Close()
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	if s.office.refuse != nil {
		if err := s.office.refuse(string(b)); err != nil {
			return err
		}
	}
	s.office.received = append(s.office.received, string(b))
	return nil
}
