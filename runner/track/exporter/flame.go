package exporter

import (
	"strconv"

	"convertd/runner/track"
)

const (
	flameHead = `AutoKey yes
MotionPath yes
Icons yes
AutoPan no
EditMode 0
Format 0
Padding
	Red 0
	Green 100
	Blue 0
Oversampling no
Opacity 50
Zoom 3
Field no
Backward no
Anim
`
	flameColour   = "\tColour 50 50 50\n"
	flameBoxes    = "\tExtrapolation linear\n\tValue "
	flameConstant = "\tExtrapolation constant\n\tValue "
	flameEnd      = "\tEnd\n"
	flameSlopes   = "\t\tLeftSlope 2.400\n\t\tRightSlope 2.400\n\t\tEnd\n"
	// flameStill are the keys of a channel that never moves.
	flameStill = `	Size 2
	KeyVersion 1
	Key 0
		Frame 0
		Value 0
		ValueLock yes
		DeleteLock yes
		Interpolation constant
		End
	Key 1
		Frame 1
		Value 0
		ValueLock yes
		DeleteLock yes
		Interpolation constant
		End
	End
`
	flameTracker = `
	Active yes
	Colour
		Red 0
		Green 100
		Blue 0
	FixedRef yes
	FixedX no
	FixedY no
	Tolerance 100
`
)

// flameSetup is what the four variants of the stabilizer setup differ in.
type flameSetup struct {
	version string
	// key ends a key of the shift channels.
	key string
	// referenceFrame says that each tracker names its first frame (version 6.0).
	referenceFrame bool
	// prefixes are the channel prefixes of a corner pin, in the order of writing; nil
	// for trackers, which are counted from 1.
	prefixes []string
	// corners is the order of writing as indexes into top left, top right, bottom left,
	// bottom right.
	corners []int
}

func flameSetup5() flameSetup {
	return flameSetup{version: "5.0", key: "\t\tInterpolation linear\n" + flameSlopes}
}

func flameSetup6() flameSetup {
	return flameSetup{version: "6.0", key: "\t\tCurveMode hermite\n\t\tCurveOrder linear\n\t\tEnd\n", referenceFrame: true}
}

// flame writes a 2D stabilizer setup of Flame and Smoke up to 2013. The format has no
// names for trackers.
func flame() Format {
	return Format{
		ID: "flame", Application: "Flame / Smoke", Variant: "2D stabilizer (.stabilizer)", Suffix: "flame.stabilizer",
		NeedsSize: true, FromClip: true, base: 1,
		write: flameSetup5().write,
	}
}

// flame2014 writes a 2D stabilizer setup of Flame and Smoke from 2014 on.
func flame2014() Format {
	return Format{
		ID: "flame2014", Application: "Flame / Smoke", Variant: "2014 and later, 2D stabilizer (.stabilizer)", Suffix: "flamesmoke2014.stabilizer",
		NeedsSize: true, FromClip: true, base: 1,
		write: flameSetup6().write,
	}
}

func (f flameSetup) write(t *text, shot track.Shot) {
	t.str("StabilizerFileVersion ").str(f.version).str("\nCreationDate ").str(dateLine(t.created))
	t.str("\n\n\nNbTrackers ").int(len(shot.Trackers)).str("\nSelected 0\nFrameWidth ").int(shot.Width)
	t.str("\nFrameHeight ").int(shot.Height).str("\n").str(flameHead)
	for i, tr := range shot.Trackers {
		f.writeChannels(t, shot, f.prefix(i), tr.Keyframes)
	}
	t.str("ChannelEnd\n")
	for i, tr := range shot.Trackers {
		t.str("Tracker ").int(i).str(flameTracker)
		if f.referenceFrame {
			t.str("\tOffsetsX 0\n\tOffsetsY 0\n\tFirstRefFrame ").frame(tr.Keyframes[0].Frame).str("\n")
		}
		t.spill()
	}
	t.str("End\n")
}

// prefix returns the channel prefix of tracker i.
func (f flameSetup) prefix(i int) string {
	if f.prefixes != nil {
		return f.prefixes[i]
	}
	return "tracker" + strconv.Itoa(i+1)
}

// writeChannels writes the fourteen animation channels of one tracker.
func (f flameSetup) writeChannels(t *text, shot track.Shot, prefix string, keys []track.Keyframe) {
	start := "Channel " + prefix
	t.str(start).str("/track/x\n").str(flameConstant).int(shot.Width / 2).str("\n").str(flameColour).str(flameEnd)
	t.str(start).str("/track/y\n").str(flameConstant).int(shot.Height / 2).str("\n").str(flameColour).str(flameEnd)
	t.str(start).str("/track/width\n").str(flameBoxes).str("15\n").str(flameColour).str(flameEnd)
	t.str(start).str("/track/height\n").str(flameBoxes).str("15\n").str(flameColour).str(flameEnd)
	t.str(start).str("/ref/width\n").str(flameBoxes).str("10\n").str(flameColour).str(flameEnd)
	t.str(start).str("/ref/height\n").str(flameBoxes).str("10\n").str(flameColour).str(flameEnd)
	t.str(start).str("/ref/x\n")
	writeFlameReference(t, keys[0].X)
	t.str(start).str("/ref/y\n")
	writeFlameReference(t, keys[0].Y)
	t.str(start).str("/ref/dx\n").str(flameConstant).str("0\n").str(flameColour).str(flameStill)
	t.str(start).str("/ref/dy\n").str(flameConstant).str("0\n").str(flameColour).str(flameStill)
	t.str(start).str("/shift/x\n")
	f.writeShift(t, keys, func(k track.Keyframe) float64 { return k.X })
	t.str(start).str("/shift/y\n")
	f.writeShift(t, keys, func(k track.Keyframe) float64 { return k.Y })
	t.str(start).str("/offset/x\n").str(flameConstant).str("0\n").str(flameEnd)
	t.str(start).str("/offset/y\n").str(flameConstant).str("0\n").str(flameEnd)
	t.count += len(keys)
}

// writeFlameReference writes a reference channel: one key with the first position.
func writeFlameReference(t *text, value float64) {
	t.str(flameConstant).fixed(value, 3).str("\n").str(flameColour).str("\tKeyVersion 1\n\tSize 1\n")
	t.str("\tKey 0\n\t\tFrame 1\n\t\tValue ").fixed(value, 3).str("\n\t\tInterpolation constant\n")
	t.str(flameSlopes).str(flameEnd)
}

// writeShift writes a shift channel: how far to move each frame back onto the first one.
func (f flameSetup) writeShift(t *text, keys []track.Keyframe, value func(track.Keyframe) float64) {
	t.str(flameConstant).str("0\n\tKeyVersion 1\n\tSize ").int(len(keys)).str("\n")
	first := value(keys[0])
	for i, k := range keys {
		t.str("\tKey ").int(i).str("\n\t\tFrame ").frame(k.Frame).str("\n\t\tValue ")
		if i == 0 {
			t.str("0")
		} else {
			t.fixed(first-value(k), 3)
		}
		t.str("\n").str(f.key)
		t.spill()
	}
	t.str(flameEnd)
}
