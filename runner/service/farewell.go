package service

import (
	"context"

	"convertd/runner/service/order"
)

// Farewell tells the service of an order that nobody waits for its job any more, if it has
// one: for a job that was cancelled while no call of it ran. Its error is a *Failure; then
// the service was not told.
func Farewell(ctx context.Context, o Options, told order.Call) error {
	a := newAgent(o, told.HTTP.Patience, told.Secrets, told.Trace)
	defer a.Close()
	c := newCall(a, told)
	remote, known, err := c.record.load()
	if err != nil {
		return explain(ctx, err)
	}
	if !known || c.http.Cancel == nil {
		return nil
	}
	if c.base, err = c.fill.url(c.http.URL, nil); err != nil {
		return explain(ctx, err)
	}
	c.answered(remote)
	c.passOnCancel(ctx)
	if c.record.known() {
		return failed("The service could not be told that the job was cancelled.")
	}
	return nil
}
