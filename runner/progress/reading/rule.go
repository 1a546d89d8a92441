package reading

import "convertd/runner/recipe"

// Rule reads progress out of pieces of output. It keeps what it has to remember from
// piece to piece, so each run of a step needs a new one.
type Rule interface {
	// Read takes one piece of text. It may see an unterminated piece again when it has
	// grown.
	Read(piece string) Update
}

// Eager is a Rule whose tool writes one long line in many small writes; it is shown
// that line after every write, not only once it stands still.
type Eager interface{ ReadsGrowingLines() }

// Totaled is a Rule that computes percent from a total that the probe found.
type Totaled interface{ SetTotal(first string) }

// named is one extractor: the name recipes use, and how it is made.
type named struct {
	name string
	make func() Rule
}

// extractors is the closed set in the order of the manual.
func extractors() []named {
	return []named{
		{"percent", newPercent},
		{"ffmpeg", newFFmpeg},
		{"handbrake", newHandBrake},
		{"yt-dlp", newYtDlp},
		{"imagemagick", newImageMagick},
		{"vips", newVips},
		{"ghostscript", newGhostscript},
		{"qpdf", newQpdf},
		{"pdftoppm", newPdftoppm},
		{"ocrmypdf", newOcrmypdf},
		{"calibre", newCalibre},
		{"7z", newPercent},
		{"rsync", newRsync},
		{"gdal", newGdal},
		{"sox", newSox},
		{"cwebp", newCwebp},
		{"exiftool", newExiftool},
	}
}

// Names returns the names of all extractors.
func Names() []string {
	var names []string
	for _, e := range extractors() {
		names = append(names, e.name)
	}
	return names
}

// Known reports whether there is an extractor of that name.
func Known(name string) bool {
	for _, e := range extractors() {
		if e.name == name {
			return true
		}
	}
	return false
}

// ForStep returns the reading rules of a step: the named extractor, then the recipe's
// own patterns. It is nil when the step has neither.
func ForStep(step recipe.Step) (Rule, error) {
	own, err := newPatterns(step.Patterns)
	if err != nil {
		return nil, err
	}
	for _, e := range extractors() {
		if e.name != step.Progress {
			continue
		}
		if own == nil {
			return e.make(), nil
		}
		return both{e.make(), own}, nil
	}
	if own == nil {
		return nil, nil
	}
	return own, nil
}

// both asks a named extractor first and a recipe's patterns for what it did not say.
type both struct{ first, second Rule }

func (b both) Read(piece string) Update {
	u := b.first.Read(piece)
	more := b.second.Read(piece)
	if !u.Known {
		u.Percent, u.Known = more.Percent, more.Known
	}
	if more.Message != "" {
		u.Message = more.Message
	}
	return u
}

// SetTotal passes the total on.
func (b both) SetTotal(first string) {
	if t, ok := b.first.(Totaled); ok {
		t.SetTotal(first)
	}
}
