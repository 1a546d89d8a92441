package page

import "time"

// Card is one job as its person sees it: the same card on the job's page, in a group
// and in place of the card that uploaded the file.
type Card struct {
	ID string
	// Name is the first input's name, Others how many more there are, Size the bytes
	// of all together.
	Name   string
	Others int
	Size   int64
	// What is the recipe's title, Targets what was chosen, if that says more.
	What, Targets string
	State         string
	Progress      Progress
	Waiting       Waiting
	Times         Moments
	Result        Result
	Failure       Failure
	// Steps are the recipe's own words for its steps where it has them in the reader's
	// language, by those that status documents have.
	Steps map[string]string
	// Manage says that the reader may cancel, delete and try again.
	Manage bool
	// Key is the manage token the reader came with, "" for none.
	Key string
	// Keeps are the lengths of time that the files may be kept for, none for who may not say.
	Keeps []Option
	// Facts are shown on demand, on the job's own page only.
	Facts []Fact
	// Button is the recipe's name where the job is a run of one without upload; By says
	// who ran it, "" where that is nobody's business.
	Button, By string
	// Alone is set on the job's own page, where the name is the page's heading.
	Alone bool
}

// Template implements Page.
func (Card) Template() string { return "job" }

// Part implements Fragment.
func (Card) Part() string { return "card" }

// Ended reports whether nothing follows the state.
func (c Card) Ended() bool {
	switch c.State {
	case "succeeded", "failed", "cancelled", "expired":
		return true
	}
	return false
}

// Progress is the bar of a running attempt.
type Progress struct {
	// Percent is nil when not known.
	Percent       *float64
	Message, Step string
	// Previews counts the pictures of the unfinished result so far.
	Previews int
	// Left is the seconds that probably remain, nil when nobody knows.
	Left *float64
	// Usual is how many seconds such jobs usually run, nil without history.
	Usual *float64
	// Attempt is 1 for the first; Stopping is set while the job is being cancelled.
	Attempt  int
	Stopping bool
}

// Waiting is the place in line of a job that has not started.
type Waiting struct {
	// Position counts from 1, nil when not known.
	Position *int
	// Starts is when a scheduled job or a later attempt may start.
	Starts *time.Time
	// Held is why nothing of its queue starts, "" when it may.
	Held string
}

// Ahead is how many jobs are before this one.
func (w Waiting) Ahead() int {
	if w.Position == nil {
		return 0
	}
	return *w.Position - 1
}

// Moments are lengths of time as of now, and the times they are counted from.
type Moments struct {
	Created        time.Time
	Started, Ended *time.Time
	// Waited is from acceptance to the start, Ran from the start to the end, or to now.
	Waited, Ran time.Duration
	// KeptUntil is when the files are removed, Gone when they were.
	KeptUntil, Gone *time.Time
	// Early says that they went before their time, because the disk was nearly full.
	Early bool
}

// AtOnce reports whether the wait was too short to be told.
func (m Moments) AtOnce() bool { return m.Waited < 100*time.Millisecond }

// Result is what came out.
type Result struct {
	Files []File
	Size  int64
	// Archive is the address of all files as one; "" when there is only one file.
	Archive  string
	Pictures []Picture
	// Films and Sounds are results that a browser plays.
	Films, Sounds []File
	// Excerpt is the beginning of the result ExcerptOf where that is a text, "" for none.
	Excerpt, ExcerptOf string
}

// Shown are the files listed at once; the rest is behind a fold.
func (r Result) Shown() []File { return r.Files[:min(len(r.Files), shownFiles)] }

// Hidden are the files behind the fold.
func (r Result) Hidden() []File { return r.Files[min(len(r.Files), shownFiles):] }

// shownFiles is how many results fit on a card without scrolling past the button.
const shownFiles = 6

// File is one result.
type File struct {
	Name, URL string
	Size      int64
	SHA256    string
}

// Picture is a preview.
type Picture struct{ Name, URL string }

// Failure is why there is no result.
type Failure struct {
	// Advice is what the box of the steps did not have, for the administrator alone.
	Advice []string
	// Reason and Hint are sentences; Class is the outcome class.
	Reason, Hint, Class string
	// Lines are the last lines of the log, Log the address of all of it.
	Lines []LogLine
	Log   string
	// Mailed says that the administrator is sent the file.
	Mailed bool
}

// LogLine is one line that a step printed; Clock is "" when it could not be read.
type LogLine struct{ Clock, Text string }

// Fact is one line of the details: a value in words, or a moment.
type Fact struct {
	Name, Value string
	At          *time.Time
}

// Job is the page of one job.
type Job struct {
	Frame
	Card Card
	// Group is the id of the group the job belongs to, RetryOf the job it tries again.
	Group, RetryOf string
	// Log is the address of the job's log.
	Log string
}

// Template implements Page.
func (Job) Template() string { return "job" }

// Group is the page of a batch.
type Group struct {
	Frame
	ID    string
	Cards []Card
	// Counts are the states that occur, in the order of a life.
	Counts []Count
	Total  int
	// Percent is of all jobs together, nil when not known.
	Percent *float64
	Done    bool
	// Archive is the address of all results as one, "" while there are none.
	Archive string
	Manage  bool
	// More is how many jobs are not among the cards.
	More int
}

// Template implements Page.
func (Group) Template() string { return "group" }

// GroupHead is the fragment of a group's bar and counts.
type GroupHead struct{ Group }

// Part implements Fragment.
func (GroupHead) Part() string { return "grouphead" }

// Count is how many jobs are in a state.
type Count struct {
	State string
	N     int
	// URL shows only these; Current that they are shown now.
	URL     string
	Current bool
}

// Row is one job in a list.
type Row struct {
	ID, Name string
	Others   int
	Size     int64
	What     string
	State    string
	Percent  *float64
	Created  time.Time
	Ran      time.Duration
	// Reason is why it failed; Owner is shown to the administrator only.
	Reason, Class, Owner string
	Attempt              int
	// Tick says that the row can be chosen with others.
	Tick bool
	// By is who ran it and Settings with which values, in the list of a button's runs.
	By, Settings string
}

// Live reports whether the row still changes.
func (r Row) Live() bool { return !Card{State: r.State}.Ended() }

// JobList is the reader's own jobs.
type JobList struct {
	Frame
	Rows  []Row
	Tabs  []Count
	State string
	// Query is the search box's text.
	Query string
	// Recipe and Since are what was chosen of Recipes and Spans, "" for all.
	Recipe, Since  string
	Recipes, Spans []Option
	// Next is the address of the next page, "" on the last; First of the first, "" on it.
	Next, First string
}

// Filtered reports whether the list is narrowed by more than a state.
func (l JobList) Filtered() bool { return l.Query != "" || l.Recipe != "" || l.Since != "" }

// Template implements Page.
func (JobList) Template() string { return "jobs" }
