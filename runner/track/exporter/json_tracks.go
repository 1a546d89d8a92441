package exporter

import (
	"encoding/json"

	"convertd/runner/track"
)

// jsonTracks writes the shot as JSON, in the units of the table csvTable describes:
//
//	{"format":"convertd tracks","version":1,"width":1920,"height":1080,"trackers":[
//	{"name":"Track_01","keyframes":[
//	{"frame":0,"x":100.5,"y":200.25,"residual":0.01}
//	]}
//	]}
//
// Width and height are left out when they are not known. Names may repeat.
func jsonTracks() Format {
	return Format{
		ID: "json", Application: "Tables", Variant: "JSON (.json)", Suffix: "tracks.json",
		write: writeJSON,
	}
}

func writeJSON(t *text, shot track.Shot) {
	t.str(`{"format":"convertd tracks","version":1,`)
	if shot.Width > 0 && shot.Height > 0 {
		t.str(`"width":`).int(shot.Width).str(`,"height":`).int(shot.Height).str(",")
	}
	t.str(`"trackers":[`)
	for i, tr := range shot.Trackers {
		t.separate(i).str(`{"name":`).str(quoteJSON(tr.Name)).str(`,"keyframes":[`)
		for j, k := range tr.Keyframes {
			t.separate(j).str(`{"frame":`).frame(k.Frame).str(`,"x":`).shortest(k.X)
			t.str(`,"y":`).shortest(k.Y).str(`,"residual":`).shortest(k.Residual).str("}")
			t.keyframe()
		}
		t.str("\n]}")
	}
	t.str("\n]}\n")
}

// separate ends the element before the n-th of a list, each on a line of its own.
func (t *text) separate(n int) *text {
	if n > 0 {
		t.str(",")
	}
	return t.str("\n")
}

// quoteJSON returns s as a JSON string.
func quoteJSON(s string) string {
	quoted, err := json.Marshal(s)
	if err != nil { // cannot happen: strings always encode
		return `""`
	}
	return string(quoted)
}
