package webui_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"convertd/runner/fault"
	"convertd/webui"
)

// caller is a client with an address of its own on this machine.
type caller struct {
	*bench
	client http.Client
}

// at returns a client that comes from the address, one of the loopback's.
func (b *bench) at(address string) caller {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	b.t.Cleanup(transport.CloseIdleConnections)
	return caller{b, http.Client{Transport: transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (c caller) do(method, path string, body io.Reader, headers ...string) answer {
	c.t.Helper()
	r, err := http.NewRequest(method, c.base+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	response, err := c.client.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	return answer{response, []byte(readString(c.t, response.Body))}
}

func (c caller) get(path string, headers ...string) answer {
	c.t.Helper()
	return c.do(http.MethodGet, path, nil, headers...)
}

func (c caller) submit(headers ...string) answer {
	c.t.Helper()
	body, contentType := formBody(c.t, []string{"recipe=copy"}, upload{"a.txt", "x"})
	return c.do(http.MethodPost, "/api/v1/jobs", body, append(headers, "Content-Type: "+contentType)...)
}

// tooMany checks a refusal for a while.
func (a answer) tooMany(t *testing.T) {
	t.Helper()
	a.problemOf(t, fault.RateLimited)
	if after, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || after < 1 || a.StatusCode != http.StatusTooManyRequests {
		t.Errorf("%d, Retry-After %q", a.StatusCode, a.Header.Get("Retry-After"))
	}
}

func (a answer) is(t *testing.T, status int) {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("%s %s: %d %s, want %d", a.Request.Method, a.Request.URL.Path, a.StatusCode, a.body, status)
	}
}

const (
	browserA = "Cookie: convertd_owner=AAAAAAAAAAAAAAAAAAAAAAAAAA"
	admin    = "Authorization: Bearer " + adminToken
	proxy    = "127.0.0.2" // trusted, as setup says
)

// cookie returns the cookie of another browser for each letter.
func cookie(letter byte) string {
	return "Cookie: convertd_owner=" + strings.Repeat(string(letter), 26)
}

func TestRates_of_submissions(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) { o.Rates = webui.Rates{Submissions: 2} })
	one, other := b.at("127.0.0.5"), b.at("127.0.0.6")
	for range 2 {
		one.submit(browserA).is(t, http.StatusAccepted)
	}
	refused := one.submit(browserA)
	refused.tooMany(t)
	if after, _ := strconv.Atoi(refused.Header.Get("Retry-After")); after < 1700 || after > 1800 {
		t.Errorf("Retry-After %d, the next is due in half an hour", after)
	}
	one.do(http.MethodPost, "/jobs", strings.NewReader(""), browserA, "Content-Type: multipart/form-data; boundary=B").is(t, http.StatusTooManyRequests)
	one.submit(admin).is(t, http.StatusAccepted)
	other.submit(browserA).tooMany(t) // the owner is the same
	other.submit(cookie('B')).is(t, http.StatusAccepted)
	// A new cookie for each does not help: an address has four shares.
	accepted := 0
	for i := range byte(15) {
		if one.submit(cookie('C'+i)).StatusCode == http.StatusAccepted {
			accepted++
		}
	}
	if accepted != 6 {
		t.Errorf("%d more from one address, want 6", accepted)
	}
	if n := len(b.list()); n != 2+1+1+6 {
		t.Errorf("%d jobs: a refused one got in", n)
	}
}

func TestRates_know_people_behind_a_proxy(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) { o.Rates = webui.Rates{Submissions: 1, Requests: 1_000_000} })
	door := b.at(proxy)
	for _, who := range []string{"ann", "bob"} {
		door.submit("X-Remote-User: "+who, "X-Forwarded-For: 198.51.100.1").is(t, http.StatusAccepted)
		door.submit("X-Remote-User: "+who, "X-Forwarded-For: 198.51.100.1").tooMany(t)
	}
	for _, where := range []string{"198.51.100.2", "198.51.100.3", "2001:db8:1:2::1"} {
		door.submit("X-Forwarded-For: "+where).is(t, http.StatusAccepted)
		door.submit("X-Forwarded-For: " + where).tooMany(t)
	}
	door.submit("X-Forwarded-For: 2001:db8:1:2:ffff::9").tooMany(t) // the same network of 64 bits
	door.submit("X-Forwarded-For: 2001:db8:1:3::1").is(t, http.StatusAccepted)
}

