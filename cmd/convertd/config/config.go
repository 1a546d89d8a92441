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

// Config is every setting, in parts; a part of the program gets only its own. The tags
// are all that is said of a setting: its name in files, variables and flags (toml), what
// it is for (doc), and its default in words where that is none to print (default).
type Config struct {
	Web        Web              `toml:"web" doc:"The pages and the API: where they are, who may use them, how they look, how much one caller may ask for."`
	Database   Database         `toml:"database" doc:"The PostgreSQL that holds the rows."`
	Memcached  Memcached        `toml:"memcached" doc:"What holds the percent and the message of running jobs. It may be empty or away at any time: jobs are not affected."`
	Spool      Spool            `toml:"spool" doc:"Where the files of jobs lie."`
	Dispatcher Dispatcher       `toml:"dispatcher" doc:"How much runs at once."`
	Resources  map[string]int   `toml:"resources" doc:"Counted things of the machine that recipes need (needs_resource): how many there are of each."`
	Queue      map[string]Queue `toml:"queue" doc:"The lanes that recipes name (queue). One that is not here has no limits."`
	Recipes    Recipes          `toml:"recipes" doc:"Your own recipes; they stand over the shipped ones of the same name."`
	Mail       Mail             `toml:"mail" doc:"Who is told what. Without smtp and from no mail is sent."`
	Keep       Keep             `toml:"keep" doc:"How long things are kept after the end of a job; [keep] of a recipe stands over it."`
	Sandbox    Sandbox          `toml:"sandbox" doc:"The box of steps."`
}

// Web is the web process.
type Web struct {
	Listen         string   `toml:"listen" doc:"Address and port. Port 0 picks a free one. An address that other machines reach needs user_header or open."`
	BaseURL        string   `toml:"base_url" doc:"How people reach the pages, like https://convert.example.org: for links in mails and the check of host names."`
	MaxUpload      Size     `toml:"max_upload" doc:"The largest file that is taken."`
	Open           bool     `toml:"open" doc:"Everybody who reaches the address may use it, without a sign-in."`
	AdminToken     string   `toml:"admin_token" default:"none; convertd up makes one" doc:"What the administrator signs in with, a long random text (openssl rand -hex 16). Without one there are no administrator's pages and calls."`
	Hosts          []string `toml:"hosts" doc:"Further host names under which the pages may be asked for."`
	TrustedProxies []string `toml:"trusted_proxies" doc:"Addresses and networks of the proxies whose word on the client's address and user_header counts."`
	UserHeader     string   `toml:"user_header" doc:"The header in which a signing-in proxy names the person, like X-Remote-User."`

	Name   string `toml:"name" default:"convertd" doc:"What the pages call the installation."`
	Footer string `toml:"footer" doc:"A line at the foot of every page."`
	Colour string `toml:"colour" default:"convertd's own" doc:"The colour of buttons and bars, as #rrggbb."`
	Logo   string `toml:"logo" default:"convertd's own" doc:"The file of a picture beside the name."`

	SubmissionsPerHour    int      `toml:"submissions_per_hour" doc:"Jobs of one owner in an hour, and a quarter of those of one address; 0 for no limit. Whatever is beyond this limit or those below is answered 429; of an IPv6 address the network of 64 bits counts."`
	UploadsPerHour        int      `toml:"uploads_per_hour" doc:"Resumable uploads of one owner in an hour, and a quarter of those of one address; 0 for no limit."`
	RequestsPerSecond     int      `toml:"requests_per_second" doc:"Requests of any kind from one address in a second, 0 for no limit."`
	UnknownIDsPerMinute   int      `toml:"unknown_ids_per_minute" doc:"How often one address may ask for jobs that are not there, 0 for no limit."`
	SignInsPerMinute      int      `toml:"sign_ins_per_minute" doc:"How many wrong tokens one address may try, 0 for no limit."`
	StreamsPerAddress     int      `toml:"streams_per_address" doc:"Event streams of one address at once, 0 for no limit."`
	ConnectionsPerAddress int      `toml:"connections_per_address" doc:"Connections of one address at once, 0 for no limit."`
	Unlimited             []string `toml:"unlimited" doc:"Addresses and networks that none of these limits holds for, but that on sign-ins."`
}

