package dispatcher

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"convertd/dispatcher/mail"
	"convertd/runner"
	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/sql/job"
	"convertd/sql/outbox"
)

// endOf turns a verdict into what is written into the row, with the mail that is owed
// for it.
func (d *Dispatcher) endOf(a *attempt, e evidence, v verdict) job.End {
	end := job.End{
		ID: a.row.ID, Attempt: a.row.Attempt, Token: a.row.Token,
		Next: v.next, CountFailure: v.counted,
	}
	if v.next == job.Scheduled {
		end.RunAt = d.later(a.row.Failures + 1)
		if !v.counted {
			end.RunAt = d.later(1)
		}
	}
	if v.class != "" {
		end.Result = resultOf(a, e, v)
	}
	end.Limits, end.Began = limitsJSON(e.limits), a.start.Load()
	if o := e.outcome; o != nil {
		end.Ran, end.Advice = d.ranJSON(o.Ran), adviceJSON(o.Advice)
		if v.next == job.Succeeded {
			end.Outputs, end.Previews = outputsOf(o.Outputs, a.row.Attempt), outputsOf(o.Previews, a.row.Attempt)
		}
	}
	if v.next.Ended() {
		until := time.Now().Add(d.keepFor(a.recipe, v.next)).UTC()
		end.KeepUntil = &until
		end.Mails = d.mailsFor(a, e, v, until)
	}
	return end
}

func resultOf(a *attempt, e evidence, v verdict) *job.Result {
	r := &job.Result{Class: v.class, Detail: v.detail, Hint: v.hint}
	if o := e.outcome; o != nil {
		r.Step, r.ExitCode, r.Signal = o.Step, o.ExitCode, o.Signal
		r.Usage = job.Usage(o.Usage)
	}
	if r.Usage.WallSeconds == 0 && !a.began.IsZero() {
		r.Usage.WallSeconds = time.Since(a.began).Seconds()
	}
	if a.group != nil {
		r.Usage.PeakMemoryBytes = max(r.Usage.PeakMemoryBytes, a.group.PeakMemory())
		r.Usage.CPUSeconds = max(r.Usage.CPUSeconds, a.group.CPU().Seconds())
	}
	return r
}

func outputsOf(files []runner.OutputFile, attempt int) []job.Output {
	outputs := make([]job.Output, 0, len(files))
	for _, f := range files {
		// The child is ours, its folder is not: a name on disk is nothing but a name.
		if f.File != filepath.Base(f.File) {
			continue
		}
		outputs = append(outputs, job.Output{
			Attempt: attempt, File: f.File, Name: f.Name, Size: f.Size, SHA256: f.SHA256, MediaType: f.MediaType,
		})
	}
	return outputs
}

// limitsJSON is what was in force, for the row of the attempt.
func limitsJSON(l recipe.Limits) json.RawMessage {
	b, err := json.Marshal(l)
	if err != nil {
		return nil
	}
	return b
}

// ranJSON is what was executed, with the version of each program.
func (d *Dispatcher) ranJSON(ran []runner.Ran) json.RawMessage {
	if len(ran) == 0 {
		return nil
	}
	for i := range ran {
		if len(ran[i].Argv) > 0 {
			ran[i].Version = d.programs.Version(ran[i].Argv[0])
		}
	}
	b, err := json.Marshal(ran)
	if err != nil {
		return nil
	}
	return b
}

// adviceJSON is what the administrator may grant, nothing where there is nothing.
func adviceJSON(advice []string) json.RawMessage {
	if len(advice) == 0 {
		return nil
	}
	b, err := json.Marshal(advice)
	if err != nil {
		return nil
	}
	return b
}

// keepFor is how long the files of a job stay after its end.
func (d *Dispatcher) keepFor(r recipe.Recipe, state job.State) time.Duration {
	own, general := r.Keep.Results, d.settings.Load().Keep.Results
	if state == job.Failed {
		own, general = r.Keep.Failed, d.settings.Load().Keep.Failed
	}
	switch {
	case own > 0:
		return own
	case general > 0:
		return general
	}
	return job.DefaultKeep
}

// mailsFor returns the mails owed for an end.
func (d *Dispatcher) mailsFor(a *attempt, e evidence, v verdict, kept time.Time) []outbox.Draft {
	c := d.settings.Load().Mail
	if !c.Enabled() {
		return nil
	}
	var drafts []outbox.Draft
	add := func(kind, to string, attach bool, payload json.RawMessage, err error) {
		if err != nil {
			a.log.Error("write mail", "error", err)
			return
		}
		drafts = append(drafts, outbox.Draft{Kind: kind, To: to, Attach: attach, Payload: payload})
	}
	switch {
	case v.next == job.Failed && c.Admin != "" && a.recipe.Mails(v.class, true):
		payload, err := mail.Marshal(failureOf(a, e, v, kept))
		add(mail.KindFailure, c.Admin, true, payload, err)
	case v.next == job.Succeeded:
		done := successOf(a, e, kept)
		if a.row.Email != "" {
			own := done
			own.Lang = a.row.Lang
			payload, err := mail.Marshal(own)
			add(mail.KindSuccess, a.row.Email, false, payload, err)
		}
		if a.recipe.Mails(fault.Succeeded, c.SuccessToAdmin) && c.Admin != "" && c.Admin != a.row.Email {
			payload, err := mail.Marshal(done)
			add(mail.KindSuccess+"-admin", c.Admin, false, payload, err)
		}
	}
	return drafts
}

func failureOf(a *attempt, e evidence, v verdict, kept time.Time) mail.Failure {
	r := resultOf(a, e, v)
	f := mail.Failure{
		Job: a.row.ID, Recipe: a.row.Recipe, Class: v.class, Detail: v.detail, Hint: v.hint,
		Step: r.Step, Attempts: a.row.Attempt, Usage: mail.Usage(r.Usage), At: time.Now().UTC(), KeptUntil: kept,
	}
	switch {
	case r.Signal != "":
		f.Ended = "ended by signal " + r.Signal
	case r.ExitCode != 0:
		f.Ended = fmt.Sprintf("exit status %d", r.ExitCode)
	}
	if e.outcome != nil {
		f.LogTail, f.Advice = e.outcome.LogTail, e.outcome.Advice
	}
	for _, in := range slices.Concat(a.row.Inputs, a.row.Files) {
		f.Inputs = append(f.Inputs, mail.File{File: in.File, Name: in.Name, Size: in.Size})
	}
	return f
}

func successOf(a *attempt, e evidence, kept time.Time) mail.Success {
	s := mail.Success{Job: a.row.ID, Recipe: a.row.Recipe, At: time.Now().UTC(), KeptUntil: kept}
	for _, in := range a.row.Inputs {
		s.Inputs = append(s.Inputs, mail.File{File: in.File, Name: in.Name, Size: in.Size})
	}
	for _, out := range e.outcome.Outputs {
		s.Outputs = append(s.Outputs, mail.File{File: out.File, Name: out.Name, Size: out.Size})
	}
	return s
}
