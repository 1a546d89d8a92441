package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestImportsStayLean names every package that must not be linked, because each job pays
// for it: the child speaks no network protocol but one by plain system calls.
func TestImportsStayLean(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	linked := map[string]bool{}
	for _, path := range strings.Fields(string(out)) {
		linked[path] = true
	}
	for _, path := range []string{
		"net", "net/http", "crypto/tls", "crypto/x509", "log/slog", "os/exec", "os/user", "text/template",
		"html/template", "database/sql", "go/ast", "testing", "flag", "mime", "encoding/gob",
		"github.com/bradfitz/gomemcache/memcache", "github.com/gabriel-vasile/mimetype", "github.com/BurntSushi/toml",
		"github.com/lib/pq", "github.com/jmoiron/sqlx", "convertd/runner/recipe/load", "convertd/runner/progress/store",
	} {
		if linked[path] {
			t.Errorf("the child links %s", path)
		}
	}
	if !linked["convertd/runner"] {
		t.Error("the list is not that of the child")
	}
}
