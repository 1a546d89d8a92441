//go:build samples

package pipeline

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"convertd/runner/fault"
	"convertd/runner/track"
	"convertd/runner/track/exporter"
)

// inputsInSet and outputsInSet are what the shared set of samples holds: a set that lost
// something must not pass.
const (
	inputsInSet  = 48
	outputsInSet = 46 * 21
)

// tally counts how outputs compare with those of the reference.
type tally struct {
	mu      sync.Mutex
	counts  map[verdict]int
	reasons map[string]int
}

func (c *tally) add(v verdict, reasons []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[v]++
	for _, reason := range reasons {
		c.reasons[reason]++
	}
}

// TestSamples converts every input to the reference's formats and compares each output
// with what the reference wrote, token by token, numbers within one unit of their last
// digit. Where ours differs on purpose (see readingDepartures and writingDepartures) the
// difference is taken back and the output compared again, so that everything else in it is
// still compared.
func TestSamples(t *testing.T) {
	t.Parallel()
	root := os.Getenv("CONVERTD_SAMPLES")
	if root == "" {
		t.Fatal("set CONVERTD_SAMPLES to the folder of the track samples")
	}
	all := readManifest(t, root)
	if len(all) != inputsInSet {
		t.Fatalf("the manifest names %d inputs, want %d", len(all), inputsInSet)
	}
	counts := &tally{counts: map[verdict]int{}, reasons: map[string]int{}}
	t.Run("inputs", func(t *testing.T) {
		for _, s := range all {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				if len(s.outputs) == 0 {
					expectRefusal(t, root, s)
					return
				}
				compareSample(t, root, s, counts)
			})
		}
	})
	report(t, counts)
}

// report prints the counts and fails if outputs are missing.
func report(t *testing.T, counts *tally) {
	t.Helper()
	total := 0
	for _, v := range verdicts() {
		t.Logf("%5d %s", counts.counts[v], v)
		total += counts.counts[v]
	}
	t.Logf("%5d outputs compared", total)
	for _, reason := range slices.Sorted(maps.Keys(counts.reasons)) {
		t.Logf("excepted %3d: %s", counts.reasons[reason], reason)
	}
	if total != outputsInSet {
		t.Errorf("compared %d outputs, want %d", total, outputsInSet)
	}
}

// expectRefusal checks that an input without tracks is an error with a remedy and leaves
// nothing behind.
func expectRefusal(t *testing.T, root string, s sample) {
	t.Helper()
	dir := t.TempDir()
	_, err := Run(context.Background(), s.request(t, root, dir))
	if !fault.Is(err, fault.Invalid) {
		t.Errorf("got error %v, want one that says there are no tracks", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// compareSample converts one input and compares all outputs.
func compareSample(t *testing.T, root string, s sample, counts *tally) {
	t.Helper()
	dir, undoneDir := t.TempDir(), t.TempDir()
	reading, departs := readingDepartures()[s.name]
	convert(t, s, s.request(t, root, dir), func(*track.Shot) {})
	if departs {
		convert(t, s, s.request(t, root, undoneDir), reading.undo)
	}
	for _, out := range s.outputs {
		want := out.content(t, root)
		v, problem := want.judge(readFile(t, dir, out.name))
		var reasons []string
		if v == different && departs {
			v, problem = want.judge(readFile(t, undoneDir, out.name))
			reasons = append(reasons, s.name+": "+reading.reason)
		}
		if v == different {
			source := dir
			if departs {
				source = undoneDir
			}
			undone, more := undoWriting(out.writer, readFile(t, source, out.name))
			v, problem = want.judge(undone)
			reasons = append(reasons, more...)
		}
		if v != different && len(reasons) > 0 {
			v = departed
		}
		counts.add(v, reasons)
		if v == different {
			t.Errorf("%s: %s", out.name, problem)
		}
	}
}

// convert runs the parts of the pipeline with a change of the shot behind the reader.
func convert(t *testing.T, s sample, req Request, change func(shot *track.Shot)) {
	t.Helper()
	ctx := context.Background()
	p, err := newPlan(req)
	if err != nil {
		t.Fatal(err)
	}
	in, err := p.read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := in.format.ID; got != s.reader {
		t.Fatalf("detected as %s, want %s", got, s.reader)
	}
	if len(in.shot.Trackers) != s.trackers || countKeyframes(in.shot) != s.keyframes {
		t.Errorf("read %d trackers and %d keyframes, want %d and %d",
			len(in.shot.Trackers), countKeyframes(in.shot), s.trackers, s.keyframes)
	}
	change(&in.shot)
	if _, _, err := p.write(ctx, in.shot); err != nil {
		t.Fatal(err)
	}
}

// request returns the conversion of a sample to the reference's formats.
func (s sample) request(t *testing.T, root, dir string) Request {
	t.Helper()
	var to []string
	for _, f := range exporter.All() {
		if !slices.Contains([]string{"ae-keyframes", "csv", "json"}, f.ID) {
			to = append(to, f.ID)
		}
	}
	return Request{
		Input: s.unpacked(t, root), InputName: strings.TrimSuffix(filepath.Base(s.input), ".gz"),
		Width: s.width, Height: s.height, To: to, OutDir: dir,
	}
}

func readFile(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
