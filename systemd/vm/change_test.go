//go:build vm

package vm

import (
	"context"
	"strings"
	"testing"
)

// TestChange goes through what happens to a service now and then, in this order: each part
// begins with what the one before it left.
func TestChange(t *testing.T) {
	m := newMachine(t)
	m.run("the_package_installs", (*machine).packageInstalls)
	if t.Failed() {
		return
	}
	m.run("F17_an_upgrade_leaves_jobs_alone", (*machine).upgrade)
	m.run("F17_another_schema_is_refused", (*machine).otherSchema)
	m.run("a_stop_ends_jobs_safely", (*machine).stopsSafely)
	m.run("F25_what_a_crash_leaves_is_cleaned_up", (*machine).leftovers)
	m.run("F29_jobs_run_without_journal_and_bus", (*machine).withoutJournal)
	m.run("a_backup_is_restored", (*machine).backupRestores)
	m.run("the_package_goes", (*machine).packageGoes)
	m.run("a_folder_of_programs_is_set_up", (*machine).plainFolder)
}

func (m *machine) upgrade() {
	id := m.submit("slow", "", map[string]string{"seconds": "1000"}).ID
	pid := m.running(id)
	before := map[string]string{}
	for _, unit := range []string{"convertd-web", "convertd-dispatcher", "convertd-jobs"} {
		before[unit] = m.property(unit, "MainPID")
	}
	stop := m.load()
	m.sh("dpkg -i --force-confold convertd_2_amd64.deb")
	m.active(units()...)
	if requests, failed := stop(); len(failed) > 0 {
		m.Errorf("%d of %d requests failed over the upgrade: %s", len(failed), requests, strings.Join(failed, "\n"))
	}
	for unit, old := range before {
		if same := m.property(unit, "MainPID") == old; same != (unit == "convertd-jobs") {
			m.Errorf("%s has the same process as before: %v", unit, same)
		}
	}
	if now := m.running(id); now != pid {
		m.Errorf("the converter was process %s and is %s", pid, now)
	}
	// How long an upgrade takes is the machine's affair: the job runs until it is told.
	if _, err := m.api.Cancel(context.Background(), id); err != nil {
		m.Error(err)
	}
	if job := m.ended(id, "cancelled"); job.Attempt != 1 {
		m.Errorf("attempt %d", job.Attempt)
	}
	if got := m.sh("dpkg-query -W -f '${Version}' convertd"); got != "2" {
		m.Errorf("version %s is installed", got)
	}
	m.sh("grep -q admin_token /etc/convertd/convertd.toml")
	m.drained()
	m.sh("dpkg -i --force-confold --force-downgrade convertd_1_amd64.deb")
	m.active(units()...)
}

// otherSchema leaves the services with a database that is newer, then older than they are.
func (m *machine) otherSchema() {
	newest := m.psql("select max(version_id) from goose_db_version")
	for words, change := range map[string][2]string{
		"this program knows only up to": {"insert into goose_db_version (version_id, is_applied) values (9999, true)", "delete from goose_db_version where version_id = 9999"},
		"Run convertd migrate.":         {"delete from goose_db_version where version_id = " + newest, "insert into goose_db_version (version_id, is_applied) values (" + newest + ", true)"},
	} {
		m.psql(change[0])
		m.sh("journalctl --rotate -q; journalctl --vacuum-time=1s -q; systemctl restart --no-block convertd-dispatcher convertd-web")
		for _, unit := range []string{"convertd-dispatcher", "convertd-web"} {
			m.await(unit+" refuses to start and says why", func() bool {
				out, _ := try("journalctl -q -u " + unit + " -o cat")
				return strings.Contains(out, words)
			})
			if state := m.property(unit, "ActiveState"); state == "active" {
				m.Errorf("%s is %s with another schema", unit, state)
			}
		}
		m.psql(change[1])
		m.active(units()...)
	}
	m.ended(m.submit("copy", "as before", nil).ID, "succeeded")
}

