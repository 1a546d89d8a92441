package job_test

import (
	"context"
	"testing"

	"convertd/sql/job"
)

// However few are claimed at a time, a higher priority goes before a turn: of one queue, of
// one with places left for one job, and among queues.
func TestPriorityGoesBeforeTurns(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name, queue string
		most        int
		places      map[string]int
	}{
		{"one at a time", "default", 1, nil},
		{"a queue with one place", "default", 5, map[string]int{"default": 1}},
		{"another queue", "other", 1, nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.insert(draft("ann"))
			b.insert(draft("bob"))
			b.insert(draft("ann"))
			urgent := draft("ann")
			urgent.Priority, urgent.Queue = 5, row.queue
			urgent.ID = b.insert(urgent).ID
			claimed, err := b.Claim(context.Background(), job.Claimer{Dispatcher: "d1", BootID: "boot"}, row.most, row.places)
			if err != nil || len(claimed) != 1 || claimed[0].ID != urgent.ID {
				t.Errorf("claimed %+v instead of the urgent job, %v", claimed, err)
			}
		})
	}
}
