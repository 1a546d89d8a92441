package chaos

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"convertd/cmd/convertd/chaos/verdict"
)

// Who sends jobs, and how many at the same time.
func owners() []string { return []string{"ann", "bob", "cy", "dee", "eve"} }

// mailsPerOwner keeps clear of what the service allows an owner in an hour, repeated
// submissions counted.
const mailsPerOwner = 4

// worker is one person who sends jobs and does what people do with them.
type worker struct {
	*client
	random *rand.Rand
	sent   int
	// mails counts jobs with a mail address.
	mails int
	// groups are those that this one made.
	groups []string
	// mine are jobs of this one, for others to follow.
	mine []string
	care sync.WaitGroup
	// hands bounds what is sent at the same time.
	hands chan struct{}
}

// handsOfWorker is how many jobs one worker sends at the same time.
const handsOfWorker = 8

// answered writes down an answer.
func (w *world) answered(r *verdict.Request, a verdict.Answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	first := a.Job != "" && !slices.ContainsFunc(r.Answers, func(before verdict.Answer) bool { return before.Job == a.Job })
	r.Answers = append(r.Answers, a)
	if first {
		w.live = append(w.live, a.Job)
		w.live = w.live[max(0, len(w.live)-40):]
	}
}

// work sends jobs until ctx ends, then sees to it that everything begun gets its answer.
func (w *world) work(ctx context.Context, number int) {
	name := owners()[number]
	p := &worker{client: w.client(name), random: w.stream(uint64(100 + number)), hands: make(chan struct{}, handsOfWorker)}
	for ctx.Err() == nil {
		p.next()
		pause(ctx, time.Duration(p.random.IntN(1800))*time.Millisecond)
	}
	p.care.Wait()
}

// complain writes down an answer that a service must not give.
func (w *world) complain(about string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.complaints = append(w.complaints, about)
}

// pause waits; false says that it is over.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// choose picks a kind by its weight.
func choose(random *rand.Rand, all []kind) kind {
	sum := 0
	for _, k := range all {
		sum += k.weight
	}
	n := random.IntN(sum)
	for _, k := range all {
		if n -= k.weight; n < 0 {
			return k
		}
	}
	return all[0]
}

// next sends one job and decides what becomes of it. All that is random is drawn at once,
// so that the same seed sends the same jobs.
func (p *worker) next() {
	p.sent++
	k := choose(p.random, kinds())
	r := &verdict.Request{Key: fmt.Sprintf("%s-%d", p.owner, p.sent), Kind: k.Kind}
	s := submission{fields: [][2]string{{"recipe", k.Name}, {"tag", "key=" + r.Key}}}
	for range k.inputs {
		content := p.content()
		s.files = append(s.files, content)
		r.Files = append(r.Files, sumOf(content))
	}
	if k.Name == "keyed" {
		s.fields = append(s.fields, [2]string{"param.which", []string{"red", "blue"}[p.random.IntN(2)]})
	}
	s.fields = append(s.fields, [2]string{"priority", fmt.Sprint(-p.random.IntN(3))})
	p.embellish(r, &s, k)
	f := p.fateOf(k)
	p.hurry(r, &s)
	s.seed, s.inPieces = p.random.Uint64(), p.random.IntN(5) == 0 && k.inputs == 1 && s.document == nil && r.Email == "" && r.Group == "" && len(r.After) == 0
	if s.inPieces {
		s.document = map[string]any{"recipe": k.Name, "tags": map[string]string{"key": r.Key}}
		if k.Name == "keyed" {
			s.document["params"] = map[string]string{"which": "blue"}
		}
		if r.Expires > 0 {
			r.Expires = 0 // the form's field is not sent
		}
	}
	p.w.mu.Lock()
	p.w.requests = append(p.w.requests, r)
	p.w.mu.Unlock()
	p.hands <- struct{}{}
	p.care.Go(func() {
		defer func() { <-p.hands }()
		p.seeThrough(r, s, f)
	})
}

// content is a text of some size; a few are long enough to be cut off in the middle.
func (p *worker) content() []byte {
	size := 20 + p.random.IntN(2000)
	if p.random.IntN(10) == 0 {
		size = 1 << 20
	}
	raw := make([]byte, size/2)
	for i := range raw {
		raw[i] = byte(p.random.Uint32())
	}
	return fmt.Appendf(nil, "%s\n", hex.EncodeToString(raw))
}

// embellish adds what some jobs have: a mail, a group, a job before, another job's output.
func (p *worker) embellish(r *verdict.Request, s *submission, k kind) {
	dice, which := p.random.IntN(20), p.random.IntN(1000)
	p.w.mu.Lock()
	mine, groups := slices.Clone(p.mine), slices.Clone(p.groups)
	p.w.mu.Unlock()
	switch {
	case dice < 2 && p.mails < mailsPerOwner:
		p.mails++
		r.Email = p.owner + "@studio.example"
		s.fields = append(s.fields, [2]string{"email", r.Email})
	case dice < 4:
		r.Group = "new"
		if len(groups) > 0 && which%3 > 0 {
			r.Group = groups[which%len(groups)]
		}
		s.fields = append(s.fields, [2]string{"group", r.Group})
	case dice < 6 && len(mine) > 0:
		r.After = []string{mine[which%len(mine)]}
		s.fields = append(s.fields, [2]string{"after", r.After[0]})
	case dice < 8 && len(mine) > 0 && k.inputs == 1:
		from := mine[which%len(mine)]
		r.Files, r.Awaits = nil, []string{from + "/" + resultName}
		s.document = map[string]any{"recipe": k.Name, "tags": map[string]string{"key": r.Key},
			"inputs": []any{map[string]string{"job": from, "output": resultName}}}
		if k.Name == "keyed" {
			s.document["params"] = map[string]string{"which": "red"}
		}
	case dice == 8:
		s.fields = append(s.fields, [2]string{"run_at", time.Now().Add(3 * time.Second).UTC().Format(time.RFC3339)})
	}
}

