package track

import (
	"math"
	"strconv"
	"strings"
)

// Limits of what a shot can hold. Larger numbers in a file are damage, not data, and
// readers refuse them.
const (
	// MaxFrame is the largest absolute frame number.
	MaxFrame = 1_000_000_000
	// MaxCoordinate is the largest absolute position in pixels.
	MaxCoordinate = 1e12
)

// ParseFloat reads a decimal number with optional sign, fraction and exponent. The
// words nan and inf in any case, what programs for Windows write instead of them (1.#INF,
// -nan(ind)), and numbers too large for a float64 are numbers too: NaN and infinities,
// which the caller has to judge. Anything else before, in or after the number is not
// accepted.
func ParseFloat(b []byte) (v float64, ok bool) {
	mantissa, exponent, exact, ok := scanDecimal(b)
	if !ok {
		return parseWord(b)
	}
	if exact && mantissa < 1<<53 && exponent >= -22 && exponent <= 22 {
		v = float64(mantissa)
		if exponent < 0 {
			v /= powerOfTen(-exponent)
		} else {
			v *= powerOfTen(exponent)
		}
		if b[0] == '-' {
			v = -v
		}
		return v, true
	}
	v, err := strconv.ParseFloat(string(b), 64)
	return v, err == nil || math.IsInf(v, 0)
}

// scanDecimal checks the form of a number and computes its digits. exact is false when
// there were more digits than a uint64 holds.
func scanDecimal(b []byte) (mantissa uint64, exponent int, exact, ok bool) {
	i, digits, fraction := 0, 0, 0
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		i++
	}
	start := i
	for ; i < len(b) && isDigit(b[i]); i++ {
		mantissa = mantissa*10 + uint64(b[i]-'0')
	}
	digits = i - start
	if i < len(b) && b[i] == '.' {
		i++
		start = i
		for ; i < len(b) && isDigit(b[i]); i++ {
			mantissa = mantissa*10 + uint64(b[i]-'0')
		}
		fraction = i - start
	}
	digits += fraction
	power, ok := scanExponent(b[i:])
	return mantissa, power - fraction, digits <= 19, ok && digits > 0
}

// scanExponent reads what may follow the digits of a number: nothing, or e and an
// integer.
func scanExponent(b []byte) (power int, ok bool) {
	if len(b) == 0 {
		return 0, true
	}
	if b[0]|0x20 != 'e' {
		return 0, false
	}
	b = b[1:]
	negative := len(b) > 0 && b[0] == '-'
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		b = b[1:]
	}
	for _, c := range b {
		if !isDigit(c) {
			return 0, false
		}
		power = min(power*10+int(c-'0'), 1_000_000)
	}
	if negative {
		power = -power
	}
	return power, len(b) > 0
}

// parseWord reads the words that stand for no number and for infinity.
func parseWord(b []byte) (v float64, ok bool) {
	if len(b) == 0 || len(b) > len("-infinity") {
		return 0, false
	}
	word := strings.TrimPrefix(string(b), "-")
	if windows, ok := strings.CutPrefix(word, "1.#"); ok {
		return parseWindowsWord(windows, b[0] == '-')
	}
	if kind, _, _ := strings.Cut(word, "("); strings.EqualFold(kind, "nan") {
		return math.NaN(), true
	}
	for _, c := range b {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && c != '-' && c != '+' {
			return 0, false
		}
	}
	v, err := strconv.ParseFloat(string(b), 64)
	return v, err == nil
}

// parseWindowsWord reads what stands behind the number sign of 1.#INF and its like.
func parseWindowsWord(word string, negative bool) (v float64, ok bool) {
	switch strings.TrimRight(word, "0") {
	case "INF":
		if negative {
			return math.Inf(-1), true
		}
		return math.Inf(1), true
	case "IND", "QNAN", "SNAN", "NAN":
		return math.NaN(), true
	}
	return 0, false
}

// ParseFrame reads a frame number: an integer, or a decimal number, whose fraction is
// cut downwards because the picture on screen at 12.5 is that of frame 12. Numbers
// beyond MaxFrame are not accepted.
func ParseFrame(b []byte) (frame int, ok bool) {
	negative := len(b) > 0 && b[0] == '-'
	digits := b
	if negative {
		digits = b[1:]
	}
	if len(digits) == 0 || len(digits) > 9 {
		return parseFractionalFrame(b)
	}
	for _, c := range digits {
		if !isDigit(c) {
			return parseFractionalFrame(b)
		}
		frame = frame*10 + int(c-'0')
	}
	if negative {
		frame = -frame
	}
	return frame, true
}

// parseFractionalFrame reads a frame number that is not a short plain integer.
func parseFractionalFrame(b []byte) (frame int, ok bool) {
	v, ok := ParseFloat(b)
	v = math.Floor(v)
	if !ok || !(math.Abs(v) <= MaxFrame) {
		return 0, false
	}
	return int(v), true
}

func isDigit(c byte) bool {
	return c >= '0' && c <= '9'
}

// powerOfTen returns 10 to the power n, exact for 0 <= n <= 22.
func powerOfTen(n int) float64 {
	v, base := 1.0, 10.0
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			v *= base
		}
		base *= base
	}
	return v
}
