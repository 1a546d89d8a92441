package document

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
)

// Sizes and marks of the ZIP format (PKWARE APPNOTE 4.3.12 and 4.3.16).
const (
	endSize    = 22
	maxComment = 1<<16 - 1
	entrySize  = 46
	// maxTable bounds the part of the table of contents that is looked at: documents name
	// what identifies them among their first files.
	maxTable = 1 << 20
)

// zipKind tells OOXML and OpenDocument from other zip files by the names in the table of
// contents, which stands at the end of the file.
func zipKind(f *os.File, size int64) (kind, error) {
	tail := make([]byte, min(size, endSize+maxComment))
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil && err != io.EOF {
		return unknown, err
	}
	at := bytes.LastIndex(tail, []byte("PK\x05\x06"))
	if at < 0 || len(tail)-at < endSize {
		return truncated, nil
	}
	end := tail[at:]
	length := int64(binary.LittleEndian.Uint32(end[12:]))
	start := int64(binary.LittleEndian.Uint32(end[16:]))
	if start == 1<<32-1 { // ZIP64, which no office program writes for documents below 4 GiB
		return office, nil
	}
	if start+length > size {
		return truncated, nil
	}
	table := make([]byte, min(length, maxTable))
	if _, err := f.ReadAt(table, start); err != nil && err != io.EOF {
		return unknown, err
	}
	return tableKind(table), nil
}

// tableKind looks for the file that every document of its family has.
func tableKind(table []byte) kind {
	for len(table) >= entrySize && bytes.HasPrefix(table, []byte("PK\x01\x02")) {
		name := int(binary.LittleEndian.Uint16(table[28:]))
		rest := int(binary.LittleEndian.Uint16(table[30:])) + int(binary.LittleEndian.Uint16(table[32:]))
		if len(table) < entrySize+name+rest {
			break
		}
		switch string(table[entrySize : entrySize+name]) {
		case "[Content_Types].xml":
			return office
		case "META-INF/manifest.xml", "content.xml":
			return open
		}
		table = table[entrySize+name+rest:]
	}
	return archive
}
