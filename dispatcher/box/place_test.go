package box

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhereASpoolCanLie(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("/dev/shm", link); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		spool   string
		private bool
		want    string
	}{
		{"/var/lib/convertd/spool", true, ""},
		{"/device/spool", false, ""},
		{"/tmp/spool", false, ""},
		{"/tmp/spool", true, "private /tmp"},
		{"/var/tmp/spool", true, "private /tmp"},
		{"/dev/shm/spool", false, "/dev"},
		{link, false, "/dev"},
		{"/proc/1/cwd", false, "/proc"},
		{"/sys", false, "/sys"},
	} {
		err := canHold(tt.spool, tt.private)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s, private /tmp %t: %v, want %q", tt.spool, tt.private, err, tt.want)
		}
	}
}

func TestAPrivateTmpIsRecognised(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{
		"36 35 98:0 /tmp/systemd-private-1a2b-convertd.service-x/tmp /tmp rw - ext4 /dev/root rw": true,
		"36 35 0:40 / /tmp rw,nosuid - tmpfs tmpfs rw":                                            false,
		"36 35 98:0 /tmp/systemd-private-1a2b-convertd.service-x/tmp /var/tmp rw - ext4 x rw":     false,
	} {
		if got := privateTmpIn(bufio.NewScanner(strings.NewReader(line))); got != want {
			t.Errorf("%s: %t", line, got)
		}
	}
}
