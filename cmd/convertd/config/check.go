package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// check refuses values that cannot work or would do harm.
func (l *Loaded) check() error {
	return errors.Join(
		l.checkListen(), l.checkMetrics(), l.checkBaseURL(), l.checkMemcached(), l.checkProxies(), l.checkNumbers(), l.checkQueues(), l.checkMail())
}

func (l *Loaded) checkListen() error { return l.CheckListen(l.Web.Listen) }

// CheckListen keeps a service without sign-in from being reachable from elsewhere, at the
// configured address or at one that was handed over.
func (l *Loaded) CheckListen(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("[web] listen = %q: %w: give ADDRESS:PORT, for instance 127.0.0.1:8080", address, err)
	}
	if l.Web.Open || l.Web.UserHeader != "" || isLoopback(host) {
		return nil
	}
	return fmt.Errorf("[web] listen = %q is reachable from other machines and nobody would have to sign in: "+
		"put an authenticating proxy in front and set [web] user_header and trusted_proxies, "+
		"or set [web] open = true if everyone who reaches it may use it", address)
}

func (l *Loaded) checkMetrics() error {
	address := l.Dispatcher.MetricsListen
	if address == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("[dispatcher] metrics_listen = %q: %w: give ADDRESS:PORT, for instance 127.0.0.1:9464", address, err)
	}
	if address == l.Web.Listen && port != "0" {
		return fmt.Errorf("[dispatcher] metrics_listen = %q is the address of the pages, [web] listen: give another port", address)
	}
	return nil
}

func (l *Loaded) checkBaseURL() error {
	if l.Web.BaseURL == "" {
		return nil
	}
	u, err := url.Parse(l.Web.BaseURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("[web] base_url = %q is not an address such as https://convert.example.org", l.Web.BaseURL)
	}
	if l.Web.Open || l.Web.UserHeader != "" || isLoopback(u.Hostname()) {
		return nil
	}
	return fmt.Errorf("[web] base_url = %q is not on this machine and nobody would have to sign in: "+
		"set [web] user_header and trusted_proxies, or [web] open = true", l.Web.BaseURL)
}

func (l *Loaded) checkMemcached() error {
	address := l.Memcached.Address
	if _, _, err := net.SplitHostPort(address); err != nil && address != "" && !strings.HasPrefix(address, "/") {
		return fmt.Errorf("[memcached] address = %q: give the path of a socket, or HOST:PORT", address)
	}
	return nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

func (l *Loaded) checkProxies() error {
	var problems []error
	for key, list := range map[string][]string{"trusted_proxies": l.Web.TrustedProxies, "unlimited": l.Web.Unlimited} {
		for _, text := range list {
			if _, err := netip.ParsePrefix(text); err == nil {
				continue
			}
			if _, err := netip.ParseAddr(text); err != nil {
				problems = append(problems, fmt.Errorf("[web] %s: %q is neither an address nor a network such as 10.0.0.0/8", key, text))
			}
		}
	}
	if l.Web.UserHeader != "" && len(l.Web.TrustedProxies) == 0 {
		problems = append(problems, errors.New("[web] user_header without trusted_proxies: anyone could send that header; name the proxy's address"))
	}
	return errors.Join(problems...)
}

func (l *Loaded) checkNumbers() error {
	var problems []error
	atLeast := func(name string, value, least int64) {
		if value < least {
			problems = append(problems, fmt.Errorf("%s = %d: at least %d is needed", name, value, least))
		}
	}
	atLeast("[dispatcher] slots", int64(l.Dispatcher.Slots), 1)
	atLeast("[web] max_upload", int64(l.Web.MaxUpload), 1)
	for key, value := range map[string]int{
		"submissions_per_hour": l.Web.SubmissionsPerHour, "uploads_per_hour": l.Web.UploadsPerHour, "requests_per_second": l.Web.RequestsPerSecond,
		"unknown_ids_per_minute": l.Web.UnknownIDsPerMinute, "sign_ins_per_minute": l.Web.SignInsPerMinute,
		"streams_per_address": l.Web.StreamsPerAddress, "connections_per_address": l.Web.ConnectionsPerAddress,
	} {
		atLeast("[web] "+key, int64(value), 0) // 0 for no limit
	}
	atLeast("[keep] results", int64(l.Keep.Results), 1)
	atLeast("[keep] failed", int64(l.Keep.Failed), 1)
	atLeast("[keep] rows", int64(l.Keep.Rows), 1)
	atLeast("[mail] per_hour", int64(l.Mail.PerHour), 0)
	atLeast("[sandbox] uid_base", int64(l.Sandbox.UIDBase), 1000)
	return errors.Join(problems...)
}

func (l *Loaded) checkQueues() error {
	var problems []error
	for name, q := range l.Queue {
		if q.Limit < 0 || q.MaxWaiting < 0 {
			problems = append(problems, fmt.Errorf("[queue.%s]: limits cannot be negative; leave one out for no limit", name))
		}
	}
	for name, n := range l.Resources {
		if n < 1 {
			problems = append(problems, fmt.Errorf("[resources] %s = %d: at least 1 is needed", name, n))
		}
	}
	return errors.Join(problems...)
}

func (l *Loaded) checkMail() error {
	var problems []error
	if l.Mail.SMTP != "" {
		if _, _, err := net.SplitHostPort(l.Mail.SMTP); err != nil {
			problems = append(problems, fmt.Errorf("[mail] smtp = %q: give HOST:PORT, for instance localhost:25", l.Mail.SMTP))
		}
		if l.Mail.From == "" {
			problems = append(problems, errors.New("[mail] from is needed once smtp is set: the address mails come from"))
		}
	}
	switch l.Mail.UserAddresses {
	case "", "any":
	default:
		if strings.ContainsAny(l.Mail.UserAddresses, " \n@") {
			problems = append(problems, fmt.Errorf("[mail] user_addresses = %q: give any, or domains separated by commas", l.Mail.UserAddresses))
		}
	}
	return errors.Join(problems...)
}
