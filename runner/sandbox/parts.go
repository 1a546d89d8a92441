package sandbox

import (
	"slices"
	"strings"
)

// Part is one part of the box. A kernel or a container may be unable to give some.
type Part string

// The parts, in the order in which they are set up.
const (
	// Namespaces: the box is cut off at all, by namespaces of its own. Without it there
	// is none of those below up to Host.
	Namespaces Part = "namespaces"
	// Files: a root of its own that holds what is granted and nothing else.
	Files Part = "files"
	// Proc: a /proc that shows the processes of the box and no others.
	Proc Part = "proc"
	// Network: no network but a loopback of its own.
	Network Part = "network"
	// Host: a host name of its own.
	Host Part = "host name"
	// Landlock: files again, by the rules of the Landlock security module.
	Landlock Part = "landlock"
	// Capabilities: none, and none to be had.
	Capabilities Part = "capabilities"
	// Calls: system calls no converter needs are refused (seccomp).
	Calls Part = "system calls"
)

// Parts returns all parts.
func Parts() []Part {
	return []Part{Namespaces, Files, Proc, Network, Host, Landlock, Capabilities, Calls}
}

// needs says which part another one is made of.
func (p Part) needs() Part {
	switch p {
	case Proc:
		return Files
	case Files, Network, Host:
		return Namespaces
	}
	return ""
}

// Lack is a part that this machine does not give, and why.
type Lack struct {
	Part Part   `json:"part"`
	Why  string `json:"why"`
}

// Lacks are the parts that are missing; none means that the box is whole.
type Lacks []Lack

// Has reports whether the part is missing, itself or what it needs.
func (l Lacks) Has(part Part) bool {
	for p := part; p != ""; p = p.needs() {
		if slices.ContainsFunc(l, func(lack Lack) bool { return lack.Part == p }) {
			return true
		}
	}
	return false
}

// String names the parts and the reasons in one line.
func (l Lacks) String() string {
	words := make([]string, len(l))
	for i, lack := range l {
		words[i] = string(lack.Part) + " (" + lack.Why + ")"
	}
	return strings.Join(words, ", ")
}

// IncompleteError says that the box cannot be made whole although that is required.
type IncompleteError struct{ Lack Lack }

func (e *IncompleteError) Error() string {
	return "the box cannot be made whole: " + string(e.Lack.Part) + ": " + e.Lack.Why
}
