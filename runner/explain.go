package runner

import (
	"regexp"

	"convertd/runner/fault"
	"convertd/runner/progress/reading"
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
		match, err := regexp.Compile(rule.Match)
		if err != nil {
			a.log.add(streamRun, "the recipe's explanation "+rule.Match+" is wrong: "+err.Error())
			continue
		}
		for i := len(lines) - 1; i >= 0; i-- {
			place := match.FindStringSubmatchIndex(lines[i])
			if place == nil {
				continue
			}
			say := func(template string) string {
				return reading.CleanTo(maxSentence, string(match.ExpandString(nil, template, lines[i], place)))
			}
			bad.detail = say(rule.Say.In(a.spec.Lang))
			if hint := rule.Hint.In(a.spec.Lang); hint != "" {
				bad.hint = say(hint)
			} else {
				bad.hint = ""
			}
			if rule.Class != "" && bad.class == fault.ConverterFailed {
				bad.class = rule.Class
			}
			return
		}
	}
}
