package sandbox

import (
	"cmp"
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

// shmSize bounds /dev/shm where no limit of memory is known; what is in it counts as memory
// of the attempt as well.
const shmSize = "50%"

// root writes down how the root of the box is put together in an empty file system in memory:
// everything is bound from the machine at the same path, read-only but for what is granted.
// What is there is looked up here, outside; the script finds it below oldRoot.
type root struct {
	p *plan
	s *script
	// etc are the names in the machine's /etc, for patterns.
	etc []string
	// made are the folders that are there already.
	made map[string]bool
	// held are taken from the machine first and put in their places when everything else
	// has become read-only.
	held []tree
}

// tree is a mount that hangs nowhere yet.
type tree struct {
	fd       uintptr
	target   string
	isDir    bool
	readOnly bool
}

// enterRoot makes the root and moves into it; nothing of the machine's is left then.
func (p *plan) enterRoot(s *script) error {
	r := &root{p: p, s: s, made: map[string]bool{"/": true}}
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
	if err := r.makePrivate(); err != nil {
		return err
	}
	r.s.mount("box", r.p.Base, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755,size=4m")
	old := filepath.Join(r.p.Base, oldRoot)
	r.s.mkdir(old, 0o700)
	r.s.add("change the root", "", unix.SYS_PIVOT_ROOT, r.s.text(r.p.Base), r.s.text(old))
	r.s.chdir("/")
	return nil
}

// makePrivate keeps what is mounted in the box in the box. Only a mount can be made private,
// or give its place to another (pivot_root(2)), so the root gets one of its own where it has
// none: below a chroot(2).
func (r *root) makePrivate() error {
	mounted, err := isMount("/")
	if err != nil {
		return err
	}
	top := "/"
	if !mounted {
		r.s.mount("/", r.p.Base, "", unix.MS_BIND|unix.MS_REC, "")
		top = r.p.Base
	}
	r.s.mount("", top, "", unix.MS_REC|unix.MS_PRIVATE, "")
	if !mounted {
		r.s.add("change the root", top, unix.SYS_CHROOT, r.s.text(top))
		r.s.chdir("/")
	}
	return nil
}

// isMount reports whether something is mounted at the path.
func isMount(path string) (bool, error) {
	var stx unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, 0, 0, &stx); err != nil {
		return false, fmt.Errorf("look at %s: %w", path, err)
	}
	return stx.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0, nil
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
		r.etc = names(folder)
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
	if err := unix.Lstat(path, &st); err != nil {
		return nil
	}
	if kind := st.Mode & unix.S_IFMT; kind != unix.S_IFLNK {
		r.bindKind(bind{Source: path, Target: path}, kind == unix.S_IFDIR)
		return nil
	}
	var target [unix.PathMax]byte
	n, err := unix.Readlink(path, target[:])
	if err != nil {
		return fmt.Errorf("read link %s: %w", path, err)
	}
	r.makeFolders(filepath.Dir(path))
	r.s.symlink(string(target[:n]), path)
	return nil
}

// granted binds what is to be read, and takes hold of what is to be written. What lies
// below /tmp can only be put there when that is in its place.
func (r *root) granted() error {
	for _, dir := range []string{"/tmp", "/proc", "/dev/pts", "/dev/shm", "/run", "/var/tmp"} {
		r.makeFolders(dir)
	}
	if len(r.p.Secrets) > 0 {
		r.makeFolders(SecretsFolder)
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

// isFolder reports whether the path names a folder.
func isFolder(path string) (bool, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return false, fmt.Errorf("look at %s: %w", path, err)
	}
	return st.Mode&unix.S_IFMT == unix.S_IFDIR, nil
}

// bind makes something of the machine appear.
func (r *root) bind(b bind) error {
	isDir, err := isFolder(b.Source)
	if err == nil {
		r.bindKind(b, isDir)
	}
	return err
}

func (r *root) bindKind(b bind, isDir bool) {
	r.place(b.Target, isDir)
	r.s.mount(oldRoot+b.Source, b.Target, "", unix.MS_BIND|unix.MS_REC, "")
}

// hold takes something of the machine, for putHeld.
func (r *root) hold(b bind, readOnly bool) error {
	isDir, err := isFolder(b.Source)
	if err != nil {
		return err
	}
	r.held = append(r.held, tree{fd: r.s.take(oldRoot + b.Source), target: b.Target, isDir: isDir, readOnly: readOnly})
	if !belowTmp(b.Target) {
		r.place(b.Target, isDir)
	}
	return nil
}

// place makes a file or folder that something can be mounted on.
func (r *root) place(path string, isDir bool) {
	if isDir {
		r.makeFolders(path)
		return
	}
	r.makeFolders(filepath.Dir(path))
	r.s.file(path, "")
}

// makeFolders makes a folder and those above it. One may be there already in what was bound.
func (r *root) makeFolders(path string) {
	if r.made[path] {
		return
	}
	r.makeFolders(filepath.Dir(path))
	r.s.mkdir(path, 0o755).pass = uintptr(unix.EEXIST)
	r.made[path] = true
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
		r.makeFolders(filepath.Dir(path))
		r.s.file(path, text)
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
		r.s.symlink(target, "/dev/"+name)
	}
	return nil
}

// leave mounts /proc, which a user namespace may do only while it sees one, and lets go
// of the machine.
func (r *root) leave() error {
	if r.p.has(Proc) {
		r.s.part = Proc
		r.s.mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
		r.s.part = Files
	}
	r.s.add("leave the root of the machine", "", unix.SYS_UMOUNT2, r.s.text(oldRoot), unix.MNT_DETACH)
	r.s.add("leave the root of the machine", "", unix.SYS_UNLINKAT, here, r.s.text(oldRoot), unix.AT_REMOVEDIR)
	return nil
}

// seal makes everything so far read-only, /proc as well, without devices and set-uid.
func (r *root) seal() error {
	r.s.setMount(here, "/", unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV)
	return nil
}

// putHeld puts what may be written, and what lies below /tmp, in its place.
func (r *root) putHeld() error {
	for _, t := range r.held {
		r.put(t)
	}
	return nil
}

func (r *root) put(t tree) {
	attributes := uint64(unix.MOUNT_ATTR_NOSUID)
	if !strings.HasPrefix(t.target, "/dev/") {
		attributes |= unix.MOUNT_ATTR_NODEV
	}
	if t.readOnly {
		attributes |= unix.MOUNT_ATTR_RDONLY
	}
	r.s.setMount(t.fd, "", attributes)
	if belowTmp(t.target) {
		r.place(t.target, t.isDir)
	}
	r.s.add("put in its place", t.target, unix.SYS_MOVE_MOUNT, t.fd, r.s.text(""), here, r.s.text(t.target),
		unix.MOVE_MOUNT_F_EMPTY_PATH)
	r.s.close(t.fd)
}

// fresh mounts what every box has of its own.
func (r *root) fresh() error {
	const flags = unix.MS_NOSUID | unix.MS_NOEXEC
	r.s.mount("devpts", "/dev/pts", "devpts", flags, "newinstance,ptmxmode=0666,mode=0620")
	r.p.putSecrets(r.s)
	size := shmSize
	if r.p.Memory > 0 {
		size = strconv.FormatInt(r.p.Memory, 10)
	}
	r.s.mount("shm", "/dev/shm", "tmpfs", flags|unix.MS_NODEV, "mode=1777,size="+size)
	return nil
}
