package importer

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// maxTag is the longest tag that is read.
const maxTag = 64 << 10

// tagReader finds the tags of an XML file one after the other. It does not check the
// document: what lies between tags, comments and declarations pass by.
type tagReader struct {
	in *Source

	name  []byte // of the element, upper case, with the slash of an end tag
	empty bool   // the tag closes itself
	text  []byte // the tag without its brackets
}

// next reads the next start or end tag; ok is false at the end of the file.
func (t *tagReader) next() (ok bool, err error) {
	for {
		if !t.skipTo('<') {
			return false, nil
		}
		if err := t.collect(); err != nil {
			return false, err
		}
		if len(t.text) == 0 || t.text[0] == '?' || t.text[0] == '!' {
			continue
		}
		t.empty = t.text[len(t.text)-1] == '/'
		end := 1
		for end < len(t.text) && !isBlank(t.text[end]) && t.text[end] != '/' {
			end++
		}
		t.name = append(t.name[:0], t.text[:end]...)
		for i, c := range t.name {
			if c >= 'a' && c <= 'z' {
				t.name[i] = c - 'a' + 'A'
			}
		}
		return true, nil
	}
}

// skipTo consumes text up to and with c; false at the end of the file.
func (t *tagReader) skipTo(c byte) bool {
	for {
		window := t.in.Window()
		if len(window) == 0 {
			return false
		}
		if i := bytes.IndexByte(window, c); i >= 0 {
			t.in.Advance(i + 1)
			return true
		}
		t.in.Advance(len(window))
	}
}

// collect reads a tag up to its closing bracket, which does not count in quotes. Of a
// comment nothing is kept.
func (t *tagReader) collect() error {
	t.text = t.text[:0]
	quote := byte(0)
	for {
		window := t.in.Window()
		if len(window) == 0 {
			return t.in.Fail("the file ends within a tag", hintTruncated)
		}
		for i, c := range window {
			if c == '>' && quote == 0 && !t.inComment() {
				t.in.Advance(i + 1)
				return nil
			}
			if quote == 0 && (c == '"' || c == '\'') && !t.isDeclaration() {
				quote = c
			} else if c == quote {
				quote = 0
			}
			t.keep(c)
		}
		t.in.Advance(len(window))
		if len(t.text) > maxTag {
			return t.in.Fail("a tag is longer than 64 KiB", hintDamaged)
		}
	}
}

// keep appends to the tag; of a comment only its ends stay.
func (t *tagReader) keep(c byte) {
	const kept = len("!--") + len("--")
	if len(t.text) > kept && bytes.HasPrefix(t.text, []byte("!--")) {
		copy(t.text[3:], t.text[4:])
		t.text = t.text[:len(t.text)-1]
	}
	t.text = append(t.text, c)
}

// isDeclaration reports whether the tag is a comment or declaration.
func (t *tagReader) isDeclaration() bool {
	return len(t.text) > 0 && t.text[0] == '!'
}

// inComment reports whether the tag is a comment that has not ended.
func (t *tagReader) inComment() bool {
	return bytes.HasPrefix(t.text, []byte("!--")) && (len(t.text) < 5 || !bytes.HasSuffix(t.text, []byte("--")))
}

// attribute returns the raw value of an attribute of the tag, nil if it has none of this
// name.
func (t *tagReader) attribute(name string) []byte {
	rest := t.text
	for {
		i := bytes.IndexByte(rest, '=')
		if i < 0 {
			return nil
		}
		key := trim(rest[:i])
		if blank := bytes.LastIndexAny(key, " \t\n"); blank >= 0 {
			key = key[blank+1:]
		}
		value := trim(rest[i+1:])
		if len(value) == 0 || (value[0] != '"' && value[0] != '\'') {
			rest = rest[i+1:]
			continue
		}
		end := bytes.IndexByte(value[1:], value[0])
		if end < 0 {
			return nil
		}
		if string(key) == name {
			return value[1 : 1+end]
		}
		rest = value[1+end+1:]
	}
}

// unescapeXML replaces the entities of an attribute's value.
func unescapeXML(value []byte) []byte {
	if bytes.IndexByte(value, '&') < 0 {
		return value
	}
	var out []byte
	for len(value) > 0 {
		if value[0] == '&' {
			if r, size := entity(value); size > 0 {
				out = utf8.AppendRune(out, r)
				value = value[size:]
				continue
			}
		}
		out = append(out, value[0])
		value = value[1:]
	}
	return out
}

// entity decodes the entity that value starts with; size 0 means that it is none.
func entity(value []byte) (r rune, size int) {
	end := bytes.IndexByte(value, ';')
	if end < 2 || end > 12 {
		return 0, 0
	}
	name := string(value[1:end])
	switch name {
	case "lt":
		return '<', end + 1
	case "gt":
		return '>', end + 1
	case "amp":
		return '&', end + 1
	case "quot":
		return '"', end + 1
	case "apos":
		return '\'', end + 1
	}
	if name[0] != '#' {
		return 0, 0
	}
	base, digits := 10, name[1:]
	if len(digits) > 0 && digits[0]|0x20 == 'x' {
		base, digits = 16, digits[1:]
	}
	n, err := strconv.ParseUint(digits, base, 21)
	if err != nil || !utf8.ValidRune(rune(n)) {
		return 0, 0
	}
	return rune(n), end + 1
}
