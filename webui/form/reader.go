// Package form owns reading multipart/form-data (RFC 7578, RFC 2046 section 5.1) as a
// stream: parts of any size and in any order, in pieces as large as the buffer, with
// limits on all that a stranger can make large.
//
// The standard library's reader is right but copies through small buffers; bodies here
// are gigabytes. It does not own what the fields mean nor where files go (webui).
// It may import the standard library and runner/fault.
package form

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"convertd/runner/fault"
)

// BufferSize is a good size of the buffer for NewReader: writes of it are as fast as
// the page cache takes them.
const BufferSize = 256 << 10

// Limits bound a body besides its size.
type Limits struct {
	// Parts is how many parts there may be.
	Parts int
	// Header is how many bytes the headers of one part may have.
	Header int
	// Field is how many bytes a field that is no file may have.
	Field int
}

// Reader reads the parts of one body. It is not safe for concurrent use.
type Reader struct {
	source io.Reader
	limits Limits
	// delimiter is CR LF "--" boundary; before the first byte of the body stands a CR LF
	// of our own, so that the first delimiter is no special case.
	delimiter []byte
	window    []byte // all of the buffer
	from, to  int    // what is read but not consumed
	ended     error  // why source gives no more
	parts     int
	inPart    bool
	finished  bool
}

// NewReader returns a Reader of the request's body, or a fault when the request is no
// form. The buffer must be at least 32 KiB and is the Reader's until the last call.
func NewReader(r *http.Request, limits Limits, buffer []byte) (*Reader, error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		return nil, fault.Wrap(err, fault.UnsupportedMedia, "The request is no form.", "Send multipart/form-data or application/json.")
	}
	return newReader(r.Body, params["boundary"], limits, buffer)
}

func newReader(source io.Reader, boundary string, limits Limits, buffer []byte) (*Reader, error) {
	// RFC 2046: 1 to 70 characters, not ending with a space.
	if boundary == "" || len(boundary) > 70 || boundary[len(boundary)-1] == ' ' {
		return nil, malformed("its boundary is missing or not 1 to 70 characters long")
	}
	r := &Reader{source: source, limits: limits, window: buffer, delimiter: []byte("\r\n--" + boundary)}
	r.to = copy(r.window, "\r\n")
	return r, nil
}

// malformed is the fault of a body that is no proper form.
func malformed(why string) error {
	return fault.New(fault.Invalid, "The form in the request is malformed: "+why+".", "Send it again with a browser, curl -F or an HTTP library.")
}

func truncated() error {
	return fault.New(fault.Invalid, "The upload ended before it was complete.", "Send it again.")
}

// fill reads until the window is full or the source has no more.
func (r *Reader) fill() {
	if r.from > 0 {
		r.to = copy(r.window, r.window[r.from:r.to])
		r.from = 0
	}
	for r.to < len(r.window) && r.ended == nil {
		n, err := r.source.Read(r.window[r.to:])
		r.to += n
		r.ended = err
	}
}

// Part is what the headers of a part say.
type Part struct {
	// Name is the field's name.
	Name string
	// File says that the part is a file, FileName what it was called.
	File     bool
	FileName string
	// MediaType is what the sender takes it for.
	MediaType string
}

// Next goes to the next part, skipping what is left of the current one. It returns
// io.EOF after the last.
func (r *Reader) Next() (Part, error) {
	if r.finished {
		return Part{}, io.EOF
	}
	if err := r.skip(); err != nil {
		return Part{}, err
	}
	last, err := r.endOfDelimiter()
	if err != nil {
		return Part{}, err
	}
	if last {
		r.finished = true
		return Part{}, io.EOF
	}
	if r.parts++; r.parts > r.limits.Parts {
		return Part{}, fault.New(fault.Invalid, fmt.Sprintf("The form has more than %d parts.", r.limits.Parts), "Send fewer files or fields at once.")
	}
	header, err := r.header()
	if err != nil {
		return Part{}, err
	}
	r.inPart = true
	return parseHeader(header)
}

// skip discards the rest of the current part. Before the first part there is nothing to
// discard: RFC 2046 allows a preamble there, but no client of a form sends one, and
// readers differ in what they take for the end of one.
func (r *Reader) skip() error {
	for {
		data, last, err := r.piece()
		if err != nil {
			return err
		}
		if !r.inPart && len(data) > 0 {
			return malformed("it does not begin with its boundary")
		}
		if last {
			return nil
		}
	}
}

