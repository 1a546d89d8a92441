package manual

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTextStaysText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{".SH x": `\&.SH x`, "'x": `\&'x`, `a\b`: `a\eb`, "--data": `\-\-data`, "a\nb": "a b", "…": `\[u2026]`} {
		if got := Text(text); got != want {
			t.Errorf("Text(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	p := Page{Name: "convertd.toml", Section: 5, Date: time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC), Version: "convertd 1.2", Title: "The settings."}
	want := ".TH CONVERTD.TOML 5 2026-02-03 \"convertd 1.2\" convertd\n.SH NAME\nconvertd.toml \\- The settings\n"
	if diff := cmp.Diff(want, p.Head()); diff != "" {
		t.Error(diff)
	}
}

func TestMarkdownIsSaid(t *testing.T) {
	t.Parallel()
	markdown := "# Left out\n\nFirst `code` and\n[words](of.md).\n\nSecond.\n\n## [web]\n\n.hidden\n\n- a\n- `b`\n\n" +
		"```toml\n.x = \"a-b\"\n```\n\n| key | value | default | meaning |\n|---|---|---|---|\n| `dir` | a text | `\"/x\"` | Where. |\n\n| key | meaning |\n|---|---|\n| `k` | What \\| that. |\n"
	want := ".SH DESCRIPTION\nFirst \\fBcode\\fR and words.\n.PP\nSecond.\n.SH [web]\n\\&.hidden\n.IP \\(bu 2\na\n.IP \\(bu 2\n\\fBb\\fR\n" +
		".PP\n.nf\n\\&.x = \"a\\-b\"\n.fi\n.TP\n.B \\fBdir\\fR\\fR (a text; default \\fB\"/x\"\\fR)\nWhere.\n.TP\n.B \\fBk\\fR\nWhat | that.\n"
	if diff := cmp.Diff(want, Body(markdown)); diff != "" {
		t.Error(diff)
	}
}
