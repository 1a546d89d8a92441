// Package pipeline owns the way from one file of tracks to several: detect, read, apply
// the tools, check, write all targets, draw the preview.
//
// It does not own the formats (importer, exporter) nor the tools (filter), and it does not
// decide whether existing files may be replaced: callers look at Targets first. It may
// import the standard library, runner/fault and the packages below runner/track.
//
// # First frame
//
// Formats count frames from 0 or from 1, at the start of the clip or with the numbers of
// the plate, and most files do not say which. Without Request.FirstFrame numbers are taken
// as they stand: the first frame of a format that counts from 1 is 1. That keeps the
// numbers of a plate that starts at 1001 in most formats, but an After Effects script then
// starts a thousand frames late.
//
// With Request.FirstFrame = N the input's frame N is the first frame of the clip. Formats
// that can only count from the start of the clip (3DEqualizer, After Effects, Flame,
// SynthEyes, Ruby) are written from their own first number, all others from N again. In
// MatchMover and RZML files, which name the first frame of their sequence, N is only used
// for writing.
package pipeline

import (
	"context"
	"fmt"
	"time"

	"convertd/runner/fault"
	"convertd/runner/track"
	"convertd/runner/track/exporter"
	"convertd/runner/track/filter"
	"convertd/runner/track/importer"
)

// Request says what to convert and how.
type Request struct {
	// Input is the path of the file; InputName is its name as people know it, if that
	// differs.
	Input, InputName string
	// From is the id of the reader; "" and "auto" find it by the content of the file.
	From string
	// Width and Height are the frame size in pixels; 0 takes it from the file.
	Width, Height int
	// To are ids of writers; none means all that IsDefault.
	To []string
	// Tools are applied in order; each is `name` or `name=a,b`.
	Tools []string
	// FirstFrame is the number of the clip's first frame in the input; 0 leaves all
	// numbers as they are (see the package comment).
	FirstFrame int
	// OutDir is the folder for the outputs. Stem begins their names; "" takes the input's
	// name without its last extension.
	OutDir, Stem string
	// Preview is the path for a drawing of all tracks (SVG); "" means none.
	Preview string
	// Created is the date that some formats carry; zero means the start of 1970.
	Created time.Time
	// Progress, if not nil, is called at most ten times a second, and at the end, with a
	// percentage that never falls and a phrase for people.
	Progress func(percent float64, message string)
}

// Result says what was done.
type Result struct {
	// Format is the reader that was used.
	Format importer.Format
	// Width and Height are the frame size after the tools; 0 if nobody knows it.
	Width, Height int
	// Trackers and Keyframes count what was written to each target.
	Trackers, Keyframes int
	// Files are the paths of the outputs, in the order of Request.To.
	Files []string
	// Notes are sentences about what could not be carried over as it was.
	Notes []string
}

// Run converts. Errors that a person can mend are *fault.Error; everything else is a fault
// of the machine or the end of ctx. After an error no output exists that did not exist
// before, and files that would have been replaced are untouched unless the error came from
// putting the finished ones in place.
func Run(ctx context.Context, req Request) (Result, error) {
	p, err := newPlan(req)
	if err != nil {
		return Result{}, err
	}
	in, err := p.read(ctx)
	if err != nil {
		return Result{}, err
	}
	shot, err := p.change(in.shot)
	if err != nil {
		return Result{}, err
	}
	if err := p.checkSize(shot); err != nil {
		return Result{}, err
	}
	result := Result{
		Format: in.format,
		Width:  shot.Width, Height: shot.Height,
		Trackers: len(shot.Trackers), Keyframes: countKeyframes(shot),
	}
	result.Files, result.Notes, err = p.write(ctx, shot)
	if err != nil {
		return Result{}, err
	}
	p.progress.end("Wrote " + count(result.Trackers, "tracker") + " with " + count(result.Keyframes, "keyframe"))
	return result, nil
}

// Targets returns the paths that Run would write for the request, without the preview.
func Targets(req Request) ([]string, error) {
	p, err := newPlan(req)
	if err != nil {
		return nil, err
	}
	return p.paths(), nil
}

// change moves the shot to the start of the clip, applies the tools and checks what they
// left.
func (p *plan) change(shot track.Shot) (track.Shot, error) {
	for _, step := range p.tools {
		p.progress.say("Applying " + step.Name)
		changed, err := step.Apply(shot)
		if err != nil {
			return track.Shot{}, err
		}
		shot = changed
	}
	return shot, filter.Lint(shot)
}

// checkSize refuses a shot without frame size if a target needs it.
func (p *plan) checkSize(shot track.Shot) error {
	if shot.Width > 0 && shot.Height > 0 {
		return nil
	}
	for _, f := range p.targets {
		if f.NeedsSize {
			return fault.New(fault.Invalid,
				fmt.Sprintf("The file does not say the frame size, and %s needs it.", describe(f)),
				"Give width and height in pixels.")
		}
	}
	return nil
}

// describe names a writer for people.
func describe(f exporter.Format) string {
	return f.Application + " " + f.Variant
}

func countKeyframes(shot track.Shot) int {
	n := 0
	for _, tr := range shot.Trackers {
		n += len(tr.Keyframes)
	}
	return n
}
