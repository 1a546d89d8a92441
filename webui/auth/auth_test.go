package auth

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func newGuard() *Guard {
	return New(Options{AdminToken: "secret", UserHeader: "X-Remote-User", Hosts: []string{"Convert.Example:8080", "10.0.0.5"},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}})
}

func request(remote string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = remote
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	return r
}

func TestHost(t *testing.T) {
	t.Parallel()
	g := newGuard()
	for host, want := range map[string]bool{
		"localhost": true, "localhost:8080": true, "LOCALHOST.": true, "127.0.0.1:1": true, "[::1]:80": true, "127.9.9.9": true,
		"convert.example": true, "convert.example:443": true, "10.0.0.5": true,
		"": false, "evil.example": false, "localhost.evil.example": false, "10.0.0.6": false, "[::ffff:10.0.0.6]": false, "127.0.0.1.evil.example": false,
	} {
		if got := g.Host(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}

func TestCaller(t *testing.T) {
	t.Parallel()
	g := newGuard()
	const cookie = "Cookie: convertd_owner=AAAAAAAAAAAAAAAAAAAAAAAAAA"
	anonymousOwner := ownerOf("AAAAAAAAAAAAAAAAAAAAAAAAAA")
	tests := []struct {
		name, remote string
		headers      []string
		owner, user  string
	}{
		{"an address", "192.0.2.7:1000", nil, "addr:192.0.2.7", ""},
		{"an IPv6 network", "[2001:db8:1:2:3::4]:1000", nil, "addr:2001:db8:1:2::/64", ""},
		{"an IPv4 address in IPv6", "[::ffff:192.0.2.7]:1000", nil, "addr:192.0.2.7", ""},
		{"a unix socket", "@", nil, "addr:local", ""},
		{"a cookie", "192.0.2.7:1000", []string{cookie}, anonymousOwner, ""},
		{"a cookie of another form", "192.0.2.7:1000", []string{"Cookie: convertd_owner=ann"}, "addr:192.0.2.7", ""},
		{"a name from a proxy", "10.1.2.3:1000", []string{"X-Remote-User: ann", cookie}, "ann", "ann"},
		{"a name from elsewhere", "192.0.2.7:1000", []string{"X-Remote-User: ann"}, "addr:192.0.2.7", ""},
		{"two names", "10.1.2.3:1000", []string{"X-Remote-User: ann", "X-Remote-User: bob"}, "addr:10.1.2.3", ""},
		{"a name that looks like a cookie's owner", "10.1.2.3:1000", []string{"X-Remote-User: " + anonymousOwner}, "addr:10.1.2.3", ""},
		{"a name with a control character", "10.1.2.3:1000", []string{"X-Remote-User: a\tb"}, "addr:10.1.2.3", ""},
		{"a forwarded address", "10.1.2.3:1000", []string{"X-Forwarded-For: 198.51.100.9, 192.0.2.7, 10.1.9.9"}, "addr:192.0.2.7", ""},
		{"a forwarded address in two headers", "10.1.2.3:1000", []string{"X-Forwarded-For: 198.51.100.9", "X-Forwarded-For: 192.0.2.7"}, "addr:192.0.2.7", ""},
		{"a forwarded address from elsewhere", "192.0.2.7:1000", []string{"X-Forwarded-For: 198.51.100.9"}, "addr:192.0.2.7", ""},
		{"garbage forwarded", "10.1.2.3:1000", []string{"X-Forwarded-For: garbage"}, "addr:10.1.2.3", ""},
	}
	for _, tt := range tests {
		c := g.Caller(request(tt.remote, tt.headers...))
		if c.Owner != tt.owner || c.Name != tt.user || c.Admin {
			t.Errorf("%s: %+v", tt.name, c)
		}
	}
}

func TestAdministrator(t *testing.T) {
	t.Parallel()
	g := newGuard()
	tests := []struct {
		header     string
		admin, bad bool
	}{
		{"Authorization: Bearer secret", true, false}, {"Authorization: bearer secret", true, false},
		{"Authorization: Bearer wrong", false, true}, {"Authorization: Bearer ", false, true}, {"Authorization: Bearer secret2", false, true},
		{"Authorization: Basic c2VjcmV0", false, false}, {"X: y", false, false},
		{"Cookie: convertd_admin=x", false, false},
	}
	for _, tt := range tests {
		r := request("192.0.2.7:1", tt.header)
		if g.Caller(r).Admin != tt.admin || g.BadToken(r) != tt.bad {
			t.Errorf("%s: admin %v, bad %v", tt.header, g.Caller(r).Admin, g.BadToken(r))
		}
	}
	if none := New(Options{}); none.Caller(request("192.0.2.7:1", "Authorization: Bearer ")).Admin || none.Administered() {
		t.Error("no token opens the area")
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	g := newGuard()
	now := time.Now()
	g.now = func() time.Time { return now }
	signIn := func(secret string) (*http.Cookie, bool) {
		w := httptest.NewRecorder()
		ok := g.SignIn(w, secret)
		if !ok {
			if len(w.Result().Cookies()) > 0 {
				t.Error("a refused sign-in sets a cookie")
			}
			return nil, false
		}
		return w.Result().Cookies()[0], true
	}
	code := g.NewCode()
	cookie, ok := signIn(code)
	if !ok || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode {
		t.Fatalf("%v %v", cookie, ok)
	}
	as := func(c *http.Cookie) bool {
		r := request("192.0.2.7:1")
		r.AddCookie(c)
		return g.Caller(r).Admin
	}
	if !as(cookie) {
		t.Error("the session does not count")
	}
	if _, ok := signIn(code); ok {
		t.Error("a code was used twice")
	}
	if _, ok := signIn("wrong"); ok {
		t.Error("a wrong code was taken")
	}
	if _, ok := signIn("secret"); !ok {
		t.Error("the token itself was refused")
	}
	late := g.NewCode()
	now = now.Add(codeAge)
	if _, ok := signIn(late); ok {
		t.Error("an old code was taken")
	}
	now = now.Add(session)
	if as(cookie) {
		t.Error("the session does not end")
	}
	other := New(Options{AdminToken: "another"})
	r := request("192.0.2.7:1")
	r.AddCookie(cookie)
	if other.Caller(r).Admin {
		t.Error("a session survives a change of the token")
	}
}

func TestMayManage(t *testing.T) {
	t.Parallel()
	g := newGuard()
	token, hash := NewManageToken()
	mine := g.Caller(request("192.0.2.7:1"))
	tests := []struct {
		name, owner string
		request     *http.Request
		hash        []byte
		want        bool
	}{
		{"the owner", mine.Owner, request("192.0.2.7:1"), hash, true},
		{"a stranger", "bob", request("192.0.2.7:1"), hash, false},
		{"nobody's", "", request("192.0.2.7:1"), nil, false},
		{"the token", "bob", request("192.0.2.7:1", "Convertd-Manage: "+token), hash, true},
		{"a wrong token", "bob", request("192.0.2.7:1", "Convertd-Manage: x"), hash, false},
		{"a token for what has none", "bob", request("192.0.2.7:1", "Convertd-Manage: "+token), nil, false},
		{"the administrator", "bob", request("192.0.2.7:1", "Authorization: Bearer secret"), hash, true},
	}
	for _, tt := range tests {
		if got := g.Caller(tt.request).MayManage(tt.request, tt.owner, tt.hash); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
