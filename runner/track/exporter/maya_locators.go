package exporter

import "convertd/runner/track"

const (
	mayaHead = `//Maya ASCII 2011 scene
//Name: TracksperantoLocators.ma
//Codeset: UTF-8
requires maya "1.0";
polyPlane -name "TracksperantoImagePlane" -width `
	mayaTail = "group -name TracksperantoGroup; xform -os -piv 0 0 0;\n"
)

// mayaLocators writes a Maya scene: locators on an image plane ten units wide.
//
// The scene addresses every locator by its name. Maya allows ASCII letters, digits and
// underscores, no digit in front, and no name twice at the top of a scene; it renames what
// does not fit, and the keys of that locator then miss it. Names are therefore made legal
// and unique here; the reference writes them raw.
func mayaLocators() Format {
	return Format{
		ID: "maya-locators", Application: "Maya", Variant: "scene with locators (.ma)", Suffix: "mayaLocators.ma",
		NeedsSize: true, base: 1,
		names: &nameRules{
			why:    "Maya names are unique, have only ASCII letters, digits and underscores and begin with no digit",
			legal:  identifier,
			unique: true,
			taken:  []string{"TracksperantoImagePlane", "TracksperantoGroup", "persp", "top", "front", "side"},
		},
		write: writeMayaLocators,
	}
}

func writeMayaLocators(t *text, shot track.Shot) {
	plane := newImagePlane(shot)
	t.str(mayaHead).fixed(plane.width, 5).str(" -height ").fixed(plane.height, 5).str(";\nrotate -r -os 90;\n")
	t.str("move -r ").fixed(plane.width/2, 5).str(" ").fixed(plane.height/2, 5).str(" 0;\n")
	for _, tr := range shot.Trackers {
		t.str(`spaceLocator -name "`).str(tr.Name).str("\" -p 0 0 0;\n")
		for _, k := range tr.Keyframes {
			writeMayaKey(t, k.Frame, k.X*plane.factor, tr.Name, ".tx")
			writeMayaKey(t, k.Frame, k.Y*plane.factor, tr.Name, ".ty")
			t.keyframe()
		}
	}
	t.str("select -r TracksperantoImagePlane")
	for _, tr := range shot.Trackers {
		t.str(" ").str(tr.Name)
		t.spill()
	}
	t.str(";\n").str(mayaTail)
}

func writeMayaKey(t *text, frame int, value float64, name, attribute string) {
	t.str("setKeyframe -time ").frame(frame).str(" -value ").fixed(value, 5)
	t.str(` "`).str(name).str(attribute).str("\";\n")
}
