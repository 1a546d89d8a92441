//go:build recipes

package load_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"convertd/runner"
	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/runner/recipe/load"
)

// doorbell is a service on this machine that counts who came.
type doorbell struct {
	address string
	rung    atomic.Int64
}

func newDoorbell(t *testing.T) *doorbell {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	d := &doorbell{address: l.Addr().String()}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			d.rung.Add(1)
			conn.Close()
		}
	}()
	return d
}

// secretWords stand in a file that no converter may read.
const secretWords = "the words of a file on the server"

// secret is a file that everybody on this machine may read but no box.
func secret(t *testing.T) string {
	path := written(t, "secret.txt", secretWords+"\n")
	for dir := filepath.Dir(path); len(dir) > len(os.TempDir()); dir = filepath.Dir(dir) {
		must(t, os.Chmod(dir, 0o755))
	}
	return path
}

// leaksNothing checks that a job, however it ended, neither fetched nor gave away a thing.
func (r result) leaksNothing(t *testing.T, bell *doorbell) {
	t.Helper()
	if n := bell.rung.Load(); n > 0 {
		t.Errorf("%s: the converter connected to this machine %d times", r.recipe, n)
	}
	for _, out := range r.Outputs {
		text, err := os.ReadFile(filepath.Join(r.job.Out(1), out.File))
		must(t, err)
		if bytes.Contains(text, []byte(secretWords)) {
			t.Errorf("%s: %s has the words of a file on the server", r.recipe, out.Name)
		}
		// Run without a box, a file that the first step refused can be what the last one gives back.
		if strings.HasPrefix(out.MediaType, "application/pdf") && bytes.HasPrefix(text, []byte("%PDF")) {
			if words := asked(t, "pdftotext", filepath.Join(r.job.Out(1), out.File), "-"); strings.Contains(words, secretWords) {
				t.Errorf("%s: the PDF has the words of a file on the server", r.recipe)
			}
		}
	}
	if strings.Contains(strings.Join(r.LogTail, "\n"), secretWords) {
		t.Errorf("%s: the log has the words of a file on the server", r.recipe)
	}
}

