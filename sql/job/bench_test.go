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
// something else is so for both. A claim of sixteen jobs and the update of one row by its
// key both wait for the disk once.
const pairs = 200

// BenchmarkClaim16 reports claim-ratio, which is to stay below 2, and how far the claim is
// from what sixteen rows cost that are only changed.
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
	for _, c := range b.claim(16) {
		ids = append(ids, c.ID)
		b.endAll([]job.Claimed{c})
	}
	var claims, ones, sixteens []time.Duration
	for bench.Loop() {
		for range pairs {
			claims = append(claims, b.timeClaim())
			ones = append(ones, timed(func() { b.exec(`update job set run_at = now() where id = $1`, ids[0]) }))
			sixteens = append(sixteens, timed(func() { b.exec(`update job set run_at = now() where id = any($1)`, pq.Array(ids)) }))
		}
	}
	claim := float64(quantile(claims, 50))
	bench.ReportMetric(claim/float64(quantile(ones, 50)), "claim-ratio")
	bench.ReportMetric(claim/float64(quantile(sixteens, 50)), "sixteen-ratio")
}

// timeClaim claims sixteen jobs, made before and ended after.
func (b bundle) timeClaim() time.Duration {
	b.fillMore(16)
	var claimed []job.Claimed
	took := timed(func() { claimed = b.claim(16) })
	if len(claimed) != 16 {
		b.t.Fatalf("claimed %d", len(claimed))
	}
	b.endAll(claimed)
	return took
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
			without, among = append(without, empty.timeClaim()), append(among, full.timeClaim())
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
