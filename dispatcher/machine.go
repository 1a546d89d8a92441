package dispatcher

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"convertd/sql/job"
	"convertd/sql/roster"
)

// describeMachine puts together what the rows of attempts say about where they ran.
func (d *Dispatcher) describeMachine() error {
	var system unix.Utsname
	if err := unix.Uname(&system); err != nil {
		return fmt.Errorf("ask for the kernel's version: %w", err)
	}
	method := d.cgroups.Method()
	m := roster.Machine{
		Host: unix.ByteSliceToString(system.Nodename[:]), BootID: d.bootID, Kernel: unix.ByteSliceToString(system.Release[:]),
		Convertd: d.opts.Version, Tree: method.Tree, Memory: method.Memory, Processes: method.Processes, Lacks: []string{},
	}
	for _, lack := range d.lacks {
		m.Lacks = append(m.Lacks, string(lack.Part))
	}
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("describe machine: %w", err)
	}
	d.machine = text
	d.presence.machine.Store(&m)
	return nil
}

// noteStart keeps how an attempt began, for its row.
func (d *Dispatcher) noteStart(a *attempt) {
	b := &job.Began{Job: a.row.ID, Attempt: a.row.Attempt, Token: a.row.Token,
		PID: a.child.name.PID, RecipeVersion: a.recipe.Version, Machine: d.machine}
	if a.group != nil {
		b.Cgroup = a.group.Dir()
	}
	a.start.Store(b)
}

// noteStarts writes down how those attempts began that have run for longer than a poll.
// What is shorter says it with its end, and costs no statement.
func (d *Dispatcher) noteStarts() {
	var begun []job.Began
	for _, a := range d.running {
		if b := a.start.Load(); b != nil && !a.written {
			begun = append(begun, *b)
		}
	}
	if len(begun) == 0 || d.leaving.Err() != nil || time.Now().Before(d.askAfter) {
		return
	}
	ctx, cancel := context.WithTimeout(d.leaving, brief)
	defer cancel()
	if err := d.jobs.NoteBegun(ctx, begun); err != nil {
		d.complain("note how attempts began", err)
		return
	}
	for _, b := range begun {
		d.running[b.Job].written = true
	}
}
