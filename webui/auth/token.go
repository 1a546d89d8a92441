package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"time"
)

const (
	// AdminCookie is the name of the cookie of a signed-in administrator.
	AdminCookie = "convertd_admin"
	// session is how long a sign-in lasts, codeAge how long a sign-in address works.
	session = 12 * time.Hour
	codeAge = 10 * time.Minute
	// maxCodes bounds the sign-in addresses that are open at once.
	maxCodes = 100
)

// Administered reports whether there is an administrator's area at all.
func (g *Guard) Administered() bool { return g.options.AdminToken != "" }

// admin reports whether the request carries the administrator's token or cookie.
func (g *Guard) admin(r *http.Request) bool {
	if !g.Administered() {
		return false
	}
	if token, ok := bearer(r); ok {
		return g.isAdminToken(token)
	}
	cookie, err := r.Cookie(AdminCookie)
	return err == nil && g.validSession(cookie.Value)
}

func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), ok && strings.EqualFold(scheme, "Bearer")
}

// BadToken reports a bearer token that is not the administrator's: such a call is
// refused rather than served as a stranger's.
func (g *Guard) BadToken(r *http.Request) bool {
	token, ok := bearer(r)
	return ok && !(g.Administered() && g.isAdminToken(token))
}

// isAdminToken compares digests, so that neither length nor content shows in the time.
func (g *Guard) isAdminToken(token string) bool {
	got, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(g.options.AdminToken))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// NewCode returns a code for a sign-in address: single use, ten minutes.
func (g *Guard) NewCode() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dropOldCodes()
	code := rand.Text()
	g.codes[code] = g.now().Add(codeAge)
	return code
}

func (g *Guard) dropOldCodes() {
	for code, until := range g.codes {
		if len(g.codes) >= maxCodes || !g.now().Before(until) {
			delete(g.codes, code)
		}
	}
}

// SignIn exchanges a code, or the administrator's token itself, for a session cookie.
// It reports false and sets nothing when the secret is neither.
func (g *Guard) SignIn(w http.ResponseWriter, secret string) bool {
	if !g.Administered() || !(g.useCode(secret) || g.isAdminToken(secret)) {
		return false
	}
	g.setSession(w, g.newSession(), int(session.Seconds()))
	return true
}

// SignOut ends the session of this browser.
func (g *Guard) SignOut(w http.ResponseWriter) { g.setSession(w, "", -1) }

func (g *Guard) setSession(w http.ResponseWriter, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: AdminCookie, Value: value, Path: "/", HttpOnly: true, Secure: g.options.Secure,
		SameSite: http.SameSiteStrictMode, MaxAge: age,
	})
}

func (g *Guard) useCode(code string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	until, ok := g.codes[code]
	delete(g.codes, code)
	return ok && g.now().Before(until)
}

// A session is its end in Unix seconds, a nonce, and a MAC under the token: it survives
// a restart and ends when the token is changed.
func (g *Guard) newSession() string {
	body := make([]byte, 8+16)
	binary.BigEndian.PutUint64(body, uint64(g.now().Add(session).Unix()))
	_, _ = rand.Read(body[8:]) // never fails
	return base64.RawURLEncoding.EncodeToString(append(body, g.sign(body)...))
}

func (g *Guard) validSession(value string) bool {
	raw, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil || len(raw) != 8+16+sha256.Size {
		return false
	}
	body, mac := raw[:24], raw[24:]
	until := time.Unix(int64(binary.BigEndian.Uint64(body)), 0)
	return hmac.Equal(mac, g.sign(body)) && g.now().Before(until)
}

func (g *Guard) sign(body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(g.options.AdminToken))
	mac.Write([]byte("convertd admin session\n"))
	mac.Write(body)
	return mac.Sum(nil)
}

// NewManageToken returns a token that lets its holder manage one job, and the hash that
// is kept.
func NewManageToken() (token string, hash []byte) {
	token = rand.Text()
	return token, HashToken(token)
}

// HashToken is what is kept of a token.
func HashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// ManageToken returns the manage token of a request: the header Convertd-Manage, or the
// query member manage, which is the form links have.
func ManageToken(r *http.Request) string {
	if token := r.Header.Get("Convertd-Manage"); token != "" {
		return token
	}
	if !strings.Contains(r.URL.RawQuery, "manage=") {
		return ""
	}
	return r.URL.Query().Get("manage")
}

// MayManage reports whether the caller may cancel, retry, delete or keep what belongs
// to owner and whose manage token has this hash.
func (c Caller) MayManage(r *http.Request, owner string, hash []byte) bool {
	if c.Admin || (c.Owner != "" && c.Owner == owner) {
		return true
	}
	token := ManageToken(r)
	return token != "" && len(hash) > 0 && subtle.ConstantTimeCompare(HashToken(token), hash) == 1
}
