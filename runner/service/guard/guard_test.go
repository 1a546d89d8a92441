package guard_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"convertd/runner/service/guard"
)

// names are a resolver of the test's own.
type names map[string][]string

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	var all []netip.Addr
	for _, text := range n[host] {
		all = append(all, netip.MustParseAddr(text))
	}
	if all == nil {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return all, nil
}

func nobody() ([]netip.Addr, error) { return nil, nil }

func policy(t *testing.T, written, given []string) guard.Policy {
	t.Helper()
	p, err := guard.New(written, given)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestAttack tries what a host that is not to be trusted may be called.
func TestAttack(t *testing.T) {
	t.Parallel()
	given := []string{
		"127.0.0.1", "169.254.169.254", "10.0.0.1", "192.168.1.1", "100.100.100.200", "168.63.129.16", "0.0.0.0", "224.0.0.1", "255.255.255.255",
		"[::1]", "[::]", "[::ffff:7f00:1]", "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[fe80::1]", "[fd00:ec2::254]", "[ff02::1]",
		"[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::127.0.0.1]", "[2001:0:7f00:1::]",
	}
	for _, host := range given {
		t.Run("C19_address_"+host, func(t *testing.T) {
			t.Parallel()
			d := guard.Dialer{Policy: policy(t, nil, []string{host}), Own: nobody}
			wantRefused(t, &d, net.JoinHostPort(strings.Trim(host, "[]"), "80"), "its address")
			resolved := guard.Dialer{
				Policy: policy(t, []string{"*"}, nil), Own: nobody,
				Resolver: names{"evil.example": {strings.Trim(host, "[]")}},
			}
			wantRefused(t, &resolved, "evil.example:80", "its address")
		})
	}
	for _, host := range []string{"2130706433", "017700000001", "0x7f000001", "127.1", "0177.0.0.1", "0x7f.0.0.1", "127.0.0.1.", "①②⑦.0.0.1", "127。0。0。1", "fe80::1%lo", "a b", "-x", ""} {
		t.Run("C19_form_"+host, func(t *testing.T) {
			t.Parallel()
			d := guard.Dialer{Policy: policy(t, []string{"*"}, nil), Own: nobody, Resolver: names{host: {"127.0.0.1"}}}
			wantRefused(t, &d, net.JoinHostPort(host, "80"), "")
		})
	}
}

func wantRefused(t *testing.T, d *guard.Dialer, address, why string) {
	t.Helper()
	conn, err := d.DialContext(context.Background(), "tcp", address)
	if err == nil {
		conn.Close()
		t.Fatalf("%s was connected to", address)
	}
	var refused *guard.RefusedError
	if !errors.As(err, &refused) || !strings.Contains(refused.Why, why) {
		t.Fatalf("%s: %v, want it refused with %q", address, err, why)
	}
}

// TestAttackC19Rebinding lets a name have another address at each look: what was checked is what
// is connected to.
func TestAttackC19Rebinding(t *testing.T) {
	t.Parallel()
	here := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "secret") }))
	defer here.Close()
	port := here.Listener.Addr().(*net.TCPAddr).Port
	looks := &changing{}
	d := guard.Dialer{Policy: policy(t, []string{fmt.Sprintf("*:%d", port)}, nil), Own: nobody, Resolver: looks}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // the first address is of the internet: it is not really tried
	if _, err := d.DialContext(ctx, "tcp", fmt.Sprintf("rebind.example:%d", port)); !errors.Is(err, context.Canceled) {
		t.Fatalf("the first look: %v", err)
	}
	if n := looks.n.Load(); n != 1 {
		t.Errorf("the name was looked up %d times for one connection", n)
	}
	wantRefused(t, &d, fmt.Sprintf("rebind.example:%d", port), "this machine itself")
}

// changing answers with an address of the internet first, and with this machine's after.
type changing struct{ n atomic.Int32 }

func (c *changing) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	if c.n.Add(1) == 1 {
		return []netip.Addr{netip.MustParseAddr("8.8.8.8")}, nil
	}
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

// TestMixedAddresses has a name with one address that it may have and one that it may not.
func TestMixedAddresses(t *testing.T) {
	t.Parallel()
	d := guard.Dialer{Policy: policy(t, []string{"*"}, nil), Resolver: names{"two.example": {"127.0.0.1", "8.8.8.8"}}, Own: nobody}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := d.DialContext(ctx, "tcp", "two.example:80"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v: the address that it may have was not tried", err)
	}
}

