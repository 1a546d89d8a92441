package dispatcher

import (
	"log/slog"
	"net"
	"time"

	"convertd/dispatcher/doctor"
	"convertd/dispatcher/mail"
	"convertd/runner/recipe"
	"convertd/runner/spool"
	"convertd/sql/db"
)

// Options are what a dispatcher is given. All fields are needed unless they say
// otherwise.
type Options struct {
	DB *db.DB
	// DatabaseURL is where to listen for work; listening needs a connection of its own.
	DatabaseURL string
	Spool       spool.Spool
	Recipes     Recipes
	// RecipeSet is what the doctor looks at; nil means that it looks at nothing.
	RecipeSet func() *recipe.Set
	// Status is optional: without it nobody sees a bar.
	Status Status
	// Runner is the absolute path of convertd-runner.
	Runner string
	Log    *slog.Logger
	// Version is this program's, for people.
	Version string

	Lanes Lanes
	Box   Box
	Keep  Keep
	// MetricsListen is the HOST:PORT at which a monitor reads, "" for none.
	MetricsListen string
	// Mail is who is told what; its zero value sends nothing.
	Mail mail.Config
	// Stop is what the end of Run's context means for jobs that run.
	Stop StopMode
	// Times are for tests; their zero values mean the shipped ones.
	Times Times
	// Ready is called once, when what was left behind has been looked at and claiming
	// begins. It may be nil.
	Ready func()
	// Beat is called at every poll from the loop that everything depends on, for a
	// watchdog. It must not wait. It may be nil.
	Beat func()
	// Told is called every few seconds with what the dispatcher does, for people who ask
	// the service manager. It may be nil.
	Told func(Doing)
	// Further looks, in each examination, at what only the program that this dispatcher is
	// part of knows: how it was installed and set. It may be nil.
	Further func() []doctor.Finding
}

// Doing is what a dispatcher does.
type Doing struct {
	// State is that of its row: standby, serving, draining, drained, stopped.
	State string
	// Running counts attempts, Waiting the jobs of all queues that have not started; it
	// is -1 while the database does not tell.
	Running, Waiting int
}

// Recipes are the recipes in force; *recipe.Set has them.
type Recipes interface {
	All() []recipe.Recipe
	Find(name string) (recipe.Recipe, bool)
}

// Status is the way to memcached; *store.Store is one.
type Status interface {
	// Put writes the document of a job.
	Put(id string, doc []byte) error
	// Dial opens a connection that a child inherits.
	Dial() (net.Conn, error)
	// Address is where a child connects again.
	Address() string
}

// Lanes bound what runs at once.
type Lanes struct {
	// Slots is the number of units of concurrency, at least 1.
	Slots int
	// Queues are the limits of queues that have one.
	Queues map[string]int
	// Resources are the counted things of the machine.
	Resources map[string]int
	// MemoryBytes bounds the sum of the memory limits of what runs; 0 means no bound.
	MemoryBytes int64
}

// Box is what the confinement of attempts is made from.
type Box struct {
	// UIDBase is the first of the user ids for steps, one per slot, when the daemon is
	// root; 0 leaves steps under the daemon's own user.
	UIDBase int
	// CgroupParent is the folder of a delegated version 2 group; empty means our own.
	CgroupParent string
	// Require refuses to serve jobs where the box of a step cannot be made whole.
	Require bool
}

// Keep is how long things are kept after the end where a recipe says nothing.
type Keep struct {
	Results, Failed, Rows time.Duration
	// FreePercent or FreeBytes of the spool's disk are to stay free: below that the oldest
	// results go before their time. 0 in both means that none do.
	FreePercent float64
	FreeBytes   int64
	// Reserve is how much of the spool's disk jobs leave: with less, none starts, and with
	// half of it the one that has written most is stopped.
	Reserve spool.Reserve
}

// StopMode says what happens to running jobs when the dispatcher stops.
type StopMode int

const (
	// LeaveRunning lets them run on; the next dispatcher adopts them.
	LeaveRunning StopMode = iota
	// Drain claims nothing more and waits for them.
	Drain
	// StopSafely asks them to stop; they go back to their queue, not counted.
	StopSafely
)

// Times are the rhythm of the dispatcher.
type Times struct {
	// Poll is how often the rows are looked at without being told to (1 s).
	Poll time.Duration
	// RetryBase is the wait before the second attempt (2 s); it grows fourfold with each
	// failure up to RetryMax (10 min) and is spread by a fifth either way.
	RetryBase, RetryMax time.Duration
	// KillMargin is how much longer than its grace a child that was told to stop is
	// waited for (5 s). TimeMargin is how much longer than limit and grace (10 s).
	KillMargin, TimeMargin time.Duration
	// Sweep is how often retention looks (1 min); Orphan how old a folder without a row
	// must be to be removed (1 h).
	Sweep, Orphan time.Duration
	// Examine is how often the machine is looked at (10 min).
	Examine time.Duration
	// Guard is how often the room on the disk is looked at while jobs run (200 ms).
	Guard time.Duration
	// Fresh is how old a result must be to be removed before its time (10 min).
	Fresh time.Duration
}

func (t Times) withDefaults() Times {
	set := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	set(&t.Poll, time.Second)
	set(&t.RetryBase, 2*time.Second)
	set(&t.RetryMax, 10*time.Minute)
	set(&t.KillMargin, 5*time.Second)
	set(&t.TimeMargin, 10*time.Second)
	set(&t.Sweep, time.Minute)
	set(&t.Orphan, time.Hour)
	set(&t.Examine, 10*time.Minute)
	set(&t.Guard, 200*time.Millisecond)
	set(&t.Fresh, freshResult)
	return t
}
