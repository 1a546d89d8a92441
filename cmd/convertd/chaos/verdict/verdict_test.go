package verdict

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// Ids of the jobs of a trial without fault.
const (
	plain   = "PLAINAAAAAAAAAAAAAAAAAAAAA" // succeeded in its second attempt
	broken  = "BROKENAAAAAAAAAAAAAAAAAAAA" // failed
	stopped = "STOPPEDAAAAAAAAAAAAAAAAAAA" // cancelled while it ran
	gone    = "GONEAAAAAAAAAAAAAAAAAAAAAA" // deleted
	next    = "NEXTAAAAAAAAAAAAAAAAAAAAAA" // follows plain and takes its output
	parent  = "PARENTAAAAAAAAAAAAAAAAAAAA" // has one follow-up, child
	child   = "CHILDAAAAAAAAAAAAAAAAAAAAA"
	saver   = "SAVERAAAAAAAAAAAAAAAAAAAAA" // was stopped safely and went on
	late    = "LATEAAAAAAAAAAAAAAAAAAAAAA" // expired
	timely  = "TIMELYAAAAAAAAAAAAAAAAAAAA" // could have expired and did not, in a queue that is paused later
	first   = "FIRSTAAAAAAAAAAAAAAAAAAAAA" // excludes second
	second  = "SECONDAAAAAAAAAAAAAAAAAAAA" // was refused at first
)

func percent(p float64) *float64 { return &p }

func ok(name string) Kind {
	return Kind{Name: name, State: "succeeded", Class: "succeeded", MaxAttempts: 2, Again: []string{"lost"}}
}

func accepted(key string, k Kind, id string, more ...func(*Request)) Request {
	r := Request{Key: key, Kind: k, Files: []string{"in"}, Answers: []Answer{{Status: 503}, {Status: 202, Job: id}, {Status: 202, Job: id}}}
	for _, m := range more {
		m(&r)
	}
	return r
}

// done is a job that succeeded in its only attempt.
func done(id, key string) Job {
	return Job{ID: id, State: "succeeded", Class: "succeeded", Attempt: 1, Tags: map[string]string{"key": key},
		Inputs: []File{{"in.txt", "in", "in"}}, Outputs: []File{{"out.txt", "of " + id, "of " + id}},
		Attempts: []Attempt{{Number: 1, Class: "succeeded", Ended: true}}, Histories: map[int][]*float64{1: {nil, percent(3), percent(3), nil, percent(99)}}}
}

func begins(at int, id string, attempt int) Line {
	return Line{At: time.Duration(at), What: Begin, Job: id, Attempt: attempt, Inputs: []string{"in"}}
}

func finishes(at int, id string, attempt int) Line {
	return Line{At: time.Duration(at), What: End, Job: id, Attempt: attempt, Outputs: map[string]string{"out.txt": "of " + id}}
}

