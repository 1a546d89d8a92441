//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// armed is read once from the environment; a program built with the tag is a test's.
var armed = sync.OnceValue(func() *plan { return parse(os.Getenv(Variable)) })

type plan struct {
	mu     sync.Mutex
	points map[string]*point
}

type point struct {
	signal syscall.Signal
	left   int
}

// Hit passes a place and does what the plan says about it.
func Hit(name string) {
	p := armed()
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.points[name]
	if !ok {
		return
	}
	if at.left--; at.left == 0 {
		fmt.Fprintln(os.Stderr, "failpoint", name, at.signal)
		_ = syscall.Kill(os.Getpid(), at.signal)
	}
}

func parse(text string) *plan {
	p := &plan{points: map[string]*point{}}
	for entry := range strings.SplitSeq(text, ";") {
		name, action, found := strings.Cut(strings.TrimSpace(entry), "=")
		if !found {
			continue
		}
		action, nth, _ := strings.Cut(action, "@")
		left, err := strconv.Atoi(nth)
		if err != nil || left < 1 {
			left = 1
		}
		signal := syscall.SIGKILL
		if action == "stop" {
			signal = syscall.SIGSTOP
		}
		p.points[name] = &point{signal: signal, left: left}
	}
	return p
}
