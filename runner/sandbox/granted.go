package sandbox

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

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
func (p *plan) openNetwork() error {
	if p.Network == Shared {
		return nil
	}
	if err := loopbackUp(); err != nil || p.Network != Proxied {
		return err
	}
	return handOut()
}

// handOut makes the socket on which the box reaches its proxy and passes it to whoever
// started the box. The byte that goes with it is white space between reports.
func handOut() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("make the socket of the proxy: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return fmt.Errorf("make the socket of the proxy: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: ProxyPort, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return fmt.Errorf("make the socket of the proxy: %w", err)
	}
	if err := unix.Listen(fd, 128); err != nil {
		return fmt.Errorf("make the socket of the proxy: %w", err)
	}
	if err := unix.Sendmsg(controlAt, []byte{'\n'}, unix.UnixRights(fd), nil, 0); err != nil {
		return fmt.Errorf("hand out the socket of the proxy: %w", err)
	}
	return nil
}

// mailbox reads a control connection; a descriptor that comes along is kept.
type mailbox struct {
	from *os.File
	came *os.File
}

func (m *mailbox) Read(p []byte) (int, error) {
	if m.came != nil {
		return m.from.Read(p)
	}
	oob := make([]byte, unix.CmsgSpace(4))
	for {
		n, oobn, _, _, err := unix.Recvmsg(int(m.from.Fd()), p, oob, unix.MSG_CMSG_CLOEXEC)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		default:
			m.keep(oob[:oobn])
			return n, nil
		}
	}
}

func (m *mailbox) keep(oob []byte) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(messages) == 0 {
		return
	}
	if fds, err := unix.ParseUnixRights(&messages[0]); err == nil && len(fds) == 1 {
		m.came = os.NewFile(uintptr(fds[0]), "listener")
	}
}

// putSecrets mounts a file system in memory and writes the secrets there.
func (p *plan) putSecrets() error {
	if len(p.Secrets) == 0 {
		return nil
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	options := "mode=0755,size=" + secretsSize
	// Kernels from 6.4 on can keep it out of the swap.
	err := unix.Mount("secrets", SecretsFolder, "tmpfs", flags, options+",noswap")
	if err != nil {
		err = unix.Mount("secrets", SecretsFolder, "tmpfs", flags, options)
	}
	if err != nil {
		return fmt.Errorf("mount the place of secrets: %w", err)
	}
	for _, s := range p.Secrets {
		if err := p.putSecret(s); err != nil {
			return fmt.Errorf("write secret %s: %w", s.Name, err)
		}
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(unix.AT_FDCWD, SecretsFolder, 0, &attr); err != nil {
		return fmt.Errorf("make secrets read-only: %w", err)
	}
	return nil
}

func (p *plan) putSecret(s Secret) error {
	f, err := os.OpenFile(filepath.Join(SecretsFolder, s.Name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(s.Text); err != nil {
		return err
	}
	if p.UID == 0 {
		return nil
	}
	return f.Chown(p.UID, p.GID)
}
