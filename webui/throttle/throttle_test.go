package throttle

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

func TestTable_gives_tokens_and_says_when_the_next_comes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := New[string](3, time.Minute)
		for range 3 {
			if wait := table.Take("ann"); wait != 0 {
				t.Fatalf("told to wait %v", wait)
			}
		}
		for range 5 { // asking again does not put it off
			if wait := table.Take("ann"); wait <= 19*time.Second || wait > 20*time.Second {
				t.Fatalf("the fourth waits %v, want 20s", wait)
			}
		}
		if wait := table.Take("bob"); wait != 0 {
			t.Errorf("another waits %v", wait)
		}
		<-time.After(20 * time.Second)
		for range 2 {
			if table.Wait("ann") != 0 {
				t.Error("no token when it was promised, or asking took it")
			}
		}
		if table.Take("ann") != 0 {
			t.Error("the promised token cannot be taken")
		}
		if table.Take("ann") == 0 {
			t.Error("more tokens than promised")
		}
		<-time.After(time.Hour)
		for range 3 {
			if table.Take("ann") != 0 {
				t.Error("the bucket is not full after an hour")
			}
		}
		if table.Take("ann") == 0 {
			t.Error("the bucket holds more than it may")
		}
	})
}

func TestTable_without_a_limit(t *testing.T) {
	t.Parallel()
	table, counter := New[int](0, time.Second), NewCounter[int](0)
	for range 1000 {
		if table.Take(1) != 0 || table.Wait(1) != 0 || !counter.Open(1) {
			t.Fatal("limited")
		}
	}
	counter.Close(1)
}

func TestTable_of_a_million_callers_stays_small_and_remembers_who_goes_on(t *testing.T) {
	t.Parallel()
	const million = 1_000_000
	table := New[int](2, time.Hour)
	before := heap()
	for caller := range million {
		table.Take(caller + 1)
		if caller%(generation/2) == 0 { // one that goes on all the time
			table.Take(0)
		}
	}
	if table.Take(0) == 0 {
		t.Error("who went on was forgotten")
	}
	if n := len(table.young) + len(table.old); n > 2*generation {
		t.Errorf("%d buckets", n)
	}
	if grown := int64(heap()) - int64(before); grown > 16<<20 {
		t.Errorf("%d MiB for a million callers", grown>>20)
	}
	runtime.KeepAlive(table)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestCounter(t *testing.T) {
	t.Parallel()
	c := NewCounter[string](2)
	for range 2 {
		if !c.Open("ann") {
			t.Error("ann may have 2")
		}
	}
	if c.Open("ann") || !c.Open("bob") {
		t.Error("ann may have 2, and bob has his own")
	}
	c.Close("ann")
	if !c.Open("ann") || c.Open("ann") {
		t.Error("what was given back is free again, once")
	}
	c.Close("ann")
	c.Close("ann")
	c.Close("bob")
	if len(c.open) != 0 {
		t.Errorf("left: %v", c.open)
	}
}
