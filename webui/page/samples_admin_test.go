package page_test

import "convertd/webui/page"

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
	audit.Refused = &page.Problem{Message: hostile, Hint: hostile}
	for _, verb := range []string{"sign-in", "pause", "resume", "drain", "drop-cache", "cancel", "cancel-group", "retry", "replay", "delete", "keep"} {
		for _, outcome := range []string{"done", "unknown", "already_ended"} {
			audit.Acts = append(audit.Acts, page.Act{At: noon, Who: hostile, Address: "10.0.0.1", Via: "page", Verb: verb, Target: hostile, URL: "/jobs/X", Detail: hostile, Outcome: outcome})
		}
	}
	return audit
}
