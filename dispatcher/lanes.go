package dispatcher

import (
	"maps"

	"convertd/runner/recipe"
)

// need is what one attempt takes while it runs.
type need struct {
	queue     string
	slots     int
	memory    int64
	resources map[string]int
}

// lanes count what is taken. They belong to the loop alone.
type lanes struct {
	limits    Lanes
	slots     int
	memory    int64
	queues    map[string]int
	resources map[string]int
	// seats are the box numbers in use: one per attempt, so that no two attempts that
	// run at once share a user.
	seats map[int]bool
}

func newLanes(limits Lanes) *lanes {
	limits.Slots = max(1, limits.Slots)
	return &lanes{limits: limits, queues: map[string]int{}, resources: map[string]int{}, seats: map[int]bool{}}
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
	return n
}

// fits reports whether there is room now.
func (l *lanes) fits(n need) bool {
	if l.slots+n.slots > l.limits.Slots {
		return false
	}
	if limit, ok := l.limits.Queues[n.queue]; ok && limit > 0 && l.queues[n.queue]+1 > limit {
		return false
	}
	if l.limits.MemoryBytes > 0 && l.memory+n.memory > l.limits.MemoryBytes {
		return false
	}
	for name, count := range n.resources {
		if l.resources[name]+count > l.limits.Resources[name] {
			return false
		}
	}
	return true
}

// take counts an attempt in, whether or not it fits: one that is adopted runs already.
// The seat is a number no other running attempt has; want is taken if it is free.
func (l *lanes) take(n need, want int) (seat int) {
	l.slots += n.slots
	l.memory += n.memory
	l.queues[n.queue]++
	for name, count := range n.resources {
		l.resources[name] += count
	}
	if want < 0 || l.seats[want] {
		for want = 0; l.seats[want]; want++ {
		}
	}
	l.seats[want] = true
	return want
}

func (l *lanes) give(n need, seat int) {
	l.slots -= n.slots
	l.memory -= n.memory
	l.queues[n.queue]--
	for name, count := range n.resources {
		l.resources[name] -= count
	}
	delete(l.seats, seat)
}

// free returns how many jobs may be claimed, and how many of each queue that has a
// limit. held are claimed jobs that wait for room.
func (l *lanes) free(held []need) (slots int, queues map[string]int) {
	slots = l.limits.Slots - l.slots
	taken := maps.Clone(l.queues)
	for _, n := range held {
		slots -= n.slots
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
