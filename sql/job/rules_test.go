package job_test

import (
	"crypto/rand"
	"testing"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"convertd/sql/job"
)

// legal are rows that must be allowed, one for each way a job can be.
func legal() map[string]string {
	return map[string]string{
		"scheduled":           `state = 'scheduled', run_at = now()`,
		"blocked":             `state = 'blocked', gated = true`,
		"queued":              `state = 'queued'`,
		"queued again":        `state = 'queued', attempt = 1, started_at = now(), failures = 1, max_attempts = 2`,
		"running":             `state = 'running', attempt = 1, started_at = now(), token = 't'`,
		"running, asked":      `state = 'running', attempt = 1, started_at = now(), token = 't', cancel_requested_at = now()`,
		"running, deleted":    `state = 'running', attempt = 1, started_at = now(), token = 't', deleted_at = now(), cancel_requested_at = now()`,
		"succeeded":           `state = 'succeeded', class = 'succeeded', attempt = 1, started_at = now(), ended_at = now()`,
		"succeeded, asked":    `state = 'succeeded', class = 'succeeded', attempt = 1, started_at = now(), ended_at = now(), cancel_requested_at = now()`,
		"failed":              `state = 'failed', class = 'memory', attempt = 1, started_at = now(), ended_at = now(), failures = 1`,
		"cancelled, waiting":  `state = 'cancelled', class = 'cancelled', ended_at = now()`,
		"cancelled, running":  `state = 'cancelled', class = 'cancelled', attempt = 1, started_at = now(), ended_at = now()`,
		"replay":              `state = 'queued', retry_of = 'a', replays = 2`,
		"expired":             `state = 'expired', wait_until = now(), ended_at = now()`,
		"expired, claimed":    `state = 'expired', wait_until = now(), ended_at = now(), attempt = 1, started_at = now()`,
		"expired and deleted": `state = 'expired', wait_until = now(), ended_at = now(), deleted_at = now(), forgotten_at = now()`,
	}
}

func TestLegalRows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, set := range legal() {
		if err := b.alter(set); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Each row is a legal one with one thing wrong, and the constraint that says so.
func TestIllegalRows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rows := []struct{ from, change, constraint string }{
		{"queued", `state = 'paused'`, "job_state_known"},
		{"queued", `state = ''`, "job_state_known"},
		{"queued", `ended_at = now()`, "job_ended_at"},
		{"running", `ended_at = now()`, "job_ended_at"},
		{"scheduled", `ended_at = now()`, "job_ended_at"},
		{"blocked", `ended_at = now()`, "job_ended_at"},
		{"succeeded", `ended_at = null`, "job_ended_at"},
		{"failed", `ended_at = null`, "job_ended_at"},
		{"cancelled, running", `ended_at = null`, "job_ended_at"},
		{"expired", `ended_at = null`, "job_ended_at"},
		{"succeeded", `class = null`, "job_class"},
		{"succeeded", `class = 'memory'`, "job_class"},
		{"failed", `class = null`, "job_class"},
		{"failed", `class = 'succeeded'`, "job_class"},
		{"failed", `class = 'cancelled'`, "job_class"},
		{"failed", `class = 'invented'`, "job_class"},
		{"cancelled, waiting", `class = null`, "job_class"},
		{"cancelled, waiting", `class = 'killed'`, "job_class"},
		{"expired", `class = 'lost'`, "job_class"},
		{"queued", `class = 'lost'`, "job_class"},
		{"running", `class = 'succeeded'`, "job_class"},
		{"running", `token = null`, "job_token"},
		{"running", `token = ''`, "job_token_filled"},
		{"queued", `token = 't'`, "job_token"},
		{"queued again", `token = 't'`, "job_token"},
		{"succeeded", `token = 't'`, "job_token"},
		{"failed", `token = 't'`, "job_token"},
		{"cancelled, running", `token = 't'`, "job_token"},
		{"running", `attempt = 0, started_at = null`, "job_attempt"},
		{"succeeded", `attempt = 0, started_at = null`, "job_attempt"},
		{"failed", `attempt = 0, started_at = null, failures = 0`, "job_attempt"},
		{"queued", `attempt = -1`, "job_attempt"},
		{"running", `started_at = null`, "job_started_at"},
		{"queued", `started_at = now()`, "job_started_at"},
		{"queued again", `failures = 2, max_attempts = 3`, "job_failures"},
		{"running", `failures = -1`, "job_failures"},
		{"failed", `failures = 2, attempt = 2`, "job_failures"},
		{"queued again", `max_attempts = 1`, "job_attempts_left"},
		{"queued", `max_attempts = 0`, "job_attempts_left"},
		{"scheduled", `run_at = null`, "job_scheduled"},
		{"expired", `wait_until = null`, "job_expired"},
		{"expired, claimed", `failures = 1`, "job_expired"},
		{"queued", `cancel_requested_at = now()`, "job_cancel"},
		{"scheduled", `cancel_requested_at = now()`, "job_cancel"},
		{"queued", `deleted_at = now()`, "job_deleted"},
		{"blocked", `deleted_at = now()`, "job_deleted"},
		{"succeeded", `forgotten_at = now()`, "job_forgotten"},
		{"running, deleted", `forgotten_at = now()`, "job_forgotten"},
		{"queued", `id = '../../etc/passwd'`, "job_id_check"},
		{"blocked", `gated = false`, "job_gated"},
		{"queued", `concurrency_key = 'k'`, "job_gated"},
		{"queued", `id = ''`, "job_id_check"},
		{"queued", `priority = 11`, "job_priority_check"},
		{"queued", `turn = 0`, "job_turn_check"},
		{"queued", `params = '[]'`, "job_params_check"},
		{"queued", `tags = '"x"'`, "job_tags_check"},
		{"queued", `recipe = ''`, "job_recipe_check"},
		{"queued", `queue = ''`, "job_queue_check"},
		{"queued", `replays = 1`, "job_replays"},
		{"queued", `replays = 0, retry_of = 'a'`, "job_replays"},
	}
	for _, row := range rows {
		set, known := legal()[row.from]
		if !known {
			t.Fatalf("no legal row %q", row.from)
		}
		refused := pq.As(b.alter(set, row.change), pqerror.CheckViolation)
		if refused == nil || refused.Constraint != row.constraint {
			t.Errorf("%s with %s: %+v, want refusal by %s", row.from, row.change, refused, row.constraint)
		}
	}
	for _, column := range []string{"claimable", "waiting", "blocked"} {
		if pq.As(b.alter(column+" = true"), pqerror.GeneratedAlways) == nil {
			t.Errorf("%s can be written", column)
		}
	}
}

