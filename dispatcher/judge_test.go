package dispatcher

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"convertd/runner"
	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/sql/job"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	said := func(class fault.Class, change ...func(*runner.Outcome)) *runner.Outcome {
		o := &runner.Outcome{Class: class, Detail: "said", Hint: "hint"}
		for _, c := range change {
			c(o)
		}
		return o
	}
	requeue := func(o *runner.Outcome) { o.Requeue = true }
	killed, status2 := syscall.WaitStatus(9), syscall.WaitStatus(2<<8)
	flaky := recipe.Recipe{Retry: recipe.Retry{On: []fault.Class{fault.ConverterFailed}}}
	tests := []struct {
		name    string
		e       evidence
		next    job.State
		class   fault.Class
		counted bool
	}{
		{"success", evidence{outcome: said(fault.Succeeded), most: 3}, job.Succeeded, fault.Succeeded, false},
		{"success though cancelled too late", evidence{outcome: said(fault.Succeeded), told: orderCancel, most: 3}, job.Succeeded, fault.Succeeded, false},
		{"success though told to stop", evidence{outcome: said(fault.Succeeded), told: orderStop, most: 3}, job.Succeeded, fault.Succeeded, false},
		{"cancelled", evidence{outcome: said(fault.Cancelled), told: orderCancel, most: 3}, job.Cancelled, fault.Cancelled, false},
		{"cancelled and killed", evidence{told: orderCancel, exit: &killed, most: 3}, job.Cancelled, fault.Cancelled, false},
		{"cancelled before the dispatcher died", evidence{cancelled: true, most: 3}, job.Cancelled, fault.Cancelled, false},
		{"failed while being cancelled", evidence{outcome: said(fault.ConverterFailed), told: orderCancel, most: 3}, job.Cancelled, fault.Cancelled, false},
		{"a term from the system", evidence{outcome: said(fault.Cancelled), most: 3}, job.Queued, "", false},
		{"cancelled while it expired", evidence{told: orderExpire, cancelled: true, most: 3}, job.Cancelled, fault.Cancelled, false},
		{"there was no room for it in time", evidence{told: orderExpire, most: 3}, job.Expired, "", false},
		{"stopped safely", evidence{outcome: said("", requeue), told: orderStop, most: 3}, job.Queued, "", false},
		{"killed while stopping", evidence{told: orderStop, exit: &killed, most: 3}, job.Queued, "", false},
		{"step killed while stopping", evidence{outcome: said(fault.Killed), told: orderStop, most: 3}, job.Queued, "", false},
		{"failed while stopping", evidence{outcome: said(fault.BadInput), told: orderStop, most: 3}, job.Failed, fault.BadInput, true},
		{"stopped a hundred times", evidence{outcome: said("", requeue), told: orderStop, waived: 100, most: 3}, job.Failed, fault.InternalError, true},
		{"not started", evidence{startError: errors.New("no more processes"), most: 3}, job.Scheduled, "", false},
		{"not started a hundred times", evidence{startError: errors.New("no more processes"), waived: 100, most: 3}, job.Failed, fault.InternalError, true},
		{"never begun", evidence{unbegun: true, most: 3}, job.Queued, "", false},
		{"refused", evidence{refusal: refuse("gone", "hint"), most: 3}, job.Failed, fault.InternalError, true},
		{"bad input", evidence{outcome: said(fault.BadInput), most: 3}, job.Failed, fault.BadInput, true},
		{"converter failed", evidence{outcome: said(fault.ConverterFailed), most: 3}, job.Failed, fault.ConverterFailed, true},
		{"converter failed, recipe wants more", evidence{outcome: said(fault.ConverterFailed), recipe: flaky, failures: 1, most: 3}, job.Scheduled, fault.ConverterFailed, true},
		{"converter failed for the last time", evidence{outcome: said(fault.ConverterFailed), recipe: flaky, failures: 2, most: 3}, job.Failed, fault.ConverterFailed, true},
		{"killed by the memory limit", evidence{outcome: said(fault.Killed), memoryKills: 1, most: 3}, job.Failed, fault.Memory, true},
		{"bad input though something was killed", evidence{outcome: said(fault.BadInput), memoryKills: 1, most: 3}, job.Failed, fault.BadInput, true},
		{"our own failure", evidence{outcome: said(fault.InternalError), most: 3}, job.Scheduled, fault.InternalError, true},
		{"our own failure, no retry", evidence{outcome: said(fault.InternalError), most: 1}, job.Failed, fault.InternalError, true},
		{"lost", evidence{most: 3}, job.Scheduled, fault.Lost, true},
		{"lost for the last time", evidence{failures: 2, most: 3}, job.Failed, fault.Lost, true},
		{"runner killed", evidence{exit: &killed, most: 3}, job.Scheduled, fault.Killed, true},
		{"runner killed for memory", evidence{exit: &killed, memoryKills: 1, most: 3}, job.Failed, fault.Memory, true},
		{"runner overran its time", evidence{exit: &killed, expired: true, most: 3}, job.Failed, fault.Timeout, true},
		{"killed for want of room", evidence{exit: &killed, crowded: &crowding{}, most: 3}, job.Failed, fault.Disk, true},
		{"step killed for want of room", evidence{outcome: said(fault.Killed), crowded: &crowding{}, most: 3}, job.Failed, fault.Disk, true},
		{"ended well before it was killed for want of room", evidence{outcome: said(fault.Succeeded), crowded: &crowding{}, most: 3}, job.Succeeded, fault.Succeeded, false},
		{"runner said nothing", evidence{exit: &status2, words: "panic", most: 3}, job.Scheduled, fault.InternalError, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := judge(tt.e)
			if v.next != tt.next || v.class != tt.class || v.counted != tt.counted {
				t.Errorf("judged %+v, want %s %q counted %v", v, tt.next, tt.class, tt.counted)
			}
			if v.class != "" && v.class != fault.Succeeded && v.class != fault.Cancelled && (v.detail == "" || v.hint == "") {
				t.Errorf("%+v lacks a reason or a remedy", v)
			}
		})
	}
}

