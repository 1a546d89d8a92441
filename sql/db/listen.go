package db

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/lib/pq"
)

// Reconnecting starts after the first delay and slows down to the second. pingEvery
// finds a connection that is dead without having said so.
const (
	minReconnect = 100 * time.Millisecond
	maxReconnect = 5 * time.Second
	pingEvery    = 30 * time.Second
)

// Listener hears the channels that a Notifier rings.
type Listener struct {
	// C gives the name of the channel that was rung, or "" after the connection was
	// made again: rings may have been missed, so look at everything now. Rings that are
	// not read in time are joined, never lost. It is closed by Close.
	C <-chan string

	pq   *pq.Listener
	stop context.CancelFunc
	// closed is what closing the connection came to; it may be read after done.
	closed error
	done   chan struct{}
}

// Listen connects and listens until Close or until ctx is over. It keeps trying when
// the server is away, and returns only for an address that cannot be read.
func Listen(ctx context.Context, url string, log *slog.Logger, channels ...string) (*Listener, error) {
	if _, err := connect(url); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	inner := pq.NewListener(url, minReconnect, maxReconnect, func(event pq.ListenerEventType, err error) {
		if event == pq.ListenerEventDisconnected || event == pq.ListenerEventConnectionAttemptFailed {
			log.Warn("no connection to listen on; looking at the database from time to time instead", "error", err)
		}
	})
	out := make(chan string)
	listener := &Listener{C: out, pq: inner, stop: stop, done: make(chan struct{})}
	go listener.subscribe(ctx, log, channels)
	go listener.forward(ctx, out)
	return listener, nil
}

// subscribe waits for the first connection, channel by channel; later ones are
// subscribed by the driver.
func (l *Listener) subscribe(ctx context.Context, log *slog.Logger, channels []string) {
	for _, channel := range channels {
		if err := l.pq.Listen(channel); err != nil && !errors.Is(err, pq.ErrChannelAlreadyOpen) && ctx.Err() == nil {
			log.Warn("not listening", "channel", channel, "error", err)
		}
	}
}

// forward joins what the reader has not taken yet: a set of names, in order of arrival.
func (l *Listener) forward(ctx context.Context, out chan<- string) {
	defer close(l.done)
	defer close(out)
	defer func() { l.closed = l.pq.Close() }()
	// The first round: what was there before we listened.
	pending := []string{""}
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		var ready chan<- string
		next := ""
		if len(pending) > 0 {
			ready, next = out, pending[0]
		}
		select {
		case <-ctx.Done():
			return
		case ready <- next:
			pending = pending[1:]
		case n, open := <-l.pq.Notify:
			if !open {
				return
			}
			pending = join(pending, n)
		case <-ping.C:
			go func() { _ = l.pq.Ping() }()
		}
	}
}

// join adds a ring unless it is waiting already; nil is the driver's word for "the
// connection was made again".
func join(pending []string, n *pq.Notification) []string {
	name := ""
	if n != nil {
		name = n.Channel
	}
	for _, have := range pending {
		if have == name {
			return pending
		}
	}
	return append(pending, name)
}

// Close stops listening and closes C.
func (l *Listener) Close() error {
	l.stop()
	<-l.done
	if l.closed != nil {
		return fmt.Errorf("close listener: %w", l.closed)
	}
	return nil
}
