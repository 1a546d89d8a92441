package recipe

import (
	"fmt"
	"slices"
	"strings"
)

// Wanted reports whether the step's condition holds for the values; a step without a
// condition always runs. A list holds a value if one of its elements is it; a parameter
// without a value is not equal to anything.
func (s Step) Wanted(v Values) (bool, error) {
	if s.When == "" {
		return true, nil
	}
	name, value, equal, err := ParseCondition(s.When)
	if err != nil {
		return false, err
	}
	return slices.Contains(v[name], value) == equal, nil
}

// ParseCondition reads "param.NAME = VALUE" or "param.NAME != VALUE". Blanks around the
// parts do not count, quotes have no meaning.
func ParseCondition(text string) (param, value string, equal bool, err error) {
	left, right, ok := strings.Cut(text, "=")
	left, unequal := strings.CutSuffix(left, "!")
	name, isParam := strings.CutPrefix(strings.TrimSpace(left), "param.")
	value = strings.TrimSpace(right)
	if !ok || !isParam || name == "" || value == "" {
		return "", "", false, fmt.Errorf("condition %q is not of the form param.NAME = VALUE", text)
	}
	return name, value, !unequal, nil
}
