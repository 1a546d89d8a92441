package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"convertd/dispatcher"
	"convertd/runner/spool"
	"convertd/sql/db"
)

// database opens the database of a service of `up`.
func (u *upInstance) database() *db.DB {
	u.t.Helper()
	raw, err := os.ReadFile(filepath.Join(u.Data, "run", environFile))
	if err != nil {
		u.t.Fatal(err)
	}
	var environ []string
	if err := json.Unmarshal(raw, &environ); err != nil {
		u.t.Fatal(err)
	}
	for _, pair := range environ {
		if address, ok := strings.CutPrefix(pair, "CONVERTD_DATABASE_URL="); ok {
			d, err := db.Open(u.t.Context(), address)
			if err != nil {
				u.t.Fatal(err)
			}
			u.t.Cleanup(func() { _ = d.Close() })
			return d
		}
	}
	u.t.Fatal("no database in the note of the service")
	return nil
}

// backedUp makes a backup of one job and returns its folder and the job's id; the service
// is over.
func backedUp(t *testing.T) (backup, id string) {
	t.Helper()
	u := startUp(t, dataFolder(t))
	id = u.submitted(t, testFile(t, "shot.csv", []byte(tracksCSV)), "--to", "nuke", "--wait", "-o", t.TempDir())
	backup = filepath.Join(t.TempDir(), "backup")
	if got := convertd(t, "", "backup", "--data", u.Data, backup); got.code != 0 {
		t.Fatalf("backup: %+v", got)
	}
	u.stop()
	return backup, id
}

