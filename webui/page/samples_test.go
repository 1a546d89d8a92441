package page_test

import (
	"fmt"
	"strings"
	"time"

	"convertd/webui/page"
)

// hostile is a name that would break out of any place it is not escaped for.
const hostile = `"><script>alert(1)</script><img src=x onerror='alert(2)'>{{.}}.nk`

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func ptr[T any](v T) *T { return &v }

// samples are all pages in all their states, by a name of the state.
func samples() map[string]page.Page {
	all := map[string]page.Page{
		"index":         indexPage(nil),
		"index-refused": indexPage(&page.Problem{Message: "The file is empty.", Hint: "Check that it was saved completely."}),
		"index-empty":   page.Index{Frame: frame("Convert a file", "convert")},
		"choices":       choices(),
		"choices-group": page.Choices{Name: hostile, Together: []page.Together{{Title: "PDF merge", Min: 2, Max: 9}}},
		"choices-none":  page.Choices{Name: hostile, Kind: "a program"},
		"recipes":       recipes(),
		"recipes-empty": page.RecipeList{Frame: frame("What can be converted", "recipes")},
		"recipe":        page.Recipe{Frame: frame("Video to MP4", "recipes"), Entry: recipes().Recipes[0], Promises: promises(), Form: allFields(), Accept: ".mov", Takes: true, Action: "/jobs"},
		"button":        button(nil, "The web site is away for a minute."),
		"button-runs":   button(runs(), ""),
		"runs":          *runs(),
		"recipe-again":  page.Recipe{Frame: frame("Video to MP4", "recipes"), Entry: recipes().Recipes[0], Form: allFields(), Takes: true, Again: &rows(1)[0], Action: "/jobs/X/retry"},
		"jobs":          jobs(25),
		"jobs-none":     page.JobList{Frame: frame("My jobs", "jobs"), Tabs: tabs("")},
		"jobs-nofailed": page.JobList{Frame: frame("My jobs", "jobs"), Tabs: tabs("failed"), State: "failed"},
		"admin":         allJobs(rows(500)),
		"admin-nothing": allJobs(nil),
		"admin-charts": page.AdminCharts{AdminFrame: adminFrame("Charts", "charts"), Free: 1, Total: 3, Hours: []page.Hour{{At: noon, Succeeded: 1, Failed: 2, Cancelled: 3, Waited: 4, Ran: 5}},
			Peaks: []page.Peak{{Recipe: hostile, Memory: 1, Limit: 2, Jobs: 3, Failed: 1, Ran: time.Second}}},
		"admin-nocharts":  page.AdminCharts{AdminFrame: adminFrame("Charts", "charts")},
		"admin-attempts":  attempts(),
		"admin-unstarted": page.AdminAttempts{AdminFrame: adminFrame("Attempts", "jobs"), Job: rows(1)[0]},
		"admin-audit":     acts(),
		"admin-queues":    machines(),
		"admin-idle":      page.AdminQueues{AdminFrame: adminFrame("Queues", "queues")},
		"admin-failures": page.AdminFailures{AdminFrame: adminFrame("Failures", "failures"), Filtered: true, Recipes: []page.Option{{Title: "All"}},
			Failures: []page.FailureKind{{Recipe: hostile, Class: "bad_input", Reason: hostile, Count: 12_345, LastDay: 3, Last: noon, LastJob: "X", All: "/admin"}}},
		"admin-nofailures": page.AdminFailures{AdminFrame: adminFrame("Failures", "failures")},
		"admin-refused": page.AdminRefused{AdminFrame: adminFrame("Refused", "refused"), Next: "/admin/refused?cursor=1", First: "/admin/refused",
			Refused: []page.Refused{{At: noon, Owner: hostile, Recipe: hostile, Code: "invalid", Detail: hostile}, {At: noon, Code: "invalid", Detail: hostile}}},
		"admin-norefused": page.AdminRefused{AdminFrame: adminFrame("Refused", "refused")},
		"admin-recipes": page.AdminRecipes{AdminFrame: adminFrame("Recipes", "recipes"), Problems: []string{hostile},
			Recipes: []page.AdminRecipe{{RecipeEntry: recipes().Recipes[0], Queue: hostile, Memory: 2 << 30, Time: time.Hour, Results: time.Hour, Failed: time.Hour},
				{RecipeEntry: page.RecipeEntry{Name: hostile, Title: hostile, Missing: []string{hostile}, Remedy: hostile, Access: []string{hostile}}}}},
		"admin-norecipes":  page.AdminRecipes{AdminFrame: adminFrame("Recipes", "recipes")},
		"admin-findings":   findings(),
		"admin-unexamined": page.AdminFindings{AdminFrame: adminFrame("Findings", "findings")},
		"admin-noacts":     page.AdminAudit{AdminFrame: adminFrame("Audit log", "audit")},
		"group":            group(),
		"grouphead":        page.GroupHead{Group: group()},
		"error":            page.ErrorPage{Frame: frame("Nothing here", ""), Status: 404, Problem: page.Problem{Message: "There is no page at this address.", Hint: "Check it."}},
		"signin":           page.SignIn{Frame: frame("Sign in", ""), Code: hostile},
		"help":             page.Help{Frame: frame("First conversion", "help"), Chapters: []page.HelpLink{{Name: "first", Title: "First conversion", Here: true}, {Name: "api", Title: "API"}}, Body: "<h1>First conversion</h1><p>Drop a file.</p>"},
	}
	for name, card := range cards() {
		card.Alone = true
		f := frame(card.Name, "")
		f.Icon, f.Percent = card.State, card.Progress.Percent
		if !card.Ended() {
			f.Refresh = 3
		}
		all["job-"+name] = page.Job{Frame: f, Card: card, Group: "G", RetryOf: "R"}
		all["card-"+name] = card
	}
	return all
}

