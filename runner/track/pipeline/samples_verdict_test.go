//go:build samples

package pipeline

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
)

// verdict says how an output of ours compares with the reference's.
type verdict int

const (
	equalBytes verdict = iota
	equalHash
	equalDigits
	equalBytesHead
	equalDigitsHead
	departed
	different
)

func verdicts() []verdict {
	return []verdict{equalBytes, equalHash, equalDigits, equalBytesHead, equalDigitsHead, departed, different}
}

func (v verdict) String() string {
	return [...]string{
		"equal byte for byte (whole output)",
		"equal byte for byte (by hash)",
		"equal within one unit of the last digit (whole output)",
		"equal byte for byte in the first lines (no more is kept)",
		"equal within one unit of the last digit in the first lines (no more is kept)",
		"excepted: equal after a departure by name was taken back",
		"DIFFERENT",
	}[v]
}

// orHead returns the verdict for a comparison of the first lines only.
func (v verdict) orHead(whole bool) verdict {
	switch {
	case whole:
		return v
	case v == equalBytes:
		return equalBytesHead
	}
	return equalDigitsHead
}

// compareTokens compares two texts token by token: numbers with a decimal point may differ
// by one unit of their last digit, everything else must be equal. It returns what differs
// first, or nothing.
func compareTokens(want, got []byte) string {
	line := 1
	for len(want) > 0 && len(got) > 0 {
		w, g := token(want), token(got)
		if !bytes.Equal(w, g) && !withinOneUnit(w, g) {
			return fmt.Sprintf("line %d: got %q, want %q", line, clip(got), clip(want))
		}
		line += bytes.Count(w, []byte{'\n'})
		want, got = want[len(w):], got[len(g):]
	}
	if len(want) != len(got) {
		return fmt.Sprintf("line %d: got %q, want %q", line, clip(got), clip(want))
	}
	return ""
}

// token returns the number that b starts with, else the text up to the next number.
func token(b []byte) []byte {
	if n := numberLength(b); n > 0 {
		return b[:n]
	}
	for i := range b {
		if numberLength(b[i:]) > 0 && i > 0 {
			return b[:i]
		}
	}
	return b
}

// numberLength returns the length of the number at the start of b, 0 if there is none.
func numberLength(b []byte) int {
	i := 0
	if i < len(b) && b[i] == '-' {
		i++
	}
	if i >= len(b) || b[i] < '0' || b[i] > '9' {
		return 0
	}
	for i < len(b) && (b[i] >= '0' && b[i] <= '9' || b[i] == '.') {
		i++
	}
	return i
}

// withinOneUnit compares two numbers with the same number of decimals.
func withinOneUnit(w, g []byte) bool {
	wd, gd := decimals(w), decimals(g)
	if wd < 1 || wd != gd {
		return false
	}
	a, errA := strconv.ParseFloat(string(w), 64)
	b, errB := strconv.ParseFloat(string(g), 64)
	unit := math.Pow10(-wd)
	return errA == nil && errB == nil && math.Abs(a-b) <= unit*1.001+1e-15*math.Abs(a)
}

func decimals(number []byte) int {
	point := bytes.IndexByte(number, '.')
	if point < 0 {
		return 0
	}
	return len(number) - point - 1
}

func clip(b []byte) []byte {
	return b[:min(len(b), 60)]
}
