package main

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"time"

	"convertd/runner/service/guard"
)

// What the versions, methods, addresses and answers of SOCKS 5 are called (RFC 1928).
const (
	socksVersion     = 5
	socksNoLogin     = 0
	socksNoMethod    = 0xff
	socksConnect     = 1
	socksIPv4        = 1
	socksName        = 3
	socksIPv6        = 4
	socksDone        = 0
	socksFailed      = 1
	socksNotAllowed  = 2
	socksUnreachable = 4
	socksNoCommand   = 7
	socksNoAddress   = 8
)

// serveSOCKS serves one client. Only connections are made: a library would bring
// listening and UDP, which must not be had, and look names up before they are checked.
func (p *proxyServer) serveSOCKS(c *buffered) {
	if c.SetDeadline(time.Now().Add(helloPatience)) != nil {
		return
	}
	address, answer, err := socksHello(c)
	if err != nil {
		return
	}
	if answer != socksDone {
		socksReply(c, answer)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), helloPatience)
	defer cancel()
	there, err := p.dial(ctx, "tcp", address)
	if err != nil {
		socksReply(c, socksReason(err))
		return
	}
	defer there.Close()
	if socksReply(c, socksDone) == nil && c.SetDeadline(time.Time{}) == nil {
		join(c, there)
	}
}

func socksReason(err error) byte {
	var refused *guard.RefusedError
	if errors.As(err, &refused) {
		return socksNotAllowed
	}
	return socksUnreachable
}

// socksHello agrees on no login and reads what is wanted; answer is socksDone if it is a
// connection to the address.
func socksHello(c *buffered) (address string, answer byte, err error) {
	var head [4]byte
	if _, err := io.ReadFull(c, head[:2]); err != nil {
		return "", 0, err
	}
	methods := make([]byte, head[1])
	if _, err := io.ReadFull(c, methods); err != nil {
		return "", 0, err
	}
	method := byte(socksNoMethod)
	for _, m := range methods {
		if m == socksNoLogin {
			method = socksNoLogin
		}
	}
	if _, err := c.Write([]byte{socksVersion, method}); err != nil {
		return "", 0, err
	}
	if method == socksNoMethod {
		return "", 0, errors.New("client wants to log in")
	}
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return "", 0, err
	}
	if head[0] != socksVersion {
		return "", 0, errors.New("client speaks another version")
	}
	address, answer, err = socksAddress(c, head[3])
	if err == nil && answer == socksDone && head[1] != socksConnect {
		answer = socksNoCommand
	}
	return address, answer, err
}

// socksAddress reads an address of this kind and its port.
func socksAddress(c *buffered, kind byte) (address string, answer byte, err error) {
	size := 0
	switch kind {
	case socksIPv4:
		size = net.IPv4len
	case socksIPv6:
		size = net.IPv6len
	case socksName:
		n, err := c.reader.ReadByte()
		if err != nil {
			return "", 0, err
		}
		size = int(n)
	default:
		return "", socksNoAddress, nil
	}
	text := make([]byte, size+2)
	if _, err := io.ReadFull(c, text); err != nil {
		return "", 0, err
	}
	host := string(text[:size])
	if addr, ok := netip.AddrFromSlice(text[:size]); ok && kind != socksName {
		host = addr.String()
	}
	return net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(text[size:])))), socksDone, nil
}

// socksReply answers; the address that we connected from is nobody's business.
func socksReply(c *buffered, answer byte) error {
	_, err := c.Write([]byte{socksVersion, answer, 0, socksIPv4, 0, 0, 0, 0, 0, 0})
	return err
}
