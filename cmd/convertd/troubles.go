package main

import (
	"fmt"
	"text/tabwriter"

	"convertd/webui/client"
)

// failuresCommand prints the most common failures.
type failuresCommand struct {
	remote `embed:""`
	Recipe string `help:"Only of this recipe." placeholder:"NAME"`
}

// Run prints one line a kind of failure, most common first.
func (c *failuresCommand) Run(a *app) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	found, err := server.Failures(a.ctx, c.Recipe)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, client.Failures{Failures: found})
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "FAILURES\tLAST DAY\tRECIPE\tCLASS\tLAST\tLAST JOB\tREASON")
	for _, f := range found {
		_, _ = fmt.Fprintf(w, "%d\t%d\t%s\t%s\t%s\t%s\t%s\n", f.Failures, f.LastDay, f.Recipe, f.Class, clock(f.LastAt), f.LastJob, f.LastDetail)
	}
	return w.Flush()
}

// refusedCommand prints the submissions that were turned away.
type refusedCommand struct {
	remote `embed:""`
}

// Run prints one line a refusal, newest first.
func (c *refusedCommand) Run(a *app) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	page, err := server.Refused(a.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, page)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "WHEN\tWHO\tRECIPE\tCODE\tWHY")
	for _, r := range page.Refused {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", clock(r.At), r.Owner, r.Recipe, r.Code, r.Detail)
	}
	return w.Flush()
}
