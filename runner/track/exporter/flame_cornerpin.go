package exporter

import (
	"cmp"
	"slices"
	"strconv"

	"convertd/runner/track"
)

// cornerCount is how many trackers a corner pin has.
const cornerCount = 4

// Corners as indexes into what corners returns.
const (
	topLeft = iota
	topRight
	bottomLeft
	bottomRight
)

// flameCornerpin writes a stabilizer setup for the bilinear corner pin of Flame and Smoke
// up to 2013.
//
// A corner pin has four points. The reference drops all further trackers without a word;
// here the person is told.
func flameCornerpin() Format {
	setup := flameSetup5()
	setup.prefixes = []string{"top_left", "top_right", "bottom_left", "bottom_right"}
	setup.corners = []int{topLeft, topRight, bottomLeft, bottomRight}
	return Format{
		ID: "flame-cornerpin", Application: "Flame / Smoke", Variant: "corner pin (.stabilizer)", Suffix: "flame_cornerpin.stabilizer",
		NeedsSize: true, FromClip: true, base: 1,
		write: setup.writeCornerpin,
	}
}

// flame2014Cornerpin writes a stabilizer setup for corner pins of Flame and Smoke from
// 2014 on. It tells about dropped trackers as flameCornerpin does.
func flame2014Cornerpin() Format {
	setup := flameSetup6()
	setup.prefixes = []string{"tracker0_0", "tracker0_1", "tracker1_0", "tracker1_1"}
	setup.corners = []int{bottomLeft, topLeft, bottomRight, topRight}
	return Format{
		ID: "flame2014-cornerpin", Application: "Flame / Smoke", Variant: "2014 and later, corner pin (.stabilizer)", Suffix: "flamesmoke_2014_cornerpin.stabilizer",
		NeedsSize: true, FromClip: true, base: 1,
		write: setup.writeCornerpin,
	}
}

func (f flameSetup) writeCornerpin(t *text, shot track.Shot) {
	if dropped := len(shot.Trackers) - cornerCount; dropped > 0 {
		shot.Trackers = shot.Trackers[:cornerCount]
		t.note("A corner pin has four points: only the first four of " + strconv.Itoa(cornerCount+dropped) +
			" trackers were written, " + strconv.Itoa(dropped) + " were left out.")
	}
	if len(shot.Trackers) == cornerCount {
		shot.Trackers = f.inOrder(shot.Trackers)
	} else {
		t.note("A corner pin has four points, the shot has only " + strconv.Itoa(len(shot.Trackers)) +
			": the corners were filled in the order of the trackers.")
	}
	f.write(t, shot)
}

// inOrder returns four trackers in the order of writing: which corner each one is follows
// from its first position, the lower two being the bottom corners. Ties keep the order of
// the trackers.
func (f flameSetup) inOrder(trackers []track.Tracker) []track.Tracker {
	byHeight := slices.Clone(trackers)
	slices.SortStableFunc(byHeight, func(a, b track.Tracker) int {
		return cmp.Compare(a.Keyframes[0].Y, b.Keyframes[0].Y)
	})
	leftFirst := func(a, b track.Tracker) int { return cmp.Compare(a.Keyframes[0].X, b.Keyframes[0].X) }
	slices.SortStableFunc(byHeight[:2], leftFirst)
	slices.SortStableFunc(byHeight[2:], leftFirst)
	corners := [cornerCount]track.Tracker{
		topLeft: byHeight[2], topRight: byHeight[3], bottomLeft: byHeight[0], bottomRight: byHeight[1],
	}
	ordered := make([]track.Tracker, 0, cornerCount)
	for _, corner := range f.corners {
		ordered = append(ordered, corners[corner])
	}
	return ordered
}
