package main

import (
	"fmt"

	"convertd/webui/client"
)

// cacheCommand looks after what is kept between the jobs of a recipe.
type cacheCommand struct {
	Drop cacheDropCommand `cmd:"" help:"Drop copies of fetched inputs and files in the folders of a recipe; jobs fetch and make them anew."`
}

type cacheDropCommand struct {
	remote `embed:""`
	Recipe string `arg:"" help:"Name of the recipe."`
	Prefix string `help:"Only what has a prefix, or a file name, that begins so." placeholder:"TEXT"`
}

// Run asks for the drop and prints what became of it.
func (c *cacheDropCommand) Run(a *app) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	dropped, err := server.DropCache(a.ctx, c.Recipe, c.Prefix)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, dropped)
	}
	return c.tell(a, dropped)
}

func (c *cacheDropCommand) tell(a *app, d client.CacheDrop) error {
	switch {
	case d.Problem != "":
		return fmt.Errorf("drop the cache of %s: %d files went, not all: %s", d.Recipe, d.Files, d.Problem)
	case !d.Done:
		_, err := fmt.Fprintf(a.stdout, "%s: asked for; the dispatcher drops it as soon as it can\n", d.Recipe)
		return err
	}
	_, err := fmt.Fprintf(a.stdout, "%s: %d files dropped\n", d.Recipe, d.Files)
	return err
}
