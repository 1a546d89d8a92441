package reading

import (
	"fmt"
	"regexp"
	"strings"

	"convertd/runner/recipe"
)

// imageMagick reads "load image[in.png]: 50 of 2500, 02% complete" (-monitor). Each
// operation counts from 0 and how many there will be is not said: loading is the first
// 30 percent, saving the last 20, and each operation between goes half of what is left
// before saving.
type imageMagick struct {
	match    *regexp.Regexp
	stage    string
	last     float64
	from, to float64
}

const (
	loaded = 30
	saving = 80
	// restart is how far percent must fall to mean that the same operation begins again
	// and not that its threads report out of order.
	restart = 50
)

func newImageMagick() Rule {
	return &imageMagick{match: regexp.MustCompile(`^([^\[:]+)(?:\[.*\])?: \d+ of \d+, (\d+)% complete`)}
}

// Read takes one piece.
func (m *imageMagick) Read(piece string) Update {
	groups := m.match.FindStringSubmatch(piece)
	if groups == nil {
		return Update{}
	}
	percent, ok := number(groups[2])
	if !ok {
		return Update{}
	}
	stage := strings.ToLower(strings.TrimSpace(groups[1]))
	if stage != m.stage || percent < m.last-restart {
		m.enter(stage)
	}
	m.last = percent
	return Update{Percent: m.from + (m.to-m.from)*min(percent, 100)/100, Known: true, Message: Clean(stage)}
}

func (m *imageMagick) enter(stage string) {
	m.stage = stage
	switch {
	case strings.HasPrefix(stage, "load"):
		m.from, m.to = 0, loaded
	case strings.HasPrefix(stage, "save"):
		m.from, m.to = saving, 100
	default:
		m.from = min(max(m.to, loaded), saving)
		m.to = m.from + (saving-m.from)/2
	}
}

// vips reads "vips temp-30: 45% complete" (--vips-progress), as vips and vipsthumbnail say. Small intermediate images
// say 100 at once and never anything before: they do not count.
type vips struct {
	match *regexp.Regexp
	image string
}

func newVips() Rule {
	return &vips{match: regexp.MustCompile(`^vips(?:thumbnail)? (\S+): (\d+)% complete`)}
}

// Read takes one piece.
func (v *vips) Read(piece string) Update {
	groups := v.match.FindStringSubmatch(piece)
	if groups == nil {
		return Update{}
	}
	percent, ok := number(groups[2])
	if !ok || percent >= 100 && groups[1] != v.image {
		return Update{}
	}
	v.image = groups[1]
	return percentOf(percent)
}

// patterns are the reading rules of a recipe's own. The first that matches a piece and
// belongs to the stage that runs is taken.
type patterns struct {
	rules []pattern
	// stages are the declared ones in order, each with its share of the step; the same
	// name twice means that the tool goes through it twice.
	stages []stage
	now    int // index in stages
	last   float64
	// unnamed is the stage a tool named that no pattern declares.
	current string
}

type pattern struct {
	match *regexp.Regexp
	stage string
	// Numbers of the named groups in match, -1 when absent.
	percent, done, total, message, named int
}

type stage struct {
	name         string
	before, part float64 // of 1
}

// newPatterns compiles the rules; nil without any.
func newPatterns(declared []recipe.Pattern) (Rule, error) {
	if len(declared) == 0 {
		return nil, nil
	}
	p := &patterns{now: -1}
	sum := 0.0
	for _, d := range declared {
		match, err := regexp.Compile(d.Match)
		if err != nil {
			return nil, fmt.Errorf("progress pattern %q: %w", d.Match, err)
		}
		p.rules = append(p.rules, pattern{
			match: match, stage: d.Stage,
			percent: match.SubexpIndex("percent"), done: match.SubexpIndex("done"),
			total: match.SubexpIndex("total"), message: match.SubexpIndex("message"),
			named: match.SubexpIndex("stage"),
		})
		if d.Stage != "" {
			weight := d.Weight
			if !(weight > 0) {
				weight = 1
			}
			p.stages = append(p.stages, stage{name: d.Stage, before: sum, part: weight})
			sum += weight
		}
	}
	for i := range p.stages {
		p.stages[i].before /= sum
		p.stages[i].part /= sum
	}
	return p, nil
}

// Read tries the rules in order.
func (p *patterns) Read(piece string) Update {
	for _, rule := range p.rules {
		groups := rule.match.FindStringSubmatch(piece)
		if groups == nil {
			continue
		}
		if rule.named >= 0 {
			name := strings.TrimSpace(groups[rule.named])
			if rule.stage != "" && rule.stage != name {
				continue
			}
			p.current = name
		} else if rule.stage != "" {
			p.current = rule.stage
		}
		return p.update(rule, groups)
	}
	return Update{}
}

func (p *patterns) update(rule pattern, groups []string) Update {
	var u Update
	if rule.message >= 0 {
		u.Message = Clean(groups[rule.message])
	}
	percent, known := rule.value(groups)
	if len(p.stages) == 0 {
		u.Percent, u.Known = percent, known
		return u
	}
	if !p.enter(percent, known) {
		return u
	}
	now := p.stages[p.now]
	u.Percent, u.Known = 100*(now.before+now.part*min(max(percent, 0), 100)/100), true
	return u
}

// enter moves to the current stage, never back; a percent that falls means that the
// tool goes through a stage of the same name again. It reports whether the stage is one
// of the declared.
func (p *patterns) enter(percent float64, known bool) bool {
	from := max(p.now, 0)
	if p.now >= 0 && p.stages[p.now].name == p.current && known && percent < p.last {
		from = p.now + 1
	}
	for i := from; i < len(p.stages); i++ {
		if p.stages[i].name == p.current {
			p.now, p.last = i, percent
			return true
		}
	}
	return p.now >= 0 && p.stages[p.now].name == p.current
}

func (r pattern) value(groups []string) (float64, bool) {
	if r.percent >= 0 && groups[r.percent] != "" {
		return number(groups[r.percent])
	}
	if r.done >= 0 && r.total >= 0 {
		u := share(groups[r.done], groups[r.total])
		return u.Percent, u.Known
	}
	return 0, false
}
