package guard

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// ownAddresses are those of this machine. The kernel is asked (rtnetlink(7)); where the
// service may make no such socket, its tables are read (proc(5)).
func ownAddresses() ([]netip.Addr, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return listedAddresses("/proc/self/net/fib_trie", "/proc/self/net/if_inet6")
	}
	var own []netip.Addr
	for _, a := range all {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			own = append(own, prefix.Addr().Unmap())
		}
	}
	return own, nil
}

// listedAddresses reads own addresses from the tables of routes of IPv4 and of addresses
// of IPv6. A machine without IPv6 has no table of it.
func listedAddresses(routes, addresses string) ([]netip.Addr, error) {
	text, err := os.ReadFile(routes)
	if err != nil {
		return nil, err
	}
	own := localRoutes(text)
	text, err = os.ReadFile(addresses)
	if errors.Is(err, os.ErrNotExist) {
		return own, nil
	}
	for line := range bytes.Lines(text) {
		digits, _, _ := strings.Cut(string(line), " ")
		raw, err := hex.DecodeString(digits)
		if addr, ok := netip.AddrFromSlice(raw); err == nil && ok {
			own = append(own, addr)
		}
	}
	return own, err
}

// localRoutes reads the addresses whose leaf in the tree of routes is of the kind LOCAL.
func localRoutes(trie []byte) []netip.Addr {
	var own []netip.Addr
	var last netip.Addr
	for lines := bufio.NewScanner(bytes.NewReader(trie)); lines.Scan(); {
		text := strings.TrimSpace(lines.Text())
		if leaf, ok := strings.CutPrefix(text, "|-- "); ok {
			last, _ = netip.ParseAddr(leaf)
			continue
		}
		if strings.HasSuffix(text, "host LOCAL") && last.IsValid() && !slices.Contains(own, last) {
			own = append(own, last)
		}
	}
	return own
}
