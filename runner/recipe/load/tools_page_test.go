//go:build recipes

package load_test

import (
	"archive/zip"
	"encoding/base64"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convertd/runner/fault"
)

const webPage = `<!doctype html><meta charset=utf-8><title>Report</title><h1>` + phrase + `</h1><p>Grüße</p><script>document.write("written by a script")</script>`

func TestHTMLToPDF(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		about, content string
		given          map[string][]string
		size, has, not string
	}{
		{"as it is", webPage, nil, "595 x 842", "written by a script", "%%"},
		{"other paper", webPage, map[string][]string{"paper": {"letter landscape"}}, "792 x 612", "Grüße", "%%"},
		{"a script without end", webPage + "<script>setInterval(function(){document.title+='x'},1)</script>", nil, "595 x 842", "Grüße", "%%"},
		{"its own paper", webPage + "<style>@page{size:A5}</style>", nil, "420 x 595", phrase, "%%"},
		{"what is elsewhere", webPage + `<iframe src="file:///etc/shadow"></iframe><img src="http://127.0.0.1:8080/x.png"><iframe src="file:///etc/passwd"></iframe>`, nil, "595 x 842", phrase, "/bin/bash"},
	} {
		res := convert(t, "html-to-pdf", tt.given, input{written(t, "x", tt.content), "Bericht " + tt.about + ".html"})
		pdf := res.output(t)
		if got := roundedSize(asked(t, "pdfinfo", pdf)); got != tt.size {
			t.Errorf("%s: the page is %s, want %s", tt.about, got, tt.size)
		}
		if got := words(t, pdf); !strings.Contains(got, tt.has) || !strings.Contains(got, phrase) || strings.Contains(got, tt.not) {
			t.Errorf("%s: the page says %q", tt.about, got)
		}
		res.named(t, "Bericht "+tt.about+".pdf")
	}
	convert(t, "html-to-pdf", nil, input{written(t, "x", webPage), hostile + ".htm"}).output(t)
	convert(t, "html-to-pdf", nil, input{written(t, "x", garbage(3000)), "a.html"}).fails(t, "contains no text")
	convert(t, "html-to-pdf", nil, input{written(t, "x", ""), "a.html"}).fails(t, "empty")
}

// roundedSize is the size of the pages as pdfinfo says it, in whole points.
func roundedSize(info string) string {
	_, rest, _ := strings.Cut(info, "Page size:")
	line, _, _ := strings.Cut(strings.TrimSpace(rest), "\n")
	words := strings.Fields(line)
	if len(words) < 3 {
		return line
	}
	whole := func(n string) string {
		for _, near := range []struct{ says, means string }{{"594.96", "595"}, {"841.92", "842"}, {"419.52", "420"}, {"419.28", "420"}, {"420", "420"}, {"595", "595"}} {
			if strings.HasPrefix(n, near.says) {
				return near.means
			}
		}
		return n
	}
	return whole(words[0]) + " x " + whole(words[2])
}

// unzipped is what all files of a zip contain, by name.
func unzipped(t *testing.T, path string) map[string]string {
	t.Helper()
	z, err := zip.OpenReader(path)
	must(t, err)
	defer z.Close()
	all := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		must(t, err)
		content, err := io.ReadAll(r)
		must(t, err)
		must(t, r.Close())
		all[f.Name] = string(content)
	}
	return all
}

// markdownText asks for a file of the machine, and has a picture of its own.
func markdownText(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(picture(t, "a.png", "64x64"))
	must(t, err)
	return "---\ntitle: Report\n---\n\n# " + phrase + "\n\nGrüße *sehr*, $x^2$.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n" +
		"![elsewhere](/etc/passwd) ![far away](http://127.0.0.1:8080/x.png) ![own](data:image/png;base64," + base64.StdEncoding.EncodeToString(content) + ")\n"
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	text := markdownText(t)
	for _, tt := range []struct{ to, part string }{
		{"docx", "word/document.xml"}, {"odt", "content.xml"}, {"epub", "EPUB/text/ch001.xhtml"}, {"html", ""},
	} {
		res := convert(t, "markdown", map[string][]string{"to": {tt.to}, "contents": {"true"}}, input{written(t, "x", text), hostile + ".md"})
		path := res.output(t)
		all := map[string]string{}
		if tt.part == "" {
			content, err := os.ReadFile(path)
			must(t, err)
			all[""] = string(content)
		} else {
			all = unzipped(t, path)
		}
		if got := all[tt.part]; !strings.Contains(strings.Join(strings.Fields(got), " "), "lighthouse") || !strings.Contains(got, "Grüße") {
			t.Errorf("%s: its text is %.500q", tt.to, got)
		}
		for name, content := range all {
			if strings.Contains(content, "root:") || strings.Contains(content, "/etc/passwd\"") {
				t.Errorf("%s: %s has what it must not have", tt.to, name)
			}
		}
	}
	convert(t, "markdown", map[string][]string{"to": {"docx"}}, input{written(t, "x", garbage(3000)), "a.md"}).fails(t, "contains no text")
	convert(t, "markdown", map[string][]string{"to": {"docx"}}, input{written(t, "x", ""), "a.md"}).fails(t, "empty")
	convert(t, "markdown", map[string][]string{"to": {"docx"}}, input{written(t, "x", "Gr\xfc\xdfe\n"), "a.md"}).fails(t, "not in UTF-8")
	convert(t, "markdown", map[string][]string{"to": {"docx"}}, input{written(t, "x", "---\na: [\n---\ntext\n"), "a.md"}).fails(t, "head of the text")
}

