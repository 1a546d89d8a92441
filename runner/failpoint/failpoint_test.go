package failpoint

import (
	"slices"
	"testing"
)

func TestNamesAreDistinctAndHarmless(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, name := range slices.Concat(OfAcceptance(), OfAttempt(), OfFiles()) {
		if seen[name] {
			t.Errorf("%s named twice", name)
		}
		seen[name] = true
		Hit(name) // nothing may happen in a program that was started without a plan
	}
}
