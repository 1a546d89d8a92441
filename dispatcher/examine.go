package dispatcher

import (
	"context"
	"time"

	"convertd/dispatcher/doctor"
	"convertd/sql/check"
)

// examinations look at everything that this machine must give: now, whenever settings or
// recipes change, and at intervals. What they find is rows for pages and API; what has
// become worse is logged.
func (d *Dispatcher) examinations(ctx context.Context) {
	if d.opts.RecipeSet == nil {
		return
	}
	tick := time.NewTicker(d.times.Examine)
	defer tick.Stop()
	known := map[string]doctor.Level{}
	for {
		known = d.examine(ctx, known)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-d.examineNow:
		}
	}
}

// examine makes one examination and returns the worst level of each check; known is what
// the one before returned.
func (d *Dispatcher) examine(ctx context.Context, known map[string]doctor.Level) map[string]doctor.Level {
	findings := doctor.Examine(ctx, d.doctorOptions())
	if d.opts.Further != nil {
		findings = append(findings, d.opts.Further()...)
	}
	if ctx.Err() != nil {
		return known // what was cut short by our own end is no finding
	}
	var rows []check.Finding
	checks := map[string][]doctor.Finding{}
	for _, f := range findings {
		rows = append(rows, check.Finding{Topic: f.Check, Level: string(f.Level), Text: f.Text, Remedy: f.Remedy})
		checks[f.Check] = append(checks[f.Check], f)
	}
	levels := map[string]doctor.Level{}
	for name, of := range checks {
		levels[name] = doctor.Worst(of)
		if levels[name] != known[name] && levels[name] != doctor.OK {
			d.tellFindings(of)
		}
	}
	short, cancel := context.WithTimeout(ctx, brief)
	defer cancel()
	if err := check.NewStore(d.opts.DB).Replace(short, d.presence.self.Host, rows); err != nil && ctx.Err() == nil {
		d.log.Error("findings not noted", "error", err)
	}
	return levels
}

func (d *Dispatcher) tellFindings(findings []doctor.Finding) {
	for _, f := range findings {
		switch f.Level {
		case doctor.Fail:
			d.log.Error("doctor", "check", f.Check, "found", f.Text, "remedy", f.Remedy)
		case doctor.Warn:
			d.log.Warn("doctor", "check", f.Check, "found", f.Text, "remedy", f.Remedy)
		}
	}
}

func (d *Dispatcher) doctorOptions() doctor.Options {
	settings := d.settings.Load()
	o := doctor.Options{
		DatabaseURL: d.opts.DatabaseURL, Spool: d.opts.Spool.Root(), Runner: d.opts.Runner,
		Mail: settings.Mail, Recipes: d.opts.RecipeSet(), UIDBase: d.opts.Box.UIDBase, Slots: settings.Lanes.Slots,
		Groups: &doctor.Groups{Method: d.cgroups.Method(), Why: d.cgroups.Why()},
	}
	if d.opts.Status != nil {
		o.Memcached = d.opts.Status.Address()
	}
	return o
}
