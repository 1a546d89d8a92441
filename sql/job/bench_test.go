package job_test

import (
	"context"
	"testing"

	"convertd/sql/dbtest"
	"convertd/sql/job"
)

// What a claim of sixteen jobs costs is to be held against BenchmarkUpdateOne: both wait
// for the disk once.
func BenchmarkClaim16(b *testing.B) {
	d := benchmark(b)
	for b.Loop() {
		b.StopTimer()
		d.fillMore(16)
		b.StartTimer()
		claimed := d.claim(16)
		b.StopTimer()
		if len(claimed) != 16 {
			b.Fatalf("claimed %d", len(claimed))
		}
		d.endAll(claimed)
		b.StartTimer()
	}
}

// The same among a hundred thousand ended jobs.
func BenchmarkClaim16AmongMany(b *testing.B) {
	d := benchmark(b)
	d.fill(100000, false)
	d.execute("vacuum analyze")
	for b.Loop() {
		b.StopTimer()
		d.fillMore(16)
		b.StartTimer()
		claimed := d.claim(16)
		b.StopTimer()
		if len(claimed) != 16 {
			b.Fatalf("claimed %d", len(claimed))
		}
		d.endAll(claimed)
		b.StartTimer()
	}
}

// BenchmarkUpdateOne is the yardstick: the update of one row by its key, with commit.
func BenchmarkUpdateOne(b *testing.B) {
	d := benchmark(b)
	id := d.insert(draft("ann")).ID
	for b.Loop() {
		d.exec(`update job set run_at = now() where id = $1`, id)
	}
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
