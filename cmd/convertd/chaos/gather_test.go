package chaos

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"convertd/cmd/convertd/chaos/verdict"
)

// settle waits until nothing is left to be done, with everything started anew once: what a
// dispatcher leaves that is killed in the middle is found by the next.
func (w *world) settle() {
	w.t.Helper()
	for _, p := range append([]*program{w.web, w.cache}, w.dispatchers...) {
		p.signal(syscall.SIGKILL)
	}
	w.until("all jobs have ended", func() bool {
		w.tell(`update job set run_at = now() where state = 'scheduled' and run_at > now()`)
		return w.number(`select count(*) from job where ended_at is null`) == 0
	})
	w.until("deleted jobs are forgotten", func() bool {
		w.tell(`notify convertd_control`)
		return w.number(`select count(*) from job where deleted_at is not null and forgotten_at is null`) == 0
	})
	w.until("no mail is owed", func() bool {
		w.ageMails()
		return w.number(`select count(*) from outbox where sent_at is null and withdrawn_at is null`) == 0
	})
}

// tell lets the database do something to let time pass.
func (w *world) tell(statement string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, err := w.db.ExecContext(ctx, statement); err != nil {
		w.log.Info("the database did not do it", "statement", statement, "error", err)
	}
}

// number asks the database how much is left to be done, -1 when it does not answer.
func (w *world) number(query string) int {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	n := -1
	if err := w.db.QueryRowContext(ctx, query).Scan(&n); err != nil {
		w.log.Info("the database did not answer", "query", query, "error", err)
		return -1
	}
	return n
}

// gather asks for everything, ends the service and looks at what is left.
func (w *world) gather() verdict.Evidence {
	w.t.Helper()
	e := verdict.Evidence{Jobs: w.allJobs(), Sightings: w.sightings, Heard: w.heard, Halts: w.halts, Kills: w.kills, Stops: w.stops, Complaints: w.complaints}
	for _, r := range w.requests {
		e.Requests = append(e.Requests, *r)
	}
	for _, p := range append(slices.Clone(w.dispatchers), w.web, w.cache) {
		p.finish()
	}
	e.Letters, e.Diary = w.mailbox.all(), w.diary()
	e.Remains = slices.Concat(w.processesLeft(), w.groupsLeft(), w.filesLeft(e.Jobs), w.locksLeft())
	return e
}

// allJobs reads all that the API tells of every job.
func (w *world) allJobs() map[string]verdict.Job {
	w.t.Helper()
	c, all := w.administrator(), map[string]verdict.Job{}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for path := "/api/v1/jobs?limit=100"; path != ""; {
		var page struct {
			Jobs []jobDocument `json:"jobs"`
			Next string        `json:"next"`
		}
		_, err := c.read(ctx, path, &page)
		w.must(err)
		for _, j := range page.Jobs {
			all[j.ID] = w.oneJob(ctx, c, j)
		}
		path = ""
		if page.Next != "" {
			path = "/api/v1/jobs?limit=100&cursor=" + page.Next
		}
	}
	return all
}

func (w *world) oneJob(ctx context.Context, c *client, d jobDocument) verdict.Job {
	w.t.Helper()
	j := verdict.Job{ID: d.ID, Kind: d.Recipe, Created: moment(d.Created), State: d.State, Class: d.State, Attempt: d.Attempt, Tags: d.Tags, Group: d.groupID(), Histories: map[int][]*float64{}}
	if d.Error != nil {
		j.Class = d.Error.Class
	}
	if d.Ended != nil {
		j.Ended = moment(*d.Ended)
	}
	if d.RetryOf != nil {
		j.RetryOf = *d.RetryOf
	}
	base := "/api/v1/jobs/" + d.ID
	j.Inputs, j.Outputs = w.files(ctx, c, base+"/inputs/", d.Inputs), w.files(ctx, c, base+"/outputs/", d.Outputs)
	var attempts []struct {
		Number  int        `json:"number"`
		Class   string     `json:"class"`
		Started time.Time  `json:"started_at"`
		Ended   *time.Time `json:"ended_at"`
	}
	by := w.claimers(ctx, d.ID)
	got, err := c.ask(ctx, http.MethodGet, base+"/attempts")
	w.must(err)
	w.must(attemptsOf(got.body, &attempts))
	for _, a := range attempts {
		j.Attempts = append(j.Attempts, verdict.Attempt{Number: a.Number, Class: a.Class, Ended: a.Ended != nil,
			Started: moment(a.Started), Dispatcher: by[a.Number]})
		got, err := c.ask(ctx, http.MethodGet, fmt.Sprintf("%s/history?attempt=%d", base, a.Number))
		w.must(err)
		if got.status == http.StatusOK {
			j.Histories[a.Number] = percents(string(got.body))
		}
	}
	return j
}

// moment is a date on the monotonic clock.
func moment(date time.Time) time.Duration { return monotonic() - time.Since(date.Round(0)) }

// claimers are the dispatchers of a job's attempts, which no answer of the API names.
func (w *world) claimers(ctx context.Context, id string) map[int]string {
	w.t.Helper()
	var rows []struct {
		Number     int    `db:"number"`
		Dispatcher string `db:"dispatcher"`
	}
	w.must(w.db.SelectContext(ctx, &rows, `select number, dispatcher from attempt where job = $1`, id))
	by := map[int]string{}
	for _, r := range rows {
		by[r.Number] = r.Dispatcher
	}
	return by
}

