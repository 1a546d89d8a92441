package importer

import (
	"bytes"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// pieceSize is how much is asked of the file at once.
	pieceSize = 64 << 10
	// minPiece is the smallest room decode needs.
	minPiece = 4 << 10
	// maxEmptyReads is how often a reader may return nothing before it counts as broken.
	maxEmptyReads = 100
)

// encoding of a file, known from its first bytes.
type encoding int

const (
	unknownEncoding encoding = iota
	asIs                     // UTF-8, ASCII or one of the old 8-bit sets
	littleEndian             // UTF-16
	bigEndian                // UTF-16
)

// decoder turns the bytes of a file into text with LF line ends.
type decoder struct {
	r        io.Reader
	progress func(bytesRead int64)

	read     int64
	encoding encoding
	raw      []byte // read but not decoded: only for the start of a file and UTF-16
	piece    []byte // room for UTF-16 being decoded
	afterCR  bool   // the last byte was a CR: an LF now belongs to it
	ended    bool
}

// decode reads one piece and writes it into dst, which has room for at least minPiece
// bytes. It returns io.EOF, with or without text, when the file has ended.
func (d *decoder) decode(dst []byte) (n int, err error) {
	if d.encoding == unknownEncoding {
		if err := d.sniff(); err != nil {
			return 0, err
		}
	}
	if d.encoding == asIs {
		n, err = d.decodeBytes(dst)
	} else {
		n, err = d.decodeUTF16(dst)
	}
	if err != nil && err != io.EOF {
		return 0, err
	}
	return d.unifyLineEnds(dst[:n]), err
}

// sniff reads the first bytes and finds out the encoding: by a byte order mark, else by
// the zero bytes that ASCII text has in UTF-16.
func (d *decoder) sniff() error {
	start := make([]byte, 4)
	n, err := io.ReadFull(d.r, start)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	d.count(n)
	d.raw = start[:n]
	d.ended = n < len(start)
	switch {
	case bytes.HasPrefix(d.raw, []byte{0xef, 0xbb, 0xbf}):
		d.encoding, d.raw = asIs, d.raw[3:]
	case bytes.HasPrefix(d.raw, []byte{0xff, 0xfe}):
		d.encoding, d.raw = littleEndian, d.raw[2:]
	case bytes.HasPrefix(d.raw, []byte{0xfe, 0xff}):
		d.encoding, d.raw = bigEndian, d.raw[2:]
	case n == 4 && start[0] != 0 && start[1] == 0 && start[2] != 0 && start[3] == 0:
		d.encoding = littleEndian
	case n == 4 && start[0] == 0 && start[1] != 0 && start[2] == 0 && start[3] != 0:
		d.encoding = bigEndian
	default:
		d.encoding = asIs
	}
	return nil
}

// decodeBytes passes the bytes of the file on as they are.
func (d *decoder) decodeBytes(dst []byte) (int, error) {
	if len(d.raw) > 0 {
		n := copy(dst, d.raw)
		d.raw = nil
		return n, nil
	}
	return d.readPiece(dst[:min(len(dst), pieceSize)])
}

// decodeUTF16 reads into raw and writes UTF-8. A unit of UTF-16 (2 bytes) becomes at
// most 3 bytes, which decides how much is read. Half a character at the end of a piece
// waits in raw for the next one.
func (d *decoder) decodeUTF16(dst []byte) (int, error) {
	if d.piece == nil {
		d.piece = make([]byte, pieceSize)
	}
	piece := d.piece[:min(len(dst), pieceSize)/2&^1]
	kept := copy(piece, d.raw)
	n, err := d.readPiece(piece[kept:])
	if err != nil && err != io.EOF {
		return 0, err
	}
	piece = piece[:kept+n]
	out := dst[:0]
	i := 0
	for i+1 < len(piece) {
		r, size := d.rune(piece[i:], err == io.EOF)
		if size == 0 {
			break
		}
		out = utf8.AppendRune(out, r)
		i += size
	}
	if err == io.EOF && i < len(piece) {
		out = utf8.AppendRune(out, utf8.RuneError)
		i = len(piece)
	}
	d.raw = append(d.raw[:0], piece[i:]...)
	return len(out), err
}

// rune decodes the character that b, of at least 2 bytes, starts with. size 0 means that
// its second half is still to be read.
func (d *decoder) rune(b []byte, last bool) (r rune, size int) {
	r = d.unit(b)
	if !utf16.IsSurrogate(r) {
		return r, 2
	}
	if len(b) < 4 {
		if last {
			return utf8.RuneError, 2
		}
		return 0, 0
	}
	if pair := utf16.DecodeRune(r, d.unit(b[2:])); pair != utf8.RuneError {
		return pair, 4
	}
	return utf8.RuneError, 2
}

// unit returns the first two bytes of b as one unit of UTF-16.
func (d *decoder) unit(b []byte) rune {
	if d.encoding == bigEndian {
		return rune(b[0])<<8 | rune(b[1])
	}
	return rune(b[1])<<8 | rune(b[0])
}

// readPiece reads once, but never returns nothing without an error.
func (d *decoder) readPiece(dst []byte) (int, error) {
	for range maxEmptyReads {
		if d.ended {
			return 0, io.EOF
		}
		n, err := d.r.Read(dst)
		d.count(n)
		d.ended = err == io.EOF
		if err != nil && err != io.EOF {
			return 0, err
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, io.ErrNoProgress
}

// count adds n bytes to the progress.
func (d *decoder) count(n int) {
	d.read += int64(n)
	if n > 0 {
		d.progress(d.read)
	}
}

// unifyLineEnds turns CR LF and lone CR into LF within text and returns the new length.
func (d *decoder) unifyLineEnds(text []byte) int {
	if !d.afterCR && bytes.IndexByte(text, '\r') < 0 {
		return len(text)
	}
	out := text[:0]
	for _, c := range text {
		pair := c == '\n' && d.afterCR
		d.afterCR = c == '\r'
		switch {
		case pair:
		case c == '\r':
			out = append(out, '\n')
		default:
			out = append(out, c)
		}
	}
	return len(out)
}
