package runner

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"convertd/runner/progress/reading"
	"convertd/runner/sandbox"
)

// Patience with processes that were killed and do not go (they wait for a disk), and
// with a stream whose writers are all gone.
const (
	killPatience = 10 * time.Second
	readPatience = time.Second
)

// execution is one program of a step while it runs.
type execution struct {
	a       *attempt
	process *sandbox.Process
	streams []*stream
	readers chan struct{}
	// listeners are the readers of the proxy.
	listeners chan struct{}
	// kill fires when the grace time after the first signal is over.
	kill  *time.Timer
	asked bool
	// called says that the program is convertd-net, which calls a service.
	called bool
}

// runStep runs the probe and the command of one step.
func (a *attempt) runStep(step Step) *verdict {
	if step.Call != nil {
		return a.runCall(step)
	}
	rule, err := reading.ForStep(step.Step)
	if err != nil {
		return internal("A progress pattern of this recipe is wrong.", err)
	}
	watch, err := newWatch(step)
	if err != nil {
		return internal("A pattern of this recipe is wrong.", err)
	}
	if a.notify == nil && step.Builtin == "" {
		if err := a.openNotify(); err != nil {
			return internal("The socket for progress messages could not be made.", err)
		}
	}
	if len(step.ProbeArgv) > 0 {
		if bad := a.probe(step, rule); bad != nil {
			return bad
		}
	}
	argv := step.Argv
	if step.LineBuffer {
		argv = append([]string{"stdbuf", "-oL"}, argv...)
	}
	end, bad := a.execute(step, argv, &stream{rule: rule, watch: watch})
	if bad != nil {
		return bad
	}
	return a.judge(step, end, watch)
}

// probe runs the probe and gives the first line it prints to the rule. A probe that
// fails only means that no percent is known.
func (a *attempt) probe(step Step, rule reading.Rule) *verdict {
	first := &stream{capture: true}
	plain := step
	plain.PTY = false
	end, bad := a.execute(plain, step.ProbeArgv, first)
	if bad != nil || a.stopped != nil {
		if a.stopped != nil {
			return a.stopped
		}
		return bad
	}
	if totaled, ok := rule.(reading.Totaled); ok && end.Code == 0 {
		totaled.SetTotal(first.captured)
	}
	return nil
}

// execute runs one program to its end, and the ends of all that came of it. The
// stream says what to do with its output.
func (a *attempt) execute(step Step, argv []string, out *stream) (sandbox.End, *verdict) {
	if len(argv) == 0 {
		return sandbox.End{}, internal("A step of this recipe has no command.", nil)
	}
	env, err := a.environmentOf(step, argv[0])
	if err != nil {
		return sandbox.End{}, internal("A step could not be prepared.", err)
	}
	return a.executeCommand(sandbox.Command{
		Argv: argv, Dir: a.work.run, Env: env,
		PTY: step.PTY, Progress: true,
	}, out)
}

// executeCommand does that for a command that is complete.
func (a *attempt) executeCommand(command sandbox.Command, out *stream) (sandbox.End, *verdict) {
	argv := command.Argv
	a.logRun("start " + quote(argv))
	started := time.Now()
	p, err := a.box.Start(command)
	if err != nil {
		return sandbox.End{}, notStarted(argv[0], err)
	}
	a.tellLacks()
	if p.Listener != nil {
		if err := a.startProxy(p); err != nil {
			p.Discard()
			return sandbox.End{}, notStarted("convertd-net", err)
		}
	}
	e := &execution{a: a, process: p, called: command.Input != nil}
	e.listen()
	e.read(out)
	end, alone := e.supervise()
	a.ran(argv, end, time.Since(started))
	if !alone {
		return end, internal("A program of this job cannot be ended; it may wait for a disk.", nil)
	}
	return end, nil
}

// read starts the readers of all streams. Standard output is read by the stream that was
// given, so that a probe finds there what it captured; standard error by another one
// with the same rules.
func (e *execution) read(out *stream) {
	problems := &stream{rule: out.rule, watch: out.watch}
	lines := &lineReader{take: e.a.progressLine}
	e.readers = make(chan struct{}, 3)
	e.streams = append(e.streams, out.open(e.a, streamOut))
	go e.pump(e.process.Stdout, out.write, out.end)
	if e.process.Stderr != nil {
		e.streams = append(e.streams, problems.open(e.a, streamErr))
		go e.pump(e.process.Stderr, problems.write, problems.end)
	}
	go e.pump(e.process.Progress, lines.write, lines.end)
}

// pump reads one stream to its end.
func (e *execution) pump(f *os.File, write func([]byte), end func()) {
	buffer := make([]byte, 32<<10)
	var late extension
	for {
		n, err := f.Read(buffer)
		if n > 0 {
			write(buffer[:n])
		}
		if late.granted(f, n, err) {
			continue
		}
		if err != nil { // the end, or EIO on a pseudo-terminal
			break
		}
	}
	end()
	e.readers <- struct{}{}
}

// extension lets a reader that is behind when its patience is over take what is there
// already: a deadline that has passed hides it. That is at most what a pipe holds; more
// comes only from somebody outside of the box who was handed the pipe.
type extension struct {
	taken int  // bytes since the first extension
	begun bool // there was one
	tried bool // and nothing came since the last
}

// maxPipe is what a pipe may hold at most (pipe-max-size in proc(5)), in bytes.
const maxPipe = 1 << 20

