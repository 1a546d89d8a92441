package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// buttonNamed is the smallest recipe: no file, one command.
func buttonNamed(name, title string) string {
	return fmt.Sprintf("name = %q\ntitle = %q\naccept = []\ncommand = [\"/bin/sh\", \"-c\", \"echo said > \\\"$0/out.txt\\\"\", \"{output}\"]\n", name, title)
}

func TestReload(t *testing.T) {
	t.Parallel()
	dir := dataFolder(t)
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	u := startUp(t, dataFolder(t), "CONVERTD_RECIPES_DIR="+dir)
	hangUp := func() {
		t.Helper()
		if err := u.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	title := func(name string) string {
		_, body := u.get("/api/v1/recipes/" + name)
		return body
	}
	if status, _ := u.get("/api/v1/recipes/one"); status != http.StatusNotFound {
		t.Fatalf("a recipe that is not there: %d", status)
	}

	put("one.toml", buttonNamed("one", "First title"))
	hangUp()
	await(t, "the new recipe is offered", func() bool { return strings.Contains(title("one"), "First title") })
	done := convertd(t, "", "submit", "--recipe", "one", "--wait", "--server", u.URL)
	if done.code != 0 {
		t.Errorf("the dispatcher does not know the new recipe: %+v", done)
	}

	// Both files have an error: all are told, nothing of the new is in force.
	put("one.toml", buttonNamed("one", "Second title")+"colour = 1\n")
	put("two.toml", buttonNamed("two", "Two"))
	put("three.toml", "name = \"three\"\n")
	hangUp()
	await(t, "both services say what is wrong", func() bool {
		return strings.Count(u.said(), "recipes not reloaded") == 2 &&
			strings.Count(u.said(), "colour") >= 2 && strings.Count(u.said(), "three.toml") >= 2
	})
	if body := title("one"); !strings.Contains(body, "First title") {
		t.Errorf("after a broken reload: %s", body)
	}
	if status, _ := u.get("/api/v1/recipes/two"); status != http.StatusNotFound {
		t.Errorf("a part of a broken reload is in force: %d", status)
	}

	put("one.toml", buttonNamed("one", "Second title"))
	if err := os.Remove(filepath.Join(dir, "three.toml")); err != nil {
		t.Fatal(err)
	}
	hangUp()
	await(t, "the mended recipes are offered", func() bool {
		return strings.Contains(title("one"), "Second title") && strings.Contains(title("two"), "Two")
	})
}
