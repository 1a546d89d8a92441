package exporter

import "convertd/runner/track"

// max3DS writes a script for 3ds Max: point helpers on an image plane ten units wide.
//
// Names are escaped for MaxScript and comments cannot be left; the reference writes names
// raw, so that a quote in one breaks the script or runs as code.
func max3DS() Format {
	return Format{
		ID: "3dsmax", Application: "3ds Max", Variant: "script for nulls on an image plane (.ms)", Suffix: "3dsmax_nulls.ms",
		NeedsSize: true,
		write:     write3DSMax,
	}
}

func write3DSMax(t *text, shot track.Shot) {
	plane := newImagePlane(shot)
	t.str("new_plane = convertToPoly (plane width:").fixed(plane.width, 5).str(" length:").fixed(plane.height, 5)
	t.str(" lengthsegs:1 widthsegs:1 name:\"TracksperantoPlane\" backFaceCull:True)\n")
	for _, tr := range shot.Trackers {
		t.str("-- Data for tracker ").str(commentText(tr.Name)).str("\nanimate on (\n")
		x, y := plane.centred(tr.Keyframes[0])
		t.str("pt = Point name:").str(quoteMaxScript(tr.Name)).str(" pos:[").fixed(x, 5).str(",").fixed(y, 5)
		t.str(",0.000] size:1.000000 axistripod:off centermarker:on isSelected:on\n")
		for _, k := range tr.Keyframes {
			x, y := plane.centred(k)
			t.str("at time ").frame(k.Frame).str(" pt.pos.x = ").fixed(x, 5).str("\n")
			t.str("at time ").frame(k.Frame).str(" pt.pos.y = ").fixed(y, 5).str("\n")
			t.keyframe()
		}
		t.str(")\n")
	}
	t.str("animate off\nEnableSceneRedraw()\n")
}
