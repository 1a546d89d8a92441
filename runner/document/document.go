// Package document owns the look at an office document before it is converted: whether
// its content is of the kind that its name says, whole, and not locked by a password.
// LibreOffice does not ask: it makes pages of garbage out of any bytes and reports success.
//
// It does not own the conversion (a recipe's command) nor what an output must look like
// (package runner). It may import the standard library and runner/fault, and is linked
// into the child program, so it keeps to small packages.
package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"convertd/runner/fault"
)

// headBytes is how much of the beginning the kind is judged by.
const headBytes = 16 << 10

// Check looks at the file; name is what its owner called it. A file that cannot become
// pages is a fault.Error whose Message and Hint are for the owner.
func Check(file, name string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("open document: %w", err)
	}
	found, err := kindOf(f)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("read document: %w", err)
	}
	return judge(found, strings.ToLower(path.Ext(name)))
}

// CheckText looks at a file that is read as text (HTML, Markdown): programs make pages of
// the bytes of anything else, and report success. Its error is as that of Check.
func CheckText(file, name string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("open text: %w", err)
	}
	found, err := kindOf(f)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	switch {
	case err != nil:
		return fmt.Errorf("read text: %w", err)
	case found == text:
		return nil
	case found == empty:
		return fault.New(fault.Invalid, "The file is empty.", "Send the text itself.")
	}
	return fault.New(fault.Invalid, "The file contains no text: it is damaged, or of another kind than its name says.",
		"Open it in a text editor; what looks like text there can be sent.")
}

// kind is what content turned out to be.
type kind int

const (
	unknown kind = iota
	empty
	text
	rtf
	ole       // the container of .doc, .xls and .ppt
	locked    // an OOXML document encrypted with a password
	office    // OOXML: .docx, .xlsx, .pptx
	open      // OpenDocument: .odt, .ods, .odp
	archive   // a zip of something else
	truncated // a zip without its end
)

// judge says whether a file of that kind may go on, given the extension of its name. A
// document under the name of another kind of document is fine: it is opened by content.
func judge(found kind, ext string) error {
	refuse := func(message, hint string) error { return fault.New(fault.Invalid, message, hint) }
	const again = "Open it in the program it was written with, save it again, and send that file."
	switch found {
	case rtf, ole, office, open:
		return nil
	case text:
		if !needsContainer(ext) {
			return nil
		}
		return refuse(fmt.Sprintf("The file is named %s, but it contains plain text.", ext), "Rename it to .txt, or send the document itself.")
	case empty:
		return refuse("The file is empty.", "Send the document itself.")
	case locked:
		return refuse("The document is protected by a password.", "Save it without the password and send that file.")
	case truncated:
		return refuse("The document is incomplete: its end is missing.", "Copy or download it again and send that file.")
	case archive:
		return refuse("The file is an archive, not a document.", "Unpack it and send the documents in it.")
	default:
		if ext == "" {
			return refuse("This is not a document that can be opened: its content is of no known kind.", again)
		}
		return refuse(fmt.Sprintf("The file is named %s, but its content is not that of such a document.", ext), again)
	}
}

// needsContainer reports whether files of that extension are always a container and
// never text. Old Excel and Word names are not among them: much software writes tables
// and pages of HTML or text under them.
func needsContainer(ext string) bool {
	return slices.Contains([]string{
		".docx", ".dotx", ".docm", ".xlsx", ".xlsm", ".pptx", ".ppsx", ".ppt",
		".odt", ".ott", ".ods", ".odp", ".odg",
	}, ext)
}

// kindOf looks at the beginning of the file and, for a zip, at its table of contents.
func kindOf(f *os.File) (kind, error) {
	info, err := f.Stat()
	if err != nil {
		return unknown, err
	}
	head := make([]byte, min(headBytes, info.Size()))
	if _, err := io.ReadFull(f, head); err != nil && !errors.Is(err, io.EOF) {
		return unknown, err
	}
	switch {
	case len(head) == 0:
		return empty, nil
	case bytes.HasPrefix(head, []byte("{\\rtf")):
		return rtf, nil
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
		return oleKind(f)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return zipKind(f, info.Size())
	case isText(head):
		return text, nil
	default:
		return unknown, nil
	}
}

// oleKind looks for the stream in which Office keeps an encrypted document ([MS-OFFCRYPTO]
// 2.3.4.4); its name stands in the directory in UTF-16.
func oleKind(f *os.File) (kind, error) {
	const most = 64 << 20
	name := []byte("E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00")
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return unknown, err
	}
	in := io.LimitReader(f, most)
	window := make([]byte, 0, 256<<10)
	for {
		n, err := io.ReadFull(in, window[len(window):cap(window)])
		window = window[:len(window)+n]
		if bytes.Contains(window, name) {
			return locked, nil
		}
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return ole, nil
			}
			return unknown, err
		}
		kept := copy(window, window[len(window)-len(name):])
		window = window[:kept]
	}
}

// isText reports whether the beginning of a file can be text: UTF-16 with its mark, or
// no zero byte and hardly any control characters.
func isText(head []byte) bool {
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return true
	}
	controls := 0
	for _, c := range head {
		switch {
		case c == 0:
			return false
		case c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != '\x1b':
			controls++
		}
	}
	return controls*50 <= len(head)
}
