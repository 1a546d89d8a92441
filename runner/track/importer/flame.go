package importer

import (
	"bytes"
	"math"
	"slices"
	"strings"

	"convertd/runner/track"
)

// The stabilizer setups of Flame, Smoke and Combustion, versions 5 and 6:
//
//	StabilizerFileVersion 5.0
//	FrameWidth 1920
//	FrameHeight 1080
//	Channel tracker1/shift/x
//		Size 1
//		Key 0
//			Frame 1
//			Value -12.5
//			End
//		End
//
// Of each tracker the channels ref/x, ref/y, shift/x and shift/y are used: a position is
// reference - shift. Frames count from 1, positions from the lower left corner. Names are
// those of the channels, in the order of their bytes.
//
// A reference may have several keys: the tracker was snapped anew. They record where it
// was found at that frame and do not move the path: in real files reference - shift gives
// the same with each of them. So the first one at a frame that has a shift is used. Unlike
// in the reference, exponents are understood, and a reference without keys has its value.

// flame reads Flame's .stabilizer files.
func flame() Importer {
	return reader{
		format: Format{
			ID: "flame", Application: "Flame, Smoke, Combustion", Variant: "2D stabilizer setup (.stabilizer)",
			Extensions: []string{".stabilizer"},
		},
		detect:  detectFlame,
		read:    readFlame,
		nothing: "Track at least one point in the stabilizer before you save its setup.",
	}
}

func detectFlame(head []byte) int {
	line, _ := firstLine(head)
	switch {
	case bytes.HasPrefix(line, []byte("StabilizerFileVersion")):
		return 100
	case hasLine(head, "NbTrackers ") && hasLine(head, "FrameWidth "):
		return 80
	}
	return 0
}

// flameKey is a value at a frame.
type flameKey struct {
	frame int
	value float64
}

// flameChannel is one animated number.
type flameChannel struct {
	keys []flameKey
	base float64 // its value where it is not animated
	seen bool
}

// The channels of a tracker that matter.
const (
	refX = iota
	refY
	shiftX
	shiftY
	flameChannels
)

// flameReader reads setups line by line. Keys of one tracker are kept until all its
// channels are there.
type flameReader struct {
	in  *Source
	out *builder

	trackers map[string]*[flameChannels]flameChannel
	name     string        // of the tracker the channel belongs to
	channel  *flameChannel // being read; nil outside and in channels of no interest
	inside   bool          // a channel
	inKey    bool
	key      flameKey
	free     *[flameChannels]flameChannel // memory of a tracker that is done
}

