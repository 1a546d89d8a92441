package dispatcher

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"convertd/runner/cache"
	"convertd/runner/spool"
	"convertd/sql/drop"
)

// drops removes what administrators want dropped from what is kept between jobs.
func (s *sweeper) drops(ctx context.Context) {
	store := drop.NewStore(s.d.opts.DB)
	open, err := store.Open(ctx, sweepBatch)
	if s.complain(ctx, "look for caches to drop", err) {
		return
	}
	for _, wish := range open {
		problem := ""
		files, err := cache.New(s.d.opts.Spool.Cache()).Drop(wish.Recipe, wish.Prefix, time.Now())
		if err != nil {
			problem = err.Error()
			s.d.log.Error("drop cache", "recipe", wish.Recipe, "prefix", wish.Prefix, "error", err)
		} else {
			s.d.log.Info("cache dropped", "recipe", wish.Recipe, "prefix", wish.Prefix, "files", files)
		}
		if s.complain(ctx, "note the drop of a cache", store.Done(ctx, wish.ID, files, problem)) {
			return
		}
	}
}

// endCallback makes the address dead by which services pushed the progress of an attempt
// that is proved dead; its runner has done so unless it was killed.
func (d *Dispatcher) endCallback(a *attempt) {
	err := os.Remove(d.opts.Spool.Callback(spool.CallbackToken(a.row.Token)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		a.log.Warn("the callback of a dead attempt could not be removed", "error", err)
	}
}
