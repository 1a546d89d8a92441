package mail

import (
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
	p.server.Domain = "localhost"
	go p.server.Serve(listener)
}

func (p *postOffice) close() { _ = p.server.Close() }

// NewSession is called for each connection.
func (p *postOffice) NewSession(*smtp.Conn) (smtp.Session, error) { return session{p}, nil }

func (p *postOffice) mails() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.received...)
}

type session struct{ office *postOffice }

func (s session) Mail(string, *smtp.MailOptions) error { return nil }
func (s session) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (s session) Reset()                               {}
func (s session) Logout() error                        { return nil }

func (s session) Data(r io.Reader) error {
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
