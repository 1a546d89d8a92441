package importer

import (
	"testing"
)

// fuzzReader feeds a reader with variations of the examples of all formats: its own for
// depth, the others for what people force upon it.
func fuzzReader(f *testing.F, id string) {
	for _, e := range examples(f) {
		f.Add(e.data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		shot, err := readAs(t, id, data)
		checkResult(t, id, shot, err)
	})
}

func FuzzEqualizer3(f *testing.F)     { fuzzReader(f, "3de3") }
func FuzzEqualizer4(f *testing.F)     { fuzzReader(f, "3de4") }
func FuzzBoujou(f *testing.F)         { fuzzReader(f, "boujou") }
func FuzzFlame(f *testing.F)          { fuzzReader(f, "flame") }
func FuzzMatchMover(f *testing.F)     { fuzzReader(f, "matchmover") }
func FuzzRZML(f *testing.F)           { fuzzReader(f, "rzml") }
func FuzzMayaLive(f *testing.F)       { fuzzReader(f, "mayalive") }
func FuzzNuke(f *testing.F)           { fuzzReader(f, "nuke") }
func FuzzPFTrack(f *testing.F)        { fuzzReader(f, "pftrack") }
func FuzzShakeScript(f *testing.F)    { fuzzReader(f, "shake-script") }
func FuzzShakeText(f *testing.F)      { fuzzReader(f, "shake") }
func FuzzSynthEyes(f *testing.F)      { fuzzReader(f, "syntheyes") }
func FuzzSynthEyesPaths(f *testing.F) { fuzzReader(f, "syntheyes-paths") }
func FuzzAEKeyframes(f *testing.F)    { fuzzReader(f, "ae-keyframes") }
func FuzzCSV(f *testing.F)            { fuzzReader(f, "csv") }
func FuzzJSON(f *testing.F)           { fuzzReader(f, "json") }

// FuzzDetect looks for files that break detection or the decoding before it.
func FuzzDetect(f *testing.F) {
	for _, e := range examples(f) {
		f.Add(e.data, e.name)
	}
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		imp, err := detectIn(data, name)
		if (imp == nil) == (err == nil) {
			t.Fatalf("got %v and %v", imp, err)
		}
	})
}
