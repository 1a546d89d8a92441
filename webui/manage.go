package webui

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/sql/audit"
	"convertd/sql/job"
)

// managed returns the route's job if the caller may change it.
func (s *Server) managed(r *http.Request, p httprouter.Params) (job.Job, error) {
	j, err := s.find(r.Context(), p)
	if err != nil {
		return j, err
	}
	if !s.Guard.Caller(r).MayManage(r, j.Owner, j.ManageHash) {
		return j, notYours()
	}
	return j, nil
}

func notYours() error {
	return fault.New(fault.Forbidden, "This belongs to somebody else.",
		"Whoever submitted it may change it, with the link named manage in the answer to the submission.")
}

// cancelJob ends a waiting or running job.
func (s *Server) cancelJob(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	j, err := s.managed(r, p)
	if err != nil {
		return err
	}
	if j, err = s.cancel(r, j); err != nil {
		return err
	}
	d, err := s.document(r.Context(), j)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, d)
}

// deleteJob makes a job unknown at once; its files follow when nothing uses them.
func (s *Server) deleteJob(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	j, err := s.managed(r, p)
	if err != nil {
		return err
	}
	if err := s.remove(r, j); err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// maxKeep is how long results can be kept at most.
const maxKeep = 365 * 24 * time.Hour

// keepJob changes how long the files of an ended job are kept.
func (s *Server) keepJob(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	j, err := s.managed(r, p)
	if err != nil {
		return err
	}
	var asked struct {
		KeepUntil *time.Time `json:"keep_until"`
	}
	if err := s.readJSON(w, r, &asked); err != nil {
		return err
	}
	now := time.Now()
	if asked.KeepUntil == nil || !asked.KeepUntil.After(now) || asked.KeepUntil.After(now.Add(maxKeep)) {
		return fieldFault("keep_until", "The time in keep_until is missing, over, or more than a year ahead.", "Write it like 2026-01-31T18:00:00Z.")
	}
	until := asked.KeepUntil.UTC()
	err = s.actOn(r, j.Owner, audit.Act{Verb: audit.Keep, Target: j.ID, Detail: until.Format(time.RFC3339)}, func() (err error) {
		j, err = s.Jobs.KeepUntil(r.Context(), j.ID, until)
		return err
	})
	if err != nil {
		return err
	}
	d, err := s.document(r.Context(), j)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, d)
}

// retryJob makes a new job of the same files, with other parameters where some are sent.
func (s *Server) retryJob(w http.ResponseWriter, r *http.Request, p httprouter.Params) (err error) {
	j, err := s.managed(r, p)
	if err != nil {
		return err
	}
	var asked struct {
		Params json.RawMessage `json:"params"`
	}
	if r.ContentLength != 0 {
		if err := s.readJSON(w, r, &asked); err != nil {
			return err
		}
	}
	made, err := s.retry(r, j, asked.Params)
	if err != nil {
		return err
	}
	return s.answerSubmission(w, r, made, answerOptions{})
}

// retry submits an ended job again. Parameters that are not given stay as they were.
func (s *Server) retry(r *http.Request, j job.Job, params []byte) (accepted, error) {
	return s.again(r, j, func(declared recipe.Recipe) (map[string][]string, error) {
		return retryParams(declared, j, params)
	})
}

// again submits an ended job again with the parameters that choose returns for its recipe.
func (s *Server) again(r *http.Request, j job.Job, choose func(recipe.Recipe) (map[string][]string, error)) (made accepted, err error) {
	err = s.actOn(r, j.Owner, audit.Act{Verb: audit.Retry, Target: j.ID, Detail: j.Recipe}, func() (err error) {
		made, err = s.resubmit(r, j, choose)
		return err
	})
	return made, err
}

func (s *Server) resubmit(r *http.Request, j job.Job, choose func(recipe.Recipe) (map[string][]string, error)) (made accepted, err error) {
	sub := s.newSubmission(r)
	if err := s.maySubmit(sub.caller); err != nil {
		return made, err
	}
	defer func() { err = s.cleanUp(sub, err) }()
	defer func() { s.noteRefusal(r, sub, err) }()
	sub.owner, sub.recipe = j.Owner, j.Recipe
	if err := s.refill(r, sub, j); err != nil {
		return made, err
	}
	declared, ok := s.Recipes().Find(j.Recipe)
	if !ok {
		return made, fault.New(fault.Gone, fmt.Sprintf("The recipe %s is not here any more.", j.Recipe), "Send the file again with another one.")
	}
	if sub.params, err = choose(declared); err != nil {
		return made, err
	}
	c, err := s.check(r.Context(), sub)
	if err != nil {
		return made, err
	}
	c.group = j.Group
	return s.accept(r.Context(), sub, c, nil)
}

// refill gives the submission what the earlier job was made of.
func (s *Server) refill(r *http.Request, sub *submission, j job.Job) error {
	if !j.State.Ended() {
		return fault.New(fault.Conflict, "The job has not ended.", "Cancel it first, or wait for its end.")
	}
	if len(j.Inputs) > 0 && filesGone(j) {
		return filesAreGone(j)
	}
	sub.retryOf = j.ID
	sub.extras = extras{tags: j.Tags, lang: j.Lang}
	if sub.caller.Admin || j.Priority <= 0 {
		sub.priority = j.Priority
	}
	if err := s.openDraft(sub); err != nil {
		return err
	}
	for _, in := range j.Inputs {
		f := received{number: in.Number, name: in.Name, mediaType: in.MediaType, disk: in.File}
		f.Size, f.SHA256 = in.Size, in.SHA256
		if err := s.takeFrom(sub, j, s.Spool.Job(j.ID).InputPath(in.File), f); err != nil {
			return err
		}
	}
	for _, in := range j.Files {
		if err := s.takeParamFile(sub, in, s.Spool.Job(j.ID).InputPath(in.File)); err != nil {
			return missingFile(j, err)
		}
	}
	return s.refillAwaited(r, sub, j)
}

// refillAwaited names again the outputs of other jobs that the earlier job waited for in
// vain. Those jobs it only had to follow it follows no more: it is sent on purpose.
func (s *Server) refillAwaited(r *http.Request, sub *submission, j job.Job) error {
	needs, err := s.Jobs.Needs(r.Context(), j.ID)
	if err != nil {
		return err
	}
	have := map[int]bool{}
	for _, in := range j.Inputs {
		have[in.Number] = true
	}
	for _, need := range needs {
		if need.Output == "" || have[need.Input] {
			continue
		}
		if err := s.takeOutput(r, sub, inputRef{Job: need.Job, Output: need.Output}, need.Input); err != nil {
			return err
		}
	}
	return nil
}

// retryParams are the earlier job's parameters with the given ones in their place. What
// the recipe does not declare any more is left out.
func retryParams(declared recipe.Recipe, j job.Job, params []byte) (map[string][]string, error) {
	given, err := declared.GivenJSON(params)
	if err != nil {
		return nil, err
	}
	merged := map[string][]string{}
	for _, p := range declared.Params {
		if words, ok := j.Params[p.Name]; ok && p.Type != recipe.Secret {
			merged[p.Name] = words
		}
	}
	maps.Copy(merged, given)
	return merged, nil
}

// listAttempts serves the executions of a job.
func (s *Server) listAttempts(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	j, err := s.find(r.Context(), p)
	if err != nil {
		return err
	}
	rows, err := s.Jobs.Attempts(r.Context(), j.ID)
	if err != nil {
		return err
	}
	return writeTagged(w, r, attemptsDocument(rows, s.Guard.Caller(r).Admin))
}