// unboxed runs the commands of a recipe as they are, without a box around them: what the
// options of the tools keep back by themselves. How they end does not matter.
func unboxed(t *testing.T, name string, given map[string][]string, file, content string) result {
	t.Helper()
	r, _ := shared.set.Find(name)
	values, err := r.CheckParams(given)
	must(t, err)
	job := newJob(t)
	input := runner.Input{File: "1" + filepath.Ext(file), Name: file}
	spec, err := runner.NewSpec(r, runner.Request{Job: job.ID, Attempt: 1, Token: "token", Dir: job, Values: values, Inputs: []runner.Input{input}})
	must(t, err)
	work := job.Work(1)
	for _, dir := range []string{job.In(), job.Out(1), filepath.Join(work, "out"), filepath.Join(work, "run"), filepath.Join(work, "home"), filepath.Join(work, "tmp")} {
		must(t, os.MkdirAll(dir, 0o755))
	}
	must(t, os.WriteFile(filepath.Join(job.In(), input.File), []byte(content), 0o644))
	res := result{recipe: name + " without a box", job: job}
	for _, step := range spec.Steps {
		if len(step.Argv) == 0 {
			continue // built in: it needs the child
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		cmd := exec.CommandContext(ctx, step.Argv[0], step.Argv[1:]...)
		cmd.Dir, cmd.Env = filepath.Join(work, "run"), []string{"PATH=" + recipe.SearchPath, "LANG=C.UTF-8", "HOME=" + filepath.Join(work, "home"), "TMPDIR=" + filepath.Join(work, "tmp")}
		for name, value := range step.Env {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		words, _ := cmd.CombinedOutput()
		cancel()
		res.LogTail = append(res.LogTail, string(words))
	}
	made, err := filepath.Glob(filepath.Join(work, "out", "*"))
	must(t, err)
	for _, path := range made {
		must(t, os.Rename(path, filepath.Join(job.Out(1), filepath.Base(path))))
		kind := map[string]string{".pdf": "application/pdf"}[filepath.Ext(path)]
		res.Outputs = append(res.Outputs, runner.OutputFile{File: filepath.Base(path), Name: filepath.Base(path), MediaType: kind})
	}
	return res
}

// flatODT is an OpenDocument text as one XML file with the given body.
func flatODT(scripts, body string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"
 xmlns:script="urn:oasis:names:tc:opendocument:xmlns:script:1.0" xmlns:ooo="http://openoffice.org/2004/office"
 office:version="1.3" office:mimetype="application/vnd.oasis.opendocument.text">` + scripts + `<office:body><office:text><text:p>ordinary words</text:p>` + body + `</office:text></office:body></office:document>`
}

// macro is a Basic program that runs when the document is opened.
func macro(program string) string {
	return `<office:scripts><office:script script:language="ooo:Basic"><ooo:libraries xmlns:ooo="http://openoffice.org/2004/office" xmlns:xlink="http://www.w3.org/1999/xlink">` +
		`<ooo:library-embedded ooo:name="Standard"><ooo:module ooo:name="M"><ooo:source-code>Sub Main
` + program + `
End Sub</ooo:source-code></ooo:module></ooo:library-embedded></ooo:libraries></office:script>` +
		`<office:event-listeners><script:event-listener script:language="ooo:script" script:event-name="dom:load" xlink:href="vnd.sun.star.script:Standard.M.Main?language=Basic&amp;location=document" xlink:type="simple"/></office:event-listeners></office:scripts>`
}

// TestAttackTools hands the real converters files that use what these tools can do beside
// converting: fetch, read other files, run programs.
func TestAttackTools(t *testing.T) {
	t.Parallel()
	file := secret(t)
	const url = "http://BELL/x" // each file gets a bell of its own
	png := map[string][]string{"to": {"png"}}
	svg := func(body string) string {
		return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="40" height="40">` + body + `</svg>`
	}
	mp3 := map[string][]string{"to": {"mp3"}}
	jpg := map[string][]string{"to": {"jpg"}}
	playlist := "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n%s\n#EXT-X-ENDLIST\n"
	for _, tt := range []struct {
		about, recipe, name, content string
		given                        map[string][]string
		// parts are those of a Word document, for the content.
		parts func(address string) map[string]string
	}{
		{"SVG_image_file", "svg", "a.svg", svg(`<image xlink:href="file://` + file + `" width="9" height="9"/>`), png, nil},
		{"SVG_image_address", "svg", "a.svg", svg(`<image xlink:href="` + url + `" width="9" height="9"/>`), png, nil},
		{"SVG_use_of_a_file", "svg", "a.svg", svg(`<use xlink:href="` + file + `#a"/>`), png, nil},
		{"SVG_include", "svg", "a.svg", svg(`<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="` + file + `" parse="text"/><text><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="` + file + `" parse="text"/></text>`), map[string][]string{"to": {"pdf"}}, nil},
		{"SVG_style_sheet", "svg", "a.svg", `<?xml-stylesheet href="` + url + `"?>` + svg(`<style>@import url("`+url+`");</style>`), png, nil},
		{"SVG_entity", "svg", "a.svg", `<!DOCTYPE svg [<!ENTITY x SYSTEM "file://` + file + `">]>` + svg(`<text y="20">&x;</text>`), map[string][]string{"to": {"pdf"}}, nil},
		{"HLS_of_a_file", "video-to-mp4", "a.mp4", fmt.Sprintf(playlist, "file://"+file), nil, nil},
		{"HLS_of_an_address", "video-to-mp4", "a.ts", fmt.Sprintf(playlist, url), nil, nil},
		{"HLS_for_sound", "sound", "a.mp3", fmt.Sprintf(playlist, url), mp3, nil},
		{"concat_script", "video-to-webm", "a.mkv", "ffconcat version 1.0\nfile '" + file + "'\n", nil, nil},
		{"concat_for_sound", "sound", "a.wav", "ffconcat version 1.0\nfile '" + file + "'\n", mp3, nil},
		{"DASH", "video-to-gif", "a.mp4", `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>` + url + `</BaseURL></Representation></AdaptationSet></Period></MPD>`, nil, nil},
		{"SDP", "video-to-mp4", "a.mov", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n", nil, nil},
		{"text_shown_as_video", "video-to-mp4", "a.avi", strings.Repeat("tty\n", 500), nil, nil},
		{"subtitle_of_a_file", "video-to-mp4", "a.mkv", "[Script Info]\nScriptType: v4.00+\n", nil, nil},
		{"picture_as_MVG", "image", "a.png", "push graphic-context\nimage over 0,0 0,0 '" + url + "'\npop graphic-context\n", jpg, nil},
		{"picture_as_MSL", "image", "a.png", `<?xml version="1.0"?><image><read filename="` + file + `"/><write filename="/tmp/x"/></image>`, jpg, nil},
		{"picture_as_SVG", "image", "a.png", svg(`<image xlink:href="` + url + `" width="9" height="9"/>`), jpg, nil},
		{"picture_as_PDF", "image", "a.png", "%PDF-1.4\n", jpg, nil},
		{"PostScript_reads", "pdf-compress", "a.pdf", "%!PS\n(" + file + ") (r) file 200 string readline pop print quit\n", nil, nil},
		{"PostScript_runs", "pdf-compress", "a.pdf", "%!PS\n(%pipe%touch /tmp/owned) (w) file closefile quit\n", nil, nil},
		{"PostScript_behind_a_PDF", "pdf-compress", "a.pdf", smallPDF("") + "\n%!PS\n(" + file + ") (r) file 200 string readline pop print\n", nil, nil},
		{"PDF_with_actions", "pdf-compress", "a.pdf", smallPDF(`/OpenAction << /S /URI /URI (` + url + `) >> /AA << /O << /S /Launch /F (/bin/sh) >> >>`), nil, nil},
		{"PDF_with_actions_drawn", "pdf-to-images", "a.pdf", smallPDF(`/OpenAction << /S /GoToR /F (` + file + `) /D [0 /Fit] >>`), png, nil},
		{"ODT_link_to_a_file", "document-to-pdf", "a.fodt", flatODT("", `<text:section text:name="s"><text:section-source xlink:href="file://`+file+`" text:filter-name="Text"/><text:p/></text:section>`), nil, nil},
		{"ODT_link_to_an_address", "document-to-pdf", "a.fodt", flatODT("", `<text:p><draw:frame svg:width="2cm" svg:height="2cm"><draw:image xlink:href="`+url+`" xlink:type="simple"/></draw:frame></text:p>`), nil, nil},
		{"ODT_object_of_a_file", "document-to-pdf", "a.fodt", flatODT("", `<text:p><draw:frame svg:width="9cm" svg:height="9cm"><draw:object-ole xlink:href="file://`+file+`"/></draw:frame></text:p>`), nil, nil},
		{"ODT_macro_shell", "document-to-pdf", "a.fodt", flatODT(macro(`Shell("/usr/bin/touch", 0, ""+ThisComponent.URL+".owned") : Open "/tmp/owned" For Output As #1 : MsgBox "x"`), ""), nil, nil},
		{"ODT_entity", "document-to-pdf", "a.fodt", strings.Replace(flatODT("", `<text:p>&x;</text:p>`), "<office:document ", `<!DOCTYPE office:document [<!ENTITY x SYSTEM "file://`+file+`">]><office:document `, 1), nil, nil},
		{"CSV_formulas", "document-to-pdf", "a.csv", "=WEBSERVICE(\"" + url + "\"),=DDE(\"soffice\";\"" + file + "\";\"a\"),='file://" + file + "'#$Sheet1.A1\n", nil, nil},
		{"RTF_picture_of_an_address", "document-to-pdf", "a.rtf", `{\rtf1 words {\field{\*\fldinst INCLUDEPICTURE "` + url + `" \\d}} {\field{\*\fldinst INCLUDETEXT "` + file + `"}}}`, nil, nil},
		{"HTML_named_document", "document-to-pdf", "a.txt", `<html><body><img src="` + url + `"><iframe src="file://` + file + `"></iframe></body></html>`, nil, nil},
		{"DOCX_template_of_an_address", "document-to-pdf", "a.docx", "", nil, func(address string) map[string]string {
			return map[string]string{"word/_rels/settings.xml.rels": relations(`attachedTemplate`, "http://"+address+"/x"), "word/settings.xml": settings}
		}},
		{"A14_entries_that_climb", "document-to-pdf", "a.docx", "", nil, func(string) map[string]string {
			return map[string]string{"../../../../tmp/owned": "x", "/tmp/owned": "x", "word/../../../owned": "x", "word/document.xml/x": "x"}
		}},
	} {
		t.Run(tt.about, func(t *testing.T) {
			t.Parallel()
			bell := newDoorbell(t)
			content := strings.ReplaceAll(tt.content, "BELL", bell.address)
			if tt.parts != nil {
				content = docxOf(tt.parts(bell.address))
			}
			before, _ := filepath.Glob("/tmp/owned*")
			res := convert(t, tt.recipe, tt.given, input{written(t, "x", content), tt.name})
			res.leaksNothing(t, bell)
			if res.Class != fault.Succeeded && res.Class != fault.BadInput && res.Class != fault.ConverterFailed {
				t.Errorf("%s: %s\n%s", res.Class, res.Detail, strings.Join(res.LogTail, "\n"))
			}
			unboxed(t, tt.recipe, tt.given, tt.name, content).leaksNothing(t, bell)
			after, _ := filepath.Glob("/tmp/owned*")
			if !slices.Equal(before, after) {
				t.Errorf("written outside of the box: %v", after)
			}
		})
	}
}

// smallPDF is a PDF of one page; more stands in its catalogue.
func smallPDF(more string) string {
	var b strings.Builder
	b.WriteString("%PDF-1.4\n")
	var at []int
	for i, object := range []string{
		"<< /Type /Catalog /Pages 2 0 R " + more + " >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 72 72] >>",
	} {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, offset := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&b, "trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, xref)
	return b.String()
}

// settings are those of a document with a template elsewhere.
const settings = `<?xml version="1.0"?><w:settings xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><w:attachedTemplate r:id="r1"/></w:settings>`

func relations(kind, target string) string {
	return `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/` +
		kind + `" Target="` + target + `" TargetMode="External"/></Relationships>`
}

// docxOf is a Word document with these parts beside the necessary ones.
func docxOf(parts map[string]string) string {
	all := map[string]string{
		"[Content_Types].xml": `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/><Override PartName="/word/settings.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.settings+xml"/></Types>`,
		"_rels/.rels":         `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`,
		"word/document.xml":   `<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>words</w:t></w:r></w:p></w:body></w:document>`,
	}
	for name, text := range parts {
		all[name] = text
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	names := []string{"[Content_Types].xml", "_rels/.rels", "word/document.xml"}
	for name := range parts {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		entry, _ := w.Create(name) // into memory
		_, _ = entry.Write([]byte(all[name]))
	}
	_ = w.Close()
	return b.String()
}

// zeros is a zlib stream of so many MiB of zeros.
func zeros(mib int) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	block := make([]byte, 1<<20)
	for range mib {
		_, _ = w.Write(block)
	}
	_ = w.Close()
	return b.Bytes()
}

// pngBomb is a picture of side by side pixels, all black, in a thousandth of the bytes.
func pngBomb(side int) string {
	var b bytes.Buffer
	b.WriteString("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, data []byte) {
		_ = binary.Write(&b, binary.BigEndian, uint32(len(data)))
		sum := crc32.ChecksumIEEE(append([]byte(kind), data...))
		b.WriteString(kind)
		b.Write(data)
		_ = binary.Write(&b, binary.BigEndian, sum)
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(side)), uint32(side))
	chunk("IHDR", append(head, 8, 6, 0, 0, 0))
	chunk("IDAT", zeros((4*side+1)*side>>20+1))
	chunk("IEND", nil)
	return b.String()
}

// laughs is XML whose last entity is tens of gigabytes long.
func laughs(document func(entities, use string) string) string {
	var b strings.Builder
	b.WriteString(`<!ENTITY l0 "lollollollollollollollollollol">`)
	for i := range 9 {
		fmt.Fprintf(&b, `<!ENTITY l%d "%s">`, i+1, strings.Repeat(fmt.Sprintf("&l%d;", i), 10))
	}
	return document(b.String(), "&l9;")
}

func gzipped(content []byte) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(content)
	_ = w.Close()
	return b.String()
}

// pdfBomb is a PDF whose page is a stream of so many MiB, packed twice.
func pdfBomb(mib int) string {
	var twice bytes.Buffer
	w := zlib.NewWriter(&twice)
	_, _ = w.Write(zeros(mib))
	_ = w.Close()
	stream := fmt.Sprintf("4 0 obj\n<< /Length %d /Filter [/FlateDecode /FlateDecode] >>\nstream\n%s\nendstream\nendobj\n", twice.Len(), twice.String())
	text := smallPDF("")
	text = strings.Replace(text, "/MediaBox [0 0 72 72]", "/MediaBox [0 0 72 72] /Contents 4 0 R", 1)
	return strings.Replace(text, "xref\n", stream+"xref\n", 1) // the readers mend the table
}

// TestAttackBombs hands small files to the real converters that become large. They end by
// a limit, or are refused before, and the limit is named.
func TestAttackBombs(t *testing.T) {
	t.Parallel()
	jpg := map[string][]string{"to": {"jpg"}}
	png := map[string][]string{"to": {"png"}}
	for _, tt := range []struct {
		about, recipe, name string
		content             func() string
		given               map[string][]string
	}{
		{"A13_zip_in_a_document", "document-to-pdf", "a.docx", func() string {
			return docxOf(map[string]string{"word/document.xml": `<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>` +
				strings.Repeat("x", 400<<20) + `</w:t></w:r></w:p></w:body></w:document>`})
		}, nil},
		{"A13_png", "image", "a.png", func() string { return pngBomb(16000) }, jpg},
		{"A13_png_to_webp", "images-to-webp", "a.png", func() string { return pngBomb(16000) }, nil},
		{"A13_pdf", "pdf-to-images", "a.pdf", func() string { return pdfBomb(800) }, png},
		{"A13_pdf_compress", "pdf-compress", "a.pdf", func() string { return pdfBomb(800) }, nil},
		{"A13_gzip_svg", "svg", "a.svg", func() string {
			return gzipped([]byte(`<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><!--` + strings.Repeat("x", 400<<20) + `--></svg>`))
		}, png},
		{"A13_pdf_of_a_huge_page", "pdf-to-images", "a.pdf", func() string { return strings.Replace(smallPDF(""), "[0 0 72 72]", "[0 0 99999 99999]", 1) }, map[string][]string{"to": {"png"}, "resolution": {"300"}}},
		{"A16_laughs_in_svg", "svg", "a.svg", func() string {
			return laughs(func(entities, use string) string {
				return `<!DOCTYPE svg [` + entities + `]><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>` + use + `</text></svg>`
			})
		}, png},
		{"A16_laughs_in_a_document", "document-to-pdf", "a.fodt", func() string {
			return laughs(func(entities, use string) string {
				return strings.Replace(flatODT("", `<text:p>`+use+`</text:p>`), "<office:document ", `<!DOCTYPE office:document [`+entities+`]><office:document `, 1)
			})
		}, nil},
		{"svg_use_of_use", "svg", "a.svg", func() string {
			var b strings.Builder
			b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9" height="9"><defs><rect id="u0" width="1" height="1"/>`)
			for i := range 12 {
				fmt.Fprintf(&b, `<g id="u%d">%s</g>`, i+1, strings.Repeat(fmt.Sprintf(`<use xlink:href="#u%d"/>`, i), 10))
			}
			return b.String() + `</defs><use xlink:href="#u12"/></svg>`
		}, png},
		{"A16_laughs_in_tracks", "tracks", "a.rzml", func() string {
			return laughs(func(entities, use string) string {
				return `<?xml version="1.0"?><!DOCTYPE RZML [` + entities + `]><RZML><SHOT><COMMENT>` + use + `</COMMENT></SHOT></RZML>`
			})
		}, map[string][]string{"width": {"1920"}, "height": {"1080"}}},
		{"A13_tracks_of_one_endless_line", "tracks", "a.txt", func() string { return strings.Repeat("1 ", 40<<20) }, map[string][]string{"width": {"1920"}, "height": {"1080"}}},
	} {
		t.Run(tt.about, func(t *testing.T) {
			r, ok := shared.set.Find(tt.recipe)
			if !ok {
				t.Fatal("no recipe")
			}
			r.Limits = recipe.Limits{Time: 20 * time.Second, Grace: time.Second, Memory: 512 << 20, Disk: 200 << 20, Processes: 256, Outputs: 100}
			res := convertBy(t, r, tt.given, input{written(t, "x", tt.content()), tt.name})
			t.Logf("%s: %s", res.Class, res.Detail)
			switch res.Class {
			case fault.Memory, fault.Disk, fault.Timeout:
				if !strings.Contains(res.Detail, "limit") && !strings.Contains(res.Detail, " of ") || !strings.Contains(res.Hint, "limits.") {
					t.Errorf("which limit it was is not told: %s %s", res.Detail, res.Hint)
				}
			case fault.BadInput, fault.ConverterFailed, fault.Succeeded: // the tool has limits of its own, or needs no more
			default:
				t.Errorf("%s: %s\n%s", res.Class, res.Detail, strings.Join(res.LogTail, "\n"))
			}
			if res.Usage.PeakMemoryBytes > 2<<30 {
				t.Errorf("%d MiB were used before it was ended", res.Usage.PeakMemoryBytes>>20)
			}
		})
	}
}

// TestAttackImageMagick: no shipped recipe uses it, but recipes of others do. Whatever
// its own settings on this machine are, in a step it has a policy.
func TestAttackImageMagick(t *testing.T) {
	t.Parallel()
	file := secret(t)
	path := filepath.Join(t.TempDir(), "magick.toml")
	must(t, os.WriteFile(path, []byte("name = \"magick\"\naccept = [\".png\"]\ncommand = [\"/usr/bin/convert\", \"{input}\", \"{output}/{stem}.png\"]\n"), 0o644))
	r, problems := load.File(path)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	good := convertBy(t, r, nil, input{picture(t, "a.png", "60x40"), "a.png"})
	if got := streams(t, good.output(t)); !strings.HasPrefix(got, "png,60,40") {
		t.Errorf("the picture is %s", got)
	}
	for _, tt := range []struct{ about, name, content string }{
		{"MVG", "a.mvg", "push graphic-context\nviewbox 0 0 9 9\nimage over 0,0 0,0 'text:" + file + "'\npop graphic-context\n"},
		{"MVG_that_runs", "a.mvg", "push graphic-context\nviewbox 0 0 9 9\nfill 'url(https://127.0.0.1/x\"|touch \"/tmp/owned)'\npop graphic-context\n"},
		{"MSL", "a.msl", `<?xml version="1.0"?><image><read filename="text:` + file + `"/><write filename="png:/tmp/owned"/></image>`},
		{"SVG", "a.svg", `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9" height="9"><image xlink:href="text:` + file + `" width="9" height="9"/></svg>`},
		{"PostScript", "a.eps", "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n"},
		{"PDF", "a.pdf", smallPDF("")},
		{"text", "a.txt", "words\n"},
		{"an_address", "a.url", "[InternetShortcut]\nURL=http://127.0.0.1/x\n"},
		{"video", "a.mp4", "\x00\x00\x00\x18ftypmp42"},
		{"a_script", "a.html", "<img src=x>"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			t.Parallel()
			res := convertBy(t, r, nil, input{written(t, "x", tt.content), tt.name})
			if res.Class == fault.Succeeded || len(res.Outputs) > 0 {
				t.Errorf("it was read: %s", res.Class)
			}
			if log := strings.Join(res.LogTail, "\n"); !strings.Contains(log, "not authorized") && !strings.Contains(log, "not allowed") && !strings.Contains(log, "no decode delegate") {
				t.Errorf("it was not the policy that refused it:\n%s", log)
			}
		})
	}
}