func TestMarkdownToPDF(t *testing.T) {
	t.Parallel()
	res := convert(t, "markdown-to-pdf", map[string][]string{"paper": {"A4 landscape"}}, input{written(t, "x", markdownText(t)), hostile + ".md"})
	pdf := res.output(t)
	if got := roundedSize(asked(t, "pdfinfo", pdf)); got != "842 x 595" {
		t.Errorf("the page is %s", got)
	}
	if got := words(t, pdf); !strings.Contains(got, phrase) || strings.Contains(got, "root:") {
		t.Errorf("the page says %q", got)
	}
	script := "# " + phrase + "\n\n<script>document.write('written by a script')</script>\n"
	if got := words(t, convert(t, "markdown-to-pdf", nil, input{written(t, "x", script), "a.md"}).output(t)); strings.Contains(got, "written") {
		t.Errorf("a script ran: %q", got)
	}
	if len(res.Previews) != 1 || res.Previews[0].MediaType != "image/jpeg" {
		t.Errorf("previews are %+v, want the first page", res.Previews)
	} else if got := streams(t, filepath.Join(res.job.Preview(1), res.Previews[0].File)); !strings.HasPrefix(got, "mjpeg,720,509,") {
		t.Errorf("the preview is %s", got)
	}
	if got := asked(t, "pdfimages", "-list", pdf); !strings.Contains(got, "64    64") {
		t.Errorf("the picture within the text is not there: %s", got)
	}
	convert(t, "markdown-to-pdf", nil, input{written(t, "x", garbage(3000)), "a.md"}).fails(t, "contains no text")
	convert(t, "markdown-to-pdf", nil, input{written(t, "x", ""), "a.md"}).fails(t, "empty")
}

// scanned is a PDF of one picture of a page that says something.
func scanned(t *testing.T) string {
	t.Helper()
	page := written(t, "x.pdf", pdf("Quarterly figures of the lighthouse"))
	photo := made(t, "photo.jpg", "sh", "-c", `pdftoppm -jpeg -r 200 -x 0 -y 0 -W 1500 -H 1000 "$1" >"$2"`, "sh", page)
	return written(t, "scan.pdf", album(t, photo, 1500, 1000))
}

func TestPDFOCR(t *testing.T) {
	t.Parallel()
	scan := scanned(t)
	if got := words(t, scan); got != "" {
		t.Fatalf("the scan has text before: %q", got)
	}
	res := convert(t, "pdf-ocr", map[string][]string{"to": {"searchable-pdf"}}, input{scan, hostile + ".pdf"})
	if got := words(t, res.output(t)); !strings.Contains(got, "lighthouse") {
		t.Errorf("the pages say %q", got)
	}
	res.rises(t, 2)
	text := convert(t, "pdf-ocr", map[string][]string{"to": {"txt"}, "language": {"deu+eng"}}, input{scan, "Scan 1.pdf"})
	content, err := os.ReadFile(text.output(t))
	must(t, err)
	if text.named(t, "Scan 1.txt"); !strings.Contains(string(content), "lighthouse") {
		t.Errorf("the text is %q", content)
	}
	for _, tt := range []struct{ path, want string }{
		{written(t, "x", garbage(3000)), "not a PDF that can be read"}, {written(t, "x", ""), "not a PDF that can be read"},
		{locked(t), "protected by a password"}, {written(t, "x", "/etc/passwd\n1.pdf\n"), "not a PDF that can be read"},
	} {
		convert(t, "pdf-ocr", map[string][]string{"to": {"txt"}}, input{tt.path, "a.pdf"}).fails(t, tt.want)
	}
	if other := convert(t, "pdf-ocr", map[string][]string{"to": {"txt"}, "language": {"ita"}}, input{scan, "a.pdf"}); other.Class != fault.Succeeded && !strings.Contains(other.Detail, "language is not installed") {
		t.Errorf("a language that is not there: %s: %s", other.Class, other.Detail)
	}
}
