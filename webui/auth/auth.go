// Package auth owns who a caller is: the hosts we answer for, the owner behind a request
// (a name from an authenticating proxy, a browser's cookie, an address), the tokens that
// let somebody manage a job or administer the service, and signing in.
//
// It does not own what a caller may see of a job's data (webui).
// It may import the standard library and runner/fault.
package auth

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Options is what a Guard knows of its surroundings; cmd fills it.
type Options struct {
	// AdminToken opens the administrator's area; "" means there is none.
	AdminToken string
	// UserHeader names the header in which a trusted proxy says who the user is.
	UserHeader string
	// TrustedProxies are the peers whose forwarded address and UserHeader count.
	TrustedProxies []netip.Prefix
	// Hosts are the names and addresses we answer for, without port. "localhost" and
	// addresses of the loopback are always among them.
	Hosts []string
	// Secure marks cookies for https only; set when base_url is https.
	Secure bool
}

// Guard answers who a caller is. It is safe for concurrent use.
type Guard struct {
	options Options
	hosts   map[string]bool
	now     func() time.Time

	mu    sync.Mutex
	codes map[string]time.Time
}

// New returns a Guard.
func New(o Options) *Guard {
	g := &Guard{options: o, hosts: map[string]bool{"localhost": true}, now: time.Now, codes: map[string]time.Time{}}
	for _, host := range o.Hosts {
		g.hosts[canonicalHost(host)] = true
	}
	return g
}

// Host reports whether we answer for the Host header: a page of a stranger whose name
// resolves to us (DNS rebinding) must not be able to talk to us.
func (g *Guard) Host(header string) bool {
	host := canonicalHost(header)
	if g.hosts[host] {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// canonicalHost drops port, brackets, case and the root dot.
func canonicalHost(header string) string {
	host := header
	if name, _, err := net.SplitHostPort(header); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// Caller is who sent a request.
type Caller struct {
	// Owner is what rows keep: a name, "anon:" and a digest of the cookie, or "addr:" and
	// the client address (/64 for IPv6).
	Owner string
	// Name is who an authenticating proxy says it is, "" for anonymous callers.
	Name string
	// Cookie says that the owner is an anonymous browser.
	Cookie bool
	Admin  bool
	// Addr is the client's address, behind trusted proxies if there are any.
	Addr netip.Addr
}

// Caller returns who sent the request.
func (g *Guard) Caller(r *http.Request) Caller {
	addr, trusted := g.address(r)
	c := Caller{Addr: addr, Admin: g.admin(r)}
	if name := g.name(r, trusted); name != "" {
		c.Owner, c.Name = name, name
		return c
	}
	if owner, ok := ownerOfCookie(r); ok {
		c.Owner, c.Cookie = owner, true
		return c
	}
	c.Owner = ownerOfAddress(addr)
	return c
}
