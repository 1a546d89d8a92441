package load

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"convertd/runner/fault"
	"convertd/runner/recipe"
)

func readOutputs(t *table, steps []recipe.Step) []recipe.Output {
	var outputs []recipe.Output
	for _, o := range t.inners("output") {
		outputs = append(outputs, readOutput(o))
	}
	if len(outputs) == 0 && slices.ContainsFunc(steps, writesOutput) {
		return []recipe.Output{{Match: "*", Min: 1}}
	}
	return outputs
}

// writesOutput reports whether the step names the output folder: then a run that leaves
// nothing there has failed, whatever its exit status.
func writesOutput(s recipe.Step) bool {
	return s.Builtin != "" || s.HTTP != nil && s.HTTP.Save != "" || slices.ContainsFunc(s.Command, func(word string) bool {
		return slices.Contains(recipe.Placeholders(word), "output")
	})
}

func readExplain(t *table) []recipe.Explain {
	var all []recipe.Explain
	for _, e := range t.inners("explain") {
		x := recipe.Explain{
			Match: e.text("match", "moov atom not found"),
			Class: fault.Class(e.text("class", string(fault.BadInput))),
			Say:   e.words("say"), Hint: e.words("hint"),
		}
		groups := checkRegexp(e, "match", x.Match)
		if x.Class != "" && !isFailure(x.Class) {
			e.wrong("class", fmt.Sprintf("is %q.", x.Class), "It is one of "+failureWords()+".")
		}
		if len(x.Say) == 0 {
			e.wrong("say", "is missing.", `Write the sentence that the person reads, like say = "The video is incomplete."`)
		}
		checkGroups(e, "say", x.Say, groups)
		checkGroups(e, "hint", x.Hint, groups)
		e.done()
		all = append(all, x)
	}
	return all
}

// checkRegexp reports an expression that RE2 cannot read, or that is missing, and
// returns how many groups it has.
func checkRegexp(t *table, key, expression string) int {
	if expression == "" {
		if !t.has(key) {
			t.wrong(key, "is missing.", "Write a regular expression (RE2), like "+key+` = "not found".`)
		}
		return 0
	}
	re, err := regexp.Compile(expression)
	if err != nil {
		t.wrong(key, fmt.Sprintf("is not a regular expression: %v.", err), "The language is RE2: no look-around, no back-references.")
		return 0
	}
	return re.NumSubexp()
}

func isFailure(class fault.Class) bool {
	return slices.Contains(fault.Classes(), class) && class != fault.Succeeded && class != fault.Cancelled
}

func failureWords() string {
	var words []string
	for _, class := range fault.Classes() {
		if isFailure(class) {
			words = append(words, string(class))
		}
	}
	return strings.Join(words, ", ")
}

// Bounds of limits: below the low ones no program starts, above the high ones a typing
// error is more likely than a machine of that size.
const (
	minMemory, maxMemory = 16 << 20, 16 << 40
	minDisk, maxDisk     = 1 << 20, 1 << 50
	minLog, maxLog       = 4 << 10, 10 << 30
	minTime, maxTime     = time.Second, 90 * 24 * time.Hour
	minKeep, maxKeep     = time.Minute, 10 * 365 * 24 * time.Hour
)

func readLimits(t *table) recipe.Limits {
	if t == nil {
		return recipe.Limits{}
	}
	l := recipe.Limits{
		Memory: t.size("memory", minMemory, maxMemory),
		Disk:   t.size("disk", minDisk, maxDisk),
		Log:    t.size("log", minLog, maxLog),
		Time:   t.duration("time", minTime, maxTime),
		Grace:  t.duration("grace", time.Second, 10*time.Minute),
	}
	l.Processes = int(t.integer("processes", 1, 100_000, 0))
	l.Outputs = int(t.integer("outputs", 1, 1_000_000, 0))
	l.CPUWeight = int(t.integer("cpu_weight", 1, 10_000, 0))
	t.done()
	return l
}

// readMail reads the ends that are mailed to the administrator; nil when the recipe says
// nothing about it. A job that somebody cancelled is nothing to write about.
func readMail(t *table) []fault.Class {
	words := t.texts("mail", "converter_failed")
	if words == nil {
		return nil
	}
	classes := []fault.Class{}
	for _, word := range words {
		class := fault.Class(word)
		switch {
		case class != fault.Succeeded && !isFailure(class):
			t.wrong("mail", fmt.Sprintf("has %q.", word), "It lists some of "+string(fault.Succeeded)+", "+failureWords()+"; [] is no mail at all.")
		case slices.Contains(classes, class):
			t.wrong("mail", fmt.Sprintf("has %q twice.", word), "Remove one.")
		default:
			classes = append(classes, class)
		}
	}
	return classes
}

func readRetry(t *table) recipe.Retry {
	retry := recipe.Retry{MaxAttempts: 3}
	if t == nil {
		return retry
	}
	retry.MaxAttempts = int(t.integer("max_attempts", 1, 100, 3))
	for _, word := range t.texts("on", "converter_failed") {
		class := fault.Class(word)
		if !isFailure(class) {
			t.wrong("on", fmt.Sprintf("has %q.", word), "It lists some of "+failureWords()+".")
		}
		retry.On = append(retry.On, class)
	}
	t.done()
	return retry
}

func readKeep(t *table) recipe.Keep {
	if t == nil {
		return recipe.Keep{}
	}
	k := recipe.Keep{
		Results: t.duration("results", minKeep, maxKeep),
		Failed:  t.duration("failed", minKeep, maxKeep),
		Rows:    t.duration("rows", minKeep, maxKeep),
	}
	t.done()
	return k
}

func readVisible(t *table) recipe.Visible {
	if t == nil {
		return recipe.Visible{}
	}
	v := recipe.Visible{Anonymous: t.boolean("anonymous"), Owners: t.texts("owners", "alice")}
	t.done()
	return v
}

func readNeeds(t *table) recipe.Needs {
	if t == nil {
		return recipe.Needs{}
	}
	n := recipe.Needs{Packages: t.texts("packages", "ffmpeg"), Binaries: t.texts("binaries", "ffmpeg")}
	for _, p := range n.Packages {
		if len(p) < 2 || strings.Trim(p, "abcdefghijklmnopqrstuvwxyz0123456789+.-") != "" || p[0] == '-' {
			t.wrong("packages", fmt.Sprintf("has %q, which is not the name of a Debian package.", p), "Write it as apt-get takes it.")
		}
	}
	for _, b := range n.Binaries {
		checkProgram(t, "binaries", b)
	}
	t.done()
	return n
}
