package webui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"convertd/runner/fault"
	"convertd/runner/spool"
	"convertd/webui/auth"
)

// submission is what somebody asks for: fields and files, before anything is checked
// against a recipe. Its files lie in a draft; whoever makes a submission calls discard.
type submission struct {
	caller auth.Caller
	// owner is whose job it becomes; the caller's, but for an administrator's retry.
	owner string
	// mayManage reports whether the request may change what has this owner and hash; nil
	// means that it may change nothing.
	mayManage func(owner string, hash []byte) bool
	// token lets its holder manage the job, and a group made with it; rows keep the hash.
	token     string
	tokenHash []byte

	recipe, to string
	// preset fills what params do not give.
	preset string
	params map[string][]string
	// rawParams is the JSON object of a JSON request, read once the recipe is known.
	rawParams []byte
	extras

	draft *spool.Draft
	files []received
	// paramFiles are the files of parameters by their names.
	paramFiles map[string]received
	retryOf    string
	// replays is the attempt of retryOf that is done again as it was; 0 for none.
	replays int
	// after are jobs that must have succeeded before this one starts.
	after []string
	// used are resumable uploads that end with the job.
	used []string
	// repeated says that its key has become a job before: files that it names are not
	// looked for.
	repeated bool
}

// extras are the fields that do not concern the conversion itself.
type extras struct {
	tags     map[string]string
	group    string
	priority int
	email    string
	// lang is the language of whoever submits, as the pages would choose it; the mail to
	// email is written in it.
	lang string
	// runAt is when it may start, waitUntil when it expires if it has not started.
	runAt, waitUntil *time.Time
}

// received is one file that lies in the draft.
type received struct {
	spool.Stored
	number    int
	name      string
	mediaType string
	// disk is its name on disk.
	disk string
	// awaited names the output of a job that has not ended yet; the dispatcher brings the
	// file once it has. Until then nothing but its name is known.
	awaited inputRef
	// ref is how a JSON request names the file; empty for one that was sent along.
	ref inputRef
}

func (f received) isAwaited() bool { return f.awaited.Job != "" }

func (sub *submission) discard() error {
	if sub.draft == nil {
		return nil
	}
	return sub.draft.Discard()
}

// maxTags bounds the tags of one job, maxTag a tag in bytes.
const (
	maxTags = 20
	maxTag  = 200
)

// field takes one field of a form. An empty value is a field left blank.
func (sub *submission) field(name, value string) error {
	if param, ok := strings.CutPrefix(name, "param."); ok {
		if sub.params == nil {
			sub.params = map[string][]string{}
		}
		sub.params[param] = append(sub.params[param], value)
		return nil
	}
	switch name {
	case "recipe", "to", "preset", "group", "email", "tag", "priority", "run_at", "expires", "after":
	default:
		return unsupportedField(name)
	}
	if value == "" {
		return nil
	}
	switch name {
	case "recipe":
		return once(&sub.recipe, name, value)
	case "to":
		return once(&sub.to, name, value)
	case "preset":
		return once(&sub.preset, name, value)
	case "group":
		return once(&sub.group, name, value)
	case "email":
		return once(&sub.email, name, value)
	case "tag":
		return sub.tag(value)
	case "after":
		return sub.follow(value)
	case "priority":
		n, err := strconv.Atoi(value)
		if err != nil {
			return fieldFault("priority", "The priority is not a whole number.", "It is -10 to 10.")
		}
		sub.priority = n
		return nil
	case "run_at":
		return moment(&sub.runAt, name, value)
	}
	return moment(&sub.waitUntil, name, value)
}

func once(target *string, name, value string) error {
	if *target != "" {
		return fieldFault(name, fmt.Sprintf("The field %s is there twice.", name), "Send it once.")
	}
	*target = value
	return nil
}

func fieldFault(name, message, hint string) error {
	return &fault.Error{Code: fault.Invalid, Message: message, Hint: hint, Fields: []fault.Field{{Pointer: "/" + name, Detail: message}}}
}

// maxAfter bounds how many jobs one may follow.
const maxAfter = 100

// follow takes the id of a job that must have succeeded before.
func (sub *submission) follow(id string) error {
	switch {
	case !isID(id):
		return fieldFault("after", "What after names is no id of a job.", "An id is 26 characters long.")
	case len(sub.after) >= maxAfter:
		return fieldFault("after", fmt.Sprintf("The job follows more than %d others.", maxAfter), "Have it follow fewer.")
	case !slices.Contains(sub.after, id):
		sub.after = append(sub.after, id)
	}
	return nil
}

// tag takes KEY=VALUE.
func (sub *submission) tag(text string) error {
	key, value, ok := strings.Cut(text, "=")
	if !ok {
		return fieldFault("tag", "A tag has no value.", "Write it as name=value.")
	}
	return sub.addTag(key, value)
}

func (sub *submission) addTag(key, value string) error {
	odd := strings.ContainsFunc(key, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_.", c)
	})
	_, twice := sub.tags[key]
	switch {
	case key == "" || odd || len(key) > maxTag || len(value) > maxTag:
		return fieldFault("tag", fmt.Sprintf("The tag %q is not allowed.", shorten(key)),
			"A tag's name has letters, digits, dash, dot and underscore; name and value have at most 200 bytes.")
	case twice:
		return fieldFault("tag", fmt.Sprintf("The tag %s is there twice.", key), "Send it once.")
	case len(sub.tags) >= maxTags:
		return fieldFault("tag", fmt.Sprintf("There are more than %d tags.", maxTags), "Send fewer.")
	}
	if sub.tags == nil {
		sub.tags = map[string]string{}
	}
	sub.tags[key] = value
	return nil
}

// moment takes a time (RFC 3339).
func moment(target **time.Time, name, value string) error {
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return fieldFault(name, fmt.Sprintf("The field %s is no time.", name), "Write it like 2026-01-31T18:00:00Z.")
	}
	*target = new(t.UTC())
	return nil
}
