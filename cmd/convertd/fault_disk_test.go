package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The rows of the table of faults on a real disk that everything shares: spool, database
// and its log. What was acknowledged stays, and all goes on by itself when there is room.
func TestFaultOnTheDiskOfEverything(t *testing.T) {
	t.Parallel()
	d := newFullDisk(t)
	first := d.submitted(t, testFile(t, "shot.csv", []byte(tracksCSV)), "--to", "nuke", "--wait", "-o", t.TempDir())
	t.Run("F12_while_uploading", d.whileUploading)
	t.Run("F12_while_converting", d.whileConverting)
	t.Run("F12_while_postgresql_writes", func(t *testing.T) { d.whilePostgreSQLWrites(t, first) })
}

// fullDisk is a service whose data folder is a small disk of its own.
type fullDisk struct{ *upInstance }

func newFullDisk(t *testing.T) fullDisk {
	t.Helper()
	data := dataFolder(t)
	if err := unix.Mount("tmpfs", data, "tmpfs", 0, "mode=711,size=320m"); err != nil {
		t.Fatalf("mount a small file system (this test needs root): %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(data, unix.MNT_DETACH) })
	recipes := recipesFolder(t)
	recipe := "name = \"fill\"\naccept = [\".fill\"]\nto = [\"full\"]\ncommand = [\"sh\", \"-c\", \"cat /dev/zero > \\\"$1/a.full\\\"\", \"sh\", \"{output}\"]\n"
	if err := os.WriteFile(filepath.Join(recipes, "fill.toml"), []byte(recipe), 0o644); err != nil {
		t.Fatal(err)
	}
	return fullDisk{startUp(t, data, "CONVERTD_RECIPES_DIR="+recipes, "CONVERTD_KEEP_FREE=0%")}
}

// ballast takes room until no more than so many bytes are free; removing it gives it back.
func (d fullDisk) ballast(t *testing.T, leave int64) (path string) {
	t.Helper()
	path = filepath.Join(d.Data, "ballast")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 1<<20); len(block) > 0; {
		var st unix.Statfs_t
		if err := unix.Statfs(d.Data, &st); err != nil {
			t.Fatal(err)
		}
		if int64(st.Bavail)*st.Bsize-leave < int64(len(block)) {
			block = block[:len(block)/2]
			continue
		}
		if _, err := f.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
	return path
}

func (d fullDisk) whileUploading(t *testing.T) {
	ballast := d.ballast(t, 4<<20)
	large := testFile(t, "large.csv", bytes.Repeat([]byte("corner,0,100.5,200.25,0\n"), 1<<19))
	got := convertd(t, "", "submit", large, "--to", "nuke", "--server", d.URL)
	if got.code != 1 || !strings.Contains(got.stderr, "insufficient_storage: ") {
		t.Errorf("an upload larger than the room: %+v", got)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	d.works(t)
}

func (d fullDisk) whileConverting(t *testing.T) {
	got := convertd(t, "", "submit", testFile(t, "a.fill", []byte("x")), "--recipe", "fill", "--wait", "--server", d.URL)
	id, _, _ := strings.Cut(got.stdout, " ")
	j, _ := d.job(id)
	if got.code != 1 || j.State != "failed" || j.Error == nil || j.Error.Class != "disk" {
		t.Errorf("a job that fills the disk: %+v, %+v", got, j.Error)
	}
	d.works(t)
}

// whilePostgreSQLWrites fills the disk to its last byte and has PostgreSQL write: it may
// refuse or die, and comes back.
func (d fullDisk) whilePostgreSQLWrites(t *testing.T, acknowledged string) {
	database := d.database()
	ballast := d.ballast(t, 0)
	for range 64 {
		if _, err := database.ExecContext(t.Context(), `create table fat as select repeat(md5(n::text), 100) as words from generate_series(1, 20000) n`); err != nil {
			break
		}
		if _, err := database.ExecContext(t.Context(), `drop table fat`); err != nil {
			break
		}
	}
	got := convertd(t, "", "submit", testFile(t, "shot.csv", []byte(tracksCSV)), "--to", "nuke", "--server", d.URL)
	if got.code != 1 || !strings.Contains(got.stderr, "insufficient_storage: ") && !strings.Contains(got.stderr, "unavailable: ") {
		t.Errorf("a submission on the full disk: %+v", got)
	}
	if log := readText(t, filepath.Join(d.Data, "postgresql", "log")); !strings.Contains(log, "No space left on device") {
		t.Errorf("PostgreSQL met no full disk:\n%s", log)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	await(t, "the service takes jobs again", func() bool {
		return convertd(t, "", "submit", testFile(t, "shot.csv", []byte(tracksCSV)), "--to", "nuke", "--server", d.URL).code == 0
	})
	d.works(t)
	if files := d.files(acknowledged); len(files) != 2 {
		t.Errorf("what was acknowledged before: %v", files)
	}
}

// works converts a file.
func (d fullDisk) works(t *testing.T) {
	t.Helper()
	await(t, "there is room again", func() bool {
		var st unix.Statfs_t
		return unix.Statfs(d.Data, &st) == nil && int64(st.Bavail)*st.Bsize > 64<<20
	})
	d.submitted(t, testFile(t, "shot.csv", []byte(tracksCSV)), "--to", "nuke", "--wait", "-o", t.TempDir())
}
