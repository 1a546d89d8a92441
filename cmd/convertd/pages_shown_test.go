package main

import (
	"encoding/binary"
	"testing"
)

// silence is a second of nothing as a WAV file: 8-bit mono, 8000 samples a second.
func silence() []byte {
	const rate = 8000
	file := append([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, 36+rate)...)
	file = append(file, "WAVEfmt "...)
	for _, n := range []uint32{16, 1 | 1<<16, rate, rate, 1 | 8<<16} {
		file = binary.LittleEndian.AppendUint32(file, n)
	}
	file = append(file, "data"...)
	file = binary.LittleEndian.AppendUint32(file, rate)
	for range rate {
		file = append(file, 0x80)
	}
	return file
}

// playsASound does so under the content policy of the page.
func (p pagesBundle) playsASound(t *testing.T) {
	t.Parallel()
	b := p.tab(t)
	p.submit(b, testFile(t, "a.hush", silence()))
	b.await("[data-state=succeeded]")
	b.until("the sound can be played", `document.querySelector("audio")?.duration === 1`)
}