// piece returns the next content of the current part as a slice of the window, valid
// until the next call; last says that a delimiter follows, which is then consumed.
func (r *Reader) piece() (data []byte, last bool, err error) {
	at, settled := r.find()
	if !settled && r.ended == nil {
		r.fill()
		at, settled = r.find()
	}
	have := r.window[r.from:r.to]
	switch {
	case at < 0 && r.ended != nil:
		return nil, false, r.cutOff()
	case at < 0:
		// The last bytes may be the beginning of a delimiter.
		data = have[:len(have)-len(r.delimiter)+1]
		r.from += len(data)
		return data, false, nil
	case !settled && r.ended == nil:
		r.from += at // decided when more of it is there
		return have[:at], false, nil
	}
	end := at + len(r.delimiter)
	r.from += end
	if !endsDelimiter(have[end:]) {
		return have[:end], false, nil
	}
	return have[:at], true, nil
}

// find looks for the delimiter in what is there, -1 for none; settled says that enough
// follows it to tell what it is.
func (r *Reader) find() (at int, settled bool) {
	have := r.window[r.from:r.to]
	at = bytes.Index(have, r.delimiter)
	return at, at >= 0 && len(have)-at-len(r.delimiter) >= 2
}

// endsDelimiter reports whether what follows makes the match a delimiter and not a part
// of the content that begins like one.
func endsDelimiter(after []byte) bool {
	if len(after) == 0 {
		return true
	}
	switch after[0] {
	case ' ', '\t', '\r', '\n':
		return true
	case '-':
		return len(after) == 1 || after[1] == '-'
	}
	return false
}

// cutOff is why there is no more content: the client's connection, or our own limit.
func (r *Reader) cutOff() error {
	if errors.Is(r.ended, io.EOF) || errors.Is(r.ended, io.ErrUnexpectedEOF) {
		return truncated()
	}
	return fmt.Errorf("read the form: %w", r.ended)
}

// endOfDelimiter consumes the line end after a delimiter, or the two dashes that make it
// the last one; only blanks may stand between. After the last one the body may end
// without a line end, and what follows a line end is an epilogue, to be ignored.
func (r *Reader) endOfDelimiter() (last bool, err error) {
	line, err := r.until("\r\n", 256)
	rest, last := bytes.CutPrefix(line, []byte("--"))
	if err != nil && (!last || !errors.Is(r.ended, io.EOF)) {
		return false, err
	}
	if len(bytes.Trim(rest, " \t")) > 0 {
		return false, malformed("there is text behind a boundary")
	}
	return last, nil
}

// until returns what comes before the mark and consumes both. Without a mark within
// limit bytes it is an error, with what there is.
func (r *Reader) until(mark string, limit int) ([]byte, error) {
	if r.to-r.from < limit+len(mark) {
		r.fill()
	}
	have := r.window[r.from:r.to]
	if len(have) > limit+len(mark) {
		have = have[:limit+len(mark)]
	}
	at := bytes.Index(have, []byte(mark))
	switch {
	case at >= 0:
		r.from += at + len(mark)
		return have[:at], nil
	case len(have) == limit+len(mark):
		return have, malformed("a line or the headers of a part are too long")
	}
	return have, r.cutOff()
}

// header returns the header lines of a part.
func (r *Reader) header() ([]byte, error) {
	// A part without headers has the empty line at once.
	if have := r.window[r.from:r.to]; bytes.HasPrefix(have, []byte("\r\n")) {
		r.from += 2
		return nil, nil
	}
	return r.until("\r\n\r\n", r.limits.Header)
}

// CopyTo writes what is left of the current part to w, in pieces of about the size of
// the buffer, and returns how much that was.
func (r *Reader) CopyTo(w io.Writer) (int64, error) {
	size := int64(0)
	for r.inPart {
		data, last, err := r.piece()
		if err != nil {
			return size, err
		}
		if len(data) > 0 {
			n, err := w.Write(data)
			size += int64(n)
			if err != nil {
				return size, err
			}
		}
		if last {
			r.unread()
			return size, nil
		}
	}
	return size, nil
}

// unread puts the delimiter back, so that Next finds it whatever was read before.
func (r *Reader) unread() { r.from -= len(r.delimiter) }

// Text returns the rest of the current part as the value of a field.
func (r *Reader) Text() (string, error) {
	text := limited{limit: r.limits.Field}
	if _, err := r.CopyTo(&text); err != nil {
		return "", err
	}
	return text.String(), nil
}

// limited collects a field up to a limit.
type limited struct {
	bytes.Buffer
	limit int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > l.limit {
		return 0, fault.New(fault.TooLarge, fmt.Sprintf("A field of the form is larger than %d bytes.", l.limit), "Send large content as a file.")
	}
	return l.Buffer.Write(p)
}
