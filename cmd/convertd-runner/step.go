package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"convertd/runner"
	"convertd/runner/document"
	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/runner/track/pipeline"
)

// exitDataErr says that the input is not what it should be (EX_DATAERR of sysexits.h).
const exitDataErr = 65

// runBuiltin runs a built-in step inside the box and returns its exit status. What a
// person can mend is one line "error: SENTENCES" and exitDataErr.
// more are the paths and shown names of the inputs beyond the first, by turns.
func runBuiltin(name, arg string, more []string) int {
	var b runner.Builtin
	if err := json.Unmarshal([]byte(arg), &b); err != nil {
		return fail("step " + name + ": " + err.Error())
	}
	var err error
	switch name {
	case "tracks":
		err = convertTracks(b)
	case "check-document":
		err = document.Check(b.Input, b.Shown)
	case "check-text":
		err = document.CheckText(b.Input, b.Shown)
	case "preview":
		err = drawPreview(b)
	case "sequence":
		err = arrange(b, more)
	default:
		return fail("there is no built-in step " + strconv.Quote(name))
	}
	if err == nil {
		return 0
	}
	var refusal *fault.Error
	if !errors.As(err, &refusal) || refusal.Code == fault.Internal {
		return fail(err.Error())
	}
	sentence := refusal.Message
	if refusal.Hint != "" {
		sentence += " " + refusal.Hint
	}
	os.Stderr.WriteString("error: " + strings.ReplaceAll(sentence, "\n", " ") + "\n")
	return exitDataErr
}

// convertTracks converts one file of tracks into all wanted targets.
func convertTracks(b runner.Builtin) error {
	request, err := trackRequest(b)
	if err != nil {
		return err
	}
	result, err := pipeline.Run(context.Background(), request)
	if err != nil {
		return err
	}
	for _, note := range result.Notes {
		os.Stdout.WriteString("note: " + note + "\n")
	}
	return nil
}

func trackRequest(b runner.Builtin) (pipeline.Request, error) {
	r := pipeline.Request{
		Input: b.Input, InputName: b.Shown,
		From: one(b.Params, "from"), To: b.Params["to"], Tools: b.Params["tools"],
		OutDir: b.Output, Stem: recipe.NeutralStem,
		Preview:  filepath.Join(b.Preview, "tracks.svg"),
		Progress: progressTo(os.Getenv("CONVERTD_PROGRESS_FD")),
	}
	for _, number := range []struct {
		name string
		into *int
	}{{"width", &r.Width}, {"height", &r.Height}, {"first_frame", &r.FirstFrame}} {
		text := one(b.Params, number.name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return r, fault.Wrap(err, fault.Invalid,
				"The parameter "+number.name+" is not a whole number.", "Give a number such as 1920.")
		}
		*number.into = n
	}
	return r, nil
}

// one is a parameter of one value, "" when it is absent.
func one(values recipe.Values, name string) string {
	if v := values[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// progressTo writes progress lines to the descriptor of that number.
func progressTo(descriptor string) func(float64, string) {
	fd, err := strconv.Atoi(descriptor)
	if err != nil {
		return nil
	}
	file := os.NewFile(uintptr(fd), "progress")
	return func(percent float64, message string) {
		line := strconv.FormatFloat(percent, 'f', 1, 64) + " " + message + "\n"
		// Nobody reading is no reason to stop converting.
		_, _ = file.WriteString(line)
	}
}
