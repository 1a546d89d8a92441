package store

import (
	"sync"
	"time"
)

// cacheSize bounds the cache; above it all of it is dropped, which costs one read each.
const cacheSize = 10_000

// cache holds documents for a moment, absence included.
type cache struct {
	mu      sync.Mutex
	entries map[string]entry
}

type entry struct {
	doc  []byte
	read time.Time
}

func (c *cache) get(id string) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[id]
	if !ok || time.Since(e.read) > reuse {
		return nil, false
	}
	return e.doc, true
}

func (c *cache) put(id string, doc []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil || len(c.entries) >= cacheSize {
		c.entries = make(map[string]entry)
	}
	c.entries[id] = entry{doc: doc, read: time.Now()}
}

func (c *cache) drop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, id)
}
