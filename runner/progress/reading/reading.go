// Package reading owns the ways in which a program tells how far it is: lines on the
// progress descriptor, messages of sd_notify, and reading rules over what it prints,
// which are extractors by name and patterns of a recipe's own. It also cuts a stream of
// output into pieces of plain text.
//
// It does not own what becomes of percent and message (progress), nor the streams
// (runner). It may import the standard library and runner/recipe.
package reading

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Update is one thing that a program said about its progress.
type Update struct {
	// Percent is 0..100 of the step and meaningful only if Known.
	Percent float64
	Known   bool
	// Message is plain text for people; empty means nothing new.
	Message string
}

// nothing is the Update that changes nothing.
func (u Update) nothing() bool { return !u.Known && u.Message == "" }

func percentOf(p float64) Update { return Update{Percent: p, Known: true} }

// Line reads one line of the progress descriptor: PERCENT [MESSAGE].
func Line(text string) (Update, bool) {
	first, message, _ := strings.Cut(strings.TrimSpace(text), " ")
	percent, ok := number(strings.TrimSuffix(first, "%"))
	if !ok {
		return Update{}, false
	}
	return Update{Percent: percent, Known: true, Message: Clean(message)}, true
}

// Notify reads one datagram of sd_notify (sd_notify(3)): STATUS= is the message,
// X_PERCENT= the percent; everything else is not ours.
func Notify(datagram string) (Update, bool) {
	var u Update
	for line := range strings.SplitSeq(datagram, "\n") {
		if text, ok := strings.CutPrefix(line, "STATUS="); ok {
			u.Message = Clean(text)
		}
		if text, ok := strings.CutPrefix(line, "X_PERCENT="); ok {
			if percent, ok := number(text); ok {
				u.Percent, u.Known = percent, true
			}
		}
	}
	return u, !u.nothing()
}

// number reads a decimal and refuses what is no percent of anything.
func number(text string) (float64, bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, false
	}
	return n, true
}

// maxMessage is how long a message may be, in bytes.
const maxMessage = 200

// Clean makes text of a program fit to be shown as a message: CleanTo 200 bytes.
func Clean(text string) string { return CleanTo(maxMessage, text) }

// CleanTo makes text of a program fit to be shown: valid UTF-8, one line, no control or
// bidirectional characters, runs of blanks as one, at most so many bytes.
func CleanTo(size int, text string) string {
	if len(text) > 4*size {
		text = text[:4*size]
	}
	var b strings.Builder
	blank := false
	for _, r := range text {
		switch {
		case r <= ' ' || r == 0x7f:
			blank = b.Len() > 0
			continue
		case r == utf8.RuneError || hidden(r):
			continue
		}
		if b.Len()+1+utf8.RuneLen(r) > size {
			break
		}
		if blank {
			b.WriteByte(' ')
			blank = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// hidden reports control characters above ASCII and those that turn the direction of
// the text around them.
func hidden(r rune) bool {
	return r >= 0x80 && r < 0xa0 || r == 0x61c || r == 0x200e || r == 0x200f ||
		r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff
}
