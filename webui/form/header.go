package form

import (
	"bytes"
	"mime"
	"net/textproto"
	"strings"
	"unicode/utf8"

	"convertd/runner/fault"
)

// parseHeader reads the header lines of a part. Folded lines and fields twice are
// refused: two readers must not understand them differently.
func parseHeader(raw []byte) (Part, error) {
	fields := map[string]string{}
	for line := range bytes.SplitSeq(raw, []byte("\r\n")) {
		if len(line) == 0 && len(raw) == 0 {
			break
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		key := textproto.CanonicalMIMEHeaderKey(string(name))
		if !ok || len(name) == 0 || bytes.ContainsAny(name, " \t") || bytes.ContainsAny(value, "\r\n\x00") {
			return Part{}, malformed("a header line of a part is broken")
		}
		if _, twice := fields[key]; twice {
			return Part{}, malformed("a part has the header " + key + " twice")
		}
		fields[key] = strings.TrimSpace(string(value))
	}
	switch strings.ToLower(fields["Content-Transfer-Encoding"]) {
	case "", "binary", "8bit", "7bit":
	default:
		return Part{}, fault.New(fault.Unsupported, "A part of the form has a Content-Transfer-Encoding.", "Send files as they are: RFC 7578 does without.")
	}
	return disposition(fields["Content-Disposition"], fields["Content-Type"])
}

// disposition reads name and file name. Where there are both, filename* (RFC 8187) wins
// over filename, as RFC 6266 says.
func disposition(value, mediaType string) (Part, error) {
	kind, params, err := mime.ParseMediaType(value)
	if err != nil || kind != "form-data" {
		return Part{}, malformed("a part has no proper Content-Disposition")
	}
	part := Part{Name: unescape(params["name"]), MediaType: mediaType}
	if !utf8.ValidString(part.Name) {
		return Part{}, malformed("the name of a field is not UTF-8")
	}
	part.FileName, part.File = params["filename"], false
	if _, given := params["filename"]; given {
		part.File = true
		if !strings.Contains(strings.ToLower(value), "filename*") {
			part.FileName = unescape(part.FileName)
		}
	}
	return part, nil
}

// unescape undoes what browsers and curl do to the characters that would end a quoted
// name (the form-data encoding of the HTML standard).
func unescape(name string) string {
	return strings.NewReplacer("%22", `"`, "%0D", "\r", "%0A", "\n").Replace(name)
}