func TestLimitErrorsNameTheLimit(t *testing.T) {
	t.Parallel()
	killed := syscall.WaitStatus(9)
	e := evidence{exit: &killed, most: 1, limits: recipe.Limits{Memory: 1536 << 20, Time: 90 * time.Second}, recipe: recipe.Recipe{Source: "/etc/x.toml"}}
	e.memoryKills = 1
	if v := judge(e); !strings.Contains(v.detail, "1.5 GiB") || !strings.Contains(v.hint, "memory in /etc/x.toml") {
		t.Errorf("%+v", v)
	}
	e.memoryKills, e.expired = 0, true
	if v := judge(e); !strings.Contains(v.detail, "1m30s") || !strings.Contains(v.hint, "time in /etc/x.toml") {
		t.Errorf("%+v", v)
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	times := Times{RetryBase: 2 * time.Second, RetryMax: 10 * time.Minute}
	tests := []struct {
		failures int
		spread   float64
		want     time.Duration
	}{
		{1, 0.5, 2 * time.Second}, {2, 0.5, 8 * time.Second}, {3, 0.5, 32 * time.Second}, {50, 0.5, 10 * time.Minute},
		{1, 0, 1600 * time.Millisecond}, {1, 1, 2400 * time.Millisecond}, {0, 0.5, 2 * time.Second},
	}
	for _, tt := range tests {
		if got := times.backoff(tt.failures, tt.spread); got.Round(time.Millisecond) != tt.want {
			t.Errorf("after %d failures, spread %v: %v, want %v", tt.failures, tt.spread, got, tt.want)
		}
	}
}

func TestLanes(t *testing.T) {
	t.Parallel()
	l := newLanes(Lanes{Slots: 4, Queues: map[string]int{"video": 1}, Resources: map[string]int{"gpu": 1}, MemoryBytes: 8 << 30})
	small := recipe.Recipe{Slots: 1, Limits: recipe.Limits{Memory: 1 << 30}}
	gpu := recipe.Recipe{Slots: 1, NeedsResource: map[string]int{"gpu": 5}, Limits: recipe.Limits{Memory: 1 << 30}}
	huge := recipe.Recipe{Slots: 99, Limits: recipe.Limits{Memory: 99 << 30}}
	video := l.needOf(gpu, "video")
	if !l.fits(video) || !l.fits(l.needOf(huge, "q")) {
		t.Fatal("an empty machine has no room")
	}
	seat, units := l.take(video, -1), l.grant(video, nil)
	if l.fits(video) || l.fits(l.needOf(small, "video")) || l.fits(l.needOf(gpu, "q")) || l.fits(l.needOf(huge, "q")) {
		t.Error("limits of queue, resource, slots or memory do not hold")
	}
	other := l.needOf(small, "q")
	second := l.take(other, seat)
	if second == seat {
		t.Error("two attempts share a seat")
	}
	if room, queues := l.free([]need{other}); room != 1 || queues["video"] != 0 {
		t.Errorf("free %d %v, want 1 and none of video", room, queues)
	}
	l.give(video, seat)
	l.revoke(units)
	l.give(other, second)
	if room, queues := l.free(nil); room != 4 || queues["video"] != 1 || len(l.seats) != 0 || l.memory != 0 {
		t.Errorf("after all gave back: free %d %v, seats %v, memory %d", room, queues, l.seats, l.memory)
	}
}

func TestStatusOfAnEnd(t *testing.T) {
	t.Parallel()
	row := job.Claimed{Job: job.Job{Identity: job.Identity{ID: "A"}, Life: job.Life{Attempt: 2}}}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if s := statusOf(row, verdict{next: job.Succeeded, class: fault.Succeeded}, at); !s.Done || s.Percent == nil || *s.Percent != 100 || s.Error != nil {
		t.Errorf("%+v", s)
	}
	if s := statusOf(row, verdict{next: job.Failed, class: fault.BadInput, detail: "d", hint: "h"}, at); !s.Done || s.Percent != nil || s.Error == nil || s.Error.Code != "invalid" || s.Error.Class != "bad_input" {
		t.Errorf("%+v", s)
	}
	if s := statusOf(row, verdict{next: job.Scheduled, class: fault.Lost}, at); s.Done || s.State != "scheduled" || s.Error != nil {
		t.Errorf("%+v", s)
	}
}

func TestGroupNameHoldsNothingOfOthers(t *testing.T) {
	t.Parallel()
	tests := []struct{ recipe, id, want string }{
		{"to-webp", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "to-webp-ABCDEFGH.3"},
		{"../../x y", "ABCDEFGHIJ", "______x_y-ABCDEFGH.3"},
		{strings.Repeat("a", 300), "ABCDEFGHIJ", strings.Repeat("a", 64) + "-ABCDEFGH.3"},
	}
	for _, tt := range tests {
		if got := groupNameOf(tt.recipe, tt.id, 3); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
