package runner

import (
	"bytes"
	"path"
	"strings"
)

// headSize is how much of a file its type is judged by.
const headSize = 4 << 10

// kind is one type of file: how it is called, by which extensions, and how its content
// begins. Kinds without a beginning (text in any encoding) are known by extension only.
type kind struct {
	mediaType  string
	extensions string // separated by blanks
	begins     []magic
}

// magic is bytes at an offset.
type magic struct {
	at   int
	text string
}

// kinds returns the types of file that are checked, from the published descriptions of
// the formats.
func kinds() []kind {
	riff := func(form string) []magic { return []magic{{8, form}} }
	brand := []magic{{4, "ftyp"}}
	zip := []magic{{0, "PK\x03\x04"}, {0, "PK\x05\x06"}}
	ole := []magic{{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"}}
	ebml := []magic{{0, "\x1a\x45\xdf\xa3"}}
	ogg := []magic{{0, "OggS"}}
	return []kind{
		{"application/pdf", "pdf", []magic{{0, "%PDF-"}}},
		{"image/png", "png", []magic{{0, "\x89PNG\r\n\x1a\n"}}},
		{"image/jpeg", "jpg jpeg", []magic{{0, "\xff\xd8\xff"}}},
		{"image/gif", "gif", []magic{{0, "GIF87a"}, {0, "GIF89a"}}},
		{"image/webp", "webp", riff("WEBP")},
		{"image/avif", "avif", brand},
		{"image/heic", "heic heif", brand},
		{"image/tiff", "tif tiff", []magic{{0, "II*\x00"}, {0, "MM\x00*"}, {0, "II+\x00"}, {0, "MM\x00+"}}},
		{"image/bmp", "bmp", []magic{{0, "BM"}}},
		{"image/x-exr", "exr", []magic{{0, "\x76\x2f\x31\x01"}}},
		{"image/x-dpx", "dpx", []magic{{0, "SDPX"}, {0, "XPDS"}}},
		{"image/jxl", "jxl", []magic{{0, "\xff\x0a"}, {4, "JXL "}}},
		{"image/vnd.adobe.photoshop", "psd", []magic{{0, "8BPS"}}},
		{"image/svg+xml", "svg", nil},
		{"video/mp4", "mp4 m4v", brand},
		{"video/quicktime", "mov", []magic{{4, "ftyp"}, {4, "moov"}, {4, "mdat"}, {4, "wide"}, {4, "free"}}},
		{"video/webm", "webm", ebml},
		{"video/x-matroska", "mkv", ebml},
		{"video/x-msvideo", "avi", riff("AVI ")},
		{"audio/mpeg", "mp3", []magic{{0, "ID3"}, {0, "\xff\xfb"}, {0, "\xff\xf3"}, {0, "\xff\xf2"}, {0, "\xff\xfa"}}},
		{"audio/mp4", "m4a", brand},
		{"audio/aac", "aac", []magic{{0, "\xff\xf1"}, {0, "\xff\xf9"}, {0, "ID3"}}},
		{"audio/flac", "flac", []magic{{0, "fLaC"}}},
		{"audio/ogg", "ogg oga opus", ogg},
		{"video/ogg", "ogv", ogg},
		{"audio/wav", "wav", riff("WAVE")},
		{"audio/aiff", "aif aiff", []magic{{8, "AIFF"}, {8, "AIFC"}}},
		{"application/zip", "zip", zip},
		{"application/gzip", "gz tgz", []magic{{0, "\x1f\x8b"}}},
		{"application/x-7z-compressed", "7z", []magic{{0, "7z\xbc\xaf\x27\x1c"}}},
		{"application/x-xz", "xz", []magic{{0, "\xfd7zXZ\x00"}}},
		{"application/zstd", "zst", []magic{{0, "\x28\xb5\x2f\xfd"}}},
		{"application/x-tar", "tar", []magic{{257, "ustar"}}},
		{"application/epub+zip", "epub", zip},
		{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx", zip},
		{"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", zip},
		{"application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx", zip},
		{"application/vnd.oasis.opendocument.text", "odt", zip},
		{"application/vnd.oasis.opendocument.spreadsheet", "ods", zip},
		{"application/vnd.oasis.opendocument.presentation", "odp", zip},
		{"application/msword", "doc", ole},
		{"application/vnd.ms-excel", "xls", ole},
		{"application/vnd.ms-powerpoint", "ppt", ole},
		{"application/rtf", "rtf", []magic{{0, "{\\rtf"}}},
		{"application/postscript", "ps eps", []magic{{0, "%!PS"}, {0, "\xc5\xd0\xd3\xc6"}}},
		{"image/vnd.djvu", "djvu djv", []magic{{0, "AT&TFORM"}}},
		{"font/woff", "woff", []magic{{0, "wOFF"}}},
		{"font/woff2", "woff2", []magic{{0, "wOF2"}}},
		{"font/ttf", "ttf", []magic{{0, "\x00\x01\x00\x00"}, {0, "true"}}},
		{"font/otf", "otf", []magic{{0, "OTTO"}}},
		{"application/vnd.sqlite3", "sqlite db", []magic{{0, "SQLite format 3\x00"}}},
		{"model/gltf-binary", "glb", []magic{{0, "glTF"}}},
		{"text/plain", "txt log", nil},
		{"text/csv", "csv", nil},
		{"text/html", "html htm", nil},
		{"text/markdown", "md", nil},
		{"application/json", "json", nil},
		{"application/xml", "xml", nil},
	}
}

// typeByExtension returns the media type that a name promises, "" when not known.
func typeByExtension(name string) string {
	ext := strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
	if ext == "" {
		return ""
	}
	for _, k := range kinds() {
		for known := range strings.FieldsSeq(k.extensions) {
			if known == ext {
				return k.mediaType
			}
		}
	}
	return ""
}

// looksLike reports whether content may be of the type: its beginning is one of the
// type's, or nothing is known of the type. Text types refuse what no text contains.
func looksLike(mediaType string, head []byte) bool {
	for _, k := range kinds() {
		if k.mediaType != mediaType || len(k.begins) == 0 {
			continue
		}
		for _, m := range k.begins {
			if len(head) >= m.at && bytes.HasPrefix(head[m.at:], []byte(m.text)) {
				return true
			}
		}
		return false
	}
	if mediaType == "image/svg+xml" {
		return bytes.Contains(head, []byte("<svg"))
	}
	// UTF-16 has zero bytes and says so with a byte order mark.
	if strings.HasPrefix(mediaType, "text/") && !bytes.HasPrefix(head, []byte("\xff\xfe")) && !bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return !bytes.Contains(head, []byte{0})
	}
	return true
}