// A backup that is killed leaves half of one, which the next of that name begins anew.
func TestAKilledBackupIsBegunAnew(t *testing.T) {
	t.Parallel()
	u := startUp(t, dataFolder(t))
	u.submitted(t, testFile(t, "shot.csv", []byte(tracksCSV)), "--to", "nuke", "--wait", "-o", t.TempDir())
	d, folder := u.database(), t.TempDir()
	backup := filepath.Join(folder, "backup")
	tx, err := d.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(t.Context(), `lock table input in access exclusive mode`); err != nil { // which pg_dump waits for
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(binDir, "convertd"), "backup", "--data", u.Data, backup)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "the backup is in the middle", func() bool {
		var waiting bool
		err := d.GetContext(t.Context(), &waiting, `select exists (select from pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.application_name = 'pg_dump')`)
		return err == nil && waiting
	})
	if second := convertd(t, "", "backup", "--data", u.Data, backup); second.code != 1 || !strings.Contains(second.stderr, "Another convertd backup is writing "+backup+".partial") {
		t.Errorf("a second one beside it: %+v", second)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if got := convertd(t, "", "backup", "--data", u.Data, backup); got.code != 0 || !strings.Contains(got.stdout, "1 jobs, ") {
		t.Fatalf("the next: %+v", got)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 1 || left[0].Name() != "backup" {
		t.Errorf("left: %v, %v", left, err)
	}
	stranger := filepath.Join(folder, "other.partial", "letter.txt")
	if err := errors.Join(os.Mkdir(filepath.Dir(stranger), 0o755), os.WriteFile(stranger, []byte("mine"), 0o600)); err != nil {
		t.Fatal(err)
	}
	got := convertd(t, "", "backup", "--data", u.Data, filepath.Join(folder, "other"))
	if got.code != 1 || !strings.Contains(got.stderr, "with other things than half a backup in it") || readText(t, stranger) != "mine" {
		t.Errorf("where somebody else's folder is: %+v", got)
	}
	if got := convertd(t, "", "restore", "--data", dataFolder(t), backup); got.code != 0 || !strings.HasPrefix(got.stdout, "1 jobs restored") {
		t.Errorf("restore: %+v", got)
	}
}

// A backup onto a full disk says so, leaves nothing there, and the service goes on.
func TestABackupWithoutRoomLeavesNothing(t *testing.T) {
	t.Parallel()
	u := startUp(t, dataFolder(t))
	large := strings.Builder{}
	large.WriteString(tracksCSV)
	for frame := range 100_000 {
		fmt.Fprintf(&large, "long,%d,100.5,200.25,0\n", frame)
	}
	u.submitted(t, testFile(t, "shot.csv", []byte(large.String())), "--to", "nuke", "--wait", "-o", t.TempDir())
	for size, what := range map[string]string{"1m": "files", "4k": "rows"} {
		small := t.TempDir()
		if err := unix.Mount("tmpfs", small, "tmpfs", 0, "size="+size); err != nil {
			t.Fatalf("mount a small file system (this test needs root): %v", err)
		}
		t.Cleanup(func() { _ = unix.Unmount(small, unix.MNT_DETACH) })
		got := convertd(t, "", "backup", "--data", u.Data, filepath.Join(small, "backup"))
		if got.code != 1 || !strings.Contains(got.stderr, "There is no room for the backup on the disk of "+small) || !strings.Contains(got.stderr, "larger disk") {
			t.Errorf("no room for the %s: %+v", what, got)
		}
		if left, err := os.ReadDir(small); err != nil || len(left) > 0 {
			t.Errorf("no room for the %s: left: %v, %v", what, left, err)
		}
	}
	u.submitted(t, testFile(t, "next.csv", []byte(tracksCSV)), "--to", "nuke", "--wait", "-o", t.TempDir())
}

func TestRestoresThatGoWrong(t *testing.T) {
	t.Parallel()
	backup, id := backedUp(t)
	data := dataFolder(t)
	t.Run("a damaged backup is refused", func(t *testing.T) { refusesDamage(t, backup, data) })
	t.Run("a killed one is begun anew", func(t *testing.T) { killedRestore(t, backup, data, id) })
	t.Run("one killed after the rows goes on", func(t *testing.T) { restoreKilledLate(t, backup, data, id) })
}

// killedRestore ends a restore at some moment: what it leaves no dispatcher serves, and the
// same command begins it anew.
func killedRestore(t *testing.T, backup, data, id string) {
	mark := filepath.Join(data, "spool", "restoring")
	cmd := exec.Command(filepath.Join(binDir, "convertd"), "restore", "--data", data, backup)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "the restore is in the middle", func() bool { _, err := os.Stat(mark); return err == nil })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if _, err := os.Stat(mark); err != nil {
		t.Fatalf("it was over already: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	up := exec.CommandContext(ctx, filepath.Join(binDir, "convertd"), "up", "--data", data, "--listen", "127.0.0.1:0")
	up.Cancel = func() error { return up.Process.Signal(os.Interrupt) } // should it serve
	if out, err := up.CombinedOutput(); err == nil || !strings.Contains(string(out), "was interrupted") || !strings.Contains(string(out), "Run the same convertd restore again") {
		t.Errorf("up on half a restore: %v\n%s", err, out)
	}
	if got := convertd(t, "", "restore", "--data", data, backup); got.code != 0 || !strings.HasPrefix(got.stdout, "1 jobs restored") {
		t.Fatalf("the same again: %+v", got)
	}
	u := startUp(t, data)
	if j, known := u.job(id); !known || j.State != "succeeded" {
		t.Errorf("the job: %t, %+v", known, j)
	}
	if got := u.files(id); len(got) != 2 {
		t.Errorf("its files: %v", got)
	}
	u.stop()
}

// restoreKilledLate is one that was killed when the rows were there already: it does not
// take them for somebody else's, and still tells what is damaged.
func restoreKilledLate(t *testing.T, backup, data, id string) {
	s := spool.New(filepath.Join(data, "spool"))
	input := filepath.Join(id[:2], id, "in", "1.csv")
	if err := os.WriteFile(filepath.Join(s.Root(), input), []byte("rotten"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := dispatcher.BeginRestore(s); err != nil {
		t.Fatal(err)
	}
	got := convertd(t, "", "restore", "--data", data, backup)
	if got.code != 1 || !strings.Contains(got.stderr, "not as it was: "+input) || !strings.HasPrefix(got.stdout, "1 jobs restored") {
		t.Errorf("again: %+v", got)
	}
	if half, err := dispatcher.Restoring(s); half || err != nil {
		t.Errorf("the mark stays: %v", err)
	}
	if err := errors.Join(dispatcher.BeginRestore(s), os.Rename(filepath.Join(backup, "spool", id[:2], id), filepath.Join(backup, "spool", id[:2], strings.Repeat("A", len(id))))); err != nil {
		t.Fatal(err)
	}
	if got := convertd(t, "", "restore", "--data", data, backup); got.code != 1 || !strings.Contains(got.stderr, "The database has jobs already") {
		t.Errorf("another backup over these rows: %+v", got)
	}
}

func refusesDamage(t *testing.T, backup, data string) {
	for name, c := range map[string]struct {
		file string
		harm func([]byte) []byte
		want string
	}{
		"cut rows":       {"database.dump", func(b []byte) []byte { return b[:len(b)/2] }, "is damaged: database.dump is not as it was written"},
		"rotten rows":    {"database.dump", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }, "is damaged: database.dump is not as it was written"},
		"no rows":        {"database.dump", func([]byte) []byte { return nil }, "is damaged"},
		"cut note":       {"backup.json", func(b []byte) []byte { return b[:len(b)/2] }, "is no backup that can be read"},
		"another format": {"backup.json", func(b []byte) []byte { return bytes.Replace(b, []byte(`"format": 1`), []byte(`"format": 99`), 1) }, "format 99"},
	} {
		path := filepath.Join(backup, c.file)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		write := func(b []byte) {
			if b == nil {
				err = os.Remove(path)
			} else {
				err = os.WriteFile(path, b, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		write(c.harm(bytes.Clone(whole)))
		if got := convertd(t, "", "restore", "--data", data, backup); got.code != 1 || !strings.Contains(got.stderr, c.want) || strings.Count(strings.TrimSpace(got.stderr), "\n") != 1 {
			t.Errorf("%s: %+v, want %q and what to do", name, got, c.want)
		}
		if made, err := os.ReadDir(data); err != nil || len(made) > 0 {
			t.Errorf("%s: %v was made (%v)", name, made, err)
		}
		write(whole)
	}
}

// A database of a PostgreSQL that is not installed is not touched; the commands that the
// error prints move it.
func TestUpPrintsTheCommandsThatMoveItsDatabase(t *testing.T) {
	t.Parallel()
	data := filepath.Join(dataFolder(t), "it's here")
	u := startUp(t, data)
	id := u.submitted(t, testFile(t, "shot.csv", []byte(tracksCSV)), "--to", "nuke", "--wait", "-o", t.TempDir())
	want, token := u.files(id), readText(t, filepath.Join(data, "admin_token"))
	u.stop()
	version := filepath.Join(data, "postgresql", "server", "cluster", "PG_VERSION")
	made := readText(t, version)
	if err := os.WriteFile(version, []byte("9.6\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused := convertd(t, "", "up", "--data", data, "--listen", "127.0.0.1:0")
	if refused.code != 1 || !strings.Contains(refused.stderr, "was made by PostgreSQL 9.6, but version "+strings.TrimSpace(made)+" is installed.") {
		t.Fatalf("up: %+v", refused)
	}
	commands := regexp.MustCompile(`(?m)^    (.*)$`).FindAllStringSubmatch(refused.stderr, -1)
	if len(commands) != 2 || commands[0][1] != "apt-get install postgresql-9.6" {
		t.Fatalf("commands: %q", commands)
	}
	if err := os.WriteFile(version, []byte(made), 0o600); err != nil { // the first command would do as much
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", commands[1][1])
	cmd.Env = append(os.Environ(), "PATH="+binDir+":"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", commands[1][1], err, out)
	}
	u = startUp(t, data)
	for path, content := range u.files(id) {
		if content != want[path] {
			t.Errorf("%s differs", path)
		}
	}
	if j, _ := u.job(id); j.State != "succeeded" || readText(t, filepath.Join(data, "admin_token")) != token {
		t.Errorf("the job is %s, or the token another", j.State)
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
