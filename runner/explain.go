package runner

import (
	"regexp"
	"slices"

	"convertd/runner/fault"
	"convertd/runner/progress/reading"
	"convertd/runner/recipe"
)

// maxSentence bounds what people are told, in bytes.
const maxSentence = 1000

// explain puts the recipe's words in the place of the general ones when the converter
// said in its log what was wrong. Rules are tried in order; each sees the last lines one
// by one, the newest first.
func (a *attempt) explain(bad *verdict) {
	if bad.cause != nil {
		a.log.addCause(oneLine(bad.cause.Error()))
	}
	if !bad.tool || a.log == nil {
		return
	}
	lines := a.log.last(logKeep)
	for _, rule := range a.spec.Explain {
		if _, err := regexp.Compile(rule.Match); err != nil {
			a.log.add(streamRun, "the recipe's explanation "+rule.Match+" is wrong: "+err.Error())
		}
	}
	if e, found := Explanation(a.spec.Explain, lines); found {
		bad.explained(e.rule, e.say, a.spec.Lang)
	}
}

// Explained is the rule of a recipe that the words of a converter came to.
type Explained struct {
	// Number of the rule, from 0, and the Line that it matched.
	Number int
	Line   string

	rule recipe.Explain
	say  func(text string) string
}

// Explanation finds the rule for what a converter said: the first rule that matches any of
// the lines, of these the newest, which is the last. A rule whose expression is wrong
// matches nothing.
func Explanation(rules []recipe.Explain, lines []string) (Explained, bool) {
	newest := slices.Clone(lines)
	slices.Reverse(newest)
	for i, rule := range rules {
		match, err := regexp.Compile(rule.Match)
		if err != nil {
			continue
		}
		if line, say, found := firstMatch(match, newest); found {
			return Explained{Number: i, Line: line, rule: rule, say: say}, true
		}
	}
	return Explained{}, false
}

// firstMatch finds the first line that matches and returns it and what fills a text
// with its groups.
func firstMatch(match *regexp.Regexp, lines []string) (matched string, say func(text string) string, found bool) {
	for _, line := range lines {
		if place := match.FindStringSubmatchIndex(line); place != nil {
			return line, func(text string) string {
				return reading.CleanTo(maxSentence, string(match.ExpandString(nil, text, line, place)))
			}, true
		}
	}
	return "", nil, false
}

// explained takes the words of a rule; a rule without a hint leaves none, because the
// general one does not fit any more.
func (v *verdict) explained(rule recipe.Explain, say func(string) string, lang string) {
	v.detail, v.hint = say(rule.Say.In(lang)), say(rule.Hint.In(lang))
	if rule.Class != "" && v.class == fault.ConverterFailed {
		v.class = rule.Class
	}
}
