package chaos

import (
	"math/rand/v2"
	"strconv"
	"sync"

	"convertd/runner/failpoint"
)

func webPlaces() []string        { return failpoint.OfAcceptance() }
func dispatcherPlaces() []string { return append(failpoint.OfAttempt(), failpoint.OfFiles()...) }

// places deals out the named places at which a program is to be killed or stopped: all of
// them in a random order, then all again.
type places struct {
	mu     sync.Mutex
	random *rand.Rand
	all    []string
	deck   []string
	// most is at how many passages the kill may be.
	most  int
	quiet bool
}

func newPlaces(random *rand.Rand, most int, all []string) *places {
	return &places{random: random, most: most, all: all}
}

// beQuiet deals out no more.
func (p *places) beQuiet() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.quiet = true
}

// next is the environment of the next start; every sixth is left alone.
func (p *places) next() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.quiet || p.random.IntN(6) == 0 {
		return nil
	}
	if len(p.deck) == 0 {
		p.deck = append(p.deck, p.all...)
		p.random.Shuffle(len(p.deck), func(i, j int) { p.deck[i], p.deck[j] = p.deck[j], p.deck[i] })
	}
	place := p.deck[0]
	p.deck = p.deck[1:]
	return []string{failpoint.Variable + "=" + place + "=kill@" + strconv.Itoa(1+p.random.IntN(p.most))}
}
