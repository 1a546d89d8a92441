package dispatcher

import (
	"context"
	"time"

	"convertd/sql/job"
)

const (
	// freshResult is how old a result must be to go before its time: somebody may be about
	// to fetch it.
	freshResult = 10 * time.Minute
	// roomBatch is how many results go before the disk is looked at again.
	roomBatch = 5
)

// want is how many bytes of the disk are to stay free.
func (k Keep) want(total int64) int64 {
	return max(k.FreeBytes, int64(float64(total)*k.FreePercent/100))
}

// makeRoom removes the oldest results before their time while the disk has less room left
// than is to stay free. Files of jobs that have not ended are none of them.
func (s *sweeper) makeRoom(ctx context.Context) {
	removed := 0
	for {
		free, total, err := s.d.opts.Spool.Room()
		if s.complain(ctx, "look for room on the disk", err) {
			return
		}
		want := s.d.settings.Load().Keep.want(total)
		if free >= want {
			s.full = false
			if removed > 0 {
				s.d.log.Warn("the disk was filling up: the oldest results were removed before their time", "jobs", removed, "free", free, "wanted", want)
			}
			return
		}
		ids, err := s.d.jobs.Oldest(ctx, s.d.times.Fresh, roomBatch)
		if s.complain(ctx, "look for the oldest results", err) {
			return
		}
		if len(ids) == 0 {
			s.sayFull(removed, free, want)
			return
		}
		if !s.removeEarly(ctx, ids) {
			return
		}
		removed += len(ids)
	}
}

// sayFull says, once until it changes, that the disk stays too full.
func (s *sweeper) sayFull(removed int, free, want int64) {
	if removed > 0 || !s.full {
		s.d.log.Error("the disk is nearly full and no result is left that could be removed: free space, or lower [keep] free",
			"jobs", removed, "free", free, "wanted", want, "spool", s.d.opts.Spool.Root())
	}
	s.full = true
}

func (s *sweeper) removeEarly(ctx context.Context, ids []string) bool {
	for _, id := range ids {
		if err := s.d.opts.Spool.Remove(id); s.complain(ctx, "remove files of job", err) {
			return false
		}
	}
	return !s.complain(ctx, "note removed files", s.d.jobs.GoneEarly(ctx, ids, job.Disk))
}
