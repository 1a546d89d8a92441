package db_test

import (
	"context"
	"testing"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"convertd/sql/db"
	"convertd/sql/dbtest"
)

// What the web process and the dispatcher may not do. That they may do all that they
// have to is shown by their own tests, which log in with these roles.
func TestRolesMayNot(t *testing.T) {
	t.Parallel()
	address := dbtest.URL(t)
	tests := []struct{ role, statement string }{
		{dbtest.Web, `insert into attempt (job, number, recipe_version, dispatcher, boot_id) values ('x', 1, '', '', '')`},
		{dbtest.Web, `update attempt set class = 'succeeded'`},
		{dbtest.Web, `delete from attempt`},
		{dbtest.Web, `truncate attempt`},
		{dbtest.Web, `insert into live_attempt (job, number, recipe_version, dispatcher, boot_id) values ('x', 1, '', '', '')`},
		{dbtest.Web, `delete from live_attempt`},
		{dbtest.Web, `insert into output (job, kind, number, attempt, file, name, size, sha256, media_type) values ('x', 'output', 1, 1, '1', '', 0, '', '')`},
		{dbtest.Web, `update output set file = '../../etc/passwd'`},
		{dbtest.Web, `delete from output`},
		{dbtest.Web, `update job set token = 'mine', state = 'running', attempt = 1`},
		{dbtest.Web, `update job set owner = 'me'`},
		{dbtest.Web, `update job set priority = 10`},
		{dbtest.Web, `delete from job`},
		{dbtest.Web, `update input set file = 'other'`},
		{dbtest.Web, `update result set state = 'succeeded'`},
		{dbtest.Web, `insert into outbox (key, kind, recipient, attach, payload) values ('k', 'failure', 'a@b', false, '{}')`},
		{dbtest.Web, `update outbox set recipient = 'me@example.org'`},
		{dbtest.Web, `insert into dispatcher (id, spool, host, pid, version, state, slots, running) values ('x', '', '', 1, '', 'serving', 1, 0)`},
		{dbtest.Web, `insert into declaration (recipe, version, text) values ('tracks', 'v', '{}')`},
		{dbtest.Web, `update declaration set text = '{}'`},
		{dbtest.Web, `update job set replays = 1`},
		{dbtest.Web, `insert into queue_turn values ('default', 1000000)`},
		{dbtest.Web, `insert into goose_db_version (version_id, is_applied) values (99, true)`},
		{dbtest.Web, `create table mine ()`},
		{dbtest.Web, `alter table job add column mine text`},
		{dbtest.Web, `delete from act`},
		{dbtest.Web, `update act set who = 'somebody else'`},
		{dbtest.Web, `copy job to '/tmp/job'`},
		{dbtest.Dispatcher, `create table mine ()`},
		{dbtest.Dispatcher, `drop table job`},
		{dbtest.Dispatcher, `truncate job cascade`},
		{dbtest.Dispatcher, `insert into goose_db_version (version_id, is_applied) values (99, true)`},
	}
	pools := map[string]*db.DB{dbtest.Web: open(t, dbtest.As(dbtest.Web, address)), dbtest.Dispatcher: open(t, dbtest.As(dbtest.Dispatcher, address))}
	for _, tt := range tests {
		_, err := pools[tt.role].Exec(tt.statement)
		if pq.As(err, pqerror.InsufficientPrivilege) == nil {
			t.Errorf("%s: %s: %v, want that it may not", tt.role, tt.statement, err)
		}
	}
}

// What a role was given by hand, or by an older program, is taken away.
func TestGrantGivesNoMoreThanThat(t *testing.T) {
	t.Parallel()
	address := dbtest.URL(t)
	owner, web := open(t, address), open(t, dbtest.As(dbtest.Web, address))
	if _, err := owner.Exec(`grant all on attempt to convertd_web`); err != nil {
		t.Fatal(err)
	}
	if _, err := web.Exec(`delete from attempt`); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := owner.Grant(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := web.Exec(`delete from attempt`); pq.As(err, pqerror.InsufficientPrivilege) == nil {
		t.Errorf("after Grant: %v", err)
	}
	if err := web.CheckSchema(context.Background()); err != nil {
		t.Errorf("the role cannot tell the version of the schema: %v", err)
	}
}
