//go:build vm

package vm

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestLife goes through the daily life of the service, in this order: each part begins
// with what the one before it left.
func TestLife(t *testing.T) {
	m := newMachine(t)
	m.run("the_package_installs", (*machine).packageInstalls)
	if t.Failed() {
		return
	}
	m.run("the_units_are_hardened", (*machine).unitsAreHardened)
	m.run("a_file_is_converted", (*machine).fileIsConverted)
	m.run("a_file_is_converted_through_the_page", (*machine).pageConverts)
	m.run("users_and_roles_keep_to_their_own", (*machine).usersKeepToTheirOwn)
	m.run("the_doctor_sees_all_transactions", (*machine).doctorSees)
	m.run("a_job_is_seen_by_the_tools_of_the_system", (*machine).jobIsSeen)
	m.run("a_recipe_gets_the_folder_it_writes_to", (*machine).grantedFolder)
	m.run("a_recipe_gets_its_hosts_and_secrets", (*machine).grantedNetwork)
	m.run("F18_no_request_is_lost_over_a_restart", (*machine).noRequestIsLost)
	m.run("jobs_outlive_the_dispatcher", (*machine).jobsOutliveTheDispatcher)
	m.run("F19_the_watchdog_ends_a_dispatcher_that_hangs", (*machine).watchdog)
	m.run("E06_memory", (*machine).memory)
	m.run("E05_forks", (*machine).forkBomb)
	m.run("E07_disk", (*machine).diskBomb)
	m.run("E08_processors", (*machine).spinning)
	m.run("E09_deaf", (*machine).deafness)
	m.run("E10_daemons", (*machine).daemons)
	m.run("F12_the_disk_is_full_while_uploading", (*machine).fullForUploads)
	m.run("F12_the_disk_is_full_while_converting", (*machine).fullWhileConverting)
	m.run("F12_the_disk_is_full_while_postgresql_writes", (*machine).fullForPostgreSQL)
}

// units are what must be active once the service is installed.
func units() []string {
	return []string{"convertd.target", "convertd-web.socket", "convertd-web.service", "convertd-dispatcher.service",
		"convertd-jobs.service", "convertd-memcached.service"}
}

func (m *machine) packageInstalls() {
	m.install()
	m.active(units()...)
	if got := m.sh("systemctl is-enabled convertd.target"); got != "enabled" {
		m.Errorf("the target is %s", got)
	}
	if out := m.sh("convertd setup --packaged --no-start"); !strings.Contains(out, "Everything is set up already.") {
		m.Errorf("a second setup finds something to do:\n%s", out)
	}
	if out := m.sh("convertd setup --packaged --dry-run --no-start"); !strings.Contains(out, "Everything is set up already.") {
		m.Errorf("a dry run would do something:\n%s", out)
	}
	m.sh("curl -sSf %s/ | grep -q convertd", address)
	if out := m.sh("ls -l /run/convertd-memcached; pgrep -a memcached"); strings.Contains(out, "-p ") || !strings.Contains(out, "socket") {
		m.Errorf("memcached has a port or no socket:\n%s", out)
	}
	if listens := m.sh("cat /proc/net/tcp /proc/net/tcp6 | awk '$4 == \"0A\" {print $2}' | sort"); strings.Contains(listens, ":2BCB") {
		m.Errorf("memcached listens to the network: %s", listens)
	}
}

var exposure = regexp.MustCompile(`exposure level for (\S+): ([0-9.]+)`)

func (m *machine) unitsAreHardened() {
	for unit, most := range map[string]float64{
		"convertd-web.service": 1.5, "convertd-memcached.service": 1.5, "convertd-dispatcher.service": 3.9, "convertd-jobs.service": 2.5,
	} {
		out := m.sh("systemd-analyze security --no-pager %s | tail -1", unit)
		match := exposure.FindStringSubmatch(out)
		if match == nil {
			m.Fatalf("no exposure in %q", out)
		}
		if level, err := strconv.ParseFloat(match[2], 64); err != nil || level > most {
			m.Errorf("%s, want at most %.1f", match[0], most)
		}
		m.Log(match[0])
	}
}

