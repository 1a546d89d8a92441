package exporter

import (
	"strconv"

	"convertd/runner/track"
)

// aeNullsHead is the fixed start of the script: it needs a composition in front.
const aeNullsHead = `// Run this script from the Script Editor
function convertFrameToSeconds(layerWithFootage, frameValue)
{
    var comp = layerWithFootage.containingComp;
    var rate = 1.0 / comp.frameDuration;
    // Frames in AE are 0-based by default
    return (frameValue) / rate;
}

var activeComp = app.project.activeItem;
if(!activeComp) {
    // Totally fail
    alert("You need to be focused on a comp for the tracker creation to work");
} else {

`

// aeNulls writes a script for After Effects that makes one animated null layer for each
// tracker.
//
// Names are escaped for JavaScript; the reference escapes them for Ruby, which turns
// letters outside ASCII into others.
func aeNulls() Format {
	return Format{
		ID: "ae-nulls", Application: "After Effects", Variant: "script for null layers (.jsx)", Suffix: "createNulls.jsx",
		NeedsSize: true, FromClip: true,
		write: writeAENulls,
	}
}

func writeAENulls(t *text, shot track.Shot) {
	height := float64(shot.Height)
	t.str(aeNullsHead)
	for n, tr := range shot.Trackers {
		layer := "layer" + strconv.Itoa(n)
		t.str("\nvar ").str(layer).str(" = activeComp.layers.addNull();\n")
		t.str(layer).str(".name = ").str(quoteJavaScript(tr.Name)).str(";\n\n")
		t.str("var pos = ").str(layer).str(".property(\"Transform\").property(\"Position\");\n")
		for _, k := range tr.Keyframes {
			t.str("pos.setValueAtTime(convertFrameToSeconds(").str(layer).str(", ").frame(k.Frame)
			t.str("), [").fixed(k.X, 5).str(",").fixed(height-k.Y, 5).str("]);\n")
			t.keyframe()
		}
	}
	t.str("}\n")
}
