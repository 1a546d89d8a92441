package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"convertd/runner/track"
	"convertd/runner/track/exporter"
)

// output is one file being written: complete under its temporary name or not there.
type output struct {
	path      string
	temporary string
	notes     []string
	err       error
	write     func(ctx context.Context, file *os.File) (notes []string, err error)
}

// write writes all targets and the preview, several at a time, and puts them in place when
// all are complete. It returns the paths of the targets.
func (p *plan) write(ctx context.Context, shot track.Shot) (files, notes []string, err error) {
	outputs := p.outputs(shot)
	p.progress.writing(int64(countKeyframes(shot))*int64(len(p.targets)), "Writing "+count(len(p.targets), "file"))
	defer discard(outputs)
	if err := writeAll(ctx, outputs); err != nil {
		return nil, nil, err
	}
	if err := putInPlace(outputs); err != nil {
		return nil, nil, err
	}
	for _, o := range outputs {
		notes = append(notes, o.notes...)
	}
	return p.paths(), notes, nil
}

// outputs lists what is to be written.
func (p *plan) outputs(shot track.Shot) []*output {
	var outputs []*output
	for i, path := range p.paths() {
		outputs = append(outputs, &output{path: path, write: p.exporting(p.targets[i], shot)})
	}
	if p.req.Preview != "" {
		outputs = append(outputs, &output{path: p.req.Preview, write: func(_ context.Context, file *os.File) ([]string, error) {
			return nil, drawPreview(file, shot)
		}})
	}
	return outputs
}

// exporting returns the function that writes one target.
func (p *plan) exporting(f exporter.Format, shot track.Shot) func(context.Context, *os.File) ([]string, error) {
	return func(ctx context.Context, file *os.File) ([]string, error) {
		options := exporter.Options{Created: p.req.Created, FirstFrame: p.req.FirstFrame, Progress: p.progress.wrote}
		notes, err := f.Write(ctx, file, shot, options)
		for i, note := range notes {
			notes[i] = describe(f) + ": " + note
		}
		return notes, err
	}
}

// writeAll writes the outputs, as many at a time as there are processors; the first error
// stops the others.
func writeAll(ctx context.Context, outputs []*output) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	queue := make(chan *output)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(outputs)) {
		workers.Go(func() {
			for o := range queue {
				if o.err = o.create(ctx); o.err != nil {
					cancel()
				}
			}
		})
	}
	for _, o := range outputs {
		queue <- o
	}
	close(queue)
	workers.Wait()
	return firstCause(outputs)
}

// firstCause returns the error that made the others stop.
func firstCause(outputs []*output) error {
	var stopped error
	for _, o := range outputs {
		if o.err != nil && !errors.Is(o.err, context.Canceled) {
			return o.err
		}
		if stopped == nil {
			stopped = o.err
		}
	}
	return stopped
}

// create writes the output under a temporary name beside its path.
func (o *output) create(ctx context.Context) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	file, err := createBeside(o.path)
	if err != nil {
		return err
	}
	o.temporary = file.Name()
	defer func() {
		if closeErr := file.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("write %s: %w", filepath.Base(o.path), closeErr)
		}
	}()
	o.notes, err = o.write(ctx, file)
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(o.path), err)
	}
	return nil
}

// createBeside creates a file with a hidden name of its own in the folder of path. Unlike
// os.CreateTemp it leaves the permissions to the umask, because the file becomes the
// output.
func createBeside(path string) (*os.File, error) {
	for {
		name := filepath.Join(filepath.Dir(path), fmt.Sprintf(".convertd-%016x.part", rand.Uint64()))
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("create output: %w", err)
		}
		return file, nil
	}
}

// putInPlace gives all outputs their names. If one cannot have it, those that have theirs
// are taken away again.
func putInPlace(outputs []*output) error {
	for i, o := range outputs {
		if err := os.Rename(o.temporary, o.path); err != nil {
			for _, done := range outputs[:i] {
				err = errors.Join(err, os.Remove(done.path))
			}
			return fmt.Errorf("put output in place: %w", err)
		}
		o.temporary = ""
	}
	return nil
}

// discard removes what was not put in place.
func discard(outputs []*output) {
	for _, o := range outputs {
		if o.temporary != "" {
			_ = os.Remove(o.temporary) // nothing better can be done: the folder is gone or full
		}
	}
}