func frame(title, place string) page.Frame {
	return page.Frame{Title: title, Place: place, Icon: "idle", Admin: place == "admin"}
}

func promises() page.Promises {
	return page.Promises{MaxUpload: 20 << 30, Results: 7 * 24 * time.Hour, Failed: 7 * 24 * time.Hour, MailsFailures: true}
}

func indexPage(refused *page.Problem) page.Index {
	return page.Index{Frame: frame("Convert a file", "convert"), Promises: promises(), Sections: sections(), To: "mp4", Refused: refused, Recent: rows(3)}
}

func sections() []page.Section {
	return []page.Section{
		{Title: "Video to MP4", Choices: []page.Choice{{Value: "video-to-mp4", Title: "MP4", Note: "Video to MP4", Recipe: "video-to-mp4", To: "mp4"}}},
		{Title: "Match-move tracks", Choices: writers()},
	}
}

func writers() []page.Choice {
	out := []page.Choice{{Value: "tracks", Title: "All formats", Note: "Match-move tracks", Recipe: "tracks"}}
	for _, w := range []string{"Nuke", "3D-Equalizer 4", "Shake", "PFTrack 5", "SynthEyes", "boujou", "Maya locators", "Flame 2014 stabilizer"} {
		out = append(out, page.Choice{Value: "tracks/" + strings.ToLower(w), Title: w, Note: "Match-move tracks", Recipe: "tracks", Target: strings.ToLower(w), To: strings.ToLower(w)})
	}
	return out
}

func choices() page.Choices {
	return page.Choices{Name: hostile, Kind: "Nuke script", Likely: writers()[:6], More: sections(),
		Forms:    []page.Form{trackForm(), {Recipe: "video-to-mp4", Groups: allFields().Groups}},
		Together: []page.Together{{Title: hostile, Min: 2, Max: 9, Form: allFields()}}}
}

func trackForm() page.Form {
	var options []page.Option
	for _, w := range writers()[1:] {
		options = append(options, page.Option{Value: w.Target, Title: w.Title, Chosen: true})
	}
	return page.Form{Recipe: "tracks", Groups: []page.FieldGroup{
		{Fields: []page.Field{
			{Name: "param.to", Title: "Formats", Kind: "list", Sections: []page.OptionSection{{Title: "Foundry", Options: options[:3]}, {Title: "Others", Options: options[3:]}}},
			{Name: "param.width", Title: "Width", Help: "Pixels; only needed if the file does not say it.", Kind: "number", Min: "1", Max: "65536", Step: "1"},
			{Name: "param.height", Title: "Height", Kind: "number", Min: "1", Max: "65536", Step: "1"},
		}},
		{Title: "Reading", Fields: []page.Field{{Name: "param.from", Title: "Format", Kind: "select", Required: true,
			Sections: []page.OptionSection{{Options: []page.Option{{Value: "auto", Title: "Find out", Chosen: true}, {Value: "nuke", Title: "Nuke"}}}}}}},
	}}
}

func allFields() page.Form {
	return page.Form{Recipe: "video-to-mp4", Groups: []page.FieldGroup{{Fields: []page.Field{
		{Name: "param.quality", Title: "Quality", Help: "Smaller is better and larger.", Kind: "number", Value: "23", Min: "18", Max: "32", Step: "1", Required: true},
		{Name: "param.speed", Title: "Speed", Kind: "select", Required: true, Sections: []page.OptionSection{{Options: []page.Option{{Value: "slow", Title: "Slow"}, {Value: "fast", Title: "Fast", Chosen: true}}}}},
		{Name: "param.audio", Title: "Keep the sound", Kind: "checkbox", Value: "true"},
		{Name: "param.title", Title: "Title", Kind: "text", Value: hostile, MaxLength: 100, Pattern: "[^<]*", Wrong: "This may not begin with a dash."},
		{Name: "param.words", Title: "Words", Kind: "words"},
		{Name: "param.key", Title: "Key", Kind: "password"},
		{Name: "param.lut", Title: "LUT", Kind: "file"},
	}}}}
}

