package syscalltest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	if err := Enter(os.Environ()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if path := os.Getenv("JUDGED"); path != "" {
		os.Exit(writeAndTell(path))
	}
	os.Exit(m.Run())
}

// writeAndTell is the process that is judged.
func writeAndTell(path string) int {
	f, err := os.Create(path)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	_, err = f.WriteString("x")
	err = errors.Join(err, f.Sync(), f.Close(), os.Rename(path, path+".renamed"))
	fmt.Println(err)
	return 0
}

func TestWatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, call, ends string
		verdict          Verdict
		says             string
		killed           bool
	}{
		{"passes", "", "", Verdict{}, "<nil>", false},
		{"sync fails", "fsync", "/f", Verdict{Errno: unix.EIO}, "sync", false},
		{"write fails", "write", "/f", Verdict{Errno: unix.ENOSPC}, "no space left", false},
		{"create fails", "openat", "/f", Verdict{Errno: unix.EDQUOT}, "quota", false},
		{"rename fails", "renameat", "/f.renamed", Verdict{Errno: unix.EROFS}, "read-only", false},
		{"killed at the rename", "renameat", "/f.renamed", Verdict{Kill: true}, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var heard atomic.Bool
			env := Watch(t, func(c Call) Verdict {
				if c.Name == tt.call && strings.HasSuffix(c.Path, tt.ends) {
					heard.Store(true)
					return tt.verdict
				}
				return Verdict{}
			})
			path := filepath.Join(t.TempDir(), "f")
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(append(os.Environ(), env...), "JUDGED="+path)
			out, err := cmd.Output()
			if (err != nil) != (tt.killed || tt.call == "openat") || !strings.Contains(string(out), tt.says) {
				t.Errorf("ended %v, said %q", err, out)
			}
			if tt.call != "" && !heard.Load() {
				t.Error("the call was not heard")
			}
		})
	}
}

func TestScript(t *testing.T) {
	t.Parallel()
	env := Watch(t, func(c Call) Verdict {
		if c.Name == "write" && strings.HasSuffix(c.Path, "/told") {
			return Verdict{Errno: unix.ENOSPC}
		}
		return Verdict{}
	})
	dir := t.TempDir()
	script := Script(t, dir, env, "/bin/sh")
	out, err := exec.Command(script, "-c", `echo x > "$0/told" || echo "$1" > "$0/kept"`, dir, "a  $b").CombinedOutput()
	if kept, readErr := os.ReadFile(filepath.Join(dir, "kept")); readErr != nil || string(kept) != "a  $b\n" {
		t.Errorf("kept %q (%v); ended %v, said %q", kept, readErr, err, out)
	}
}
