package dispatcher

import (
	"maps"
	"slices"

	"convertd/runner/recipe"
)

// need is what one attempt takes while it runs.
type need struct {
	queue     string
	slots     int
	memory    int64
	resources map[string]int
	// wait is its place among those that wait for memory; nil for one that never waits.
	wait *wait
}

// wait is the patience of an attempt that could start but for memory.
type wait struct {
	memory int64
	// passed is how many attempts that came later took memory meanwhile.
	passed int
}

// mostPassed is how many may. Then memory is kept for it as it becomes free, so that small
// jobs that follow each other do not keep a large one waiting for ever.
const mostPassed = 8

// lanes count what is taken. They belong to the loop alone.
type lanes struct {
	limits Lanes
	slots  int
	memory int64
	queues map[string]int
	// units are the numbers in use of each resource: 0 up to what the machine has.
	units map[string]map[int]bool
	// seats are the box numbers in use: one per attempt, so that no two attempts that
	// run at once share a user.
	seats map[int]bool
	// hungry are attempts that wait for memory alone, in the order in which they came.
	hungry []*wait
}

func newLanes(limits Lanes) *lanes {
	limits.Slots = max(1, limits.Slots)
	return &lanes{limits: limits, queues: map[string]int{}, units: map[string]map[int]bool{}, seats: map[int]bool{}}
}

// change puts other limits in force; what is taken stays taken. Those that wait are
// counted anew.
func (l *lanes) change(limits Lanes) {
	limits.Slots = max(1, limits.Slots)
	l.limits, l.hungry = limits, nil
}

// needOf bounds what a recipe asks for by what the machine has, so that a recipe that
// asks for more runs alone instead of never.
func (l *lanes) needOf(r recipe.Recipe, queue string) need {
	n := need{queue: queue, slots: min(max(1, r.Slots), l.limits.Slots), memory: r.Limits.Memory, resources: map[string]int{}}
	if n.memory == 0 {
		n.memory = recipe.DefaultLimits().Memory
	}
	if l.limits.MemoryBytes > 0 {
		n.memory = min(n.memory, l.limits.MemoryBytes)
	}
	for name, count := range r.NeedsResource {
		n.resources[name] = min(count, l.limits.Resources[name])
	}
	n.wait = &wait{memory: n.memory}
	return n
}

// fits reports whether there is room now. One for which there is all but memory stands in
// line for that from then on.
func (l *lanes) fits(n need) bool {
	if l.slots+n.slots > l.limits.Slots {
		return false
	}
	if limit, ok := l.limits.Queues[n.queue]; ok && limit > 0 && l.queues[n.queue]+1 > limit {
		return false
	}
	if l.lacks(n) {
		return false
	}
	if l.starves(n) {
		if n.wait != nil && !slices.Contains(l.hungry, n.wait) {
			l.hungry = append(l.hungry, n.wait)
		}
		return false
	}
	return true
}

// starves reports whether memory is short: what is free, less what is kept for those
// before it that were passed too often.
func (l *lanes) starves(n need) bool {
	if l.limits.MemoryBytes <= 0 {
		return false
	}
	free := l.limits.MemoryBytes - l.memory
	for _, w := range l.before(n) {
		if w.passed >= mostPassed {
			free -= w.memory
		}
	}
	return n.memory > free
}

// before are those that have waited for memory for longer.
func (l *lanes) before(n need) []*wait {
	if i := slices.Index(l.hungry, n.wait); i >= 0 {
		return l.hungry[:i]
	}
	return l.hungry
}

// leave takes one that waits no more out of the line for memory.
func (l *lanes) leave(n need) {
	l.hungry = slices.DeleteFunc(l.hungry, func(w *wait) bool { return w == n.wait })
}

// lacks reports whether a named resource is short. Only what uses it gives it back, so
// other jobs need not wait for that.
func (l *lanes) lacks(n need) bool {
	for name, count := range n.resources {
		if len(l.units[name])+count > l.limits.Resources[name] {
			return true
		}
	}
	return false
}

// grant takes units of the resources for an attempt: the ones in want, for an attempt
// that has them already, else the lowest that are free.
func (l *lanes) grant(n need, want map[string][]int) map[string][]int {
	granted := want
	if granted == nil {
		granted = map[string][]int{}
		for name, count := range n.resources {
			granted[name] = l.grantOf(name, count)
		}
	}
	for name, units := range granted {
		for _, unit := range units {
			l.mark(name, unit)
		}
	}
	return granted
}

func (l *lanes) grantOf(name string, count int) []int {
	units := make([]int, 0, count)
	for unit := 0; len(units) < count; unit++ {
		if !l.units[name][unit] {
			units = append(units, unit)
		}
	}
	return units
}

func (l *lanes) mark(name string, unit int) {
	if l.units[name] == nil {
		l.units[name] = map[int]bool{}
	}
	l.units[name][unit] = true
}

// revoke gives units back.
func (l *lanes) revoke(granted map[string][]int) {
	for name, units := range granted {
		for _, unit := range units {
			delete(l.units[name], unit)
		}
	}
}

// take counts an attempt in, whether or not it fits: one that is adopted runs already.
// The seat is a number no other running attempt has; want is taken if it is free.
func (l *lanes) take(n need, want int) (seat int) {
	if n.memory > 0 {
		for _, w := range l.before(n) {
			w.passed++
		}
	}
	l.leave(n)
	l.slots += n.slots
	l.memory += n.memory
	l.queues[n.queue]++
	if want < 0 || l.seats[want] {
		for want = 0; l.seats[want]; want++ {
		}
	}
	l.seats[want] = true
	return want
}

// taken is how many attempts run. One that is dead and whose end is being recorded is none.
func (l *lanes) taken() int { return len(l.seats) }

func (l *lanes) give(n need, seat int) {
	l.slots -= n.slots
	l.memory -= n.memory
	l.queues[n.queue]--
	delete(l.seats, seat)
}

// free returns how many jobs may be claimed, and how many of each queue that has a
// limit. held are claimed jobs that wait for room; the room is kept for them unless they
// wait for a resource, which nobody else gives back.
func (l *lanes) free(held []need) (slots int, queues map[string]int) {
	slots = l.limits.Slots - l.slots
	taken := maps.Clone(l.queues)
	for _, n := range held {
		if !l.lacks(n) {
			slots -= n.slots
		}
		taken[n.queue]++
	}
	queues = make(map[string]int, len(l.limits.Queues))
	for name, limit := range l.limits.Queues {
		if limit > 0 {
			queues[name] = max(0, limit-taken[name])
		}
	}
	return max(0, slots), queues
}
