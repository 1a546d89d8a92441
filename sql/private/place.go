package private

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"convertd/runner/fault"
)

// maxSocketPath is what fits into sun_path of a sockaddr_un, its final zero left out.
const maxSocketPath = 107

// socketName is what PostgreSQL calls the socket of the default port.
const socketName = ".s.PGSQL.5432"

// place is where everything lies.
type place struct {
	home, cluster, socket, log string
}

// layOut makes the folders. What the server's user may write is only server and the
// socket folder: files that we write ourselves lie where it cannot put a link.
func layOut(home string, user account) (place, error) {
	p := place{
		home: home, cluster: filepath.Join(home, "server", "cluster"),
		socket: filepath.Join(home, "run"), log: filepath.Join(home, "log"),
	}
	if len(filepath.Join(p.socket, socketName)) > maxSocketPath {
		p.socket = shortFolder(home)
	}
	if len(filepath.Join(p.socket, socketName)) > maxSocketPath {
		return p, fault.New(fault.Unavailable, "There is no folder with a path short enough for the database's socket.",
			"Set TMPDIR to a folder with a short path, or choose a shorter --data.")
	}
	if err := user.ownFolder(filepath.Dir(p.cluster), 0o700); err != nil {
		return p, err
	}
	return p, user.ownFolder(p.socket, 0o750)
}

// shortFolder is the folder for the socket of a data folder with a long path. Its name
// follows from the path, so that the next start finds it again.
func shortFolder(home string) string {
	sum := sha256.Sum256([]byte(home))
	name := "convertd-" + hex.EncodeToString(sum[:6])
	if os.Geteuid() == 0 {
		return filepath.Join("/run", name)
	}
	return filepath.Join(os.TempDir(), name)
}

// ownFolder makes a folder of the server's user, or makes sure that an existing one is
// its own: in a folder for everybody somebody else may have made it first.
func (a account) ownFolder(path string, mode os.FileMode) error {
	err := os.Mkdir(path, mode)
	if err == nil {
		return errors.Join(os.Chmod(path, mode), os.Lchown(path, a.uid, a.gid))
	}
	if !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make folder of the database: %w", err)
	}
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("look at folder of the database: %w", err)
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	if !info.IsDir() || (int(owner) != a.uid && int(owner) != os.Geteuid()) {
		return fault.New(fault.Unavailable, fmt.Sprintf("%s is not a folder of the user %s.", path, a.name),
			"Remove it, or give it to that user with chown.")
	}
	return errors.Join(os.Chmod(path, mode), os.Lchown(path, a.uid, a.gid))
}

// removeSocket removes a socket folder outside the data folder.
func (p place) removeSocket() error {
	if strings.HasPrefix(p.socket, p.home) {
		return nil
	}
	if err := os.RemoveAll(p.socket); err != nil {
		return fmt.Errorf("remove socket folder of the database: %w", err)
	}
	return nil
}

// removeStaleSocket removes what a killed server left of its socket. PostgreSQL would
// judge by the number in the socket's lock file, which a process that is dead but not yet
// reaped, or a stranger, may still bear. The caller has proved that no server is left.
func (p place) removeStaleSocket() error {
	for _, name := range []string{socketName, socketName + ".lock"} {
		if err := os.Remove(filepath.Join(p.socket, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove socket of a dead database: %w", err)
		}
	}
	return nil
}

func (p place) hba() string   { return filepath.Join(p.home, "hba.conf") }
func (p place) ident() string { return filepath.Join(p.home, "ident.conf") }

// writeAccess says who may log in: our own operating system user as the service's role,
// the server's user as superuser for repairs, nobody over the network.
func (p place) writeAccess(user account) error {
	self, err := selfName()
	if err != nil {
		return err
	}
	hba := "local all " + Role + " peer map=convertd\nlocal all " + superuser + " peer map=convertd\n"
	ident := fmt.Sprintf("convertd %q %s\n", self, Role)
	if user.switched {
		ident += fmt.Sprintf("convertd %q %s\n", user.name, superuser)
	}
	if err := writeFile(p.hba(), hba, user.gid); err != nil {
		return err
	}
	return writeFile(p.ident(), ident, user.gid)
}

// writeFile replaces a file as a whole; the server's group may read it.
func writeFile(path, text string, gid int) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, []byte(text), 0o640); err != nil {
		return fmt.Errorf("write settings of the database: %w", err)
	}
	if err := os.Lchown(temporary, -1, gid); err != nil {
		return fmt.Errorf("write settings of the database: %w", err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("write settings of the database: %w", err)
	}
	return nil
}

// lockFolder takes the lock that one owner of the folder holds as long as it lives.
func lockFolder(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock of the database: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return file, nil
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fault.New(fault.Conflict, "Another convertd is running on "+filepath.Dir(filepath.Dir(path))+".",
			"Stop it first, or give this one another folder with --data.")
	}
	return nil, errors.Join(err, file.Close())
}
