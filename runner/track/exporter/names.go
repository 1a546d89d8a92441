package exporter

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"convertd/runner/track"
)

// nameRules say which tracker names a format can hold. Names that it cannot hold are
// changed, never written so that they break the output, and the person is told.
type nameRules struct {
	// why is the reason given to the person: a clause that follows "because".
	why string
	// legal returns the name as the format can hold it; names that fit are returned
	// unchanged. An empty result stands for "no name".
	legal func(name string) string
	// spelling, if not nil, is how the format spells every name; it is no change that
	// people are told about.
	spelling func(name string) string
	// unique says that equal names would become one object there.
	unique bool
	// taken are names that the output uses for other things.
	taken []string
}

// apply returns the shot with names that fit and notes how many had to be changed.
func (r *nameRules) apply(t *text, shot track.Shot) track.Shot {
	used := make(map[string]bool, len(r.taken))
	for _, name := range r.taken {
		used[name] = true
	}
	trackers := make([]track.Tracker, len(shot.Trackers))
	changed, example := 0, ""
	for i, tr := range shot.Trackers {
		wanted := tr.Name
		if r.spelling != nil {
			wanted = r.spelling(wanted)
		}
		name := r.legal(wanted)
		if name == "" {
			name = "tracker_" + strconv.Itoa(i+1)
		}
		if r.unique {
			name = firstFree(name, used)
			used[name] = true
		}
		if name != wanted {
			changed++
			if example == "" {
				example = fmt.Sprintf("%q is now %q", tr.Name, name)
			}
		}
		trackers[i] = track.Tracker{Name: name, Keyframes: tr.Keyframes}
	}
	if changed > 0 {
		t.note(fmt.Sprintf("%s changed because %s (%s).", countNames(changed), r.why, example))
	}
	shot.Trackers = trackers
	return shot
}

// countNames says how many names in words that begin a sentence.
func countNames(n int) string {
	if n == 1 {
		return "1 tracker name was"
	}
	return strconv.Itoa(n) + " tracker names were"
}

// firstFree returns name, or name with the first number behind it that nobody uses.
func firstFree(name string, used map[string]bool) string {
	if !used[name] {
		return name
	}
	for n := 2; ; n++ {
		if candidate := name + "_" + strconv.Itoa(n); !used[candidate] {
			return candidate
		}
	}
}

// byteOrderMark would vanish from a name that stands at the start of a file.
const byteOrderMark = '\ufeff'

// anyWord is the rule of formats that hold every name without blanks, of which Unicode
// knows more than ASCII.
func anyWord(name string) string {
	return replaceRunes(name, func(r rune) bool {
		return !unicode.IsSpace(r) && !unicode.IsControl(r) && r != byteOrderMark
	})
}

// printable is the rule of formats that quote names and hold all of one line.
func printable(name string) string {
	return replaceRunes(name, func(r rune) bool { return !unicode.IsControl(r) })
}

// quotable is the rule of formats that put names between double quotes and know no way
// to write a quote inside.
func quotable(name string) string {
	return strings.ReplaceAll(anyWord(name), `"`, "'")
}

// identifier is the rule of languages whose names are ASCII letters, digits and
// underscores and do not begin with a digit.
func identifier(name string) string {
	name = wordOf(name, "_")
	if name != "" && isDigit(rune(name[0])) {
		name = "_" + name
	}
	return name
}

// wordOf replaces everything but ASCII letters, digits and the characters in extra.
func wordOf(name, extra string) string {
	return replaceRunes(name, func(r rune) bool {
		return isASCIILetter(r) || isDigit(r) || r < utf8.RuneSelf && strings.ContainsRune(extra, r)
	})
}

// replaceRunes returns name with an underscore for every character that keep refuses.
func replaceRunes(name string, keep func(rune) bool) string {
	return strings.Map(func(r rune) rune {
		if keep(r) {
			return r
		}
		return '_'
	}, name)
}

func isASCIILetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

func isDigit(r rune) bool { return r >= '0' && r <= '9' }
