package page

import "time"

// Frame is what every page has around its content.
type Frame struct {
	// Title is the page's own title; the house's name is added to it.
	Title string
	// Lead stands before it in the tab: a percent or a state, "" for nothing.
	Lead string
	// Place is the entry of the main menu the page belongs to: "convert", "jobs",
	// "recipes", "admin", "help" or "".
	Place string
	// Admin says that the reader is signed in as the administrator.
	Admin bool
	// Refresh is after how many seconds a page without scripts asks again; 0 is never.
	Refresh int
	// Notice is one sentence about what was just done, "" for none.
	Notice string
	// Here is the page's own address, to come back to after the language was changed.
	Here string
	// Icon is the tab's icon: a state's name or "idle"; Percent belongs to "running".
	Icon    string
	Percent *float64
}

// Promises is what is told before the upload.
type Promises struct {
	// MaxUpload is the largest file in bytes, 0 for no limit.
	MaxUpload int64
	// Results and Failed are how long results and failed inputs are kept.
	Results, Failed time.Duration
	// MailsFailures says that a failed file goes to the administrator.
	MailsFailures bool
}

// Index is the page with the drop zone.
type Index struct {
	Frame
	Promises Promises
	// Sections are all targets for the list that works without scripts.
	Sections []Section
	// To is what the list has chosen already, a Choice's To.
	To string
	// Refused is why the form was not accepted, nil at first.
	Refused *Problem
	// Recent are the reader's newest jobs.
	Recent []Row
}

// Template implements Page.
func (Index) Template() string { return "index" }

// Section is a heading with choices.
type Section struct {
	Title   string
	Choices []Choice
}

// Choice is one thing a file can become.
type Choice struct {
	// Value is what the form sends: RECIPE or RECIPE/TARGET.
	Value string
	// Title is the target ("MP4"), Note what makes it ("Video to MP4").
	Title, Note string
	// Recipe names the settings that belong to the choice; Target is the value of the
	// recipe's parameter "to", "" if it has none.
	Recipe, Target string
	// To names the target in the form that works without scripts.
	To string
}

// Choices is the fragment a card asks for: what this file can become.
type Choices struct {
	// Name is the file's name, Kind what its first bytes say it is.
	Name, Kind string
	// Likely are shown at once, at most six; More behind a search.
	Likely []Choice
	More   []Section
	Forms  []Form
	// Together are the recipes that take several such files at once.
	Together []Together
	// Taken says that one of the choices is made beforehand: the first.
	Taken string
}

// Template implements Page.
func (Choices) Template() string { return "index" }

// Part implements Fragment.
func (Choices) Part() string { return "choices" }

// Together is a recipe that makes one thing of several files, Min to Max of them.
type Together struct {
	Title    string
	Min, Max int
	Form     Form
}

// Form is the settings of one recipe.
type Form struct {
	Recipe string
	// Open shows the settings unfolded, because something there is worth a look.
	Open bool
	// Presets fill several settings at once; the first is the defaults.
	Presets []Preset
	// Groups are headings with fields; the first has no heading.
	Groups []FieldGroup
}

// Preset is a link that fills the settings of a form.
type Preset struct {
	// Title is "" for the defaults.
	Title, Help string
	// Path is the page with the settings filled, for browsers without scripts.
	Path string
	// Values are the settings' values by the names of their fields, as JSON.
	Values string
	// Chosen says that these values stand in the form.
	Chosen bool
}

// FieldGroup is fields folded together.
type FieldGroup struct {
	Title string
	// Open shows the group unfolded.
	Open   bool
	Fields []Field
}

// Field is one setting.
type Field struct {
	// Name is the form's name of it ("param.quality").
	Name, Title, Help string
	// Kind is "text", "number", "checkbox", "select", "list", "words", "file", "password" or
	// "email".
	Kind string
	// Value is what stands in it at first.
	Value string
	// Sections are the options of a select or list.
	Sections []OptionSection
	Required bool
	// Min, Max and Step limit a number, "" for none; MaxLength a text.
	Min, Max, Step string
	MaxLength      int
	// Accept is the file chooser's list of types.
	Accept string
	// Pattern is what a text must match, "" for anything.
	Pattern string
	// Wrong is why the value was refused, "" if it was not.
	Wrong string
}

// OptionSection is options under a heading: the writers of one application.
type OptionSection struct {
	Title   string
	Options []Option
}

// Option is one value of a select or list.
type Option struct {
	Value, Title string
	Chosen       bool
}

// RecipeList is the page of all that can be converted.
type RecipeList struct {
	Frame
	Recipes []RecipeEntry
}

// Template implements Page.
func (RecipeList) Template() string { return "recipes" }

// RecipeEntry is one recipe in the list.
type RecipeEntry struct {
	Name, Title, Description string
	// Accepts and Makes are words: "video", ".mov"; "MP4".
	Accepts, Makes []string
	// Missing is what is not installed; empty means that the recipe works.
	Missing []string
	// Remedy is what the administrator can do about it; nobody else is told.
	Remedy string
	// Access is what it is granted of the machine and the network, for the administrator
	// alone.
	Access []string
}

// Recipe is the page of one recipe: its form with all settings, which works without
// scripts.
type Recipe struct {
	Frame
	Entry    RecipeEntry
	Promises Promises
	Form     Form
	// Action is where the form is sent.
	Action string
	// Accept is the file chooser's list of types; Several that it takes many files.
	Accept  string
	Several bool
	// Takes is false for a recipe without upload.
	Takes   bool
	Refused *Problem
	// Mail asks whom to mail at the end, nil where nobody may be.
	Mail *Field
	// Confirm is what a person is asked before a run, "" for nothing.
	Confirm string
	// Runs are those of a recipe without upload, nil otherwise.
	Runs *Runs
	// Again is the job whose files are used once more, nil for a new upload.
	Again *Row
}

// Template implements Page.
func (Recipe) Template() string { return "recipe" }

// Runs are the last runs of a recipe without upload, and the one that is watched.
type Runs struct {
	Recipe string
	// Shared says that the runs of all are among them.
	Shared bool
	// Shown is the id of the run to watch and Log the address of its log, "" for none;
	// Card is filled on the page, not in the fragment.
	Shown, Log string
	Card       *Card
	Rows       []Row
	// Busy says that the button would be refused now.
	Busy bool
}

// Template implements Page.
func (Runs) Template() string { return "recipe" }

// Part implements Fragment.
func (Runs) Part() string { return "runs" }

// Problem is a refusal on a page.
type Problem struct {
	Message, Hint string
	Fields        []string
}

// ErrorPage is shown when there is no page.
type ErrorPage struct {
	Frame
	Status  int
	Problem Problem
}

// Template implements Page.
func (ErrorPage) Template() string { return "error" }

// SignIn is the page on which the administrator's code is exchanged.
type SignIn struct {
	Frame
	Code    string
	Refused *Problem
}

// Template implements Page.
func (SignIn) Template() string { return "signin" }
