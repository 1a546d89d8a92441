package recipe

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// HiddenValue stands in the values of a job for a secret that was given. Values are kept
// in rows and told in documents; secrets lie apart from them, in memory, until the job's end.
const HiddenValue = "(hidden)"

// maxSecretBytes bounds one secret: keys and passwords are much smaller.
const maxSecretBytes = 64 << 10

// Hide takes the secrets out of checked values: HiddenValue takes their place.
func (r Recipe) Hide(values Values) (shown Values, secrets map[string]string) {
	shown, secrets = Values{}, map[string]string{}
	for name, value := range values {
		if p, ok := find(r.Params, name); ok && p.Type == Secret && len(value) == 1 {
			secrets[name] = value[0]
			value = Value{HiddenValue}
		}
		shown[name] = value
	}
	return shown, secrets
}

// CheckStored is CheckParams for values that Hide returned: a secret is there if
// HiddenValue stands for it.
func (r Recipe) CheckStored(given map[string][]string) (Values, error) {
	return r.check(given, true)
}

// ParamsOf returns the recipe's parameters of the type that have a value.
func ParamsOf[V ~[]string](r Recipe, kind ParamType, values map[string]V) []Param {
	return slices.DeleteFunc(slices.Clone(r.Params), func(p Param) bool { return p.Type != kind || len(values[p.Name]) == 0 })
}

// Param returns the declared parameter of that name.
func (r Recipe) Param(name string) (Param, bool) { return find(r.Params, name) }

// CheckFile returns a sentence about a file that the parameter does not take, "" for one
// that it takes; ext is without the dot.
func (p Param) CheckFile(mediaType, ext string) string {
	if len(p.Accept) == 0 || (Recipe{Accept: p.Accept}).Accepts(mediaType, ext) {
		return ""
	}
	return fmt.Sprintf("%s takes no such file. It takes %s.", p.label(), strings.Join(p.Accept, ", "))
}

// checkFileName takes the name of a file that was sent; the file itself is looked at by
// whoever has it.
func (p Param) checkFileName(text string) (canonical, problem string) {
	if len(text) > 1000 || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return "", fmt.Sprintf("%s has a file whose name cannot be kept.", p.label())
	}
	return text, ""
}

// checkSecret takes any text that a file can hold. What is wrong is told without it.
func (p Param) checkSecret(text string) (canonical, problem string) {
	limit := p.MaxLength
	if limit == 0 {
		limit = maxSecretBytes
	}
	switch {
	case len(text) > limit:
		return "", fmt.Sprintf("%s is longer than %d bytes.", p.label(), limit)
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return "", fmt.Sprintf("%s is not a text.", p.label())
	}
	if ok, err := p.matches(text); err != nil || !ok {
		return "", fmt.Sprintf("%s does not have the required form.", p.label())
	}
	return text, ""
}

// missing is the sentence about a parameter that has to be given.
func (p Param) missing() string {
	if p.Type == Secret {
		return fmt.Sprintf("%s is missing. Secrets are not kept: it has to be given each time.", p.label())
	}
	return fmt.Sprintf("%s is missing.", p.label())
}

// SecretVariable is the name of a secret as it stands in the name of its environment
// variable, CONVERTD_SECRET_NAME.
func SecretVariable(name string) string {
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}