func TestAttack_C15_a_forwarded_address_of_a_stranger_changes_no_limit(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) { o.Rates = webui.Rates{Submissions: 1} })
	stranger := b.at("127.0.0.7")
	stranger.submit("X-Forwarded-For: 198.51.100.1").is(t, http.StatusAccepted)
	stranger.submit("X-Forwarded-For: 198.51.100.2", "X-Real-IP: 198.51.100.3", "Forwarded: for=198.51.100.4").tooMany(t)
	if strings.Contains(b.log.String(), "198.51.100.") {
		t.Errorf("the log believes it:\n%s", b.log.String())
	}
}

func TestRates_of_uploads(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) { o.Rates = webui.Rates{Uploads: 1} })
	begin := func() answer {
		return b.at("127.0.0.5").do(http.MethodPost, "/api/v1/uploads", nil, "Tus-Resumable: 1.0.0", "Upload-Length: 5")
	}
	begin().is(t, http.StatusCreated)
	begin().tooMany(t)
}

func TestRates_hold_for_nobody_who_is_unlimited(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) {
		o.Rates = webui.Rates{Submissions: 1, Uploads: 1, Requests: 1, UnknownIDs: 1, Streams: 1, Connections: 1,
			Unlimited: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	})
	for range 20 {
		b.made()
		b.get("/api/v1/jobs/"+strings.Repeat("A", 26)).is(t, http.StatusNotFound)
	}
}

func TestAttack_C01_ids_are_not_guessed(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) { o.Rates = webui.Rates{UnknownIDs: 40} })
	j := b.made()
	guesser := b.at("127.0.0.5")
	last := byte('A')
	if j.ID[25] == last {
		last = 'B'
	}
	unknown := guesser.get("/api/v1/jobs/" + strings.Repeat("A", 26))
	unknown.problemOf(t, fault.NotFound)
	for _, id := range []string{
		j.ID[:25] + string(last), j.ID[:25], j.ID + "A", strings.ToLower(j.ID), "1", "0", "-1",
		"f47ac10b-58cc-4372-a567-0e02b2c3d479", strings.Repeat("%41", 25) + "%00",
	} {
		for _, rest := range []string{"", "/status", "/outputs"} {
			a := guesser.get("/api/v1/jobs/" + id + rest)
			if a.StatusCode != http.StatusNotFound || string(a.body) != string(unknown.body) {
				t.Errorf("%s%s: %d %s", id, rest, a.StatusCode, a.body)
			}
		}
	}
	tries := 0
	for ; tries < 200 && guesser.get("/api/v1/jobs/"+strings.Repeat("B", 26)+"/status").StatusCode == http.StatusNotFound; tries++ {
	}
	if tries > 20 {
		t.Errorf("%d tries after 28 were answered", tries)
	}
	// From now on a right guess is not told from a wrong one.
	for _, path := range []string{j.Links.Self, j.Links.Status, j.Links.Events, j.Links.Page, "/api/v1/jobs/" + strings.Repeat("C", 26)} {
		guesser.get(path).is(t, http.StatusTooManyRequests)
	}
	guesser.get(j.Links.Self).tooMany(t)
	guesser.get("/api/v1/recipes").is(t, http.StatusOK)
	guesser.get(j.Links.Self, admin).is(t, http.StatusOK)
	b.at("127.0.0.6").get(j.Links.Self).is(t, http.StatusOK)
}

func TestAttack_C02_a_job_of_somebody_else(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.at("127.0.0.1").submit(browserA).job(t, http.StatusAccepted)
	b.finish(b.claim(), fault.Succeeded, upload{"out.txt", "x"})
	stranger := b.at("127.0.0.9")
	for _, path := range []string{j.Links.Self, j.Links.Status, j.Links.Self + "/outputs", j.Links.Self + "/outputs/out.txt"} {
		stranger.get(path, cookie('B')).is(t, http.StatusOK) // the id is the key to see and to download
	}
	for _, try := range []struct{ method, path string }{
		{http.MethodPost, "/cancel"}, {http.MethodPost, "/retry"}, {http.MethodDelete, ""}, {http.MethodPatch, ""},
		{http.MethodGet, "/inputs"}, {http.MethodGet, "/inputs/a.txt"},
	} {
		stranger.do(try.method, j.Links.Self+try.path, strings.NewReader("{}"), cookie('B'), "Content-Type: application/json").problemOf(t, fault.Forbidden)
	}
	stranger.do(http.MethodPost, j.Links.Self+"/replay", nil, cookie('B')).problemOf(t, fault.Unauthorized)
	for _, forged := range []string{"Convertd-Manage: x", "X-Remote-User: " + "anon:", "Cookie: convertd_owner=" + strings.ToLower(strings.Repeat("A", 26))} {
		stranger.do(http.MethodDelete, j.Links.Self, nil, forged).problemOf(t, fault.Forbidden)
	}
	if text := string(stranger.get("/api/v1/jobs", cookie('B')).body); strings.Contains(text, j.ID) {
		t.Error("a stranger's list has the job")
	}
	// Without the id there is nothing, and 404 is all that is told.
	stranger.do(http.MethodDelete, "/api/v1/jobs/"+strings.Repeat("A", 26), nil).problemOf(t, fault.NotFound)
	stranger.get("/api/v1/jobs/"+strings.Repeat("A", 26)+"/events").problemOf(t, fault.NotFound)
	if n := len(b.list()); n != 1 {
		t.Errorf("%d jobs", n)
	}
}

