//go:build samples

package pipeline

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"

	"convertd/runner/track"
)

// readingDeparture is an input that is read otherwise than by the reference, on purpose.
type readingDeparture struct {
	reason string
	// undo turns what we read into what the reference reads.
	undo func(shot *track.Shot)
}

// readingDepartures lists them by sample.
func readingDepartures() map[string]readingDeparture {
	pftrack := readingDeparture{
		reason: "PFTrack 4 and 5 count frames from 0; the reference takes 1 from them",
		undo:   func(shot *track.Shot) { slip(shot, -1) },
	}
	noCorrelation := readingDeparture{
		reason: "trackers without a correlation curve get residual 0; the reference takes them for the worst, residual 1",
		undo:   func(shot *track.Shot) { each(shot, func(k *track.Keyframe) { k.Residual = 1 }) },
	}
	return map[string]readingDeparture{
		"shake_script/comments_inline_with_args.shk": noCorrelation,
		"shake_script/oldTrackerNode.shk":            noCorrelation,
		"shake_script/shake_tracker_nodes.shk": {
			reason: "the reference drops a correlation curve with fewer keys than the track and takes residual 1",
			undo: func(shot *track.Shot) {
				each(named(*shot, "Tracker38_track1"), func(k *track.Keyframe) { k.Residual = 1 })
			},
		},
		"nuke/018.nk": {
			reason: "curves start at negative frames; the reference ignores these and lets them start at frame 1",
			undo:   startAtZero,
		},
		"pftrack4/sourcefile_pftrack.2dt": pftrack,
		"pftrack5/apft.2dt":               pftrack,
		"pftrack5/stereo.2dt":             pftrack,
		"syntheyes_all_tracker_paths/shot06_2dTracks.txt": {
			reason: "the reference takes the integer part of x for y and the line end into the name",
			undo: func(shot *track.Shot) {
				each(shot, func(k *track.Keyframe) { k.Y = math.Trunc(k.X) })
				for i := range shot.Trackers {
					shot.Trackers[i].Name += "_"
				}
			},
		},
		"match_mover_rzml/md_145_1070_right_t1.rzml": {
			reason: "the reference takes ids for names and the tracking threshold for a residual",
			undo: func(shot *track.Shot) {
				for i := range shot.Trackers {
					shot.Trackers[i].Keyframes[0].Residual = 0.8000000119
					shot.Trackers[i].Name = strconv.Itoa(i + 1)
				}
				shot.Trackers[0].Keyframes[28].Residual = 0.8429650068
			},
		},
	}
}

// named returns the trackers of the shot with one of the names.
func named(shot track.Shot, names ...string) *track.Shot {
	shot.Trackers = slices.DeleteFunc(slices.Clone(shot.Trackers), func(tr track.Tracker) bool {
		return !slices.Contains(names, tr.Name)
	})
	return &shot
}

// startAtZero moves trackers that begin before frame 0 to begin there.
func startAtZero(shot *track.Shot) {
	for i, tr := range shot.Trackers {
		if first := tr.Keyframes[0].Frame; first < 0 {
			slip(&track.Shot{Trackers: shot.Trackers[i : i+1]}, -first)
		}
	}
}

func slip(shot *track.Shot, frames int) {
	each(shot, func(k *track.Keyframe) { k.Frame += frames })
}

func each(shot *track.Shot, change func(k *track.Keyframe)) {
	for _, tr := range shot.Trackers {
		for i := range tr.Keyframes {
			change(&tr.Keyframes[i])
		}
	}
}

// writingDeparture is a format that is written otherwise than by the reference, on purpose.
type writingDeparture struct {
	reason string
	// undo makes of our output what the reference writes.
	undo func(ours []byte) []byte
}

// writingDepartures lists them by writer.
func writingDepartures() map[string][]writingDeparture {
	leadingDigit := writingDeparture{
		reason: "names that begin with a digit are not legal there; the reference writes scripts that miss their objects",
		undo:   perLine(`(["\s])_(\d)`, func(m []string) string { return m[1] + m[2] }),
	}
	equalNames := writingDeparture{
		reason: "one sample has a name twice; the reference writes both, which the application takes for one",
		undo:   perLine(`(Target_track_1|TargetTrack1)_2`, func(m []string) string { return m[1] }),
	}
	return map[string][]writingDeparture{
		"boujou": {equalNames, {
			reason: "the reference writes what it reads back one frame early and two pixels low",
			undo:   perLine(`^(\S+  )(-?\d+)(  -?[\d.]+  )(-?[\d.]+)$`, undoBoujou),
		}},
		"mayalive": {{
			reason: "the reference divides the residual by ten, but does not multiply when reading",
			undo:   perLine(`^(\d+ -?\d+ -?[\d.]+ -?[\d.]+ )(-?[\d.]+)$`, undoMayaLive),
		}},
		"matchmover": {{
			reason: "the reference loses the residual of the first keyframe of every tracker",
			undo:   undoMatchMover,
		}},
		"syntheyes":     {equalNames},
		"maya-locators": {equalNames, leadingDigit},
		"xsi":           {equalNames, leadingDigit},
	}
}

// undoWriting takes back all departures of a writer and says which there were.
func undoWriting(writer string, ours []byte) (undone []byte, reasons []string) {
	for _, d := range writingDepartures()[writer] {
		undone := d.undo(ours)
		if !bytes.Equal(undone, ours) {
			reasons = append(reasons, writer+": "+d.reason)
		}
		ours = undone
	}
	return ours, reasons
}

// perLine returns an undo that rewrites every match in every line.
func perLine(pattern string, rewrite func(m []string) string) func([]byte) []byte {
	re := regexp.MustCompile(`(?m)` + pattern)
	return func(ours []byte) []byte {
		return re.ReplaceAllFunc(ours, func(match []byte) []byte {
			return []byte(rewrite(re.FindStringSubmatch(string(match))))
		})
	}
}

func undoBoujou(m []string) string {
	frame, _ := strconv.Atoi(m[2])
	y, _ := strconv.ParseFloat(m[4], 64)
	return fmt.Sprintf("%s%d%s%.3f", m[1], frame-1, m[3], y+2)
}

func undoMayaLive(m []string) string {
	residual, _ := strconv.ParseFloat(m[2], 64)
	return fmt.Sprintf("%s%.10f", m[1], residual/10)
}

// undoMatchMover gives the first keyframe of every tracker the form of a key set by hand.
func undoMatchMover(ours []byte) []byte {
	first := regexp.MustCompile(`(?m)(^pointTrack.*\n\{\n.*[\d.]) {5}p\+\( -?[\d.]+ \)\t$`)
	return first.ReplaceAll(ours, []byte("${1}    ki( 0.8 )\t    s( 66 66 64 64 )  p( 24 24 25 25 )"))
}
