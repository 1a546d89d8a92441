package recipe

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Problem is one thing that is wrong with a recipe file.
type Problem struct {
	// File and Line say where; Line is 0 when the whole file is meant.
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
	// Recipe is the recipe that is switched off by it; "" when it has no name yet.
	Recipe  string `json:"recipe,omitempty"`
	Message string `json:"message"`
	Remedy  string `json:"remedy"`
	// Warning marks a problem that does not switch the recipe off.
	Warning bool `json:"warning,omitempty"`
}

// String is the problem on one line: FILE:LINE: MESSAGE REMEDY.
func (p Problem) String() string {
	place := p.File
	if p.Line > 0 {
		place = fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	if p.Remedy == "" {
		return place + ": " + p.Message
	}
	return place + ": " + p.Message + " " + p.Remedy
}

// Set is the recipes in force, in order of name, and what was wrong with the others.
// It may be used by several goroutines at once.
type Set struct {
	recipes  []Recipe
	problems []Problem
	now      func() time.Time

	mu    sync.Mutex
	found map[string]Availability
}

// NewSet returns a set of recipes that have been checked (package recipe/load does).
func NewSet(recipes []Recipe, problems []Problem) *Set {
	s := &Set{recipes: slices.Clone(recipes), problems: problems, now: time.Now}
	slices.SortFunc(s.recipes, func(a, b Recipe) int { return cmp.Compare(a.Name, b.Name) })
	return s
}

// All returns the recipes in order of name.
func (s *Set) All() []Recipe { return slices.Clone(s.recipes) }

// Problems returns what is wrong with recipe files, in order of file and line.
func (s *Set) Problems() []Problem { return slices.Clone(s.problems) }

// Find returns the recipe of that name.
func (s *Set) Find(name string) (Recipe, bool) {
	i, ok := slices.BinarySearchFunc(s.recipes, name, func(r Recipe, name string) int { return cmp.Compare(r.Name, name) })
	if !ok {
		return Recipe{}, false
	}
	return s.recipes[i], true
}
