package exporter

import (
	"math"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// TestAppendFixed compares with the standard library, which rounds correctly.
func TestAppendFixed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := drawNumber(t)
		decimals := rapid.IntRange(1, 17).Draw(t, "decimals")
		want := strconv.FormatFloat(v, 'f', decimals, 64)
		if got := string(appendFixed(nil, v, decimals)); got != want {
			t.Fatalf("%v (%x) with %d decimals: got %s, want %s", v, v, decimals, got, want)
		}
	})
}

// drawNumber draws from all float64 values, from those near the size of a frame, and from
// the neighbours of decimal ties.
func drawNumber(t *rapid.T) float64 {
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		return math.Float64frombits(rapid.Uint64().Draw(t, "bits"))
	case 1:
		return rapid.Float64Range(-20000, 20000).Draw(t, "position")
	case 2:
		return math.Ldexp(rapid.Float64Range(-1, 1).Draw(t, "mantissa"), rapid.IntRange(-130, 60).Draw(t, "exponent"))
	}
	tie := (float64(rapid.IntRange(-1_000_000, 1_000_000).Draw(t, "units")) + 0.5) / math.Pow10(rapid.IntRange(1, 8).Draw(t, "scale"))
	return []float64{tie, math.Nextafter(tie, math.Inf(1)), math.Nextafter(tie, math.Inf(-1))}[rapid.IntRange(0, 2).Draw(t, "side")]
}

func TestAppendFixedEdges(t *testing.T) {
	t.Parallel()
	rows := []struct {
		v        float64
		decimals int
		want     string
	}{
		{0, 3, "0.000"},
		{math.Copysign(0, -1), 3, "-0.000"},
		{-0.0001, 3, "-0.000"},
		{0.5, 1, "0.5"},
		{0.0625, 3, "0.062"}, // exact tie: to the even digit
		{0.1875, 3, "0.188"}, // exact tie: to the even digit
		{0.9999, 3, "1.000"}, // carry into the whole part
		{999.9996, 3, "1000.000"},
		{56.1275, 3, "56.127"}, // binary just below the tie
		{1, 15, "1.000000000000000"},
		{5e-324, 15, "0.000000000000000"},
		{1 << 53, 3, "9007199254740992.000"},
		{1e300, 1, strconv.FormatFloat(1e300, 'f', 1, 64)},
		{math.Inf(1), 3, "+Inf"},
	}
	for _, row := range rows {
		if got := string(appendFixed(nil, row.v, row.decimals)); got != row.want {
			t.Errorf("%v with %d decimals: got %s, want %s", row.v, row.decimals, got, row.want)
		}
	}
}