func (m *machine) stopsSafely() {
	id := m.submit("resume", "", nil).ID
	m.running(id)
	deaf := m.submit("slow", "", map[string]string{"seconds": "20"}).ID
	m.running(deaf)
	m.sh("systemctl stop convertd.target")
	if out, err := try("pgrep -af '^" + playerPath + " play'"); err == nil {
		m.Errorf("still running after the stop: %s", out)
	}
	m.refused("onnect", "curl -sS %s/healthz", address)
	m.sh("test ! -e /sys/fs/cgroup/convertd.slice/convertd-jobs.service")
	m.sh("systemctl start convertd.target")
	job := m.ended(id, "succeeded")
	if got := m.output(job); got != "went on after a safe stop" || job.Attempt != 2 {
		m.Errorf("attempt %d gave %q", job.Attempt, got)
	}
	if job := m.ended(deaf, "succeeded"); job.Attempt != 2 {
		m.Errorf("the job that cannot resume has attempt %d", job.Attempt)
	}
	if failures := m.psql("select sum(failures) from job where id in ('" + id + "', '" + deaf + "')"); failures != "0" {
		m.Errorf("the stop counts as %s failures", failures)
	}
}

// leftovers kills everything without warning: dispatcher and keeper with all jobs.
func (m *machine) leftovers() {
	id := m.submit("slow", "", map[string]string{"seconds": "15"}).ID
	m.running(id)
	m.sh("systemctl kill -s KILL convertd-dispatcher convertd-jobs")
	m.active("convertd-jobs.service", "convertd-dispatcher.service")
	if job := m.ended(id, "succeeded"); job.Attempt != 2 {
		m.Errorf("attempt %d", job.Attempt)
	}
	// The keeper alone: the dispatcher must find the new group.
	m.sh("systemctl kill -s KILL convertd-jobs")
	m.await("the keeper is back", func() bool { return m.property("convertd-jobs", "NRestarts") == "2" })
	m.active("convertd-jobs.service", "convertd-dispatcher.service")
	m.ended(m.submit("copy", "after the crash", nil).ID, "succeeded")
	m.sh("systemctl kill -s KILL convertd-memcached convertd-web")
	m.active(units()...)
	m.ended(m.submit("copy", "after another", nil).ID, "succeeded")
	m.drained()
	m.nobodyLeft()
	if left := m.sh("find %s -name 'work.*' -o -name 'lock.*' -o -name 'child.*'", spool); left != "" {
		m.Errorf("left behind: %s", left)
	}
}

func (m *machine) withoutJournal() {
	const journal = "systemd-journald.socket systemd-journald-dev-log.socket systemd-journald-audit.socket systemd-journald.service"
	m.sh("systemctl stop %s dbus.socket dbus.service || true", journal)
	ended := m.ended(m.submit("copy", "nobody writes this down", nil).ID, "succeeded")
	m.sh("systemctl kill -s KILL convertd-dispatcher")
	m.active("convertd-dispatcher.service")
	m.ended(m.submit("copy", "nor this", nil).ID, "succeeded")
	m.sh("systemctl start systemd-journald.socket systemd-journald.service dbus.socket")
	// One that hangs: its socket takes entries until it is full.
	m.sh("systemctl kill -s STOP systemd-journald")
	for range 3 {
		m.ended(m.submit("copy", "the journal hangs", nil).ID, "succeeded")
	}
	m.sh("systemctl kill -s CONT systemd-journald")
	job := m.ended(m.submit("copy", "the journal is back", nil).ID, "succeeded")
	m.await("entries arrive again", func() bool {
		out, _ := try("journalctl -q CONVERTD_JOB=" + job.ID)
		return out != ""
	})
	_ = ended
}

