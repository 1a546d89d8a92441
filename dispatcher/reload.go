package dispatcher

import "convertd/dispatcher/mail"

// Settings are what may change while jobs run; Recipes change behind their interface.
type Settings struct {
	Lanes Lanes
	Keep  Keep
	Mail  mail.Config
}

// Reload puts other settings in force. What runs keeps the room that it took: where a
// limit is now lower than what runs, nothing more starts until enough has ended. Jobs
// that wait are judged by the new settings.
func (d *Dispatcher) Reload(s Settings) {
	select {
	case d.reloads <- s:
	case <-d.gone:
	}
}

// apply is the loop's part of Reload.
func (d *Dispatcher) apply(s Settings) {
	d.settings.Store(&s)
	d.lanes.change(s.Lanes)
	d.sender.Configure(s.Mail)
	d.presence.slots.Store(int32(d.lanes.limits.Slots))
	for _, a := range d.held {
		a.need = d.lanes.needOf(a.recipe, a.row.Queue)
	}
	nudge(d.presence.now)
	nudge(d.examineNow)
	d.log.Info("settings reloaded", "slots", d.lanes.limits.Slots)
	d.admit()
	d.look(true, false)
}
