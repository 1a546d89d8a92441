package main

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/chromedp/cdproto/page"
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

// keepsTheButtonInPlace has a result come with a picture: where the button is when it
// appears it stays, so that nobody's click goes beside it.
func (p pagesBundle) keepsTheButtonInPlace(t *testing.T) {
	t.Parallel()
	b := p.tab(t)
	call(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
		window.place = () => document.querySelector("[data-first]")?.getBoundingClientRect().top + scrollY;
		new MutationObserver(() => { if (place() && document.body.dataset.began === undefined) document.body.dataset.began = place(); })
			.observe(document, {childList: true, subtree: true});`})
	b.open("/")
	b.choose("#drop [data-pick]", testFile(t, "shot_040.csv", []byte(tracksCSV)))
	b.await("[data-choices] .tile")
	b.click(".tile:first-child")
	b.click("[data-convert]")
	b.await("[data-state=succeeded]")
	b.until("the picture is there", `location.pathname.startsWith("/jobs/") && document.readyState === "complete" && document.querySelector(".pictures img")?.naturalWidth > 0`)
	if first, last := evaluate[float64](b, "Number(document.body.dataset.began)"), evaluate[float64](b, "place()"); math.Abs(first-last) > 2 {
		t.Errorf("the button went from %v to %v as the picture came", first, last)
	}
}
