package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"convertd/runner"
)

// placement is one result on its way: from the job's folder to the place asked for.
type placement struct{ from, temporary, to string }

// place moves the results to where they were asked for: all of them or none.
func (c *convertCommand) place(a *app, job *localJob, outcome runner.Outcome) error {
	if c.toStdout(outcome) {
		return job.print(a.stdout, outcome.Outputs[0])
	}
	if (c.Out != "" || c.In == "-" && c.Dir == "") && len(outcome.Outputs) != 1 {
		return fmt.Errorf("there are %d results: give a folder with --output-dir", len(outcome.Outputs))
	}
	placements := make([]placement, len(outcome.Outputs))
	for i, o := range outcome.Outputs {
		to := c.target(job, o.Name)
		placements[i] = placement{
			from: filepath.Join(job.Out(1), o.File), to: to,
			temporary: filepath.Join(filepath.Dir(to), ".convertd-"+filepath.Base(job.root)+"-"+o.File),
		}
	}
	if err := c.placeAll(placements); err != nil {
		return err
	}
	for _, p := range placements {
		_, _ = fmt.Fprintln(a.stdout, p.to)
	}
	return nil
}

// toStdout says whether the one result goes to standard output: asked for with OUT -,
// or because the input came from a pipe and no place was named.
func (c *convertCommand) toStdout(outcome runner.Outcome) bool {
	return len(outcome.Outputs) == 1 && (c.Out == "-" || c.In == "-" && c.Out == "" && c.Dir == "")
}

func (j *localJob) print(w io.Writer, o runner.OutputFile) error {
	f, err := os.Open(filepath.Join(j.Out(1), o.File))
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

func (c *convertCommand) target(job *localJob, name string) string {
	switch {
	case c.Out != "":
		return c.Out
	case c.Dir != "":
		return filepath.Join(c.Dir, name)
	}
	return filepath.Join(filepath.Dir(job.source), name)
}

// placeAll first puts every result under a temporary name beside its place, then gives
// all of them their names; what was done is undone when one of them fails.
func (c *convertCommand) placeAll(placements []placement) (err error) {
	if err := c.existing(placements); err != nil {
		return err
	}
	done := 0
	defer func() {
		for i, p := range placements {
			_ = os.Remove(p.temporary)
			if err != nil && i < done && !c.Force {
				_ = os.Remove(p.to)
			}
		}
	}()
	for _, p := range placements {
		if err := os.MkdirAll(filepath.Dir(p.to), 0o777); err != nil {
			return err
		}
		if err := p.bring(); err != nil {
			return fmt.Errorf("write %s: %w", p.to, err)
		}
	}
	for ; done < len(placements); done++ {
		if err := c.name(placements[done]); err != nil {
			return err
		}
	}
	return nil
}

// existing refuses before anything is written, naming every file in the way.
func (c *convertCommand) existing(placements []placement) error {
	var inTheWay []string
	for _, p := range placements {
		if _, err := os.Lstat(p.to); err == nil && !c.Force {
			inTheWay = append(inTheWay, p.to)
		}
	}
	if len(inTheWay) == 0 {
		return nil
	}
	return fmt.Errorf("%s: already there; --force overwrites", strings.Join(inTheWay, ", "))
}

func (p placement) bring() error {
	f, err := os.Open(p.from)
	if err != nil {
		return err
	}
	defer f.Close()
	return copyTo(p.temporary, f)
}

// name gives a result its name; without --force the kernel refuses to replace a file
// that appeared meanwhile.
func (c *convertCommand) name(p placement) error {
	flags := uint(unix.RENAME_NOREPLACE)
	if c.Force {
		flags = 0
	}
	err := unix.Renameat2(unix.AT_FDCWD, p.temporary, unix.AT_FDCWD, p.to, flags)
	if errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("%s: already there; --force overwrites", p.to)
	}
	if errors.Is(err, unix.EINVAL) && !c.Force { // a file system without that flag
		err = os.Link(p.temporary, p.to)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", p.to, err)
	}
	return nil
}
