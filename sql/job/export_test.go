package job

import (
	"encoding/json"
	"time"
)

// What tests must know of the floors.
const (
	FloorAge    = floorAge
	FloorsEvery = floorsEvery
)

// SetClock replaces the clock that the floors go by.
func (s *Store) SetClock(now func() time.Time) { s.now = now }

// Told are the floors that a claim would be told now, as it is told them.
func (s *Store) Told() string {
	text, err := json.Marshal(s.floors.tell(s.now()))
	if err != nil {
		return err.Error()
	}
	return string(text)
}
