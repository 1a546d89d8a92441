// Package sequence owns putting single frames in order: which file is which frame by the
// number in its name, which frames are missing, and links to them that count without a gap.
//
// It does not own making the film (a recipe's command) nor what frames contain. It may
// import the standard library and runner/fault, and is linked into the child program, so
// it keeps to small packages.
package sequence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"convertd/runner/fault"
)

// maxSpan is how far the first and the last frame may be apart, in frames: over an hour
// of film, and little enough that links for all of them are made at once.
const maxSpan = 100_000

// File is one file that was sent: Path is where it lies, Name what its owner called it.
type File struct{ Path, Name string }

// Frame is a file with its number.
type Frame struct {
	File
	Number int
}

// Order says which frame each file is: by the last number in its name, before the
// extension. The frames come in the order of their numbers. Names that are not those of
// one sequence, two files for one frame, and files of different kinds are a fault.Error
// for their owner.
func Order(files []File) ([]Frame, error) {
	frames := make([]Frame, 0, len(files))
	for _, f := range files {
		name, err := split(f.Name)
		if err != nil {
			return nil, err
		}
		first, err := split(files[0].Name)
		if err != nil {
			return nil, err
		}
		if name.before != first.before || name.after != first.after {
			return nil, fault.New(fault.Invalid, fmt.Sprintf("%q and %q do not belong to one sequence: their names differ in more than the number.", files[0].Name, f.Name),
				"Send the frames of one sequence only.")
		}
		frames = append(frames, Frame{File: f, Number: name.number})
	}
	slices.SortStableFunc(frames, func(a, b Frame) int { return a.Number - b.Number })
	for i, f := range frames[min(1, len(frames)):] {
		if f.Number == frames[i].Number {
			return nil, fault.New(fault.Invalid, fmt.Sprintf("Frame %d was sent twice: %q and %q.", f.Number, frames[i].Name, f.Name), "Send each frame once.")
		}
	}
	return frames, sameKind(frames)
}

// frameName is the name of a frame, taken apart.
type frameName struct {
	before, after string
	number        int
}

// split finds the number: the last digits of the name before its extension.
func split(name string) (frameName, error) {
	ext := filepath.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	if stem != "" && strings.Trim(ext, ".0123456789") == "" { // "shot.1001" without a kind
		stem, ext = name, ""
	}
	end := strings.LastIndexAny(stem, "0123456789") + 1
	begin := end
	for begin > 0 && stem[begin-1] >= '0' && stem[begin-1] <= '9' {
		begin--
	}
	number, err := strconv.Atoi(stem[begin:end])
	if err != nil || number > 1<<30 {
		return frameName{}, fault.New(fault.Invalid, fmt.Sprintf("The name %q has no frame number.", name),
			"Number the frames in their names, like shot.1001.exr, shot.1002.exr.")
	}
	return frameName{before: stem[:begin], after: stem[end:] + strings.ToLower(ext), number: number}, nil
}

// Gaps names the missing frames between the first and the last as "1003" and
// "1007–1009", in order.
func Gaps(frames []Frame) []string {
	var gaps []string
	for i := 1; i < len(frames); i++ {
		from, to := frames[i-1].Number+1, frames[i].Number-1
		switch {
		case from == to:
			gaps = append(gaps, strconv.Itoa(from))
		case from < to:
			gaps = append(gaps, strconv.Itoa(from)+"–"+strconv.Itoa(to))
		}
	}
	return gaps
}

// Few joins the first of them for a sentence.
func Few(gaps []string) string {
	const most = 8
	if len(gaps) > most {
		return strings.Join(gaps[:most], ", ") + " and more"
	}
	return strings.Join(gaps, ", ")
}

// Link makes the folder dir with one link a frame, "0000001", "0000002", …, that counts
// without a gap: with hold a missing frame is the one before it once more, without it the
// film goes on with the next. It returns how many links there are.
func Link(frames []Frame, dir string, hold bool) (int, error) {
	if len(frames) == 0 {
		return 0, fault.New(fault.Invalid, "There are no frames.", "Send the frames of one sequence.")
	}
	if span := frames[len(frames)-1].Number - frames[0].Number; hold && span >= maxSpan {
		return 0, fault.New(fault.Invalid, fmt.Sprintf("The first and the last frame are %d frames apart.", span),
			fmt.Sprintf("At most %d can be shown; correct the numbers.", maxSpan))
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return 0, fmt.Errorf("make folder for frames: %w", err)
	}
	count := 0
	for i, f := range frames {
		times := 1
		if hold && i+1 < len(frames) {
			times = frames[i+1].Number - f.Number
		}
		for range times {
			count++
			if err := os.Symlink(f.Path, filepath.Join(dir, fmt.Sprintf("%07d", count))); err != nil {
				return count, fmt.Errorf("link frame: %w", err)
			}
		}
	}
	return count, nil
}

// sameKind refuses frames that are no pictures of a known kind, and different kinds in
// one sequence: the one decoder of the film would fail over them without naming any.
func sameKind(frames []Frame) error {
	first := ""
	for i, f := range frames {
		kind, err := kindOf(f.Path)
		if err != nil {
			return fmt.Errorf("read frame: %w", err)
		}
		switch {
		case kind == "":
			return fault.New(fault.Invalid, fmt.Sprintf("Frame %d (%q) is not a picture: it is empty, damaged or of another kind.", f.Number, f.Name),
				"Render or copy this frame again.")
		case i == 0:
			first = kind
		case kind != first:
			return fault.New(fault.Invalid, fmt.Sprintf("Frame %d (%q) is %s, the first one is %s.", f.Number, f.Name, kind, first),
				"Send frames of one kind.")
		}
	}
	return nil
}

// kindOf tells the kind of a picture by its beginning, "" when it is none of those that
// sequences are made of.
func kindOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, 8)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	for _, k := range []struct{ begins, kind string }{
		{"\x76\x2f\x31\x01", "OpenEXR"}, {"SDPX", "DPX"}, {"XPDS", "DPX"},
		{"\x89PNG\r\n\x1a\n", "PNG"}, {"\xff\xd8\xff", "JPEG"},
		{"II*\x00", "TIFF"}, {"MM\x00*", "TIFF"},
	} {
		if bytes.HasPrefix(head[:n], []byte(k.begins)) {
			return k.kind, nil
		}
	}
	return "", nil
}
