package main

import (
	"convertd/dispatcher/keeper"
	"convertd/systemd"
)

// keeperCommand holds the control group of the jobs, for convertd-jobs.service.
type keeperCommand struct {
	Folder string `arg:"" help:"Folder in which the dispatcher finds out where the group is."`
}

// Run holds the group until it is told to stop, and then ends the jobs in it safely: they
// run again later.
func (c *keeperCommand) Run(a *app) error {
	manager, err := systemd.Open()
	if err != nil {
		return err
	}
	k, err := keeper.Open(c.Folder, a.log)
	if err != nil {
		return err
	}
	a.warn("service manager not told", manager.Ready())
	err = k.Run(a.ctx)
	a.warn("service manager not told", manager.Stopping())
	return err
}
