package progress

import "math"

// Ceiling is where the bar waits for the exit of the last step and the check of its
// outputs: a tool that says 100 % may still fail.
const Ceiling = 99

// Bar is the percent of one attempt: it weighs the steps against each other, never
// goes back and never passes Ceiling. The zero Bar knows nothing.
type Bar struct {
	weights []float64
	total   float64
	// before is the share of the steps that are over, now that of the current one.
	before, now float64
	percent     float64
	known       bool
}

// NewBar returns a bar over steps of these weights; a weight that is not positive
// counts as 1.
func NewBar(weights []float64) *Bar {
	b := &Bar{}
	for _, w := range weights {
		if !(w > 0) || math.IsInf(w, 1) {
			w = 1
		}
		b.weights = append(b.weights, w)
		b.total += w
	}
	return b
}

// Begin says that the step with this index, counted from 0, runs now and those before
// it are over.
func (b *Bar) Begin(step int) {
	b.before, b.now = 0, 0
	for i, w := range b.weights {
		switch {
		case i < step:
			b.before += w / b.total
		case i == step:
			b.now = w / b.total
		}
	}
	// A share too small to be shown, such as that of a check beforehand, is no news: a tool
	// without percent after it leaves the bar unknown.
	if b.before*100 >= 0.1 {
		b.raise(b.before * 100)
	}
}

// Set says how much of the current step is done, 0..100; anything outside is taken as
// the nearer end, and what is not a number is ignored.
func (b *Bar) Set(percent float64) {
	if math.IsNaN(percent) {
		return
	}
	b.raise(b.before*100 + b.now*min(max(percent, 0), 100))
}

func (b *Bar) raise(percent float64) {
	// A tenth is all that is shown; rounding down keeps 98.99 below the ceiling.
	percent = math.Floor(min(percent, Ceiling)*10+1e-6) / 10
	b.percent, b.known = max(b.percent, percent), true
}

// Percent returns the percent with at most one decimal, nil when nothing is known.
func (b *Bar) Percent() *float64 {
	if !b.known {
		return nil
	}
	percent := b.percent
	return &percent
}
