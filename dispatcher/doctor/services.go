package doctor

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"convertd/runner/progress/store"
	"convertd/sql/db"
)

// oldestPostgreSQL is the first version in whose dialect our statements are written.
const oldestPostgreSQL = 13

func database(ctx context.Context, o Options) []Finding {
	const check = "database"
	if o.DatabaseURL == "" {
		return fail(check, "No database is configured.", "Set [database] url, or use convertd up, which brings its own.")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	d, err := db.Open(ctx, o.DatabaseURL)
	if err != nil {
		return failWith(check, err, "Start PostgreSQL, or correct [database] url.")
	}
	defer d.Close()
	var number int
	var commit string
	if err := d.QueryRowContext(ctx, `select current_setting('server_version_num')::integer, current_setting('synchronous_commit')`).Scan(&number, &commit); err != nil {
		return failWith(check, err, "Look at the log of PostgreSQL.")
	}
	findings := judgeVersion(number)
	if Worst(findings) != OK {
		return findings
	}
	if err := d.CheckSchema(ctx); err != nil {
		return failWith(check, err, "Run convertd migrate.")
	}
	if commit == "off" {
		findings = append(findings, Finding{check, Warn, "synchronous_commit is off: an accepted job may be lost in a power cut.",
			"Take synchronous_commit out of [database] url."})
	}
	findings = append(findings, bloat(ctx, d, manyDeadRows)...)
	findings = append(findings, longTransactions(ctx, d, longTransaction)...)
	findings = append(findings, orphans(ctx, o, d)...)
	return append(findings, clockOf(ctx, d, time.Now)...)
}

// judgeVersion looks at server_version_num of a server that answers.
func judgeVersion(number int) []Finding {
	version := fmt.Sprintf("PostgreSQL %d.%d", number/10000, number%10000)
	if number/10000 < oldestPostgreSQL {
		return fail("database", version+" answers, but is too old.", fmt.Sprintf("Move to PostgreSQL %d or newer.", oldestPostgreSQL))
	}
	return ok("database", version+" answers, with the tables of this version.")
}

// clockOf compares the database's clock with ours: dates in rows are the database's.
func clockOf(ctx context.Context, d *db.DB, now func() time.Time) []Finding {
	before := now()
	var there time.Time
	if err := d.QueryRowContext(ctx, `select clock_timestamp()`).Scan(&there); err != nil {
		return nil
	}
	middle := before.Add(now().Sub(before) / 2)
	if apart := there.Sub(middle).Abs(); apart > 2*time.Second {
		return warn("clock", fmt.Sprintf("The database's clock and this machine's are %s apart.", apart.Round(time.Second)),
			"Let both machines take the time from the network (NTP).")
	}
	return nil
}

func memcached(_ context.Context, o Options) []Finding {
	const check = "memcached"
	if o.Memcached == "" {
		return warn(check, "No memcached is configured: pages show no progress.", "Set [memcached] address.")
	}
	s, err := store.Open(o.Memcached)
	if err != nil {
		return failWith(check, err, "Correct [memcached] address.")
	}
	defer s.Close()
	if err := s.Ping(); err != nil {
		return warn(check, fmt.Sprintf("memcached does not answer at %s: pages show no progress until it does.", o.Memcached),
			"Start memcached, or correct [memcached] address.")
	}
	if s.Network() == "unix" {
		return socketOf(o.Memcached)
	}
	return portOf(o.Memcached)
}

// portOf judges a memcached that answers at HOST:PORT.
func portOf(address string) []Finding {
	const check = "memcached"
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && (host == "localhost" || ip != nil && ip.IsLoopback()) {
		return warn(check, "memcached answers on a local port, which every user of this machine can reach.",
			"Let it listen on a unix socket: memcached -s PATH -a 0700 -U 0.")
	}
	return fail(check, fmt.Sprintf("memcached at %s can be reached over the network, and asks nobody for a password.", address),
		"Let it listen on a unix socket of this machine: memcached -s PATH -a 0700 -U 0.")
}

func socketOf(path string) []Finding {
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o007 != 0 {
		return warn("memcached", "memcached answers, but every user of this machine may use its socket "+path+".",
			"Start it with -a 0700.")
	}
	return ok("memcached", "memcached answers on "+path+".")
}

func mailServer(ctx context.Context, o Options) []Finding {
	const check = "mail"
	if !o.Mail.Enabled() {
		return warn(check, "No mail server is configured: nobody is told when a job fails.", "Set [mail] smtp, from and admin.")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := o.Mail.Check(ctx); err != nil {
		return warn(check, fmt.Sprintf("The mail server at %s does not take mail: %v.", o.Mail.SMTP, err),
			"Start it, or correct [mail] smtp. Owed mails wait.")
	}
	if o.Mail.Admin == "" {
		return warn(check, "The mail server answers, but no administrator is named: nobody is told when a job fails.", "Set [mail] admin.")
	}
	if strings.HasPrefix(o.Mail.BaseURL, "http://127.") || strings.HasPrefix(o.Mail.BaseURL, "http://localhost") {
		return warn(check, "The mail server answers; links in mails point to "+o.Mail.BaseURL+", which works on this machine only.",
			"Set [web] base_url to the address people use.")
	}
	return ok(check, "The mail server answers at "+o.Mail.SMTP+"; failures go to "+o.Mail.Admin+".")
}
