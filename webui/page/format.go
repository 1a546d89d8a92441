package page

import (
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"
)

// Size returns a number of bytes in words, in powers of 1000 as file managers show it.
func (t Texts) Size(bytes int64) string {
	units := []string{"size.b", "size.kb", "size.mb", "size.gb", "size.tb"}
	x, unit := float64(bytes), 0
	for x >= 999.5 && unit < len(units)-1 {
		x /= 1000
		unit++
	}
	decimals := 0
	if unit > 0 && x < 9.95 {
		decimals = 1
	}
	return t.Text(units[unit], "n", t.Decimal(x, decimals))
}

// Duration returns a length of time in at most two units: "0.4 s", "1 min 12 s",
// "7 days".
func (t Texts) Duration(d time.Duration) string {
	seconds := d.Seconds()
	switch {
	case seconds < 0.1:
		return t.Text("time.instant")
	case seconds < 9.95:
		return t.Text("time.s", "n", t.Decimal(seconds, 1))
	}
	whole := int64(math.Round(seconds))
	switch {
	case whole < 60:
		return t.Text("time.s", "n", whole)
	case whole < 3600:
		return t.pair(whole, 60, "time.min", "time.s")
	case whole < 2*86400:
		return t.pair(whole/60, 60, "time.h", "time.min")
	}
	return t.Count("time.days", int(whole/86400))
}

// pair writes n as big and small units, the small one only if it is not zero.
func (t Texts) pair(n, ratio int64, big, small string) string {
	text := t.Text(big, "n", n/ratio)
	if rest := n % ratio; rest > 0 {
		text += "\u00a0" + t.Text(small, "n", rest)
	}
	return text
}

// Percent returns a percent in words: whole numbers while a job runs.
func (t Texts) Percent(p float64) string {
	return t.Text("percent", "n", int(math.Floor(p)))
}

// Moment returns a point in time for readers without scripts; scripts turn it into
// the viewer's own zone.
func (t Texts) Moment(at time.Time) string {
	at = at.UTC()
	return t.Text("moment", "day", at.Day(), "month", t.Text("month."+at.Month().String()),
		"clock", at.Format("15:04"))
}

// Dated returns a text with a moment in the place of {when}, as markup that scripts find.
func (t Texts) Dated(key string, at time.Time) template.HTML {
	before, after, _ := strings.Cut(t.Text(key), "{when}")
	return template.HTML(fmt.Sprintf(`%s<time datetime="%s">%s</time>%s`, template.HTMLEscapeString(before), stamp(at),
		template.HTMLEscapeString(t.Moment(at)), template.HTMLEscapeString(after)))
}

// stamp is a moment as machines read it.
func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// inJSON is how a script reads values from an attribute.
func inJSON(values map[string]string) (string, error) {
	data, err := json.Marshal(values)
	return string(data), err
}

// funcs are what templates may call, bound to one language.
func funcs(t Texts, assets *Assets) template.FuncMap {
	return template.FuncMap{
		"t": t.Text, "count": t.Count, "place": t.Place,
		"size": t.Size, "duration": t.Duration, "seconds": t.seconds, "percent": t.Percent,
		"moment": t.Moment, "integer": func(n int) string { return t.Integer(int64(n)) },
		"stamp": stamp, "json": inJSON, "dated": t.Dated,
		"lang":  func() string { return t.Lang },
		"asset": assets.Path, "modules": assets.Modules, "icon": IconPath,
	}
}

func (t Texts) seconds(s float64) string {
	return t.Duration(time.Duration(s * float64(time.Second)))
}