// granted extends the deadline of the file if that ended the reading.
func (x *extension) granted(f *os.File, n int, err error) bool {
	if x.begun && n > 0 {
		x.taken += n
		x.tried = false
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) || x.tried || x.taken > maxPipe {
		return false
	}
	x.begun, x.tried = true, true
	return f.SetReadDeadline(time.Now().Add(readPatience)) == nil
}

// supervise waits for the end of the program, serves the clock and the parent's
// requests meanwhile, and kills what it left running. It reports whether nothing is left.
func (e *execution) supervise() (end sandbox.End, alone bool) {
	end = e.wait(e.process.Reap())
	alone = e.process.KillAll(killPatience)
	e.finishReading()
	e.a.limits.note(end.MaxRSS)
	return end, alone
}

func (e *execution) wait(ended <-chan sandbox.End) sandbox.End {
	tick := time.NewTicker(tickInterval)
	defer tick.Stop()
	e.kill = time.NewTimer(time.Hour)
	e.kill.Stop()
	defer e.kill.Stop()
	for {
		select {
		case end := <-ended:
			return end
		case signal := <-e.a.signals:
			e.a.asked(signal)
			e.terminate()
		case <-e.a.deadline.C:
			e.a.stopFor(e.a.timeoutVerdict())
			e.terminate()
		case <-e.kill.C:
			e.process.KillAll(killPatience)
		case <-tick.C:
			e.tick()
		}
	}
}

// terminate asks everything to end and starts the grace time, once.
func (e *execution) terminate() {
	if e.asked {
		return
	}
	e.asked = true
	e.process.Signal(e.a.stopSignal(e.called))
	e.kill.Reset(e.a.spec.Limits.Grace)
}

// tick sends what was held back, reads text that stands still, and measures.
func (e *execution) tick() {
	a := e.a
	a.mu.Lock()
	for _, s := range e.streams {
		s.still()
	}
	if u, ok := a.callback.take(); ok {
		a.note(u)
	}
	a.status.Tick()
	a.log.tick()
	a.mu.Unlock()
	a.showLive()
	if bad := a.limits.measure(); bad != nil {
		a.stopFor(bad)
		e.process.KillAll(killPatience)
	}
}

// finishReading waits for the readers. When all writers are gone that takes no time; a
// descriptor that got out of the box must not hold the attempt up.
func (e *execution) finishReading() {
	for _, f := range e.process.Streams() {
		// Where no deadline can be set, closing below ends the reading.
		_ = f.SetReadDeadline(time.Now().Add(readPatience))
	}
	for range e.process.Streams() {
		<-e.readers
	}
	e.finishListening()
	e.process.Close()
}

// ran notes what was executed and how it ended.
func (a *attempt) ran(argv []string, end sandbox.End, took time.Duration) {
	shown := make([]string, len(argv))
	for i, word := range argv {
		shown[i] = a.log.masked(word)
	}
	a.outcome.Ran = append(a.outcome.Ran, Ran{
		Argv: shown, ExitCode: end.Code, Signal: signalName(end.Signal), Seconds: took.Seconds(),
	})
	a.logRun("end " + describeEnd(end) + " after " + strconv.FormatFloat(took.Seconds(), 'f', 3, 64) + " s")
}

// logRun writes a line of the runner's own.
func (a *attempt) logRun(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.log.add(streamRun, text)
	a.log.flush()
}

// progressLine takes one line of the progress descriptor.
func (a *attempt) progressLine(line []byte) {
	if u, ok := reading.Line(string(line)); ok {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.note(u)
	}
}

// maxQuoted bounds the command line in the log, in bytes.
const maxQuoted = 4 << 10

// quote writes an argv as one line that a shell would read the same way, if it is not too
// long for the log.
func quote(argv []string) string {
	words := make([]string, len(argv))
	for i, word := range argv {
		words[i] = word
		if word == "" || strings.ContainsAny(word, " \t\n\r\"'\\$`*?[]{}()<>|&;#~!") {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	line := strings.Join(words, " ")
	if len(line) > maxQuoted {
		line = line[:maxQuoted] + " ..."
	}
	return oneLine(line)
}

// tellLacks writes once what the box is without.
func (a *attempt) tellLacks() {
	if len(a.box.Lacks) > a.lacksTold {
		a.lacksTold = len(a.box.Lacks)
		a.logRun("the box of this step is without " + a.box.Lacks.String())
	}
}

func notStarted(program string, err error) *verdict {
	var incomplete *sandbox.IncompleteError
	if errors.As(err, &incomplete) {
		bad := internal("The box in which this conversion must run cannot be made whole on this server.", err)
		bad.hint = "The administrator sees with “convertd doctor” what is missing; [sandbox] require asks for all of it."
		return bad
	}
	if errors.Is(err, sandbox.ErrAccess) {
		bad := internal("A file or folder that this recipe was granted cannot be handed to it.", err)
		bad.hint = "Ask the administrator to correct the lines of [access] in the recipe; the log names the path."
		return bad
	}
	if errors.Is(err, sandbox.ErrNotInstalled) {
		bad := internal(fmt.Sprintf("The program %s is not installed on this server.", program), err)
		bad.hint = "The administrator has to install it; the recipe names the package."
		return bad
	}
	return internal(fmt.Sprintf("The program %s could not be started.", program), err)
}
