package load

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// fileKind is what a table that stands for a file may say in a body.
type fileKind struct {
	keys []string
	// as are the forms that the file may be written in; in a document one must be named,
	// which also tells such a table from any other with a key "file".
	as []string
}

// is reports whether a table stands for a file.
func (k fileKind) is(table map[string]any) bool {
	_, file := table["file"]
	_, as := table["as"]
	return file && (as || k.as == nil)
}

// jsonFile is a file that stands in a JSON document, in a form of it.
func jsonFile() fileKind {
	return fileKind{keys: []string{"as", "file"}, as: []string{"base64", "data_url", "text", "json"}}
}

// formFile is a file that is a part of a multipart body.
func formFile() fileKind { return fileKind{keys: []string{"file", "name", "type"}} }

// readTree reads the table that a body is made from: what JSON has, too, and files.
func readTree(t *table, key string, files fileKind) map[string]any {
	inner := t.inner(key)
	if inner == nil {
		return nil
	}
	for _, name := range names(inner.values) {
		t.checkTree(key, name, inner.values[name], files)
	}
	return inner.values
}

// wrongAt reports a problem with what lies beneath a key.
func (t *table) wrongAt(key, at, message, remedy string) {
	t.problem(t.path+key+"."+at, key+" "+message, remedy)
}

// checkTree looks at one value; at is its path beneath the key.
func (t *table) checkTree(key, at string, value any, files fileKind) {
	switch value := value.(type) {
	case string, bool, int64, float64:
	case []any:
		for i, element := range value {
			t.checkTree(key, at+"."+strconv.Itoa(i), element, files)
		}
	case []map[string]any:
		for i, element := range value {
			t.checkTree(key, at+"."+strconv.Itoa(i), element, files)
		}
	case map[string]any:
		if files.is(value) || files.as == nil {
			t.checkFile(key, at, value, files)
			return
		}
		for _, name := range names(value) {
			t.checkTree(key, at+"."+name, value[name], files)
		}
	default:
		t.wrongAt(key, at, fmt.Sprintf("has %s at %s.", kind(value), at), "Put it in quotes.")
	}
}

func (t *table) checkFile(key, at string, value map[string]any, files fileKind) {
	for _, name := range names(value) {
		text, isText := value[name].(string)
		switch {
		case !slices.Contains(files.keys, name):
			t.wrongAt(key, at, fmt.Sprintf("has %q at %s.", name, at), "A table here is a file, with the keys "+strings.Join(files.keys, ", ")+".")
		case !isText || text == "":
			t.wrongAt(key, at, fmt.Sprintf("has something at %s.%s that is not a text.", at, name), "Put it in quotes.")
		case name == "as" && !slices.Contains(files.as, text):
			t.wrongAt(key, at, fmt.Sprintf("has as = %q at %s.", text, at), "It is one of "+strings.Join(files.as, ", ")+".")
		}
	}
	if _, named := value["file"]; !named {
		t.wrongAt(key, at, fmt.Sprintf("has a table without file at %s.", at), `Write { file = "{input}" }.`)
	}
}
