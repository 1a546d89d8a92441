// Package systemd owns what a service and its manager say to each other: readiness,
// status text, watchdog and handed-over sockets; the journal; and the unit files.
//
// It does not own starting or stopping anything. It alone reads NOTIFY_SOCKET,
// WATCHDOG_*, LISTEN_* and JOURNAL_STREAM, and unsets them so that no child inherits them.
// It may import go-systemd.
package systemd

import (
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"
)

// Manager is the connection to the service manager; without one every call is a no-op.
type Manager struct {
	socket    *net.UnixAddr
	watchdog  time.Duration
	listeners []net.Listener
}

// Open takes over what the environment holds, once, at the start of a process.
func Open() (*Manager, error) {
	m := &Manager{}
	interval, err := daemon.SdWatchdogEnabled(true)
	if err != nil {
		return nil, fmt.Errorf("read watchdog interval: %w", err)
	}
	m.watchdog = interval
	if m.listeners, err = activation.Listeners(); err != nil {
		return nil, fmt.Errorf("take over sockets: %w", err)
	}
	if path := os.Getenv("NOTIFY_SOCKET"); path != "" {
		m.socket = &net.UnixAddr{Name: path, Net: "unixgram"}
	}
	return m, os.Unsetenv("NOTIFY_SOCKET")
}

// Listeners are the sockets that the manager opened for this service, in order.
func (m *Manager) Listeners() []net.Listener { return m.listeners }

// Ready says that the service answers. more are further assignments (NAME=VALUE) for a
// manager that knows them.
func (m *Manager) Ready(more ...string) error {
	return m.send(strings.Join(append([]string{daemon.SdNotifyReady}, more...), "\n"))
}

// Status sets the text that `systemctl status` shows.
func (m *Manager) Status(text string) error { return m.send("STATUS=" + text) }

// Reloading and Stopping announce what they say.
func (m *Manager) Reloading() error { return m.send(daemon.SdNotifyReloading) }

// Stopping says that the service is ending.
func (m *Manager) Stopping() error { return m.send(daemon.SdNotifyStopping) }

// WatchdogInterval is how often the manager wants a sign of life; 0 means never. A
// sign is due at half of it.
func (m *Manager) WatchdogInterval() time.Duration { return m.watchdog }

// Alive is the sign of life; the real loop of the service calls it, not a timer of its
// own.
func (m *Manager) Alive() error { return m.send(daemon.SdNotifyWatchdog) }

func (m *Manager) send(state string) error {
	if m.socket == nil {
		return nil
	}
	conn, err := net.DialUnix(m.socket.Net, nil, m.socket)
	if err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(state)); err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	return nil
}
