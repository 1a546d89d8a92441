package sandbox

import (
	"fmt"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// script is all that the init of a box does, written down beforehand as system calls with
// their arguments. The init is a fork of this process and must not run Go code that needs
// the runtime (init.go), so everything that can be found out or put together outside of the
// box is: what remains is to carry out one call after the other. That also spares each box
// the start of a Go program, which costs more than all these calls.
type script struct {
	// setUp makes the box, in process 1 of it; execute replaces a child of that by the
	// program.
	setUp, execute []call
	// notes say what each call is for, setUp first.
	notes []note
	// part is what the calls that are being written belong to.
	part Part
	// used are the descriptors in use at this point of the script. The kernel gives the
	// lowest free number, so those to come are known.
	used [maxDescriptors]bool
	// kept holds the memory that arguments point to; the garbage collector does not see
	// that they do.
	kept []any
	// room is what is left of the memory for texts.
	room []byte
	// err is the first argument that cannot be written down.
	err error

	// control is the init's descriptor to report by.
	control uintptr
	// What follows is written by the init, in its own copy of this memory.
	report report
	status uint32
	usage  unix.Rusage
	// blocked and before are the signals while the init is forked and otherwise.
	blocked, before uint64
}

// maxDescriptors bounds how many descriptors a script may have open at a time.
const maxDescriptors = 256

// call is one system call.
type call struct {
	number uintptr
	args   [6]uintptr
	// want is the result it must have, anything for any.
	want uintptr
	// pass is an error that does not matter, anything for all, 0 for none.
	pass uintptr
	// done and failed are how many of the following calls are left out after this one went
	// well, or failed in a way that does not matter.
	done, failed int
}

// anything stands for any result, or any error, of a call.
const anything = ^uintptr(0)

// note says what a call does, and to what.
type note struct {
	part     Part
	do, what string
}

// add writes down a call. What it returns is good until the next one is added.
func (s *script) add(do, what string, number uintptr, args ...uintptr) *call {
	c := call{number: number, want: anything}
	copy(c.args[:], args)
	s.setUp = append(s.setUp, c)
	s.notes = append(s.notes, note{s.part, do, what})
	return &s.setUp[len(s.setUp)-1]
}

// text returns the address of a text as the kernel reads it.
func (s *script) text(text string) uintptr {
	if strings.IndexByte(text, 0) >= 0 {
		s.fail(fmt.Errorf("%q cannot be passed on: %w", text, unix.EINVAL))
	}
	const usual = 8 << 10
	if size := len(text) + 1; size > len(s.room) {
		s.room = make([]byte, max(size, usual))
		s.kept = append(s.kept, s.room)
	}
	copy(s.room, text) // what follows is zero already
	address := uintptr(unsafe.Pointer(&s.room[0]))
	s.room = s.room[len(text)+1:]
	return address
}

// texts returns the address of a list of texts.
func (s *script) texts(all []string) uintptr {
	list := make([]uintptr, len(all)+1)
	for i, text := range all {
		list[i] = s.text(text)
	}
	s.kept = append(s.kept, list)
	return uintptr(unsafe.Pointer(&list[0]))
}

// keep returns the address of a value for the kernel.
func keep[T any](s *script, value T) uintptr {
	p := new(T)
	*p = value
	s.kept = append(s.kept, p)
	return uintptr(unsafe.Pointer(p))
}

func (s *script) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// opens says that a call opens a descriptor, and returns its number.
func (s *script) opens(c *call) uintptr {
	for fd := range s.used {
		if !s.used[fd] {
			s.used[fd] = true
			c.want = uintptr(fd)
			return c.want
		}
	}
	s.fail(fmt.Errorf("a box with so many files and folders of its own cannot be made: %w", unix.EMFILE))
	return 0
}

func (s *script) close(fd uintptr) {
	s.used[fd%maxDescriptors] = false
	s.add("close", "", unix.SYS_CLOSE, fd)
}

// here is the argument for the current folder of calls that take a descriptor.
const here = ^uintptr(99) // AT_FDCWD, -100

func (s *script) mount(source, target, kind string, flags uintptr, options string) *call {
	return s.add("mount", target, unix.SYS_MOUNT, s.text(source), s.text(target), s.text(kind), flags, s.text(options))
}

func (s *script) mkdir(path string, mode uintptr) *call {
	return s.add("make", path, unix.SYS_MKDIRAT, here, s.text(path), mode)
}

func (s *script) chdir(path string) { s.add("enter", path, unix.SYS_CHDIR, s.text(path)) }

func (s *script) symlink(target, path string) {
	s.add("make", path, unix.SYS_SYMLINKAT, s.text(target), here, s.text(path))
}

// file makes a file with this text unless there is one.
func (s *script) file(path, text string) {
	const flags = unix.O_CREAT | unix.O_EXCL | unix.O_WRONLY | unix.O_CLOEXEC
	c := s.add("make", path, unix.SYS_OPENAT, here, s.text(path), flags, 0o644)
	c.pass, c.failed = uintptr(unix.EEXIST), 1
	if text != "" {
		c.failed++
	}
	fd := s.opens(c)
	if text != "" {
		s.add("write", path, unix.SYS_WRITE, fd, s.text(text), uintptr(len(text))).want = uintptr(len(text))
	}
	s.close(fd)
}

// take takes something of the machine, as a tree of mounts that hangs nowhere yet.
func (s *script) take(path string) uintptr {
	const flags = unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC | unix.AT_RECURSIVE
	return s.opens(s.add("take hold of", path, unix.SYS_OPEN_TREE, here, s.text(path), flags))
}

// setMount changes a mount and those beneath it: that of a descriptor if path is "".
func (s *script) setMount(fd uintptr, path string, attributes uint64) {
	flags := uintptr(unix.AT_RECURSIVE)
	if path == "" {
		flags |= unix.AT_EMPTY_PATH
	}
	attr := unix.MountAttr{Attr_set: attributes}
	s.add("restrict", path, unix.SYS_MOUNT_SETATTR, fd, s.text(path), flags, keep(s, attr), unsafe.Sizeof(attr))
}

// problem says which call failed and why.
func (s *script) problem(index int, errno unix.Errno) (note, error) {
	if index < 0 || index >= len(s.notes) {
		return note{}, errno
	}
	n := s.notes[index]
	if n.what != "" {
		return n, fmt.Errorf("%s %s: %w", n.do, n.what, errno)
	}
	return n, fmt.Errorf("%s: %w", n.do, errno)
}
