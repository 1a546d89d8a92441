package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"convertd/cmd/convertd/config"
	"convertd/cmd/convertd/handbook"
	"convertd/runner/progress/store"
	"convertd/runner/spool"
	"convertd/sql/audit"
	"convertd/sql/check"
	"convertd/sql/db"
	"convertd/sql/declaration"
	"convertd/sql/drop"
	"convertd/sql/group"
	"convertd/sql/idempotency"
	"convertd/sql/job"
	"convertd/sql/queue"
	"convertd/sql/refused"
	"convertd/sql/roster"
	"convertd/systemd"
	"convertd/webui"
	"convertd/webui/auth"
)

// webCommand runs the pages and the API.
type webCommand struct {
	Listen string `help:"Address of the pages and the API; port 0 picks a free one." placeholder:"ADDR"`
}

// Run answers requests until it is told to stop.
func (c *webCommand) Run(a *app) error {
	manager, err := systemd.Open()
	if err != nil {
		return err
	}
	loaded, err := a.settings(map[string]string{"web.listen": c.Listen})
	if err != nil {
		return err
	}
	d, err := openDatabase(a, loaded)
	if err != nil {
		return err
	}
	defer d.Close()
	presence, err := idempotency.Attend(a.ctx, d, a.log)
	if err != nil {
		return err
	}
	defer presence.Close()
	status, err := store.Open(memcachedAddress(loaded))
	if err != nil {
		return err
	}
	defer status.Close()
	options, err := webOptions(a, loaded)
	if err != nil {
		return err
	}
	set, err := a.loadRecipes(loaded)
	if err != nil {
		return err
	}
	recipes := newShelf(set)
	options.Recipes = recipes.Set
	r := reloader{
		app: a, flags: map[string]string{"web.listen": c.Listen}, recipes: recipes, loaded: loaded,
		fixed: []string{"web", "database", "memcached", "spool", "queue", "keep", "mail"},
	}
	go takeHangups().serve(a.ctx, r.told(manager))
	jobs := job.NewStore(d)
	jobs.Keep = time.Duration(loaded.Keep.Results)
	options.Jobs, options.Groups, options.Keys = jobs, group.NewStore(d, jobs), idempotency.NewStore(d)
	options.Queues, options.Roster, options.Refusals = queue.NewStore(d), roster.NewStore(d), refused.NewStore(d)
	options.Drops, options.Findings, options.Acts = drop.NewStore(d), check.NewStore(d), audit.NewStore(d)
	options.Declarations = declaration.NewStore(d)
	options.Instance, options.Status, options.Ready = presence.Number(), status, databaseAnswers(d)
	server, err := webui.New(options)
	if err != nil {
		return err
	}
	return serveWeb(a, manager, loaded, server, options.Guard)
}

// webOptions is what follows from the settings alone.
func webOptions(a *app, loaded config.Loaded) (webui.Options, error) {
	dir, err := spoolDir(loaded)
	if err != nil {
		return webui.Options{}, err
	}
	chapters, err := handbook.Chapters()
	if err != nil {
		return webui.Options{}, err
	}
	own, err := house(loaded.Web)
	if err != nil {
		return webui.Options{}, err
	}
	var help []webui.Chapter
	for _, c := range chapters {
		help = append(help, webui.Chapter{Name: c.Name, Title: c.Title, Body: c.Body})
	}
	return webui.Options{
		Handbook: help,
		Spool:    spool.New(dir), Guard: auth.New(guardOptions(loaded)), Log: a.log, Version: version(),
		QueueLimits: webQueueLimits(loaded.Queue), Resources: loaded.Resources,
		Limits: webui.Limits{Upload: int64(loaded.Web.MaxUpload), Reserve: reserve(loaded)}, Rates: webRates(loaded.Web),
		Pages: webui.PageOptions{
			House:   own,
			Results: time.Duration(loaded.Keep.Results), Failed: time.Duration(loaded.Keep.Failed),
			MailsFailures: mailConfig(loaded).Enabled() && loaded.Mail.Admin != "",
		},
		UserAddresses: strings.FieldsFunc(loaded.Mail.UserAddresses, func(c rune) bool { return c == ',' || c == ' ' }),
	}, nil
}

func webRates(w config.Web) webui.Rates {
	rates := webui.Rates{
		Submissions: w.SubmissionsPerHour, Uploads: w.UploadsPerHour, Requests: w.RequestsPerSecond, UnknownIDs: w.UnknownIDsPerMinute,
		SignIns: w.SignInsPerMinute, Streams: w.StreamsPerAddress, Connections: w.ConnectionsPerAddress,
	}
	for _, text := range w.Unlimited {
		rates.Unlimited = append(rates.Unlimited, prefixOf(text))
	}
	return rates
}

func webQueueLimits(queues map[string]config.Queue) map[string]webui.QueueLimits {
	limits := map[string]webui.QueueLimits{}
	for name, q := range queues {
		limits[name] = webui.QueueLimits{Running: q.Limit, Waiting: q.MaxWaiting}
	}
	return limits
}

// databaseAnswers is what readiness means: without rows nothing can be accepted, without
// memcached everything but the bar works.
func databaseAnswers(d *db.DB) func(context.Context) error {
	return func(ctx context.Context) error { return d.PingContext(ctx) }
}

func serveWeb(a *app, manager *systemd.Manager, loaded config.Loaded, server *webui.Server, guard *auth.Guard) error {
	listeners := manager.Listeners()
	for _, handed := range listeners {
		if address, ok := handed.Addr().(*net.TCPAddr); ok {
			if err := loaded.CheckListen(address.String()); err != nil {
				return fmt.Errorf("the socket that the service manager opened: %w", err)
			}
		}
	}
	if len(listeners) == 0 {
		listener, err := net.Listen("tcp", loaded.Web.Listen)
		if err != nil {
			return fmt.Errorf("[web] listen: %w: another program may listen there; --listen picks another address", err)
		}
		listeners = []net.Listener{listener}
	}
	address := listeners[0].Addr().String()
	a.log.Info("web process answers", "address", address)
	a.warn("service manager not told", manager.Ready("X_CONVERTD_ADDRESS="+address, "X_CONVERTD_SIGN_IN="+guard.NewCode()))
	err := server.Serve(a.ctx, listeners...)
	a.warn("service manager not told", manager.Stopping())
	return err
}

func guardOptions(loaded config.Loaded) auth.Options {
	o := auth.Options{AdminToken: loaded.Web.AdminToken, UserHeader: loaded.Web.UserHeader, Hosts: loaded.Web.Hosts}
	if host, _, err := net.SplitHostPort(loaded.Web.Listen); err == nil {
		o.Hosts = append(o.Hosts, host)
	}
	if base, err := url.Parse(loaded.Web.BaseURL); err == nil && base.Host != "" {
		o.Hosts, o.Secure = append(o.Hosts, base.Hostname()), base.Scheme == "https"
	}
	for _, text := range loaded.Web.TrustedProxies {
		o.TrustedProxies = append(o.TrustedProxies, prefixOf(text))
	}
	return o
}

// prefixOf reads a network or a single address; both were checked when the settings
// were loaded.
func prefixOf(text string) netip.Prefix {
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return prefix
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(addr, addr.BitLen())
}
