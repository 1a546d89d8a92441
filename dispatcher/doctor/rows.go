package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"convertd/runner/recipe/load"
	"convertd/runner/spool"
	"convertd/sql/db"
	"convertd/sql/job"
)

// What of the database's own health is bad: a table of which more rows are dead than
// alive, when they are many; a transaction that keeps vacuum from removing any.
const (
	manyDeadRows    = 20_000
	longTransaction = 10 * time.Minute
)

// bloat looks for tables that vacuum does not keep up with: every claim then reads
// through the dead rows.
func bloat(ctx context.Context, d *db.DB, many int) []Finding {
	const check = "bloat"
	var tables []struct {
		Name string `db:"relname"`
		Dead int64  `db:"n_dead_tup"`
		Live int64  `db:"n_live_tup"`
	}
	err := d.SelectContext(ctx, &tables, `select relname, n_dead_tup, n_live_tup from pg_stat_user_tables
		where schemaname = 'public' and n_dead_tup > $1 and n_dead_tup > n_live_tup order by n_dead_tup desc`, many)
	if err != nil {
		return failWith(check, err, "Look at the log of PostgreSQL.")
	}
	if len(tables) == 0 {
		return ok(check, "Vacuum keeps up with the tables.")
	}
	worst := tables[0]
	return warn(check, fmt.Sprintf("The table %s has %d dead rows beside %d live ones; vacuum does not keep up, and claims get slow.", worst.Name, worst.Dead, worst.Live),
		fmt.Sprintf("Run vacuum analyze %s; look that autovacuum is on and that no transaction stays open.", worst.Name))
}

// longTransactions looks for what keeps vacuum from removing dead rows: open and
// prepared transactions, and replication slots that nobody reads.
func longTransactions(ctx context.Context, d *db.DB, long time.Duration) []Finding {
	const check = "transactions"
	var held []struct {
		What string  `db:"what"`
		Age  float64 `db:"age"`
		End  string  `db:"remedy"`
	}
	err := d.SelectContext(ctx, &held, `
		select 'The session ' || pid || ' of ' || coalesce(usename, 'nobody') || ' has a transaction open' as what,
			coalesce(extract(epoch from clock_timestamp() - xact_start), 0)::float8 as age,
			'End it in its program, or by select pg_terminate_backend(' || pid || ').' as remedy
		from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
			and xact_start < clock_timestamp() - make_interval(secs => $1)
		union all
		select 'A prepared transaction of ' || owner || ' is neither committed nor rolled back',
			extract(epoch from clock_timestamp() - prepared)::float8, 'Run rollback prepared ' || quote_literal(gid) || '.'
		from pg_prepared_xacts where database = current_database() and prepared < clock_timestamp() - make_interval(secs => $1)
		union all
		select 'The replication slot ' || slot_name || ' holds back vacuum and nobody reads it', 0::float8,
			'Start its reader, or run select pg_drop_replication_slot(' || quote_literal(slot_name) || ').'
		from pg_replication_slots where not active and coalesce(xmin, catalog_xmin) is not null
		order by age desc`, long.Seconds())
	if err != nil {
		return failWith(check, err, "Look at the log of PostgreSQL.")
	}
	var all []Finding
	for _, h := range held {
		since := ""
		if h.Age > 0 {
			since = " for " + load.FormatDuration(time.Duration(h.Age*float64(time.Second)).Round(time.Second))
		}
		all = append(all, warn(check, h.What+since+"; dead rows pile up meanwhile.", h.End)...)
	}
	hidden, err := hiddenSessions(ctx, d)
	if err != nil {
		return failWith(check, err, "Look at the log of PostgreSQL.")
	}
	if all = append(all, hidden...); all == nil {
		return ok(check, fmt.Sprintf("No transaction is open for longer than %s.", load.FormatDuration(long)))
	}
	return all
}

// hiddenSessions tells of sessions about which PostgreSQL does not say to this role how
// long their transactions last.
func hiddenSessions(ctx context.Context, d *db.DB) ([]Finding, error) {
	var of struct {
		Role   string `db:"role"`
		Others string `db:"others"`
	}
	err := d.GetContext(ctx, &of, `
		select current_user as role, coalesce(string_agg(distinct usename, ', '), '') as others
		from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and usename is not null
			and not pg_has_role(usesysid, 'usage') and not pg_has_role('pg_read_all_stats', 'usage')`)
	if err != nil || of.Others == "" {
		return nil, err
	}
	return warn("transactions", "How long transactions of "+of.Others+" last cannot be seen.",
		"As PostgreSQL's superuser: grant pg_read_all_stats to "+of.Role+". On this machine's own PostgreSQL convertd setup does that."), nil
}

// orphanAge is how old a folder without a row is before it counts: a submission makes
// the folder first.
const orphanAge = time.Hour

// orphans compares spool and database both ways.
func orphans(ctx context.Context, o Options, d *db.DB) []Finding {
	const check = "orphans"
	if o.Spool == "" {
		return nil
	}
	s, jobs := spool.New(o.Spool), job.NewStore(d)
	lost, err := foldersWithoutRows(ctx, s, jobs, orphanAge)
	if err != nil {
		return failWith(check, err, "Look at the spool and the log of PostgreSQL.")
	}
	bare, err := rowsWithoutFolders(ctx, s, jobs)
	if err != nil {
		return failWith(check, err, "Look at the spool and the log of PostgreSQL.")
	}
	var all []Finding
	if len(lost) > 0 {
		all = warn(check, fmt.Sprintf("The spool has the files of %d accepted jobs that the database does not know, the first in %s.", len(lost), lost[0]),
			"Restore the database that belongs to this spool; if these jobs are given up, remove their folders.")
	}
	if len(bare) > 0 {
		all = append(all, fail(check, fmt.Sprintf("The files of %d jobs that the database knows are not in the spool, the first being %s.", len(bare), bare[0]),
			"Look whether the disk of "+o.Spool+" is mounted; restore the files, or delete these jobs with convertd delete ID.")...)
	}
	if all == nil {
		return ok(check, "Spool and database know the same jobs.")
	}
	return all
}

// foldersWithoutRows returns the folders of accepted jobs that have no row. Those of
// unfinished submissions are no finding: the dispatcher removes them.
func foldersWithoutRows(ctx context.Context, s spool.Spool, jobs *job.Store, age time.Duration) ([]string, error) {
	folders, err := filepath.Glob(filepath.Join(s.Root(), "[A-Z2-7][A-Z2-7]", "*"))
	if err != nil {
		return nil, err
	}
	var lost []string
	for len(folders) > 0 {
		some := folders[:min(len(folders), 1000)]
		folders = folders[len(some):]
		var ids []string
		for _, dir := range some {
			if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) >= age {
				ids = append(ids, filepath.Base(dir))
			}
		}
		exists, err := jobs.Exists(ctx, ids)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if !exists[id] && s.Job(id).WasAccepted() {
				lost = append(lost, s.Job(id).Dir)
			}
		}
	}
	return lost, nil
}

// rowsWithoutFolders returns the ids of jobs whose folder is gone. A folder goes before
// its row says so, so what seems to be missing is asked for once more.
func rowsWithoutFolders(ctx context.Context, s spool.Spool, jobs *job.Store) ([]string, error) {
	ids, err := jobs.Filed(ctx, nil)
	if err != nil {
		return nil, err
	}
	missing := []string{}
	for _, id := range ids {
		if _, err := os.Stat(s.Job(id).Dir); os.IsNotExist(err) {
			missing = append(missing, id)
		}
	}
	return jobs.Filed(ctx, missing)
}
