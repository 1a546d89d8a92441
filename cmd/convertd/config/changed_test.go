package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChanged(t *testing.T) {
	t.Parallel()
	before, err := Load(Input{Environ: []string{"CONVERTD_QUEUE_VIDEO_LIMIT=1", "CONVERTD_RESOURCES_GPU=1"}})
	if err != nil {
		t.Fatal(err)
	}
	after, err := Load(Input{Environ: []string{
		"CONVERTD_QUEUE_VIDEO_LIMIT=2", "CONVERTD_RESOURCES_LICENCE=1", "CONVERTD_WEB_ADMIN_TOKEN=0123456789abcdef0123456789abcdef", "CONVERTD_DISPATCHER_SLOTS=77",
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"dispatcher.slots", "queue.video.limit", "resources.gpu", "resources.licence", "web.admin_token"}
	if diff := cmp.Diff(want, Changed(before, after)); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	if got := Changed(after, after); len(got) != 0 {
		t.Errorf("settings differ from themselves: %v", got)
	}
}
