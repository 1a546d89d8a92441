package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"convertd/runner/fault"
	"convertd/runner/track"
	"convertd/runner/track/importer"
)

// maxFirstFrame bounds Request.FirstFrame so that no frame number can overflow.
const maxFirstFrame = track.MaxFrame

// input is what reading gives.
type input struct {
	format importer.Format
	shot   track.Shot
}

// read opens, detects and parses the input and moves it to the start of the clip.
func (p *plan) read(ctx context.Context) (input, error) {
	p.progress.say("Opening the file")
	file, err := os.Open(p.req.Input)
	if errors.Is(err, fs.ErrNotExist) {
		return input{}, fault.Wrap(err, fault.NotFound, fmt.Sprintf("The file %s does not exist.", p.req.InputName), "Check the name.")
	}
	if err != nil {
		return input{}, fmt.Errorf("open track file: %w", err)
	}
	defer file.Close()
	size, err := p.inputSize(file)
	if err != nil {
		return input{}, err
	}
	source := importer.NewSource(file, func(read int64) { p.progress.reading(read, size) })
	source.Width, source.Height = p.req.Width, p.req.Height
	reader, err := p.detect(source)
	if err != nil {
		return input{}, err
	}
	p.progress.say("Reading " + nameOf(reader.Format()))
	shot, err := reader.Read(ctx, source)
	if err != nil {
		return input{}, readError(err, reader.Format())
	}
	if p.req.Width > 0 {
		shot.Width, shot.Height = p.req.Width, p.req.Height
	}
	first := firstNumber(reader.Format().ID)
	if source.CountsFromOne {
		first = 1
	}
	if !namesFirstFrame(reader.Format().ID) {
		p.moveToClip(shot, first)
	}
	p.progress.read()
	return input{format: reader.Format(), shot: shot}, nil
}

// inputSize returns the size of a regular file, 0 for a pipe.
func (p *plan) inputSize(file *os.File) (int64, error) {
	info, err := file.Stat()
	if err != nil {
		return 0, fmt.Errorf("look at track file: %w", err)
	}
	if info.IsDir() {
		return 0, fault.New(fault.Invalid, fmt.Sprintf("%s is a folder.", p.req.InputName), "Give a file of 2D tracks.")
	}
	if info.Mode().IsRegular() && info.Size() == 0 {
		return 0, emptyFile()
	}
	return info.Size(), nil
}

func emptyFile() error {
	return fault.New(fault.EmptyFile, "The file is empty.", "Export the tracks again and send that file.")
}

// detect returns the reader the person asked for, else the one whose format the content
// shows.
func (p *plan) detect(source *importer.Source) (importer.Importer, error) {
	head, err := source.Head()
	if err != nil {
		return nil, err
	}
	if len(head) == 0 {
		return nil, emptyFile()
	}
	if p.reader != nil {
		return p.reader, nil
	}
	reader, err := importer.Detect(head, p.req.InputName)
	var parse *track.ParseError
	if errors.As(err, &parse) {
		return nil, fault.Wrap(err, fault.UnsupportedMedia, sentence(parse.Problem), parse.Hint)
	}
	return reader, err
}

// readError turns what a reader says about the content into sentences for a person.
func readError(err error, format importer.Format) error {
	var parse *track.ParseError
	if !errors.As(err, &parse) {
		return err
	}
	place := nameOf(format)
	if parse.Line > 0 {
		place += fmt.Sprintf(", line %d", parse.Line)
	}
	if parse.Line > 0 && parse.Column > 0 {
		place += fmt.Sprintf(", column %d", parse.Column)
	}
	return fault.Wrap(err, fault.Invalid, "The file could not be read as "+place+": "+strings.TrimSuffix(parse.Problem, ".")+".", parse.Hint)
}

// nameOf names a reader for people.
func nameOf(f importer.Format) string {
	return strings.TrimSpace(f.Application + " " + f.Variant)
}

// sentence makes a whole sentence of a phrase.
func sentence(phrase string) string {
	first, size := utf8.DecodeRuneInString(phrase)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(phrase[size:], ".") + "."
}

// moveToClip shifts the shot so that the frame the person named is frame 0; first is the
// number of the frame that the reader took for it. The shot is the reader's own and nobody
// else has it yet.
func (p *plan) moveToClip(shot track.Shot, first int) {
	if p.req.FirstFrame == 0 {
		return
	}
	move := p.req.FirstFrame - first
	for _, tr := range shot.Trackers {
		for i := range tr.Keyframes {
			tr.Keyframes[i].Frame -= move
		}
	}
}

// namesFirstFrame reports whether files of this format say which frame is the first.
func namesFirstFrame(reader string) bool { return reader == "matchmover" || reader == "rzml" }

// firstNumber returns the number that all files of the format have for frame 0 of the clip.
func firstNumber(reader string) int {
	switch reader {
	case "3de3", "3de4", "boujou", "flame", "nuke", "shake-script", "shake":
		return 1
	}
	return 0
}
