package recipe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"convertd/runner/fault"
)

// ToParam is the parameter that takes the chosen target in recipes that make several:
// each of its choices is a target of its own.
const ToParam = "to"

// Target is one thing that people can choose to make of a file.
type Target struct {
	// ID is what `to` of a request names ("mp4", "3de4"); it is "" in a recipe that
	// declares no targets, which is chosen by its name.
	ID     string `json:"id"`
	Recipe string `json:"recipe"`
	Title  Text   `json:"title,omitempty"`
	// Group is the heading under which the target is shown, such as an application.
	Group string `json:"group,omitempty"`
	// Given are the parameters that choosing this target sets.
	Given map[string][]string `json:"given,omitempty"`
}

// How well a recipe fits a file; a smaller number fits better.
const (
	fitsType = iota
	fitsTypeFamily
	fitsExtension
	fitsAnything
	fitsNot
)

// Accepts reports whether the recipe takes a file: by the media type found in its
// content ("image/png", parameters are ignored), or by its extension (".mov", "mov"; case
// does not matter).
func (r Recipe) Accepts(mediaType, ext string) bool { return r.fit(mediaType, ext) < fitsNot }

func (r Recipe) fit(mediaType, ext string) int {
	mediaType, _, _ = strings.Cut(strings.ToLower(mediaType), ";")
	mediaType = strings.TrimSpace(mediaType)
	family, _, _ := strings.Cut(mediaType, "/")
	ext = "." + strings.ToLower(strings.TrimPrefix(ext, "."))
	best := fitsNot
	for _, a := range r.Accept {
		switch {
		case a == mediaType:
			best = min(best, fitsType)
		case a == family+"/*" && family != "":
			best = min(best, fitsTypeFamily)
		case a == ext:
			best = min(best, fitsExtension)
		case a == "*/*":
			best = min(best, fitsAnything)
		}
	}
	return best
}

// For returns the recipes that take a file: the administrator's own before shipped ones,
// and of each the best fit first: by exact media type, by family of media types, by
// extension, by taking anything; then by name.
func (s *Set) For(mediaType, ext string) []Recipe {
	var fitting []Recipe
	for _, r := range s.recipes {
		if r.Accepts(mediaType, ext) {
			fitting = append(fitting, r)
		}
	}
	slices.SortStableFunc(fitting, func(a, b Recipe) int {
		switch {
		case a.Shipped == b.Shipped:
			return cmp.Compare(a.fit(mediaType, ext), b.fit(mediaType, ext))
		case b.Shipped:
			return -1
		default:
			return 1
		}
	})
	return fitting
}

// Targets returns what a recipe makes: its declared targets, and each choice of its
// parameter `to`.
func (r Recipe) Targets() []Target {
	var targets []Target
	to, hasTo := find(r.Params, ToParam)
	for _, id := range r.To {
		if hasTo && to.Type == Choice && slices.Contains(to.choiceValues(), id) {
			continue // the choice below says more
		}
		targets = append(targets, Target{ID: id, Recipe: r.Name, Title: r.Title})
	}
	if len(r.To) == 0 {
		return []Target{{Recipe: r.Name, Title: r.Title}}
	}
	for _, c := range to.Choices {
		title := c.Title
		if len(title) == 0 {
			title = Text{"": c.Value}
		}
		targets = append(targets, Target{
			ID: c.Value, Recipe: r.Name, Title: title, Group: c.Group,
			Given: map[string][]string{ToParam: {c.Value}},
		})
	}
	return targets
}

// Targets returns what can be made of a file, best fit first. A target that several
// recipes offer is listed once, for the recipe that fits best.
func (s *Set) Targets(mediaType, ext string) []Target {
	var targets []Target
	seen := map[string]bool{}
	for _, r := range s.For(mediaType, ext) {
		for _, t := range r.Targets() {
			if t.ID == "" || !seen[t.ID] {
				targets = append(targets, t)
			}
			seen[t.ID] = true
		}
	}
	return targets
}

// Choose returns the target that `to` of a request names for a file. The error is a
// fault.Error: NotFound when no recipe makes such a thing, UnsupportedMedia when one
// does, but not of this file.
func (s *Set) Choose(to, mediaType, ext string) (Target, error) {
	for _, t := range s.Targets(mediaType, ext) {
		if t.ID == to && to != "" {
			return t, nil
		}
	}
	var known []string
	for _, r := range s.recipes {
		for _, t := range r.Targets() {
			known = append(known, t.ID)
		}
	}
	if !slices.Contains(known, to) || to == "" {
		hint := "The list of recipes names what can be made."
		if near := Nearest(to, known); near != "" {
			hint = "Did you mean " + near + "?"
		}
		return Target{}, fault.New(fault.NotFound, fmt.Sprintf("Nothing here makes %s.", quote(to)), hint)
	}
	return Target{}, fault.New(fault.UnsupportedMedia,
		fmt.Sprintf("%s cannot be made from this file, which is %s.", quote(to), fileKind(mediaType, ext)),
		s.becomes(mediaType, ext))
}

// CheckFile returns nil if the recipe takes a file, else a fault.Error that says what it
// does take.
func (r Recipe) CheckFile(mediaType, ext string) error {
	if r.Accepts(mediaType, ext) {
		return nil
	}
	if len(r.Accept) == 0 {
		return fault.New(fault.TooManyFiles, fmt.Sprintf("%s takes no file.", r.Name), "Send the job without one.")
	}
	return fault.New(fault.UnsupportedMedia,
		fmt.Sprintf("%s does not take this file, which is %s.", r.Name, fileKind(mediaType, ext)),
		"It takes "+strings.Join(r.Accept, ", ")+".")
}

// becomes is the remedy for a file that cannot become what was asked.
func (s *Set) becomes(mediaType, ext string) string {
	var ids []string
	for _, t := range s.Targets(mediaType, ext) {
		if t.ID != "" {
			ids = append(ids, t.ID)
		}
	}
	if len(ids) == 0 {
		return "No recipe here takes files of this kind."
	}
	if len(ids) > 12 {
		ids = append(ids[:12:12], "…")
	}
	return "This file can become: " + strings.Join(ids, ", ") + "."
}

// fileKind names the kind of a file for a message.
func fileKind(mediaType, ext string) string {
	mediaType, _, _ = strings.Cut(mediaType, ";")
	if mediaType == "" || mediaType == "application/octet-stream" {
		mediaType = "of a kind that is not recognised by its content"
	}
	if ext == "" {
		return mediaType
	}
	return mediaType + ", named ." + strings.TrimPrefix(ext, ".")
}
