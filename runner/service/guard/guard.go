// Package guard owns who may be spoken to over the network on behalf of a recipe: which
// hosts and ports a recipe was granted, which addresses a name may stand for, and
// connections that go to an address that was checked and to no other.
//
// It does not own what is said over a connection (cmd/convertd-net, runner/service), nor
// what a recipe file looks like (runner/recipe/load). It may import the standard library
// alone; the child program must not import it, because it needs package net.
package guard

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Rule is one entry of the hosts that a recipe is granted: "HOST", "HOST:PORT",
// "*.DOMAIN" for every host below a domain, or "*" for every host of the internet.
type Rule struct {
	// Host is a name in lower case without a final dot, or an IP address in its shortest
	// form; of a rule with a star it is what follows "*.", or "" for "*".
	Host string
	// Star says that the rule stands for many hosts.
	Star bool
	// Port is 0 where none was written: then 80 and 443 are meant.
	Port uint16
	// Given says that the host came from a parameter and not from the recipe itself.
	Given bool
}

// ParseRule reads an entry that was written in a recipe. The error says what is wrong
// with it in a sentence that begins after the entry.
func ParseRule(text string) (Rule, error) {
	host, port, err := splitPort(text)
	if err != nil {
		return Rule{}, err
	}
	r := Rule{Port: port}
	switch rest, star := strings.CutPrefix(host, "*."); {
	case host == "*":
		r.Star = true
		return r, nil
	case star:
		r.Star, host = true, rest
	}
	if r.Host, err = cleanHost(host); err != nil {
		return Rule{}, err
	}
	if _, err := netip.ParseAddr(r.Host); r.Star && err == nil {
		return Rule{}, errors.New("has a star before an address; a star stands for names only")
	}
	return r, nil
}

// String writes the rule as a recipe does.
func (r Rule) String() string {
	host := r.Host
	switch {
	case r.Star && host == "":
		host = "*"
	case r.Star:
		host = "*." + host
	}
	if r.Port == 0 {
		return host
	}
	return net.JoinHostPort(host, strconv.Itoa(int(r.Port)))
}

// splitPort cuts a port off. An IPv6 address with a port stands in brackets.
func splitPort(text string) (host string, port uint16, err error) {
	if inner, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(inner, "]") {
		return strings.TrimSuffix(inner, "]"), 0, nil
	}
	if strings.Count(text, ":") != 1 && !strings.HasPrefix(text, "[") {
		return text, 0, nil // a host alone; an IPv6 address has more colons
	}
	host, digits, err := net.SplitHostPort(text)
	if err != nil {
		return "", 0, errors.New("is neither HOST nor HOST:PORT")
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 {
		return "", 0, errors.New("has a port that is not a number from 1 to 65535")
	}
	return host, uint16(n), nil
}

// cleanHost brings a host into the form in which hosts are compared. Addresses written
// in a way that only some programs take for one (2130706433, 0x7f.1, 127.1, 010.0.0.1)
// are refused, so that nobody can understand them differently from us.
func cleanHost(host string) (string, error) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.Zone() != "" {
			return "", errors.New("has an address with a zone, which means something on one machine only")
		}
		return addr.Unmap().String(), nil
	}
	if !isName(host) {
		return "", errors.New("is not the name of a host; names with other letters are written in their xn-- form")
	}
	if endsInNumber(host) {
		return "", errors.New("has an address that is not in its plain form, such as 192.0.2.1 or 2001:db8::1")
	}
	return host, nil
}

// isName accepts names of hosts as RFC 1123 writes them, and "_", which some have.
func isName(host string) bool {
	if host == "" || len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// endsInNumber reports whether the last label is a number, decimal or with "0x": no name
// of the internet ends in one, but inet_aton(3) takes such a text for an address.
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if strings.Trim(last, "0123456789") == "" {
		return true
	}
	hex, ok := strings.CutPrefix(last, "0x")
	return ok && strings.Trim(hex, "0123456789abcdef") == ""
}

// fits reports whether the rule grants this host, which cleanHost returned, and port.
func (r Rule) fits(host string, port uint16) bool {
	if r.Port != port && (r.Port != 0 || port != 80 && port != 443) {
		return false
	}
	switch {
	case !r.Star:
		return host == r.Host
	case r.Host == "":
		return true
	}
	return strings.HasSuffix(host, "."+r.Host)
}

// reach says which addresses the rule lets a host have.
func (r Rule) reach() reach {
	switch {
	case r.Given, r.Star && r.Host == "":
		return toPublic
	case r.Star:
		return toLocal
	}
	return toAny
}

// Policy says which hosts may be spoken to. Its zero value lets nobody be.
type Policy struct{ rules []Rule }

// New makes a policy of the hosts that are written in a recipe, and of those that were
// put together with the value of a parameter. What is written may be a host of the local
// network or this machine; what is given, and "*", only one of the internet.
func New(written, given []string) (Policy, error) {
	var p Policy
	for i, text := range slices.Concat(written, given) {
		rule, err := ParseRule(text)
		if err == nil && rule.Star && i >= len(written) {
			err = errors.New("has a star, which only a recipe may have")
		}
		if err != nil {
			return Policy{}, fmt.Errorf("host %q %w", text, err)
		}
		rule.Given = i >= len(written)
		p.rules = append(p.rules, rule)
	}
	return p, nil
}

// granted returns how far a host may reach, by the rule that lets it reach farthest.
func (p Policy) granted(host string, port uint16) (far reach, ok bool) {
	for _, rule := range p.rules {
		if rule.fits(host, port) {
			far, ok = max(far, rule.reach()), true
		}
	}
	return far, ok
}

// Grants reports whether HOST:PORT may be spoken to at all; which addresses it may have is
// seen when that is done.
func (p Policy) Grants(address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return false
	}
	if host, err = cleanHost(host); err != nil {
		return false
	}
	_, ok := p.granted(host, uint16(number))
	return ok
}

// RefusedError says that a connection was not made because nobody granted it.
type RefusedError struct {
	// Host is as it was asked for, Port likewise.
	Host string `json:"host"`
	Port string `json:"port"`
	// Why is what is wrong, as half a sentence.
	Why string `json:"why"`
	// Ungranted says that a line of [access] would allow it; otherwise it is the address
	// that nobody may be sent to by a name that does not come from the recipe.
	Ungranted bool `json:"ungranted,omitempty"`
}

func (e *RefusedError) Error() string {
	return "connection to " + net.JoinHostPort(e.Host, e.Port) + " refused: " + e.Why
}