// hurry gives some jobs a time by which they must have started; a few will not make it.
func (p *worker) hurry(r *verdict.Request, s *submission) {
	dice, moment := p.random.IntN(10), time.Duration(p.random.IntN(6000))*time.Millisecond
	if dice > 0 || s.document != nil {
		return
	}
	wait := 4*time.Second + moment // beyond run_at
	r.Expires = monotonic() + wait
	s.fields = append(s.fields, [2]string{"expires", time.Now().Add(wait).UTC().Format(time.RFC3339Nano)})
}

// cutOff notes a try that was not answered.
func (w *world) cutOff(r *verdict.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r.CutOff = true
}

// fate is what is done with a job after it was accepted.
type fate struct {
	cancel, remove, repeat, retry bool
	after                         time.Duration
}

func (p *worker) fateOf(k kind) fate {
	dice := p.random.IntN(20)
	f := fate{
		cancel: dice < 2 || k.Name == "stubborn", remove: dice == 2 || dice == 3, repeat: dice > 3 && dice < 8, retry: dice == 8,
		after: time.Duration(p.random.IntN(3000)) * time.Millisecond,
	}
	return f
}

// seeThrough sends a job and does with it what is decided. It does not end before the
// service has answered, however long it is away; the trial as a whole has a deadline.
func (p *worker) seeThrough(r *verdict.Request, s submission, f fate) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if s.inPieces && !p.uploaded(ctx, r, &s) {
		return
	}
	id, group := p.submit(ctx, r, s)
	if id == "" {
		return
	}
	p.w.mu.Lock()
	if group != "" && r.Group == "new" {
		p.groups = append(p.groups, group)
	}
	r.Group = group
	if r.Kind.State == "succeeded" && !f.cancel && !f.remove && r.Expires == 0 {
		p.mine = append(p.mine, id)
	}
	p.w.mu.Unlock()
	pause(ctx, f.after)
	switch {
	case f.cancel:
		p.cancelJob(ctx, r, id)
	case f.remove:
		p.removeJob(ctx, r, id)
	case f.repeat:
		p.submit(ctx, r, s)
	case f.retry:
		// It has no key: it is asked once, and may or may not have happened.
		_, _ = p.once(ctx, http.MethodPost, "/api/v1/jobs/"+id+"/retry", nil, nil)
	}
}

// cancelJob cancels until that is confirmed, or until it is too late.
func (p *worker) cancelJob(ctx context.Context, r *verdict.Request, id string) {
	got, err := p.ask(ctx, http.MethodPost, "/api/v1/jobs/"+id+"/cancel")
	if err != nil {
		return
	}
	var j jobDocument
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	switch {
	case got.status == http.StatusOK && json.Unmarshal(got.body, &j) == nil:
		r.Cancelled = &verdict.Moment{Attempt: j.Attempt, At: monotonic()}
	case got.status != http.StatusConflict:
		p.w.complaints = append(p.w.complaints, fmt.Sprintf("the cancel of %s was answered %d: %s", id, got.status, got.body))
	}
}

// removeJob deletes until that is confirmed; a repeated deletion finds nothing.
func (p *worker) removeJob(ctx context.Context, r *verdict.Request, id string) {
	got, err := p.ask(ctx, http.MethodDelete, "/api/v1/jobs/"+id)
	if err != nil {
		return
	}
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	if got.status == http.StatusAccepted || got.status == http.StatusNotFound {
		r.Deleted = true
		return
	}
	p.w.complaints = append(p.w.complaints, fmt.Sprintf("the deletion of %s was answered %d: %s", id, got.status, got.body))
}

// watch follows the bars of jobs as pages do, and writes down what it sees.
func (w *world) watch(ctx context.Context, number int) {
	c, random := w.administrator(), w.stream(uint64(200+number))
	var seen []verdict.Sighting
	for ctx.Err() == nil {
		id := w.anyJob(random)
		for i := 0; i < 100 && id != "" && pause(ctx, 30*time.Millisecond); i++ {
			got, err := c.once(ctx, http.MethodGet, "/api/v1/jobs/"+id+"/status", nil, nil)
			if err != nil || got.status != http.StatusOK {
				continue
			}
			var j jobDocument
			if json.Unmarshal(got.body, &j) != nil {
				continue
			}
			seen = append(seen, verdict.Sighting{Job: id, State: j.State, Done: j.Done, Attempt: j.Attempt, Percent: j.Percent})
			if j.Done && i > 5 {
				break
			}
		}
		pause(ctx, 20*time.Millisecond)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sightings = append(w.sightings, seen)
}

func (w *world) anyJob(random *rand.Rand) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.live) == 0 {
		return ""
	}
	return w.live[random.IntN(len(w.live))]
}
