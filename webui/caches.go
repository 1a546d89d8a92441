package webui

import (
	"net/http"
	"strings"
	"time"

	"github.com/julienschmidt/httprouter"

	"convertd/sql/audit"
	"convertd/sql/drop"
	"convertd/webui/client"
)

// A drop is the dispatcher's to do; it is waited for a moment.
const (
	dropPatience = 10 * time.Second
	dropLook     = 50 * time.Millisecond
)

// dropCache drops what is kept between jobs of a recipe: all of it, or what has names that
// begin with a prefix.
func (s *Server) dropCache(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	if err := s.administrator(r); err != nil {
		return err
	}
	query := r.URL.Query()
	for name := range query {
		if name != "recipe" && name != "prefix" {
			return fieldFault(shorten(name), "A cache is dropped by recipe and prefix only.", "Remove the other parameter.")
		}
	}
	recipe, prefix := query.Get("recipe"), query.Get("prefix")
	if recipe == "" || len(recipe) > 60 || strings.Trim(recipe, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return fieldFault("recipe", "There can be no recipe of this name.", "Name one: ?recipe=NAME. The list of recipes has all of them.")
	}
	if len(prefix) > 1000 || strings.ContainsRune(prefix, 0) {
		return fieldFault("prefix", "The prefix is too long.", "Give the beginning of the names as the recipe makes them.")
	}
	var asked drop.Drop
	err := s.act(r, audit.Act{Verb: audit.DropCache, Target: recipe, Detail: prefix}, func() (err error) {
		asked, err = s.Drops.Ask(r.Context(), recipe, prefix)
		return err
	})
	if err != nil {
		return err
	}
	done, err := s.awaitDrop(r, asked)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if done.DoneAt == nil {
		status = http.StatusAccepted
	}
	return writeJSON(w, status, client.CacheDrop{Recipe: done.Recipe, Prefix: done.Prefix, Done: done.DoneAt != nil, Files: done.Files, Problem: done.Problem})
}

// awaitDrop waits until it is done, or for as long as anybody would.
func (s *Server) awaitDrop(r *http.Request, asked drop.Drop) (drop.Drop, error) {
	over := time.NewTimer(dropPatience)
	defer over.Stop()
	look := time.NewTicker(dropLook)
	defer look.Stop()
	for {
		now, err := s.Drops.Find(r.Context(), asked.ID)
		if err != nil || now.DoneAt != nil {
			return now, err
		}
		select {
		case <-look.C:
		case <-over.C:
			return now, nil
		case <-s.stopping:
			return now, nil
		case <-r.Context().Done():
			return now, r.Context().Err()
		}
	}
}