// Database is the PostgreSQL that holds the rows.
type Database struct {
	URL string `toml:"url" default:"none; convertd up brings its own" doc:"Its address, like postgres:///convertd?host=/run/postgresql. Without a user in it each service logs in with a role of its own."`
}

// Memcached holds the statuses.
type Memcached struct {
	Address string `toml:"address" default:"127.0.0.1:11211; convertd up brings its own" doc:"The path of its socket, or HOST:PORT. It asks nobody for a password, so it is to be a socket that only convertd may open."`
}

// Spool is where the files of jobs lie.
type Spool struct {
	Dir string `toml:"dir" default:"none; spool in the data folder of convertd up" doc:"A folder on a local disk that the users of steps can get through to."`
}

// Dispatcher is how much runs at once.
type Dispatcher struct {
	Slots  int  `toml:"slots" default:"the number of processors" doc:"Jobs at once; a recipe may take several slots for one."`
	Memory Size `toml:"memory" default:"no bound" doc:"What the memory limits of all running jobs may come to together."`

	MetricsListen string `toml:"metrics_listen" default:"none" doc:"HOST:PORT, like 127.0.0.1:9464, at which the dispatcher answers GET /metrics for Prometheus. Nobody has to sign in there, so it is best an address of this machine. Used after a restart."`
}

// Queue is a named lane.
type Queue struct {
	Limit      int `toml:"limit" default:"no limit" doc:"Jobs of this queue at once."`
	MaxWaiting int `toml:"max_waiting" default:"no limit" doc:"Jobs that may wait in it; a submission beyond is answered 429."`
}

// Recipes is where the administrator's own recipes lie.
type Recipes struct {
	Dir string `toml:"dir" doc:"Their folder: one file NAME.toml each, see convertd-recipe(5)."`
}

// Mail is who is told what.
type Mail struct {
	SMTP           string `toml:"smtp" doc:"HOST:PORT of the mail server."`
	From           string `toml:"from" doc:"The address that mails come from."`
	Admin          string `toml:"admin" doc:"Who gets the mails about failures."`
	SuccessToAdmin bool   `toml:"success_to_admin" doc:"The administrator is told of successes too."`
	PerHour        int    `toml:"per_hour" doc:"Mails about failures in an hour; what is beyond comes in an hourly digest."`
	AttachLimit    Size   `toml:"attach_limit" doc:"The largest failed file that is attached; a larger one is linked."`
	UserAddresses  string `toml:"user_addresses" doc:"Who may have a mail at the end of a job: any, or the domains whose addresses may, separated by commas. Empty: nobody."`
}

// Keep is how long things are kept after the end of a job.
type Keep struct {
	Results Duration `toml:"results" doc:"The files of a job that succeeded."`
	Failed  Duration `toml:"failed" doc:"The files of one that did not."`
	Rows    Duration `toml:"rows" doc:"What is known of a job, without its files."`
	Free    Share    `toml:"free" doc:"How much of the spool's disk is to stay free, as a percentage or a size: below it the oldest results go before their time."`
	Reserve Share    `toml:"reserve" doc:"How much of the spool's disk uploads and running jobs leave to the database and to the ends of jobs: with less no job starts, with half of it the one that has written most is stopped. A size counts up to a twentieth of the disk."`
}

// Sandbox is what the box of a step must give.
type Sandbox struct {
	Require bool `toml:"require" doc:"Serve only where every part of the box is there (convertd doctor names them)."`
	UIDBase int  `toml:"uid_base" doc:"The first of the user ids given to steps when the service is root: one for each slot."`
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
			Reserve: Share{Bytes: 1 << 30},
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
