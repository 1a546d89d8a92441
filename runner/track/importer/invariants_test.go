package importer

import (
	"errors"
	"math"
	"testing"
	"unicode/utf8"

	"convertd/runner/track"
)

// checkShot fails unless a shot keeps what readers promise to everything behind them.
func checkShot(t testing.TB, shot track.Shot) {
	t.Helper()
	if len(shot.Trackers) == 0 {
		t.Fatal("a shot without trackers and no error")
	}
	for _, tr := range shot.Trackers {
		checkName(t, tr.Name)
		if len(tr.Keyframes) == 0 {
			t.Fatalf("tracker %q has no keyframes", tr.Name)
		}
		for i, k := range tr.Keyframes {
			if i > 0 && k.Frame <= tr.Keyframes[i-1].Frame {
				t.Fatalf("tracker %q: frame %d behind %d", tr.Name, k.Frame, tr.Keyframes[i-1].Frame)
			}
			if k.Frame < -track.MaxFrame || k.Frame > track.MaxFrame {
				t.Fatalf("tracker %q: frame %d", tr.Name, k.Frame)
			}
			if !(math.Abs(k.X) <= track.MaxCoordinate) || !(math.Abs(k.Y) <= track.MaxCoordinate) {
				t.Fatalf("tracker %q: position %v, %v", tr.Name, k.X, k.Y)
			}
			if math.IsNaN(k.Residual) || math.IsInf(k.Residual, 0) {
				t.Fatalf("tracker %q: residual %v", tr.Name, k.Residual)
			}
		}
	}
}

// checkName fails unless a name can be written into any format.
func checkName(t testing.TB, name string) {
	t.Helper()
	if !utf8.ValidString(name) {
		t.Fatalf("name %q is not UTF-8", name)
	}
	for _, r := range name {
		if r <= ' ' || (r >= 0x7f && r < 0xa0) {
			t.Fatalf("name %q has a blank or control character", name)
		}
	}
}

// checkResult fails unless a reader gave a proper shot or a proper error.
func checkResult(t testing.TB, id string, shot track.Shot, err error) {
	t.Helper()
	if err == nil {
		checkShot(t, shot)
		return
	}
	var parse *track.ParseError
	if !errors.As(err, &parse) {
		t.Fatalf("%s: error %v is no *track.ParseError", id, err)
	}
	if parse.Format != id || parse.Problem == "" || parse.Hint == "" {
		t.Fatalf("%s: error %+v lacks its format, problem or hint", id, parse)
	}
	if parse.Line < 0 || parse.Column < 0 {
		t.Fatalf("%s: error %+v has an impossible place", id, parse)
	}
	if len(shot.Trackers) > 0 {
		t.Fatalf("%s: a shot with an error", id)
	}
}
