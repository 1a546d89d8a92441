package private

import "testing"

func TestReasonIn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2026-01-01 00:00:00 UTC [7] LOG:  starting\n2026-01-01 00:00:00 UTC [7] FATAL:  data directory \"/d\" has invalid permissions\n2026-01-01 00:00:00 UTC [7] DETAIL:  Permissions should be u=rwx (0700).\n2026-01-01 00:00:00 UTC [7] LOG:  database system is shut down\n": `data directory "/d" has invalid permissions: Permissions should be u=rwx (0700)`,
		"postgres: invalid argument: \"x\"\nTry more.\n": "Try more",
	} {
		if got := reasonIn(text); got != want {
			t.Errorf("reasonIn(%q) = %q, want %q", text, got, want)
		}
	}
}
