package job_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/lib/pq"

	"convertd/sql/dbtest"
	"convertd/sql/job"
)

// pairs is how often what is compared is timed, in turns: a machine that is busy with
// something else is so for both.
const pairs = 200

// BenchmarkClaim16 holds a claim of sixteen jobs against the update of one row by its key,
// whose commit waits for the disk. claim-ratio, which is to stay below 2, is for the claim
// alone, confirmed-ratio until the claims are on disk and all is read that is known of the
// jobs. sixteen-ratio holds the claim against sixteen rows that are only changed.
func BenchmarkClaim16(b *testing.B) {
	d := benchmark(b)
	d.reportClaims(b)
}

// The same among a hundred thousand ended jobs.
func BenchmarkClaim16AmongMany(b *testing.B) {
	d := benchmark(b)
	d.fill(100000, false)
	d.execute("vacuum analyze")
	d.reportClaims(b)
}

// reportClaims reports the median of claims over that of updates of one row, and of
// sixteen.
func (b bundle) reportClaims(bench *testing.B) {
	b.fillMore(16)
	var ids []string
	for _, c := range b.take(16) {
		ids = append(ids, c.ID)
		b.endAll([]job.Claimed{c})
	}
	var claims, confirmed, ones, sixteens []time.Duration
	for bench.Loop() {
		for range pairs {
			claim, whole := b.timeClaim()
			claims, confirmed = append(claims, claim), append(confirmed, whole)
			ones = append(ones, timed(func() { b.exec(`update job set run_at = now() where id = $1`, ids[0]) }))
			sixteens = append(sixteens, timed(func() { b.exec(`update job set run_at = now() where id = any($1)`, pq.Array(ids)) }))
		}
	}
	claim, one := float64(quantile(claims, 50)), float64(quantile(ones, 50))
	bench.ReportMetric(claim/one, "claim-ratio")
	bench.ReportMetric(float64(quantile(confirmed, 50))/one, "confirmed-ratio")
	bench.ReportMetric(claim/float64(quantile(sixteens, 50)), "sixteen-ratio")
}

// timeClaim claims sixteen jobs, made before and ended after. whole is the time until they
// were confirmed too.
func (b bundle) timeClaim() (claim, whole time.Duration) {
	b.fillMore(16)
	var claimed []job.Claimed
	claim = timed(func() { claimed = b.take(16) })
	whole = claim + timed(func() { claimed = b.confirm(claimed) })
	if len(claimed) != 16 {
		b.t.Fatalf("claimed %d", len(claimed))
	}
	b.endAll(claimed)
	return claim, whole
}

func timed(do func()) time.Duration {
	start := time.Now()
	do()
	return time.Since(start)
}

// quantile is the value that so many of a hundred are below.
func quantile(all []time.Duration, percent int) time.Duration {
	slices.Sort(all)
	return all[len(all)*percent/100]
}

// BenchmarkClaimAmongDead holds claims among a million jobs that ended while somebody's
// transaction is open against claims from an empty table, done in turns: p99-ratio is to
// stay below 2.
func BenchmarkClaimAmongDead(b *testing.B) {
	empty, full := benchmark(b), benchmark(b)
	// What lists are looked up by is nothing to the claim, and slow to fill.
	full.execute(`drop index job_owner, job_recipe, job_tags, job_group_id`)
	for range 10 {
		full.fillSome(100000)
	}
	full.pin()
	full.retire()
	var without, among []time.Duration
	for b.Loop() {
		for range 5 * pairs {
			quick, _ := empty.timeClaim()
			slow, _ := full.timeClaim()
			without, among = append(without, quick), append(among, slow)
		}
	}
	b.ReportMetric(float64(quantile(among, 99))/float64(quantile(without, 99)), "p99-ratio")
	b.ReportMetric(float64(quantile(among, 50))/float64(quantile(without, 50)), "p50-ratio")
}

func BenchmarkFinish16(b *testing.B) {
	d := benchmark(b)
	for b.Loop() {
		b.StopTimer()
		d.fillMore(16)
		claimed := d.claim(16)
		b.StartTimer()
		d.endAll(claimed)
	}
}

func BenchmarkInsert(b *testing.B) {
	d := benchmark(b)
	for b.Loop() {
		d.insert(draft("ann"))
	}
}

// benchmark is a database whose commits wait for the disk.
func benchmark(b *testing.B) bundle {
	b.Helper()
	database := dbtest.OpenDurable(b)
	return bundle{Store: job.NewStore(database), db: database, t: b}
}

// fillMore inserts waiting jobs of two owners.
func (b bundle) fillMore(n int) {
	for i := range n {
		b.insert(draft([]string{"ann", "bob"}[i%2]))
	}
}

func (b bundle) endAll(claimed []job.Claimed) {
	b.t.Helper()
	ends := make([]job.End, len(claimed))
	for i, c := range claimed {
		ends[i] = end(c, job.Succeeded)
	}
	if _, err := b.Finish(context.Background(), ends); err != nil {
		b.t.Fatal(err)
	}
}
