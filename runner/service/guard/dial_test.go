package guard

import "testing"

// TestLastLook checks what the kernel is about to connect to, whatever was checked before.
func TestLastLook(t *testing.T) {
	t.Parallel()
	d := &Dialer{}
	for _, row := range []struct {
		far     reach
		address string
		allowed bool
	}{
		{toPublic, "8.8.8.8:80", true}, {toPublic, "127.0.0.1:80", false}, {toPublic, "[::ffff:127.0.0.1]:80", false}, {toPublic, "8.8.8.8:81", false},
		{toPublic, "10.0.0.1:80", false}, {toLocal, "10.0.0.1:80", true}, {toLocal, "127.0.0.1:80", false}, {toAny, "127.0.0.1:80", true},
		{toAny, "224.0.0.1:80", false}, {toAny, "0.0.0.0:80", false}, {toAny, "nowhere", false},
	} {
		err := d.checkAgain(target{host: "x.example", port: "80", number: 80, far: row.far}, row.address)
		if (err == nil) != row.allowed {
			t.Errorf("%d %s: %v", row.far, row.address, err)
		}
	}
}
