package job

import (
	"encoding/json"
	"time"

	"convertd/runner/fault"
)

// Attempt is one execution, as history.
type Attempt struct {
	Number    int        `db:"number"`
	StartedAt time.Time  `db:"started_at"`
	EndedAt   *time.Time `db:"ended_at"`
	// Class is what it came to; "" while it runs, and when it stopped on request and the
	// job went back to its queue.
	Class         fault.Class `db:"class"`
	Detail        string      `db:"detail"`
	ExitCode      int         `db:"exit_code"`
	Signal        string      `db:"signal"`
	RecipeVersion string      `db:"recipe_version"`
	Usage         Usage       `db:"usage"`
	// Ran is the JSON of the programs that were executed; Limits of what was in force;
	// Machine of where it ran (roster.Machine).
	Ran     json.RawMessage `db:"ran"`
	Limits  json.RawMessage `db:"limits"`
	Machine json.RawMessage `db:"machine"`
	// Advice is the JSON list of what administrators may grant, null when there is none.
	Advice json.RawMessage `db:"advice"`
	Place
}

// Place is where an attempt runs or ran.
type Place struct {
	Dispatcher string `db:"dispatcher"`
	BootID     string `db:"boot_id"`
	// Cgroup and PID are noted while it runs, by and by, and at its end.
	Cgroup string `db:"cgroup"`
	PID    int    `db:"pid"`
}
