package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"convertd/runner"
	"convertd/runner/recipe"
)

// previewPatience is how long a program may draw a preview: it is worth no waiting.
const previewPatience = 20 * time.Second

// previewSize is the longer side of a preview in pixels.
const previewSize = "720"

// drawPreview draws a picture of the first result that can have one: of an image a smaller
// one, of a PDF its first page. Without the program for it, or when that fails, there is no
// preview; the results are as good.
func drawPreview(b runner.Builtin) error {
	entries, err := os.ReadDir(b.Output)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		argv := previewArgv(filepath.Join(b.Output, e.Name()), b.Preview)
		if argv == nil {
			continue
		}
		program, err := recipe.FindProgram(argv[0])
		if err != nil {
			os.Stdout.WriteString("note: no preview: " + err.Error() + "\n")
			return nil
		}
		runFor(previewPatience, program, argv)
		return nil
	}
	return nil
}

// previewArgv is the command line that draws a file into a folder, nil for a file of which
// nothing can be drawn.
func previewArgv(file, folder string) []string {
	ext := strings.ToLower(strings.TrimPrefix(filepath.Ext(file), "."))
	picture := filepath.Join(folder, "preview")
	switch {
	case ext == "pdf":
		return []string{"pdftoppm", "-jpeg", "-singlefile", "-f", "1", "-l", "1", "-scale-to", previewSize, file, picture}
	case slices.Contains([]string{"png", "jpg", "jpeg", "webp", "avif", "heic", "tif", "tiff", "gif"}, ext):
		return []string{"vipsthumbnail", "--size", previewSize + "x" + previewSize + ">", "-o", picture + ".png[strip]", file}
	}
	return nil
}

// runFor runs a program to its end, or kills it when the time is over. What it says goes
// to the log; how it ends does not matter.
func runFor(most time.Duration, program string, argv []string) {
	env := append(os.Environ(), "VIPS_BLOCK_UNTRUSTED=1", "VIPS_CONCURRENCY=1")
	process, err := os.StartProcess(program, argv, &os.ProcAttr{Env: env, Files: []*os.File{nil, os.Stdout, os.Stderr}})
	if err != nil {
		os.Stdout.WriteString("note: no preview: " + err.Error() + "\n")
		return
	}
	late := time.AfterFunc(most, func() { _ = process.Kill() })
	defer late.Stop()
	if state, err := process.Wait(); err != nil || !state.Success() {
		os.Stdout.WriteString("note: the preview could not be drawn\n")
	}
}
