package roster

import (
	"context"
	_ "embed"
)

// Spool is the folder where the files of the jobs of this database lie.
type Spool struct {
	// Name is random and lies in the folder itself; Path and Host are where it was last.
	Name string `db:"name"`
	Path string `db:"path"`
	Host string `db:"host"`
}

//go:embed bind.sql
var bindSQL string

// Bind makes a spool the one of this database, unless another one is and may still have
// files of jobs. It returns the one that is.
func (s *Store) Bind(ctx context.Context, mine Spool) (Spool, error) {
	var bound Spool
	err := s.db.GetContext(ctx, &bound, bindSQL, mine.Name, mine.Path, mine.Host)
	return bound, explain(ctx, "bind spool", err)
}

// Forget removes what the rows say about spool and dispatchers: those of a database that
// was restored are of another life.
func (s *Store) Forget(ctx context.Context) error {
	for _, statement := range []string{`delete from spool`, `delete from dispatcher`} {
		if _, err := s.db.ExecContext(ctx, statement); err != nil {
			return explain(ctx, "forget spool and dispatchers", err)
		}
	}
	return nil
}
