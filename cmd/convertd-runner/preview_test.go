package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"convertd/runner"
)

func TestPreviewArgv(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ file, want string }{
		{"/out/stem.pdf", "pdftoppm -jpeg -singlefile -f 1 -l 1 -scale-to 720 /out/stem.pdf /preview/preview"},
		{"/out/a.PNG", "vipsthumbnail --size 720x720> -o /preview/preview.png[strip] /out/a.PNG"},
		{"/out/a.txt", ""},
		{"/out/a", ""},
	} {
		if got := strings.Join(previewArgv(tt.file, "/preview"), " "); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.file, got, tt.want)
		}
	}
}

// A preview that fails is none, and no failure of the job.
func TestPreviewOfADamagedResult(t *testing.T) {
	t.Parallel()
	out, preview := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(out, "a.pdf"), []byte("no PDF"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := drawPreview(runner.Builtin{Output: out, Preview: preview}); err != nil {
		t.Errorf("drawPreview: %v", err)
	}
	if left, err := os.ReadDir(preview); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

func TestRunForKillsWhatIsLate(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runFor(time.Millisecond, "/bin/sleep", []string{"sleep", "600"})
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Error("the program goes on after its time")
	}
}
