package job

import (
	"context"
	"crypto/rand"
	_ "embed"
	"time"

	"github.com/lib/pq"
)

//go:embed claim.sql
var claimSQL string

// Claimer is who claims, for the rows of the attempts.
type Claimer struct {
	Dispatcher string
	// BootID is the kernel's, so that after a restart of the machine the attempt is known
	// to be dead.
	BootID string
}

// Claimed is a job that runs, with the token that its end must carry.
type Claimed struct {
	Job
	Token string
	Place
}

// Claim takes up to max queued jobs in the order of priority, turn and age, makes them
// running with a new attempt and token, and returns of each what its place is given by:
// id, recipe, queue, priority, the counters, the start, what it replays. free has the free
// places per queue; a queue that it does not name has no limit of its own. Jobs of the
// recipes in without are passed over. Several claimers never get the same job.
//
// A crash of the database server may still undo the claim: nothing of a job may be started
// before Confirm. The store remembers how far it claimed, so that the cost does not grow
// with what was claimed before: use one store.
func (s *Store) Claim(ctx context.Context, by Claimer, most int, free map[string]int, without ...string) ([]Claimed, error) {
	if most <= 0 {
		return nil, nil
	}
	if free == nil {
		free = map[string]int{}
	}
	places, err := document(free)
	if err != nil {
		return nil, err
	}
	s.findHeads(ctx)
	from, err := document(s.floors.tell(s.now()))
	if err != nil {
		return nil, err
	}
	rows, err := s.takeClaim(ctx, by, most, places, from, pq.Array(without), rand.Text())
	if err != nil {
		return nil, explain(ctx, "claim jobs", err)
	}
	if len(without) == 0 { // else what was passed over would lie below the floor
		s.floors.note(rows)
	}
	claimed := make([]Claimed, len(rows))
	for i, r := range rows {
		claimed[i] = r.Claimed
	}
	return claimed, nil
}

// takeClaim runs the statement with the values that follow the claimer's two. It takes
// the columns itself: finding the places for so many by their names, row by row, would be
// a good part of what a claim costs.
func (s *Store) takeClaim(ctx context.Context, by Claimer, values ...any) ([]claimedRow, error) {
	answer, err := s.db.QueryPrepared(ctx, claimSQL, append([]any{by.Dispatcher, by.BootID}, values...)...)
	if err != nil {
		return nil, err
	}
	defer answer.Close()
	var rows []claimedRow
	for answer.Next() {
		r := claimedRow{Claimed: Claimed{Job: Job{Life: Life{State: Running}}, Place: Place{Dispatcher: by.Dispatcher, BootID: by.BootID}}}
		if err := answer.Scan(r.columns()...); err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, answer.Err()
}

//go:embed marks.sql
var marksSQL string

// headsTime bounds a look for the heads of the lanes.
const headsTime = 5 * time.Second

// findHeads looks now and then where the lanes begin. That it could not, or not in time,
// keeps nobody from claiming by what is known.
func (s *Store) findHeads(ctx context.Context) {
	began := s.now()
	if !s.floors.due(began) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, headsTime)
	defer cancel()
	var marks []mark
	if err := s.db.SelectPrepared(ctx, &marks, marksSQL); err != nil {
		s.floors.postpone(began)
		return
	}
	s.floors.learn(began, s.now().Sub(began), marks)
}

// claimedRow is a claimed job with its turn.
type claimedRow struct {
	Claimed
	Turn int64
}

// columns are where the columns of claim.sql go, in its order.
func (r *claimedRow) columns() []any {
	return []any{
		&r.ID, &r.RetryOf, &r.Replays, &r.Attempt, &r.Failures, &r.MaxAttempts, &r.StartedAt,
		&r.Recipe, &r.RecipeVersion, &r.Queue, &r.Priority, &r.Token, &r.Turn,
	}
}
