package dispatcher

import (
	"os"
	"strings"
	"testing"

	"convertd/dispatcher/mail"
	"convertd/sql/job"
)

func TestAReloadChangesHowMuchRunsAtOnce(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("patient", th.patient(), th.open))
	w.opts.Lanes = Lanes{Slots: 1}
	s := w.serve(w.opts)
	ids := []string{w.submit("patient", "a"), w.submit("patient", "b"), w.submit("patient", "c")}
	begun := func() int {
		diary, err := os.ReadFile(th.path("diary"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(diary), "begin")
	}
	until(t, "one job runs", func() bool { return begun() == 1 })

	s.Reload(Settings{Lanes: Lanes{Slots: 2}, Keep: w.opts.Keep})
	until(t, "a second one runs with the first", func() bool { return begun() == 2 })

	// One of fewer slots than run: the two stay, the third waits for both.
	s.Reload(Settings{Lanes: Lanes{Slots: 1}, Keep: w.opts.Keep})
	th.tell("go")
	for _, id := range ids {
		w.await(id, job.Succeeded)
	}
	diary, err := os.ReadFile(th.path("diary"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(string(diary))
	if len(lines) != 6 || lines[4] != "begin" || lines[5] != "end" {
		t.Errorf("diary = %v, want the third job alone after the other two", lines)
	}
}

func TestAReloadBeginsMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("fails", "exit 1"))
	s := w.serve(w.opts)
	w.await(w.submit("fails", "a"), job.Failed)
	box := &mailbox{}
	address := box.listen(t, "127.0.0.1:0")
	s.Reload(Settings{Lanes: w.opts.Lanes, Mail: mail.Config{
		SMTP: address, From: "convertd@example.org", Admin: "admin@example.org", PerHour: 20, AttachLimit: 1 << 20, BaseURL: "http://localhost",
	}})
	id := w.submit("fails", "b")
	w.await(id, job.Failed)
	until(t, "the mail is there", func() bool { return len(box.all()) > 0 })
	if text := box.all()[0]; !strings.Contains(text, id) {
		t.Errorf("the mail is not about the job after the reload:\n%s", text)
	}
}

func TestReloadOfADispatcherThatHasStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.serve(w.opts)
	s.stop()
	s.Reload(Settings{}) // returns
}