func (m *machine) fileIsConverted() {
	job := m.ended(m.submit("copy", "hello", nil).ID, "succeeded")
	if got := m.output(job); got != "hello" {
		m.Errorf("the output is %q", got)
	}
	page := m.sh("curl -sSf %s/jobs/%s", address, job.ID)
	if !strings.Contains(page, "in.txt") {
		m.Error("the page of the job does not name the file")
	}
}

func (m *machine) usersKeepToTheirOwn() {
	job := m.ended(m.submit("copy", "mine", nil).ID, "succeeded")
	dir := folder(job.ID)
	for path, want := range map[string]string{
		spool: "root:convertd 3771", dir: "root:convertd 751", dir + "/in": "root:convertd 711",
		dir + "/out.1": "root:convertd 750", dir + "/out.1/1": "root:convertd 640", dir + "/log.1": "root:convertd 640",
		"/etc/convertd/convertd.toml": "root:convertd 640",
	} {
		if got := m.sh("stat -c '%%U:%%G %%a' %s", path); got != want {
			m.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	const web = "cd / && setpriv --reuid convertd-web --regid convertd --init-groups "
	m.sh(web+"cat %s/out.1/1 %s/in/1.txt", dir, dir)
	m.refused("ermission denied", web+"rm -rf %s", dir)
	m.refused("ermission denied", web+"rm %s/out.1/1 %s/in/1.txt", dir, dir)
	m.refused("ermission denied", web+"touch %s/in/2.txt", dir)
	m.refused("ot permitted", web+"mv %s %s/uploads/stolen", dir, spool)
	m.sh("test -s %s/out.1/1 -a -s %s/in/1.txt", dir, dir)
	const ask = "psql -h /run/postgresql -XAtq convertd -U "
	if got := m.sh(web + ask + "convertd_web -c 'select count(*) > 0 from attempt'"); got != "t" {
		m.Errorf("the web process's role sees no attempts: %s", got)
	}
	m.refused("permission denied for table attempt", web+ask+"convertd_web -c 'delete from attempt'")
	m.refused("Peer authentication failed", web+ask+"convertd_dispatcher -c 'select 1'")
	m.refused("Peer authentication failed", web+ask+"convertd -c 'select 1'")
	for unit, user := range map[string]string{"convertd-web": "convertd-web", "convertd-dispatcher": "root", "convertd-memcached": "convertd-memcached"} {
		if got := m.sh("ps -o user:32= -p %s", m.property(unit, "MainPID")); got != user {
			m.Errorf("%s runs as %s", unit, got)
		}
	}
}

func (m *machine) jobIsSeen() {
	id := m.submit("slow", "", map[string]string{"seconds": "20"}).ID
	m.running(id)
	m.await("the status text counts the job", func() bool {
		return strings.Contains(m.sh("systemctl --no-pager status convertd-dispatcher"), `Status: "1 running, 0 waiting"`)
	})
	tree := m.sh("systemd-cgls --no-pager -l /convertd.slice/convertd-jobs.service")
	if name := "slow-" + strings.ToLower(id[:8]); !strings.Contains(strings.ToLower(tree), name) {
		m.Errorf("no group %s in\n%s", name, tree)
	}
	if strings.Contains(tree[:strings.Index(tree, "player")], id) {
		m.Error("the name of a group tells the whole id")
	}
	job := m.ended(id, "succeeded")
	if job.Percent == nil || *job.Percent != 100 {
		m.Errorf("percent %v", job.Percent)
	}
	entries := m.sh("journalctl -q -o json CONVERTD_JOB=%s", id)
	for _, field := range []string{`"CONVERTD_RECIPE":"slow"`, `"CONVERTD_ATTEMPT":"1"`, `"_SYSTEMD_UNIT":"convertd-dispatcher.service"`} {
		if !strings.Contains(entries, field) {
			m.Errorf("no entry of the job has %s:\n%s", field, entries)
		}
	}
}

// load asks and submits again and again, with a new connection for each, until stop, and
// says what failed. It leaves the machine time for what is done meanwhile, and for the jobs.
func (m *machine) load() (stop func() (requests int64, failed []string)) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	var requests atomic.Int64
	var mu sync.Mutex
	var failed []string
	note := func(what string, err error) {
		requests.Add(1)
		if err != nil {
			mu.Lock()
			defer mu.Unlock()
			failed = append(failed, fmt.Sprintf("%s: %v", what, err))
		}
	}
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	for range 4 {
		all.Go(func() {
			for ctx.Err() == nil {
				answer, err := client.Get(address + "/healthz")
				if err == nil {
					err = first(answer.Body.Close(), wantOK(answer.StatusCode))
				}
				note("GET", err)
				<-time.After(20 * time.Millisecond)
			}
		})
	}
	all.Go(func() {
		for ctx.Err() == nil {
			_, err := m.trySubmit("copy", "under load", nil)
			note("POST", err)
			<-time.After(time.Second)
		}
	})
	return func() (int64, []string) {
		cancel()
		all.Wait()
		return requests.Load(), failed
	}
}

func wantOK(status int) error {
	if status != http.StatusOK {
		return fmt.Errorf("status %d", status)
	}
	return nil
}

func (m *machine) noRequestIsLost() {
	stop := m.load()
	before := m.property("convertd-web", "MainPID")
	for range 3 {
		m.sh("systemctl restart convertd-web")
	}
	m.sh("kill -TERM $(systemctl show -P MainPID convertd-web)")
	m.active("convertd-web.service")
	requests, failed := stop()
	if len(failed) > 0 || requests < 20 {
		m.Errorf("%d of %d requests failed: %s", len(failed), requests, strings.Join(failed, "\n"))
	}
	if before == m.property("convertd-web", "MainPID") {
		m.Error("the web process was not restarted")
	}
	m.Logf("%d requests over 4 restarts, %d failed", requests, len(failed))
	m.drained()
}

// drained waits until no job waits or runs.
func (m *machine) drained() {
	m.Helper()
	m.await("all jobs have ended", func() bool {
		return m.psql("select count(*) from job where state in ('queued', 'running')") == "0"
	})
}

func (m *machine) jobsOutliveTheDispatcher() {
	id := m.submit("slow", "", map[string]string{"seconds": "25"}).ID
	pid := m.running(id)
	m.sh("systemctl restart convertd-dispatcher")
	m.sh("systemctl kill -s KILL convertd-dispatcher")
	m.await("the dispatcher is back", func() bool { return m.property("convertd-dispatcher", "NRestarts") == "1" })
	m.active("convertd-dispatcher.service")
	if now := m.running(id); now != pid {
		m.Errorf("the converter was process %s and is %s", pid, now)
	}
	if job := m.ended(id, "succeeded"); job.Attempt != 1 {
		m.Errorf("attempt %d", job.Attempt)
	}
	m.sh("systemctl reload convertd-dispatcher convertd-web")
	m.active("convertd-dispatcher.service", "convertd-web.service")
}

func (m *machine) watchdog() {
	const dropIn = "/etc/systemd/system/convertd-dispatcher.service.d/test.conf"
	m.write(dropIn, "[Service]\nWatchdogSec=15\nTimeoutAbortSec=2\n")
	m.sh("systemctl daemon-reload; systemctl restart convertd-dispatcher")
	defer m.sh("rm %s; systemctl daemon-reload; systemctl restart convertd-dispatcher", dropIn)
	id := m.submit("slow", "", map[string]string{"seconds": "40"}).ID
	pid := m.running(id)
	main := m.property("convertd-dispatcher", "MainPID")
	m.sh("kill -STOP %s", main)
	m.await("the watchdog ends the dispatcher", func() bool { return m.property("convertd-dispatcher", "MainPID") != main })
	m.active("convertd-dispatcher.service")
	m.sh("journalctl -q -u convertd-dispatcher | grep -q 'Watchdog timeout'")
	if now := m.running(id); now != pid {
		m.Errorf("the converter was process %s and is %s", pid, now)
	}
	if job := m.ended(id, "succeeded"); job.Attempt != 1 {
		m.Errorf("attempt %d", job.Attempt)
	}
}
