package pipeline

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"convertd/runner/track/exporter"
)

// referenceTargets are the 21 formats of the reference.
func referenceTargets() []string {
	var ids []string
	for _, f := range exporter.All() {
		if f.ID != "ae-keyframes" && f.ID != "csv" && f.ID != "json" {
			ids = append(ids, f.ID)
		}
	}
	return ids
}

// BenchmarkOneWriter measures the whole way from a file on disk to one file on disk.
func BenchmarkOneWriter(b *testing.B) { benchmarkRun(b, []string{"3de4"}) }

// BenchmarkAllWriters measures the whole way to the 21 formats of the reference.
func BenchmarkAllWriters(b *testing.B) { benchmarkRun(b, referenceTargets()) }

// benchmarkRun converts generated files. It reports keyframes read per second (each is
// written once for every target) and by how much the resident memory grew at most during
// the conversions, altogether and for each keyframe.
func benchmarkRun(b *testing.B, to []string) {
	for _, size := range []struct{ trackers, frames int }{{100, 1000}, {1000, 1000}} {
		keyframes := size.trackers * size.frames
		b.Run(strconv.Itoa(keyframes), func(b *testing.B) {
			req := Request{Input: generate(b, size.trackers, size.frames), Width: 4096, Height: 2160, To: to, OutDir: b.TempDir()}
			before := resetPeak(b)
			for b.Loop() {
				if _, err := Run(context.Background(), req); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(keyframes)*float64(b.N)/b.Elapsed().Seconds(), "keyframes/s")
			grown := float64(resident(b, "VmHWM:") - before)
			b.ReportMetric(grown/(1<<20), "peak-MiB")
			b.ReportMetric(grown/float64(keyframes), "peak-B/keyframe")
		})
	}
}

// generate writes a file of Shake trackers, which have everything: names, gaps, six
// digits, correlation.
func generate(b *testing.B, trackers, frames int) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "generated.txt")
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	out := bufio.NewWriter(file)
	for i := range trackers {
		fmt.Fprintf(out, "TrackName tracker_%d\n   Frame             X             Y   Correlation\n", i)
		for n, f := 0, 1; n < frames; f++ {
			if f%17 == i%17 {
				continue
			}
			angle := float64(f)/37 + float64(i)
			fmt.Fprintf(out, "   %d.00   %.3f   %.3f   %.3f\n", f, 2048+1900*math.Sin(angle), 1080+1000*math.Cos(angle*1.3), 0.9+0.1*math.Sin(angle*7))
			n++
		}
		out.WriteString("\n") // the error is kept for Flush
	}
	if err := out.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
	return path
}

// resetPeak gives memory back, lets the kernel forget the highest resident memory and
// returns what is resident now.
func resetPeak(b *testing.B) int64 {
	b.Helper()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Logf("peak memory includes what came before: %v", err)
	}
	return resident(b, "VmRSS:")
}

// resident returns a line of the kernel's account of this process in bytes.
func resident(b *testing.B, line string) int64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), line)
	kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return kib << 10
}
