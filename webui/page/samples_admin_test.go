package page_test

import (
	"time"

	"convertd/webui/page"
)

func adminFrame(title, area string) page.AdminFrame {
	f := page.AdminFrame{Frame: frame(title, "admin"), Area: area}
	f.Admin = true
	return f
}

func allJobs(rows []page.Row) page.AdminJobs {
	choices := []page.Option{{Title: "All"}, {Value: hostile, Title: hostile, Chosen: true}}
	return page.AdminJobs{AdminFrame: adminFrame("All jobs", "jobs"), Rows: rows, Tabs: tabs("running"), Query: hostile, Owner: hostile,
		Recipes: choices, Spans: choices, Next: "/admin?cursor=x", First: "/admin", Most: 500}
}

func acts() page.AdminAudit {
	audit := page.AdminAudit{AdminFrame: adminFrame("Audit log", "audit"), Query: hostile, Filtered: true, Verbs: []page.Option{{Title: "All"}}, Next: "/admin/audit?cursor=x"}
	audit.Problem = &page.Problem{Message: hostile, Hint: hostile}
	for _, verb := range []string{"sign-in", "pause", "resume", "drain", "drop-cache", "cancel", "cancel-group", "retry", "replay", "delete", "keep"} {
		for _, outcome := range []string{"done", "unknown", "already_ended"} {
			audit.Acts = append(audit.Acts, page.Act{At: noon, Who: hostile, Address: "10.0.0.1", Via: "page", Verb: verb, Target: hostile, URL: "/jobs/X", Detail: hostile, Outcome: outcome})
		}
	}
	return audit
}

func machines() page.AdminQueues {
	view := page.AdminQueues{AdminFrame: adminFrame("Queues", "queues"),
		Queues:    []page.Queue{{Name: hostile, Running: 1, Waiting: 2, Limit: 3, Most: 4}, {Name: "video", PausedAt: &noon}},
		Resources: []page.Resource{{Name: hostile, Total: 2, Used: 3, Waiting: 4}}}
	for _, state := range []string{"standby", "serving", "draining", "drained", "stopped", "silent"} {
		view.Dispatchers = append(view.Dispatchers, page.Dispatcher{Host: hostile, Version: hostile, State: state, PID: 1, Slots: 2, Running: 1, Started: noon, Seen: noon, Trouble: hostile})
	}
	return view
}

func findings() page.AdminFindings {
	view := page.AdminFindings{AdminFrame: adminFrame("Findings", "findings"), Host: hostile, Examined: &noon}
	for _, level := range []string{"ok", "warn", "fail"} {
		view.Findings = append(view.Findings, page.Finding{Check: "disk", Level: level, Text: hostile, Remedy: hostile, Since: noon})
	}
	return view
}

func attempts() page.AdminAttempts {
	full := page.Attempt{Number: 1, Started: noon, Ended: &noon, Class: "memory", Detail: hostile, ExitCode: 1, Version: hostile, Wall: time.Minute, CPU: time.Second,
		Memory: 3 << 30, MemoryLimit: 2 << 30, TimeLimit: time.Hour, Host: hostile, Kernel: hostile, Lacks: []string{hostile}, Advice: []string{hostile},
		Ran: []page.Program{{Line: hostile, Version: hostile, ExitCode: 1, Took: time.Second}, {Line: "cp", Signal: "killed"}}}
	return page.AdminAttempts{AdminFrame: adminFrame("Attempts", "jobs"), Job: rows(4)[3], Replayable: true, Differs: []string{hostile},
		Attempts: []page.Attempt{full, {Number: 2, Started: noon, Ended: &noon, Signal: "terminated"}, {Number: 3, Started: noon}}}
}
