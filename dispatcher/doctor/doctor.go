// Package doctor looks at everything that convertd needs from its machine and says of
// each thing whether it is well, and what to do if it is not.
//
// It changes nothing: what it tries it takes back. It does not own showing the findings
// (cmd, webui). It may import runner/..., sql/db, sql/job, dispatcher/box, dispatcher/cgroup, dispatcher/mail,
// the standard library and golang.org/x/sys/unix.
package doctor

import (
	"context"
	"errors"
	"time"

	"convertd/dispatcher/cgroup"
	"convertd/dispatcher/mail"
	"convertd/runner/fault"
	"convertd/runner/recipe"
)

// Level is how bad a finding is.
type Level string

// The levels.
const (
	// OK: as it should be.
	OK Level = "ok"
	// Warn: jobs run, but something is weaker or missing.
	Warn Level = "warn"
	// Fail: jobs cannot be accepted or cannot run.
	Fail Level = "fail"
)

// Finding is one thing that was looked at.
type Finding struct {
	// Check names what was looked at: "database", "spool", "memcached" …
	Check string `json:"check"`
	Level Level  `json:"level"`
	// Text says what was found, Remedy what to do about it, "" when nothing is to be done.
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
}

// Options are what is looked at.
type Options struct {
	// DatabaseURL, Memcached and Spool are as configured; "" means not configured.
	DatabaseURL string
	Memcached   string
	Spool       string
	// Runner is the path of convertd-runner.
	Runner string
	Mail   mail.Config
	// Recipes may be nil.
	Recipes *recipe.Set
	// UIDBase is the first user id for steps, Slots how many there are.
	UIDBase, Slots int
	// CgroupParent is the delegated group, "" for our own. A dispatcher, which has made its
	// groups already, says in Groups what they are; nil means that the doctor tries.
	CgroupParent string
	Groups       *Groups
}

// Groups are the control groups of a dispatcher: what is in force, and why not more.
type Groups struct {
	Method cgroup.Method
	Why    error
}

// patience bounds one check that waits for another program.
const patience = 5 * time.Second

// Examine makes all checks, in the order in which an administrator would mend things.
func Examine(ctx context.Context, o Options) []Finding {
	var all []Finding
	for _, check := range []func(context.Context, Options) []Finding{
		database, spoolFolder, memcached, mailServer, runnerBinary, controlGroups, boxes, recipes, clock,
	} {
		all = append(all, check(ctx, o)...)
	}
	return all
}

// Worst returns the worst level among findings.
func Worst(all []Finding) Level {
	worst := OK
	for _, f := range all {
		if f.Level == Fail || f.Level == Warn && worst == OK {
			worst = f.Level
		}
	}
	return worst
}

func ok(check, text string) []Finding { return []Finding{{Check: check, Level: OK, Text: text}} }

func warn(check, text, remedy string) []Finding {
	return []Finding{{Check: check, Level: Warn, Text: text, Remedy: remedy}}
}

func fail(check, text, remedy string) []Finding {
	return []Finding{{Check: check, Level: Fail, Text: text, Remedy: remedy}}
}

// failWith takes sentence and remedy from the error where it has some.
func failWith(check string, err error, remedy string) []Finding {
	var e *fault.Error
	if errors.As(err, &e) {
		return fail(check, e.Message, e.Hint)
	}
	return fail(check, sentence(err.Error()), remedy)
}

// sentence makes an error's words a sentence.
func sentence(words string) string {
	if words == "" {
		return ""
	}
	first := words[0]
	if first >= 'a' && first <= 'z' {
		words = string(first-'a'+'A') + words[1:]
	}
	if words[len(words)-1] != '.' {
		words += "."
	}
	return words
}
