package load

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseSize reads a number of bytes with its unit: "2GiB", "20 GB", "1.5 MiB", "512 B".
// Without a unit it is refused, because a bare 2 could mean anything.
func ParseSize(text string) (int64, error) {
	digits := strings.TrimRight(text, "BiKMGTkmgtb ")
	unit := strings.ToLower(strings.TrimSpace(text[len(digits):]))
	factor, ok := map[string]float64{
		"b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
		"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
	}[unit]
	number, err := plainNumber(digits)
	if !ok || err != nil {
		return 0, fmt.Errorf("%q is not a size", text)
	}
	bytes := number * factor
	if bytes > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is larger than any machine", text)
	}
	return int64(bytes), nil
}

// ParseDuration reads "90s", "1h30m", "7d", "2 weeks"-like sums of number and unit, with
// or without blanks between them: w d h m s ms.
func ParseDuration(text string) (time.Duration, error) {
	units := map[string]float64{
		"ms": float64(time.Millisecond), "s": float64(time.Second), "m": float64(time.Minute), "min": float64(time.Minute),
		"h": float64(time.Hour), "d": 24 * float64(time.Hour), "w": 7 * 24 * float64(time.Hour),
	}
	rest, total := strings.TrimSpace(text), 0.0
	if rest == "" {
		return 0, fmt.Errorf("an empty text is not a duration")
	}
	for rest != "" {
		end := strings.IndexFunc(rest, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
		if end <= 0 {
			return 0, fmt.Errorf("%q is not a duration", text)
		}
		number, err := plainNumber(rest[:end])
		rest = strings.TrimLeft(rest[end:], " ")
		end = strings.IndexFunc(rest, func(r rune) bool { return r == ' ' || r >= '0' && r <= '9' })
		if end < 0 {
			end = len(rest)
		}
		factor, ok := units[rest[:end]]
		if err != nil || !ok {
			return 0, fmt.Errorf("%q is not a duration", text)
		}
		total += number * factor
		rest = strings.TrimLeft(rest[end:], " ")
	}
	if total > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is longer than any job", text)
	}
	return time.Duration(total), nil
}

// plainNumber reads digits with at most one point between them.
func plainNumber(text string) (float64, error) {
	text = strings.TrimSpace(text)
	for _, c := range text {
		if c != '.' && (c < '0' || c > '9') {
			return 0, strconv.ErrSyntax
		}
	}
	return strconv.ParseFloat(text, 64)
}

// FormatSize writes a size as people declare it.
func FormatSize(bytes int64) string {
	for _, u := range []struct {
		name  string
		bytes int64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if bytes >= u.bytes && bytes%u.bytes == 0 {
			return strconv.FormatInt(bytes/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(bytes, 10) + "B"
}
