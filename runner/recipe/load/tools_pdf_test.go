//go:build recipes

package load_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convertd/runner/fault"
)

// book writes a PDF object by object (ISO 32000-1, 7.5).
type book struct {
	text    strings.Builder
	offsets []int
}

func (b *book) object(format string, args ...any) {
	if b.text.Len() == 0 {
		b.text.WriteString("%PDF-1.4\n")
	}
	b.offsets = append(b.offsets, b.text.Len())
	fmt.Fprintf(&b.text, "%d 0 obj\n%s\nendobj\n", len(b.offsets), fmt.Sprintf(format, args...))
}

func (b *book) end() string {
	start := b.text.Len()
	fmt.Fprintf(&b.text, "xref\n0 %d\n0000000000 65535 f \n", len(b.offsets)+1)
	for _, offset := range b.offsets {
		fmt.Fprintf(&b.text, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&b.text, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(b.offsets)+1, start)
	return b.text.String()
}

func (b *book) stream(dictionary, content string) {
	b.object("<< %s /Length %d >>\nstream\n%s\nendstream", dictionary, len(content), content)
}

// pdf writes a document with one line of text on each page.
func pdf(pages ...string) string {
	var b book
	var kids []string
	for i := range pages {
		kids = append(kids, fmt.Sprintf("%d 0 R", 4+2*i))
	}
	b.object("<< /Type /Catalog /Pages 2 0 R >>")
	b.object("<< /Type /Pages /Kids [%s] /Count %d /MediaBox [0 0 595 842] >>", strings.Join(kids, " "), len(pages))
	b.object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
	for i, text := range pages {
		b.object("<< /Type /Page /Parent 2 0 R /Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>", 5+2*i)
		b.stream("", fmt.Sprintf("BT /F1 24 Tf 72 720 Td (%s) Tj ET", text))
	}
	return b.end()
}

// album writes a PDF of one page with one photo of that size on it.
func album(t *testing.T, photo string, width, height int) string {
	t.Helper()
	jpeg, err := os.ReadFile(photo)
	must(t, err)
	var b book
	b.object("<< /Type /Catalog /Pages 2 0 R >>")
	b.object("<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 300 200] >>")
	b.object("<< /Type /Page /Parent 2 0 R /Resources << /XObject << /P 5 0 R >> >> /Contents 4 0 R >>")
	b.stream("", "q 300 0 0 200 0 0 cm /P Do Q")
	b.stream(fmt.Sprintf("/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode", width, height), string(jpeg))
	return b.end()
}

// numbered are n pages that say which they are.
func numbered(what string, n int) string {
	var pages []string
	for i := range n {
		pages = append(pages, fmt.Sprintf("%s page %d", what, i+1))
	}
	return pdf(pages...)
}

// words are what the pages of a PDF say.
func words(t *testing.T, path string) string {
	t.Helper()
	return strings.Join(strings.Fields(asked(t, "pdftotext", path, "-")), " ")
}

// locked is a PDF that cannot be opened without a password.
func locked(t *testing.T) string {
	t.Helper()
	return made(t, "locked.pdf", "qpdf", "--encrypt", "secret", "owner", "256", "--", written(t, "x.pdf", numbered("a", 1)))
}

func TestPDFToImages(t *testing.T) {
	t.Parallel()
	source := written(t, "x.pdf", numbered("a", 12))
	res := convert(t, "pdf-to-images", map[string][]string{"to": {"png"}, "resolution": {"75"}}, input{source, hostile + ".pdf"})
	if res.Class != fault.Succeeded || len(res.Outputs) != 12 {
		t.Fatalf("%s: %s, %d outputs", res.Class, res.Detail, len(res.Outputs))
	}
	res.rises(t, 3)
	for i, o := range res.Outputs {
		if !strings.HasSuffix(o.Name, fmt.Sprintf("-%02d.png", i+1)) || o.MediaType != "image/png" {
			t.Errorf("output %d is named %q, type %s", i, o.Name, o.MediaType)
		}
		if got := streams(t, filepath.Join(res.job.Out(1), o.File)); got != "png,620,878,rgb24" && got != "png,620,877,rgb24" {
			t.Errorf("output %d is %s", i, got)
		}
	}
	some := convert(t, "pdf-to-images", map[string][]string{"to": {"jpg"}, "first": {"3"}, "last": {"3"}}, input{source, "Plan.pdf"})
	some.named(t, "Plan-03.jpg")
}

func TestPDFToImagesRefuses(t *testing.T) {
	t.Parallel()
	source := numbered("a", 2)
	for _, tt := range []struct {
		about, path string
		given       map[string][]string
		want        string
	}{
		{"random bytes", written(t, "x.pdf", garbage(3000)), nil, "not a PDF that can be read"},
		{"nothing", written(t, "x.pdf", ""), nil, "not a PDF that can be read"},
		{"a locked one", locked(t), nil, "protected by a password"},
		{"pages it has not", written(t, "x.pdf", source), map[string][]string{"first": {"7"}}, "does not have these pages"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			t.Parallel()
			given := map[string][]string{"to": {"png"}}
			for name, value := range tt.given {
				given[name] = value
			}
			convert(t, "pdf-to-images", given, input{tt.path, "a.pdf"}).fails(t, tt.want)
		})
	}
}

