package exporter

import "convertd/runner/track"

// ruby writes the trackers as bare Ruby code.
func ruby() Format {
	return Format{
		ID: "ruby", Application: "Ruby", Variant: "code (.rb)", Suffix: "tracksperanto_ruby.rb",
		NeedsSize: true, FromClip: true,
		write: writeRuby,
	}
}

func writeRuby(t *text, shot track.Shot) {
	t.str("require 'rubygems'\nrequire 'tracksperanto'\nwidth = ").int(shot.Width)
	t.str("\nheight = ").int(shot.Height).str("\ntrackers = []\n")
	for _, tr := range shot.Trackers {
		t.str(" \ntrackers << Tracksperanto::Tracker.new(:name => ").str(quoteRuby(tr.Name)).str(") do |t|\n")
		for _, k := range tr.Keyframes {
			t.str("  t.keyframe!(:frame => ").frame(k.Frame).str(", :abs_x => ").fixed(k.X, 5)
			t.str(", :abs_y => ").fixed(k.Y, 5).str(", :residual => ").fixed(k.Residual, 5).str(")\n")
			t.keyframe()
		}
		t.str("end\n")
	}
	t.str(" \n")
}
