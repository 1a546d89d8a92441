package dispatcher

import "testing"

func faultAnotherSpool(t *testing.T) { t.Parallel() }
