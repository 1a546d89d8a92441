package pipeline

import (
	"math"
	"sync"
	"time"
)

const (
	// reportEvery is the shortest time between two reports of progress.
	reportEvery = 100 * time.Millisecond
	// readShare is the percentage that reading counts for; writing has the rest.
	readShare = 50.0
	// beforeEnd is the most that is reported before everything is in place.
	beforeEnd = 99.9
)

// meter turns bytes read and keyframes written into a percentage. It may be used by
// several goroutines.
type meter struct {
	report func(percent float64, message string)

	mu       sync.Mutex
	percent  float64
	message  string
	last     time.Time
	written  int64
	expected int64
}

func newMeter(report func(float64, string)) *meter {
	if report == nil {
		report = func(float64, string) {}
	}
	return &meter{report: report}
}

// say changes the phrase.
func (m *meter) say(message string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.message = message
	m.tell(m.percent)
}

// reading reports bytes read. Of a pipe, whose size is 0, nobody knows how much is to
// come, so the percentage stays.
func (m *meter) reading(read, size int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if size > 0 {
		m.tell(readShare * math.Min(1, float64(read)/float64(size)))
	}
}

// read reports that the whole file was read.
func (m *meter) read() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tell(readShare)
}

// writing says how many keyframes all writers together will write.
func (m *meter) writing(keyframes int64, message string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expected, m.message = keyframes, message
	m.tell(readShare)
}

// wrote adds keyframes written.
func (m *meter) wrote(keyframes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.written += int64(keyframes)
	if m.expected > 0 {
		m.tell(readShare + (100-readShare)*float64(m.written)/float64(m.expected))
	}
}

// end reports that everything is done.
func (m *meter) end(message string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.report(100, message)
}

// tell reports if the percentage or the phrase may be told again by now. The percentage
// has one decimal and never falls.
func (m *meter) tell(percent float64) {
	percent = math.Min(math.Floor(percent*10)/10, beforeEnd)
	m.percent = math.Max(m.percent, percent)
	if now := time.Now(); now.Sub(m.last) >= reportEvery {
		m.last = now
		m.report(m.percent, m.message)
	}
}
