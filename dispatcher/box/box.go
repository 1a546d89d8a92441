// Package box asks the child program what this machine can give the box of a step.
//
// It does not own the box itself (runner/sandbox) nor what follows from the answer
// (dispatcher, dispatcher/doctor). It may import runner/sandbox, runner/fault and the
// standard library.
package box

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strconv"
	"time"

	"convertd/runner/sandbox"
)

// patience bounds the examination, which takes some milliseconds.
const patience = 20 * time.Second

// Examine makes a box as steps get it, with this user (0: our own), and returns the parts
// that this machine does not give, none when it is whole. The program is convertd-runner.
func Examine(ctx context.Context, program string, uid int) (sandbox.Lacks, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, sandbox.ExamineWord, strconv.Itoa(uid))
	cmd.Env = []string{"GOMAXPROCS=1"}
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("examine the box: %w: %s", err, bytes.TrimSpace(words.Bytes()))
	}
	var lacks sandbox.Lacks
	if err := json.Unmarshal(out, &lacks); err != nil {
		return nil, fmt.Errorf("examine the box: %w", err)
	}
	return lacks, nil
}
