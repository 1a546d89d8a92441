package job

import (
	"context"
	_ "embed"

	"github.com/lib/pq"
)

//go:embed confirm.sql
var confirmSQL string

// Confirm returns, once the claims are on disk, the same jobs with all that their claim did
// not tell: owner, parameters, inputs and the rest. A claim that the database server lost in
// a crash, or that is over already, is left out. The jobs given are not changed.
func (s *Store) Confirm(ctx context.Context, claimed []Claimed) ([]Claimed, error) {
	if len(claimed) == 0 {
		return nil, nil
	}
	ids, tokens := make([]string, len(claimed)), make([]string, len(claimed))
	for i, c := range claimed {
		ids[i], tokens[i] = c.ID, c.Token
	}
	var rows []row
	if err := s.db.SelectPrepared(ctx, &rows, confirmSQL, pq.Array(ids), pq.Array(tokens)); err != nil {
		return nil, explain(ctx, "confirm claims", err)
	}
	whole := map[string]Job{}
	for _, r := range rows {
		j, err := r.job()
		if err != nil {
			return nil, err
		}
		whole[r.ID] = j
	}
	var confirmed []Claimed
	for _, c := range claimed {
		if j, ok := whole[c.ID]; ok {
			c.Complete(j)
			confirmed = append(confirmed, c)
		}
	}
	if len(confirmed) < len(claimed) {
		s.floors.doubt() // what was undone waits again, below them
	}
	return confirmed, nil
}

// Complete adds what only Confirm reads. What Claim told stays as it is: somebody else may
// be reading that.
func (c *Claimed) Complete(j Job) {
	c.Owner, c.ManageHash, c.Group, c.ConcurrencyKey = j.Owner, j.ManageHash, j.Group, j.ConcurrencyKey
	c.CreatedAt, c.RunAt, c.WaitUntil = j.CreatedAt, j.RunAt, j.WaitUntil
	c.Params, c.Tags, c.Email, c.Lang, c.TraceContext = j.Params, j.Tags, j.Email, j.Lang, j.TraceContext
	c.Inputs, c.Files = j.Inputs, j.Files
}
