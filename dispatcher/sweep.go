package dispatcher

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"convertd/runner/cache"
	"convertd/runner/failpoint"
	"convertd/runner/fault"
	"convertd/runner/spool"
	"convertd/sql/audit"
	"convertd/sql/job"
	"convertd/sql/refused"
	"convertd/sql/snapshot"
)

// sweepBatch bounds how much one statement of the sweep touches.
const sweepBatch = 50

// sweeper removes what is kept no longer. It works beside the loop and shares nothing
// with it but the rows.
type sweeper struct {
	d *Dispatcher
	// orphansAt is when folders without rows are looked for next.
	orphansAt time.Time
	// full says that the disk had too little room when last looked at, and nothing could be
	// done about it.
	full bool
	// declarationsAt is when old declarations are looked for next.
	declarationsAt time.Time
}

// sweep serves until ctx ends.
func (d *Dispatcher) sweep(ctx context.Context) {
	s := &sweeper{d: d}
	s.tidy(ctx)
	tick := time.NewTicker(d.times.Sweep)
	defer tick.Stop()
	for {
		if err := d.sameSpool(); err != nil {
			d.log.Error("nothing is removed", "error", err)
		} else {
			s.round(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-d.sweepNow:
		}
	}
}

// round does all that is to be done now. While a backup is made, nothing is removed that
// it may still have to read.
func (s *sweeper) round(ctx context.Context) {
	end, err := snapshot.Removing(ctx, s.d.opts.DB)
	if s.complain(ctx, "begin to remove", err) {
		return
	}
	if end == nil {
		s.d.log.Info("nothing is removed while a backup is made")
		return
	}
	defer end()
	s.secrets(ctx)
	s.drops(ctx)
	s.deleted(ctx)
	s.makeRoom(ctx)
	if !s.d.believesClock("nothing is removed") {
		return
	}
	s.files(ctx)
	s.complain(ctx, "tidy what is kept between jobs", cache.New(s.d.opts.Spool.Cache()).Sweep(time.Now()))
	s.rows(ctx)
	s.complain(ctx, "tidy turns", s.d.jobs.TidyTurns(ctx))
	_, err = refused.NewStore(s.d.opts.DB).Prune(ctx, 10*sweepBatch)
	s.complain(ctx, "remove old refusals", err)
	_, err = audit.NewStore(s.d.opts.DB).Prune(ctx, 10*sweepBatch)
	s.complain(ctx, "remove old acts", err)
	s.declarations(ctx)
	s.orphans(ctx)
}

// complain reports whether a sweep has to end here.
func (s *sweeper) complain(ctx context.Context, what string, err error) bool {
	if err == nil {
		return ctx.Err() != nil
	}
	if ctx.Err() == nil {
		s.d.log.Error(what, "error", err)
	}
	return true
}

// deleted removes the files of jobs that somebody deleted, then what the rows say about
// people. Only ended jobs are among them, and an end is recorded after proof of death.
func (s *sweeper) deleted(ctx context.Context) {
	for {
		jobs, err := s.d.jobs.Deleted(ctx, sweepBatch)
		if s.complain(ctx, "look for deleted jobs", err) || len(jobs) == 0 {
			return
		}
		for _, j := range jobs {
			if err := s.d.opts.Spool.Remove(j.ID); s.complain(ctx, "remove files of deleted job", err) {
				return
			}
			failpoint.Hit(failpoint.AfterRemove)
			if err := s.d.jobs.Forget(ctx, j.ID); s.complain(ctx, "forget deleted job", err) {
				return
			}
		}
		s.d.log.Info("deleted jobs removed", "jobs", len(jobs))
	}
}

// files removes the files of jobs whose time is over.
func (s *sweeper) files(ctx context.Context) {
	for {
		ids, err := s.d.jobs.FilesDue(ctx, sweepBatch)
		if s.complain(ctx, "look for files to remove", err) || len(ids) == 0 {
			return
		}
		for _, id := range ids {
			if err := s.d.opts.Spool.Remove(id); s.complain(ctx, "remove files of job", err) {
				return
			}
		}
		if err := s.d.jobs.FilesGone(ctx, ids); s.complain(ctx, "note removed files", err) {
			return
		}
		s.d.log.Info("files removed, kept long enough", "jobs", len(ids))
	}
}

// rowsKept is how long rows are kept, by recipe.
func (d *Dispatcher) rowsKept() job.RowsKept {
	keep := d.settings.Load().Keep
	kept := job.RowsKept{Default: keep.Rows, Recipes: map[string]time.Duration{}}
	for _, r := range d.opts.Recipes.All() {
		if r.Keep.Rows > 0 {
			kept.Recipes[r.Name] = r.Keep.Rows
		}
	}
	if kept.Default <= 0 {
		kept.Default = 30 * 24 * time.Hour
	}
	return kept
}

// declarations removes versions of recipes that no job names any more, at most once an
// hour. One that is in use was said to be within sayAgain.
func (s *sweeper) declarations(ctx context.Context) {
	if time.Now().Before(s.declarationsAt) {
		return
	}
	s.declarationsAt = time.Now().Add(time.Hour)
	kept := s.d.rowsKept()
	longest := kept.Default
	for _, age := range kept.Recipes {
		longest = max(longest, age)
	}
	n, err := s.d.declarations.store.Prune(ctx, longest+2*sayAgain, sweepBatch)
	if !s.complain(ctx, "remove old declarations", err) && n > 0 {
		s.d.log.Info("versions of recipes removed that no job names any more", "versions", n)
	}
}

func (s *sweeper) rows(ctx context.Context) {
	kept := s.d.rowsKept()
	for {
		ids, err := s.d.jobs.RowsDue(ctx, kept, sweepBatch)
		if s.complain(ctx, "look for rows to remove", err) || len(ids) == 0 {
			return
		}
		if _, err := s.d.jobs.RemoveRows(ctx, ids); s.complain(ctx, "remove rows", err) {
			return
		}
		s.d.log.Info("rows removed, kept long enough", "jobs", len(ids))
	}
}

// orphans removes folders to which no row belongs: what a web process left that died
// between the folder and the row. A folder of a job that had been accepted is no such
// thing: its row was lost, with a database that was set back or is not the right one.
func (s *sweeper) orphans(ctx context.Context) {
	if time.Now().Before(s.orphansAt) {
		return
	}
	s.orphansAt = time.Now().Add(max(s.d.times.Sweep, s.d.times.Orphan/4))
	var old []string
	err := eachJob(s.d.opts.Spool, func(j spool.Job) error {
		if age, err := folderAge(j.Dir); err == nil && age > s.d.times.Orphan {
			old = append(old, j.ID)
		}
		return ctx.Err()
	})
	if s.complain(ctx, "look for folders without a job", err) {
		return
	}
	var lost []string
	defer func() { s.tellLost(lost) }()
	for len(old) > 0 {
		some := old[:min(len(old), 10*sweepBatch)]
		old = old[len(some):]
		exists, err := s.d.jobs.Exists(ctx, some)
		if s.complain(ctx, "look for jobs of folders", err) {
			return
		}
		for _, id := range some {
			switch {
			case exists[id]:
				continue
			case s.d.opts.Spool.Job(id).WasAccepted():
				lost = append(lost, id)
				continue
			}
			s.d.log.Info("removing a folder without a job", "job", id)
			if err := s.d.opts.Spool.Remove(id); s.complain(ctx, "remove folder without a job", err) {
				return
			}
		}
	}
}

// tellLost says that there are files of accepted jobs that the database does not know.
func (s *sweeper) tellLost(ids []string) {
	if len(ids) > 0 {
		s.d.log.Error("the spool has files of accepted jobs that the database does not know; they stay until somebody removes them",
			"jobs", len(ids), "first", ids[0])
	}
}

// folderAge is how long ago a folder was made, changed or renamed.
func folderAge(dir string) (time.Duration, error) {
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return 0, err
	}
	return time.Since(time.Unix(st.Ctim.Unix())), nil
}

