package webui

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"convertd/runner/fault"
	"convertd/webui/auth"
	pages "convertd/webui/page"
	"convertd/webui/throttle"
)

// Rates bound how often one caller may do what costs us something; 0 means as often as
// it likes. An address is that of the client, behind trusted proxies if there are any;
// of IPv6 the network of 64 bits counts. Administrators are not bound.
type Rates struct {
	// Submissions and Uploads are jobs and resumable uploads of one owner in an hour. An
	// address may have four times as many, because several people may be behind it.
	Submissions, Uploads int
	// Requests is how many requests of any other kind an address may send in a second.
	Requests int
	// UnknownIDs is how often an address may ask for a job, group or upload that is not
	// there in a minute, before it is not told of any.
	UnknownIDs int
	// SignIns is how many wrong tokens an address may try in a minute.
	SignIns int
	// Streams and Connections are how many of them an address may have open.
	Streams, Connections int
	// Unlimited are addresses and networks that nothing of this holds for, but SignIns.
	Unlimited []netip.Prefix
}

// perAddress is how many owners' share one address may use.
const perAddress = 4

// rates are the tables of Rates.
type rates struct {
	unlimited              []netip.Prefix
	submissions, uploads   owned
	requests, ids, signIns *throttle.Table[netip.Addr]
	streams, connections   *throttle.Counter[netip.Addr]
}

// owned is a limit per owner and, larger, per address.
type owned struct {
	owners    *throttle.Table[string]
	addresses *throttle.Table[netip.Addr]
}

func newOwned(n int, period time.Duration) owned {
	return owned{throttle.New[string](n, period), throttle.New[netip.Addr](perAddress*n, period)}
}

func newRates(r Rates) *rates {
	return &rates{
		unlimited:   r.Unlimited,
		submissions: newOwned(r.Submissions, time.Hour), uploads: newOwned(r.Uploads, time.Hour),
		requests: throttle.New[netip.Addr](r.Requests, time.Second),
		ids:      throttle.New[netip.Addr](r.UnknownIDs, time.Minute),
		signIns:  throttle.New[netip.Addr](r.SignIns, time.Minute),
		streams:  throttle.NewCounter[netip.Addr](r.Streams), connections: throttle.NewCounter[netip.Addr](r.Connections),
	}
}