func recipes() page.RecipeList {
	return page.RecipeList{Frame: frame("What can be converted", "recipes"), Recipes: []page.RecipeEntry{
		{Name: "video-to-mp4", Title: "Video to MP4", Description: "H.264 video that plays everywhere.", Accepts: []string{"video", ".mov", ".mkv"}, Makes: []string{"MP4"}},
		{Name: "tracks", Title: "Match-move tracks", Description: "2D tracks between tracking and compositing applications.", Accepts: []string{".nk", ".txt", ".2dt", ".shk"}, Makes: []string{"Nuke", "3D-Equalizer 4", "Shake"}},
		{Name: "to-pdf", Title: "Document to PDF", Accepts: []string{".docx"}, Makes: []string{"PDF"}, Missing: []string{"soffice"}, Remedy: "apt-get install libreoffice-writer"},
	}}
}

func cards() map[string]page.Card {
	base := page.Card{ID: "ABCDEFGHIJKLMNOPQRSTUVWXYZ", Name: "shot_040.nk", Size: 2_300_000, What: "Match-move tracks", Targets: "23 formats", Manage: true,
		Times: page.Moments{Created: noon, Waited: 3 * time.Second}, Facts: []page.Fact{{Name: "Job", Value: "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}, {Name: "Accepted", At: &noon}, {Name: "SHA-256 of shot_040.nk", Value: strings.Repeat("0123456789abcdef", 4)}}}
	with := func(change func(*page.Card)) page.Card {
		c := base
		change(&c)
		return c
	}
	played := page.Result{Files: []page.File{{Name: hostile, URL: "/sample.mp4", Size: 9}}, Films: []page.File{{Name: hostile, URL: "/sample.mp4"}}, Sounds: []page.File{{Name: hostile, URL: "/sample.mp3"}}, Excerpt: hostile, ExcerptOf: hostile}
	result := page.Result{Size: 1_900_000, Archive: "/api/v1/jobs/X/outputs.zip", Pictures: []page.Picture{{Name: "trajectories", URL: "/sample.svg"}}}
	for i, suffix := range []string{"nuke.nk", "3de_v4.txt", "shake_trackers.txt", "pftrack_v5.2dt", "syntheyes_2d_paths.txt", "boujou_text.txt", "mayalive.txt", "flame.stabilizer"} {
		result.Files = append(result.Files, page.File{Name: "shot_040_" + suffix, URL: fmt.Sprintf("/api/v1/jobs/X/outputs/%d", i), Size: int64(86_000 + 9000*i)})
	}
	return map[string]page.Card{
		"queued":    with(func(c *page.Card) { c.State = "queued"; c.Waiting.Position = ptr(3); c.Progress.Usual = ptr(240.0) }),
		"next":      with(func(c *page.Card) { c.State = "queued"; c.Waiting.Position = ptr(1) }),
		"unknown":   with(func(c *page.Card) { c.State = "queued" }),
		"scheduled": with(func(c *page.Card) { c.State = "scheduled"; c.Waiting.Starts = &noon; c.Progress.Attempt = 1 }),
		"blocked":   with(func(c *page.Card) { c.State = "blocked" }),
		"running": with(func(c *page.Card) {
			c.State = "running"
			c.Progress = page.Progress{Percent: ptr(62.4), Step: "Converting", Message: "writing “SynthEyes”, 28 of 45 trackers", Left: ptr(40.0), Attempt: 1}
			c.Times.Ran = 72 * time.Second
		}),
		"indeterminate": with(func(c *page.Card) {
			c.State = "running"
			c.Progress = page.Progress{Usual: ptr(30.0), Attempt: 2}
			c.Times.Ran = 12 * time.Second
		}),
		"stopping": with(func(c *page.Card) { c.State = "running"; c.Progress.Stopping = true }),
		"done": with(func(c *page.Card) {
			c.State, c.Result = "succeeded", result
			c.Times.Ran, c.Times.KeptUntil = 400*time.Millisecond, ptr(noon.Add(7*24*time.Hour))
		}),
		"one": with(func(c *page.Card) {
			c.State, c.Result = "succeeded", page.Result{Files: result.Files[:1], Size: 86_000}
			c.Times.KeptUntil = &noon
		}),
		"played": with(func(c *page.Card) { c.State, c.Result = "succeeded", played }),
		"gone":   with(func(c *page.Card) { c.State, c.Times.Gone = "succeeded", &noon }),
		"early":  with(func(c *page.Card) { c.State, c.Times.Gone, c.Times.Early = "succeeded", &noon, true }),
		"failed": with(func(c *page.Card) {
			c.State, c.Name, c.What, c.Targets = "failed", "old_project.docx", "Document to PDF", ""
			c.Failure = page.Failure{Reason: "The file is not a Word document: it begins like a ZIP archive but its contents are damaged.", Hint: "Open it in Word, save it again, and try once more.", Class: "bad_input",
				Lines: []page.LogLine{{Clock: "10:41:07", Text: "convert /in/1.docx as a Writer document"}, {Clock: "10:41:08", Text: "Error: source file could not be loaded " + hostile}, {Text: "no output was written"}}, Log: "/api/v1/jobs/X/log", Mailed: true}
			c.Times.KeptUntil = &noon
		}),
		"cancelled": with(func(c *page.Card) { c.State = "cancelled"; c.Times.KeptUntil = &noon }),
		"expired":   with(func(c *page.Card) { c.State = "expired" }),
		"stranger":  with(func(c *page.Card) { c.State = "running"; c.Manage = false }),
		"hostile":   with(func(c *page.Card) { c.State, c.Name, c.Others = "running", hostile, 2 }),
		"long": with(func(c *page.Card) {
			c.State, c.Result = "succeeded", result
			c.Name = strings.Repeat("a_very_long_name_", 18) + ".nk"
			c.Result.Files = []page.File{{Name: c.Name, URL: "/x", Size: 1}, {Name: c.Name, URL: "/y", Size: 2}}
		}),
	}
}

func group() page.Group {
	all := cards()
	var shown []page.Card
	for i, name := range []string{"running", "queued", "done", "failed", "long"} {
		c := all[name]
		c.ID, c.Facts = fmt.Sprintf("CARD%022d", i), nil
		shown = append(shown, c)
	}
	return page.Group{Frame: frame("5 files", ""), ID: "GGGGGGGGGGGGGGGGGGGGGGGGGG", Total: 5, Percent: ptr(48.0), Manage: true, Archive: "/api/v1/groups/G/outputs.zip",
		Cards:  shown,
		Counts: []page.Count{{State: "queued", N: 1}, {State: "running", N: 1}, {State: "succeeded", N: 2}, {State: "failed", N: 1}}}
}

func tabs(current string) []page.Count {
	out := []page.Count{{N: -1, URL: "/jobs", Current: current == ""}}
	for _, state := range []string{"queued", "running", "succeeded", "failed", "cancelled"} {
		out = append(out, page.Count{State: state, N: 12_345, URL: "/jobs?state=" + state, Current: state == current})
	}
	return out
}

func rows(n int) []page.Row {
	states := []string{"running", "queued", "succeeded", "failed", "cancelled", "scheduled", "blocked", "expired"}
	var out []page.Row
	for i := range n {
		r := page.Row{ID: fmt.Sprintf("ROW%023d", i), Name: fmt.Sprintf("shot_%03d.nk", i), Size: int64(i+1) * 123_456, What: "Match-move tracks", State: states[i%len(states)],
			Created: noon.Add(-time.Duration(i) * time.Hour), Ran: time.Duration(i) * 730 * time.Millisecond, Attempt: i % 3, Owner: "anon:ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
		switch r.State {
		case "running":
			r.Percent = ptr(37.5)
		case "failed":
			r.Reason, r.Class = "The video is incomplete: its index is missing. Copy it again from the camera.", "bad_input"
		}
		if i%7 == 6 {
			r.Name = strings.Repeat("long_", 50) + ".mov"
		}
		out = append(out, r)
	}
	return out
}

func jobs(n int) page.JobList {
	return page.JobList{Frame: frame("My jobs", "jobs"), Rows: rows(n), Tabs: tabs("running"), Next: "/jobs?cursor=x", First: "/jobs"}
}

// button is the page of a recipe without upload.
func button(of *page.Runs, confirm string) page.Recipe {
	if of == nil {
		of = &page.Runs{Recipe: "restart"}
	}
	return page.Recipe{Frame: frame("Restart the web site", "recipes"), Entry: page.RecipeEntry{Name: "restart", Title: "Restart the web site"},
		Form: allFields(), Action: "/jobs", Confirm: confirm, Runs: of}
}

func runs() *page.Runs {
	card := cards()["running"]
	card.Button, card.By = "restart", hostile
	list := rows(3)
	for i := range list {
		list[i].By, list[i].Settings = hostile, "host = web2"
	}
	return &page.Runs{Recipe: "restart", Shared: true, Shown: card.ID, Log: "/api/v1/jobs/" + card.ID + "/log", Card: &card, Rows: list, Busy: true}
}
