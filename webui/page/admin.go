package page

import "time"

// AdminFrame is what every page of the administrator's area has around its content.
type AdminFrame struct {
	Frame
	// Area is the entry of the area's own menu: "jobs", "audit".
	Area string
	// Problem is why the last form of the page was not done, nil when it was.
	Problem *Problem
}

// AdminJobs is the list of all jobs.
type AdminJobs struct {
	AdminFrame
	Rows []Row
	// Tabs are states with their counts.
	Tabs []Count
	// Query is the search box's text; State, Recipe, Owner and Since are the filters,
	// "" for none.
	Query, State, Recipe, Owner, Since string
	// Recipes and Spans are what can be chosen to filter by.
	Recipes, Spans []Option
	// Next is the address of the next page, "" on the last; First of the first, "" on it.
	Next, First string
	// Most is how many jobs are done at once at most.
	Most int
}

// Template implements Page.
func (AdminJobs) Template() string { return "admin" }

// Filtered reports whether not all jobs of the state are shown.
func (l AdminJobs) Filtered() bool {
	return l.Query != "" || l.Recipe != "" || l.Owner != "" || l.Since != ""
}

// AdminAudit is the list of what administrators did.
type AdminAudit struct {
	AdminFrame
	Acts []Act
	// Query is the search box's text, Verbs what can be chosen to filter by.
	Query       string
	Verbs       []Option
	Filtered    bool
	Next, First string
}

// Template implements Page.
func (AdminAudit) Template() string { return "admin-audit" }

// Act is one thing that an administrator did or tried to do.
type Act struct {
	At           time.Time
	Who, Address string
	Via, Verb    string
	// Target is what it was done to, URL its page, "" for none.
	Target, URL string
	Detail      string
	// Outcome is "done", "unknown", or the code of the refusal.
	Outcome string
}
