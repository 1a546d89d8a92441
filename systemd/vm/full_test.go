//go:build vm

package vm

import (
	"context"
	"strings"
)

// The disk of the machine holds spool and database; what is kept free of uploads and jobs
// is a twentieth of it, about 150 MiB.

const ballast = "/var/ballast"

// fill takes all of the disk but so many MiB. It returns how to give it back.
func (m *machine) fill(leave int) (empty func()) {
	m.Helper()
	m.sh("fallocate -l $(($(df --output=avail -B1 / | tail -1) - %d * 1048576)) %s", leave, ballast)
	return func() { m.sh("rm -f %s*", ballast) }
}

// fullForUploads leaves less than is kept: uploads are refused, no job starts, what was
// accepted starts when there is room.
func (m *machine) fullForUploads() {
	var ids []string
	for range 3 { // all slots
		ids = append(ids, m.submit("slow", "", map[string]string{"seconds": "20"}).ID)
	}
	ids = append(ids, m.submit("copy", "waits for room", nil).ID)
	empty := m.fill(100)
	defer empty()
	for _, content := range []string{"small", strings.Repeat("too much ", 1<<20)} {
		if _, err := m.trySubmit("copy", content, nil); err == nil || !strings.Contains(err.Error(), "insufficient_storage") {
			m.Errorf("an upload of %d bytes on a full disk: %v", len(content), err)
		}
	}
	for _, id := range ids[:3] {
		m.ended(id, "succeeded")
	}
	m.await("the dispatcher says why nothing starts", func() bool {
		out, _ := try("convertd dispatchers --server " + address + " --key " + admin)
		return strings.Contains(out, "[keep] reserve")
	})
	if job := m.job(ids[3]); job.State != "queued" {
		m.Errorf("the job that waits is %s", job.State)
	}
	empty()
	for _, id := range ids {
		m.ended(id, "succeeded")
	}
	m.Logf("%s", m.sh("df -h / | tail -1"))
}

// fullWhileConverting has jobs fill the disk, one with a single file and one with many:
// each fails with its reason and one mail, what it wrote is gone, PostgreSQL goes on.
func (m *machine) fullWhileConverting() {
	const text = "accept = []\ncommand = [\"" + playerPath + "\", \"play\", \"disk\", \"{output}\", \"KIND\"]\n" +
		"[visible]\nanonymous = true\n[limits]\ndisk = \"100GiB\"\ntime = \"3m\"\n"
	kinds := map[string]string{"pour": "bytes", "scatter": "files"}
	for name, kind := range kinds {
		m.write("/etc/convertd/recipes/"+name+".toml", "name = \""+name+"\"\n"+strings.Replace(text, "KIND", kind, 1))
	}
	defer m.sh("rm -f /etc/convertd/recipes/pour.toml /etc/convertd/recipes/scatter.toml; systemctl reload convertd-dispatcher convertd-web")
	m.sh("systemctl reload convertd-dispatcher convertd-web")
	server := m.property(m.postgresql(), "MainPID")
	empty := m.fill(400)
	defer empty()
	for name := range kinds {
		m.beside(func() { m.fails(name, "", "disk", "disk of the service") })
		subject := "Subject: [convertd] " + name + " failed (disk)"
		m.await("a mail about it", func() bool { return m.post.count(subject) > 0 })
		if n := m.post.count(subject); n != 1 {
			m.Errorf("%d mails %q", n, subject)
		}
		m.await("what it wrote is gone", func() bool { return m.sh("find %s -name 'work.*'", spool) == "" })
	}
	if now := m.property(m.postgresql(), "MainPID"); now != server {
		m.Errorf("PostgreSQL was process %s and is %s", server, now)
	}
	empty()
	m.ended(m.submit("copy", "there is room again", nil).ID, "succeeded")
}

// fullForPostgreSQL takes the last byte, as a program does that knows of no reserve:
// PostgreSQL falls, and comes back by itself; nothing accepted is lost.
func (m *machine) fullForPostgreSQL() {
	var accepted []string
	for _, seconds := range []string{"5", "30"} {
		id := m.submit("slow", "", map[string]string{"seconds": seconds}).ID
		m.running(id)
		accepted = append(accepted, id)
	}
	empty := m.fill(1)
	defer empty()
	// Down to those that are kept for root.
	m.sh("dd if=/dev/zero of=%s.rest bs=64k 2>/dev/null || true", ballast)
	m.await("PostgreSQL finds no room", func() bool {
		_, err := try("cd / && setpriv --reuid postgres --regid postgres --init-groups psql -XAtqc " +
			"\"select pg_logical_emit_message(true, 'fill', repeat('x', 1000000)), pg_switch_wal()\" postgres")
		return err != nil && m.property(m.postgresql(), "ActiveState") != "active"
	})
	for range 5 {
		if job, err := m.trySubmit("slow", "", map[string]string{"seconds": "0"}); err == nil {
			accepted = append(accepted, job.ID)
		}
	}
	empty()
	m.active(m.postgresql())
	for _, id := range accepted {
		m.await("the end of job "+id, func() bool { job, err := m.api.Job(context.Background(), id); return err == nil && job.Done })
		if job := m.job(id); job.State != "succeeded" && (job.Error == nil || job.Error.Class != "disk") {
			m.Errorf("job %s on the full disk: %s %+v", id, job.State, job.Error)
		}
	}
	m.active(units()...)
	m.ended(m.submit("copy", "PostgreSQL is back", nil).ID, "succeeded")
	m.Logf("PostgreSQL was started %s times; %d jobs were accepted", m.property(m.postgresql(), "NRestarts"), len(accepted))
}

// postgresql is the unit of the server.
func (m *machine) postgresql() string {
	m.Helper()
	return m.sh("basename /etc/systemd/system/postgresql@*.service.d .d")
}
