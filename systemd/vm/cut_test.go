//go:build vm

package vm

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Files of the host: what was acknowledged before a cut, and the wish for one.
const (
	acknowledged = "/host/kept/acknowledged"
	cut          = "/host/cut"
)

// TestFirstBoot installs the service, leaves a job running and lets the machine shut down
// as machines do.
func TestFirstBoot(t *testing.T) {
	newMachine(t).run("the_package_installs", (*machine).firstBoot)
}

func (m *machine) firstBoot() {
	m.install()
	m.active(units()...)
	for recipe, params := range map[string]map[string]string{"resume": nil, "slow": {"seconds": "300"}} {
		id := m.submit(recipe, "", params).ID
		m.running(id)
		m.write("/var/lib/vm-"+recipe, id)
	}
}

// TestAfterShutdown finds the job of before in its second attempt.
func TestAfterShutdown(t *testing.T) {
	newMachine(t).run("a_shutdown_stops_jobs_and_the_next_boot_starts_them", (*machine).afterShutdown)
}

func (m *machine) afterShutdown() {
	m.active(units()...)
	job := m.ended(m.sh("cat /var/lib/vm-resume"), "succeeded")
	if got := m.output(job); got != "went on after a safe stop" || job.Attempt != 2 {
		m.Errorf("attempt %d gave %q", job.Attempt, got)
	}
	slow := m.sh("cat /var/lib/vm-slow")
	m.running(slow)
	if job := m.job(slow); job.Attempt != 2 || m.psql("select failures from job where id = '"+slow+"'") != "0" {
		m.Errorf("attempt %d", job.Attempt)
	}
	if _, err := m.api.Cancel(context.Background(), slow); err != nil {
		m.Error(err)
	}
}

// TestPowerCut submits until the power is cut, at a moment that nobody knows, and writes
// each acknowledgement down on the host. Before that it looks for what was acknowledged
// before the last cuts.
func TestPowerCut(t *testing.T) {
	m := newMachine(t)
	m.run("F07_all_that_was_acknowledged_is_there", (*machine).checkAcknowledged)
	seed := uint64(time.Now().UnixNano())
	wait := time.Duration(rand.New(rand.NewPCG(seed, 0)).IntN(6000)) * time.Millisecond
	m.Logf("seed %d: cut %v after the first acknowledgement", seed, wait)
	journal, err := os.OpenFile(acknowledged, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	var all sync.WaitGroup
	for worker := range 3 {
		all.Go(func() {
			for n := range 1000 {
				content := fmt.Sprintf("boot %s worker %d file %d", os.Getenv("BOOT"), worker, n)
				job, err := m.trySubmit("copy", content, nil)
				if err != nil {
					continue
				}
				_, _ = fmt.Fprintf(journal, "%s %s\n", job.ID, content)
				once.Do(func() { time.AfterFunc(wait, func() { _ = os.WriteFile(cut, nil, 0o644) }) })
			}
		})
	}
	all.Wait()
	t.Fatal("the power was not cut")
}

// TestAfterCuts looks for everything that was acknowledged before any cut.
func TestAfterCuts(t *testing.T) {
	newMachine(t).run("F07_nothing_acknowledged_is_lost_over_all_power_cuts", func(m *machine) {
		m.checkAcknowledged()
		m.drained()
		m.nobodyLeft()
		m.ended(m.submit("copy", "after all the cuts", nil).ID, "succeeded")
	})
}

// checkAcknowledged makes sure that every acknowledged job is there with its input, ends
// well and gives what it should.
func (m *machine) checkAcknowledged() {
	m.active(units()...)
	raw, err := os.ReadFile(acknowledged)
	if os.IsNotExist(err) {
		return
	}
	if err != nil {
		m.Fatal(err)
	}
	lost, attempts := 0, 0
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	for _, line := range lines {
		id, content, _ := strings.Cut(line, " ")
		input, err := os.ReadFile(filepath.Join(folder(id), "in", "1.txt"))
		if err != nil || string(input) != content {
			m.Errorf("LOST the input of %s: %q, %v", id, input, err)
			lost++
			continue
		}
		job := m.ended(id, "succeeded")
		if got := m.output(job); got != content {
			m.Errorf("LOST the output of %s: %q, want %q", id, got, content)
			lost++
		}
		attempts += job.Attempt
	}
	m.Log(strconv.Itoa(len(lines)) + " acknowledged jobs, " + strconv.Itoa(lost) + " lost, " + strconv.Itoa(attempts) + " attempts")
}
