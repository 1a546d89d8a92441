// Command convertd-net is everything of a job that speaks over the network. It is started
// by convertd-runner, or by a step in the box of one; people have no use for it, except
// for "convertd-net connect" in a ProxyCommand.
//
// It owns the command line, the exit status and the protocols; who may be spoken to is
// runner/service/guard's.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// Exit statuses (sysexits.h).
const (
	exitUsage       = 64
	exitUnavailable = 69
)

// command is one sub-command: it takes its arguments and returns the exit status.
type command struct {
	name, usage string
	run         func(args []string) int
}

// commands are the sub-commands, each in a file of its name.
func commands() []command {
	return []command{
		{"proxy", "JSON", proxy},
		{"connect", "HOST PORT", connect},
		{"call", "< ORDER", call},
		{"farewell", "< ORDER", farewell},
		{"fetch", "< ORDER", fetch},
	}
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) > 0 {
		for _, c := range commands() {
			if c.name == args[0] {
				return c.run(args[1:])
			}
		}
	}
	usage(os.Stderr)
	return exitUsage
}

func usage(w io.Writer) {
	var all []string
	for _, c := range commands() {
		all = append(all, "convertd-net "+c.name+" "+c.usage)
	}
	_, _ = fmt.Fprintf(w, "usage: %s\n", strings.Join(all, "\n       "))
}

// fail writes a message for whoever started us and returns the status.
func fail(status int, err error) int {
	_, _ = fmt.Fprintln(os.Stderr, "convertd-net: "+err.Error())
	return status
}
