package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"convertd/runner"
	"convertd/runner/fault"
	"convertd/runner/sequence"
)

// arrange puts the frames of a sequence in order: links in the folder "frames" of the work
// folder, and the length of the film in the file "seconds" beside it. Missing frames are
// an error unless the parameter `gaps` says what to do about them.
func arrange(b runner.Builtin, more []string) error {
	files := []sequence.File{{Path: b.Input, Name: b.Shown}}
	for i := 0; i+1 < len(more); i += 2 {
		files = append(files, sequence.File{Path: more[i], Name: more[i+1]})
	}
	frames, err := sequence.Order(files)
	if err != nil {
		return err
	}
	missing := sequence.Few(sequence.Gaps(frames))
	policy := one(b.Params, "gaps")
	if missing != "" && policy != "hold" && policy != "close" {
		return fault.New(fault.Invalid, fmt.Sprintf("Frames are missing between %d and %d: %s.", frames[0].Number, frames[len(frames)-1].Number, missing),
			"Send them too, or choose what to show in their place.")
	}
	count, err := sequence.Link(frames, filepath.Join(b.Work, "frames"), policy == "hold")
	if err != nil {
		return err
	}
	rate, err := strconv.ParseFloat(one(b.Params, "rate"), 64)
	if err != nil || rate <= 0 {
		return fault.New(fault.Invalid, "The number of frames per second is not a number.", "Give a number such as 24.")
	}
	if missing != "" {
		os.Stdout.WriteString("note: frames are missing: " + missing + "\n")
	}
	seconds := strconv.FormatFloat(float64(count)/rate, 'f', 6, 64) + "\n"
	if err := os.WriteFile(filepath.Join(b.Work, "seconds"), []byte(seconds), 0o644); err != nil {
		return fmt.Errorf("write length of the film: %w", err)
	}
	return nil
}
