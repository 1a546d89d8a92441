package job

import "time"

// What tests must know of the floors.
const (
	FloorAge    = floorAge
	FloorsEvery = floorsEvery
)

// SetClock replaces the clock that the floors go by.
func (s *Store) SetClock(now func() time.Time) { s.now = now }
