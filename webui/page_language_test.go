package webui_test

import (
	"net/http"
	"strings"
	"testing"

	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/webui"
)

func TestPages_in_the_language_of_the_reader(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for header, want := range map[string]string{"": "en", "de-AT,de;q=0.9,en;q=0.8": "de", "tlh": "en", "en-GB, de;q=0.5": "en"} {
		a := b.get("/", "Accept-Language: "+header)
		if got := a.Header.Get("Content-Language"); got != want || !strings.Contains(string(a.body), `<html lang="`+want+`">`) {
			t.Errorf("Accept-Language %q is answered in %q, want %q", header, got, want)
		}
		if vary := a.Header.Get("Vary"); !strings.Contains(vary, "Accept-Language") || !strings.Contains(vary, "Cookie") {
			t.Errorf("Vary is %q", vary)
		}
	}
	missing := b.get("/jobs/AAAAAAAAAAAAAAAAAAAAAAAAAA", "Accept-Language: de")
	says(t, words(missing), "Hier ist nichts", `<html lang="de">`)
	problem := b.get("/api/v1/jobs/AAAAAAAAAAAAAAAAAAAAAAAAAA", "Accept-Language: de", "Cookie: convertd_lang=de").problem(t)
	if problem.Detail != "There is no job with this id." {
		t.Errorf("the API says %q, want English whatever the caller reads", problem.Detail)
	}
}

func TestPages_remember_the_chosen_language(t *testing.T) {
	t.Parallel()
	b := setup(t).browser()
	says(t, b.open("/jobs?state=failed", http.StatusOK), `<html lang="en">`, `name="back" value="/jobs?state=failed"`)
	a := b.post("/language", "lang=de", "back=/jobs?state=failed")
	if to := a.Header.Get("Location"); a.StatusCode != http.StatusSeeOther || to != "/jobs?state=failed" {
		t.Fatalf("the choice is answered %d to %q", a.StatusCode, to)
	}
	if got := a.Cookies(); len(got) != 1 || got[0].Value != "de" || !got[0].HttpOnly || got[0].SameSite != http.SameSiteLaxMode || got[0].MaxAge < 300*24*3600 {
		t.Errorf("the cookies are %v", got)
	}
	says(t, b.open("/jobs", http.StatusOK), `<html lang="de">`, "Meine Aufträge")
	if a := b.post("/language", "lang=tlh"); a.StatusCode != http.StatusBadRequest || len(a.Cookies()) != 0 {
		t.Errorf("a language that is not there is answered %d with %v", a.StatusCode, a.Cookies())
	}
	b.cookies["convertd_lang"] = "../../etc"
	says(t, b.open("/jobs", http.StatusOK), `<html lang="en">`)
}

func TestPages_choice_of_language_leads_nowhere_else(t *testing.T) {
	t.Parallel()
	b := setup(t).browser()
	for _, back := range []string{"", "//evil.example", "//evil.example/path", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
		"evil", "/\t/evil.example", "http:evil.example", "//user@evil.example/", "///evil.example", "%2f%2fevil.example"} {
		if to := b.post("/language", "lang=de", "back="+back).Header.Get("Location"); to != "/" {
			t.Errorf("back %q leads to %q", back, to)
		}
	}
	if to := b.post("/language", "lang=de", "back=/jobs/x?manage=y").Header.Get("Location"); to != "/jobs/x?manage=y" {
		t.Errorf("the way back is %q", to)
	}
}

func TestPages_in_the_words_of_the_recipe(t *testing.T) {
	t.Parallel()
	declared := recipe.Recipe{Name: "zip", Version: "0123456789ab", Queue: "default", Slots: 1, Accept: []string{"*/*"}, To: []string{"zip"},
		Title:  recipe.Text{"en": "Pack it", "de": "Einpacken"},
		Inputs: recipe.Inputs{Each: true, Min: 1, Max: 1}, Retry: recipe.Retry{MaxAttempts: 1},
		Steps:   []recipe.Step{{Title: recipe.Text{"en": "Packing", "de": "Packt ein"}, Command: []string{"cp", "{input}", "{output}/x"}}},
		Params:  []recipe.Param{{Name: "depth", Type: recipe.String, Title: recipe.Text{"en": "Depth", "de": "Tiefe"}, Optional: true, Group: recipe.Text{"en": "More", "de": "Mehr"}}},
		Explain: []recipe.Explain{{Match: `bad (\S+)`, Say: recipe.Text{"en": "The file is $1 good.", "de": "Die Datei taugt $1."}}}}
	set := recipe.NewSet([]recipe.Recipe{declared}, nil)
	bench := setup(t, func(o *webui.Options) { o.Recipes = func() *recipe.Set { return set } })
	b := bench.browser()
	b.cookies["convertd_lang"] = "de"
	says(t, b.open("/recipes/zip", http.StatusOK), "Einpacken", "Tiefe", "Mehr")
	id := b.submitted([]string{"recipe=zip"}, upload{"a.txt", "hello"})
	bench.finish(bench.claim(), fault.BadInput)
	says(t, b.open("/jobs/"+id, http.StatusOK), "Umwandlung gescheitert", "Die Datei taugt no.")
	says(t, b.open("/jobs", http.StatusOK), "Die Datei taugt no.")
	b.cookies["convertd_lang"] = "en"
	says(t, b.open("/jobs/"+id, http.StatusOK), "The file is no good.")
}

func TestSubmit_keeps_the_language_of_who_submits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, row := range []struct{ header, want string }{
		{"Accept-Language: de-CH, en;q=0.5", "de"},
		{"Cookie: convertd_lang=de", "de"},
		{"Accept-Language: tlh", "en"},
		{"Accept: */*", "en"},
	} {
		body, contentType := formBody(t, []string{"recipe=copy"}, upload{"a.txt", "hello"})
		b.do(http.MethodPost, "/api/v1/jobs", body, "Content-Type: "+contentType, row.header).job(t, http.StatusAccepted)
		if got := b.claim().Lang; got != row.want {
			t.Errorf("%s: the job's language is %q, want %q", row.header, got, row.want)
		}
	}
	person := b.browser()
	person.cookies["convertd_lang"] = "de"
	person.submitted([]string{"recipe=copy"}, upload{"a.txt", "hello"})
	if got := b.claim().Lang; got != "de" {
		t.Errorf("a form's job has the language %q, want de", got)
	}
}
