package webui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/fault"
	"convertd/runner/spool"
	"convertd/sql/idempotency"
	"convertd/sql/job"
	"convertd/webui/auth"
)

// newSubmission begins a submission of the request's caller.
func (s *Server) newSubmission(r *http.Request) *submission {
	return s.submissionOf(r, s.Guard.Caller(r))
}

func (s *Server) submissionOf(r *http.Request, caller auth.Caller) *submission {
	sub := &submission{caller: caller, owner: caller.Owner}
	sub.lang = s.language(r)
	sub.mayManage = func(owner string, hash []byte) bool { return caller.MayManage(r, owner, hash) }
	sub.token, sub.tokenHash = auth.NewManageToken()
	return sub
}

// createJob takes a job: multipart or JSON.
func (s *Server) createJob(w http.ResponseWriter, r *http.Request, _ httprouter.Params) (err error) {
	options, err := readOptions(r)
	if err != nil {
		return err
	}
	sub := s.newSubmission(r)
	if err := s.maySubmit(sub.caller); err != nil {
		return err // and no row about it: those would be as many
	}
	defer func() { err = s.cleanUp(sub, err) }()
	defer func() { s.noteRefusal(r, sub, err) }()
	key, err := s.beginKey(r, sub.caller)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			s.abandon(r.Context(), key.claim)
		}
	}()
	sub.repeated = key.record != nil
	if err := s.receive(w, r, sub); err != nil {
		return err
	}
	if key.record != nil {
		made, err := s.acceptedBefore(r, sub, *key.record)
		if err != nil {
			return err
		}
		return s.answerSubmission(w, r, made, options)
	}
	c, err := s.check(r.Context(), sub)
	if err != nil {
		return err
	}
	if key.claim != nil {
		key.claim.Fingerprint = fingerprint(sub, c)
	}
	made, err := s.accept(r.Context(), sub, c, key.claim)
	if err != nil {
		return err
	}
	return s.answerSubmission(w, r, made, options)
}

// cleanUp removes what a submission that came to nothing left.
func (s *Server) cleanUp(sub *submission, err error) error {
	if left := sub.discard(); left != nil {
		s.Log.Warn("an upload that was not accepted stays until the next start", slog.Any("error", left))
	}
	return err
}

func (s *Server) receive(w http.ResponseWriter, r *http.Request, sub *submission) error {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if media == "application/json" {
		return s.receiveJSON(w, r, sub)
	}
	return s.receiveForm(w, r, sub)
}

// keyed is what is known of the request's Idempotency-Key: a claim to fulfil, the record
// of the job it became, or neither.
type keyed struct {
	claim  *idempotency.Claim
	record *idempotency.Record
}

// leastUnowned is how long a key must be when nothing but an address tells its owner
// from others: guessing one would give sight of a stranger's job.
const leastUnowned = 22

// beginKey asks for the key of a request.
func (s *Server) beginKey(r *http.Request, caller auth.Caller) (keyed, error) {
	values := r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return keyed{}, nil
	}
	key := strings.TrimSpace(values[0])
	if text, ok := strings.CutPrefix(key, `"`); ok { // a structured field's string
		key = strings.TrimSuffix(text, `"`)
	}
	odd := strings.ContainsFunc(key, func(c rune) bool { return c < '!' || c > '~' || c == '"' || c == '\\' })
	if len(values) > 1 || key == "" || len(key) > 255 || odd {
		return keyed{}, fault.New(fault.Invalid, "The Idempotency-Key is not 1 to 255 printable characters.", "Send a UUID.")
	}
	if caller.Name == "" && !caller.Cookie && !caller.Admin && len(key) < leastUnowned {
		return keyed{}, fault.New(fault.Invalid, fmt.Sprintf("The Idempotency-Key is shorter than %d characters.", leastUnowned), "Send a UUID.")
	}
	claim, record, err := s.Keys.Begin(r.Context(), caller.Owner, key, s.Instance)
	return keyed{claim, record}, err
}

