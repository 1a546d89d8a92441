package dispatcher

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/sql/job"
)

// everything is a converter that tries all at once: it reads what is not its own, reaches
// out, kills what it can, leaves daemons, links and a hundred thousand files, prints without
// end, and fills memory, disk and the table of processes.
const everything = `
cat /etc/shadow /proc/1/environ /proc/*/environ && echo breach: secrets
ls -d OTHER && echo breach: other job
cat OTHER/in/* && echo breach: other input
for pid in PIDS; do kill -9 $pid && echo breach: kill $pid; done
kill -9 -1
mount -t tmpfs none /tmp && echo breach: mount
unshare -r true && echo breach: unshare
(exec 3<>/dev/tcp/ADDRESS) && echo breach: network
ln -s /etc/shadow "$CONVERTD_OUTPUT/shadow.txt"
ln -s OTHER "$CONVERTD_OUTPUT/other"
mkfifo "$CONVERTD_OUTPUT/pipe.txt"
for i in 1 2 3; do setsid sh -c 'trap "" TERM HUP INT; exec <&- >&- 2>&-; while :; do sleep 1; done' & done
(i=0; while [ $i -lt 100000 ]; do : > "$CONVERTD_OUTPUT/f$i"; i=$((i+1)); done) &
(while :; do yes "a line without any sense"; done) &
(while :; do cat /dev/zero >> big; done) &
(while :; do dd if=/dev/zero of=/dev/shm/fill bs=1M count=4000 2>&-; done) &
bomb() { bomb | bomb & }
bomb
while :; do sleep 1; done
`

// TestAttackEverythingAtOnce runs that converter beside jobs of others, which must not notice.
func TestAttackEverythingAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	victim := w.submit("honest", "secret of another")
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	script := strings.NewReplacer("OTHER", w.spool.Job(victim).Dir, "PIDS", fmt.Sprint(os.Getpid(), " ", os.Getppid()),
		"ADDRESS", strings.ReplaceAll(port.Addr().String(), ":", "/")).Replace(everything)
	w.recipes = recipe.NewSet([]recipe.Recipe{shell("hostile", script, mean), shell("honest", `cp "$1" "$2.txt"`)}, nil)
	s := w.serve(w.options(w.db, w.cache.store))
	w.await(victim, job.Succeeded)
	hostile := w.submit("hostile", "x", func(d *job.Draft) { d.MaxAttempts = 1 })
	until(t, "the hostile job runs", func() bool {
		_, err := os.Stat(w.spool.Job(hostile).Log(1))
		return err == nil
	})
	for range 3 {
		w.await(w.submit("honest", "of somebody else"), job.Succeeded)
	}
	j := w.await(hostile, job.Failed)
	class := j.Result.Class
	if class != fault.Memory && class != fault.Disk && class != fault.Timeout {
		t.Errorf("the hostile job ended as %s: %s", class, j.Result.Detail)
	}
	log, err := os.ReadFile(w.spool.Job(hostile).Log(1))
	if err != nil || strings.Contains(string(log), " out breach:") {
		t.Errorf("the box has a hole (%v):\n%.4000s", err, log)
	}
	w.checkClean(hostile, 1)
	w.await(w.submit("honest", "afterwards"), job.Succeeded)
	select {
	case <-s.done:
		t.Error("the dispatcher ended")
	default:
	}
}

// mean gives the hostile converter little, so that it meets its limits soon.
func mean(r *recipe.Recipe) {
	r.Steps[0].Command[0] = "/bin/bash"
	r.Limits.Time, r.Limits.Memory, r.Limits.Disk, r.Limits.Processes = 20*time.Second, 256<<20, 64<<20, 64
}
