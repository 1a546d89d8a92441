package dispatcher

import (
	"os"
	"sync"

	"convertd/dispatcher/process"
)

// children are the processes that this one started and waits for. As a subreaper we
// also get orphans, which must be told from them.
type children struct {
	// gate is held for reading while a process is started and not counted in yet.
	gate sync.RWMutex
	mu   sync.Mutex
	pids map[int]bool
}

// start starts a process and counts it in; no orphan is reaped meanwhile.
func (c *children) start(path string, attr *os.ProcAttr) (*os.Process, error) {
	c.gate.RLock()
	defer c.gate.RUnlock()
	p, err := os.StartProcess(path, []string{path}, attr)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pids == nil {
		c.pids = map[int]bool{}
	}
	c.pids[p.Pid] = true
	return p, nil
}

// forget is called when Wait has taken the process away.
func (c *children) forget(pid int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pids, pid)
}

// reapOrphans takes away ended processes that nobody else waits for.
func (c *children) reapOrphans() error {
	c.gate.Lock()
	defer c.gate.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	return process.ReapOrphans(func(pid int) bool { return c.pids[pid] })
}
