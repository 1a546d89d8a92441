package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// OwnerCookie is the name of the cookie by which a browser is known again.
const OwnerCookie = "convertd_owner"

// cookieLength is the length of rand.Text.
const cookieLength = 26

// Kinds of owners are told apart by a prefix, so that nobody becomes another kind's
// owner by choosing a name.
const (
	anonymous = "anon:"
	address   = "addr:"
)

// NewOwner gives a browser its cookie and returns the owner it makes.
func (g *Guard) NewOwner(w http.ResponseWriter) string {
	value := rand.Text()
	g.Remember(w, OwnerCookie, value)
	return ownerOf(value)
}

// Remember gives a browser a cookie for a year.
func (g *Guard) Remember(w http.ResponseWriter, name, value string) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", HttpOnly: true, Secure: g.options.Secure,
		SameSite: http.SameSiteLaxMode, MaxAge: int((365 * 24 * time.Hour).Seconds()),
	})
}

func ownerOfCookie(r *http.Request) (string, bool) {
	cookie, err := r.Cookie(OwnerCookie)
	if err != nil || !isToken(cookie.Value) {
		return "", false
	}
	return ownerOf(cookie.Value), true
}

// NameOf is the name of an owner, "" for one without: a browser or an address.
func NameOf(owner string) string {
	if strings.HasPrefix(owner, anonymous) || strings.HasPrefix(owner, address) {
		return ""
	}
	return owner
}

// ownerOf digests the cookie, so that who reads rows or documents cannot become the
// browser.
func ownerOf(cookie string) string {
	sum := sha256.Sum256([]byte(cookie))
	return anonymous + base32.StdEncoding.EncodeToString(sum[:])[:cookieLength]
}

// isToken reports whether s has the form of rand.Text.
func isToken(s string) bool {
	if len(s) != cookieLength {
		return false
	}
	return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// ownerOfAddress groups IPv6 by /64, which is what one subscriber gets.
func ownerOfAddress(addr netip.Addr) string {
	if !addr.IsValid() {
		return address + "local" // a unix socket
	}
	if network := Network(addr); network.Is6() {
		return address + network.String() + "/64"
	}
	return address + addr.Unmap().String()
}

// Network is what of an address stands for one client: an IPv4 address, or the IPv6
// network of 64 bits, which is what one subscriber gets.
func Network(addr netip.Addr) netip.Addr {
	addr = addr.Unmap()
	if prefix, err := addr.WithZone("").Prefix(64); err == nil && addr.Is6() {
		return prefix.Addr()
	}
	return addr
}

// Address returns the address of the request's client, behind trusted proxies if there
// are any; the zero Addr for a unix socket.
func (g *Guard) Address(r *http.Request) netip.Addr {
	addr, _ := g.address(r)
	return addr
}

// Trusted reports whether the address is that of a trusted proxy.
func (g *Guard) Trusted(addr netip.Addr) bool { return g.trusted(addr) }

// address is the client's address: the peer's, or the nearest address in
// X-Forwarded-For that is no trusted proxy. The second result says whether the peer is
// a trusted proxy.
func (g *Guard) address(r *http.Request) (netip.Addr, bool) {
	peer := netip.Addr{}
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		peer = ap.Addr().Unmap()
	}
	if !g.trusted(peer) {
		return peer, false
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	client := peer
	for i := len(hops) - 1; i >= 0 && g.trusted(client); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		client = hop.Unmap()
	}
	return client, true
}

func (g *Guard) trusted(addr netip.Addr) bool {
	for _, prefix := range g.options.TrustedProxies {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// maxName bounds a user name in bytes.
const maxName = 200

// name is who a trusted proxy says the user is. Several such headers, or one that could
// be taken for another kind of owner, name nobody.
func (g *Guard) name(r *http.Request, trusted bool) string {
	if g.options.UserHeader == "" || !trusted {
		return ""
	}
	values := r.Header.Values(g.options.UserHeader)
	if len(values) != 1 {
		return ""
	}
	name := strings.TrimSpace(values[0])
	odd := strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsPrint(c) })
	if odd || len(name) > maxName || !utf8.ValidString(name) ||
		strings.HasPrefix(name, anonymous) || strings.HasPrefix(name, address) {
		return ""
	}
	return name
}
