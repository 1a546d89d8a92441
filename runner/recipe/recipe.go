// Package recipe owns the declaration of one kind of job, as data: what files it
// takes, what it makes of them, with which parameters, steps, limits and access; and
// the rules that need nothing but that data: checking parameter values, filling
// {placeholders} of a command line, choosing recipes for a file.
//
// It does not own reading recipe files (recipe/load), running steps (runner) or
// showing forms (webui). It may import the standard library and runner/fault.
package recipe

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"convertd/runner/fault"
)

// Text is a text for people: one string, or one per language ("en", "de").
// The key "" is the text without a language.
type Text map[string]string

// UnmarshalJSON reads a text, or a table with one per language: declarations that were
// kept before a text could be said in several languages have it as one string.
func (t *Text) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*t = nil
		if one != "" {
			*t = Text{"": one}
		}
		return nil
	}
	var all map[string]string
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	*t = all
	return nil
}

// In returns the text in the language, else without language, else in English,
// else any (the first by language code).
func (t Text) In(lang string) string {
	for _, key := range []string{lang, "", "en"} {
		if s, ok := t[key]; ok {
			return s
		}
	}
	first := ""
	for key := range t {
		if first == "" || key < first {
			first = key
		}
	}
	return t[first]
}

// Recipe declares one kind of job. Its JSON form is what travels to the child.
type Recipe struct {
	// Name is the recipe's identity: lower-case letters, digits and dashes.
	Name string `json:"name"`
	// Version is the first 12 hex digits of the SHA-256 of the declaration, so that a
	// row says what exactly was run.
	Version     string `json:"version"`
	Title       Text   `json:"title,omitempty"`
	Description Text   `json:"description,omitempty"`
	// Confirm is what people are asked before a run of a recipe without upload; empty
	// asks nothing.
	Confirm Text `json:"confirm,omitempty"`
	// Accept lists media types ("video/*"), and extensions (".mov"); empty means the
	// recipe takes no upload.
	Accept []string `json:"accept"`
	// To lists what people choose: "mp4", "pdf".
	To     []string `json:"to,omitempty"`
	Inputs Inputs   `json:"inputs"`
	Queue  string   `json:"queue"`
	// Slots is how many units of concurrency one job takes.
	Slots         int            `json:"slots"`
	NeedsResource map[string]int `json:"needs_resource,omitempty"`
	// Concurrency says which jobs never run beside those of this recipe.
	Concurrency Concurrency `json:"concurrency,omitzero"`

	Params  []Param   `json:"params,omitempty"`
	Presets []Preset  `json:"presets,omitempty"`
	Sources []Source  `json:"sources,omitempty"`
	Cache   Cache     `json:"cache,omitzero"`
	Steps   []Step    `json:"steps"`
	Outputs []Output  `json:"outputs,omitempty"`
	Explain []Explain `json:"explain,omitempty"`
	Access  Access    `json:"access"`
	Limits  Limits    `json:"limits"`
	Retry   Retry     `json:"retry"`
	Keep    Keep      `json:"keep"`
	Visible Visible   `json:"visible"`
	Needs   Needs     `json:"needs"`

	// UnsafeShell permits {placeholders} inside the script of a shell or interpreter
	// (`sh -c`); without it such a recipe is refused, because a value could become code.
	UnsafeShell bool `json:"unsafe_shell,omitempty"`
	// Shared lists the runs of this recipe to all who may use it.
	Shared bool `json:"shared,omitempty"`
	// Mail lists the ends of which the administrator is told by mail; nil means every
	// failure, and successes where the configuration says so. See Mails.
	Mail []fault.Class `json:"mail,omitzero"`
	// Source is the file the declaration was read from, for messages.
	Source string `json:"source,omitempty"`
	// Shipped recipes came with convertd; one of the administrator's own goes before them.
	Shipped bool `json:"shipped,omitempty"`
}

// Mails reports whether the administrator is told by mail of a job that ended so; usual is
// what holds for recipes that say nothing about it.
func (r Recipe) Mails(class fault.Class, usual bool) bool {
	if r.Mail == nil {
		return usual
	}
	return slices.Contains(r.Mail, class)
}

// Inputs says how several files are taken.
type Inputs struct {
	// Each makes one job per file. Otherwise one job takes Min to Max files in order.
	Each bool `json:"each"`
	Min  int  `json:"min"`
	Max  int  `json:"max"`
}

// ParamType is the type of a parameter.
type ParamType string

// The closed set of parameter types.
const (
	String  ParamType = "string"
	Integer ParamType = "integer"
	Number  ParamType = "number"
	Boolean ParamType = "boolean"
	Choice  ParamType = "choice"
	List    ParamType = "list"
	File    ParamType = "file"
	Secret  ParamType = "secret"
)

