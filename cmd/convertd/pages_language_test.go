package main

import (
	"strings"
	"testing"
)

func (p pagesBundle) speaksGerman(t *testing.T) {
	t.Parallel()
	b := p.tab(t)
	b.open("/")
	b.click(`.languages [value="de"]`)
	b.until("the page is in German", `document.documentElement.lang === "de"`)
	b.says("Datei umwandeln", "Dateien oder Ordner hier ablegen", "Ergebnisse bleiben 7 Tage erhalten", "English")
	b.choose("#drop [data-pick]", testFile(t, "film.slow", []byte("x")))
	b.await("[data-choices] .tile")
	b.says("Was soll daraus werden?", "Einstellungen")
	b.until("the file is uploaded", `document.querySelector("[data-upload].sent") !== null`)
	b.says("Hochgeladen", "Mit „Umwandeln“ starten.", "1 B")
	p.refusesInGerman(b)
	b.click("[data-convert]")
	b.await("[data-job]")
	seen := b.watch()
	if all := strings.Join(seen.words, "\n"); !strings.Contains(all, "Kopieren: line ") || strings.Contains(all, "Copying") {
		t.Errorf("what is happening is told as %q", all)
	}
	b.says("Fertig in", "film.copy", "Herunterladen", "Bleibt bis")
	if title := b.title(); !strings.HasPrefix(title, "Fertig · film.slow") {
		t.Errorf("the title is %q at the end", title)
	}
	p.failsInGerman(t, b)
	b.click(`.languages [value="en"]`)
	b.until("the same page is in English", `document.documentElement.lang === "en"`)
	b.says("Could not be converted", "The file is not what its name says")
}

// refusesInGerman sends a setting that the API refuses, then one that it takes.
func (p pagesBundle) refusesInGerman(b *tab) {
	b.t.Helper()
	set := func(value string) {
		evaluate[bool](b, `(() => { const field = document.querySelector("[name='param.lines']"); field.removeAttribute("max");
			field.value = "`+value+`"; field.dispatchEvent(new Event("change", { bubbles: true })); return true; })()`)
	}
	set("999")
	b.click("[data-convert]")
	b.await("[data-problem]:not([hidden])")
	b.says("Das Genannte berichtigen und den Auftrag noch einmal senden.")
	set("12")
}

// failsInGerman has a file refused by its converter: the words are the recipe's own.
func (p pagesBundle) failsInGerman(t *testing.T, b *tab) {
	t.Helper()
	p.submit(b, testFile(t, "scan.strict", []byte("x")))
	b.await("[data-state=failed]")
	b.says("Umwandlung gescheitert", "Die Datei ist nicht, was ihr Name sagt: Die ersten Bytes sind falsch.")
	page := b.path()
	b.open("/jobs")
	b.says("Meine Aufträge", "Fertig", "Gescheitert", "heute ")
	b.open(page)
}
