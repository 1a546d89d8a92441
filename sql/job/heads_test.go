package job

import (
	"fmt"
	"testing"
	"time"
)

// looked is what was found at the head of the only lane.
func looked(f *floors, at time.Time, lowest, last int64) {
	m := mark{Queue: "q", Last: last}
	if lowest > 0 {
		m.Lowest = &lowest
	}
	f.learn(at, 0, []mark{m})
}

func (f *floors) said(at time.Time) string {
	text := ""
	for _, told := range f.tell(at) {
		text += fmt.Sprint(told.Turn)
	}
	return text
}

// Where a lane begins is believed at once after the start, is raised only as far as no
// insert that is under way could lie below, and is lowered to what comes to light there.
func TestFloorsLearn(t *testing.T) {
	t.Parallel()
	var f floors
	now := time.Unix(1000, 0)
	check := func(what, want string) {
		t.Helper()
		if got := f.said(now); got != want {
			t.Errorf("%s: floor %q, want %q", what, got, want)
		}
	}
	if !f.due(now) {
		t.Error("the first look is not due")
	}
	looked(&f, now, 0, 50)
	check("an empty lane begins behind the turn claimed last", "50")
	if now = now.Add(floorAge); !f.due(now) {
		t.Error("the first look is not repeated")
	}
	looked(&f, now, 0, 90)
	check("no higher than the last turn of the look before", "50")
	if f.due(now.Add(floorsEvery-1)) || !f.due(now.Add(floorsEvery)) {
		t.Error("the next look is not due after floorsEvery")
	}
	now = now.Add(floorsEvery)
	looked(&f, now, 0, 120)
	check("the look before said 90", "90")
	looked(&f, now, 70, 120)
	check("a job came to light below", "70")
	f.note([]claimedRow{{Turn: 130, Claimed: Claimed{Job: Job{Request: Request{Queue: "q"}}}}})
	now = now.Add(floorAge)
	check("the job below is not passed before a claim began there", "70")
	now = now.Add(floorAge)
	check("what was claimed is a floor in time", "130")
	looked(&f, now, 125, 130)
	check("lowered again", "120")
}

// A look that is slow is repeated less often, but not without end.
func TestFloorsLookLessOftenWhereThatIsSlow(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ took, after time.Duration }{
		{0, floorsEvery}, {100 * time.Millisecond, 20 * time.Second}, {10 * time.Second, floorsMost},
	} {
		f := floors{last: map[string]int64{}}
		now := time.Unix(1000, 0)
		f.learn(now, row.took, nil)
		if f.due(now.Add(row.after-1)) || !f.due(now.Add(row.after)) {
			t.Errorf("after one that took %v the next is due at %v", row.took, f.markAt.Sub(now))
		}
	}
}
