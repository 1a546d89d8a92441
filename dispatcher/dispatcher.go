package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"convertd/dispatcher/box"
	"convertd/dispatcher/cgroup"
	"convertd/dispatcher/mail"
	"convertd/dispatcher/metrics"
	"convertd/dispatcher/process"
	"convertd/runner/clock"
	"convertd/runner/program"
	"convertd/runner/sandbox"
	"convertd/runner/vault"
	"convertd/sql/db"
	"convertd/sql/job"
	"convertd/sql/outbox"
)

// Dispatcher runs the jobs of one spool.
type Dispatcher struct {
	opts  Options
	times Times
	log   *slog.Logger
	jobs  *job.Store
	// vault has the secrets that were given for jobs.
	vault vault.Vault
	null  *os.File
	// lock holds the spool; its file tells whether the spool is still the same.
	lock *os.File
	// name is the spool's: it stands in the rows of attempts whose files lie there.
	name    string
	bootID  string
	cgroups *cgroup.Tree
	// children are our processes.
	children children
	// leaving ends when running attempts are to be left alone.
	leaving context.Context
	leave   context.CancelFunc

	stops chan StopMode
	// reloads carries settings to the loop; gone is closed when Run has returned.
	reloads  chan Settings
	gone     chan struct{}
	settings atomic.Pointer[Settings]
	// sweepNow wakes the sweep: somebody deleted a job.
	sweepNow chan struct{}
	// farewellNow wakes who tells services: a job was cancelled between two attempts.
	farewellNow chan struct{}
	// examineNow wakes the doctor: settings or recipes changed.
	examineNow chan struct{}
	// ended carries attempts that are proved dead: their room is free. settled carries
	// those of which nothing is left to do.
	ended, settled chan *attempt
	finisher       *finisher
	warden         *warden
	sender         *mail.Sender
	presence       *presence
	meters         *metrics.Meters
	attendants     sync.WaitGroup

	// The loop's own.
	lanes   *lanes
	running map[string]*attempt
	// held are claimed jobs that wait for room, in the order of the claim.
	held []*attempt
	// telling says that somebody is telling what they wait for.
	telling atomic.Bool
	// stopping is set once nothing more is claimed; draining while an administrator wants
	// nothing claimed.
	stopping, draining bool
	// blocked says that jobs waited for the end of others when last looked at.
	blocked bool
	// lastEnd is when an attempt was last proved dead.
	lastEnd time.Time
	// reconcileAt is when rows that run in our name are next compared with what we know;
	// the zero time means now: a claim or its confirmation failed, and it may be committed.
	reconcileAt time.Time
	// askAfter keeps from asking a database that does not answer more than once a poll.
	askAfter time.Time
	// clock tells whether dates can be believed; clockMoved that it was told that not.
	clock      clock.Watch
	clockMoved atomic.Bool
	// endAttempt kills and proves dead; tests put theirs in its place.
	endAttempt func(context.Context, *attempt) error
	// health is whether this machine can start anything.
	health health
	// lacks are the parts of the box that this machine does not give.
	lacks sandbox.Lacks
	// machine says the same and more for rows, as JSON.
	machine []byte
	// declarations are the recipes as they were declared when they ran.
	declarations *declarations
	// programs knows the versions of what steps execute.
	programs *program.Catalog
}

// New returns a dispatcher; Run makes it work.
func New(opts Options) *Dispatcher {
	d := &Dispatcher{
		opts: opts, times: opts.Times.withDefaults(), log: opts.Log,
		jobs: job.NewStore(opts.DB), vault: vault.For(opts.Spool.Root()),
		stops: make(chan StopMode, 8), sweepNow: make(chan struct{}, 1), farewellNow: make(chan struct{}, 1), examineNow: make(chan struct{}, 1),
		ended: make(chan *attempt), settled: make(chan *attempt),
		lanes: newLanes(opts.Lanes), running: map[string]*attempt{},
		reloads: make(chan Settings), gone: make(chan struct{}),
		declarations: newDeclarations(opts.DB), programs: program.NewCatalog(opts.Version),
		endAttempt: func(ctx context.Context, a *attempt) error { return a.end(ctx) },
		health:     health{rehearsed: make(chan error, 1), kind: kindOf},
	}
	if opts.Keep.Results > 0 {
		d.jobs.Keep = opts.Keep.Results
	}
	d.warden = newWarden(d)
	d.meters = metrics.New(metrics.Options{DB: opts.DB, Spool: opts.Spool, Recipes: opts.Recipes, Version: opts.Version, Log: opts.Log})
	d.settings.Store(&Settings{Lanes: opts.Lanes, Keep: opts.Keep, Mail: opts.Mail})
	return d
}

