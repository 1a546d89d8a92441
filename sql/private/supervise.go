package private

import (
	"context"
	"time"
)

// A server that dies is started again at once, then more and more slowly; one that ran
// for steady starts the count anew.
const (
	firstDelay = 100 * time.Millisecond
	lastDelay  = 10 * time.Second
	steady     = time.Minute
)

// supervise starts the server again whenever it dies, until Stop.
func (s *Server) supervise() {
	defer close(s.ended)
	delay := firstDelay
	for {
		started := time.Now()
		<-s.current().exited
		if s.isStopping() {
			return
		}
		if time.Since(started) > steady {
			delay = firstDelay
		}
		s.options.Log.Error("the database ended and is started again", "log", s.place.log)
		for !s.restart() {
			if s.isStopping() {
				return
			}
			time.Sleep(delay)
			delay = min(2*delay, lastDelay)
		}
	}
}

// restart waits for the dead server's children to end and starts another one.
func (s *Server) restart() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err := endLeftover(ctx, s.place.cluster, s.options.Log)
	if err == nil {
		err = s.relaunch(ctx)
	}
	if err != nil {
		s.options.Log.Error("the database does not start", "error", err)
	}
	return err == nil
}

// relaunch is launch unless Stop came first: Stop ends the process it finds.
func (s *Server) relaunch(ctx context.Context) error {
	s.mu.Lock()
	if s.stopping {
		s.mu.Unlock()
		return nil
	}
	running, err := s.spawn()
	if err == nil {
		s.process = running
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.waitReady(ctx, running)
}

func (s *Server) current() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process
}

func (s *Server) isStopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopping
}
