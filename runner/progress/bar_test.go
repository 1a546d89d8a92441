package progress

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestBar(t *testing.T) {
	t.Parallel()
	b := NewBar([]float64{1, 3})
	if b.Percent() != nil {
		t.Error("a bar knows something before it was told")
	}
	b.Begin(0)
	if b.Percent() != nil {
		t.Error("the first step's begin is no percent")
	}
	for _, row := range []struct{ set, want float64 }{
		{50, 12.5}, {10, 12.5}, {100, 25}, {math.NaN(), 25}, {1e308, 25}, {-4, 25},
	} {
		if b.Set(row.set); *b.Percent() != row.want {
			t.Errorf("after %v the bar is at %v, want %v", row.set, *b.Percent(), row.want)
		}
	}
	b.Begin(1)
	for _, row := range []struct{ set, want float64 }{{0, 25}, {33.33, 49.9}, {99.9, 99}, {100, 99}} {
		if b.Set(row.set); *b.Percent() != row.want {
			t.Errorf("after %v the bar is at %v, want %v", row.set, *b.Percent(), row.want)
		}
	}
}

func TestBarOfAnUnknownStepMovesWithItsEnd(t *testing.T) {
	t.Parallel()
	b := NewBar([]float64{0, 1})
	b.Begin(0)
	b.Begin(1)
	if p := b.Percent(); p == nil || *p != 50 {
		t.Errorf("after one of two steps the bar is at %v", p)
	}
	b = NewBar([]float64{0.0005, 1})
	b.Begin(1)
	if p := b.Percent(); p != nil {
		t.Errorf("after a step of no weight the bar is at %v", *p)
	}
}

func TestBarNeverGoesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Float64(), 1, 5).Draw(t, "weights")
		b := NewBar(weights)
		last := -1.0
		for step := range weights {
			b.Begin(step)
			for _, p := range rapid.SliceOf(rapid.Float64()).Draw(t, "percents") {
				b.Set(p)
				now := b.Percent()
				if now == nil {
					continue
				}
				if !(*now >= last && *now >= 0 && *now <= Ceiling) || math.Abs(*now*10-math.Round(*now*10)) > 1e-6 {
					t.Fatalf("bar went from %v to %v", last, *now)
				}
				last = *now
			}
		}
	})
}
