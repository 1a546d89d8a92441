package vault_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"convertd/runner/vault"
)

// inMemory is a vault of the test's own in /dev/shm.
func inMemory(t *testing.T) (vault.Vault, string) {
	t.Helper()
	parent, err := os.MkdirTemp("/dev/shm", "convertd-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(parent) })
	return vault.New(filepath.Join(parent, "spool")), parent
}

func TestVault_keeps_until_removed(t *testing.T) {
	t.Parallel()
	v, _ := inMemory(t)
	if err := v.Put("JOB", map[string]string{"key": "open sesame", "pin": "1"}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(v.Path("JOB", "key"))
	info, _ := os.Stat(v.Path("JOB", "key"))
	if err != nil || string(text) != "open sesame" || info.Mode().Perm()&0o037 != 0 {
		t.Errorf("read %q, mode %v, %v", text, info.Mode(), err)
	}
	if jobs, err := v.Jobs(); err != nil || len(jobs) != 1 || !v.Has("JOB", "pin") || v.Has("JOB", "other") {
		t.Errorf("jobs %v, %v", jobs, err)
	}
	if err := v.Remove("JOB"); err != nil || v.Has("JOB", "key") {
		t.Errorf("removed: %v, there %v", err, v.Has("JOB", "key"))
	}
	if jobs, err := v.Jobs(); err != nil || len(jobs) != 0 {
		t.Errorf("jobs %v, %v", jobs, err)
	}
}

func TestVault_takes_nothing_where_others_could_read_it(t *testing.T) {
	t.Parallel()
	_, open := inMemory(t)
	if err := os.Chmod(open, 0o755); err != nil {
		t.Fatal(err)
	}
	disk, err := os.MkdirTemp("/var/tmp", "convertd-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(disk) })
	if err := os.Chmod(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]vault.Vault{"a folder open to all": vault.New(filepath.Join(open, "x")), "a disk": vault.New(filepath.Join(disk, "x")), "nowhere": {}} {
		if err := v.Put("JOB", map[string]string{"key": "x"}); !errors.Is(err, vault.ErrNotInMemory) {
			t.Errorf("%s: %v", name, err)
		}
		if v.Has("JOB", "key") {
			t.Errorf("%s has the secret", name)
		}
	}
}

func TestVault_of_a_spool_is_the_same_for_all(t *testing.T) {
	t.Parallel()
	if a, b, other := vault.For("/srv/a"), vault.For("/srv/a/"), vault.For("/srv/b"); a != b || a == other {
		t.Errorf("%v, %v, %v", a, b, other)
	}
}
