package pipeline

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestMeter lets two hours pass and counts the reports.
func TestMeter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told []float64
		m := newMeter(func(percent float64, _ string) { told = append(told, percent) })
		start := time.Now()
		for read := int64(0); read <= 1000; read++ {
			m.reading(read, 1000)
			time.Sleep(20 * time.Millisecond)
		}
		m.read()
		m.writing(2000, "Writing")
		for range 2000 {
			m.wrote(1)
			time.Sleep(20 * time.Millisecond)
		}
		m.end("Done")
		if most := int(time.Since(start)/reportEvery) + 2; len(told) > most || len(told) < most/2 {
			t.Errorf("%d reports, want nearly %d", len(told), most)
		}
		for i, percent := range told {
			if i > 0 && percent < told[i-1] {
				t.Errorf("fell from %v to %v", told[i-1], percent)
			}
			if percent >= 100 && i < len(told)-1 {
				t.Errorf("report %d of %d says %v", i+1, len(told), percent)
			}
		}
	})
}

// TestMeterOfPipe checks that nothing is invented when the size is not known.
func TestMeterOfPipe(t *testing.T) {
	t.Parallel()
	var told []float64
	m := newMeter(func(percent float64, _ string) { told = append(told, percent) })
	m.reading(1<<30, 0)
	if len(told) != 0 {
		t.Errorf("told %v of a pipe", told)
	}
}
