//go:build million

package job_test

import "testing"

// The claim is carried out among a million waiting jobs, and among a million ended ones, as
// it is among a thousand.
func TestClaimPlanAmongAMillion(t *testing.T) {
	t.Parallel()
	for name, waiting := range map[string]bool{"waiting": true, "ended": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.execute(`drop index job_owner, job_recipe, job_tags, job_group_id, job_turn`) // slow to fill, and nothing to the claim
			for n := range 10 {
				b.fillMillion(n, waiting)
			}
			b.fill(1000, true)
			b.execute("analyze")
			b.checkClaimPlan()
		})
	}
}

// fillMillion adds the tenth of a million with the number n.
func (b bundle) fillMillion(n int, waiting bool) {
	b.t.Helper()
	state, class, ended, attempt := "queued", "null", "null", 0
	if !waiting {
		state, class, ended, attempt = "succeeded", "'succeeded'", "now()", 1
	}
	b.execute(`insert into job (id, owner, recipe, recipe_version, queue, priority, turn, params, tags, email, lang,
			trace_context, state, class, attempt, started_at, ended_at, max_attempts)
		select translate(upper(substr(md5(n::text || 'million'), 1, 26)), '0189', 'GHIJ'), 'owner' || n % 50, 'tracks', '', 'queue' || n % 4,
			n % 3, 1 + n / 50, '{}', '{}', '', '', '{}', $2, `+class+`, $3, `+ended+`, `+ended+`, 1
		from generate_series($1::integer * 100000 + 1, $1::integer * 100000 + 100000) as n`, n, state, attempt)
}
