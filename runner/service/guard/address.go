package guard

import (
	"fmt"
	"net/netip"
)

// reach is how far from the internet an address may lie, from the narrowest on.
type reach int

const (
	// toPublic: addresses of the internet.
	toPublic reach = iota
	// toLocal: those of private networks as well.
	toLocal
	// toAny: this machine and its links as well.
	toAny
)

// kind is what an address is for.
type kind string

// The kinds that are not public. An address of the kind never belongs to no single host.
const (
	public    kind = ""
	private   kind = "of a private network"
	loopback  kind = "this machine itself"
	linkLocal kind = "of the local link, where clouds keep their metadata"
	metadata  kind = "that of a cloud's metadata"
	reserved  kind = "reserved"
	never     kind = "no host's"
)

// block is a range of addresses of one kind.
type block struct {
	prefix string
	kind   kind
}

// blocks are the special ranges, a narrower one before one that holds it: the registries
// of special-purpose addresses that IANA keeps (RFC 6890), and addresses at which clouds
// answer their own machines.
func blocks() []block {
	return []block{
		{"169.254.169.254/32", metadata}, {"168.63.129.16/32", metadata}, {"100.100.100.200/32", metadata},
		{"192.0.0.192/32", metadata}, {"fd00:ec2::254/128", metadata}, {"fd20:ce::254/128", metadata},
		{"10.0.0.0/8", private}, {"172.16.0.0/12", private}, {"192.168.0.0/16", private},
		{"100.64.0.0/10", private}, {"fc00::/7", private},
		{"127.0.0.0/8", loopback}, {"::1/128", loopback},
		{"169.254.0.0/16", linkLocal}, {"fe80::/10", linkLocal}, {"fec0::/10", linkLocal},
		{"0.0.0.0/8", never}, {"255.255.255.255/32", never}, {"224.0.0.0/4", never},
		{"::/128", never}, {"ff00::/8", never},
		{"192.0.0.0/24", reserved}, {"192.0.2.0/24", reserved}, {"198.18.0.0/15", reserved},
		{"198.51.100.0/24", reserved}, {"203.0.113.0/24", reserved}, {"192.88.99.0/24", reserved},
		{"240.0.0.0/4", reserved},
		// Addresses that carry one of IPv4 in a tunnel, past every check of it.
		{"::/96", reserved}, {"64:ff9b:1::/48", reserved}, {"2001::/32", reserved}, {"2002::/16", reserved},
		{"100::/64", reserved}, {"2001:10::/28", reserved}, {"2001:20::/28", reserved},
		{"2001:db8::/32", reserved}, {"3fff::/20", reserved}, {"5f00::/16", reserved},
	}
}

// nat64 is the prefix by which networks without IPv4 reach hosts of it (RFC 6052); the
// address meant stands in the last four bytes.
const nat64 = "64:ff9b::/96"

// plain takes an IPv4 address out of an IPv6 address that carries it.
func plain(addr netip.Addr) netip.Addr {
	addr = addr.WithZone("").Unmap()
	if netip.MustParsePrefix(nat64).Contains(addr) {
		all := addr.As16()
		return netip.AddrFrom4([4]byte(all[12:]))
	}
	return addr
}

// kindOf returns what an address is for.
func kindOf(addr netip.Addr) kind {
	addr = plain(addr)
	if !addr.IsValid() {
		return never
	}
	for _, b := range blocks() {
		if netip.MustParsePrefix(b.prefix).Contains(addr) {
			return b.kind
		}
	}
	return public
}

// allows says why a host of this reach may not have the address, "" if it may.
func (far reach) allows(addr netip.Addr) (why string) {
	switch k := kindOf(addr); {
	case k == public, far == toAny && k != never, far == toLocal && k == private:
		return ""
	default:
		return fmt.Sprintf("its address %s is %s", addr, k)
	}
}
