//go:build vm

package vm

import (
	"context"
	"strings"
)

// fullDisk fills the disk that spool and database share: uploads are refused, what runs
// fails with its reason or waits, PostgreSQL may fall; nothing accepted is lost, and all
// goes on by itself when there is room again.
func (m *machine) fullDisk() {
	accepted := m.submit("slow", "", map[string]string{"seconds": "10"}).ID
	m.running(accepted)
	const ballast = "/var/ballast"
	defer m.sh("rm -f %s*", ballast)
	m.sh("fallocate -l $(($(df --output=avail -B1 / | tail -1) - 1048576)) %s", ballast)
	// The last bytes, down to those that are kept for root, which the services are not.
	m.sh("dd if=/dev/zero of=%s.rest bs=64k 2>/dev/null || true", ballast)
	_, err := m.trySubmit("copy", strings.Repeat("too much ", 1<<20), nil)
	if err == nil {
		m.Error("an upload is taken though the disk is full")
	}
	m.Logf("an upload on a full disk: %v", err)
	// While PostgreSQL writes: many small jobs, each refused or accepted for good.
	var kept []string
	for range 20 {
		if job, err := m.trySubmit("slow", "", map[string]string{"seconds": "0"}); err == nil {
			kept = append(kept, job.ID)
		}
	}
	m.sh("rm -f %s*", ballast)
	for _, id := range append(kept, accepted) {
		m.await("the end of job "+id, func() bool { return m.job(id).Done })
		job := m.job(id)
		if job.State != "succeeded" && (job.Error == nil || job.Error.Class == "lost") {
			m.Errorf("job %s on the full disk: %s %+v", id, job.State, job.Error)
		}
	}
	m.active(units()...)
	m.ended(m.submit("copy", "there is room again", nil).ID, "succeeded")
	m.convertsIntoFullDisk()
	m.Logf("%d of 20 small jobs were accepted", len(kept))
}

// convertsIntoFullDisk fills the disk while a job writes its output. The room that is left
// is more than what the web process keeps free of uploads.
func (m *machine) convertsIntoFullDisk() {
	const ballast = "/var/ballast"
	m.write("/etc/convertd/recipes/pour.toml", "name = \"pour\"\naccept = []\ncommand = [\""+playerPath+"\", \"play\", \"disk\", \"{output}\", \"bytes\"]\n"+
		"[visible]\nanonymous = true\n[limits]\ndisk = \"100GiB\"\ntime = \"2m\"\n[retry]\nmax_attempts = 1\n")
	defer m.sh("rm -f /etc/convertd/recipes/pour.toml; systemctl reload convertd-dispatcher convertd-web")
	m.sh("systemctl reload convertd-dispatcher convertd-web")
	m.sh("fallocate -l $(($(df --output=avail -B1 / | tail -1) - 268435456)) %s", ballast)
	defer m.sh("rm -f %s", ballast)
	id := m.submit("pour", "", nil).ID
	var state string
	m.await("the job that fills the disk has ended", func() bool {
		job, err := m.api.Job(context.Background(), id)
		state = job.State
		return err == nil && job.Done
	})
	if job := m.job(id); state != "failed" || job.Error == nil || job.Error.Class != "disk" {
		m.Errorf("the job is %s: %+v", state, job.Error)
	}
	m.sh("rm -f %s", ballast)
	m.ended(m.submit("copy", "after all that", nil).ID, "succeeded")
}