// Param declares one parameter. A parameter without Default must be given, unless
// Optional.
type Param struct {
	Name    string    `json:"name"`
	Type    ParamType `json:"type"`
	Title   Text      `json:"title,omitempty"`
	Help    Text      `json:"help,omitempty"`
	Default *Value    `json:"default,omitempty"`
	// Optional parameters may be absent; their placeholder is then empty, and an argv
	// word that consists of it alone is left out.
	Optional bool     `json:"optional,omitempty"`
	Min      *float64 `json:"min,omitempty"`
	Max      *float64 `json:"max,omitempty"`
	// Pattern is a regular expression (RE2) the whole text must match.
	Pattern string `json:"pattern,omitempty"`
	// MaxLength counts bytes; 0 means 1000.
	MaxLength int `json:"max_length,omitempty"`
	// AllowDash permits a text value that begins with "-"; without it such a value is
	// refused, because the tool would take it for an option.
	AllowDash bool `json:"allow_dash,omitempty"`
	// Accept lists media types and extensions of a file, as for the recipe; none takes any.
	Accept []string `json:"accept,omitempty"`
	// Choices are the allowed values of a choice, and of each element of a list.
	Choices []ParamChoice `json:"choices,omitempty"`
	// Args are the words that {args.NAME} stands for when the parameter has a value
	// (a boolean: when it is true); {value} in them is the value.
	Args []string `json:"args,omitempty"`
	// Group folds parameters together on the form; none is the main group.
	Group Text `json:"group,omitempty"`
}

// ParamChoice is one allowed value, with its title and the heading it is shown under.
type ParamChoice struct {
	Value string `json:"value"`
	Title Text   `json:"title,omitempty"`
	Group string `json:"group,omitempty"`
	// Args are the words that {args.NAME} stands for when this value is chosen; they
	// take the place of the parameter's own Args.
	Args []string `json:"args,omitempty"`
}

// Value is one checked parameter value: one word for all types but list. Numbers and
// booleans are kept in their canonical text ("23", "0.5", "true").
type Value []string

// Values are the checked parameters of one job by name.
type Values map[string]Value

// Step is one command, one built-in conversion, or one call of a service.
type Step struct {
	Name string `json:"name,omitempty"`
	// Title is shown while the step runs.
	Title Text `json:"title,omitempty"`
	// Builtin names code of our own that runs as a step ("tracks"); Command is then empty.
	Builtin string   `json:"builtin,omitempty"`
	Command []string `json:"command,omitempty"`
	// HTTP calls a service instead of a program.
	HTTP *HTTP `json:"http,omitempty"`
	// Probe is run first; its first line of output is the total that percent is
	// computed from (a duration in seconds for the extractor "ffmpeg").
	Probe []string          `json:"probe,omitempty"`
	Env   map[string]string `json:"env,omitempty"`
	// Progress names an extractor; Patterns are reading rules of the recipe's own.
	Progress string    `json:"progress,omitempty"`
	Patterns []Pattern `json:"patterns,omitempty"`
	// Weight is this step's share of the bar against the other steps; 0 means 1.
	Weight     float64  `json:"weight,omitempty"`
	OKExit     []int    `json:"ok_exit,omitempty"`
	FailIf     []string `json:"fail_if,omitempty"`
	BadInputIf []string `json:"bad_input_if,omitempty"`
	// PTY runs the tool on a pseudo-terminal, LineBuffer under stdbuf, for tools that
	// only then show progress.
	PTY        bool `json:"pty,omitempty"`
	LineBuffer bool `json:"line_buffer,omitempty"`
	// When is a condition "param.NAME = VALUE" or "param.NAME != VALUE"; empty means
	// always. See Wanted.
	When string `json:"when,omitempty"`
}

// Pattern reads percent and message out of a tool's output.
type Pattern struct {
	// Match is a regular expression (RE2). Named groups: percent (0..100), done and
	// total, message, stage.
	Match string `json:"match"`
	// Stage limits this pattern to a stage of the step; Weight is its share.
	Stage  string  `json:"stage,omitempty"`
	Weight float64 `json:"weight,omitempty"`
}

// Output declares files that a successful run must leave.
type Output struct {
	// Match is a file name pattern (path.Match) beneath the output folder.
	Match string `json:"match"`
	// Min is how many files must match; 0 in a recipe file means 1.
	Min int `json:"min"`
	// Max is how many may; 0 means no limit of its own.
	Max int `json:"max,omitempty"`
	// Type is the media type the content must have ("application/pdf"); empty means
	// it follows from the extension where that is known.
	Type string `json:"type,omitempty"`
	// Show is the name people are shown instead of the file's own, with {stem} for the
	// stem of the first input: for tools that choose the name themselves. See ShownName.
	Show string `json:"show,omitempty"`
}

