package job_test

import (
	"sync"
	"testing"

	"convertd/runner/fault"
)

// Of many submissions at the same moment exactly as many are let in as there is room for.
func TestAQueueIsNeverOverFull(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const most, senders = 5, 24
	errs := make([]error, senders)
	var all sync.WaitGroup
	for i := range senders {
		all.Go(func() {
			d := draft("ann")
			d.Queue, d.MaxWaiting = "small", most
			_, errs[i] = b.Insert(t.Context(), d)
		})
	}
	all.Wait()
	refused := 0
	for _, err := range errs {
		switch {
		case fault.Is(err, fault.RateLimited):
			refused++
		case err != nil:
			t.Error(err)
		}
	}
	waiting, err := b.Waiting(t.Context())
	if err != nil || waiting["small"] != most || refused != senders-most {
		t.Errorf("%d wait, %d were refused (%v)", waiting["small"], refused, err)
	}
	if err := b.HasRoom(t.Context(), "small", most); !fault.Is(err, fault.RateLimited) {
		t.Errorf("a look at the full queue: %v", err)
	}
	if err := b.HasRoom(t.Context(), "other", most); err != nil {
		t.Errorf("a look at another queue: %v", err)
	}
	b.claim(2)
	d := draft("bob")
	d.Queue, d.MaxWaiting = "small", most
	b.insert(d)
}
