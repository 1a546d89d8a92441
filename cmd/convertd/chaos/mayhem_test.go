package chaos

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"convertd/cmd/convertd/chaos/verdict"
)

// disturbAndWork lets people work while everything is disturbed, for the given time.
func (w *world) disturbAndWork(duration time.Duration) {
	ctx, over := context.WithTimeout(w.t.Context(), duration)
	defer over()
	var all sync.WaitGroup
	for i := range owners() {
		all.Go(func() { w.work(ctx, i) })
	}
	for i := range 3 {
		all.Go(func() { w.watch(ctx, i) })
	}
	for i := range 2 {
		all.Go(func() { w.listen(ctx, i) })
	}
	w.disturb(ctx)
	w.calm()
	all.Wait()
}

// disturbance is one thing that can happen to the service, and how often it does.
type disturbance struct {
	name   string
	weight int
	do     func(*rand.Rand)
}

func (w *world) disturbances() []disturbance {
	return []disturbance{
		{"runner killed", 8, func(r *rand.Rand) { w.signalJob(r, "convertd-runner", syscall.SIGKILL) }},
		{"runner stopped", 5, func(r *rand.Rand) { w.signalJob(r, "convertd-runner", syscall.SIGSTOP) }},
		{"step killed", 6, func(r *rand.Rand) { w.signalJob(r, actorName, syscall.SIGKILL) }},
		{"step stopped", 6, func(r *rand.Rand) { w.signalJob(r, actorName, syscall.SIGSTOP) }},
		{"web killed", 2, func(*rand.Rand) { w.web.signal(syscall.SIGKILL) }},
		{"web told to end", 2, func(*rand.Rand) { w.web.signal(syscall.SIGTERM) }},
		{"web stopped", 3, func(r *rand.Rand) { w.stopFor(r, w.web.pid()) }},
		{"dispatcher killed", 2, func(r *rand.Rand) { w.dispatchers[r.IntN(2)].signal(syscall.SIGKILL) }},
		{"dispatcher told to end", 3, func(r *rand.Rand) { w.endDispatcher(w.dispatchers[r.IntN(2)]) }},
		{"dispatcher stopped", 3, func(r *rand.Rand) { w.stopFor(r, w.dispatchers[r.IntN(2)].pid()) }},
		{"database killed", 2, func(*rand.Rand) { w.signalDatabase(0, syscall.SIGKILL) }},
		{"session of the database killed", 2, func(r *rand.Rand) { w.signalDatabase(1+r.IntN(100), syscall.SIGKILL) }},
		{"session of the database stopped", 4, func(r *rand.Rand) { w.signalDatabase(1+r.IntN(100), syscall.SIGSTOP) }},
		{"cache killed", 3, func(*rand.Rand) { w.cache.signal(syscall.SIGKILL) }},
		{"cache stopped", 3, func(r *rand.Rand) { w.stopFor(r, w.cache.pid()) }},
		{"cache flushed", 2, func(*rand.Rand) { w.tellCache("flush_all\r\n") }},
		{"cache filled with garbage", 3, w.garbage},
		{"queue paused", 3, func(r *rand.Rand) { w.halt(r, w.pauseQueue) }},
		{"dispatchers drained", 2, func(r *rand.Rand) {
			mode := []string{"drain", "now"}[r.IntN(2)]
			w.halt(r, func(ctx context.Context, moment time.Duration) { w.drain(ctx, moment, mode) })
		}},
		{"an hour passes for mails", 2, func(*rand.Rand) { w.ageMails() }},
	}
}

// disturb does one thing after another until ctx ends.
func (w *world) disturb(ctx context.Context) {
	random, all := w.stream(9), w.disturbances()
	sum := 0
	for _, d := range all {
		sum += d.weight
	}
	for pause(ctx, time.Duration(50+random.IntN(600))*time.Millisecond) {
		n := random.IntN(sum)
		for _, d := range all {
			if n -= d.weight; n < 0 {
				w.log.Info("disturbance", "what", d.name, "at", monotonic())
				d.do(random)
				w.count(d.name)
				break
			}
		}
	}
}

// calm lets everything go on that was stopped, and nothing be killed at a place again.
func (w *world) calm() {
	w.mailbox.beCalm()
	w.web.places.beQuiet()
	for _, d := range w.dispatchers {
		d.places.beQuiet()
	}
	w.held.Wait()
}

// stopFor stops a process for a moment.
func (w *world) stopFor(random *rand.Rand, pid int) {
	moment := time.Duration(50+random.IntN(1500)) * time.Millisecond
	if pid <= 1 || syscall.Kill(pid, syscall.SIGSTOP) != nil {
		return
	}
	w.held.Go(func() {
		<-time.After(moment)
		_ = syscall.Kill(pid, syscall.SIGCONT) // it may be gone
	})
}

