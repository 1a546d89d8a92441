package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/jmoiron/sqlx"
)

// prepared keeps the statements that are asked for again and again: working out how to
// carry out a long one takes the server longer than carrying it out. The pool prepares
// them anew on each of its connections.
type prepared struct {
	mu         sync.Mutex
	statements map[string]*sqlx.Stmt
}

// SelectPrepared is SelectContext for a statement that is run often; its text must be
// one of few.
func (d *DB) SelectPrepared(ctx context.Context, into any, statement string, values ...any) error {
	ready, err := d.prepare(ctx, statement)
	if err != nil {
		return err
	}
	return ready.SelectContext(ctx, into, values...)
}

// QueryPrepared is QueryContext in the same way.
func (d *DB) QueryPrepared(ctx context.Context, statement string, values ...any) (*sql.Rows, error) {
	ready, err := d.prepare(ctx, statement)
	if err != nil {
		return nil, err
	}
	return ready.QueryContext(ctx, values...)
}

func (d *DB) prepare(ctx context.Context, statement string) (*sqlx.Stmt, error) {
	d.prepared.mu.Lock()
	defer d.prepared.mu.Unlock()
	if ready, ok := d.prepared.statements[statement]; ok {
		return ready, nil
	}
	ready, err := d.PreparexContext(ctx, statement)
	if err != nil {
		return nil, fmt.Errorf("prepare statement: %w", err)
	}
	d.prepared.statements[statement] = ready
	return ready, nil
}

// close gives the statements back.
func (p *prepared) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all error
	for _, ready := range p.statements {
		all = errors.Join(all, ready.Close())
	}
	clear(p.statements)
	return all
}
