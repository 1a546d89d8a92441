//go:build recipes

package load_test

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"
)

// phrase is what every test document says.
const phrase = "Quarterly figures of the lighthouse"

// zipped packs files into a zip, in this order: name, content, name, content.
func zipped(t *testing.T, files ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := w.CreateHeader(&zip.FileHeader{Name: files[i], Method: zip.Store})
		must(t, err)
		_, err = f.Write([]byte(files[i+1]))
		must(t, err)
	}
	must(t, w.Close())
	return b.String()
}

const xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`

// opc is the frame of an OOXML file: its types and the relation to its main part.
func opc(t *testing.T, mainType, mainPart string, parts ...string) string {
	t.Helper()
	types := xmlHead + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Default Extension="xml" ContentType="application/xml"/><Override PartName="/` + mainPart + `" ContentType="` + mainType + `"/>`
	if strings.Contains(mainPart, "xl/") {
		types += `<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>`
	}
	relations := xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" ` +
		`Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="` + mainPart + `"/></Relationships>`
	return zipped(t, append([]string{"[Content_Types].xml", types + "</Types>", "_rels/.rels", relations}, parts...)...)
}

func docx(t *testing.T, paragraphs ...string) string {
	t.Helper()
	body := ""
	for _, p := range paragraphs {
		body += "<w:p><w:r><w:t>" + p + "</w:t></w:r></w:p>"
	}
	return opc(t, "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml", "word/document.xml",
		"word/document.xml", xmlHead+`<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>`+body+`</w:body></w:document>`)
}

func xlsx(t *testing.T) string {
	t.Helper()
	const sheets = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	return opc(t, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml", "xl/workbook.xml",
		"xl/workbook.xml", xmlHead+`<workbook xmlns="`+sheets+`" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels", xmlHead+`<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml", xmlHead+`<worksheet xmlns="`+sheets+`"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>`+phrase+`</t></is></c></row></sheetData></worksheet>`)
}

// office is the root element of OpenDocument with the names that its parts use.
const office = ` xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"` +
	` xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"` +
	` xmlns:xlink="http://www.w3.org/1999/xlink" office:version="1.2"`

const textBody = `<office:body><office:text><text:p>` + phrase + `</text:p></office:text></office:body>`

func odt(t *testing.T) string {
	t.Helper()
	return zipped(t, "mimetype", "application/vnd.oasis.opendocument.text",
		"content.xml", xmlHead+`<office:document-content`+office+`>`+textBody+`</office:document-content>`,
		"META-INF/manifest.xml", xmlHead+`<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.2">`+
			`<manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.text"/>`+
			`<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>`)
}

func flat(kind, body string) string {
	return xmlHead + `<office:document` + office + ` office:mimetype="application/vnd.oasis.opendocument.` + kind + `">` + body + `</office:document>`
}

const slides = `<office:body><office:presentation><draw:page draw:name="1"><draw:frame svg:x="2cm" svg:y="2cm" svg:width="20cm" svg:height="5cm"><draw:text-box><text:p>` +
	phrase + `</text:p></draw:text-box></draw:frame></draw:page></office:presentation></office:body>`

func TestDocumentToPDF(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, content string }{
		{"Bericht Q1.docx", docx(t, phrase, "Second paragraph")},
		{"a.odt", odt(t)},
		{"a.fodt", flat("text", textBody)},
		{"a.rtf", `{\rtf1\ansi ` + phrase + `\par}`},
		{"a.txt", phrase + "\n"},
		{"a.csv", "Figure;" + phrase + "\n1;2\n"},
		{"a.xlsx", xlsx(t)},
		{"slides.fodp", flat("presentation", slides)},
		{"table.xls", "<html><body><table><tr><td>" + phrase + "</td></tr></table></body></html>"},
		{"renamed.odt", docx(t, phrase)},
		{hostile + ".docx", docx(t, phrase)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := convert(t, "document-to-pdf", nil, input{written(t, "x", tt.content), tt.name})
			pdf := res.output(t)
			if info := asked(t, "pdfinfo", pdf); !strings.Contains(info, "Pages:           1") {
				t.Errorf("pdfinfo says %s", info)
			}
			if text := strings.Join(strings.Fields(asked(t, "pdftotext", pdf, "-")), " "); !strings.Contains(text, phrase) {
				t.Errorf("the pages say %q", text)
			}
			if len(res.percent) > 0 {
				t.Errorf("percent went %v, but LibreOffice says none", res.percent)
			}
			if name := res.Outputs[0].Name; !strings.HasSuffix(name, ".pdf") || strings.HasPrefix(name, "1.") || res.Outputs[0].MediaType != "application/pdf" {
				t.Errorf("the result is named %q, type %s", name, res.Outputs[0].MediaType)
			}
		})
	}
}

func TestDocumentToPDFRefuses(t *testing.T) {
	t.Parallel()
	whole := docx(t, phrase)
	for _, tt := range []struct{ about, name, content, want string }{
		{"random bytes", "a.docx", garbage(3000), "The file is named .docx, but its content is not that of such a document."},
		{"random bytes of an old kind", "a.doc", garbage(66_000), "The file is named .doc, but its content is not that of such a document."},
		{"half a file", "a.docx", whole[:len(whole)/2], "The document is incomplete: its end is missing."},
		{"nothing", "a.odt", "", "The file is empty."},
		{"an archive", "a.docx", zipped(t, "photo.jpg", garbage(500)), "The file is an archive, not a document."},
		{"the frame of a document without one", "a.docx", zipped(t, "[Content_Types].xml", "<Types/>"), "The document cannot be opened"},
		{"a hostile name", hostile + ".pptx", garbage(3000), "The file is named .pptx, but its content is not that of such a document."},
		{"an old container of nothing", "a.doc", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 2000), "The document cannot be opened"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			convert(t, "document-to-pdf", nil, input{written(t, "x", tt.content), tt.name}).fails(t, tt.want)
		})
	}
}

// A document cannot pull in another file of the machine as a picture or text.
func TestDocumentToPDFReadsNothingElse(t *testing.T) {
	t.Parallel()
	secret := written(t, "secret.txt", "nobody may see this\n")
	body := `<office:body><office:text><text:p>` + phrase + `</text:p><text:section text:name="s"><text:section-source xlink:href="file://` + secret +
		`"/><text:p/></text:section></office:text></office:body>`
	res := convert(t, "document-to-pdf", nil, input{written(t, "x", flat("text", body)), "a.fodt"})
	if text := asked(t, "pdftotext", res.output(t), "-"); strings.Contains(text, "nobody may see") || !strings.Contains(text, phrase) {
		t.Errorf("the pages say %q", text)
	}
}
