package recipe

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Digits that a number may have, so that no value is changed by rounding on its way
// through a program that reads doubles.
const (
	maxIntegerDigits = 15
	maxNumberDigits  = 15
)

// checkInteger takes plain decimal digits only: no exponent, no hexadecimal, no leading
// zero or plus, no digits of other scripts, so that a number has exactly one spelling.
func (p Param) checkInteger(text string) (canonical, problem string) {
	digits, _ := strings.CutPrefix(text, "-")
	if !plainDigits(digits) || len(digits) > 1 && digits[0] == '0' || text == "-0" {
		return "", fmt.Sprintf("%s must be a whole number such as 12, not %s.", p.label(), quote(text))
	}
	if len(digits) > maxIntegerDigits {
		return "", fmt.Sprintf("%s must be a whole number of at most %d digits, not %s.", p.label(), maxIntegerDigits, quote(text))
	}
	return text, p.outOfRange(text)
}

// checkNumber takes decimal digits with at most one point and drops zeros behind it that
// say nothing.
func (p Param) checkNumber(text string) (canonical, problem string) {
	body, _ := strings.CutPrefix(text, "-")
	whole, fraction, point := strings.Cut(body, ".")
	bad := !plainDigits(whole) || len(whole) > 1 && whole[0] == '0' || point && !plainDigits(fraction)
	if bad {
		hint := ""
		if strings.Contains(text, ",") {
			hint = " Write the decimal sign as a point."
		}
		return "", fmt.Sprintf("%s must be a number such as 0.5, not %s.%s", p.label(), quote(text), hint)
	}
	if len(whole)+len(fraction) > maxNumberDigits {
		return "", fmt.Sprintf("%s must be a number of at most %d digits, not %s.", p.label(), maxNumberDigits, quote(text))
	}
	if point {
		text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		return "", fmt.Sprintf("%s must be a number such as 0.5, not negative zero.", p.label())
	}
	return text, p.outOfRange(text)
}

func plainDigits(text string) bool {
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return text != ""
}

func (p Param) outOfRange(text string) string {
	value, err := strconv.ParseFloat(text, 64)
	tooSmall := p.Min != nil && value < *p.Min
	tooLarge := p.Max != nil && value > *p.Max
	if err == nil && !tooSmall && !tooLarge {
		return ""
	}
	switch {
	case p.Min != nil && p.Max != nil:
		return fmt.Sprintf("%s must be from %s to %s, not %s.", p.label(), decimal(*p.Min), decimal(*p.Max), text)
	case p.Min != nil:
		return fmt.Sprintf("%s must be at least %s, not %s.", p.label(), decimal(*p.Min), text)
	default:
		return fmt.Sprintf("%s must be at most %s, not %s.", p.label(), decimal(*p.Max), text)
	}
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// matches reports whether the whole text has the form of the parameter's pattern.
func (p Param) matches(text string) (bool, error) {
	if p.Pattern == "" {
		return true, nil
	}
	whole, err := regexp.Compile(`\A(?:` + p.Pattern + `)\z`)
	if err != nil {
		return false, fmt.Errorf("pattern of %s: %w", p.Name, err)
	}
	return whole.MatchString(text), nil
}