// attemptsOf reads a list that may stand alone or beneath "attempts".
func attemptsOf(body []byte, into any) error {
	if json.Unmarshal(body, into) == nil {
		return nil
	}
	var outer struct {
		Attempts json.RawMessage `json:"attempts"`
	}
	if err := json.Unmarshal(body, &outer); err != nil {
		return fmt.Errorf("%.200s: %w", body, err)
	}
	return json.Unmarshal(outer.Attempts, into)
}

// percents reads the second column of a history.
func percents(text string) []*float64 {
	var all []*float64
	for line := range strings.Lines(text) {
		words := strings.Split(line, "\t")
		if len(words) < 2 {
			continue
		}
		if n, err := strconv.ParseFloat(words[1], 64); err == nil {
			all = append(all, &n)
		} else {
			all = append(all, nil)
		}
	}
	return all
}

func (w *world) files(ctx context.Context, c *client, base string, told []fileDocument) []verdict.File {
	w.t.Helper()
	var all []verdict.File
	for _, f := range told {
		path := f.URL
		if path == "" {
			path = base + f.Name
		}
		got, err := c.ask(ctx, http.MethodGet, path)
		w.must(err)
		served := sumOf(got.body)
		if got.status != http.StatusOK {
			served = fmt.Sprintf("status %d", got.status)
		}
		all = append(all, verdict.File{Name: f.Name, Told: f.SHA256, Served: served})
	}
	return all
}

// diary reads what the steps wrote.
func (w *world) diary() []verdict.Line {
	w.t.Helper()
	f, err := os.Open(w.path("diary", diaryFile))
	w.must(err)
	defer f.Close()
	var all []verdict.Line
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var l verdict.Line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			w.t.Errorf("a line of the diary is broken: %q: %v", lines.Text(), err)
			continue
		}
		all = append(all, l)
	}
	w.must(lines.Err())
	return all
}

// processesLeft lists processes that run our programs, or work in our folders, but for
// the database.
func (w *world) processesLeft() []string {
	var left []string
	for _, pid := range allProcesses() {
		exe, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
		cwd, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
		if within(exe, binDir) || within(cwd, w.path("spool")) {
			command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			left = append(left, fmt.Sprintf("process %d %s in %s: %q", pid, exe, cwd, command))
		}
	}
	return left
}

func within(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

// groupsLeft lists control groups that carry the spool's name.
func (w *world) groupsLeft() []string {
	w.t.Helper()
	name, err := os.ReadFile(w.path("spool", "spool.id"))
	w.must(err)
	var left []string
	// What goes away meanwhile belongs to others.
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, e os.DirEntry, err error) error {
		if err == nil && e.IsDir() && e.Name() == "convertd-"+strings.TrimSpace(string(name)) {
			groups, _ := filepath.Glob(path + "/*.*/cgroup.procs")
			left = append(left, fmt.Sprintf("control group %s with %q", path, groups))
		}
		return nil
	})
	return left
}

// filesLeft lists what only a live attempt, a live upload or a known job may have.
func (w *world) filesLeft(jobs map[string]verdict.Job) []string {
	w.t.Helper()
	deleted := map[string]bool{}
	for _, r := range w.requests {
		for _, a := range r.Answers {
			deleted[a.Job] = deleted[a.Job] || r.Deleted
		}
	}
	folders, err := filepath.Glob(w.path("spool", "??", "*"))
	w.must(err)
	var left []string
	for _, folder := range folders {
		id := filepath.Base(folder)
		if _, known := jobs[id]; !known {
			// A submission that was cut off leaves a folder without a row for an hour.
			if deleted[id] {
				left = append(left, "folder of a deleted job: "+folder)
			}
			continue
		}
		entries, err := os.ReadDir(folder)
		w.must(err)
		for _, e := range entries {
			word, _, _ := strings.Cut(e.Name(), ".")
			if word == "work" || word == "lock" || word == "child" {
				left = append(left, filepath.Join(folder, e.Name()))
			}
		}
	}
	drafts, err := filepath.Glob(w.path("spool", "*", "*.new"))
	w.must(err)
	return append(left, drafts...)
}

// locksLeft lists locks that are held on files of ours.
func (w *world) locksLeft() []string {
	w.t.Helper()
	inodes := map[string]string{}
	for _, root := range []string{w.path("spool"), w.path("diary")} {
		w.must(filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := e.Info()
			if err == nil {
				inodes[strconv.FormatUint(info.Sys().(*syscall.Stat_t).Ino, 10)] = path
			}
			return err
		}))
	}
	locks, err := os.ReadFile("/proc/locks")
	w.must(err)
	var left []string
	for line := range strings.Lines(string(locks)) {
		for word := range strings.FieldsSeq(line) {
			if parts := strings.Split(word, ":"); len(parts) == 3 && inodes[parts[2]] != "" && isHeld(inodes[parts[2]]) {
				left = append(left, "lock on "+inodes[parts[2]]+": "+strings.TrimSpace(line))
			}
		}
	}
	return left
}

// isHeld makes sure that a lock is on our file and not on one of the same number elsewhere.
func isHeld(path string) bool {
	f, err := os.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
}