// TestOwnAddress has a name that stands for an address of the internet that is ours.
func TestOwnAddress(t *testing.T) {
	t.Parallel()
	d := guard.Dialer{
		Policy: policy(t, []string{"*"}, nil), Resolver: names{"us.example": {"8.8.4.4"}},
		Own: func() ([]netip.Addr, error) { return []netip.Addr{netip.MustParseAddr("8.8.4.4")}, nil },
	}
	wantRefused(t, &d, "us.example:80", "this machine itself")
}

func TestAttackC19Redirect(t *testing.T) {
	t.Parallel()
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "secret") }))
	defer inside.Close()
	outside := httptest.NewServer(http.RedirectHandler(inside.URL, http.StatusFound))
	defer outside.Close()
	address := outside.Listener.Addr().String()
	d := guard.Dialer{Policy: policy(t, []string{address}, nil)}
	client := http.Client{Transport: &http.Transport{DialContext: d.DialContext}}
	resp, err := client.Get(outside.URL)
	if err == nil {
		resp.Body.Close()
		t.Fatal("the redirect was followed")
	}
	var refused *guard.RefusedError
	if !errors.As(err, &refused) || !refused.Ungranted {
		t.Errorf("%v, want it refused", err)
	}
}

func TestGranted(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	port := server.Listener.Addr().(*net.TCPAddr).Port
	at := func(host string) string { return net.JoinHostPort(host, fmt.Sprint(port)) }
	resolver := names{"render.lan": {"127.0.0.1"}, "a.render.lan": {"127.0.0.1"}, "b.render.lan": {"10.255.255.1"}}
	for _, row := range []struct {
		name, rule, address string
		works               bool
		why                 string
	}{
		{"a host of the recipe may be this machine", at("127.0.0.1"), at("127.0.0.1"), true, ""},
		{"in any form of the address", at("::ffff:127.0.0.1"), at("127.0.0.1"), true, ""},
		{"by name", at("render.lan"), at("render.lan"), true, ""},
		{"in capitals, with a dot at the end", at("Render.Lan."), at("RENDER.lan."), true, ""},
		{"not another port", "render.lan:81", at("render.lan"), false, "not in [access] hosts"},
		{"not a port without being told", "render.lan", at("render.lan"), false, "not in [access] hosts"},
		{"not the address of a name", at("render.lan"), at("127.0.0.1"), false, "not in [access] hosts"},
		{"not a host below", at("render.lan"), at("a.render.lan"), false, "not in [access] hosts"},
		{"a star is not the domain itself", at("*.render.lan"), at("render.lan"), false, "not in [access] hosts"},
		{"nor a name that merely ends so", at("*.ender.lan"), at("a.render.lan"), false, "not in [access] hosts"},
		{"a host below a star is not this machine", at("*.render.lan"), at("a.render.lan"), false, "this machine itself"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			d := guard.Dialer{Policy: policy(t, []string{row.rule}, nil), Resolver: resolver}
			if !row.works {
				wantRefused(t, &d, row.address, row.why)
				return
			}
			conn, err := d.DialContext(context.Background(), "tcp", row.address)
			if err != nil {
				t.Fatal(err)
			}
			conn.Close()
		})
	}
	d := guard.Dialer{Policy: policy(t, []string{"*.render.lan:81"}, nil), Resolver: resolver}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := d.DialContext(ctx, "tcp", "b.render.lan:81"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v: a host below a star may be of a private network", err)
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Render.LAN": "render.lan", "render.lan.:8080": "render.lan:8080", "*.example.org": "*.example.org", "*": "*", "*:8443": "*:8443",
		"[2001:DB8::1]:80": "[2001:db8::1]:80", "2001:db8::1": "2001:db8::1", "[2001:db8::1]": "2001:db8::1", "::ffff:10.0.0.1": "10.0.0.1",
		"my_host": "my_host", "3de.example": "3de.example",
	} {
		r, err := guard.ParseRule(text)
		if err != nil || r.String() != want {
			t.Errorf("%q: %q, %v, want %q", text, r.String(), err, want)
		}
	}
	for text, word := range map[string]string{
		"": "not the name", "http://render.lan": "not a number", "render.lan/x": "not the name", "a:0": "port", "a:70000": "port", "a:": "port",
		"*.10.0.0.1": "star before an address", "127.1": "plain form", "2130706433": "plain form", "*x.org": "not the name", "a.*.org": "not the name",
		"bücher.example": "xn--", "fe80::1%eth0": "zone", "[::1": "neither", "user@host": "not the name",
	} {
		if r, err := guard.ParseRule(text); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q: %v, %v, want an error with %q", text, r, err, word)
		}
	}
	if _, err := guard.New(nil, []string{"*.example.org"}); err == nil {
		t.Error("a parameter may give a star")
	}
}
