package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// oldRoot is where the root of the machine hangs while the box takes what it needs.
const oldRoot = "/.machine"

// shmSize bounds /dev/shm; what is in it counts as memory of the attempt as well.
const shmSize = "50%"

// root puts together the root of the box in an empty file system in memory: everything
// is bound from the machine at the same path, read-only but for what is granted.
type root struct {
	p *plan
	// etc are the names in the machine's /etc, for patterns.
	etc []string
	// held are taken from the machine first and put in their places when everything else
	// has become read-only.
	held []tree
}

// tree is a mount that hangs nowhere yet.
type tree struct {
	fd       int
	target   string
	isDir    bool
	readOnly bool
}

// enterRoot makes the root and moves into it; nothing of the machine's is left then.
func (p *plan) enterRoot() error {
	r := &root{p: p}
	for _, step := range []func() error{
		r.begin, r.system, r.accounts, r.granted, r.devices, r.leave, r.seal, r.putHeld, r.fresh,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// begin lets the new root take the place of the old one, which stays at oldRoot.
func (r *root) begin() error {
	err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	if err == unix.EINVAL {
		err = r.makeMount()
	}
	if err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("box", r.p.Base, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755,size=4m"); err != nil {
		return fmt.Errorf("mount the root: %w", err)
	}
	if err := unix.Mkdir(filepath.Join(r.p.Base, oldRoot), 0o700); err != nil {
		return fmt.Errorf("make a place for the old root: %w", err)
	}
	if err := unix.PivotRoot(r.p.Base, filepath.Join(r.p.Base, oldRoot)); err != nil {
		return fmt.Errorf("change the root: %w", err)
	}
	return unix.Chdir("/")
}

// makeMount gives the root a mount of its own where it has none: below a chroot(2).
// Only a mount can be made private, or give its place to another (pivot_root(2)).
func (r *root) makeMount() error {
	if err := unix.Mount("/", r.p.Base, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	if err := unix.Mount("", r.p.Base, "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := unix.Chroot(r.p.Base); err != nil {
		return err
	}
	return unix.Chdir("/")
}

func (r *root) system() error {
	for _, path := range systemFolders() {
		if err := r.copyEntry(path); err != nil {
			return err
		}
	}
	for _, pattern := range systemData() {
		if err := r.copyEntries(pattern); err != nil {
			return err
		}
	}
	return nil
}

// copyEntries copies what matches a pattern; one with a "*" is of /etc.
func (r *root) copyEntries(pattern string) error {
	if !strings.Contains(pattern, "*") {
		return r.copyEntry(pattern)
	}
	prefix, suffix, _ := strings.Cut(filepath.Base(pattern), "*")
	folder := filepath.Dir(pattern)
	if r.etc == nil {
		r.etc = names(oldRoot + folder)
	}
	for _, name := range r.etc {
		if strings.HasPrefix(name, prefix) && strings.HasSuffix(name, suffix) {
			if err := r.copyEntry(filepath.Join(folder, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// copyEntry makes one entry of the machine appear; one that is not there is left out.
func (r *root) copyEntry(path string) error {
	var st unix.Stat_t
	if err := unix.Lstat(oldRoot+path, &st); err != nil {
		return nil
	}
	if st.Mode&unix.S_IFMT != unix.S_IFLNK {
		return r.bind(bind{Source: path, Target: path})
	}
	target, err := os.Readlink(oldRoot + path)
	if err != nil {
		return fmt.Errorf("read link %s: %w", path, err)
	}
	if err := makeFolders(filepath.Dir(path)); err != nil {
		return err
	}
	return unix.Symlink(target, path)
}

// granted binds what is to be read, and takes hold of what is to be written. What lies
// below /tmp can only be put there when that is in its place.
func (r *root) granted() error {
	for _, dir := range []string{"/tmp", "/proc", "/dev/pts", "/dev/shm", "/run", "/var/tmp"} {
		if err := makeFolders(dir); err != nil {
			return err
		}
	}
	if len(r.p.Secrets) > 0 {
		if err := makeFolders(SecretsFolder); err != nil {
			return err
		}
	}
	for _, target := range []string{"/tmp", "/var/tmp"} {
		if err := r.hold(bind{Source: r.p.Tmp, Target: target}, false); err != nil {
			return err
		}
	}
	for _, b := range r.p.Read {
		if err := r.grantRead(b); err != nil {
			return err
		}
	}
	for _, b := range r.p.Write { // last, so that it covers what is granted to be read as well
		if err := r.hold(b, false); err != nil {
			return err
		}
	}
	return nil
}

func (r *root) grantRead(b bind) error {
	if belowTmp(b.Target) {
		return r.hold(b, true)
	}
	return r.bind(b)
}

func belowTmp(path string) bool {
	return strings.HasPrefix(path, "/tmp/") || strings.HasPrefix(path, "/var/tmp/")
}

// bind makes something of the machine appear.
func (r *root) bind(b bind) error {
	var st unix.Stat_t
	if err := unix.Stat(oldRoot+b.Source, &st); err != nil {
		return fmt.Errorf("look at %s: %w", b.Source, err)
	}
	if err := place(b.Target, st.Mode&unix.S_IFMT == unix.S_IFDIR); err != nil {
		return err
	}
	if err := unix.Mount(oldRoot+b.Source, b.Target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("bind %s: %w", b.Source, err)
	}
	return nil
}

// hold takes something of the machine, for putHeld.
func (r *root) hold(b bind, readOnly bool) error {
	fd, err := unix.OpenTree(unix.AT_FDCWD, oldRoot+b.Source,
		unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return fmt.Errorf("take hold of %s: %w", b.Source, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("look at %s: %w", b.Source, err)
	}
	t := tree{fd: fd, target: b.Target, isDir: st.Mode&unix.S_IFMT == unix.S_IFDIR, readOnly: readOnly}
	r.held = append(r.held, t)
	if belowTmp(b.Target) {
		return nil
	}
	return place(b.Target, t.isDir)
}

// place makes a file or folder that something can be mounted on. Package os would ask for
// each whether it can be waited for, which is half the cost of the root.
func place(path string, isDir bool) error {
	if isDir {
		return makeFolders(path)
	}
	if err := makeFolders(filepath.Dir(path)); err != nil {
		return err
	}
	return writeFile(path, "")
}

// makeFolders makes a folder and those above it, from the longest that is there on.
func makeFolders(path string) error {
	err := unix.Mkdir(path, 0o755)
	if err == unix.ENOENT {
		if err := makeFolders(filepath.Dir(path)); err != nil {
			return err
		}
		err = unix.Mkdir(path, 0o755)
	}
	if err != nil && err != unix.EEXIST {
		return fmt.Errorf("make %s: %w", path, err)
	}
	return nil
}

// writeFile makes a file unless it is there.
func writeFile(path, text string) error {
	fd, err := unix.Open(path, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o644)
	if err == unix.EEXIST {
		return nil
	}
	if err == nil {
		_, err = unix.Write(fd, []byte(text))
		err = errors.Join(err, unix.Close(fd))
	}
	if err != nil {
		return fmt.Errorf("make %s: %w", path, err)
	}
	return nil
}

// accounts writes what programs ask about users and hosts: the box knows its own alone.
func (r *root) accounts() error {
	uid, gid := os.Geteuid(), os.Getegid()
	if r.p.UID != 0 {
		uid, gid = r.p.UID, r.p.GID
	}
	user, group := "", ""
	name := cmp.Or(r.p.User, "convertd")
	if uid != 0 {
		user = name + ":x:" + strconv.Itoa(uid) + ":" + strconv.Itoa(gid) + "::" + r.p.Home + ":/usr/sbin/nologin\n"
		group = name + ":x:" + strconv.Itoa(gid) + ":\n"
	}
	lookup := "files"
	if r.p.Network == Shared {
		lookup += " dns"
	}
	texts := map[string]string{
		"/etc/passwd":        "root:x:0:0::/:/usr/sbin/nologin\n" + user + "nobody:x:65534:65534::/:/usr/sbin/nologin\n",
		"/etc/group":         "root:x:0:\n" + group + "nogroup:x:65534:\n",
		"/etc/hosts":         "127.0.0.1 localhost\n::1 localhost\n",
		"/etc/hostname":      hostName + "\n",
		"/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: " + lookup + "\n",
		"/etc/resolv.conf":   "",
	}
	maps.Copy(texts, r.p.Texts)
	for path, text := range texts {
		if err := makeFolders(filepath.Dir(path)); err != nil {
			return err
		}
		if err := writeFile(path, text); err != nil {
			return err
		}
	}
	return nil
}

// devices takes the device nodes and makes the links of /dev.
func (r *root) devices() error {
	for _, name := range append(devices(), r.p.deviceNames()...) {
		if err := r.hold(bind{Source: "/dev/" + name, Target: "/dev/" + name}, false); err != nil {
			return err
		}
	}
	for name, target := range devLinks() {
		if err := unix.Symlink(target, "/dev/"+name); err != nil {
			return err
		}
	}
	return nil
}

// leave mounts /proc, which a user namespace may do only while it sees one, and lets go
// of the machine.
func (r *root) leave() error {
	if r.p.has(Proc) {
		err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
		if err != nil {
			return &lackError{Proc, fmt.Errorf("mount /proc: %w", err)}
		}
	}
	if err := unix.Unmount(oldRoot, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leave the root of the machine: %w", err)
	}
	return unix.Rmdir(oldRoot)
}

// seal makes everything so far read-only, /proc as well, without devices and set-uid.
func (r *root) seal() error {
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, &attr); err != nil {
		return fmt.Errorf("make the root read-only: %w", err)
	}
	return nil
}

// putHeld puts what may be written, and what lies below /tmp, in its place.
func (r *root) putHeld() error {
	for _, t := range r.held {
		if err := t.put(); err != nil {
			return fmt.Errorf("put %s in its place: %w", t.target, err)
		}
	}
	return nil
}

func (t tree) put() error {
	defer unix.Close(t.fd)
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NOSUID}
	if !strings.HasPrefix(t.target, "/dev/") {
		attr.Attr_set |= unix.MOUNT_ATTR_NODEV
	}
	if t.readOnly {
		attr.Attr_set |= unix.MOUNT_ATTR_RDONLY
	}
	if err := unix.MountSetattr(t.fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr); err != nil {
		return err
	}
	if belowTmp(t.target) {
		if err := place(t.target, t.isDir); err != nil {
			return err
		}
	}
	return unix.MoveMount(t.fd, "", unix.AT_FDCWD, t.target, unix.MOVE_MOUNT_F_EMPTY_PATH)
}

// fresh mounts what every box has of its own.
func (r *root) fresh() error {
	const flags = unix.MS_NOSUID | unix.MS_NOEXEC
	if err := unix.Mount("devpts", "/dev/pts", "devpts", flags, "newinstance,ptmxmode=0666,mode=0620"); err != nil {
		return fmt.Errorf("mount /dev/pts: %w", err)
	}
	if err := r.p.putSecrets(); err != nil {
		return err
	}
	if err := unix.Mount("shm", "/dev/shm", "tmpfs", flags|unix.MS_NODEV, "mode=1777,size="+shmSize); err != nil {
		return fmt.Errorf("mount /dev/shm: %w", err)
	}
	return nil
}
