package guard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// Resolver finds the addresses of a name; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Dialer makes connections to hosts that a policy grants. A name is resolved once for
// each connection, every address is checked, and the connection goes to one of those;
// the kernel is asked to connect to nothing that was not checked again just before.
type Dialer struct {
	Policy Policy
	// Resolver is where names are looked up; nil means as the system does.
	Resolver Resolver
	// Timeout bounds the attempt on one address; 0 means 20 s.
	Timeout time.Duration
	// Own returns the addresses of this machine, to which a name from outside must not
	// lead even if they are of the internet. nil means that the kernel is asked.
	Own func() ([]netip.Addr, error)
}

const dialTimeout = 20 * time.Second

// DialContext connects to HOST:PORT. What the policy does not grant is a *RefusedError;
// every other error is the network's. It fits http.Transport.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	t, err := d.target(network, address)
	if err != nil {
		return nil, err
	}
	addresses, err := d.resolve(ctx, t)
	if err != nil {
		return nil, err
	}
	var first error
	for _, addr := range addresses {
		conn, err := d.connect(ctx, t, addr)
		if err == nil {
			return conn, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, first
}

// target is what is to be connected to.
type target struct {
	network, host, port string
	number              uint16
	far                 reach
}

func (t target) refused(why string) error {
	return &RefusedError{Host: t.host, Port: t.port, Why: why}
}

// target finds out whether the policy grants the host at all.
func (d *Dialer) target(network, address string) (target, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return target{}, fmt.Errorf("connect to %q: %w", address, err)
	}
	t := target{network: network, host: host, port: port}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return t, t.refused("its port is not a number from 1 to 65535")
	}
	t.number = uint16(number)
	clean, err := cleanHost(host)
	if err != nil {
		return t, t.refused("it " + err.Error())
	}
	t.host = clean
	granted := false
	if t.far, granted = d.Policy.granted(clean, t.number); !granted {
		return t, &RefusedError{Host: clean, Port: port, Why: "not in [access] hosts", Ungranted: true}
	}
	return t, nil
}

// resolve returns the addresses that the host may have, refused if it has no such.
func (d *Dialer) resolve(ctx context.Context, t target) ([]netip.Addr, error) {
	all := []netip.Addr{}
	if addr, err := netip.ParseAddr(t.host); err == nil {
		all = append(all, addr)
	} else if all, err = d.lookup(ctx, t.host); err != nil {
		return nil, fmt.Errorf("look up %s: %w", t.host, err)
	}
	var allowed []netip.Addr
	why := "it has no address"
	for _, addr := range all {
		if reason := d.objection(t, addr); reason != "" {
			why = reason
			continue
		}
		allowed = append(allowed, addr.Unmap())
	}
	if len(allowed) == 0 {
		return nil, t.refused(why)
	}
	return allowed, nil
}

func (d *Dialer) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if d.Resolver != nil {
		return d.Resolver.LookupNetIP(ctx, "ip", host)
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// objection says why this address of the host is not to be spoken to, "" if it may be.
func (d *Dialer) objection(t target, addr netip.Addr) string {
	if why := t.far.allows(addr); why != "" {
		return why
	}
	if t.far == toPublic && d.isOwn(addr) {
		return fmt.Sprintf("its address %s is %s", addr, loopback)
	}
	return ""
}

// isOwn reports whether an address is one of this machine's.
func (d *Dialer) isOwn(addr netip.Addr) bool {
	own := d.Own
	if own == nil {
		own = ownAddresses
	}
	all, err := own()
	if err != nil {
		return true // who we are is not known, so nobody can be told apart from us
	}
	return slices.Contains(all, plain(addr))
}

// connect connects to an address that was checked.
func (d *Dialer) connect(ctx context.Context, t target, addr netip.Addr) (net.Conn, error) {
	dialer := net.Dialer{
		Timeout: d.Timeout,
		Control: func(_, address string, _ syscall.RawConn) error { return d.checkAgain(t, address) },
	}
	if dialer.Timeout == 0 {
		dialer.Timeout = dialTimeout
	}
	conn, err := dialer.DialContext(ctx, t.network, netip.AddrPortFrom(addr, t.number).String())
	var refused *RefusedError
	if errors.As(err, &refused) {
		return nil, refused
	}
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", net.JoinHostPort(t.host, t.port), err)
	}
	return conn, nil
}

// checkAgain looks at what the kernel is about to connect to.
func (d *Dialer) checkAgain(t target, address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return t.refused("its address " + address + " cannot be read")
	}
	if at.Port() != t.number {
		return t.refused("another port came out of it")
	}
	if why := d.objection(t, at.Addr()); why != "" {
		return t.refused(why)
	}
	return nil
}
