package dbtest

import (
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
)

// Proxy stands between a program and its database and does what networks and ill servers
// do: refuse, cut, fall silent, lose an answer.
type Proxy struct {
	t testing.TB
	// URL is the database's address by way of the proxy.
	URL    string
	target string

	mu sync.Mutex
	// attempts counts connections that were tried, let through or not.
	attempts int
	shut     bool
	pairs    map[*pair]bool
	// held is closed when what is held may go on; nil lets all pass.
	held chan struct{}
	// watch is asked about what the program says; true cuts the connection: before the
	// server hears of it, or behind it, so that the answer is lost.
	watch func(said []byte) Cut
}

// Cut is when a connection is cut.
type Cut int

// The moments.
const (
	// Never lets it be.
	Never Cut = iota
	// Before cuts before the server hears what was said.
	Before
	// Behind has the server carry it out and loses the answer.
	Behind
)

// pair is one connection and its other half.
type pair struct {
	program, server net.Conn
	mute            chan struct{}
	once            sync.Once
}

func (p *pair) cut() { _ = p.program.Close(); _ = p.server.Close() }

// NewProxy opens a proxy before the database at an address of URL.
func NewProxy(t testing.TB, address string) *Proxy {
	t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	values := at.Query()
	name := ".s.PGSQL.5432"
	if port := values.Get("port"); port != "" {
		name = ".s.PGSQL." + port
	}
	dir := t.TempDir()
	p := &Proxy{t: t, target: filepath.Join(values.Get("host"), name), pairs: map[*pair]bool{}}
	listener, err := net.Listen("unix", filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	values.Set("host", dir)
	at.RawQuery = values.Encode()
	p.URL = at.String()
	var work sync.WaitGroup
	work.Go(func() { p.serve(listener) })
	t.Cleanup(func() {
		_ = listener.Close()
		p.Shut()
		work.Wait()
	})
	return p
}

// Shut cuts every connection and refuses new ones until Open.
func (p *Proxy) Shut() {
	p.mu.Lock()
	p.shut = true
	p.mu.Unlock()
	p.CutAll()
}

// Open lets programs in again.
func (p *Proxy) Open() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = false
}

// CutAll cuts every connection; new ones are let in.
func (p *Proxy) CutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for one := range p.pairs {
		one.cut()
	}
	if p.held != nil {
		close(p.held)
		p.held = nil
	}
}

// Hold lets nothing through, and cuts nothing either, until Release: a server that does
// not answer.
func (p *Proxy) Hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held == nil {
		p.held = make(chan struct{})
	}
}

// Release ends Hold.
func (p *Proxy) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held != nil {
		close(p.held)
		p.held = nil
	}
}

// Watch has a function asked about everything that programs say from now on.
func (p *Proxy) Watch(watch func(said []byte) Cut) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watch = watch
}

// Attempts is how many connections were tried so far.
func (p *Proxy) Attempts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.attempts
}

func (p *Proxy) serve(listener net.Listener) {
	for {
		program, err := listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.attempts++
		shut := p.shut
		p.mu.Unlock()
		if shut {
			_ = program.Close()
			continue
		}
		server, err := net.Dial("unix", p.target)
		if err != nil {
			_ = program.Close()
			continue
		}
		one := &pair{program: program, server: server, mute: make(chan struct{})}
		p.mu.Lock()
		p.pairs[one] = true
		p.mu.Unlock()
		go p.toServer(one)
		go p.toProgram(one)
	}
}

// toServer carries what the program says.
func (p *Proxy) toServer(one *pair) {
	defer p.forget(one)
	b := make([]byte, 64<<10)
	for {
		n, err := one.program.Read(b)
		if n > 0 {
			switch p.decide(b[:n]) {
			case Before:
				return
			case Behind:
				one.once.Do(func() { close(one.mute) })
			}
			if _, err := one.server.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// decide waits while all is held, and asks what is to be done.
func (p *Proxy) decide(said []byte) Cut {
	p.mu.Lock()
	held, watch := p.held, p.watch
	p.mu.Unlock()
	if held != nil {
		<-held
	}
	if watch == nil {
		return Never
	}
	return watch(said)
}

// toProgram carries what the server answers, unless the answer is to be lost.
func (p *Proxy) toProgram(one *pair) {
	defer p.forget(one)
	b := make([]byte, 64<<10)
	for {
		n, err := one.server.Read(b)
		select {
		case <-one.mute:
			return // what was said was carried out: this is its answer
		default:
		}
		if n > 0 {
			if _, err := one.program.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *Proxy) forget(one *pair) {
	one.cut()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pairs, one)
}