func (m *machine) packageGoes() {
	id := m.submit("resume", "", nil).ID
	m.running(id)
	m.sh("dpkg -r convertd")
	if out, err := try("pgrep -af 'convertd|" + playerPath + " play' | grep -v vm.test | grep -v pgrep"); err == nil && out != "" {
		m.Errorf("still running after the removal: %s", out)
	}
	m.sh("test -e /etc/convertd/convertd.toml -a -d %s", folder(id))
	m.sh("dpkg -i --force-confold convertd_1_amd64.deb")
	m.active(units()...)
	if job := m.ended(id, "succeeded"); job.Attempt != 2 {
		m.Errorf("attempt %d", job.Attempt)
	}
	m.sh("rm -rf /etc/systemd/system/convertd-dispatcher.service.d")
	m.sh("dpkg -P convertd")
	left := m.sh("find / -xdev \\( -path /proc -o -path /sys -o -path /run/test -o -path /var/lib/dpkg -o -path /var/log -o -path /usr/local \\) -prune -o -iname '*convertd*' -print")
	if left != "" {
		m.Errorf("left after the purge: %s", left)
	}
	for _, question := range []string{"getent passwd convertd-web", "getent passwd convertd-memcached", "getent group convertd", "systemctl cat convertd.target"} {
		m.refused("", "%s", question)
	}
	if got := m.sh("cd / && setpriv --reuid postgres --regid postgres --init-groups psql -XAtqc \"select count(*) from pg_roles where rolname like 'convertd%%'\" postgres"); got != "0" {
		m.Errorf("%s roles are left", got)
	}
	m.sh("! grep -r convertd /etc/postgresql")
}

// plainFolder sets the service up without a package, on the machine that the package has
// left, and replaces a program while a job runs.
func (m *machine) plainFolder() {
	const release = "/root/release/usr/bin"
	m.sh("dpkg-deb -x convertd_1_amd64.deb /root/release")
	m.step(release + "/convertd setup")
	m.active(units()...)
	m.configure()
	if out := m.sh(release + "/convertd setup --no-start"); !strings.Contains(out, "Everything is set up already.") {
		m.Errorf("a second setup finds something to do:\n%s", out)
	}
	if start := m.property("convertd-dispatcher", "ExecStart"); !strings.Contains(start, "path=/usr/local/bin/convertd ") {
		m.Errorf("the dispatcher is started by %s", start)
	}
	m.ended(m.submit("copy", "from a folder", nil).ID, "succeeded")
	id := m.submit("slow", "", map[string]string{"seconds": "1000"}).ID
	pid, before := m.running(id), m.property("convertd-dispatcher", "MainPID")
	m.sh("echo another version >>%s/convertd-net", release)
	m.step(release + "/convertd setup")
	m.active(units()...)
	if now := m.running(id); now != pid || m.property("convertd-dispatcher", "MainPID") == before {
		m.Errorf("the converter was process %s and is %s", pid, now)
	}
	if _, err := m.api.Cancel(context.Background(), id); err != nil {
		m.Error(err)
	}
	if job := m.ended(id, "cancelled"); job.Attempt != 1 {
		m.Errorf("attempt %d", job.Attempt)
	}
}

// grantedFolder gives a recipe a folder of the machine, which the units learn from setup.
func (m *machine) grantedFolder() {
	const recipe = "/etc/convertd/recipes/gift.toml"
	m.sh("mkdir -p '/srv/a gift' && chmod 777 '/srv/a gift'")
	m.write(recipe, "name = \"gift\"\naccept = []\ncommand = [\"sh\", \"-c\", \"echo given >'/srv/a gift/from' && echo done >$1/result.txt\", \"sh\", \"{output}\"]\n"+
		"[access]\nwrite = [\"/srv/a gift\"]\n")
	const remedy = "Run convertd setup --packaged"
	if out, _ := try("convertd doctor"); !strings.Contains(out, remedy) {
		m.Errorf("the doctor does not say that units forbid what a recipe needs:\n%s", out)
	}
	m.sh("convertd setup --packaged")
	m.active(units()...)
	if out, _ := try("convertd doctor"); strings.Contains(out, remedy) {
		m.Errorf("the doctor still wants a setup:\n%s", out)
	}
	m.ended(m.submit("gift", "", nil).ID, "succeeded")
	m.sh("grep -q given '/srv/a gift/from'")
	m.sh("rm %s && convertd setup --packaged", recipe)
	m.active(units()...)
}
