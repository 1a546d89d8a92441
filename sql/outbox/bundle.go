package outbox

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

//go:embed recent.sql
var recentSQL string

// Recent returns the mails of a kind since a time about which something was done:
// sent, tried, or joined into another mail.
func (s *Store) Recent(ctx context.Context, kind string, since time.Time) ([]Mail, error) {
	mails := []Mail{}
	if err := s.db.SelectContext(ctx, &mails, recentSQL, kind, since); err != nil {
		return nil, explain(ctx, "list recent mails", err)
	}
	return mails, nil
}

// Postpone has mails that were never tried wait.
func (s *Store) Postpone(ctx context.Context, ids []int64, until time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := s.db.ExecContext(ctx, `update outbox set due_at = $2
		where id = any($1) and tries = 0 and sent_at is null and withdrawn_at is null`, pq.Array(ids), until)
	return explain(ctx, "postpone mails", err)
}

// Join puts one mail in the place of several that were never tried: from then on each
// of them is spoken of in that one only.
func (s *Store) Join(ctx context.Context, key string, draft Draft, members []int64) error {
	err := s.db.InTx(ctx, func(tx *sqlx.Tx) error {
		result, err := tx.ExecContext(ctx, `update outbox set withdrawn_at = now(), attach = false
			where id = any($1) and tries = 0 and sent_at is null and withdrawn_at is null`, pq.Array(members))
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n != int64(len(members)) {
			return errors.Join(fmt.Errorf("only %d of %d mails can be joined", n, len(members)), err)
		}
		_, err = tx.ExecContext(ctx, oweSQL, key, draft.Kind, draft.To, draft.Attach, string(draft.Payload))
		return err
	})
	return explain(ctx, "join mails", err)
}
