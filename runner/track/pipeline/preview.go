package pipeline

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"convertd/runner/track"
)

// Limits of the drawing, so that a browser shows it at once whatever the size of the shot.
const (
	maxDrawnTrackers = 2000
	maxDrawnPoints   = 60_000
	// maxTitles is up to how many trackers each one shows its name when pointed at.
	maxTitles = 500
)

// residualClass is a band of residuals drawn in one colour.
type residualClass struct {
	below  float64
	colour string
}

// residualClasses run from blue to red through yellow, light enough for the dark ground
// and apart from each other for people who do not see red and green as two.
func residualClasses() []residualClass {
	return []residualClass{
		{0.02, "#4cc9f0"}, {0.05, "#80ed99"}, {0.1, "#f9f871"},
		{0.2, "#f9c74f"}, {0.4, "#f3722c"}, {math.Inf(1), "#f94144"},
	}
}

// drawing draws one shot as SVG: the frame, every track as a line through its keyframes
// coloured by their residual, a dot at its first one, and a legend.
type drawing struct {
	out     *bufio.Writer
	classes []residualClass

	left, top, width, height float64 // what is shown, y down
	unit                     float64 // a thousandth of it
	everyTracker, everyKey   int
}

// drawPreview writes the drawing of the shot. Of very many trackers or keyframes only
// some are drawn, and the legend says so.
func drawPreview(w io.Writer, shot track.Shot) error {
	d := &drawing{out: bufio.NewWriterSize(w, 64<<10), classes: residualClasses()}
	d.frame(shot)
	d.thin(shot)
	d.open(shot)
	for i := 0; i < len(shot.Trackers); i += d.everyTracker {
		d.tracker(shot.Trackers[i], len(shot.Trackers) <= maxTitles)
	}
	d.dots(shot)
	d.legend(shot)
	d.print("</svg>\n")
	return d.out.Flush()
}

// frame decides what is shown: the frame with a margin, or where the tracks are if nobody
// knows the frame.
func (d *drawing) frame(shot track.Shot) {
	w, h := float64(shot.Width), float64(shot.Height)
	left, bottom := 0.0, 0.0
	if shot.Width <= 0 || shot.Height <= 0 {
		left, bottom, w, h = bounds(shot)
	}
	margin := 0.03 * math.Max(w, h)
	d.left, d.width = left-margin, w+2*margin
	d.top, d.height = -(bottom+h)-margin, h+3*margin // the third margin holds the legend
	d.widen()
	d.unit = d.width / 1000
}

// aspect is the shape of all drawings: pages keep room of that shape for a picture that is
// on its way.
const aspect = 16.0 / 9

// widen adds ground on both sides until the drawing has its shape.
func (d *drawing) widen() {
	if add := aspect*d.height - d.width; add > 0 {
		d.left, d.width = d.left-add/2, d.width+add
		return
	}
	add := d.width/aspect - d.height
	d.top, d.height = d.top-add/2, d.height+add
}

// bounds returns the rectangle around all tracks, at least one pixel in size.
func bounds(shot track.Shot) (left, bottom, width, height float64) {
	left, bottom = math.Inf(1), math.Inf(1)
	right, top := math.Inf(-1), math.Inf(-1)
	for _, tr := range shot.Trackers {
		for _, k := range tr.Keyframes {
			left, right = math.Min(left, k.X), math.Max(right, k.X)
			bottom, top = math.Min(bottom, k.Y), math.Max(top, k.Y)
		}
	}
	return left, bottom, math.Max(1, right-left), math.Max(1, top-bottom)
}

// thin decides how many trackers and keyframes to leave out.
func (d *drawing) thin(shot track.Shot) {
	d.everyTracker = (len(shot.Trackers) + maxDrawnTrackers - 1) / maxDrawnTrackers
	points := 0
	for i := 0; i < len(shot.Trackers); i += d.everyTracker {
		points += len(shot.Trackers[i].Keyframes)
	}
	d.everyKey = max(1, (points+maxDrawnPoints-1)/maxDrawnPoints)
}

// open writes the head of the drawing, its ground and the outline of the frame.
func (d *drawing) open(shot track.Shot) {
	d.print(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="`, d.number(d.left), " ", d.number(d.top), " ", d.number(d.width), " ", d.number(d.height), "\">\n")
	d.print("<title>", count(len(shot.Trackers), "track"), "</title>\n")
	d.rect(d.left, d.top, d.width, d.height, `fill="#14161a"`)
	if shot.Width > 0 && shot.Height > 0 {
		d.rect(0, -float64(shot.Height), float64(shot.Width), float64(shot.Height),
			`fill="none" stroke="#5b6270" stroke-width="`+d.number(d.unit)+`"`)
	}
	d.print(`<g fill="none" stroke-linecap="round" stroke-linejoin="round" stroke-width="`, d.number(1.4*d.unit), "\">\n")
}