// endDispatcher tells a dispatcher to end, and notes whether it ends its jobs safely.
func (w *world) endDispatcher(p *program) {
	if argv := p.arguments(); len(argv) > 0 && argv[len(argv)-1] == "--stop-jobs" {
		w.mu.Lock()
		w.stops = append(w.stops, monotonic())
		w.mu.Unlock()
	}
	p.signal(syscall.SIGTERM)
}

// signalJob kills or stops a process of some job, and notes whose it was before: a kill
// that is not known would be a failure that nobody explains.
func (w *world) signalJob(random *rand.Rand, program string, sig syscall.Signal) {
	victims := processesOf(filepath.Join(binDir, program))
	n := random.IntN(1 << 20)
	if len(victims) == 0 {
		return
	}
	pid := victims[n%len(victims)]
	if sig == syscall.SIGSTOP {
		w.stopFor(random, pid)
		return
	}
	w.mu.Lock()
	w.kills = append(w.kills, verdict.Kill{Job: jobOf(pid), At: monotonic()})
	w.mu.Unlock()
	_ = syscall.Kill(pid, sig)
}

// processesOf lists the processes that run a program.
func processesOf(path string) []int {
	var found []int
	for _, pid := range allProcesses() {
		if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil && exe == path {
			found = append(found, pid)
		}
	}
	return found
}

func allProcesses() []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var all []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			all = append(all, pid)
		}
	}
	return all
}

// jobOf is the beginning of the id of the job that a process belongs to, by its control
// group RECIPE-ID.ATTEMPT or its environment; "" when neither tells.
func jobOf(pid int) string {
	groups, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	for line := range strings.Lines(string(groups)) {
		name, attempt, found := strings.Cut(filepath.Base(strings.TrimSpace(line)), ".")
		if _, err := strconv.Atoi(attempt); found && err == nil && strings.Contains(line, "/convertd-") {
			return name[strings.LastIndexByte(name, '-')+1:]
		}
	}
	environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	for word := range bytes.SplitSeq(environ, []byte{0}) {
		if id, found := bytes.CutPrefix(word, []byte("CONVERTD_JOB=")); found {
			return string(id)
		}
	}
	return ""
}

// signalDatabase signals the server itself, or its nth process.
func (w *world) signalDatabase(nth int, sig syscall.Signal) {
	note, err := os.ReadFile(w.path("data", "postgresql", "server", "cluster", "postmaster.pid"))
	if err != nil {
		return
	}
	line, _, _ := strings.Cut(string(note), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid <= 1 || parentOf(pid) != os.Getpid() {
		return // a stale note: the number may be a stranger's
	}
	if nth > 0 {
		var children []int
		for _, child := range allProcesses() {
			if parentOf(child) == pid {
				children = append(children, child)
			}
		}
		if len(children) == 0 {
			return
		}
		pid = children[nth%len(children)]
	}
	if sig == syscall.SIGSTOP {
		w.stopFor(rand.New(rand.NewPCG(w.seed, uint64(nth))), pid)
		return
	}
	_ = syscall.Kill(pid, sig)
}

// parentOf is the parent of a process, 0 when there is none.
func parentOf(pid int) int {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1])
	return parent
}

// tellCache sends commands to memcached, which may be away.
func (w *world) tellCache(commands string) {
	conn, err := net.DialTimeout("unix", w.path("cache", "socket"), time.Second)
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	if _, err := conn.Write([]byte(commands)); err == nil {
		_, _ = conn.Read(make([]byte, 64))
	}
}

// garbage writes nonsense where the status of jobs is.
func (w *world) garbage(random *rand.Rand) {
	texts := []string{"", "{", "null", `{"id":"`, strings.Repeat("x", 100_000)}
	var b strings.Builder
	for range 10 {
		text, id := texts[random.IntN(len(texts))], w.anyJob(random)
		fmt.Fprintf(&b, "set convertd/status/%s 0 60 %d\r\n%s\r\n", id, len(text), text)
	}
	w.tellCache(b.String())
}

// ageMails puts the mails that are owed an hour back, so that what waits for the next hour
// is due; in the disturbed part as well as at the end.
func (w *world) ageMails() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := w.db.ExecContext(ctx, `update outbox set created_at = created_at - interval '1 hour', due_at = now()
		where sent_at is null and withdrawn_at is null`)
	if err != nil {
		w.log.Info("mails did not age", "error", err)
	}
}
