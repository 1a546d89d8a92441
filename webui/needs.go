package webui

import (
	"context"

	"convertd/runner/recipe"
)

// Status has the documents that running attempts write. A miss or an error is not a
// failure: the row is the truth.
type Status interface {
	Get(ctx context.Context, ids []string) (map[string][]byte, error)
}

// Recipes is the set in force at the moment of the call; a reload may swap it.
type Recipes interface {
	// All returns the recipes in the order in which people are shown them.
	All() []recipe.Recipe
	Find(name string) (recipe.Recipe, bool)
}

// Jobs are the rows of jobs.
type Jobs interface{}

// Groups are the rows of groups.
type Groups interface{}
