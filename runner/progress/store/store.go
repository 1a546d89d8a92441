// Package store owns reading and writing status documents in memcached from the
// daemon's side: many readers share one multi-get, a document just read is served
// again for a moment, and a memcached that does not answer costs the readers of one
// moment a short time-out; until it answers a question in the background nobody waits.
//
// It does not own what a document says (progress) nor what is true when there is none
// (the row). It may import gomemcache and runner/progress.
package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"convertd/runner/progress"
)

const (
	// timeout bounds one round trip; memcached is on this machine.
	timeout = 100 * time.Millisecond
	// rest is how long a memcached that failed is left alone before it is asked again
	// whether it answers, in the background: no reader waits for that.
	rest = time.Second
	// reuse is how long a document just read is served without asking again.
	reuse = 80 * time.Millisecond
	// workers is how many multi-gets are under way at once, and so the number of
	// connections that readers use.
	workers = 2
	// batch is how many keys one multi-get asks for.
	batch = 100
)

// ErrAway says that memcached did not answer; the row is the truth all the same.
var ErrAway = errors.New("memcached does not answer")

// Store is a client of one memcached. It is safe for concurrent use.
type Store struct {
	address string
	client  *memcache.Client
	asks    chan ask
	stop    chan struct{}
	done    sync.WaitGroup
	cache   cache
	// gone says that memcached did not answer and is asked in the background.
	gone atomic.Bool
	// closing guards closed, after which nothing is begun.
	closing sync.Mutex
	closed  bool
}

// ask is one caller waiting for one document.
type ask struct {
	id     string
	answer chan<- answer
}

type answer struct {
	id  string
	doc []byte
	err error
}

// Open returns a client of the memcached at address: a path for a unix socket, else
// HOST:PORT. It does not connect yet; Ping does.
func Open(address string) (*Store, error) {
	if address == "" {
		return nil, errors.New("memcached: no address: set [memcached] address")
	}
	client := memcache.New(address)
	client.Timeout = timeout
	client.MaxIdleConns = 64
	s := &Store{address: address, client: client, asks: make(chan ask), stop: make(chan struct{})}
	for range workers {
		s.done.Go(s.work)
	}
	return s, nil
}

// Address returns where the memcached listens.
func (s *Store) Address() string { return s.address }

// Network returns the network of the address: "unix" or "tcp".
func (s *Store) Network() string {
	if strings.Contains(s.address, "/") {
		return "unix"
	}
	return "tcp"
}

// Dial opens a new connection, for a child that is to inherit it.
func (s *Store) Dial() (net.Conn, error) {
	if s.away() {
		return nil, ErrAway
	}
	conn, err := net.DialTimeout(s.Network(), s.address, timeout)
	if err != nil {
		s.setAway()
		return nil, fmt.Errorf("connect to memcached at %s: %w", s.address, err)
	}
	return conn, nil
}

// Ping reports whether memcached answers.
func (s *Store) Ping() error {
	// The client counts an address that it cannot look up as no server, and no server as well.
	conn, err := net.DialTimeout(s.Network(), s.address, timeout)
	if err == nil {
		err = errors.Join(conn.Close(), s.client.Ping())
	}
	if err != nil {
		return fmt.Errorf("%w at %s: %w", ErrAway, s.address, err)
	}
	return nil
}

// Get returns the documents of the jobs that have one, as they were written. It
// returns ErrAway when memcached does not answer.
func (s *Store) Get(ctx context.Context, ids []string) (map[string][]byte, error) {
	found := make(map[string][]byte, len(ids))
	answers := make(chan answer, len(ids))
	asked := 0
	for _, id := range ids {
		if doc, ok := s.cache.get(id); ok {
			keep(found, id, doc)
			continue
		}
		select {
		case s.asks <- ask{id: id, answer: answers}:
			asked++
		case <-ctx.Done():
			return found, ctx.Err()
		case <-s.stop:
			return found, ErrAway
		}
	}
	for range asked {
		select {
		case a := <-answers:
			if a.err != nil {
				return found, a.err
			}
			keep(found, a.id, a.doc)
		case <-ctx.Done():
			return found, ctx.Err()
		}
	}
	return found, nil
}

func keep(found map[string][]byte, id string, doc []byte) {
	if doc != nil {
		found[id] = doc
	}
}

// Put writes a document, to live for progress.TTL.
func (s *Store) Put(id string, doc []byte) error {
	if s.away() {
		return ErrAway
	}
	item := &memcache.Item{Key: progress.Key(id), Value: doc, Expiration: int32(progress.TTL / time.Second)}
	if err := s.client.Set(item); err != nil {
		s.setAway()
		return fmt.Errorf("%w at %s: %w", ErrAway, s.address, err)
	}
	s.cache.drop(id)
	return nil
}

// Close ends the readers and closes all connections.
func (s *Store) Close() error {
	s.closing.Lock()
	s.closed = true
	s.closing.Unlock()
	close(s.stop)
	s.done.Wait()
	return s.client.Close()
}

func (s *Store) away() bool { return s.gone.Load() }

// setAway has memcached left alone until it answers.
func (s *Store) setAway() {
	s.closing.Lock()
	defer s.closing.Unlock()
	if s.closed || s.gone.Swap(true) {
		return
	}
	s.done.Go(s.askAgain)
}

// askAgain asks from time to time whether memcached answers again.
func (s *Store) askAgain() {
	again := time.NewTicker(rest)
	defer again.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-again.C:
			if s.Ping() == nil {
				s.gone.Store(false)
				return
			}
		}
	}
}

// work answers asks: while one multi-get is under way the next one's keys gather.
func (s *Store) work() {
	for {
		select {
		case first := <-s.asks:
			s.answer(s.gather(first))
		case <-s.stop:
			return
		}
	}
}

// gather takes what is waiting right now, at most a batch.
func (s *Store) gather(first ask) []ask {
	asks := []ask{first}
	for len(asks) < batch {
		select {
		case next := <-s.asks:
			asks = append(asks, next)
		default:
			return asks
		}
	}
	return asks
}

func (s *Store) answer(asks []ask) {
	docs, err := s.fetch(asks)
	for _, a := range asks {
		a.answer <- answer{id: a.id, doc: docs[a.id], err: err}
	}
}

func (s *Store) fetch(asks []ask) (map[string][]byte, error) {
	if s.away() {
		return nil, ErrAway
	}
	ids := make(map[string]string, len(asks))
	keys := make([]string, 0, len(asks))
	for _, a := range asks {
		key := progress.Key(a.id)
		if _, seen := ids[key]; !seen {
			ids[key] = a.id
			keys = append(keys, key)
		}
	}
	items, err := s.client.GetMulti(keys)
	if err != nil {
		s.setAway()
		return nil, fmt.Errorf("%w at %s: %w", ErrAway, s.address, err)
	}
	docs := make(map[string][]byte, len(items))
	for key, id := range ids {
		if item, ok := items[key]; ok {
			docs[id] = item.Value
		}
		s.cache.put(id, docs[id])
	}
	return docs, nil
}
