package webui_test

import (
	"strings"
	"testing"

	"convertd/runner/fault"
)

func TestPages_show_what_came_out(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		outputs []upload
		has     []string
		hasNot  []string
	}{
		{"a film", []upload{{"a b.mp4", "x"}}, []string{`<video controls`, `a%20b.mp4"`, `preload="metadata"`}, []string{"<audio", "excerpt"}},
		{"a sound", []upload{{"a.wav", "x"}}, []string{`<audio controls`}, []string{"<video", "excerpt"}},
		{"many sounds", []upload{{"1.wav", "x"}, {"2.wav", "x"}, {"3.wav", "x"}, {"4.wav", "x"}}, []string{`aria-label="Play 3.wav"`}, []string{`aria-label="Play 4.wav"`}},
		{"a text", []upload{{"a.txt", "first\n<b>second</b>\n"}}, []string{"first\n&lt;b&gt;second&lt;/b&gt;</pre>"}, []string{"<video"}},
		{"a long text", []upload{{"a.txt", strings.Repeat("line\n", 100)}}, []string{"line …</pre>"}, []string{strings.Repeat("line\n", 13)}},
		{"a cut character", []upload{{"a.txt", "x" + strings.Repeat("ä", 2000)}}, []string{"ä …</pre>"}, []string{"\uFFFD"}},
		{"bytes that are no text", []upload{{"a.txt", "a\x00\xff\xfe\xff"}}, nil, []string{"excerpt"}},
		{"a page, which is shown as text", []upload{{"a.html", "<script>1</script>"}}, []string{"&lt;script&gt;"}, []string{"<script>1"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t).browser()
			id := b.submitted([]string{"to=copy"}, upload{"in.txt", "x"})
			b.finish(b.claim(), fault.Succeeded, row.outputs...)
			page := string(b.do("GET", "/jobs/"+id, "", nil).body)
			for _, want := range row.has {
				if !strings.Contains(page, want) {
					t.Errorf("the page has not %q:\n%s", want, page)
				}
			}
			for _, bad := range row.hasNot {
				if strings.Contains(page, bad) {
					t.Errorf("the page has %q", bad)
				}
			}
		})
	}
}
