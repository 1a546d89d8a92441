package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"convertd/runner/recipe/load"
)

// Size is a number of bytes, written "20GiB", "10 MB" or plain.
type Size int64

// UnmarshalText reads a size.
func (s *Size) UnmarshalText(text []byte) error {
	n, err := load.ParseSize(string(text))
	if err != nil {
		return err
	}
	*s = Size(n)
	return nil
}

// String writes the size in the largest unit that leaves no remainder.
func (s Size) String() string {
	units := []string{"", "KiB", "MiB", "GiB", "TiB"}
	n, unit := int64(s), 0
	for n != 0 && n%1024 == 0 && unit < len(units)-1 {
		n, unit = n/1024, unit+1
	}
	return strconv.FormatInt(n, 10) + units[unit]
}

// Share is a part of something that has a size: a percentage, written "5%", or a number of
// bytes.
type Share struct {
	Percent float64
	Bytes   Size
}

// UnmarshalText reads a share.
func (s *Share) UnmarshalText(text []byte) error {
	number, isPercent := strings.CutSuffix(strings.TrimSpace(string(text)), "%")
	if !isPercent {
		*s = Share{}
		return s.Bytes.UnmarshalText(text)
	}
	percent, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !(percent >= 0 && percent < 100) {
		return fmt.Errorf("%q is no percentage from 0%% to below 100%%", text)
	}
	*s = Share{Percent: percent}
	return nil
}

// String writes the share as it is read.
func (s Share) String() string {
	if s.Bytes > 0 {
		return s.Bytes.String()
	}
	return strconv.FormatFloat(s.Percent, 'f', -1, 64) + "%"
}

// Duration is a span of time, written "7d", "1h30m".
type Duration time.Duration

// UnmarshalText reads a duration.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := load.ParseDuration(string(text))
	if err != nil {
		return err
	}
	*d = Duration(v)
	return nil
}

// String writes whole days as days.
func (d Duration) String() string {
	const day = 24 * time.Hour
	if v := time.Duration(d); v != 0 && v%day == 0 {
		return strconv.FormatInt(int64(v/day), 10) + "d"
	}
	return time.Duration(d).String()
}

// setText sets a setting from the text of a flag or an environment variable; a list is
// separated by commas.
func setText(v reflect.Value, text string) error {
	if u, ok := v.Addr().Interface().(interface{ UnmarshalText([]byte) error }); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		v.SetBool(b)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		v.SetInt(int64(n))
	case reflect.Slice:
		v.Set(reflect.ValueOf(splitList(text)))
	}
	return nil
}

func splitList(text string) []string {
	var words []string
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}

// text writes a setting as the configuration file would have it.
func text(v reflect.Value) string {
	if s, ok := v.Interface().(fmt.Stringer); ok {
		return strconv.Quote(s.String())
	}
	switch v.Kind() {
	case reflect.String:
		return strconv.Quote(v.String())
	case reflect.Slice:
		words := make([]string, v.Len())
		for i := range words {
			words[i] = strconv.Quote(v.Index(i).String())
		}
		return "[" + strings.Join(words, ", ") + "]"
	}
	return fmt.Sprint(v.Interface())
}
