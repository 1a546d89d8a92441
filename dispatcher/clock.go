package dispatcher

// believesClock reports whether the clock can be believed, and says what is held back when
// it cannot. Dates in rows are the database's, which is on this machine or keeps the same
// time.
func (d *Dispatcher) believesClock(held string) bool {
	steady, moved := d.clock.Steady()
	if !steady && d.clockMoved.Swap(true) {
		return false
	}
	if !steady {
		d.log.Warn("the clock was set; it is not believed for a while", "by", moved, "first", held)
		return false
	}
	if d.clockMoved.Swap(false) {
		d.log.Info("the clock is believed again")
	}
	return true
}
