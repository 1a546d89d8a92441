package recipe

import (
	"path"
	"strings"
)

// ShownName returns the name under which people see an output file: what the recipe's
// output declares to Show, else the file's own name with the neutral stem at its
// beginning replaced by stem, the name of the first input without its last extension.
// The result is not yet cleaned or made unique; that is the caller's.
func ShownName(outputs []Output, file, stem string) string {
	for _, o := range outputs {
		if ok, err := path.Match(o.Match, file); o.Show != "" && err == nil && ok {
			return strings.ReplaceAll(o.Show, "{stem}", stem)
		}
	}
	if rest, ok := strings.CutPrefix(file, NeutralStem); ok {
		return stem + rest
	}
	return file
}
