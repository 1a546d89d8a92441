package dispatcher

import (
	"os"
	"os/user"
	"strings"
	"testing"

	"convertd/runner/recipe"
	"convertd/sql/job"
)

// TestUserOfTheMachine runs steps as a user that the recipe names.
func TestUserOfTheMachine(t *testing.T) {
	t.Parallel()
	who := "nobody"
	if os.Geteuid() != 0 {
		me, err := user.Current()
		if err != nil {
			t.Fatal(err)
		}
		who = me.Username
	}
	as := func(name string) func(*recipe.Recipe) { return func(r *recipe.Recipe) { r.Access.User = name } }
	w := newWorld(t,
		shell("as-user", `id -un; cat "$1" && cp "$1" "$2.txt"`, as(who)), shell("as-nobody-known", "true", as("no-such-user")), shell("as-root", "true", as("root")))
	good, none, root := w.submit("as-user", "x"), w.submit("as-nobody-known", "x"), w.submit("as-root", "x")
	w.serve(w.opts)
	w.await(good, job.Succeeded)
	if log := awaitFile(t, w.spool.Job(good).Log(1)); !strings.Contains(log, " out "+who+"\n") {
		t.Errorf("it did not run as %s:\n%s", who, log)
	}
	for id, says := range map[string]string{none: "There is no user no-such-user", root: "root, as whom no step ever runs"} {
		if j := w.await(id, job.Failed); !strings.Contains(j.Result.Detail, says) || j.Result.Hint == "" {
			t.Errorf("%+v, want %q", j.Result, says)
		}
	}
}

// TestHostOfAParameter refuses what is no host before anything runs.
func TestHostOfAParameter(t *testing.T) {
	t.Parallel()
	r := shell("fetch", `cp "$1" "$2.txt"`, func(r *recipe.Recipe) {
		r.Params = []recipe.Param{{Name: "server", Type: recipe.String}}
		r.Access.Hosts = []string{"{param.server}:8080"}
	})
	w := newWorld(t, r)
	given := func(server string) string {
		return w.submit("fetch", "x", func(d *job.Draft) { d.Params = map[string][]string{"server": {server}} })
	}
	good, bad, star := given("render.example.org"), given("127.1"), given("*.example.org")
	w.serve(w.opts)
	w.await(good, job.Succeeded)
	for _, id := range []string{bad, star} {
		if j := w.await(id, job.Failed); !strings.Contains(j.Result.Detail, "names a host that cannot be reached") {
			t.Errorf("%+v", j.Result)
		}
	}
}

// TestAReplayIsNotGrantedWhatIsGrantedNoMore replays a recipe whose access was taken away.
func TestAReplayIsNotGrantedWhatIsGrantedNoMore(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	before := versioned(t, shell("say", `cp "$1" "$2.txt"`, func(r *recipe.Recipe) { r.Access.Read = []string{dir} }))
	now := versioned(t, shell("say", `cp "$1" "$2.txt"`))
	w := newWorld(t, before)
	id := w.submit("say", "x")
	first := w.serve(w.opts)
	w.await(id, job.Succeeded)
	again := func() string {
		return w.submit("say", "x", func(d *job.Draft) { d.RetryOf, d.Replays = id, 1 })
	}
	w.await(again(), job.Succeeded)
	first.stop()
	w.opts.Recipes = recipe.NewSet([]recipe.Recipe{now}, nil)
	refused := again()
	w.serve(w.opts)
	if j := w.await(refused, job.Failed); !strings.Contains(j.Result.Detail, "is not granted now") {
		t.Errorf("result %+v", j.Result)
	}
}
