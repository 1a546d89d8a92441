package main

import (
	"encoding/json"
	"strings"
	"testing"

	"convertd/dispatcher/doctor"
)

func TestDoctorSaysByItsExitStatusWhetherJobsCanRun(t *testing.T) {
	t.Parallel()
	recipes := recipesFolder(t)
	u := startUp(t, dataFolder(t), "CONVERTD_RECIPES_DIR="+recipes)
	well := convertd(t, "", "doctor", "--data", u.Data)
	if well.code != exitOK || !strings.Contains(well.stdout, "ok    database       PostgreSQL ") || !strings.Contains(well.stdout, ", 0 fail: ") {
		t.Errorf("of a service that runs: %+v", well)
	}
	printed := convertd(t, "", "doctor", "--json", "--data", u.Data)
	var findings []doctor.Finding
	if err := json.Unmarshal([]byte(printed.stdout), &findings); err != nil || doctor.Worst(findings) == doctor.Fail || len(findings) < 12 {
		t.Errorf("--json: %v, %+v", err, printed)
	}
	u.stop()
	none := convertd(t, "", "doctor", "--data", u.Data)
	if none.code != exitFail || !strings.Contains(none.stdout, "fail  service        No convertd up runs here") || strings.Contains(none.stdout, "No spool") {
		t.Errorf("of a service that does not run: %+v", none)
	}
	if wrong := convertd(t, "", "doctor", "--jsn"); wrong.code != exitUsage || !strings.Contains(wrong.stderr, `did you mean "--json"`) {
		t.Errorf("misused: %+v", wrong)
	}
}
