package webui_test

import (
	"net/http"
	"testing"

	"convertd/webui"
)

func TestHelp_shows_the_handbook(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) {
		o.Handbook = []webui.Chapter{{Name: "first", Title: "The first one", Body: "<p>How to begin.</p>"}, {Name: "trouble", Title: "Trouble", Body: "<p>What to do.</p>"}}
	}).browser()
	says(t, b.open("/", http.StatusOK), `href="/help"`)
	says(t, b.open("/help", http.StatusOK), "How to begin.", `href="/help/trouble"`)
	says(t, b.open("/help/trouble.md", http.StatusOK), "What to do.", "Trouble")
	b.open("/help/nothing", http.StatusNotFound)
}
