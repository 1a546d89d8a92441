package runner

import (
	"io/fs"
	"syscall"
	"testing"
	"time"
)

// node is a device as a machine might have it.
type node struct {
	mode  fs.FileMode
	group uint32
}

func (n node) Name() string       { return "node" }
func (n node) Size() int64        { return 0 }
func (n node) Mode() fs.FileMode  { return n.mode }
func (n node) ModTime() time.Time { return time.Time{} }
func (n node) IsDir() bool        { return false }
func (n node) Sys() any           { return &syscall.Stat_t{Gid: n.group} }

// TestDevicesForUsers tells devices that a converter may be given from those that are
// root's alone, and the group that goes with them.
func TestDevicesForUsers(t *testing.T) {
	t.Parallel()
	const char, block = fs.ModeDevice | fs.ModeCharDevice, fs.ModeDevice
	for _, row := range []struct {
		name  string
		node  node
		users bool
		group int
	}{
		{"/dev/dri/renderD128", node{char | 0o660, 105}, true, 105},
		{"/dev/nvidia0", node{char | 0o666, 0}, true, 0},
		{"/dev/kvm, open to all", node{char | 0o666, 106}, true, 0},
		{"/dev/mem", node{char | 0o640, 15}, false, 0},
		{"/dev/fuse, root's", node{char | 0o600, 0}, false, 0},
		{"/dev/sda", node{block | 0o660, 6}, false, 6},
	} {
		if users, group := forUsers(row.node), groupOf(row.node); users != row.users || group != row.group {
			t.Errorf("%s: for users %v, group %d", row.name, users, group)
		}
	}
}