// Explain turns the converter's words into the person's.
type Explain struct {
	// Match is a regular expression (RE2) searched in the last lines of the log.
	Match string `json:"match"`
	// Class replaces converter_failed; empty keeps it.
	Class fault.Class `json:"class,omitempty"`
	// Say may use $1 … for groups of Match.
	Say  Text `json:"say"`
	Hint Text `json:"hint,omitempty"`
}

// Access is what the box grants beyond nothing.
type Access struct {
	// Read and Write are files and folders of the machine.
	Read  []string `json:"read,omitempty"`
	Write []string `json:"write,omitempty"`
	// Devices are nodes of /dev, or patterns of such ("/dev/nvidia*").
	Devices []string `json:"devices,omitempty"`
	// Hosts are HOST or HOST:PORT (80 and 443 without a port), "*.DOMAIN", or "*" for the
	// internet; a host with {param.NAME} in it may not be of a private network.
	Hosts []string `json:"hosts,omitempty"`
	// Secrets are files by the names under which steps find what is in them.
	Secrets map[string]string `json:"secrets,omitempty"`
	// User is the user of the machine as which steps run; "" means one of their own.
	User string `json:"user,omitempty"`
	// Network is HostNetwork or "".
	Network string `json:"network,omitempty"`
}

// Words says in words what is granted, one thing each.
func (a Access) Words() []string {
	var all []string
	for _, list := range []struct {
		does   string
		things []string
	}{{"reads", a.Read}, {"writes", a.Write}, {"uses", a.Devices}, {"reaches", a.Hosts}} {
		for _, thing := range list.things {
			all = append(all, list.does+" "+thing)
		}
	}
	if a.Network == HostNetwork {
		all = append(all, "reaches the whole network, without a filter")
	}
	for _, name := range slices.Sorted(maps.Keys(a.Secrets)) {
		all = append(all, "is given the secret "+name+" ("+a.Secrets[name]+")")
	}
	if a.User != "" {
		all = append(all, "runs as the user "+a.User)
	}
	return all
}

// HostNetwork is the network of the machine, without a filter.
const HostNetwork = "host"

// Grants reports whether anything is granted at all.
func (a Access) Grants() bool {
	return len(a.Read)+len(a.Write)+len(a.Devices)+len(a.Hosts)+len(a.Secrets) > 0 || a.User != "" || a.Network != ""
}

// Limits bound one attempt; 0 means the shipped default (see DefaultLimits).
type Limits struct {
	Memory    int64         `json:"memory,omitempty"` // bytes
	Disk      int64         `json:"disk,omitempty"`   // bytes of work, output, state and log together
	Log       int64         `json:"log,omitempty"`    // bytes of log kept
	Time      time.Duration `json:"time,omitempty"`   // running time only
	Grace     time.Duration `json:"grace,omitempty"`  // between SIGTERM and the kill
	Processes int           `json:"processes,omitempty"`
	Outputs   int           `json:"outputs,omitempty"` // number of output files
	// CPUWeight is the share of the processors beside other attempts, 1 to 10000; 0 means
	// the usual 100. It bounds nothing while nobody else wants them.
	CPUWeight int `json:"cpu_weight,omitempty"`
}

// Retry says how failures are tried again.
type Retry struct {
	MaxAttempts int           `json:"max_attempts"`
	On          []fault.Class `json:"on,omitempty"`
}

// Keep says how long things are kept after the end.
type Keep struct {
	Results time.Duration `json:"results,omitempty"`
	Failed  time.Duration `json:"failed,omitempty"`
	Rows    time.Duration `json:"rows,omitempty"`
}

// Visible says who may use the recipe.
type Visible struct {
	Anonymous bool     `json:"anonymous,omitempty"`
	Owners    []string `json:"owners,omitempty"`
}

// Needs names what must be installed.
type Needs struct {
	// Packages are Debian packages, for the remedy shown to the administrator.
	Packages []string `json:"packages,omitempty"`
	// Binaries must be found on PATH or be absolute paths.
	Binaries []string `json:"binaries,omitempty"`
}

// DefaultLimits are in force where a recipe says nothing.
func DefaultLimits() Limits {
	return Limits{
		Memory: 2 << 30, Disk: 20 << 30, Log: 10 << 20,
		Time: time.Hour, Grace: 10 * time.Second,
		Processes: 256, Outputs: 1000,
	}
}
