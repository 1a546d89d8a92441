package page

import "html/template"

// Help is a chapter of the handbook.
type Help struct {
	Frame
	Chapters []HelpLink
	// Body is the chapter; it comes with the program, not from anybody.
	Body template.HTML
}

// Template implements Page.
func (Help) Template() string { return "help" }

// HelpLink leads to a chapter; Here says that it is the one that is shown.
type HelpLink struct {
	Name, Title string
	Here        bool
}
