package page

import "time"

// AdminAttempts is the page of a job's executions.
type AdminAttempts struct {
	AdminFrame
	Job      Row
	Attempts []Attempt
	// Replayable says that the last one can be done again; Differs are sentences about what
	// would not be as it was.
	Replayable bool
	Differs    []string
}

// Template implements Page.
func (AdminAttempts) Template() string { return "admin-attempts" }

// Attempt is one execution: what ran, where, what it used of what it was allowed.
type Attempt struct {
	Number  int
	Started time.Time
	Ended   *time.Time
	// Class is the outcome, "" while it runs and when it was put back into the queue.
	Class, Detail string
	ExitCode      int
	Signal        string
	// Version is the recipe's.
	Version   string
	Wall, CPU time.Duration
	// Memory is the most that was used at once, in bytes; limits are 0 where not known.
	Memory, MemoryLimit int64
	TimeLimit           time.Duration
	Ran                 []Program
	Host, Kernel        string
	// Lacks is what the machine did not give of the box, Advice what the recipe lacked in it.
	Lacks, Advice []string
}

// Live reports whether the attempt has not ended.
func (a Attempt) Live() bool { return a.Ended == nil }

// MemoryShare is how much of the allowed memory was used, in percent; 0 without a limit.
func (a Attempt) MemoryShare() float64 { return share(float64(a.Memory), float64(a.MemoryLimit)) }

// TimeShare is how much of the allowed time was used, in percent; 0 without a limit.
func (a Attempt) TimeShare() float64 { return share(a.Wall.Seconds(), a.TimeLimit.Seconds()) }

func share(used, allowed float64) float64 {
	if allowed <= 0 {
		return 0
	}
	return min(100, 100*used/allowed)
}

// Program is one program that was executed.
type Program struct {
	Line, Version string
	ExitCode      int
	Signal        string
	Took          time.Duration
}
