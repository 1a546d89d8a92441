package exporter

import (
	"strconv"
	"strings"

	"convertd/runner/track"
)

// csvTable writes one line for each keyframe, for spreadsheets and scripts:
//
//	# width 1920
//	# height 1080
//	tracker,frame,x,y,residual
//	Track_01,0,100.5,200.25,0.01
//
// UTF-8, line feeds, fields quoted as in RFC 4180. Frames count from 0 at the first frame
// of the clip; x and y are pixels from the lower left corner, y up; residual 0 is perfect.
// Numbers have as many digits as it takes to read exactly the same value. The two lines
// with the frame size are left out when it is not known. Names are unique, because all
// lines of one name are one tracker.
func csvTable() Format {
	return Format{
		ID: "csv", Application: "Tables", Variant: "comma separated (.csv)", Suffix: "tracks.csv",
		names: &nameRules{why: "all lines of one name are one tracker", legal: printable, unique: true},
		write: writeCSV,
	}
}

func writeCSV(t *text, shot track.Shot) {
	if shot.Width > 0 && shot.Height > 0 {
		t.str("# width ").int(shot.Width).str("\n# height ").int(shot.Height).str("\n")
	}
	t.str("tracker,frame,x,y,residual\n")
	for _, tr := range shot.Trackers {
		name := csvField(tr.Name)
		for _, k := range tr.Keyframes {
			t.str(name).str(",").frame(k.Frame).str(",").shortest(k.X).str(",").shortest(k.Y)
			t.str(",").shortest(k.Residual).str("\n")
			t.keyframe()
		}
	}
}

// csvField quotes a field that a reader could otherwise take apart or for a comment.
func csvField(s string) string {
	if !strings.ContainsAny(s, "\",;\t\r\n#") {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// shortest appends the shortest number that is read back as exactly v.
func (t *text) shortest(v float64) *text {
	t.buf = strconv.AppendFloat(t.buf, v, 'g', -1, 64)
	return t
}