// acceptedBefore returns the job that the key of a repeated request became. All that is
// asked is whether it is the same request: what it names may be gone by now, used up by
// that very job, and a time or a queue that let it pass may not any more.
func (s *Server) acceptedBefore(r *http.Request, sub *submission, record idempotency.Record) (accepted, error) {
	j, err := s.Jobs.Find(r.Context(), record.Job)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.Gone, "The job of this Idempotency-Key has been deleted.", "Send a new key to make another.")
	}
	if err != nil {
		return accepted{}, err
	}
	if sub.recipe == "" {
		sub.recipe = j.Recipe
	}
	declared, given, err := s.choose(sub)
	if err != nil {
		return accepted{}, err
	}
	values, _, err := checkParams(declared, sub, given)
	if err != nil {
		return accepted{}, err
	}
	if !bytes.Equal(record.Fingerprint, fingerprint(sub, checked{recipe: declared, values: values})) {
		return accepted{}, fault.New(fault.IdempotencyMismatch, "This Idempotency-Key was used for another request.", "Send a new key with a new request.")
	}
	return accepted{Job: j}, nil
}

// answerOptions are what a submission asks of its answer.
type answerOptions struct {
	wait time.Duration
	// waiting says that the client asked for it; a redirect waits too.
	waiting  bool
	redirect bool
}

func readOptions(r *http.Request) (answerOptions, error) {
	wait, err := preferredWait(r)
	if err != nil {
		return answerOptions{}, err
	}
	redirect, err := wantsOutput(r)
	o := answerOptions{wait: wait, waiting: wait > 0, redirect: redirect}
	if redirect && wait == 0 {
		o.wait = maxWait
	}
	return o, err
}

// wantsOutput reads ?redirect=output.
func wantsOutput(r *http.Request) (bool, error) {
	switch value := r.URL.Query().Get("redirect"); value {
	case "":
		return false, nil
	case "output":
		return true, nil
	default:
		return false, fault.New(fault.Unsupported, fmt.Sprintf("There is no redirect to %q.", shorten(value)), "Send redirect=output.")
	}
}

// answerSubmission tells of the job: at once, or after the wait that was asked for.
func (s *Server) answerSubmission(w http.ResponseWriter, r *http.Request, made accepted, o answerOptions) error {
	j := made.Job
	if o.wait > 0 {
		var err error
		if j, err = s.waitForEnd(r.Context(), j, o.wait); err != nil {
			return err
		}
	}
	if o.redirect {
		return s.redirectToOutput(w, j)
	}
	d, err := s.document(r.Context(), j)
	if err != nil {
		return err
	}
	if made.manage != "" {
		d.Links.Manage = d.Links.Page + "?manage=" + made.manage
	}
	if o.waiting {
		w.Header().Set("Preference-Applied", "wait="+seconds(o.wait))
	}
	w.Header().Set("Location", d.Links.Self)
	w.Header().Set("Retry-After", "1")
	return writeJSON(w, http.StatusAccepted, d)
}

