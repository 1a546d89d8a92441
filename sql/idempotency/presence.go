package idempotency

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"log/slog"
	"time"

	"convertd/sql/db"
)

// checkEvery is how often the session that holds the lock is looked at.
const checkEvery = time.Second

// Presence shows that this process lives, by a session lock on a random number that goes
// with the process. While the server restarts the lock is lost; it is taken again as
// soon as the server is back, and a claim that lapsed in between fails its Insert with
// conflict instead of making a second job.
type Presence struct {
	number int64
	db     *db.DB
	log    *slog.Logger
	stop   context.CancelFunc
	done   chan struct{}
}

// Attend takes the lock and holds it until Close.
func Attend(ctx context.Context, database *db.DB, log *slog.Logger) (*Presence, error) {
	var random [8]byte
	rand.Read(random[:])
	keep, stop := context.WithCancel(context.WithoutCancel(ctx))
	p := &Presence{
		number: int64(binary.NativeEndian.Uint64(random[:])), db: database, log: log,
		stop: stop, done: make(chan struct{}),
	}
	session, err := p.lock(ctx)
	if err != nil {
		stop()
		return nil, explain(ctx, "attend", err)
	}
	go p.hold(keep, session)
	return p, nil
}

// Number is the instance for Begin.
func (p *Presence) Number() int64 { return p.number }

// Close gives the lock back: claims of this process that are in progress lapse.
func (p *Presence) Close() {
	p.stop()
	<-p.done
}

// lock opens a session of its own that holds the lock.
func (p *Presence) lock(ctx context.Context) (*sql.Conn, error) {
	session, err := p.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := session.ExecContext(ctx, `select pg_advisory_lock($1)`, p.number); err != nil {
		discard(session)
		return nil, err
	}
	return session, nil
}

// hold looks at the session from time to time and opens another one when it is gone.
func (p *Presence) hold(ctx context.Context, session *sql.Conn) {
	defer close(p.done)
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			p.release(session)
			return
		case <-tick.C:
			session = p.check(ctx, session)
		}
	}
}

// check returns the session that holds the lock now, nil for none.
func (p *Presence) check(ctx context.Context, session *sql.Conn) *sql.Conn {
	if session != nil {
		if session.PingContext(ctx) == nil {
			return session
		}
		discard(session)
	}
	session, err := p.lock(ctx)
	if err != nil && ctx.Err() == nil {
		p.log.Warn("submissions of this process may lapse: no session to show that it lives", "error", err)
	}
	return session
}

// release gives the lock back before it closes the session: a server notices some time
// later that a session was closed, and Close promises that the claims have lapsed.
func (p *Presence) release(session *sql.Conn) {
	if session == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), checkEvery)
	defer cancel()
	if _, err := session.ExecContext(ctx, `select pg_advisory_unlock($1)`, p.number); err != nil {
		p.log.Debug("claims of this process lapse once the server notices that it is gone", "error", err)
	}
	discard(session)
}

// discard closes the session for good, so that the lock does not go back to the pool.
func discard(session *sql.Conn) {
	_ = session.Raw(func(any) error { return driver.ErrBadConn })
	_ = session.Close()
}
