// Package config owns the daemon's settings: their names, defaults, where each value
// came from (flag, environment, file or default), and the errors that name a wrong one
// with its line and the nearest known name.
//
// It does not own what the settings do. It may import BurntSushi/toml, runner/recipe and recipe/load
// (for sizes and durations).
package config

import (
	"runtime"
	"time"
)

// DefaultPath is where the configuration file is looked for without --config.
const DefaultPath = "/etc/convertd/convertd.toml"

// Config is every setting, in parts; a part of the program gets only its own.
type Config struct {
	Web        Web              `toml:"web"`
	Database   Database         `toml:"database"`
	Memcached  Memcached        `toml:"memcached"`
	Spool      Spool            `toml:"spool"`
	Dispatcher Dispatcher       `toml:"dispatcher"`
	Resources  map[string]int   `toml:"resources"`
	Queue      map[string]Queue `toml:"queue"`
	Recipes    Recipes          `toml:"recipes"`
	Mail       Mail             `toml:"mail"`
	Keep       Keep             `toml:"keep"`
	Sandbox    Sandbox          `toml:"sandbox"`
}

// Web is the web process.
type Web struct {
	Listen         string   `toml:"listen"`
	BaseURL        string   `toml:"base_url"`
	MaxUpload      Size     `toml:"max_upload"`
	Open           bool     `toml:"open"`
	AdminToken     string   `toml:"admin_token"`
	Hosts          []string `toml:"hosts"`
	TrustedProxies []string `toml:"trusted_proxies"`
	UserHeader     string   `toml:"user_header"`
	// Name, Footer, Colour (#rrggbb) and Logo (a picture's file) are how the pages present
	// the installation; empty is convertd's own look.
	Name   string `toml:"name"`
	Footer string `toml:"footer"`
	Colour string `toml:"colour"`
	Logo   string `toml:"logo"`
	// How often one caller may ask; 0 means as often as it likes. Of IPv6 addresses the
	// network of 64 bits counts. Answers beyond are 429 with Retry-After.
	// SubmissionsPerHour and UploadsPerHour are jobs and resumable uploads per owner; an
	// address may have four times as many.
	SubmissionsPerHour int `toml:"submissions_per_hour"`
	UploadsPerHour     int `toml:"uploads_per_hour"`
	// RequestsPerSecond is per address, whatever is asked for; polling is most of it.
	RequestsPerSecond int `toml:"requests_per_second"`
	// UnknownIDsPerMinute is how often an address may ask for jobs that are not there.
	UnknownIDsPerMinute int `toml:"unknown_ids_per_minute"`
	// SignInsPerMinute is how many wrong tokens an address may try.
	SignInsPerMinute int `toml:"sign_ins_per_minute"`
	// StreamsPerAddress and ConnectionsPerAddress are how many may be open at once.
	StreamsPerAddress     int `toml:"streams_per_address"`
	ConnectionsPerAddress int `toml:"connections_per_address"`
	// Unlimited are addresses and networks that none of these holds for but sign-ins.
	Unlimited []string `toml:"unlimited"`
}

// Database is the PostgreSQL that holds the rows; empty under `up` means a private one.
type Database struct {
	URL string `toml:"url"`
}

// Memcached holds the statuses; empty under `up` means a private one.
type Memcached struct {
	Address string `toml:"address"`
}

// Spool is where the files of jobs lie.
type Spool struct {
	Dir string `toml:"dir"`
}

// Dispatcher is how much runs at once.
type Dispatcher struct {
	Slots  int  `toml:"slots"`
	Memory Size `toml:"memory"`
}

// Queue is a named lane.
type Queue struct {
	Limit      int `toml:"limit"`
	MaxWaiting int `toml:"max_waiting"`
}

// Recipes is where the administrator's own recipes lie.
type Recipes struct {
	Dir string `toml:"dir"`
}

// Mail is who is told what.
type Mail struct {
	SMTP           string `toml:"smtp"`
	From           string `toml:"from"`
	Admin          string `toml:"admin"`
	SuccessToAdmin bool   `toml:"success_to_admin"`
	PerHour        int    `toml:"per_hour"`
	AttachLimit    Size   `toml:"attach_limit"`
	UserAddresses  string `toml:"user_addresses"`
}

// Keep is how long things are kept after the end of a job.
type Keep struct {
	Results Duration `toml:"results"`
	Failed  Duration `toml:"failed"`
	Rows    Duration `toml:"rows"`
	// Free is how much of the spool's disk is to stay free: below it the oldest results go
	// before their time.
	Free Share `toml:"free"`
}

// Sandbox is what the box of a step must give.
type Sandbox struct {
	Require bool `toml:"require"`
	// UIDBase is the first of the user ids given to steps when the daemon is root: one
	// per slot.
	UIDBase int `toml:"uid_base"`
}

// Default returns the settings in force when nothing is configured.
func Default() Config {
	return Config{
		Web:        defaultWeb(),
		Memcached:  Memcached{},
		Dispatcher: Dispatcher{Slots: runtime.NumCPU()},
		Resources:  map[string]int{},
		Queue:      map[string]Queue{},
		Recipes:    Recipes{Dir: "/etc/convertd/recipes"},
		Mail:       Mail{PerHour: 20, AttachLimit: 10 << 20},
		Keep: Keep{
			Results: Duration(7 * 24 * time.Hour),
			Failed:  Duration(7 * 24 * time.Hour),
			Rows:    Duration(30 * 24 * time.Hour),
			Free:    Share{Percent: 5},
		},
		Sandbox: Sandbox{UIDBase: 64000},
	}
}

// defaultWeb lets people never notice that there are rates, whether one drops a thousand
// files or an office shares an address; who works on the machine itself has none.
func defaultWeb() Web {
	return Web{
		Listen: "127.0.0.1:8080", MaxUpload: 20 << 30,
		SubmissionsPerHour: 5000, UploadsPerHour: 5000, RequestsPerSecond: 500,
		UnknownIDsPerMinute: 300, SignInsPerMinute: 10,
		StreamsPerAddress: 256, ConnectionsPerAddress: 1024,
		Unlimited: []string{"127.0.0.0/8", "::1"},
	}
}
