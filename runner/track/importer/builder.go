package importer

import (
	"math"
	"slices"

	"convertd/runner/track"
)

const (
	// firstChunk and lastChunk are the number of keyframes in the smallest and largest
	// piece a growing tracker is kept in. The first is small because a hostile file can
	// have a tracker in each line.
	firstChunk = 2
	lastChunk  = 4096
	// maxSide is the largest width or height that is taken for a frame size.
	maxSide = 1_000_000
)

// builder collects what a reader finds. Formats that have one tracker after the other
// call begin, those that may mix them call sort or resume; all then call add.
//
// Keyframes are gathered in pieces and copied into a slice of the right length once a
// tracker is complete: growing by append would need several times the memory.
type builder struct {
	in            *Source
	width, height int

	done    []track.Tracker
	current *gathering
	single  gathering             // reused for each tracker after begin
	mixed   []*gathering          // found by name, in order of first appearance
	byName  map[string]*gathering // the latest of each name in mixed
}

// newBuilder returns an empty builder with the frame size given by the person.
func newBuilder(in *Source) *builder {
	return &builder{in: in, width: in.Width, height: in.Height}
}

// size sets what the file says about the frame size. Sides given by the person stay, as
// do earlier ones when the new are impossible or 0.
func (b *builder) size(width, height int) {
	b.in.state(width, height)
	if b.in.Width <= 0 && width > 0 && width <= maxSide {
		b.width = width
	}
	if b.in.Height <= 0 && height > 0 && height <= maxSide {
		b.height = height
	}
}

// hasSize reports whether the frame size is known.
func (b *builder) hasSize() bool { return b.width > 0 && b.height > 0 }

// begin starts the next tracker.
func (b *builder) begin(name string) {
	b.finish()
	b.single.name = name
	b.current = &b.single
}

// finish completes the tracker started by begin, if there is one.
func (b *builder) finish() {
	if keyframes := b.single.take(); len(keyframes) > 0 {
		b.done = append(b.done, track.Tracker{Name: b.single.name, Keyframes: keyframes})
	}
	b.current = nil
}

// sort makes the tracker with this raw name the current one, wherever in the file the
// rest of it stands. It reports whether the tracker is new.
func (b *builder) sort(rawName []byte) bool {
	if b.current != nil && b.current.key == string(rawName) {
		return false
	}
	g, ok := b.byName[string(rawName)]
	if !ok {
		g = b.another(rawName)
	}
	b.current = g
	return !ok
}

// resume is sort for formats in which a name that comes again, behind lines of other
// trackers, may belong to another tracker: it does unless the frames go on.
func (b *builder) resume(rawName []byte, frame int) {
	if b.current != nil && b.current.key == string(rawName) {
		return
	}
	g, ok := b.byName[string(rawName)]
	if !ok || frame <= g.last {
		g = b.another(rawName)
	}
	b.current = g
}

// another starts a tracker that sort and resume will find by its name.
func (b *builder) another(rawName []byte) *gathering {
	if b.byName == nil {
		b.byName = map[string]*gathering{}
	}
	g := &gathering{name: track.CleanName(rawName)}
	g.key = g.name
	if g.key != string(rawName) {
		g.key = string(rawName)
	}
	b.byName[g.key] = g
	b.mixed = append(b.mixed, g)
	return g
}

// rename changes the name of the current tracker.
func (b *builder) rename(name string) { b.current.name = name }

// active reports whether a tracker has been started that add can add to.
func (b *builder) active() bool { return b.current != nil }

// add gives the current tracker a keyframe. A keyframe whose position is not a number
// is left out: the tracker was not seen in that frame.
func (b *builder) add(frame int, x, y, residual float64) error {
	if math.IsNaN(x) || math.IsNaN(y) {
		return nil
	}
	if math.IsNaN(residual) {
		residual = 0
	}
	if frame < -track.MaxFrame || frame > track.MaxFrame {
		return b.in.Fail("this frame number is too large", hintDamaged)
	}
	if math.Abs(x) > track.MaxCoordinate || math.Abs(y) > track.MaxCoordinate || math.IsInf(residual, 0) {
		return b.in.Fail("this position is too far away", hintDamaged)
	}
	b.current.add(track.Keyframe{Frame: frame, X: x, Y: y, Residual: residual})
	return nil
}

// shot returns all that was collected.
func (b *builder) shot(hintIfNothing string) (track.Shot, error) {
	b.finish()
	for i, g := range b.mixed {
		if keyframes := g.take(); len(keyframes) > 0 {
			b.done = append(b.done, track.Tracker{Name: g.name, Keyframes: keyframes})
		}
		b.mixed[i] = nil
		delete(b.byName, g.key)
	}
	if len(b.done) == 0 {
		return track.Shot{}, &track.ParseError{
			Format: b.in.format, Problem: "there is no tracker with keyframes in the file", Hint: hintIfNothing,
		}
	}
	return track.Shot{Width: b.width, Height: b.height, Trackers: b.done}, nil
}

// gathering holds the keyframes of one tracker while it is read.
type gathering struct {
	key       string // raw name, for trackers found by name
	name      string
	chunks    [][]track.Keyframe
	used      int // chunks that hold keyframes; the others wait for reuse
	count     int
	last      int // frame of the latest keyframe
	unordered bool
}

// add appends a keyframe.
func (g *gathering) add(k track.Keyframe) {
	if g.count > 0 && k.Frame <= g.last {
		g.unordered = true
	}
	g.last = k.Frame
	if g.used == 0 || len(g.chunks[g.used-1]) == cap(g.chunks[g.used-1]) {
		g.nextChunk()
	}
	g.chunks[g.used-1] = append(g.chunks[g.used-1], k)
	g.count++
}

// nextChunk provides an empty chunk.
func (g *gathering) nextChunk() {
	if g.used == len(g.chunks) {
		size := min(firstChunk<<min(g.used, 16), lastChunk)
		g.chunks = append(g.chunks, make([]track.Keyframe, 0, size))
	}
	g.used++
}

// take returns the keyframes in order of frames, one per frame, and empties g.
func (g *gathering) take() []track.Keyframe {
	if g.count == 0 {
		return nil
	}
	all := make([]track.Keyframe, 0, g.count)
	for i, chunk := range g.chunks[:g.used] {
		all = append(all, chunk...)
		g.chunks[i] = chunk[:0]
	}
	if g.unordered {
		all = inOrder(all)
	}
	g.used, g.count, g.unordered = 0, 0, false
	return all
}

// inOrder sorts keyframes by frame; of several in one frame the last one stays.
func inOrder(all []track.Keyframe) []track.Keyframe {
	slices.SortStableFunc(all, func(a, b track.Keyframe) int { return a.Frame - b.Frame })
	kept := all[:1]
	for _, k := range all[1:] {
		if k.Frame == kept[len(kept)-1].Frame {
			kept[len(kept)-1] = k
			continue
		}
		kept = append(kept, k)
	}
	return kept
}