// sec is a time of the trial that the rules about dates are tried with.
func sec(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// lanes adds to a trial what has to do with dates, queues and places to go on at.
func lanes(e *Evidence) {
	alone, timed := ok("alone"), ok("narrow")
	alone.Alone, timed.Queue = true, "narrow"
	at := func(id, key, kind string, created, started, ended float64) {
		j := done(id, key)
		j.Kind, j.Created, j.Ended, j.Attempts[0].Started, j.Attempts[0].Dispatcher = kind, sec(created), sec(ended), sec(started), "d1"
		e.Jobs[id] = j
		begin, end := begins(int(sec(started)), id, 1), finishes(int(sec(ended-1)), id, 1)
		e.Diary = append(e.Diary, begin, end)
	}
	at(timely, "b-1", "narrow", 100, 101, 110)
	at(first, "b-3", "alone", 100, 101, 130)
	at(second, "b-4", "alone", 160, 161, 170)
	expired := done(late, "b-2")
	expired.State, expired.Class, expired.Outputs, expired.Attempt, expired.Ended = "expired", "expired", nil, 1, sec(106)
	// It was claimed, and there was no room for it.
	expired.Attempts = []Attempt{{Number: 1, Ended: true, Started: sec(101), Dispatcher: "d1"}}
	e.Jobs[late] = expired
	answer := func(status int, asked float64, id string) Answer {
		return Answer{Status: status, Asked: sec(asked), At: sec(asked + 1), Job: id}
	}
	inTime := func(key string, k Kind, expires float64, answers ...Answer) Request {
		return Request{Key: key, Kind: k, Files: []string{"in"}, Expires: sec(expires), Answers: answers}
	}
	e.Requests = append(e.Requests,
		inTime("b-1", timed, 105, answer(202, 99, timely)), inTime("b-2", timed, 105, answer(202, 99, late)),
		inTime("b-3", alone, 0, answer(202, 99, first)), inTime("b-4", alone, 0, answer(409, 120, ""), answer(202, 159, second)),
		inTime("b-5", timed, 105, answer(503, 104, ""), answer(400, 106, "")))
	e.Requests[len(e.Requests)-5].Uploads = []Upload{{Size: 10, Told: []int64{0, 4, 4, 10}}}
	e.Halts = []Halt{{Queue: "narrow", From: sec(102), To: sec(200)}, {Dispatcher: "d1", From: sec(180), To: sec(200)},
		{Queue: "other", From: 0, To: sec(200)}, {Dispatcher: "d2", From: 0, To: sec(200)}}
	e.Heard = [][]Heard{{
		{timely, 1, 0, 0, true}, {timely, 1, 7, 7, false}, {first, 1, 5, 5, true}, {timely, 1, 7, 0, false}, {timely, 1, 9, 2, false},
		{timely, 2, 0, 0, false}, {timely, 2, 3, 3, false}, {timely, 2, 0, 0, true},
	}}
}

// faultless is a trial in which everything was done, and rightly.
func faultless() Evidence {
	again, wrong, cut, waited, follows := done(plain, "a-1"), done(broken, "a-2"), done(stopped, "a-3"), done(saver, "a-8"), done(next, "a-5")
	again.Attempt, again.Attempts = 2, []Attempt{{Number: 1, Class: "lost", Ended: true}, {Number: 2, Class: "succeeded", Ended: true}}
	wrong.State, wrong.Class, wrong.Outputs, wrong.Attempts = "failed", "bad_input", nil, []Attempt{{Number: 1, Class: "bad_input", Ended: true}}
	cut.State, cut.Class, cut.Outputs, cut.Attempts = "cancelled", "cancelled", nil, []Attempt{{Number: 1, Class: "cancelled", Ended: true}}
	waited.Attempt, waited.Attempts = 3, []Attempt{{Number: 1, Class: "", Ended: true}, {Number: 2, Class: "", Ended: true}, {Number: 3, Class: "succeeded", Ended: true}}
	follows.Inputs = []File{{"out.txt", "of " + plain, "of " + plain}}
	grown := done(child, "")
	grown.Tags = map[string]string{"parent": parent}
	family := ok("parent")
	family.FollowUps = 1
	taken := begins(30, next, 1)
	taken.Inputs = []string{"of " + plain}
	e := Evidence{
		Requests: []Request{
			accepted("a-1", ok("quick"), plain),
			accepted("a-2", Kind{Name: "bad", State: "failed", Class: "bad_input", MaxAttempts: 3}, broken),
			accepted("a-3", ok("slow"), stopped, func(r *Request) { r.Cancelled = &Moment{Attempt: 1, At: 12} }),
			accepted("a-4", ok("quick"), gone, func(r *Request) { r.Deleted = true }),
			accepted("a-5", ok("quick"), next, func(r *Request) {
				r.Files, r.Awaits, r.After, r.Email = nil, []string{plain + "/out.txt"}, []string{plain}, "ann@studio.example"
			}),
			accepted("a-6", family, parent),
			{Key: "a-7", Kind: ok("quick"), Answers: []Answer{{Status: 503}}},
			accepted("a-8", ok("saver"), saver),
		},
		Diary: []Line{
			begins(1, plain, 1), begins(2, broken, 1), {At: 3, What: End, Job: broken, Attempt: 1, Exit: 65},
			begins(10, stopped, 1), begins(11, plain, 2), finishes(12, plain, 2), begins(13, parent, 1), finishes(14, parent, 1),
			begins(15, child, 1), finishes(16, child, 1), taken, finishes(31, next, 1),
			begins(40, saver, 1), {At: 40, What: Found, Job: saver, Attempt: 1}, {At: 41, What: Saved, Job: saver, Attempt: 1, Of: "1"},
			{At: 42, What: Saved, Job: saver, Attempt: 1, Of: "2"}, // killed while it wrote
			begins(43, saver, 2), {At: 43, What: Found, Job: saver, Attempt: 2, Of: "1"}, {At: 44, What: Saved, Job: saver, Attempt: 2, Of: "2"},
			{At: 45, What: End, Job: saver, Attempt: 2, Exit: 75},
			begins(46, saver, 3), {At: 46, What: Found, Job: saver, Attempt: 3, Of: "2"}, finishes(47, saver, 3),
		},
		Letters: []Letter{
			{MessageID: "<1@x>", Text: "Job: " + broken, Taken: false}, {MessageID: "<1@x>", Text: "Job: " + broken, Taken: true},
			{MessageID: "<2@x>", Text: "ready: /jobs/" + next, Taken: true},
		},
		Jobs: map[string]Job{
			plain: again, broken: wrong, stopped: cut, next: follows, parent: done(parent, "a-6"), child: grown, saver: waited,
		},
		Sightings: [][]Sighting{{
			{plain, "running", false, 1, percent(50)}, {plain, "running", false, 1, nil}, {plain, "running", false, 1, percent(50)},
			{plain, "queued", false, 1, nil}, {plain, "running", false, 2, percent(1)}, {plain, "succeeded", true, 2, percent(100)},
		}},
		Kills: []Kill{{Job: plain[:8], At: 5}},
		Stops: []time.Duration{41, 44},
	}
	lanes(&e)
	return e
}

func TestNothingIsFoundWhereNothingIsWrong(t *testing.T) {
	t.Parallel()
	for _, v := range Judge(faultless()) {
		t.Error(v)
	}
}

// change returns a change of one job.
func change(id string, of func(*Job)) func(*Evidence) {
	return func(e *Evidence) {
		j := e.Jobs[id]
		of(&j)
		e.Jobs[id] = j
	}
}

// asked returns a change of one request.
func asked(key string, of func(*Request)) func(*Evidence) {
	return func(e *Evidence) {
		for i := range e.Requests {
			if e.Requests[i].Key == key {
				of(&e.Requests[i])
			}
		}
	}
}

// wrote returns a line more at a place of the diary.
func wrote(at int, l Line) func(*Evidence) {
	return func(e *Evidence) { e.Diary = slices.Insert(e.Diary, at, l) }
}

func saw(all ...Sighting) func(*Evidence) {
	return func(e *Evidence) { e.Sightings = append(e.Sightings, all) }
}

func mailed(id, about string) func(*Evidence) {
	return func(e *Evidence) { e.Letters = append(e.Letters, Letter{MessageID: id, Text: about, Taken: true}) }
}

// foundLast is the place of the last line about what was found.
func foundLast(e *Evidence) int {
	for i, l := range slices.Backward(e.Diary) {
		if l.What == Found {
			return i
		}
	}
	return 0
}

// wrongs are trials with one thing wrong, and the rule that must tell. A rule that nothing
// here breaks would be a rule that cannot fail.
func wrongs() []struct {
	name   string
	change func(*Evidence)
	rule   string
} {
	return []struct {
		name   string
		change func(*Evidence)
		rule   string
	}{
		{"an accepted job is not known", func(e *Evidence) { delete(e.Jobs, broken) }, Accepted},
		{"other bytes are served as input", change(plain, func(j *Job) { j.Inputs[0].Served = "other" }), Accepted},
		{"the document tells of another input", change(plain, func(j *Job) { j.Inputs[0].Told = "other" }), Accepted},
		{"a job is in another group", asked("a-1", func(r *Request) { r.Group = "G" }), Accepted},
		{"an input is lost", change(plain, func(j *Job) { j.Inputs = nil }), Accepted},
		{"an attempt read other bytes", func(e *Evidence) { e.Diary[0].Inputs = []string{"other"} }, Accepted},
		{"an awaited output is another file", change(next, func(j *Job) { j.Inputs = []File{{"out.txt", "x", "x"}} }), Accepted},
		{"two answers to one key name two jobs", asked("a-1", func(r *Request) { r.Answers[2].Job = broken }), OneJob},
		{"a cut-off try made a second job", change(child, func(j *Job) { j.Tags = map[string]string{"key": "a-1"} }), OneJob},
		{"a job of a key that nobody sent", change(child, func(j *Job) { j.Tags = map[string]string{"key": "b-1"} }), OneJob},
		{"a job never ends", change(plain, func(j *Job) { j.State = "queued" }), Ends},
		{"a job that nobody disturbed fails", change(parent, func(j *Job) { j.State, j.Class, j.Outputs = "failed", "internal", nil }), Ends},
		{"a job is lost that nobody killed", change(parent, func(j *Job) { j.State, j.Class, j.Outputs = "failed", "lost", nil }), Ends},
		{"a job is given up before its last attempt", change(plain, func(j *Job) { j.State, j.Class, j.Attempts = "failed", "lost", j.Attempts[:1] }), Ends},
		{"a job is cancelled that nobody cancelled", change(parent, func(j *Job) { j.State, j.Class = "cancelled", "cancelled" }), Ends},
		{"a job fails for another reason", change(broken, func(j *Job) { j.Class = "timeout" }), Ends},
		{"an attempt finds the lock of its job taken", wrote(5, Line{What: Busy, Job: plain, Attempt: 2, Of: plain}), OneAlive},
		{"an attempt writes after the next began", wrote(5, Line{At: 12, What: End, Job: plain, Attempt: 1}), OneAlive},
		{"an attempt begins twice", wrote(5, begins(12, plain, 2)), OneAlive},
		{"another attempt's output is served", change(plain, func(j *Job) { j.Outputs[0].Served = "of another attempt" }), OneResult},
		{"the document tells of another output", change(plain, func(j *Job) { j.Outputs[0].Told = "other" }), OneResult},
		{"an output is missing", change(plain, func(j *Job) { j.Outputs = nil }), OneResult},
		{"an output is added", change(plain, func(j *Job) { j.Outputs = append(j.Outputs, File{"more", "x", "x"}) }), OneResult},
		{"the recorded attempt made nothing", change(plain, func(j *Job) { j.Attempt = 1 }), OneResult},
		{"a failed job serves files", change(broken, func(j *Job) { j.Outputs = []File{{"out.txt", "x", "x"}} }), OneResult},
		{"more attempts are counted than may be", change(plain, func(j *Job) { j.Attempts = append([]Attempt{{Number: 1, Class: "lost", Ended: true}}, j.Attempts...) }), Attempts},
		{"more attempts begin than may", func(e *Evidence) {
			for n := range 5 {
				e.Diary = append(e.Diary, begins(50+n, broken, 2+n))
			}
		}, Attempts},
		{"an attempt is left open", change(plain, func(j *Job) { j.Attempts[0].Ended = false }), Attempts},
		{"an attempt is not told of", change(plain, func(j *Job) { j.Attempts = j.Attempts[1:] }), Attempts},
		{"a process is left", func(e *Evidence) { e.Remains = []string{"process 7"} }, NothingIs},
		{"a history goes back", change(plain, func(j *Job) { j.Histories[1] = []*float64{percent(5), nil, percent(4)} }), Progress},
		{"a history is at 100 before the end", change(plain, func(j *Job) { j.Histories[1] = []*float64{percent(100)} }), Progress},
		{"a bar goes back", saw(Sighting{plain, "running", false, 1, percent(5)}, Sighting{plain, "running", false, 1, nil}, Sighting{plain, "running", false, 1, percent(4)}), Progress},
		{"a bar is full before the end", saw(Sighting{plain, "running", false, 1, percent(100)}), Progress},
		{"an end is taken back", saw(Sighting{plain, "failed", true, 1, nil}, Sighting{plain, "running", false, 1, nil}), Progress},
		{"an earlier attempt is shown again", saw(Sighting{plain, "running", false, 2, nil}, Sighting{plain, "running", false, 1, nil}), Progress},
		{"a unit is given twice", wrote(5, Line{What: Busy, Job: plain, Attempt: 2, Of: "gpu-0"}), Resources},
		{"a failed job is not mailed", func(e *Evidence) { e.Letters = e.Letters[2:] }, Mails},
		{"its mail was never taken", func(e *Evidence) { e.Letters = slices.Delete(e.Letters, 1, 2) }, Mails},
		{"a failed job is in a second mail", mailed("<digest@x>", "others: "+broken), Mails},
		{"a success is mailed as if it had failed", mailed("<3@x>", parent), Mails},
		{"who wanted a mail has none", func(e *Evidence) { e.Letters = e.Letters[:2] }, Mails},
		{"a deleted job is in two mails", func(e *Evidence) { mailed("<4@x>", gone)(e); mailed("<5@x>", gone)(e) }, Mails},
		{"a mail has no Message-ID", mailed("", "nothing"), Mails},
		{"a cancelled job begins again", func(e *Evidence) { e.Diary = append(e.Diary, begins(60, stopped, 2)) }, Wishes},
		{"a cancelled job has another attempt", change(stopped, func(j *Job) { j.Attempt = 2 }), Wishes},
		{"a deleted job is known", func(e *Evidence) { e.Jobs[gone] = done(gone, "a-4") }, Wishes},
		{"a job begins before what it follows", wrote(0, begins(1, next, 1)), Order},
		{"a job begins though what it follows failed", func(e *Evidence) {
			e.Diary = slices.DeleteFunc(e.Diary, func(l Line) bool { return l.Job == plain && l.What == End })
		}, Order},
		{"a follow-up is missing", func(e *Evidence) { delete(e.Jobs, child) }, FollowUps},
		{"a follow-up is there twice", func(e *Evidence) { e.Jobs["x"] = e.Jobs[child] }, FollowUps},
		{"what was left is lost", func(e *Evidence) { e.Diary[foundLast(e)].Of = "" }, State},
		{"what was left is older", func(e *Evidence) { e.Diary[foundLast(e)].Of = "1" }, State},
		{"a submission is answered with an error of the service", asked("a-7", func(r *Request) { r.Answers[0].Status = 500 }), Answers},
		{"the same request is taken for another", asked("a-7", func(r *Request) { r.Answers[0].Status = 422 }), Answers},
		{"an expired job has an attempt", change(late, func(j *Job) { j.Attempts = []Attempt{{Number: 1, Class: "lost", Ended: true, Started: sec(101)}} }), Expiry},
		{"a job expires before its time", change(late, func(j *Job) { j.Ended = sec(104) }), Expiry},
		{"a job starts after its time", change(timely, func(j *Job) { j.Attempts[0].Started = sec(105.5) }), Expiry},
		{"a job expires that was to wait", asked("b-2", func(r *Request) { r.Expires = 0 }), Ends},
		{"it was too late only the second time", asked("b-2", func(r *Request) { r.Answers = append(r.Answers, Answer{Status: 400, At: sec(107)}) }), Answers},
		{"it was not too late yet", asked("b-5", func(r *Request) { r.Answers[1].At = sec(104) }), Answers},
		{"a paused queue starts a job", change(timely, func(j *Job) { j.Attempts[0].Started = sec(103) }), Halted},
		{"a drained dispatcher starts a job", change(second, func(j *Job) { j.Attempts[0].Started = sec(190) }), Halted},
		{"a job is refused though it is alone", change(first, func(j *Job) { j.Ended = sec(101) }), Alone},
		{"a job is accepted though it is not alone", asked("b-4", func(r *Request) {
			r.Answers = []Answer{{Status: 202, Asked: sec(120), At: sec(121), Job: second}}
		}), Alone},
		{"a confirmed piece of an upload is lost", asked("b-1", func(r *Request) { r.Uploads[0].Told[2] = 3 }), Uploads},
		{"an upload has more than was sent", asked("b-1", func(r *Request) { r.Uploads[0].Told[3] = 11 }), Uploads},
		{"a piece of a log is missing", func(e *Evidence) { e.Heard[0][4].Offset = 10 }, Listening},
		{"a piece of a log comes twice", func(e *Evidence) { e.Heard[0][3].Bytes = 7 }, Listening},
		{"a log begins in the middle", func(e *Evidence) { e.Heard[0][5].Offset = 3 }, Listening},
		{"an earlier attempt is heard again", func(e *Evidence) { e.Heard[0][6].Attempt = 1 }, Listening},
		{"some call is answered with an error of the service", func(e *Evidence) { e.Complaints = []string{"GET / 500"} }, Answers},
	}
}

func TestEveryWrongIsFound(t *testing.T) {
	t.Parallel()
	for _, row := range wrongs() {
		t.Run(strings.ReplaceAll(row.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			e := faultless()
			row.change(&e)
			found := Judge(e)
			if !slices.ContainsFunc(found, func(v Violation) bool { return v.Rule == row.rule }) {
				t.Errorf("found %q, want a violation of %q", found, row.rule)
			}
		})
	}
}

func TestEveryRuleCanBeBroken(t *testing.T) {
	t.Parallel()
	broken := map[string]bool{}
	for _, row := range wrongs() {
		broken[row.rule] = true
	}
	for _, rule := range []string{Accepted, OneJob, Ends, OneAlive, OneResult, Attempts, NothingIs, Progress, Resources, Mails, Wishes, Order, FollowUps, State, Answers, Expiry, Halted, Alone, Uploads, Listening} {
		if !broken[rule] {
			t.Errorf("no wrong trial breaks %q", rule)
		}
	}
}
