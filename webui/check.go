package webui

import (
	"context"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/runner/spool"
	"convertd/sql/job"
	"convertd/webui/auth"
)

// checked is a submission that every rule was held against.
type checked struct {
	recipe recipe.Recipe
	// values have no secrets in them; those are in secrets, by name.
	values  recipe.Values
	secrets map[string]string
	// group is the id of the group it joins, "" for none.
	group string
	// concurrencyKey is "" for a job that excludes no other.
	concurrencyKey string
}

// check holds a submission against its recipe and the rules. It stores nothing, but for
// a group that the caller asked to be made.
func (s *Server) check(ctx context.Context, sub *submission) (checked, error) {
	r, given, err := s.choose(sub)
	if err != nil {
		return checked{}, err
	}
	return s.checkFor(ctx, sub, r, given)
}

// checkFor is check for a recipe that is known already, with the parameters given for it.
func (s *Server) checkFor(ctx context.Context, sub *submission, r recipe.Recipe, given map[string][]string) (checked, error) {
	if err := allowed(r, sub.caller); err != nil {
		return checked{}, err
	}
	if err := checkFiles(r, sub.files); err != nil {
		return checked{}, err
	}
	values, secrets, err := checkParams(r, sub, given)
	if err != nil {
		return checked{}, err
	}
	if a := s.Recipes().Available(r.Name); !a.OK() {
		return checked{}, notInstalled(r, a, sub.caller)
	}
	if err := s.checkExtras(sub); err != nil {
		return checked{}, err
	}
	if err := s.checkAfter(ctx, sub); err != nil {
		return checked{}, err
	}
	key, err := r.ConcurrencyKey(values)
	if err != nil {
		return checked{}, err
	}
	if err := s.Jobs.HasRoom(ctx, r.Queue, s.QueueLimits[r.Queue].Waiting); err != nil {
		return checked{}, err
	}
	group, err := s.joinGroup(ctx, sub)
	return checked{recipe: r, values: values, secrets: secrets, group: group, concurrencyKey: key}, err
}

// knownRecipe refuses a recipe that is named but not there.
func (s *Server) knownRecipe(sub *submission) error {
	if sub.recipe == "" {
		return nil
	}
	if _, ok := s.Recipes().Find(sub.recipe); ok {
		return nil
	}
	var names []string
	for _, r := range s.Recipes().All() {
		names = append(names, r.Name)
	}
	hint := "The list at /api/v1/recipes names them all."
	if near := recipe.Nearest(sub.recipe, names); near != "" {
		hint = "Did you mean " + near + "?"
	}
	return fieldFault("recipe", fmt.Sprintf("There is no recipe %q.", shorten(sub.recipe)), hint)
}

// choose returns the recipe that is meant, by its name or by what the file is to become,
// and the parameters given for it.
func (s *Server) choose(sub *submission) (recipe.Recipe, map[string][]string, error) {
	if err := s.knownRecipe(sub); err != nil {
		return recipe.Recipe{}, nil, err
	}
	var target recipe.Target
	var err error
	switch {
	case sub.recipe != "":
		target, err = s.targetOf(sub)
	case sub.to != "":
		mediaType, extension := "", ""
		if len(sub.files) > 0 {
			mediaType, extension = sub.files[0].mediaType, spool.Extension(sub.files[0].name)
		}
		target, err = s.Recipes().Choose(sub.to, mediaType, extension)
		switch {
		case fault.Is(err, fault.UnsupportedMedia) && len(sub.files) == 0:
			err = fileMissing()
		case fault.Is(err, fault.NotFound):
			err = fieldFault("to", fmt.Sprintf("Nothing here makes %q.", shorten(sub.to)), "The list at /api/v1/recipes names what can be made.")
		}
	default:
		err = fieldFault("recipe", "The request names neither a recipe nor what the file is to become.", "Send the field recipe or the field to.")
	}
	if err != nil {
		return recipe.Recipe{}, nil, err
	}
	r, ok := s.Recipes().Find(target.Recipe)
	if !ok {
		return recipe.Recipe{}, nil, fault.New(fault.Unavailable, "The recipes have just been changed.", "Send the request again.")
	}
	given, err := givenParams(r, sub)
	if err != nil {
		return r, nil, err
	}
	for name, words := range target.Given {
		if len(given[name]) == 0 {
			given[name] = words
		}
	}
	return r, given, nil
}

