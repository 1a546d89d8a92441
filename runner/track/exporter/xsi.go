package exporter

import "convertd/runner/track"

const (
	xsiHead = `Application.CreatePrim("Grid", "MeshSurface", "", "")
Application.SetValue("grid.Name", "ImagePlane", "")
`
	xsiRotate = `Application.Rotate("", 90, 0, 0, "siRelative", "siLocal", "siObj", "siXYZ", "", "", "", "", "", "", "", 0, "")
`
	xsiTranslate = `, 0, "siAbsolute", "siView", "siObj", "siXYZ", "", "", "", "", "", "", "", "", "", 0, "")
`
	xsiTail = `Application.CreateModel("", "", "", "")
Application.SetValue("Model.Name", "Tracksperanto", "")
`
)

// xsi writes a Python script for Softimage: nulls on an image plane ten units wide.
//
// The script addresses every null by its name. Softimage allows ASCII letters, digits,
// hyphen and underscore, no digit in front, and no name twice; it silently renames what
// does not fit, and the rest of the script then misses the object. Names are therefore
// made legal and unique here; the reference writes them raw.
func xsi() Format {
	return Format{
		ID: "xsi", Application: "Softimage", Variant: "script for nulls (.py)", Suffix: "xsi_nulls.py",
		NeedsSize: true, base: 1,
		names: &nameRules{
			why:    "Softimage names are unique, have only ASCII letters, digits, hyphens and underscores and begin with no digit",
			legal:  xsiName,
			unique: true,
			taken:  []string{"ImagePlane", "Tracksperanto"},
		},
		write: writeXSI,
	}
}

func xsiName(name string) string {
	name = wordOf(name, "_-")
	if name != "" && (isDigit(rune(name[0])) || name[0] == '-') {
		name = "_" + name
	}
	return name
}

func writeXSI(t *text, shot track.Shot) {
	plane := newImagePlane(shot)
	t.str(xsiHead)
	t.str(`Application.SetValue("ImagePlane.grid.ulength", `).fixed(plane.width, 5).str(", \"\")\n")
	t.str(`Application.SetValue("ImagePlane.grid.vlength", `).fixed(plane.height, 5).str(", \"\")\n")
	t.str(xsiRotate)
	for _, tr := range shot.Trackers {
		t.str("# Data for tracker ").str(tr.Name).str("\nApplication.GetPrim(\"Null\", \"\", \"\", \"\")\n")
		t.str(`Application.SetValue("null.Name", "`).str(tr.Name).str("\", \"\")\n")
		t.str(`Application.SelectObj("`).str(tr.Name).str("\", \"\", True)\n")
		for _, k := range tr.Keyframes {
			x, y := plane.centred(k)
			t.str(`Application.Translate("", `).fixed(x, 5).str(", ").fixed(y, 5).str(xsiTranslate)
			t.str(`Application.SaveKeyOnKeyable("`).str(tr.Name).str(`", `).frame(k.Frame).str(", \"\", \"\", \"\", False, \"\")\n")
			t.keyframe()
		}
	}
	t.str("Application.DeselectAll()\nApplication.AddToSelection(\"ImagePlane\", \"\", \"\")\n")
	for _, tr := range shot.Trackers {
		t.str(`Application.AddToSelection("`).str(tr.Name).str("\", \"\", \"\")\n")
		t.spill()
	}
	t.str(xsiTail)
}
