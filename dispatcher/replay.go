package dispatcher

import (
	"context"
	"sync"
	"time"

	"convertd/runner/recipe"
	"convertd/sql/db"
	"convertd/sql/declaration"
)

// declarations keeps recipes as they were declared when they ran, and finds them again
// for a replay.
type declarations struct {
	store *declaration.Store
	mu    sync.Mutex
	// said is when a version was last said to be in use.
	said map[version]time.Time
}

// version names one declaration.
type version struct{ recipe, version string }

// sayAgain is how often the row of a declaration that is in use is written.
const sayAgain = time.Hour

func newDeclarations(database *db.DB) *declarations {
	return &declarations{store: declaration.NewStore(database), said: map[version]time.Time{}}
}

// keep writes down what is about to be run, the first time and then now and again. That
// it cannot be written is no reason not to run it.
func (k *declarations) keep(ctx context.Context, a *attempt) {
	v := version{a.recipe.Name, a.recipe.Version}
	k.mu.Lock()
	due := time.Since(k.said[v]) >= sayAgain
	if due {
		k.said[v] = time.Now()
	}
	k.mu.Unlock()
	if !due {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, brief)
	defer cancel()
	text, err := a.recipe.Declaration()
	if err == nil {
		err = k.store.Keep(ctx, declaration.Declaration{Recipe: v.recipe, Version: v.version, Text: text})
	}
	if err == nil {
		return
	}
	a.log.Warn("the declaration of the recipe was not kept; a replay may not find it", "error", err)
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.said, v)
}

// findRecipe finds what an attempt is to run: the recipe in force, or for a replay the one
// that ran in the attempt which is replayed. The row says only which attempt that is; its
// version and the declaration stand in rows that the dispatcher alone writes.
func (d *Dispatcher) findRecipe(a *attempt) {
	if a.row.Replays == 0 {
		a.recipe, a.known = d.opts.Recipes.Find(a.row.Recipe)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), brief)
	defer cancel()
	found, ok, err := d.declarations.store.Of(ctx, a.row.RetryOf, a.row.Replays)
	if err != nil {
		a.recallError = err
		return
	}
	if !ok || found.Recipe != a.row.Recipe {
		return
	}
	if a.recipe, err = recipe.ReadDeclaration(found.Recipe, found.Version, found.Text); err != nil {
		a.log.Error("the recipe of a replay is not run", "error", err)
		return
	}
	a.known = true
}
