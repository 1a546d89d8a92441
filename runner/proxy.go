package runner

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"time"

	"convertd/runner/sandbox"
)

// maxRefused bounds the refused connections of an attempt that are told.
const maxRefused = 50

// refusedConnection is what the proxy of a box reports (guard.RefusedError).
type refusedConnection struct {
	Host string `json:"host"`
	Port string `json:"port"`
	Why  string `json:"why"`
	// Ungranted says that a line of [access] would allow it.
	Ungranted bool `json:"ungranted"`
}

// startProxy starts the proxy of a box that was just started: a box of its own, which
// holds nothing and shares the network of the machine. What programs ask before it is
// there waits in the socket.
func (a *attempt) startProxy(p *sandbox.Process) error {
	defer p.Listener.Close()
	program, err := netProgram()
	if err != nil {
		return err
	}
	hosts, err := json.Marshal(map[string][]string{"written": a.spec.Box.Hosts, "given": a.spec.Box.GivenHosts})
	if err != nil {
		return err
	}
	box := sandbox.Confinement{
		UID: a.box.UID, GID: a.box.GID, Base: a.work.dir, Home: "/tmp",
		Lacks: a.box.Lacks, Require: a.box.Require, Granted: sandbox.Granted{Network: sandbox.Shared},
	}
	p.Helper, err = box.Start(sandbox.Command{
		Argv: []string{program, "proxy", string(hosts)}, Dir: "/",
		Env: []string{
			"GOMAXPROCS=1", "CONVERTD_JOB=" + a.spec.Job, "CONVERTD_ATTEMPT=" + strconv.Itoa(a.spec.Attempt),
		},
		Files: []*os.File{p.Listener},
	})
	if err != nil {
		return fmt.Errorf("start the proxy of the box: %w", err)
	}
	return nil
}

// listen takes what the proxy tells.
func (e *execution) listen() {
	proxy := e.process.Helper
	if proxy == nil {
		return
	}
	e.listeners = make(chan struct{}, 2)
	go e.eachLine(proxy.Stdout, func(line []byte) {
		var r refusedConnection
		if json.Unmarshal(line, &r) == nil {
			e.a.refusedTo(r)
		}
	})
	go e.eachLine(proxy.Stderr, func(line []byte) { e.a.logRun(oneLine(string(line))) })
}

func (e *execution) eachLine(from io.Reader, take func(line []byte)) {
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		take(lines.Bytes())
	}
	e.listeners <- struct{}{}
}

// finishListening waits for what the proxy told, which is all there: it has ended.
func (e *execution) finishListening() {
	if e.process.Helper == nil {
		return
	}
	for _, f := range e.process.Helper.Streams() {
		_ = f.SetReadDeadline(time.Now().Add(readPatience)) // see finishReading
	}
	for range e.process.Helper.Streams() {
		<-e.listeners
	}
}

// refusedTo notes a connection that the box wanted and did not get.
func (a *attempt) refusedTo(r refusedConnection) {
	r.Host, r.Port, r.Why = oneLine(r.Host), oneLine(r.Port), oneLine(r.Why)
	if slices.Contains(a.refused, r) || len(a.refused) >= maxRefused {
		return
	}
	a.refused = append(a.refused, r)
	a.logRun("convertd: connection to " + r.address() + " refused: " + r.Why)
}

// address is HOST:PORT.
func (r refusedConnection) address() string {
	if addr, err := netip.ParseAddr(r.Host); err == nil && addr.Is6() {
		return "[" + r.Host + "]:" + r.Port
	}
	return r.Host + ":" + r.Port
}
