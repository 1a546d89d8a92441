package pipeline

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"convertd/runner/fault"
	"convertd/runner/track/exporter"
	"convertd/runner/track/filter"
	"convertd/runner/track/importer"
)

// plan is a checked request.
type plan struct {
	req      Request
	reader   importer.Importer // nil: find it
	targets  []exporter.Format
	tools    []filter.Step
	progress *meter
}

// newPlan checks everything that can be checked before the file is opened.
func newPlan(req Request) (*plan, error) {
	if req.InputName == "" {
		req.InputName = filepath.Base(req.Input)
	}
	if req.Stem == "" {
		req.Stem = stemOf(req.InputName)
	}
	p := &plan{req: req, progress: newMeter(req.Progress)}
	if err := checkNumbers(req); err != nil {
		return nil, err
	}
	if req.From != "" && req.From != "auto" {
		reader, ok := importer.ByID(req.From)
		if !ok {
			return nil, fault.New(fault.Invalid, fmt.Sprintf("There is no input format %q.", req.From), "The formats are auto, "+readerIDs()+".")
		}
		p.reader = reader
	}
	if err := p.addTargets(req.To); err != nil {
		return nil, err
	}
	for _, spec := range req.Tools {
		step, err := filter.Parse(spec)
		if err != nil {
			return nil, err
		}
		p.tools = append(p.tools, step)
	}
	return p, nil
}

// maxGivenSide is the largest frame side a person may give.
const maxGivenSide = 1 << 24

func checkNumbers(req Request) error {
	for _, side := range []int{req.Width, req.Height} {
		if side < 0 || side > maxGivenSide {
			return fault.New(fault.Invalid, fmt.Sprintf("The frame size %d x %d is not possible.", req.Width, req.Height),
				fmt.Sprintf("Give width and height in pixels, from 1 to %d, or neither.", maxGivenSide))
		}
	}
	if (req.Width == 0) != (req.Height == 0) {
		return fault.New(fault.Invalid, "Only one of width and height was given.", "Give both in pixels, or neither.")
	}
	if req.FirstFrame < -maxFirstFrame || req.FirstFrame > maxFirstFrame {
		return fault.New(fault.Invalid, fmt.Sprintf("The first frame %d is out of range.", req.FirstFrame),
			fmt.Sprintf("Give a number from %d to %d.", -maxFirstFrame, maxFirstFrame))
	}
	return nil
}

// addTargets looks the writers up; an id given twice counts once.
func (p *plan) addTargets(ids []string) error {
	if len(ids) == 0 {
		for _, f := range exporter.All() {
			if f.IsDefault() {
				p.targets = append(p.targets, f)
			}
		}
		return nil
	}
	for i, id := range ids {
		f, ok := exporter.ByID(id)
		if !ok {
			return fault.New(fault.Invalid, fmt.Sprintf("There is no output format %q.", id), "The formats are "+writerIDs()+".")
		}
		if !slices.Contains(ids[:i], id) {
			p.targets = append(p.targets, f)
		}
	}
	return nil
}

// paths returns the final paths of the outputs.
func (p *plan) paths() []string {
	paths := make([]string, len(p.targets))
	for i, f := range p.targets {
		paths[i] = filepath.Join(p.req.OutDir, p.req.Stem+"_"+f.Suffix)
	}
	return paths
}

// stemOf returns a file name without its last extension. A name that is nothing but an
// extension stays whole.
func stemOf(name string) string {
	name = filepath.Base(name)
	if stem := strings.TrimSuffix(name, filepath.Ext(name)); stem != "" {
		return stem
	}
	return name
}

func readerIDs() string {
	var ids []string
	for _, r := range importer.All() {
		ids = append(ids, r.Format().ID)
	}
	return strings.Join(ids, ", ")
}

func writerIDs() string {
	var ids []string
	for _, f := range exporter.All() {
		ids = append(ids, f.ID)
	}
	return strings.Join(ids, ", ")
}
