package main

import (
	"fmt"
	"text/tabwriter"

	"convertd/webui/client"
)

// auditCommand prints what administrators did.
type auditCommand struct {
	remote `embed:""`
	Verb   string `help:"Only acts of this kind, such as delete." placeholder:"VERB"`
	Text   string `arg:"" optional:"" help:"Only acts in which this occurs: a name, an id, a queue."`
}

// Run prints one line an act, newest first.
func (c *auditCommand) Run(a *app) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	page, err := server.Audit(a.ctx, c.Verb, c.Text)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, page)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "WHEN\tWHO\tFROM\tVIA\tWHAT\tTO WHAT\tDETAIL\tOUTCOME")
	for _, act := range page.Acts {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", clock(act.At), act.Who, act.Address, act.Via, act.Verb, act.Target, act.Detail, outcomeOf(act))
	}
	return w.Flush()
}

func outcomeOf(act client.Act) string {
	switch {
	case act.Done == nil:
		return "not known"
	case *act.Done:
		return "done"
	}
	return string(act.Code)
}