// alter makes a fresh job and changes its row, first to a legal one, then as the test
// wants, in one transaction that is undone.
func (b bundle) alter(sets ...string) error {
	b.t.Helper()
	tx, err := b.db.Beginx()
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	id := rand.Text()
	if _, err := tx.Exec(`insert into job (id, owner, recipe, recipe_version, queue, priority, turn, params, tags, email,
		lang, trace_context, state, max_attempts) values ($1, '', 'r', '', 'q', 0, 1, '{}', '{}', '', '', '{}', 'queued', 1)`, id); err != nil {
		b.t.Fatal(err)
	}
	for i, set := range sets {
		if _, err := tx.Exec("update job set "+set+" where id = $1", id); err != nil {
			if i < len(sets)-1 {
				b.t.Errorf("%s is not legal: %v", set, err)
			}
			return err
		}
	}
	return nil
}

// attempt is a statement that makes a row of one that is over.
func attempt(values string) string {
	return `insert into attempt (job, number, started_at, ended_at, class, recipe_version, dispatcher, boot_id) values (` + values + `, '', '', '')`
}

// The rows beside a job have rules too.
func TestIllegalRowsBeside(t *testing.T) {
	t.Parallel()
	rows := []struct{ statement, constraint string }{
		{`insert into live_attempt (job, number, recipe_version, dispatcher, boot_id) values ($1, 2, '', '', '')`, "live_attempt_pkey"},
		{`insert into live_attempt (job, number, recipe_version, dispatcher, boot_id) values ('other', 0, '', '', $1)`, "live_attempt_number_check"},
		{attempt("$1, 1, now(), now(), 'lost'"), "attempt_pkey"},
		{attempt("$1, 0, now(), now(), 'lost'"), "attempt_number_check"},
		{attempt("$1, 2, now(), now(), 'odd'"), "attempt_class_check"},
		{attempt("left('A' || $1, 26), 1, now(), now(), 'lost'"), "attempt_job_fkey"},
		{`insert into output (job, kind, number, attempt, file, name, size, sha256, media_type) values ($1, 'output', 1, 1, '../x', '', 0, '', '')`, "output_file_check"},
		{`insert into output (job, kind, number, attempt, file, name, size, sha256, media_type) values ($1, 'odd', 1, 1, 'x', '', 0, '', '')`, "output_kind_check"},
		{`insert into input (job, number, file, name, size, sha256, media_type) values ($1, 2, 'a/b', '', 0, '', '')`, "input_file_check"},
		{`insert into input (job, number, file, name, size, sha256, media_type) values ($1, 2, 'x', '', -1, '', '')`, "input_size_check"},
		{`insert into result (job, seq, recipe, state, keep_until) values ($1, 1, 'r', 'failed', now())`, "result_class"},
		{`insert into result (job, seq, recipe, state, class, keep_until) values ($1, 1, 'r', 'expired', 'lost', now())`, "result_class"},
		{`insert into result (job, seq, recipe, state, class, keep_until) values ($1, 1, 'r', 'running', 'lost', now())`, "result_state_check"},
		{`update job set group_id = $1 where id = $1`, "job_group_id_fkey"},
		{`insert into outbox (job, key, kind, recipient, payload, sent_at, withdrawn_at) values ($1, 'k', 'k', '', '{}', now(), now())`, "outbox_one_end"},
	}
	b := setup(t)
	running := b.run(draft("ann"))
	b.finish(end(running, job.Queued))
	b.claim(1)
	for _, row := range rows {
		_, err := b.db.Exec(row.statement, running.ID)
		if refused := pq.As(err); refused == nil || refused.Constraint != row.constraint {
			t.Errorf("%s: %v, want refusal by %s", row.statement, err, row.constraint)
		}
	}
}
