package page

import (
	"slices"
	"time"
)

// AdminCharts is the page of how things went lately.
type AdminCharts struct {
	AdminFrame
	Hours []Hour
	// Peaks are the recipes that ran in the last 24 hours.
	Peaks []Peak
	// Free and Total are bytes of the spool's disk; Total is 0 where nobody knows.
	Free, Total int64
}

// Template implements Page.
func (AdminCharts) Template() string { return "admin-charts" }

// Hour is what ended in an hour. Waited and Ran are medians, 0 where nothing did.
type Hour struct {
	At                           time.Time
	Succeeded, Failed, Cancelled int
	Waited, Ran                  time.Duration
}

// Ended is how many jobs ended.
func (h Hour) Ended() int { return h.Succeeded + h.Failed + h.Cancelled }

// Peak is the most memory that a job of a recipe used; Limit is what it may.
type Peak struct {
	Recipe        string
	Memory, Limit int64
	Jobs, Failed  int
	// Ran is the median of the successes, 0 where there is none.
	Ran time.Duration
}

// Share is the used part of the limit in percent.
func (p Peak) Share() float64 { return share(float64(p.Memory), float64(p.Limit)) }

// Used is what of the disk is not free.
func (c AdminCharts) Used() int64 { return c.Total - c.Free }

// UsedShare is the same in percent.
func (c AdminCharts) UsedShare() float64 { return share(float64(c.Used()), float64(c.Total)) }

// Most is the largest number of jobs that ended in an hour.
func (c AdminCharts) Most() int {
	return int(largest(c.Hours, func(h Hour) float64 { return float64(h.Ended()) }))
}

// MostWaited and MostRan are the largest medians.
func (c AdminCharts) MostWaited() time.Duration { return time.Duration(largest(c.Hours, waited)) }

// MostRan is the largest median running time.
func (c AdminCharts) MostRan() time.Duration { return time.Duration(largest(c.Hours, ran)) }

func waited(h Hour) float64 { return float64(h.Waited) }
func ran(h Hour) float64    { return float64(h.Ran) }

func largest(hours []Hour, of func(Hour) float64) float64 {
	values := []float64{0}
	for _, h := range hours {
		values = append(values, of(h))
	}
	return slices.Max(values)
}

// Bar is a rectangle of a chart, in the units of its view box; Kind names its colour.
type Bar struct {
	X, Y, Width, Height float64
	Kind                string
}

// The view box of a chart, and the gap between two hours.
const (
	chartWidth, chartHeight = 480.0, 100.0
	chartGap                = 2.0
)

// EndedBars are the jobs that ended, by outcome on top of each other.
func (c AdminCharts) EndedBars() []Bar {
	return bars(c.Hours, func(h Hour) []part {
		return []part{{"good", float64(h.Succeeded)}, {"bad", float64(h.Failed)}, {"other", float64(h.Cancelled)}}
	})
}

// WaitedBars are the medians of waiting.
func (c AdminCharts) WaitedBars() []Bar {
	return bars(c.Hours, func(h Hour) []part { return []part{{"wait", waited(h)}} })
}

// RanBars are the medians of running.
func (c AdminCharts) RanBars() []Bar {
	return bars(c.Hours, func(h Hour) []part { return []part{{"good", ran(h)}} })
}

// part is one piece of an hour's bar.
type part struct {
	kind  string
	value float64
}

// bars draws a bar for each hour, the highest as high as the chart. What is there at all is
// seen: no piece is thinner than one unit.
func bars(hours []Hour, of func(Hour) []part) []Bar {
	most := largest(hours, func(h Hour) float64 {
		sum := 0.0
		for _, p := range of(h) {
			sum += p.value
		}
		return sum
	})
	var all []Bar
	width := chartWidth / float64(max(1, len(hours)))
	for i, h := range hours {
		top := chartHeight
		for _, p := range of(h) {
			if p.value <= 0 {
				continue
			}
			height := min(top, max(1, p.value/most*chartHeight))
			top -= height
			all = append(all, Bar{X: float64(i)*width + chartGap/2, Y: top, Width: width - chartGap, Height: height, Kind: p.kind})
		}
	}
	return all
}
