package webui_test

import (
	"archive/zip"
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"convertd/runner/fault"
)

func TestPages_do_the_same_to_chosen_jobs(t *testing.T) {
	t.Parallel()
	b := setup(t).browser()
	var ids []string
	for _, name := range []string{"one.txt", "two.txt", "three.txt"} {
		ids = append(ids, "job="+b.submitted([]string{"to=copy"}, upload{name, "x"}))
	}
	b.finish(b.claim(), fault.Succeeded, upload{"one.copy", "made"})
	says(t, b.open("/jobs?q=one", 200), "one.txt", `value="one"`, ids[0][4:])
	if strings.Contains(b.open("/jobs?q=one", 200), "two.txt") {
		t.Error("the search finds everything")
	}
	a := b.post("/chosen", append(ids, "act=zip")...)
	files, err := zip.NewReader(bytes.NewReader(a.body), int64(len(a.body)))
	if err != nil || len(files.File) != 1 || files.File[0].Name != "one.copy" {
		t.Errorf("the zip is answered %d: %v", a.StatusCode, err)
	}
	a = b.post("/chosen", append(ids, "act=cancel", "q=txt", "state=nonsense")...)
	to := a.Header.Get("Location")
	if a.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/jobs?") || strings.Contains(to, "nonsense") {
		t.Fatalf("cancelling is answered %d to %s", a.StatusCode, to)
	}
	says(t, b.open(to, 200), "2 jobs were cancelled. 1 job was left as it is:")
	says(t, b.open(b.post("/chosen", ids[0], "act=retry").Header.Get("Location"), 200), "1 job is tried again.")
	if a := b.bench.browser().post("/chosen", ids[0], "act=delete"); a.StatusCode != http.StatusForbidden {
		t.Errorf("a stranger deletes with answer %d", a.StatusCode)
	}
	says(t, b.open(b.post("/chosen", ids[0], ids[1], "act=delete").Header.Get("Location"), 200), "2 jobs were deleted.")
	b.open("/jobs/"+ids[0][4:], http.StatusNotFound)
	for _, bad := range [][]string{{"act=cancel"}, {ids[2], "act=explode"}, {ids[2]}} {
		if a := b.post("/chosen", bad...); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%v is answered %d", bad, a.StatusCode)
		}
	}
	if a := b.post("/chosen", ids[2], "act=zip"); a.StatusCode != http.StatusNotFound {
		t.Errorf("a zip of nothing is answered %d", a.StatusCode)
	}
}

func TestPages_keep_files_longer(t *testing.T) {
	t.Parallel()
	b := setup(t).browser()
	id := b.submitted([]string{"to=copy"}, upload{"a.txt", "x"})
	if a := b.post("/jobs/"+id+"/keep", "days=90"); a.StatusCode != http.StatusConflict {
		t.Errorf("before its end keeping is answered %d", a.StatusCode)
	}
	b.finish(b.claim(), fault.Succeeded, upload{"a.copy", "x"})
	says(t, b.open("/jobs/"+id, 200), "Keep longer", `<option value="90">90 days</option>`)
	for _, bad := range []string{"days=0", "days=366", "days=x", ""} {
		if a := b.post("/jobs/"+id+"/keep", bad); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%q is answered %d", bad, a.StatusCode)
		}
	}
	if a := b.post("/jobs/"+id+"/keep", "days=90"); a.StatusCode != http.StatusSeeOther {
		t.Fatalf("keeping is answered %d", a.StatusCode)
	}
	j, err := b.jobs.Find(t.Context(), id)
	if err != nil || j.KeepUntil == nil {
		t.Fatalf("the job: %v", err)
	}
	if days := time.Until(*j.KeepUntil).Hours() / 24; days < 89.9 || days > 90 {
		t.Errorf("it is kept for %.1f days, want 90", days)
	}
	stranger := b.bench.browser()
	if strings.Contains(stranger.open("/jobs/"+id, 200), "Keep longer") {
		t.Error("a stranger is offered to keep it")
	}
	if a := stranger.post("/jobs/"+id+"/keep", "days=1"); a.StatusCode != http.StatusForbidden {
		t.Errorf("a stranger keeps it with answer %d", a.StatusCode)
	}
}