// redirectToOutput sends the client to the single result, or here again while there is
// none yet: curl -L follows both.
func (s *Server) redirectToOutput(w http.ResponseWriter, j job.Job) error {
	target := jobPath(j.ID) + "?redirect=output"
	if j.State.Ended() {
		if j.State != job.Succeeded {
			return notSucceeded(j)
		}
		if len(j.Outputs) != 1 {
			return fault.New(fault.Conflict, fmt.Sprintf("The job made %d files, so there is no single one to go to.", len(j.Outputs)),
				"All of them are at "+jobLinks(j.ID).Archive+".")
		}
		target = jobPath(j.ID) + "/outputs/" + pathEscape(j.Outputs[0].Name)
	}
	w.Header().Set("Location", target)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// notSucceeded is a job's failure as the answer to a request for its result.
func notSucceeded(j job.Job) error {
	if e := jobError(j); e != nil {
		return fault.New(e.Code, e.Detail, e.Hint)
	}
	return fault.New(fault.Conflict, fmt.Sprintf("The job ended %s, so there is no result.", j.State), "Send it again.")
}

// request is the JSON form of a submission.
type request struct {
	Recipe   string            `json:"recipe"`
	To       string            `json:"to"`
	Preset   string            `json:"preset"`
	Inputs   []inputRef        `json:"inputs"`
	Params   json.RawMessage   `json:"params"`
	Tags     map[string]string `json:"tags"`
	Group    string            `json:"group"`
	Priority int               `json:"priority"`
	Email    string            `json:"email"`
	RunAt    *time.Time        `json:"run_at"`
	Expires  *time.Time        `json:"expires"`
	After    []string          `json:"after"`
}

// inputRef names a file that is here already: a finished upload, or a result of a job.
type inputRef struct {
	Upload string `json:"upload"`
	Job    string `json:"job"`
	Output string `json:"output"`
}

// isWhole reports whether the reference names exactly one file.
func (ref inputRef) isWhole() bool {
	if ref.Upload != "" {
		return ref.Job == "" && ref.Output == ""
	}
	return ref.Job != "" && ref.Output != ""
}

func (s *Server) receiveJSON(w http.ResponseWriter, r *http.Request, sub *submission) error {
	var asked request
	if err := s.readJSON(w, r, &asked); err != nil {
		return err
	}
	sub.recipe, sub.to, sub.preset, sub.rawParams = asked.Recipe, asked.To, asked.Preset, asked.Params
	sub.extras = extras{group: asked.Group, priority: asked.Priority, email: asked.Email, runAt: asked.RunAt, waitUntil: asked.Expires}
	for _, id := range asked.After {
		if err := sub.follow(id); err != nil {
			return err
		}
	}
	for key, value := range asked.Tags {
		if err := sub.addTag(key, value); err != nil {
			return err
		}
	}
	if len(asked.Inputs) > s.Limits.Files {
		return fault.New(fault.TooManyFiles, fmt.Sprintf("More than %d files were named at once.", s.Limits.Files), "Send several requests.")
	}
	for _, ref := range asked.Inputs {
		if err := s.takeInput(r, sub, ref); err != nil {
			return err
		}
	}
	return s.takeParamFiles(r, sub)
}

// takeInput puts a file that is here already into the submission's draft.
func (s *Server) takeInput(r *http.Request, sub *submission, ref inputRef) error {
	if !ref.isWhole() {
		return fieldFault("inputs", "An input names neither an upload nor a job's output.", `Write {"upload": ID} or {"job": ID, "output": NAME}.`)
	}
	if sub.repeated {
		sub.files = append(sub.files, received{ref: ref})
		return nil
	}
	if err := s.openDraft(sub); err != nil {
		return err
	}
	return s.takeNamed(r, sub, ref, len(sub.files)+1)
}

// takeNamed takes the file with this number.
func (s *Server) takeNamed(r *http.Request, sub *submission, ref inputRef, number int) error {
	take := func() error { return s.takeOutput(r, sub, ref, number) }
	if ref.Upload != "" {
		take = func() error { return s.takeUpload(sub, ref.Upload, number) }
	}
	if err := take(); err != nil {
		return err
	}
	sub.files[len(sub.files)-1].ref = ref
	return nil
}

func (s *Server) takeUpload(sub *submission, id string, number int) error {
	up, err := s.tus.Finished(id)
	if err != nil {
		return err
	}
	f := describe(number, up.Name, up.Stored)
	sub.files, sub.used = append(sub.files, f), append(sub.used, id)
	return sub.draft.Take(up.Path, f.disk)
}

func (s *Server) takeOutput(r *http.Request, sub *submission, ref inputRef, number int) error {
	if !isID(ref.Job) {
		return noSuchJob
	}
	j, err := s.Jobs.Find(r.Context(), ref.Job)
	if err != nil {
		return err
	}
	if !j.State.Ended() {
		return sub.await(ref, number)
	}
	if filesGone(j) {
		return filesAreGone(j)
	}
	out, err := named(j.Outputs, ref.Output)
	if err != nil {
		return err
	}
	f := received{number: number, name: out.Name, mediaType: out.MediaType}
	f.Size, f.SHA256 = out.Size, out.SHA256
	return s.takeFrom(sub, j, s.Spool.Job(j.ID).OutputPath(j.Attempt, out.File), f)
}

// await makes an output that is not there yet an input. Its name is all that is known of
// it; the dispatcher looks at the file once it is there.
func (sub *submission) await(ref inputRef, number int) error {
	if spool.CleanName(ref.Output) != ref.Output {
		return fieldFault("inputs", fmt.Sprintf("No output can be named %q.", shorten(ref.Output)), "Write the name as the job's document will show it.")
	}
	sub.files = append(sub.files, received{number: number, name: ref.Output, awaited: ref})
	return nil
}

// takeFrom takes over a file of another job.
func (s *Server) takeFrom(sub *submission, j job.Job, path string, f received) error {
	if f.disk == "" {
		f.disk = spool.InputFile(f.number, spool.Extension(f.name))
	}
	if err := sub.draft.Take(path, f.disk); err != nil {
		return missingFile(j, err)
	}
	sub.files = append(sub.files, f)
	return nil
}