func TestPDFMerge(t *testing.T) {
	t.Parallel()
	a, b, c := written(t, "a.pdf", numbered("alpha", 2)), written(t, "b.pdf", numbered("beta", 1)), written(t, "c.pdf", numbered("gamma", 1))
	res := convert(t, "pdf-merge", nil, input{b, hostile + ".pdf"}, input{a, "--password=x.pdf"}, input{c, "z.pdf"})
	if got := words(t, res.output(t)); got != "beta page 1 alpha page 1 alpha page 2 gamma page 1" {
		t.Errorf("the pages say %q", got)
	}
	if got := asked(t, "qpdf", "--check", res.output(t)); !strings.Contains(got, "No syntax or stream encoding errors found") {
		t.Errorf("qpdf says %s", got)
	}
	many := convert(t, "pdf-merge", nil, input{written(t, "m.pdf", numbered("many", 600)), "m.pdf"}, input{a, "a.pdf"})
	if got := asked(t, "pdfinfo", many.output(t)); !strings.Contains(got, "Pages:           602") {
		t.Errorf("pdfinfo says %s", got)
	}
	convert(t, "pdf-merge", nil, input{a, "a.pdf"}, input{written(t, "x.pdf", garbage(3000)), "x.pdf"}).fails(t, "not a PDF that can be read")
	convert(t, "pdf-merge", nil, input{a, "a.pdf"}, input{written(t, "x.pdf", ""), "x.pdf"}).fails(t, "not a PDF that can be read")
	convert(t, "pdf-merge", nil, input{a, "a.pdf"}, input{locked(t), "x.pdf"}).fails(t, "protected by a password")
}

func TestPDFCompress(t *testing.T) {
	t.Parallel()
	res := convert(t, "pdf-compress", nil, input{written(t, "x.pdf", numbered("page", 300)), hostile + ".pdf"})
	if got := asked(t, "pdfinfo", res.output(t)); !strings.Contains(got, "Pages:           300") {
		t.Errorf("pdfinfo says %s", got)
	}
	if got := words(t, res.output(t)); !strings.Contains(got, "page page 299") {
		t.Errorf("the text is gone: %.200q", got)
	}
	res.rises(t, 3)
	photo := album(t, picture(t, "a.jpg", "3000x2000", "-q:v", "2"), 3000, 2000)
	small := convert(t, "pdf-compress", map[string][]string{"look": {"small"}}, input{written(t, "album.pdf", photo), "album.pdf"})
	if small.output(t); small.Outputs[0].Size >= int64(len(photo)/2) {
		t.Errorf("an album of %d bytes became one of %d", len(photo), small.Outputs[0].Size)
	}
	convert(t, "pdf-compress", nil, input{written(t, "x.pdf", garbage(3000)), "x.pdf"}).fails(t, "not a PDF that can be read")
	convert(t, "pdf-compress", nil, input{written(t, "x.pdf", ""), "x.pdf"}).fails(t, "not a PDF that can be read")
	convert(t, "pdf-compress", nil, input{locked(t), "x.pdf"}).fails(t, "protected by a password")
	program := "%!PS\n(%pipe%touch /tmp/owned) (w) file pop (/etc/passwd) (r) file 100 string readstring pop ==\nshowpage\n"
	ps := convert(t, "pdf-compress", nil, input{written(t, "x.pdf", program), "x.pdf"})
	ps.fails(t, "not a PDF that can be read")
}

const drawing = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="120" height="60"><rect width="60" height="60" fill="red"/>%s</svg>`

func TestSVG(t *testing.T) {
	t.Parallel()
	plain := written(t, "x.svg", fmt.Sprintf(drawing, ""))
	png := convert(t, "svg", map[string][]string{"to": {"png"}}, input{plain, hostile + ".svg"})
	if got := streams(t, png.output(t)); got != "png,120,60,rgba" {
		t.Errorf("the picture is %s", got)
	}
	wide := convert(t, "svg", map[string][]string{"to": {"png"}, "width": {"600"}}, input{plain, "Logo.svg"})
	if got := streams(t, wide.output(t)); got != "png,600,300,rgba" {
		t.Errorf("the wide picture is %s", got)
	}
	wide.named(t, "Logo.png")
	page := convert(t, "svg", map[string][]string{"to": {"pdf"}}, input{plain, "Logo.svg"})
	if got := asked(t, "pdfinfo", page.output(t)); !strings.Contains(got, "Pages:           1") {
		t.Errorf("pdfinfo says %s", got)
	}
	secret := written(t, "secret.txt", "nobody may see this\n")
	curious := fmt.Sprintf(drawing, `<text y="30" font-size="9">&x;</text><image xlink:href="file://`+secret+`" width="9" height="9"/>`)
	curious = `<!DOCTYPE svg [<!ENTITY x SYSTEM "file://` + secret + `">]>` + curious
	if res := convert(t, "svg", map[string][]string{"to": {"pdf"}}, input{written(t, "x.svg", curious), "x.svg"}); res.Class == fault.Succeeded && strings.Contains(words(t, res.output(t)), "nobody") {
		t.Error("a drawing pulled in another file")
	}
	for _, bad := range []string{garbage(3000), "", "<svg", "<html/>"} {
		convert(t, "svg", map[string][]string{"to": {"png"}}, input{written(t, "x.svg", bad), "x.svg"}).fails(t, "drawing")
	}
}
