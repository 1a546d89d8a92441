package track

import (
	"math"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

func TestParseFloat(t *testing.T) {
	t.Parallel()
	tests := map[string]float64{
		"0": 0, "-0.5": -0.5, "+3": 3, ".5": 0.5, "5.": 5, "1e2": 100, "1.5E-3": 0.0015, "-1e+02": -100,
		"407.384758225105315": 407.384758225105315, "123456789012345678901234567890": 123456789012345678901234567890,
		"1e999": math.Inf(1), "-1e999": math.Inf(-1), "1e-999": 0, "inf": math.Inf(1), "-Infinity": math.Inf(-1), "00012": 12, "1.#INF": math.Inf(1), "-1.#INF00": math.Inf(-1),
		"9007199254740993": 9007199254740992, "1e22": 1e22, "1e23": 1e23, "0.000000000000000000000001": 1e-24,
	}
	for text, want := range tests {
		if got, ok := ParseFloat([]byte(text)); !ok || got != want {
			t.Errorf("ParseFloat(%q) = %v, %v, want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"NaN", "nan", "-nan", "1.#QNAN", "-1.#IND", "-1.#IND00", "1.#SNAN", "-nan(ind)"} {
		if got, ok := ParseFloat([]byte(text)); !ok || !math.IsNaN(got) {
			t.Errorf("ParseFloat(%q) = %v, %v, want NaN", text, got, ok)
		}
	}
	for _, text := range []string{"", "-", ".", "e5", "1e", "1e+", "1 ", " 1", "1x", "0x10", "1_0", "1.2.3", "--1", "1,5", "infinite", "na", "1.#", "2.#INF", "1.#FOO"} {
		if got, ok := ParseFloat([]byte(text)); ok {
			t.Errorf("ParseFloat(%q) = %v, want no number", text, got)
		}
	}
}

func TestParseFloatIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Float64().Draw(t, "v")
		format := rapid.SampledFrom([]byte("efg")).Draw(t, "format")
		text := strconv.FormatFloat(v, format, rapid.IntRange(-1, 20).Draw(t, "precision"), 64)
		want, err := strconv.ParseFloat(text, 64)
		got, ok := ParseFloat([]byte(text))
		if !ok || (err == nil && math.Float64bits(got) != math.Float64bits(want)) {
			t.Fatalf("ParseFloat(%q) = %v, %v, want %v", text, got, ok, want)
		}
	})
}

func TestParseFrame(t *testing.T) {
	t.Parallel()
	tests := map[string]int{
		"0": 0, "12": 12, "-5": -5, "121.00": 121, "12.9": 12, "-0.5": -1, "1e3": 1000, "1000000000": 1_000_000_000, "+7": 7, "007": 7,
	}
	for text, want := range tests {
		if got, ok := ParseFrame([]byte(text)); !ok || got != want {
			t.Errorf("ParseFrame(%q) = %v, %v, want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "-", "1000000001", "-1e10", "1e999", "nan", "inf", "12a", "99999999999999999999"} {
		if got, ok := ParseFrame([]byte(text)); ok {
			t.Errorf("ParseFrame(%q) = %v, want no frame", text, got)
		}
	}
}

func TestCleanName(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"Track 01": "Track_01", " a  b\t": "_a_b_", "x\r\n": "x_", "": "", "plain": "plain", "a\x00\x1b[0mb": "a[0mb",
		"\xe9t\xe9": "été", "été": "été", "a\u0085b": "ab", "\t\x01\t": "_",
	}
	for raw, want := range tests {
		if got := CleanName([]byte(raw)); got != want {
			t.Errorf("CleanName(%q) = %q, want %q", raw, got, want)
		}
	}
}

func TestParseErrorNamesThePlace(t *testing.T) {
	t.Parallel()
	tests := map[string]ParseError{
		"3de4, line 2, column 3: x is missing": {Format: "3de4", Line: 2, Column: 3, Problem: "x is missing"},
		"3de4, line 2: x is missing":           {Format: "3de4", Line: 2, Problem: "x is missing"},
		"3de4: x is missing":                   {Format: "3de4", Problem: "x is missing"},
	}
	for want, e := range tests {
		if got := e.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