// Run serves the spool until ctx ends and Options.Stop is fulfilled, or Stop was called
// and is. It first waits as a standby until no other dispatcher serves the spool.
func (d *Dispatcher) Run(ctx context.Context) error {
	defer close(d.gone)
	present, leavePresence := context.WithCancel(context.Background())
	d.presence = newPresence(d)
	var presence sync.WaitGroup
	presence.Go(func() { d.presence.run(present) })
	defer presence.Wait()
	defer leavePresence()
	var err error
	if d.lock, err = d.takeSpool(ctx); err != nil || d.lock == nil {
		return err
	}
	defer d.lock.Close()
	if err := d.prepare(); err != nil {
		return err
	}
	defer d.null.Close()
	defer func() { _ = d.cgroups.Close() }() // it stays while jobs run on in it
	d.leaving, d.leave = context.WithCancel(context.Background())
	defer d.leave()
	listener, err := db.Listen(context.Background(), d.opts.DatabaseURL, d.log, job.Jobs, job.Control)
	if err != nil {
		return fmt.Errorf("listen for jobs: %w", err)
	}
	defer listener.Close()
	monitor, err := d.openMetrics(ctx)
	if err != nil {
		return err
	}
	background, stopBackground := context.WithCancel(context.Background())
	d.finisher = newFinisher(d)
	d.sender = mail.NewSender(d.settings.Load().Mail, outbox.NewStore(d.opts.DB), d.opts.Spool, d.log)
	var services sync.WaitGroup
	services.Go(func() { d.finisher.run(background) })
	services.Go(func() { d.warden.run(background) })
	services.Go(func() { d.sweep(background) })
	services.Go(func() { d.farewells(background) })
	services.Go(func() { d.sender.Run(background) })
	services.Go(func() { d.examinations(background) })
	if monitor != nil {
		services.Go(func() { d.meters.Serve(background, monitor) })
	}
	defer services.Wait()
	defer stopBackground()
	err = d.loop(ctx, listener.C)
	d.leave()
	d.health.rehearsals.Wait()
	d.attendants.Wait()
	return err
}

// prepare finds out where we are and what this machine gives us.
func (d *Dispatcher) prepare() error {
	var err error
	if d.name, err = spoolName(d.opts.Spool); err != nil {
		return err
	}
	if d.bootID, err = process.BootID(); err != nil {
		return err
	}
	if d.null, err = os.OpenFile(os.DevNull, os.O_RDWR, 0); err != nil {
		return fmt.Errorf("open null device: %w", err)
	}
	d.cgroups = cgroup.Open(cgroup.Options{Parent: d.opts.Box.CgroupParent, Name: "convertd-" + d.name})
	m := d.cgroups.Method()
	d.log.Info("control groups", "tree", m.Tree, "memory", m.Memory, "processes", m.Processes, "processors", m.CPU)
	if err := d.examineBox(); err != nil {
		return err
	}
	if err := d.describeMachine(); err != nil {
		return err
	}
	if m.Tree != cgroup.None {
		return nil
	}
	d.log.Warn("no control group of version 2 can be made; a job's death is proved by looking for its processes, which is weak", "reason", d.cgroups.Why())
	return process.BecomeSubreaper()
}

// examineBox finds out what this machine cannot give the box of a step, and says so.
func (d *Dispatcher) examineBox() error {
	uid := 0
	if os.Geteuid() == 0 {
		uid = d.opts.Box.UIDBase
	}
	var err error
	d.lacks, err = box.Examine(context.Background(), d.opts.Runner, uid)
	if err != nil && d.opts.Box.Require {
		return fmt.Errorf("[sandbox] require is set: %w", err)
	}
	if err != nil {
		d.log.Error("the box of steps cannot be examined; jobs may not start", "error", err)
	}
	if len(d.lacks) > 0 && d.opts.Box.Require {
		return fmt.Errorf("[sandbox] require is set, and on this machine the box is without %s", d.lacks)
	}
	for _, lack := range d.lacks {
		d.log.Warn("the box of steps is without a part of it", "part", lack.Part, "reason", lack.Why)
	}
	return nil
}

