package job_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/jmoiron/sqlx"

	"convertd/sql/job"
)

// fill makes jobs by the thousand, waiting or ended, past the statements of the store.
func (b bundle) fill(n int, waiting bool) {
	b.t.Helper()
	state, class, ended, attempt := "queued", "null", "null", "0"
	if !waiting {
		state, class, ended, attempt = "succeeded", "'succeeded'", "now()", "1"
	}
	b.execute(`insert into job (id, owner, recipe, recipe_version, queue, priority, turn, params, tags, email, lang,
			trace_context, state, class, attempt, started_at, ended_at, max_attempts)
		select translate(upper(substr(md5(n::text || $2), 1, 26)), '0189', 'GHIJ'), 'owner' || n % 50, 'tracks', '', 'queue' || n % 4,
			n % 3, 1 + n / 50, '{}', '{}', '', '', '{}', $2, `+class+`, `+attempt+`, `+ended+`, `+ended+`, 1
		from generate_series(1, $1::integer) as n`, n, state)
	b.execute(`insert into lane select distinct queue, priority from job on conflict do nothing`)
}

// indexes are the indexes that a plan walks, and tables those that it reads from end to
// end; sorted is the most rows that it sorts, read how many it reads of jobs that wait.
type walk struct {
	indexes, scanned []string
	sorted, read     float64
}

func (w *walk) follow(node map[string]any) {
	if index, ok := node["Index Name"].(string); ok {
		w.indexes = append(w.indexes, index)
	}
	rows, _ := node["Actual Rows"].(float64)
	loops, _ := node["Actual Loops"].(float64)
	switch {
	case node["Node Type"] == "Sort":
		w.sorted = max(w.sorted, rows)
	case node["Index Name"] == "job_claim":
		removed, _ := node["Rows Removed by Filter"].(float64)
		w.read += (rows + removed) * loops
	case node["Node Type"] == "Seq Scan":
		if table, ok := node["Relation Name"].(string); ok {
			w.scanned = append(w.scanned, table)
		}
	}
	plans, _ := node["Plans"].([]any)
	for _, plan := range plans {
		if child, ok := plan.(map[string]any); ok {
			w.follow(child)
		}
	}
}

// plan asks how a statement would be carried out, carries it out, and undoes it.
func (b bundle) plan(file string, values ...any) walk {
	b.t.Helper()
	statement, err := os.ReadFile(file)
	if err != nil {
		b.t.Fatal(err)
	}
	var w walk
	err = b.db.InTx(context.Background(), func(tx *sqlx.Tx) error {
		var text []byte
		if err := tx.Get(&text, "explain (analyze, format json) "+string(statement), values...); err != nil {
			return err
		}
		var plans []struct{ Plan map[string]any }
		if err := json.Unmarshal(text, &plans); err != nil {
			return err
		}
		w.follow(plans[0].Plan)
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		b.t.Fatal(err)
	}
	return w
}

// The claim goes by its own index whatever the table holds: a planner that changes its
// mind at some size would stop the service at that size.
func TestClaimPlan(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name           string
		waiting, ended int
		before         string // is run before the table is filled
		after          string
	}{
		{"nothing at all", 0, 0, "select 1", "select 1"},
		{"nothing at all, and looked at", 0, 0, "select 1", "analyze"},
		{"never looked at", 1000, 0, "select 1", "select 1"},
		{"looked at when it was empty", 1000, 0, "analyze", "select 1"},
		{"a thousand waiting", 1000, 0, "select 1", "analyze"},
		{"a thousand waiting among many ended", 1000, 20000, "select 1", "analyze"},
		{"a hundred thousand waiting", 100000, 0, "select 1", "analyze"},
		{"many ended and none waiting", 0, 20000, "select 1", "analyze"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.execute(row.before)
			b.fill(row.ended, false)
			b.fill(row.waiting, true)
			b.execute(row.after)
			b.checkClaimPlan()
		})
	}
}

// checkClaimPlan claims sixteen jobs and looks how: by the claim's own index, reading and
// sorting no more than sixteen of each lane. An empty table may be read in any way.
func (b bundle) checkClaimPlan() {
	b.t.Helper()
	var any bool
	var lanes float64
	if err := b.db.Get(&any, `select exists (select from job)`); err != nil {
		b.t.Fatal(err)
	}
	if err := b.db.Get(&lanes, `select count(*) from lane`); err != nil {
		b.t.Fatal(err)
	}
	w := b.plan("claim.sql", "d", "b", 16, `{"queue1": 3}`, `[{"queue": "queue2", "priority": 1, "turn": 3}]`, nil, "secret")
	if any && (!slices.Contains(w.indexes, "job_claim") || slices.Contains(w.scanned, "job")) {
		b.t.Errorf("indexes %v, scanned %v", w.indexes, w.scanned)
	}
	if most := 16 * lanes; w.read > most || w.sorted > most {
		b.t.Errorf("read %v and sorted %v of %v lanes", w.read, w.sorted, lanes)
	}
}

// execute runs a statement that need not change anything.
func (b bundle) execute(statement string, values ...any) {
	b.t.Helper()
	if _, err := b.db.Exec(statement, values...); err != nil {
		b.t.Fatalf("%s: %v", statement, err)
	}
}

// An end leaves every index of the job alone: the new version of the row stays on its
// page (heap-only tuple). There are so few jobs that all versions fit on one page, because
// when older ones are cleared away depends on transactions elsewhere.
func TestEndsAreHeapOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	// The numbers of a session appear when it says so, so everything runs in one.
	b.db.SetMaxOpenConns(1)
	const jobs = 8
	for range jobs {
		b.insert(draft("ann"))
	}
	ends := make([]job.End, jobs)
	for i, c := range b.claim(jobs) {
		ends[i] = end(c, []job.State{job.Succeeded, job.Failed, job.Cancelled}[i%3])
	}
	before := b.heapOnly()
	b.finish(ends...)
	if got := b.heapOnly() - before; got != jobs {
		t.Errorf("%d of %d ends were heap-only", got, jobs)
	}
}

// heapOnly is how many updates of jobs touched no index so far.
func (b bundle) heapOnly() int {
	b.t.Helper()
	var n int
	b.execute(`select pg_stat_force_next_flush()`)
	if err := b.db.Get(&n, `select n_tup_hot_upd from pg_stat_user_tables where relname = 'job'`); err != nil {
		b.t.Fatal(err)
	}
	return n
}
