//go:build vm

package vm

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// beside runs a test beside a job that has nothing to do with it and must not notice.
func (m *machine) beside(test func()) {
	m.Helper()
	quiet := m.submit("slow", "", map[string]string{"seconds": "15"}).ID
	m.running(quiet)
	test()
	if job := m.ended(quiet, "succeeded"); job.Attempt != 1 {
		m.Errorf("the job beside it needed %d attempts", job.Attempt)
	}
	m.sh("curl -sSf %s/readyz", address)
	m.nobodyLeft()
}

// nobodyLeft makes sure that no process and no group of a job is left.
func (m *machine) nobodyLeft() {
	m.Helper()
	m.await("no converter runs any more", func() bool { _, err := try("pgrep -f '^" + playerPath + " play'"); return err != nil })
	m.await("no group of a job is left", func() bool {
		return m.sh("find /sys/fs/cgroup/convertd.slice/convertd-jobs.service -mindepth 2 -type d") == ""
	})
}

// fails runs a job that must fail with this class, within bounds.
func (m *machine) fails(recipe, kind, class, words string) {
	m.Helper()
	params := map[string]string{}
	if kind != "" {
		params["kind"] = kind
	}
	job := m.ended(m.submit(recipe, "", params).ID, "failed")
	if job.Error == nil || string(job.Error.Class) != class || !strings.Contains(job.Error.Detail, words) {
		m.Errorf("%s %s: %+v, want class %s and %q", recipe, kind, job.Error, class, words)
	}
}

func (m *machine) memory() {
	m.beside(func() {
		for _, kind := range []string{"heap", "locked", "memfd", "shm", "children"} {
			m.fails("hungry", kind, "memory", "96 MiB")
		}
	})
	m.await("a mail about it", func() bool { return m.post.has("Subject: [convertd] hungry failed (memory)") })
	if out := m.sh("journalctl -q -k | grep -i 'oom' | tail -3 || true"); strings.Contains(out, "convertd-dispatcher.service") {
		m.Errorf("the dispatcher was meant: %s", out)
	}
	peak := m.psql("select bool_and(peak_memory_bytes between 60000000 and 110000000) from result where class = 'memory'")
	if peak != "t" {
		m.Error("a peak is far from the limit: " + m.psql("select string_agg(peak_memory_bytes::text, ' ') from result where class = 'memory'"))
	}
}

func (m *machine) forkBomb() {
	m.beside(func() {
		job := m.submit("forks", "", nil)
		m.begun(job.ID)
		m.sh("curl -sSf %s/healthz", address)
		m.ended(job.ID, "failed")
	})
}

// begun waits until any process of a job works.
func (m *machine) begun(id string) {
	m.Helper()
	m.await("job "+id+" runs", func() bool { return m.job(id).State == "running" })
}

func (m *machine) diskBomb() {
	m.beside(func() {
		m.fails("disk", "bytes", "disk", "32 MiB")
		job := m.ended(m.submit("disk", "", map[string]string{"kind": "log"}).ID, "succeeded")
		if size := m.sh("cat %s/log.1 %s/log.1.tail | wc -c", folder(job.ID), folder(job.ID)); len(size) > 8 {
			m.Errorf("the log has %s bytes", size)
		}
	})
}

// spinning shows by the weights that pages are answered while three jobs take all there is.
func (m *machine) spinning() {
	var ids []string
	for range 3 {
		ids = append(ids, m.submit("spin", "", nil).ID)
	}
	for _, id := range ids {
		m.begun(id)
	}
	client := &http.Client{Timeout: 30 * time.Second}
	for range 10 {
		answer, err := client.Get(address + "/readyz")
		if err != nil {
			m.Error(err)
			continue
		}
		answer.Body.Close()
	}
	for _, id := range ids {
		if _, err := m.api.Cancel(context.Background(), id); err != nil {
			m.Error(err)
		}
	}
	for _, id := range ids {
		m.await("the end of job "+id, func() bool { return m.job(id).Done })
	}
	m.nobodyLeft()
}

func (m *machine) deafness() {
	m.beside(func() { m.fails("deaf", "", "timeout", "5s") })
}

func (m *machine) daemons() {
	m.beside(func() { m.ended(m.submit("daemon", "", nil).ID, "succeeded") })
}
