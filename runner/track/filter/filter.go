// Package filter owns the tools that change a shot between reading and writing: one file
// per kind of change, in registry order in registry.go.
//
// It does not own reading, writing or the order of the tools, which is the person's. It
// may import the standard library, runner/fault and runner/track.
//
// Every tool is a function of a shot and its arguments. The shot that goes in is never
// changed.
package filter

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"convertd/runner/fault"
	"convertd/runner/track"
)

// Tool describes a tool to people and programs.
type Tool struct {
	// Name is the word used on the command line and in the parameter `tools`.
	Name string
	// Summary says in one sentence what the tool does.
	Summary string
	// Arguments are what may follow the name, in this order.
	Arguments []Argument
	// NeedsSize says that the tool cannot work without the frame size.
	NeedsSize bool

	apply func(shot track.Shot, a values) (track.Shot, error)
}

// Argument describes one argument of a tool.
type Argument struct {
	// Name and Unit describe it: "top", "pixels".
	Name, Unit string
	// Default stands for an argument that is left out; empty if it must be given.
	Default string
	// Kind says what is accepted.
	Kind Kind
}

// Kind is what an argument can be.
type Kind int

// The kinds of arguments.
const (
	Number Kind = iota
	Integer
	Switch
	Word
)

// Step is a tool with its arguments, ready to be applied.
type Step struct {
	Tool
	values values
}

// values are the checked arguments of one tool.
type values struct {
	numbers []float64 // Number and Integer; Switch as 0 or 1
	words   []string
}

// Parse makes a step of `name` or `name=a,b`. Arguments left out have their defaults.
// Errors are *fault.Error with code invalid.
func Parse(spec string) (Step, error) {
	name, list, _ := strings.Cut(spec, "=")
	tool, ok := ByName(strings.TrimSpace(name))
	if !ok {
		return Step{}, fault.New(fault.Invalid, fmt.Sprintf("There is no tool %q.", name), "The tools are "+names()+".")
	}
	var given []string
	if strings.TrimSpace(list) != "" {
		given = strings.Split(list, ",")
	}
	if len(given) > len(tool.Arguments) {
		return Step{}, fault.New(fault.Invalid,
			fmt.Sprintf("The tool %s takes at most %d arguments, not %d.", tool.Name, len(tool.Arguments), len(given)),
			"Write it as "+tool.Usage()+".")
	}
	step := Step{Tool: tool}
	for i, argument := range tool.Arguments {
		text := argument.Default
		if i < len(given) && strings.TrimSpace(given[i]) != "" {
			text = strings.TrimSpace(given[i])
		}
		if err := step.values.add(argument, text); err != nil {
			return Step{}, fault.Wrap(err, fault.Invalid,
				fmt.Sprintf("The tool %s cannot take %q as %s: %s is needed.", tool.Name, text, argument.Name, argument.Kind),
				"Write it as "+tool.Usage()+".")
		}
	}
	return step, nil
}

// Apply returns the changed shot.
func (s Step) Apply(shot track.Shot) (track.Shot, error) {
	if s.NeedsSize && (shot.Width <= 0 || shot.Height <= 0) {
		return track.Shot{}, fault.New(fault.Invalid,
			fmt.Sprintf("The tool %s needs the frame size, and the file does not say it.", s.Name),
			"Give width and height in pixels.")
	}
	return s.apply(shot, s.values)
}

// Usage returns the form of a call: `pad=top,left,right,bottom`.
func (t Tool) Usage() string {
	if len(t.Arguments) == 0 {
		return t.Name
	}
	words := make([]string, len(t.Arguments))
	for i, a := range t.Arguments {
		words[i] = a.Name
	}
	return t.Name + "=" + strings.Join(words, ",")
}

// String returns the kind as words that fit a sentence.
func (k Kind) String() string {
	return [...]string{"a number", "a whole number", "true or false", "a word"}[k]
}

// add checks one argument and keeps it.
func (v *values) add(a Argument, text string) error {
	number, word, err := 0.0, "", error(nil)
	switch a.Kind {
	case Number:
		number, err = parseNumber(text)
	case Integer:
		var n int
		n, err = strconv.Atoi(text)
		number = float64(n)
	case Switch:
		var on bool
		on, err = strconv.ParseBool(text)
		if on {
			number = 1
		}
	case Word:
		word = text
	}
	v.numbers = append(v.numbers, number)
	v.words = append(v.words, word)
	return err
}

// parseNumber accepts finite numbers within the range of coordinates.
func parseNumber(text string) (float64, error) {
	v, ok := track.ParseFloat([]byte(text))
	if !ok || !(v >= -track.MaxCoordinate && v <= track.MaxCoordinate) {
		return 0, strconv.ErrSyntax
	}
	return v, nil
}

// names lists all tools for a sentence.
func names() string {
	var all []string
	for _, t := range All() {
		all = append(all, t.Name)
	}
	return strings.Join(all, ", ")
}

// mapKeyframes returns the shot with change applied to a copy of every keyframe.
func mapKeyframes(shot track.Shot, change func(k *track.Keyframe)) track.Shot {
	trackers := make([]track.Tracker, len(shot.Trackers))
	for i, tr := range shot.Trackers {
		keys := slices.Clone(tr.Keyframes)
		for j := range keys {
			change(&keys[j])
		}
		trackers[i] = track.Tracker{Name: tr.Name, Keyframes: keys}
	}
	shot.Trackers = trackers
	return shot
}
