package page

import "time"

// AdminQueues is the page of queues, resources and dispatchers.
type AdminQueues struct {
	AdminFrame
	Queues      []Queue
	Resources   []Resource
	Dispatchers []Dispatcher
}

// Template implements Page.
func (AdminQueues) Template() string { return "admin-queues" }

// Queue is one queue. Limit and Most bound what runs and waits, 0 where nothing does.
type Queue struct {
	Name             string
	Running, Waiting int
	Limit, Most      int
	PausedAt         *time.Time
}

// Resource is a counted thing: Total of it there is, Used of it is taken by what runs, and
// Waiting jobs want some.
type Resource struct {
	Name                 string
	Total, Used, Waiting int
}

// Free is how much is left.
func (r Resource) Free() int { return max(0, r.Total-r.Used) }

// Dispatcher is one process that runs jobs. State is a roster state, or "silent".
type Dispatcher struct {
	Host, Version, State string
	PID, Slots, Running  int
	Started, Seen        time.Time
	Trouble              string
}

// AdminFailures is the page of what fails most.
type AdminFailures struct {
	AdminFrame
	Failures []FailureKind
	Recipes  []Option
	Filtered bool
}

// Template implements Page.
func (AdminFailures) Template() string { return "admin-failures" }

// FailureKind is failures with one reason.
type FailureKind struct {
	Recipe, Class, Reason string
	Count, LastDay        int
	Last                  time.Time
	// LastJob is the newest of them, All the list of all failures of the recipe.
	LastJob, All string
}

// AdminRefused is the page of submissions that were turned away.
type AdminRefused struct {
	AdminFrame
	Refused     []Refused
	Next, First string
}

// Template implements Page.
func (AdminRefused) Template() string { return "admin-refused" }

// Refused is one submission that was turned away.
type Refused struct {
	At                          time.Time
	Owner, Recipe, Code, Detail string
}

// AdminRecipes is the page of recipes as the administrator has to look after them.
type AdminRecipes struct {
	AdminFrame
	// Problems are sentences about files that could not be read.
	Problems []string
	Recipes  []AdminRecipe
}

// Template implements Page.
func (AdminRecipes) Template() string { return "admin-recipes" }

// AdminRecipe is one recipe: what it lacks, what it is granted, what bounds it.
type AdminRecipe struct {
	RecipeEntry
	Queue  string
	Memory int64
	// Time is the limit of running time; Results and Failed are how long files are kept.
	Time, Results, Failed time.Duration
}

// AdminFindings is the page of what a dispatcher found on its machine.
type AdminFindings struct {
	AdminFrame
	Host     string
	Examined *time.Time
	Findings []Finding
}

// Template implements Page.
func (AdminFindings) Template() string { return "admin-findings" }

// Finding is one thing that was looked at; Level is "ok", "warn" or "fail".
type Finding struct {
	Check, Level, Text, Remedy string
	Since                      time.Time
}
