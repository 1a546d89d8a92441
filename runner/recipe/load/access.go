package load

import (
	"fmt"
	"path/filepath"
	"strings"

	"convertd/runner/recipe"
)

// readAccess takes what the box of the recipe's steps holds beyond the system's programs
// and the files of the job.
func readAccess(t *table) recipe.Access {
	if t == nil {
		return recipe.Access{}
	}
	a := recipe.Access{Read: t.paths("read"), Write: t.paths("write")}
	t.notYet("user", "secrets", "hosts", "devices", "network")
	t.done()
	return a
}

// hidden are folders that no box may hold, whole or in part: they are the kernel's or
// the box has its own.
func hidden() []string { return []string{"/proc", "/sys", "/dev", "/run", "/tmp"} }

// paths takes a list of absolute paths.
func (t *table) paths(key string) []string {
	all := t.texts(key, "/srv/luts")
	for _, path := range all {
		switch {
		case !filepath.IsAbs(path) || filepath.Clean(path) != path || strings.ContainsRune(path, 0):
			t.wrong(key, fmt.Sprintf("has %q, which is not a plain absolute path.", path), "Write the whole path from the root on, such as /srv/luts.")
		case path == "/":
			t.wrong(key, "has the root itself, which would give everything away.", "Name the folders that the program needs.")
		default:
			t.refuseHidden(key, path)
		}
	}
	return all
}

func (t *table) refuseHidden(key, path string) {
	for _, dir := range hidden() {
		if path == dir {
			t.wrong(key, fmt.Sprintf("has %q, of which every box has its own.", path), "Name what lies beneath it, if the program needs that.")
		}
	}
}
