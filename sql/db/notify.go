package db

import (
	"context"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
)

// Window is the shortest time between two notifications on one channel. NOTIFY takes
// one lock for the whole server when it commits, so a thousand jobs must not ring a
// thousand times.
const Window = 5 * time.Millisecond

// Notifier rings channels: the first call rings at once, calls within the window after
// it are answered by one more at the window's end. Ringing is a hint: whoever listens
// looks again from time to time anyway, so a ring that cannot be sent is dropped.
type Notifier struct {
	pool *sqlx.DB
	ctx  context.Context
	stop context.CancelFunc
	work sync.WaitGroup

	mu     sync.Mutex
	closed bool
	// owed has a channel as long as its window is open; true means that it was rung
	// again in it.
	owed map[string]bool
}

func newNotifier(pool *sqlx.DB) *Notifier {
	ctx, stop := context.WithCancel(context.Background())
	return &Notifier{pool: pool, ctx: ctx, stop: stop, owed: map[string]bool{}}
}

// Ring notifies all who listen to the channel, now or at the end of the window. It
// never waits. Call it after the commit: a listener that looks earlier sees nothing.
func (n *Notifier) Ring(channel string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return
	}
	if _, open := n.owed[channel]; open {
		n.owed[channel] = true
		return
	}
	n.owed[channel] = false
	n.work.Go(func() { n.serve(channel) })
}

// serve rings, and again as long as rings came in within the window.
func (n *Notifier) serve(channel string) {
	for {
		n.send(channel)
		select {
		case <-n.ctx.Done():
		case <-time.After(Window):
		}
		n.mu.Lock()
		again := n.owed[channel]
		if !again {
			delete(n.owed, channel)
			n.mu.Unlock()
			return
		}
		n.owed[channel] = false
		n.mu.Unlock()
	}
}

// send needs no durable commit: a server that crashes has no listeners left.
func (n *Notifier) send(channel string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, _ = n.pool.ExecContext(ctx,
		`select set_config('synchronous_commit', 'off', true), pg_notify($1, '')`, channel)
}

// close sends what is owed and waits for it.
func (n *Notifier) close() {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	n.stop()
	n.work.Wait()
}
