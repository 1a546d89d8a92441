package job

import "context"

// Farewells returns up to limit jobs that were cancelled or deleted between two attempts,
// the earliest first, deleted ones included. What their attempts left with a service is to
// be ended there.
func (s *Store) Farewells(ctx context.Context, limit int) ([]Job, error) {
	var rows []row
	err := s.db.SelectContext(ctx, &rows, selectSQL+`join farewell f on f.job = j.id order by f.asked_at limit $1`, limit)
	if err != nil {
		return nil, explain(ctx, "list jobs to take leave of services for", err)
	}
	return jobsOf(rows)
}

// FarewellOver notes that the service was told. Without told, it notes that it could not
// be, which is tried again for an hour.
func (s *Store) FarewellOver(ctx context.Context, id string, told bool) error {
	_, err := s.db.ExecContext(ctx, `delete from farewell where job = $1 and ($2 or asked_at < now() - interval '1 hour')`, id, told)
	return explain(ctx, "note that a service was told", err)
}
