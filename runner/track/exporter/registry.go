package exporter

// All returns the writers in the order in which people are shown them: by application,
// newer variants of one application after older ones.
func All() []Format {
	return []Format{
		equalizer3(),
		equalizer4(),
		aeNulls(),
		aeKeyframes(),
		max3DS(),
		boujou(),
		flame(),
		flame2014(),
		flameCornerpin(),
		flame2014Cornerpin(),
		matchMover(),
		mayaLocators(),
		mayaLive(),
		nuke(),
		nukeCameraTracks(),
		pfTrack4(),
		pfTrack5(),
		pfMatchit(),
		shake(),
		xsi(),
		synthEyes(),
		ruby(),
		csvTable(),
		jsonTracks(),
	}
}

// ByID returns the writer with the id.
func ByID(id string) (Format, bool) {
	for _, f := range All() {
		if f.ID == id {
			return f, true
		}
	}
	return Format{}, false
}

// IsDefault reports whether the writer belongs to those used when a person names none:
// all but the After Effects keyframe text, which repeats what the script for null layers
// already carries and has to be asked for.
func (f Format) IsDefault() bool { return f.ID != "ae-keyframes" }
