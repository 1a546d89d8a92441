package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"convertd/cmd/convertd/handbook"
)

// block is a fenced block of a chapter: its language and mark, and its lines.
type block struct{ mark, text string }

// blocksOf reads the fenced blocks of Markdown.
func blocksOf(markdown string) []block {
	var all []block
	inside := false
	for line := range strings.Lines(markdown) {
		mark, fence := strings.CutPrefix(strings.TrimRight(line, "\n"), "```")
		switch {
		case fence && !inside:
			all = append(all, block{mark: mark})
			inside = true
		case fence:
			inside = false
		case inside:
			all[len(all)-1].text += line
		}
	}
	return all
}

// Every command of the handbook that is marked with "run" does what stands in the block
// behind it, on a live service with the recipes of the handbook.
func TestHandbookCommands(t *testing.T) {
	t.Parallel()
	chapters, err := handbook.Chapters()
	if err != nil {
		t.Fatal(err)
	}
	recipes := dataFolder(t)
	for _, c := range chapters {
		for _, b := range blocksOf(c.Markdown) {
			if b.mark == "toml recipe" {
				writeRecipe(t, recipes, b.text)
			}
		}
	}
	u := startUp(t, dataFolder(t), "CONVERTD_RECIPES_DIR="+recipes)
	await(t, "the machine was examined", func() bool {
		_, body := u.asAdmin("/api/v1/findings")
		return !strings.Contains(body, `"examined_at":null`) && !strings.Contains(body, `"examined_at": null`)
	})
	ran := 0
	for _, c := range chapters {
		ran += u.runChapter(t, c, recipes)
	}
	if ran < 9 {
		t.Errorf("only %d blocks were run", ran)
	}
}

func writeRecipe(t *testing.T, folder, text string) {
	t.Helper()
	name, _, _ := strings.Cut(strings.SplitN(text, `"`, 3)[1], `"`)
	if err := os.WriteFile(filepath.Join(folder, name+".toml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// runChapter runs the blocks of one chapter in a folder of its own.
func (u *upInstance) runChapter(t *testing.T, c handbook.Chapter, recipes string) (ran int) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Symlink(recipes, filepath.Join(dir, "recipes")); err != nil {
		t.Fatal(err)
	}
	token, err := os.ReadFile(filepath.Join(u.Data, "admin_token"))
	if err != nil {
		t.Fatal(err)
	}
	environ := append(os.Environ(), "PATH="+binDir+":"+os.Getenv("PATH"), "TOKEN="+strings.TrimSpace(string(token)), "DATA="+u.Data, "FRESH="+dataFolder(t))
	blocks := blocksOf(c.Markdown)
	for i, b := range blocks {
		if b.mark != "sh run" {
			continue
		}
		ran++
		cmd := exec.Command("sh", "-e", "-c", strings.ReplaceAll(b.text, "http://127.0.0.1:8080", u.URL))
		cmd.Dir, cmd.Env = dir, environ
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s\n%s", c.Name, err, b.text, out)
			continue
		}
		if i+1 == len(blocks) || blocks[i+1].mark != "text expect" {
			t.Errorf("%s: nothing is expected of\n%s", c.Name, b.text)
			continue
		}
		for want := range strings.Lines(blocks[i+1].text) {
			if !strings.Contains(string(out), strings.TrimSpace(want)) {
				t.Errorf("%s: no %q in the output of\n%s\n%s", c.Name, want, b.text, out)
			}
		}
	}
	return ran
}
