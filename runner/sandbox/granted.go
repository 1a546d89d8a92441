package sandbox

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Granted is what a box holds besides programs and files. Its zero value is nothing.
type Granted struct {
	// Network is what the box reaches of the network.
	Network Reach `json:"network,omitempty"`
	// Devices are nodes of /dev, by their absolute paths without links.
	Devices []string `json:"devices,omitempty"`
	// Groups are those of the box's user beside its own. Only root can give them.
	Groups []int `json:"groups,omitempty"`
	// User is what the user of the box is called there; "" means convertd.
	User string `json:"user,omitempty"`
	// Secrets are files in memory that only the user of the box may read.
	Secrets []Secret `json:"secrets,omitempty"`
	// Texts are small files that everybody in the box may read, by their paths.
	Texts map[string]string `json:"texts,omitempty"`
}

// Reach is what a box reaches of the network.
type Reach string

const (
	// Alone: nothing but the loopback of its own.
	Alone Reach = ""
	// Proxied: likewise, and there listens what somebody outside lets it reach; see
	// Process.Listener.
	Proxied Reach = "proxied"
	// Shared: the network of the machine, unfiltered.
	Shared Reach = "shared"
)

// ProxyPort is the port on the loopback of a box whose network is Proxied.
const ProxyPort = 3128

// SecretsFolder is where a box finds its secrets, each as a file of its name.
const SecretsFolder = "/run/convertd/secrets"

// secretsSize bounds the file system of the secrets; what is in it counts as memory.
const secretsSize = "4m"

// Secret is a file of SecretsFolder.
type Secret struct {
	Name string `json:"name"`
	Text []byte `json:"text"`
}

// descriptorsOf are the numbers of open files.
func descriptorsOf(open []*os.File) []int {
	fds := make([]int, len(open))
	for i, f := range open {
		fds[i] = int(f.Fd())
	}
	return fds
}

// grantable says whether what is granted can be without what the machine lacks.
func (c *Confinement) grantable() error {
	for _, need := range []struct {
		what   string
		wanted bool
		part   Part
	}{
		{"hosts", c.Granted.Network == Proxied, Network},
		{"secrets", len(c.Granted.Secrets) > 0, Files},
	} {
		if need.wanted && c.Lacks.Has(need.part) {
			return fmt.Errorf("%w: %s need a part of the box that this machine does not give: %s", ErrAccess, need.what, c.Lacks)
		}
	}
	return nil
}

// lookupFiles are what a program needs to find hosts of the network by name.
func lookupFiles() []bind {
	var all []bind
	for _, path := range []string{"/etc/resolv.conf", "/etc/hosts"} {
		if source, err := filepath.EvalSymlinks(path); err == nil {
			all = append(all, bind{Source: source, Target: path})
		}
	}
	return all
}

// deviceNames are the granted nodes beneath /dev.
func (p *plan) deviceNames() []string {
	names := make([]string, len(p.Devices))
	for i, path := range p.Devices {
		names[i] = strings.TrimPrefix(path, "/dev/")
	}
	return names
}

// openNetwork makes the network of the box usable.
func (p *plan) openNetwork(s *script) error {
	if p.Network == Shared {
		return nil
	}
	loopbackUp(s)
	if p.Network == Proxied {
		handOut(s)
	}
	return nil
}

// loopbackUp switches the loopback of the box's own network on (netdevice(7)).
func loopbackUp(s *script) {
	request := struct {
		name  [unix.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}{flags: unix.IFF_UP | unix.IFF_RUNNING}
	copy(request.name[:], "lo")
	const do = "switch loopback on"
	fd := s.opens(s.add(do, "", unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC))
	s.add(do, "", unix.SYS_IOCTL, fd, unix.SIOCSIFFLAGS, keep(s, request))
	s.close(fd)
}

// handOut makes the socket on which the box reaches its proxy and passes it with a report to
// whoever started the box.
func handOut(s *script) {
	const do = "make the socket of the proxy"
	fd := s.opens(s.add(do, "", unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK))
	s.add(do, "", unix.SYS_SETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, keep(s, int32(1)), 4)
	address := unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: [4]byte{127, 0, 0, 1}}
	port := (*[2]byte)(unsafe.Pointer(&address.Port)) // big-endian, as ip(7) has it
	port[0], port[1] = ProxyPort>>8, ProxyPort&0xff
	s.add(do, "", unix.SYS_BIND, fd, keep(s, address), unsafe.Sizeof(address))
	s.add(do, "", unix.SYS_LISTEN, fd, 128)
	s.add("hand out the socket of the proxy", "", unix.SYS_SENDMSG, s.control, s.letter(report{kind: reportListener}, fd), 0)
	s.close(fd)
}

// letter returns a message (sendmsg(2)) that carries a report and a descriptor.
func (s *script) letter(r report, fd uintptr) uintptr {
	content := &r
	vector := &unix.Iovec{Base: (*byte)(unsafe.Pointer(content)), Len: uint64(reportSize)}
	rights := unix.UnixRights(int(fd))
	s.kept = append(s.kept, content, vector, rights)
	return keep(s, unix.Msghdr{Iov: vector, Iovlen: 1, Control: &rights[0], Controllen: uint64(len(rights))})
}

// hear waits for the next report of the init. A descriptor that comes along is kept.
func (p *Process) hear() (report, error) {
	var b [reportSize]byte
	oob := make([]byte, unix.CmsgSpace(4))
	for {
		n, oobn, _, _, err := unix.Recvmsg(int(p.control.Fd()), b[:], oob, unix.MSG_CMSG_CLOEXEC)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return report{}, err
		case n != len(b):
			return report{}, io.ErrUnexpectedEOF
		}
		r := decode(b)
		if r.kind != reportListener {
			return r, nil
		}
		p.keep(oob[:oobn])
	}
}

// keep keeps the socket of the proxy.
func (p *Process) keep(oob []byte) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(messages) == 0 {
		return
	}
	if fds, err := unix.ParseUnixRights(&messages[0]); err == nil && len(fds) == 1 {
		p.Listener = os.NewFile(uintptr(fds[0]), "listener")
	}
}

// putSecrets mounts a file system in memory and writes the secrets there.
func (p *plan) putSecrets(s *script) {
	if len(p.Secrets) == 0 {
		return
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	options := "mode=0755,size=" + secretsSize
	// Kernels from 6.4 on can keep it out of the swap.
	c := s.mount("secrets", SecretsFolder, "tmpfs", flags, options+",noswap")
	c.pass, c.done = anything, 1
	s.mount("secrets", SecretsFolder, "tmpfs", flags, options)
	for _, secret := range p.Secrets {
		p.putSecret(s, secret)
	}
	s.setMount(here, SecretsFolder, unix.MOUNT_ATTR_RDONLY)
}

func (p *plan) putSecret(s *script, secret Secret) {
	path := filepath.Join(SecretsFolder, secret.Name)
	const flags = unix.O_CREAT | unix.O_EXCL | unix.O_WRONLY | unix.O_CLOEXEC
	fd := s.opens(s.add("write", path, unix.SYS_OPENAT, here, s.text(path), flags, 0o400))
	if size := uintptr(len(secret.Text)); size > 0 {
		s.kept = append(s.kept, secret.Text)
		s.add("write", path, unix.SYS_WRITE, fd, uintptr(unsafe.Pointer(&secret.Text[0])), size).want = size
	}
	if p.UID != 0 {
		s.add("give away", path, unix.SYS_FCHOWN, fd, uintptr(p.UID), uintptr(p.GID))
	}
	s.close(fd)
}