// loop is the only place that claims, counts and gives orders.
func (d *Dispatcher) loop(ctx context.Context, rings <-chan string) error {
	if err := d.adopt(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if d.opts.Ready != nil {
		d.opts.Ready()
	}
	poll := time.NewTicker(d.times.Poll)
	defer poll.Stop()
	over := ctx.Done()
	for !d.finished() {
		d.presence.tell(d.phase(), d.lanes.taken())
		d.tellMeters()
		select {
		case <-over:
			over = nil
			d.stop(d.opts.Stop)
		case mode := <-d.stops:
			d.stop(mode)
		case s := <-d.reloads:
			d.apply(s)
		case mode := <-d.presence.drains:
			d.drain(mode)
		case ring, open := <-rings:
			if !open {
				return errors.New("the listener for jobs was closed")
			}
			d.look(ring == job.Jobs, ring == job.Control)
			if ring == job.Control {
				nudge(d.sweepNow)
				nudge(d.farewellNow)
				nudge(d.presence.now)
			}
		case err := <-d.health.rehearsed:
			d.rehearsed(err)
		case <-poll.C:
			d.beat()
			d.look(false, false)
			d.noteStarts()
		case a := <-d.ended:
			d.freeAll(a)
			d.refill()
		case a := <-d.settled:
			d.drop(a)
			d.afterEnd()
		}
	}
	return nil
}

// drop forgets an attempt of which nothing is left to do.
func (d *Dispatcher) drop(a *attempt) {
	// The job may have been claimed again meanwhile.
	if d.running[a.row.ID] == a {
		delete(d.running, a.row.ID)
	}
	if a.abandoned {
		d.reconcileAt = time.Time{}
	}
}

// nudge wakes a service; one that is about to look anyway is not woken twice.
func nudge(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// beat says that the loop lives. While stopping, it also ends the wait for a database
// that is away once nothing runs any more: the outcome files are the record.
func (d *Dispatcher) beat() {
	const patience = 10 * time.Second
	if d.opts.Beat != nil {
		d.opts.Beat()
	}
	if d.stopping && d.lanes.slots == 0 && time.Since(d.lastEnd) > patience {
		d.log.Warn("leaving ends to be recorded by the next start", "attempts", len(d.running))
		d.leave()
	}
}

// look looks at the rows for the reason it was called, or for all when there is none.
func (d *Dispatcher) look(jobs, control bool) {
	if time.Now().Before(d.askAfter) {
		return
	}
	all := !jobs && !control
	ok := true
	if control || all {
		ok = d.passCancels()
	}
	if control || all {
		d.tendHeld()
	}
	if ok && all && !d.stopping {
		ok = d.promote()
	}
	if ok && all && !time.Now().Before(d.reconcileAt) {
		ok = d.reconcile()
	}
	if ok && (jobs || all) && !d.stopping {
		ok = d.unblock()
	}
	if ok && (jobs || all) {
		d.claim()
	}
}

// brief bounds a statement of the loop, which must stay able to hear a stop.
const brief = 10 * time.Second

// complain logs that the database did not do something, has the next try wait, and
// returns false.
func (d *Dispatcher) complain(what string, err error) bool {
	if d.leaving.Err() == nil {
		d.askAfter = time.Now().Add(d.times.Poll)
		d.log.Error(what, "error", err)
	}
	return false
}

// passCancels tells running jobs that somebody wants them ended.
func (d *Dispatcher) passCancels() bool {
	if len(d.running) == 0 {
		return true
	}
	ctx, cancel := context.WithTimeout(d.leaving, brief)
	defer cancel()
	ids, err := d.jobs.CancelRequested(ctx)
	if err != nil {
		return d.complain("look for jobs to cancel", err)
	}
	for _, id := range ids {
		if a, ok := d.running[id]; ok {
			a.tell(orderCancel)
		}
	}
	return true
}
