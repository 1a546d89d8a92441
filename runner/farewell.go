package runner

import (
	"errors"
	"io/fs"
	"os"
)

// farewell tells the services that the steps called that nobody waits any more; what the
// attempts before left with them stands in their records.
func (a *attempt) farewell() *verdict {
	for i, step := range a.spec.Steps {
		if step.Call == nil {
			continue
		}
		if _, err := os.Lstat(step.Call.Record); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if bad := a.runNet(step, "farewell", step.Call); bad != nil {
			a.outcome.Step = stepName(step, i)
			return bad
		}
	}
	return nil
}