// targetOf is the target of a recipe chosen by name; `to` then chooses among its own.
func (s *Server) targetOf(sub *submission) (recipe.Target, error) {
	r, _ := s.Recipes().Find(sub.recipe)
	if sub.to == "" {
		return recipe.Target{Recipe: r.Name}, nil
	}
	var known []string
	for _, t := range r.Targets() {
		if t.ID == sub.to {
			return t, nil
		}
		known = append(known, t.ID)
	}
	return recipe.Target{}, fieldFault("to", fmt.Sprintf("%s does not make %q.", r.Name, shorten(sub.to)), "It makes "+strings.Join(known, ", ")+".")
}

func givenParams(r recipe.Recipe, sub *submission) (map[string][]string, error) {
	given := map[string][]string{}
	if sub.rawParams != nil {
		var err error
		if given, err = r.GivenJSON(sub.rawParams); err != nil {
			return nil, err
		}
	}
	for name, words := range sub.params {
		given[name] = words
	}
	return r.WithPreset(sub.preset, given)
}

// allowed refuses callers that a recipe is not for. A button (a recipe without upload
// that reaches out of its box) is for people with a name.
func allowed(r recipe.Recipe, caller auth.Caller) error {
	if caller.Admin {
		return nil
	}
	if len(r.Visible.Owners) > 0 && !slices.Contains(r.Visible.Owners, caller.Name) {
		return fault.New(fault.Forbidden, fmt.Sprintf("The recipe %s is not for you.", r.Name), "Ask the administrator to name you in its [visible] owners.")
	}
	if len(r.Accept) == 0 && r.Access.Grants() && caller.Name == "" && !r.Visible.Anonymous {
		return fault.New(fault.Forbidden, fmt.Sprintf("The recipe %s may only be run by people who are signed in.", r.Name),
			"Sign in, or ask the administrator to set [visible] anonymous = true in it.")
	}
	return nil
}

// inputRange is how many files one job of the recipe takes.
func inputRange(r recipe.Recipe) (least, most int) {
	switch {
	case len(r.Accept) == 0:
		return 0, 0
	case r.Inputs.Each:
		return 1, 1
	}
	return r.Inputs.Min, r.Inputs.Max
}

func fileMissing() error {
	return fieldFault("file", "The file is missing.", "Send it in a part named file, as curl does for -F file=@NAME.")
}

func checkFiles(r recipe.Recipe, files []received) error {
	least, most := inputRange(r)
	switch n := len(files); {
	case n > most && most == 0:
		return fault.New(fault.TooManyFiles, fmt.Sprintf("%s takes no file.", r.Name), "Send the job without one.")
	case n > most:
		return fault.New(fault.TooManyFiles, fmt.Sprintf("%s takes at most %d of the files at once, and %d were sent.", r.Name, most, n), "Send a job for each.")
	case n < least && n == 0:
		return fileMissing()
	case n < least:
		return fieldFault("file", fmt.Sprintf("%s takes at least %d files, and %d came.", r.Name, least, n), "Send them together, in the order that is meant.")
	}
	for _, f := range files {
		if f.isAwaited() {
			continue
		}
		if f.Size == 0 {
			return fault.New(fault.EmptyFile, fmt.Sprintf("The file %q is empty.", f.name), "Check whether it was saved or copied completely.")
		}
		if err := r.CheckFile(f.mediaType, spool.Extension(f.name)); err != nil {
			return err
		}
	}
	return nil
}

func notInstalled(r recipe.Recipe, a recipe.Availability, caller auth.Caller) error {
	hint := "Ask the administrator to install what it needs."
	if caller.Admin {
		hint = a.Remedy
	}
	return fault.New(fault.Unavailable, fmt.Sprintf("What %s needs is not installed here.", r.Name), hint)
}