func TestAttack_C11_streams_of_one_address(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) { o.Rates = webui.Rates{Streams: 2} })
	j := b.made()
	one, two := b.listen(j.Links.Events, ""), b.listen("/api/v1/events?job="+j.ID, "")
	one.until("status", "queued")
	two.until("status", "queued")
	b.get(j.Links.Events).tooMany(t)
	one.stop()
	b.eventually("the place is free", func() bool {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.base+j.Links.Events, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
}

func TestAttack_C12_a_place_in_the_log_that_is_none(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.made()
	c := b.claim()
	b.status.put(running(c, 5))
	b.writeLog(j.ID, 1, "one\n")
	for _, id := range []string{"garbage", "1", ":", "-1:5", "1:-5", "1:99999999999999999999", "2:0", "1:1000000", "1:2", strings.Repeat("9", 5000), "1:0; DROP"} {
		l := b.listen(j.Links.Events, id)
		if e := l.until("status", `"percent":5`); e.Name != "status" {
			t.Errorf("%s: %+v", id, e)
		}
		l.stop()
	}
}

func TestAttack_C13_polling_without_a_pause(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) { o.Rates = webui.Rates{Requests: 50} })
	j := b.made()
	poller := b.at("127.0.0.5")
	refused := 0
	for range 1000 {
		switch a := poller.get(j.Links.Status); a.StatusCode {
		case http.StatusOK:
		case http.StatusTooManyRequests:
			if refused++; refused == 1 {
				a.tooMany(t)
			}
		default:
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
	}
	if refused == 0 {
		t.Error("a thousand polls were all served")
	}
	poller.get("/healthz").is(t, http.StatusOK)
	b.at("127.0.0.6").get(j.Links.Status).is(t, http.StatusOK)
}

func TestAttack_C13_a_document_is_looked_up_once_for_many(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.made()
	b.status.put(running(b.claim(), 5))
	for range 500 {
		b.get(j.Links.Status).is(t, http.StatusOK)
	}
	b.status.mu.Lock()
	defer b.status.mu.Unlock()
	if b.status.gets > 250 {
		t.Errorf("500 polls asked memcached %d times", b.status.gets)
	}
}

func TestRates_of_wrong_tokens(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) {
		o.Rates = webui.Rates{SignIns: 3, Unlimited: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	})
	form := func(who caller, code string) answer {
		return who.do(http.MethodPost, "/admin/sign-in", strings.NewReader("code="+code), "Content-Type: application/x-www-form-urlencoded")
	}
	guesser, honest := b.at("127.0.0.5"), b.at("127.0.0.6")
	for range 20 { // who knows it never notices
		honest.get("/api/v1/stats", admin).is(t, http.StatusOK)
		form(honest, adminToken).is(t, http.StatusSeeOther)
	}
	guesser.get("/api/v1/stats", admin+"x").is(t, http.StatusUnauthorized)
	guesser.get("/admin", admin+"x").is(t, http.StatusNotFound)
	form(guesser, "wrong").is(t, http.StatusUnauthorized)
	// A right one is not told from a wrong one any more.
	guesser.get("/api/v1/stats", admin).tooMany(t)
	guesser.get("/admin", admin).is(t, http.StatusTooManyRequests)
	form(guesser, adminToken).is(t, http.StatusTooManyRequests)
	guesser.get("/api/v1/recipes").is(t, http.StatusOK)
	honest.get("/api/v1/stats", admin).is(t, http.StatusOK)
}

func TestRates_of_connections(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) { o.Rates = webui.Rates{Connections: 3} })
	held := b.crowd(3, "GET / HTTP/1.1\r\n") // from 127.0.0.1
	b.at("127.0.0.5").get("/healthz").is(t, http.StatusOK)
	fourth := b.crowd(1, "")[0]
	if _, err := fourth.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("a fourth connection is served: %v", err)
	}
	for _, conn := range held {
		conn.Close()
	}
	b.eventually("there is room again", func() bool {
		conn := b.crowd(1, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")[0]
		text, _ := io.ReadAll(conn)
		return strings.HasPrefix(string(text), "HTTP/1.1 200")
	})
}
