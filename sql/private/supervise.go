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
		if s.stopping() {
			return
		}
		if time.Since(started) > steady {
			delay = firstDelay
		}
		s.options.Log.Error("the database ended and is started again", "log", s.place.log)
		for !s.restart() {
			select {
			case <-s.stop:
				return
			case <-time.After(delay):
			}
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

// relaunch starts the server and waits until it answers, unless Stop came first.
func (s *Server) relaunch(ctx context.Context) error {
	running, err := s.replace()
	if err != nil || running == nil {
		return err
	}
	return s.waitReady(ctx, running)
}

// replace starts a server in the dead one's place, nothing once Stop was called.
func (s *Server) replace() (*process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping() {
		return nil, nil
	}
	running, err := s.spawn()
	if err == nil {
		s.process = running
	}
	return running, err
}

func (s *Server) current() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process
}

// stopping reports whether Stop was called.
func (s *Server) stopping() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}