// eachJob calls visit for every job folder in the spool, until that returns an error.
func eachJob(s spool.Spool, visit func(spool.Job) error) error {
	parents, err := os.ReadDir(s.Root())
	if err != nil {
		return fmt.Errorf("read spool: %w", err)
	}
	for _, p := range parents {
		if !p.IsDir() || len(p.Name()) != 2 {
			continue
		}
		folders, err := os.ReadDir(filepath.Join(s.Root(), p.Name()))
		if err != nil {
			return fmt.Errorf("read spool: %w", err)
		}
		for _, f := range folders {
			if !f.IsDir() || len(f.Name()) < 2 || s.Job(f.Name()).Dir != filepath.Join(s.Root(), p.Name(), f.Name()) {
				continue
			}
			if err := visit(s.Job(f.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// tidy removes what attempts left whose dispatcher was killed between the commit of
// their end and their clean-up: work folders, locks, notes.
func (s *sweeper) tidy(ctx context.Context) {
	err := eachJob(s.d.opts.Spool, func(j spool.Job) error {
		for _, n := range leftovers(j) {
			if err := s.tidyAttempt(ctx, j, n); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	s.complain(ctx, "tidy up", err)
}

// leftovers returns the numbers of attempts that were not cleaned up, or run.
func leftovers(j spool.Job) []int {
	entries, err := os.ReadDir(j.Dir)
	if err != nil {
		return nil
	}
	seen := map[int]bool{}
	var numbers []int
	for _, e := range entries {
		rest, isNote := strings.CutPrefix(strings.TrimSuffix(e.Name(), ".json"), "child.")
		if !isNote {
			rest, isNote = strings.CutPrefix(e.Name(), "lock.")
		}
		if !isNote {
			rest, isNote = strings.CutPrefix(e.Name(), "work.")
		}
		if n, err := strconv.Atoi(rest); isNote && err == nil && !seen[n] {
			seen[n] = true
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// tidyAttempt asks the row first: an attempt that is the current one is somebody's.
func (s *sweeper) tidyAttempt(ctx context.Context, j spool.Job, n int) error {
	row, err := s.d.jobs.Find(ctx, j.ID)
	if fault.Is(err, fault.NotFound) {
		return nil // deleted, or an orphan: removed as a whole
	}
	if err != nil {
		return err
	}
	if row.State == job.Running && row.Attempt <= n {
		return nil
	}
	s.d.log.Info("tidying up after an attempt", "job", j.ID, "attempt", n)
	return removeTraces(j, n)
}

// removeTraces removes what only a live attempt needs; the note goes last, since it is
// what tells that something may be left.
func removeTraces(j spool.Job, n int) error {
	if err := spool.RemoveFolder(j.Work(n)); err != nil {
		return err
	}
	for _, path := range []string{j.Lock(n), j.Child(n) + ".new", j.Child(n)} {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("remove trace of attempt: %w", err)
		}
	}
	return nil
}
