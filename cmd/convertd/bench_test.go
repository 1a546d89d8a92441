package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"convertd/webui/client"
)

// BenchmarkSubmitToEnd is one small job at a time through an idle service, beside the
// start and end of an empty Go program in the same run: from the beginning of the
// submission until the row says that it was claimed, and until it has ended.
func BenchmarkSubmitToEnd(b *testing.B) {
	recipes := dataFolder(b)
	noop := "name = \"noop\"\naccept = [\".noop\"]\ncommand = [\"cp\", \"{input}\", \"{output}/{stem}.copy\"]\n"
	if err := os.WriteFile(filepath.Join(recipes, "noop.toml"), []byte(noop), 0o644); err != nil {
		b.Fatal(err)
	}
	u := startUp(b, dataFolder(b), "CONVERTD_RECIPES_DIR="+recipes)
	api, err := client.New(u.URL, "")
	if err != nil {
		b.Fatal(err)
	}
	empty := emptyProgram(b)
	var claimed, ended, bare []time.Duration
	for b.Loop() {
		begun := time.Now()
		if err := exec.Command(empty).Run(); err != nil {
			b.Fatal(err)
		}
		bare = append(bare, time.Since(begun))
		begun = time.Now()
		job := smallJob(b, api)
		claimed = append(claimed, job.StartedAt.Sub(begun))
		ended = append(ended, job.EndedAt.Sub(begun))
	}
	b.ReportMetric(median(claimed)/median(bare), "claimed/bare")
	b.ReportMetric(median(ended)/median(bare), "ended/bare")
	b.ReportMetric(median(claimed)*1000, "ms-to-claimed")
	b.ReportMetric(median(ended)*1000, "ms-to-ended")
}

// smallJob submits one file and waits for the end.
func smallJob(b *testing.B, api *client.Client) client.Job {
	b.Helper()
	file := client.SubmissionFile{Name: "a.noop", Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("x")), nil
	}}
	job, err := api.Submit(b.Context(), client.Submission{Recipe: "noop", Files: []client.SubmissionFile{file}})
	if err != nil {
		b.Fatal(err)
	}
	if err := api.Wait(b.Context(), job.ID, func(client.Status) {}); err != nil {
		b.Fatal(err)
	}
	if job, err = api.Job(b.Context(), job.ID); err != nil || job.State != "succeeded" {
		b.Fatalf("%+v, %v", job, err)
	}
	return job
}

// emptyProgram builds `func main() {}`.
func emptyProgram(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		b.Fatal(err)
	}
	binary := filepath.Join(dir, "empty")
	build := exec.Command("go", "build", "-o", binary, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return binary
}

func median(times []time.Duration) float64 {
	slices.Sort(times)
	return times[len(times)/2].Seconds()
}
