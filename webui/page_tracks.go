package webui

import (
	"context"
	"slices"
	"strconv"

	"convertd/runner/recipe"
	"convertd/runner/track/importer"
	pages "convertd/webui/page"
)

// tracksBuiltin is the built-in step whose files we understand ourselves.
const tracksBuiltin = "tracks"

// askFrameSize looks into a file of 2D tracks: it names the format, and asks for the size
// of the frame where the file does not say it, since most formats cannot be written
// without.
func (s *Server) askFrameSize(ctx context.Context, v visit, list *pages.Choices, beginning []byte) {
	for i := range list.Forms {
		r, ok := s.Recipes().Find(list.Forms[i].Recipe)
		if !ok || !slices.ContainsFunc(r.Steps, func(s recipe.Step) bool { return s.Builtin == tracksBuiltin }) {
			continue
		}
		found, err := importer.Peek(ctx, beginning, list.Name)
		if err != nil {
			return // the job will say what is wrong with it
		}
		list.Kind = found.Format.Application + " " + v.texts.Said(found.Format.Variant)
		sizeFields(v, &list.Forms[i], found)
	}
}

// sizeFields puts into the fields of the frame size what the file says, or opens the form
// at them.
func sizeFields(v visit, form *pages.Form, found importer.Peeked) {
	known := found.Width > 0 && found.Height > 0
	form.Open = !known
	sides := map[string]int{paramPrefix + "width": found.Width, paramPrefix + "height": found.Height}
	for g := range form.Groups {
		group := &form.Groups[g]
		for i, field := range group.Fields {
			side, ok := sides[field.Name]
			switch {
			case ok && known:
				group.Fields[i].Help = v.texts.Text("choose.sizeknown", "n", strconv.Itoa(side))
			case ok:
				group.Open, group.Fields[i].Help = true, v.texts.Text("choose.sizeunknown")
			}
		}
	}
}