// checkExtras holds the fields that are the same for all recipes against their rules.
func (s *Server) checkExtras(sub *submission) error {
	if sub.priority < -10 || sub.priority > 10 {
		return fieldFault("priority", "The priority is outside -10 to 10.", "Leave it out for 0.")
	}
	if sub.priority > 0 && !sub.caller.Admin {
		return fault.New(fault.Forbidden, "A priority above 0 is for the administrator.", "Leave it out, or send 0 or less.")
	}
	now := time.Now()
	if sub.waitUntil != nil && !sub.waitUntil.After(now) {
		return fieldFault("expires", "The time in expires is over.", "Send a time in the future.")
	}
	if sub.runAt != nil && sub.waitUntil != nil && !sub.waitUntil.After(*sub.runAt) {
		return fieldFault("expires", "The job would expire before it may run.", "Send a later expires or an earlier run_at.")
	}
	return s.checkEmail(sub)
}

// checkAfter refuses to follow jobs that are not there; one that ended otherwise than by
// success meanwhile cancels this one, with that reason.
func (s *Server) checkAfter(ctx context.Context, sub *submission) error {
	found, err := s.Jobs.Exist(ctx, sub.after)
	if err != nil {
		return err
	}
	for _, id := range sub.after {
		if !found[id] {
			return fieldFault("after", "There is no job "+id+" to follow.", "It may have been deleted; leave it out.")
		}
	}
	return nil
}

// notOfAnAddress are characters that have no place in a plain address, or that mail servers
// do not all take.
func notOfAnAddress(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`<>"\`, r) }

// maxAddress is how many characters a mail address may have (RFC 5321, section 4.5.3.1.3,
// without the brackets of its path).
const maxAddress = 254

// checkEmail takes one plain address, where the administrator allows any.
func (s *Server) checkEmail(sub *submission) error {
	if sub.email == "" {
		return nil
	}
	address, err := mail.ParseAddress(sub.email)
	if err != nil || address.Name != "" || address.Address != sub.email || strings.ContainsFunc(sub.email, notOfAnAddress) || len(sub.email) > maxAddress {
		return fieldFault("email", "The mail address is not one plain address.", "Write it like name@example.org.")
	}
	_, domain, _ := strings.Cut(sub.email, "@")
	allowed := slices.ContainsFunc(s.UserAddresses, func(d string) bool { return d == "any" || strings.EqualFold(d, domain) })
	if !allowed {
		return &fault.Error{Code: fault.Unsupported, Message: "Mail to this address is not sent from here.",
			Hint:   "Leave email out; the administrator allows addresses with [mail] user_addresses.",
			Fields: []fault.Field{{Pointer: "/email", Detail: "Mail to this address is not sent from here."}}}
	}
	if !s.mails.allow(sub.caller.Owner) {
		return fault.New(fault.RateLimited, "Too many jobs with a mail address were sent.", "Leave email out, or wait an hour.")
	}
	return nil
}

// draftOf makes the row of a checked submission.
func draftOf(id string, sub *submission, c checked) job.Draft {
	d := job.Draft{
		Identity: job.Identity{ID: id, Owner: sub.owner, ManageHash: sub.tokenHash, Group: c.group, RetryOf: sub.retryOf, Replays: sub.replays},
		Request: job.Request{
			Recipe: c.recipe.Name, RecipeVersion: c.recipe.Version, Queue: c.recipe.Queue, Priority: sub.priority,
			Params: c.values.Given(), Tags: sub.tags, Email: sub.email, Lang: sub.lang,
		},
		RunAt: sub.runAt, WaitUntil: sub.waitUntil, MaxAttempts: c.recipe.Retry.MaxAttempts,
		Concurrency: job.Concurrency{Key: c.concurrencyKey, Reject: c.recipe.Concurrency.Reject},
	}
	for _, id := range sub.after {
		d.Needs = append(d.Needs, job.Need{Job: id})
	}
	for _, f := range sub.files {
		if f.isAwaited() {
			d.Needs = append(d.Needs, job.Need{Job: f.awaited.Job, Output: f.awaited.Output, Input: f.number})
			continue
		}
		d.Inputs = append(d.Inputs, job.Input{Number: f.number, File: f.disk, Name: f.name, Size: f.Size, SHA256: f.SHA256, MediaType: f.mediaType})
	}
	for _, p := range recipe.ParamsOf(c.recipe, recipe.File, c.values) {
		f := sub.paramFiles[p.Name]
		d.Inputs = append(d.Inputs, job.Input{Number: f.number, Param: p.Name, File: f.disk, Name: f.name, Size: f.Size, SHA256: f.SHA256, MediaType: f.mediaType})
	}
	return d
}
