package webui_test

import (
	"net/http"
	"testing"

	"convertd/runner/fault"
	"convertd/sql/check"
	"convertd/webui/client"
)

func TestFindings_of_the_last_examination(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var before, after client.Findings
	b.ask(http.MethodGet, "/api/v1/findings", &before)
	if before.Level != "" || before.ExaminedAt != nil || before.Findings == nil || len(before.Findings) != 0 {
		t.Errorf("before any examination: %+v", before)
	}
	err := check.NewStore(b.others).Replace(t.Context(), "one.example", []check.Finding{
		{Topic: "database", Level: "ok", Text: "It answers."}, {Topic: "spool", Level: "fail", Text: "The disk is full.", Remedy: "Free space."},
		{Topic: "mail", Level: "warn", Text: "No mail server.", Remedy: "Set one."},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.ask(http.MethodGet, "/api/v1/findings", &after)
	if after.Level != "fail" || after.Host != "one.example" || after.ExaminedAt == nil || len(after.Findings) != 3 {
		t.Fatalf("%+v", after)
	}
	if f := after.Findings[1]; f.Check != "spool" || f.Level != "fail" || f.Text != "The disk is full." || f.Remedy != "Free space." || f.Since.IsZero() {
		t.Errorf("%+v", f)
	}
	b.get("/api/v1/findings").problemOf(t, fault.Unauthorized)
}
