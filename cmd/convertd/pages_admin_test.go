package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// signIn makes the tab the administrator's.
func (p pagesBundle) signIn(b *tab) {
	b.t.Helper()
	token, err := os.ReadFile(filepath.Join(p.Data, "admin_token"))
	if err != nil {
		b.t.Fatal(err)
	}
	b.open("/admin/sign-in")
	b.do(chromedp.SetValue(chromedp.CSS("[name=code]"), strings.TrimSpace(string(token))))
	b.click("form.plain button")
	b.await(".areas")
}

func TestPagesOfTheAdministrator(t *testing.T) {
	t.Parallel()
	p := pagesBundle{startUp(t, dataFolder(t), "CONVERTD_RECIPES_DIR="+recipesFolder(t)), startBrowser(t)}
	t.Run("the list keeps itself up to date, and many jobs are cancelled", p.administersLive)
	t.Run("the same without scripts: a queue is resumed, jobs are deleted", p.administersWithoutScripts)
}

func (p pagesBundle) administersLive(t *testing.T) {
	owner, admin := p.tab(t), p.tab(t)
	p.signIn(admin)
	admin.open("/admin/queues")
	admin.click("button[value=pause]") // what waits can be cancelled at leisure
	admin.await("button[value=resume]")
	p.submit(owner, testFile(t, "first.slow", []byte("x")))
	admin.open("/admin")
	admin.says("first.slow")
	p.submit(owner, testFile(t, "second.slow", []byte("x")))
	admin.until("the second job appears by itself", `document.querySelector("#live-jobs").textContent.includes("second.slow")`)
	admin.click("[data-all]")
	admin.until("two are chosen", `document.querySelector("[data-chosen]").textContent.startsWith("2")`)
	admin.click("[name=act][value=cancel]")
	admin.await(".notice")
	admin.says("2 jobs were cancelled.")
	admin.click(`.areas a[href="/admin/audit"]`)
	admin.await("#live-acts")
	admin.says("Signed in", "Cancelled a job", "Done")
}

func (p pagesBundle) administersWithoutScripts(t *testing.T) {
	admin := p.tab(t)
	p.signIn(admin)
	admin.withoutScripts()
	admin.open("/admin/queues")
	admin.click("button[value=resume]")
	admin.until("no queue is paused", `document.querySelector("button[value=resume]") === null`)
	admin.open("/admin?q=second.slow")
	admin.click("[name=job]")
	admin.until("the job is chosen", `document.querySelector("[name=job]").checked`)
	admin.click(".acts summary")
	admin.click("[name=act][value=delete]")
	admin.await(".notice")
	admin.says("1 job was deleted.")
	admin.open("/admin")
	admin.says("first.slow")
	if strings.Contains(admin.text(), "second.slow") {
		t.Error("the deleted job is still listed")
	}
}