// tracker draws the line of one tracker: a path for each run of keyframes in neighbouring
// frames and of one colour.
func (d *drawing) tracker(tr track.Tracker, titled bool) {
	d.print("<g>")
	if titled {
		d.print("<title>", escapeXML(tr.Name), "</title>")
	}
	class := -1
	for i, k := range tr.Keyframes {
		next := d.class(k.Residual)
		joined := i > 0 && tr.Keyframes[i-1].Frame == k.Frame-1
		last := i == len(tr.Keyframes)-1
		if joined && next == class && i%d.everyKey != 0 && !last {
			continue
		}
		switch {
		case joined && next == class:
			d.print("L", d.x(k), " ", d.y(k))
		case joined: // the new colour starts where the old one ends
			d.print("L", d.x(k), " ", d.y(k), `"/><path stroke="`, d.classes[next].colour, `" d="M`, d.x(k), " ", d.y(k))
		default:
			if class >= 0 {
				d.print(`"/>`)
			}
			d.print(`<path stroke="`, d.classes[next].colour, `" d="M`, d.x(k), " ", d.y(k))
		}
		class = next
	}
	d.print("\"/></g>\n")
}

// dots marks the first keyframe of every tracker drawn.
func (d *drawing) dots(shot track.Shot) {
	d.print(`<path stroke="#ffffff" stroke-width="`, d.number(4*d.unit), `" d="`)
	for i := 0; i < len(shot.Trackers); i += d.everyTracker {
		k := shot.Trackers[i].Keyframes[0]
		d.print("M", d.x(k), " ", d.y(k), "h0")
	}
	d.print("\"/>\n</g>\n")
}

// legend explains the colours and says what was left out.
func (d *drawing) legend(shot track.Shot) {
	y := d.top + d.height - 8*d.unit
	d.print(`<g font-family="sans-serif" font-size="`, d.number(14*d.unit), "\" fill=\"#d7dae0\">\n")
	x := d.left + 12*d.unit
	if hasResiduals(shot) {
		d.label(x, y, "residual")
		for i, c := range d.classes {
			x += 70 * d.unit
			d.rect(x, y-10*d.unit, 10*d.unit, 10*d.unit, `fill="`+c.colour+`"`)
			d.label(x+14*d.unit, y, d.bandName(i))
		}
		x += 90 * d.unit
	}
	d.label(x, y, d.summary(shot))
	d.print("</g>\n")
}

// bandName names the residuals of a class.
func (d *drawing) bandName(i int) string {
	if i == len(d.classes)-1 {
		return "more"
	}
	return "< " + strconv.FormatFloat(d.classes[i].below, 'g', -1, 64)
}

// summary counts the tracks and says how many are drawn.
func (d *drawing) summary(shot track.Shot) string {
	all := len(shot.Trackers)
	drawn := (all + d.everyTracker - 1) / d.everyTracker
	text := count(all, "track") + ", " + count(countKeyframes(shot), "keyframe")
	if d.everyTracker > 1 {
		text += fmt.Sprintf("; %d tracks drawn", drawn)
	}
	if d.everyKey > 1 {
		text += fmt.Sprintf("; one keyframe of %d drawn", d.everyKey)
	}
	return text
}

// count returns a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// hasResiduals reports whether any keyframe has one.
func hasResiduals(shot track.Shot) bool {
	for _, tr := range shot.Trackers {
		for _, k := range tr.Keyframes {
			if k.Residual != 0 {
				return true
			}
		}
	}
	return false
}

// class returns the index of the colour for a residual.
func (d *drawing) class(residual float64) int {
	for i, c := range d.classes {
		if residual < c.below {
			return i
		}
	}
	return len(d.classes) - 1
}

func (d *drawing) rect(x, y, width, height float64, style string) {
	d.print(`<rect x="`, d.number(x), `" y="`, d.number(y), `" width="`, d.number(width), `" height="`, d.number(height), `" `, style, "/>\n")
}

func (d *drawing) label(x, y float64, text string) {
	d.print(`<text x="`, d.number(x), `" y="`, d.number(y), `">`, escapeXML(text), "</text>\n")
}

// x and y place a keyframe in the drawing. Points far outside stay outside, but not so
// far that a browser computes with less precision than a pixel.
func (d *drawing) x(k track.Keyframe) string {
	return d.number(math.Max(d.left-d.width, math.Min(k.X, d.left+2*d.width)))
}

func (d *drawing) y(k track.Keyframe) string {
	return d.number(math.Max(d.top-d.height, math.Min(-k.Y, d.top+2*d.height)))
}

// number prints a length with a tenth of a unit for frames of thousands of pixels, finer
// for small ones.
func (d *drawing) number(v float64) string {
	decimals := 1
	if d.width < 500 {
		decimals = 4
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// print writes strings; errors stay in the buffered writer and come out of Flush.
func (d *drawing) print(parts ...string) {
	for _, part := range parts {
		_, _ = d.out.WriteString(part) // the error is kept for Flush
	}
}

// escapeXML returns s as text of an element.
func escapeXML(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}
