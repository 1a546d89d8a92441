package systemd

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Not parallel: it is about the process's environment.
func TestServiceAndSupervisorUnderstandEachOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	inbox, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOTIFY_SOCKET", path)
	m, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	if _, set := os.LookupEnv("NOTIFY_SOCKET"); set {
		t.Error("NOTIFY_SOCKET is still set: children would inherit it")
	}
	if err := m.Ready("X_CONVERTD_ADDRESS=127.0.0.1:1234"); err != nil {
		t.Fatal(err)
	}
	got, err := inbox.Receive()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"READY": "1", "X_CONVERTD_ADDRESS": "127.0.0.1:1234"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := inbox.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := inbox.Receive(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Receive after Close = %v", err)
	}
	if err := m.Status("idle"); err == nil {
		t.Error("no error although nobody listens")
	}
}

func TestWithoutManagerNothingHappens(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	m, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.Ready(), m.Status("x"), m.Alive(), m.Stopping()); err != nil {
		t.Error(err)
	}
}
