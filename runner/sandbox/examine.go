package sandbox

import (
	"errors"
	"fmt"
	"os"
)

// ExamineWord is the argument with which convertd-runner tells what this machine cannot
// give a box; the number of the user that the box is to have follows.
const ExamineWord = "examine-box"

// Examine makes a box for nothing and returns what was missing in it. It changes nothing
// that outlives it. The process must be convertd-runner, which is the init of boxes.
func Examine(uid int) (Lacks, error) {
	base, err := os.MkdirTemp("", "convertd-box-")
	if err != nil {
		return nil, fmt.Errorf("examine the box: %w", err)
	}
	defer os.RemoveAll(base)
	c := Confinement{UID: uid, GID: uid, Base: base, Home: "/tmp"}
	p, err := c.Start(Command{Argv: []string{"true"}, Dir: "/", Env: []string{"PATH=/usr/bin:/bin"}})
	if err != nil {
		return c.Lacks, fmt.Errorf("examine the box: %w", err)
	}
	defer p.Close()
	if end := <-p.Reap(); end.Code != 0 {
		return c.Lacks, errors.New("examine the box: a program that does nothing fails in it")
	}
	return c.Lacks, nil
}