// free reports whether nothing holds for the address.
func (r *rates) free(addr netip.Addr) bool {
	if !addr.IsValid() { // a unix socket: somebody on this machine
		addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	for _, prefix := range r.unlimited {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// throttled is a refusal that says when to try again.
type throttled struct {
	fault *fault.Error
	after time.Duration
}

// Error returns the fault's line.
func (e throttled) Error() string { return e.fault.Error() }

// Unwrap gives errors.As the fault.
func (e throttled) Unwrap() error { return e.fault }

// retryAfter is what a refusal for a while says in Retry-After, in seconds.
func retryAfter(err error) string {
	if late := (throttled{}); errors.As(err, &late) {
		return seconds(late.after + time.Second - 1) // full seconds, none too few
	}
	return "5"
}

func slowDown(what string, after time.Duration) error {
	if after <= 0 {
		return nil
	}
	return throttled{fault.New(fault.RateLimited, "Too many "+what+" came from you.",
		fmt.Sprintf("Try again in %s seconds. The administrator can raise the limit in [web].", seconds(after+time.Second-1))), after}
}

// mayMake takes one of the caller's share of jobs or uploads.
func (s *Server) mayMake(caller auth.Caller, limit owned, what string) error {
	if caller.Admin || s.rates.free(caller.Addr) {
		return nil
	}
	wait := limit.addresses.Wait(auth.Network(caller.Addr))
	if wait == 0 {
		wait = limit.owners.Take(caller.Owner)
	}
	if wait == 0 {
		wait = limit.addresses.Take(auth.Network(caller.Addr))
	}
	return slowDown(what, wait)
}

func (s *Server) maySubmit(caller auth.Caller) error {
	return s.mayMake(caller, s.rates.submissions, "jobs")
}

func (s *Server) mayUpload(r *http.Request) error {
	return s.mayMake(s.Guard.Caller(r), s.rates.uploads, "uploads")
}

// unmetered reports whether a route's requests are not counted: what proxies and pages
// ask for by themselves and costs nothing.
func unmetered(path string) bool {
	return strings.HasPrefix(path, pages.StaticPrefix) || strings.HasPrefix(path, pages.IconPrefix) || path == "/healthz" || path == "/readyz"
}

// admit says whether the address may send this request now.
func (s *Server) admit(rt route, r *http.Request) error {
	addr := s.Guard.Address(r)
	if r.Header.Get("Authorization") != "" {
		if err := s.admitToken(rt, r, addr); err != nil {
			return err
		}
	}
	if unmetered(rt.path) || s.rates.free(addr) {
		return nil
	}
	network := auth.Network(addr)
	wait, what := s.rates.requests.Take(network), "requests"
	if wait == 0 && strings.Contains(rt.path, "/:id") {
		wait, what = s.rates.ids.Wait(network), "requests for what is not there"
	}
	if wait > 0 && s.Guard.Caller(r).Admin {
		wait = 0
	}
	return slowDown(what, wait)
}

// admitToken counts wrong tokens. Once there were too many, right ones are refused too:
// who guesses must not hear that one was right.
func (s *Server) admitToken(rt route, r *http.Request, addr netip.Addr) error {
	if err := s.mayTry(addr); err != nil {
		return err
	}
	if !s.Guard.BadToken(r) {
		return nil
	}
	err := s.wrongTry(addr, wrongToken)
	if rt.kind == page && fault.Is(err, fault.Unauthorized) {
		return nil // a page is served as to anybody
	}
	return err
}

// wrongTry counts a wrong token; it returns cause, or that there were too many.
func (s *Server) wrongTry(addr netip.Addr, cause error) error {
	if wait := s.rates.signIns.Take(auth.Network(addr)); wait > 0 {
		return slowDown("wrong tokens", wait)
	}
	return cause
}

// mayTry says whether the address may try a token.
func (s *Server) mayTry(addr netip.Addr) error {
	return slowDown("wrong tokens", s.rates.signIns.Wait(auth.Network(addr)))
}

// noteMiss counts a request for an id that is not there.
func (s *Server) noteMiss(rt route, r *http.Request, err error) {
	if err == nil || !strings.Contains(rt.path, "/:id") || fault.CodeOf(err) != fault.NotFound {
		return
	}
	if addr := s.Guard.Address(r); !s.rates.free(addr) {
		s.rates.ids.Take(auth.Network(addr))
	}
}

// crowd counts connections by address: one that has as many as it may gets no other. It
// is told of them by the server itself, because a net.Conn of our own around each would
// keep the kernel from copying files. Trusted proxies bring many people.
type crowd struct {
	server *Server
	// counted has the address's network of each connection that counts.
	counted sync.Map
	// newcomers are connections of which nothing has been read yet.
	newcomers sync.Map
}

// newcomerPatience is how long a stop waits for first requests that are on their way;
// browsers also open connections that they do not use.
const newcomerPatience = time.Second

// awaitNewcomers waits until something was read of every connection, or it is given up.
// http.Server.Shutdown closes those that are older than five seconds unread, which after
// a stall may be all of them.
func (c *crowd) awaitNewcomers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, newcomerPatience)
	defer cancel()
	tick := time.NewTicker(newcomerPatience / 100)
	defer tick.Stop()
	for ctx.Err() == nil {
		some := false
		c.newcomers.Range(func(any, any) bool { some = true; return false })
		if !some {
			return
		}
		<-tick.C
	}
}

// turn is http.Server's ConnState.
func (c *crowd) turn(conn net.Conn, state http.ConnState) {
	if state != http.StateNew {
		c.newcomers.Delete(conn)
	}
	switch state {
	case http.StateNew:
		c.newcomers.Store(conn, nil)
		c.enter(conn)
	case http.StateClosed, http.StateHijacked:
		if network, ok := c.counted.LoadAndDelete(conn); ok {
			c.server.rates.connections.Close(network.(netip.Addr))
		}
	}
}

func (c *crowd) enter(conn net.Conn) {
	peer := netip.Addr{}
	if ap, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err == nil {
		peer = ap.Addr().Unmap()
	}
	if c.server.rates.free(peer) || c.server.Guard.Trusted(peer) {
		return
	}
	network := auth.Network(peer)
	if !c.server.rates.connections.Open(network) {
		_ = conn.Close() // it hears no more than that
		return
	}
	c.counted.Store(conn, network)
}