func readFlame(in *Source, out *builder) error {
	r := &flameReader{in: in, out: out, trackers: map[string]*[flameChannels]flameChannel{}}
	for {
		line, ok := filledLine(in)
		if !ok {
			break
		}
		if err := r.line(line); err != nil {
			return err
		}
	}
	if r.inside {
		return in.Fail("the file ends within a channel", hintTruncated)
	}
	if err := r.leftovers(); err != nil {
		return err
	}
	out.finish()
	slices.SortStableFunc(out.done, func(a, b track.Tracker) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// line takes the next line that is not blank.
func (r *flameReader) line(line []byte) error {
	f := r.in.words(line)
	switch string(f.next()) {
	case "FrameWidth":
		width, _ := track.ParseFrame(f.next())
		r.out.size(width, 0)
	case "FrameHeight":
		height, _ := track.ParseFrame(f.next())
		r.out.size(0, height)
	case "Channel":
		return r.open(trim(line[f.pos:]))
	case "ChannelEnd":
		return r.close()
	case "Key":
		r.inKey, r.key = true, flameKey{}
	case "Frame":
		return r.frame(f)
	case "Value":
		return r.value(f)
	case "End":
		return r.end()
	}
	return nil
}

// open starts a channel.
func (r *flameReader) open(name []byte) error {
	if err := r.close(); err != nil {
		return err
	}
	r.inside = true
	tracker, part, _ := bytes.Cut(name, []byte{'/'})
	which := slices.Index([]string{"ref/x", "ref/y", "shift/x", "shift/y"}, string(part))
	if which < 0 {
		return nil
	}
	r.name = string(tracker)
	channels, ok := r.trackers[r.name]
	if !ok {
		channels = r.unused()
		r.trackers[r.name] = channels
	}
	r.channel = &channels[which]
	*r.channel = flameChannel{keys: r.channel.keys[:0], seen: true}
	return nil
}

// unused returns channels for another tracker.
func (r *flameReader) unused() *[flameChannels]flameChannel {
	if r.free == nil {
		return new([flameChannels]flameChannel)
	}
	channels := r.free
	r.free = nil
	for i := range channels {
		channels[i] = flameChannel{keys: channels[i].keys[:0]}
	}
	return channels
}

// frame takes the frame of a key.
func (r *flameReader) frame(f fields) (err error) {
	if r.inKey && r.channel != nil {
		r.key.frame, err = f.frame()
	}
	return err
}

// value takes the value of a key or of a channel.
func (r *flameReader) value(f fields) error {
	if r.channel == nil {
		return nil
	}
	v, err := f.float("the value")
	if r.inKey {
		r.key.value = v
	} else {
		r.channel.base = v
	}
	return err
}

// end closes a key or a channel.
func (r *flameReader) end() error {
	if !r.inKey {
		return r.close()
	}
	r.inKey = false
	if r.channel != nil {
		r.channel.keys = append(r.channel.keys, r.key)
	}
	return nil
}

// close ends a channel and, if it was the last of its tracker, makes the tracker.
func (r *flameReader) close() error {
	r.inside, r.inKey = false, false
	if r.channel == nil {
		return nil
	}
	r.channel = nil
	channels := r.trackers[r.name]
	for i := range channels {
		if !channels[i].seen {
			return nil
		}
	}
	delete(r.trackers, r.name)
	return r.tracker(r.name, channels)
}

// tracker makes a tracker of its channels.
func (r *flameReader) tracker(name string, c *[flameChannels]flameChannel) error {
	for i := range c {
		c[i].keys = flameOrder(c[i].keys)
	}
	baseX, baseY := flameBase(c)
	r.out.begin(track.CleanName([]byte(name)))
	x, y := c[shiftX].keys, c[shiftY].keys
	for len(x) > 0 && len(y) > 0 {
		switch {
		case x[0].frame < y[0].frame:
			x = x[1:]
		case x[0].frame > y[0].frame:
			y = y[1:]
		default:
			if err := r.out.add(x[0].frame-1, baseX-x[0].value, baseY-y[0].value, 0); err != nil {
				return err
			}
			x, y = x[1:], y[1:]
		}
	}
	r.out.finish()
	r.free = c
	return nil
}

// leftovers reports trackers that lack a channel but have shifts.
func (r *flameReader) leftovers() error {
	for name, c := range r.trackers {
		if len(c[shiftX].keys) > 0 && len(c[shiftY].keys) > 0 {
			return r.in.Fail("the tracker "+quote([]byte(name))+" has no reference position", hintTruncated)
		}
	}
	return nil
}

// flameBase returns the reference position of a tracker.
func flameBase(c *[flameChannels]flameChannel) (x, y float64) {
	x, y = c[refX].base, c[refY].base
	first := true
	for _, k := range c[refX].keys {
		other, ok := flameAt(c[refY].keys, k.frame)
		if !ok {
			continue
		}
		_, inX := flameAt(c[shiftX].keys, k.frame)
		_, inY := flameAt(c[shiftY].keys, k.frame)
		if first || (inX && inY) {
			x, y, first = k.value, other, false
		}
		if inX && inY {
			break
		}
	}
	return x, y
}

// flameAt returns the value at a frame.
func flameAt(keys []flameKey, frame int) (float64, bool) {
	i, ok := slices.BinarySearchFunc(keys, frame, func(k flameKey, f int) int { return k.frame - f })
	if !ok {
		return math.NaN(), false
	}
	return keys[i].value, true
}

// flameOrder sorts keys by frame; of several in one frame the last one stays.
func flameOrder(keys []flameKey) []flameKey {
	byFrame := func(a, b flameKey) int { return a.frame - b.frame }
	if slices.IsSortedFunc(keys, func(a, b flameKey) int {
		if a.frame == b.frame {
			return -1
		}
		return byFrame(a, b)
	}) {
		return keys
	}
	slices.SortStableFunc(keys, byFrame)
	kept := keys[:1]
	for _, k := range keys[1:] {
		if k.frame == kept[len(kept)-1].frame {
			kept[len(kept)-1] = k
			continue
		}
		kept = append(kept, k)
	}
	return kept
}
