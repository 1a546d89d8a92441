package dispatcher

import (
	"context"
	"os"
	"sync"
	"testing"

	"convertd/sql/job"
)

// inFlight is how many children run at once in both benchmarks, so that their figures
// can be compared.
const inFlight = 4

// BenchmarkRawStartAndWait starts and awaits the same child that jobs get, which finds
// nothing to do.
func BenchmarkRawStartAndWait(b *testing.B) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	left := make(chan struct{}, b.N)
	for range b.N {
		left <- struct{}{}
	}
	close(left)
	b.ResetTimer()
	var workers sync.WaitGroup
	for range inFlight {
		workers.Go(func() {
			for range left {
				attr := &os.ProcAttr{Env: []string{"GOMAXPROCS=1"}, Files: []*os.File{null, null, null, null}}
				p, err := os.StartProcess(runnerPath, []string{runnerPath}, attr)
				if err != nil {
					b.Error(err)
					return
				}
				if _, err := p.Wait(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	workers.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "starts/s")
}

// BenchmarkNoOpJobs runs jobs of one trivial step from claim to recorded end.
func BenchmarkNoOpJobs(b *testing.B) {
	w := newWorld(b, shell("none", `: > "$2.txt"; echo x > "$2.txt"`))
	w.opts.Lanes = Lanes{Slots: inFlight}
	for range b.N {
		w.submit("none", "x")
	}
	b.ResetTimer()
	w.serve(w.opts)
	until(b, "all jobs succeed", func() bool {
		counts, err := w.jobs.Counts(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		return counts[job.Succeeded] == b.N
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
}
