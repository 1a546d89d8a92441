package verdict

import "time"

// Evidence is all that is known of one trial.
type Evidence struct {
	Requests []Request
	// Diary is what steps wrote, in the order in which they wrote it.
	Diary   []Line
	Letters []Letter
	// Jobs are all that the service knows at the end, by id.
	Jobs map[string]Job
	// Sightings are statuses as each watcher saw them, in its own order.
	Sightings [][]Sighting
	// Heard is what each listener to events heard, in its own order.
	Heard [][]Heard
	// Halts are times in which somebody was told that nothing would be started.
	Halts []Halt
	// Kills are what was done to processes of jobs; Stops are orders to stop safely.
	Kills []Kill
	Stops []time.Duration
	// Complaints are answers that a service must not give, to whatever was asked.
	Complaints []string
	// Remains names everything of the trial that is left on the machine.
	Remains []string
}

// Request is one thing that the client wanted, however often it had to ask.
type Request struct {
	// Key was the Idempotency-Key of each try, and the tag "key" of the job.
	Key string
	// Kind says what is to be expected.
	Kind Kind
	// Files are the SHA-256 sums of what was sent. Awaits are the outputs of other jobs
	// that were named as inputs, JOB/NAME.
	Files, Awaits []string
	// After are the jobs that had to succeed first.
	After []string
	Email string
	// Expires is when the job was to have started at the latest, 0 for any time.
	Expires time.Duration
	// Uploads are the files that were sent in pieces before the job.
	Uploads []Upload
	// CutOff says that a try was not answered.
	CutOff bool
	// Group is the group that the answer named, "" for none.
	Group string
	// Answers are all that were heard; a try that was cut off has none.
	Answers []Answer
	// Cancelled is what the job was when a cancel was confirmed; Deleted says that a
	// deletion was.
	Cancelled *Moment
	Deleted   bool
}

// Kind is what a kind of job comes to when nobody disturbs it.
type Kind struct {
	Name string
	// State and Class are how it ends.
	State, Class string
	// MaxAttempts bounds the attempts that count; Again are the classes that are tried again.
	MaxAttempts int
	Again       []string
	// FollowUps is how many jobs it submits when it succeeds.
	FollowUps int
	// Queue is the one that it goes to, "" for the one of most kinds.
	Queue string
	// Alone: a job of the kind is refused while another one has not ended.
	Alone bool
}

// Upload is a file that was sent in pieces.
type Upload struct {
	Size int64
	// Told are the offsets that the service told, in the order in which it did.
	Told []int64
}

// Answer is one answer to a submission.
type Answer struct {
	Status int
	// Asked and At are when the try began and when it was answered.
	Asked, At time.Duration
	// Job is the id that it named, "" for none.
	Job  string
	Body string
}

// Moment is a job's attempt at a time on the monotonic clock.
type Moment struct {
	Attempt int
	At      time.Duration
}

// The things that a step writes about itself.
const (
	// Begin is written once the step holds its lock, End just before it exits by itself.
	Begin = "begin"
	End   = "end"
	// Busy: something that the job must have for itself was held by another process.
	Busy = "busy"
	// Saved and Found: what it is about to leave for the next attempt, and what it found
	// of that.
	Saved = "saved"
	Found = "found"
)

// Line is one line of the diary.
type Line struct {
	// At is the monotonic clock of the machine.
	At      time.Duration `json:"at"`
	What    string        `json:"what"`
	Job     string        `json:"job"`
	Attempt int           `json:"attempt"`
	// Of is what was busy, or what was saved and found.
	Of string `json:"of,omitempty"`
	// Inputs are the sums of the files that the step was given, in order; of a beginning.
	Inputs []string `json:"inputs,omitempty"`
	// Outputs are the sums of the files that the step made, by name; of an end.
	Outputs map[string]string `json:"outputs,omitempty"`
	// Exit is the status that the step is about to end with.
	Exit int `json:"exit"`
}

// Letter is a mail that reached the server whole.
type Letter struct {
	MessageID string
	To        []string
	// Text is the decoded text, without attachments.
	Text string
	// Taken says that the server confirmed it.
	Taken bool
}

// Job is a job as the API tells of it at the end.
type Job struct {
	ID, State, Class string
	// Kind is the name of its kind, which its recipe has too.
	Kind string
	// Created and Ended are moments of the monotonic clock, as the database's dates tell.
	Created, Ended  time.Duration
	Attempt         int
	Tags            map[string]string
	Group, RetryOf  string
	Inputs, Outputs []File
	// Attempts are the executions, Histories what was noted of their progress.
	Attempts  []Attempt
	Histories map[int][]*float64
}

// File is one file: the sum in the job's document and that of the bytes that are served.
type File struct {
	Name, Told, Served string
}

// Attempt is one execution as the API tells of it; a Class of "" was not counted.
type Attempt struct {
	Number int
	Class  string
	Ended  bool
	// Started is when it was claimed, and Dispatcher by whom.
	Started    time.Duration
	Dispatcher string
}

// Halt is a time from when it was confirmed that nothing would start to when somebody
// asked that it may again: in one queue, or by one dispatcher.
type Halt struct {
	Queue, Dispatcher string
	From, To          time.Duration
}

// Heard is one event that names a place in the log of an attempt.
type Heard struct {
	Job     string
	Attempt int
	// Offset is the place behind the event; Bytes is how much of the log the event has.
	Offset, Bytes int64
	// Fresh is the first event of a connection that did not ask to go on somewhere.
	Fresh bool
}

// Sighting is one status of one job.
type Sighting struct {
	Job     string
	State   string
	Done    bool
	Attempt int
	Percent *float64
}

// Kill says that a process of a job was killed from outside. Job is the beginning of the
// id, "" when nobody knows whose it was.
type Kill struct {
	Job string
	At  time.Duration
}
