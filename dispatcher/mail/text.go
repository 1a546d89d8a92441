package mail

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// text is a subject and a plain body, both free of control characters but line feeds
// in the body.
type text struct{ subject, body string }

// failureText writes the mail about one failure. attached says that the input goes
// with it.
func (c Config) failureText(f Failure, attached bool) text {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", line(f.Detail))
	if f.Hint != "" {
		fmt.Fprintf(&b, "%s\n", line(f.Hint))
	}
	b.WriteByte('\n')
	row(&b, "Recipe", f.Recipe)
	row(&b, "Outcome", string(f.Class))
	row(&b, "Step", joined(f.Step, f.Ended))
	row(&b, "Job", f.Job)
	row(&b, "Ended", f.At.UTC().Format("2006-01-02 15:04:05 UTC"))
	row(&b, "Attempts", fmt.Sprint(f.Attempts))
	row(&b, "Used", f.Usage.text())
	for _, in := range f.Inputs {
		row(&b, "Input", named(in))
	}
	writeAdvice(&b, f.Advice)
	writeLog(&b, f.LogTail)
	b.WriteByte('\n')
	c.writeInputs(&b, f, attached)
	row(&b, "Page", c.link("/jobs/"+f.Job))
	row(&b, "Run it again", "convertd replay "+f.Job)
	return text{subject: subject(f), body: b.String()}
}

// subject holds nothing but our own words and the recipe's name.
func subject(f Failure) string {
	return fmt.Sprintf("[convertd] %s failed (%s)", line(f.Recipe), line(string(f.Class)))
}

func (c Config) writeInputs(b *strings.Builder, f Failure, attached bool) {
	if len(f.Inputs) == 0 {
		return
	}
	if attached {
		fmt.Fprintf(b, "The files that went in are attached.\n\n")
		return
	}
	fmt.Fprintf(b, "The files that went in are too large for a mail or were refused by the mail server; they are kept until %s:\n", day(f.KeptUntil))
	for _, in := range f.Inputs {
		fmt.Fprintf(b, "  %s\n", c.link("/api/v1/jobs/"+f.Job+"/inputs/"+url.PathEscape(in.Name)))
	}
	b.WriteByte('\n')
}

func writeAdvice(b *strings.Builder, advice []string) {
	if len(advice) == 0 {
		return
	}
	b.WriteString("\nWhat the box of this recipe did not have:\n")
	for _, l := range advice {
		fmt.Fprintf(b, "  %s\n", line(l))
	}
}

func writeLog(b *strings.Builder, tail []string) {
	if len(tail) == 0 {
		return
	}
	b.WriteString("\nLast lines of the log:\n")
	for _, l := range tail {
		fmt.Fprintf(b, "  %s\n", line(l))
	}
}

// successText writes the mail about a job that ended well, in the language of whoever
// gets it.
func (c Config) successText(s Success) (text, error) {
	w, err := wordsIn(s.Lang)
	if err != nil {
		return text{}, err
	}
	var b strings.Builder
	b.WriteString(w.ready(len(s.Outputs)) + "\n\n")
	for _, in := range s.Inputs {
		row(&b, w["from"], w.named(in))
	}
	for _, out := range s.Outputs {
		row(&b, w["result"], w.named(out))
	}
	row(&b, w["download"], c.link("/jobs/"+s.Job))
	row(&b, w["kept"], day(s.KeptUntil))
	return text{subject: fmt.Sprintf("[convertd] %s (%s)", w["subject"], line(s.Recipe)), body: b.String()}, nil
}

func (c Config) digestText(d Digest) text {
	var b strings.Builder
	fmt.Fprintf(&b, "%d more jobs failed. The first failure of each kind was sent at once; these are the others.\n", len(d.Failures))
	for _, group := range byKind(d.Failures) {
		f := group[0]
		fmt.Fprintf(&b, "\n%s failed (%s), %d times: %s\n", line(f.Recipe), line(string(f.Class)), len(group), line(f.Detail))
		for _, f := range group {
			fmt.Fprintf(&b, "  %s  %s  %s\n", f.At.UTC().Format("15:04:05"), f.Job, c.link("/jobs/"+f.Job))
			for _, in := range f.Inputs {
				fmt.Fprintf(&b, "    %s\n", named(in))
			}
		}
	}
	b.WriteString("\nRun one again with: convertd replay JOB\n")
	return text{subject: fmt.Sprintf("[convertd] %d more failed jobs", len(d.Failures)), body: b.String()}
}

// byKind keeps the order in which kinds first appear.
func byKind(all []Failure) [][]Failure {
	index := map[string]int{}
	var groups [][]Failure
	for _, f := range all {
		i, ok := index[f.Kind()]
		if !ok {
			i = len(groups)
			index[f.Kind()] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], f)
	}
	return groups
}

func (u Usage) text() string {
	if u == (Usage{}) {
		return ""
	}
	t := fmt.Sprintf("%.1f s, %.1f s of processor time", u.WallSeconds, u.CPUSeconds)
	if u.PeakMemoryBytes > 0 {
		t += fmt.Sprintf(", at most %.1f MiB of memory", float64(u.PeakMemoryBytes)/(1<<20))
	}
	return t
}

func (c Config) link(path string) string {
	if c.BaseURL == "" {
		return path + " (set [web] base_url for a whole link)"
	}
	return strings.TrimRight(c.BaseURL, "/") + path
}

func row(b *strings.Builder, name, value string) {
	if value != "" {
		fmt.Fprintf(b, "%-13s %s\n", name+":", line(value))
	}
}

func joined(step, ended string) string {
	if step == "" || ended == "" {
		return step + ended
	}
	return step + ", " + ended
}

func named(f File) string { return fmt.Sprintf("“%s” (%d bytes)", line(f.Name), f.Size) }

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// maxLine bounds what one text of others may fill.
const maxLine = 1000

// line makes a text of others harmless in a mail: one line of valid UTF-8 without
// control or direction characters, of bounded length.
func line(s string) string {
	if len(s) > maxLine {
		s = s[:maxLine] + "…"
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return '?'
		case r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
			return -1
		}
		return r
	}, s)
}
