package webui

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/clock"
	"convertd/runner/program"
	"convertd/runner/recipe"
	"convertd/runner/spool"
	"convertd/runner/vault"
	"convertd/sql/audit"
	"convertd/sql/check"
	"convertd/sql/declaration"
	"convertd/sql/drop"
	"convertd/sql/group"
	"convertd/sql/idempotency"
	"convertd/sql/job"
	"convertd/sql/queue"
	"convertd/sql/refused"
	"convertd/sql/roster"
	"convertd/webui/auth"
	"convertd/webui/form"
	pages "convertd/webui/page"
	"convertd/webui/tus"
)

// Options is what a Server is made of. All but Log and Ready must be set.
type Options struct {
	Jobs   *job.Store
	Groups *group.Store
	Keys   *idempotency.Store
	Queues *queue.Store
	Roster *roster.Store
	// Refusals keeps the submissions that were turned away.
	Refusals *refused.Store
	// Findings has what the dispatcher found on its machine.
	Findings *check.Store
	// Acts keeps what administrators did.
	Acts *audit.Store
	// Drops takes what administrators want dropped from what is kept between jobs.
	Drops *drop.Store
	// Declarations are the recipes as they were when they ran.
	Declarations *declaration.Store
	// QueueLimits are those of the settings, by queue.
	QueueLimits map[string]QueueLimits
	// Resources are those of the settings with how much of each there is.
	Resources map[string]int
	// Instance is the number of this process's idempotency.Presence.
	Instance int64
	// Recipes returns the set in force now; a reload may swap it.
	Recipes func() *recipe.Set
	Status  Status
	Spool   spool.Spool
	// Guard knows who a caller is and which hosts we answer for.
	Guard  *auth.Guard
	Limits Limits
	Rates  Rates
	// Handbook is what /help shows, in order; none answers 404.
	Handbook []Chapter
	// Pages is what the pages tell about this installation.
	Pages PageOptions
	// UserAddresses are the domains that success mail goes to, "any" for all; none means
	// that no job may carry an address.
	UserAddresses []string
	// Ready reports whether what we depend on answers; nil means it always does.
	Ready func(context.Context) error
	Log   *slog.Logger
	// Version is shown in the OpenAPI document.
	Version string
}

// Limits bound what one request may cost us; 0 means the default.
type Limits struct {
	// Upload is how many bytes the body of one submission may have; default 20 GiB.
	Upload int64
	// Reserve is what uploads leave free of the spool's disk, so that jobs under way can
	// end; default 64 MiB.
	Reserve spool.Reserve
	// Files is how many files one submission may carry; default 1000.
	Files int
	// Idle is how long a body may send nothing, and an answer be left unread, before it is
	// given up; default 1 min.
	Idle time.Duration
	// Header is how long the head of a request may take; default 10 s.
	Header time.Duration
	// Streams is how many event streams may be open at once; default 10,000.
	Streams int
	// UploadAge is how long an unfinished upload is kept; default 24 h.
	UploadAge time.Duration
}

func (l Limits) orDefaults() Limits {
	setDefault(&l.Upload, 20<<30)
	setDefault(&l.Reserve, spool.Reserve{Bytes: 64 << 20})
	setDefault(&l.Files, 1000)
	setDefault(&l.Idle, time.Minute)
	setDefault(&l.Header, 10*time.Second)
	setDefault(&l.Streams, 10_000)
	setDefault(&l.UploadAge, 24*time.Hour)
	return l
}

func setDefault[T comparable](value *T, otherwise T) {
	var none T
	if *value == none {
		*value = otherwise
	}
}

// Server answers HTTP. Make one with New, hand it listeners with Serve.
type Server struct {
	Options
	handler http.Handler
	board   *board
	hub     *hub
	tus     *tus.Handler
	pages   *pages.Pages
	// vault has the secrets that were given for jobs.
	vault vault.Vault
	mails limits
	rates *rates
	// programs knows the versions of what steps execute.
	programs *program.Catalog
	// stopping is closed when the server is told to stop: what only waits then ends, and
	// what works goes on.
	stopping chan struct{}
	stopOnce sync.Once
	// promised is how many bytes uploads under way will still bring.
	promised atomic.Int64
	// clock tells whether dates can be believed.
	clock clock.Watch
	// spoolFolder is the spool as it was when it was first looked at.
	spoolFolder atomic.Pointer[os.FileInfo]
	// streams has a place for each open event stream.
	streams chan struct{}
	// buffers are for reading bodies (*[]byte of form.BufferSize).
	buffers sync.Pool
}

// New returns a Server; it touches neither disk nor network.
func New(o Options) (*Server, error) {
	if o.Jobs == nil || o.Groups == nil || o.Keys == nil || o.Queues == nil || o.Roster == nil || o.Refusals == nil || o.Findings == nil || o.Drops == nil || o.Acts == nil || o.Declarations == nil || o.Recipes == nil || o.Status == nil || o.Guard == nil {
		return nil, errors.New("webui: an option is missing")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Limits, o.Pages = o.Limits.orDefaults(), o.Pages.orDefaults()
	book, err := pages.New(o.Pages.House)
	if err != nil {
		return nil, err
	}
	s := &Server{Options: o, vault: vault.For(o.Spool.Root()), pages: book, rates: newRates(o.Rates), stopping: make(chan struct{}), streams: make(chan struct{}, o.Limits.Streams),
		programs: program.NewCatalog(o.Version)}
	s.buffers.New = func() any { return new(make([]byte, form.BufferSize)) }
	s.board = newBoard(o.Status, s.statusFromRow)
	s.hub = newHub(s.board)
	s.tus = tus.New(tus.Options{
		Spool: o.Spool, Path: uploadsPath, MaxSize: o.Limits.Upload, Age: o.Limits.UploadAge,
		Owner: func(r *http.Request) string { return o.Guard.Caller(r).Owner },
		Body:  s.openBody, Room: s.room,
		Believed: func() bool { steady, _ := s.clock.Steady(); return steady },
	})
	s.handler = s.wrap(s.router())
	return s, nil
}

// Handler returns the whole site.
func (s *Server) Handler() http.Handler { return s.handler }

// stopPatience is how long requests under way may take after the stop; uploads that
// take longer are cut and resumed or repeated by their client.
const stopPatience = 20 * time.Second

// Serve answers on all listeners until ctx ends, then lets requests under way finish.
// It returns nil after such an end.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	hs := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: s.Limits.Header,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	crowd := &crowd{server: s}
	hs.ConnState = crowd.turn
	stopSweeping := s.sweep()
	defer stopSweeping()
	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { failed <- hs.Serve(l) }()
	}
	select {
	case err := <-failed:
		return errors.Join(err, hs.Close())
	case <-ctx.Done():
		s.stopOnce.Do(func() { close(s.stopping) })
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
	defer cancel()
	for _, l := range listeners {
		_ = l.Close() // a second time below
	}
	for range listeners {
		<-failed
	}
	crowd.awaitNewcomers(patience)
	if err := hs.Shutdown(patience); err != nil {
		return errors.Join(err, hs.Close())
	}
	return nil
}

// sweepEvery is how often uploads that came to nothing are looked for.
const sweepEvery = 10 * time.Minute

// sweep removes what died with an earlier process now, and expired uploads from time to
// time. The result ends it.
func (s *Server) sweep() (stop func()) {
	end := make(chan struct{})
	go func() {
		tick := time.NewTicker(sweepEvery)
		defer tick.Stop()
		for {
			err := s.Spool.RemoveDeadDrafts()
			if steady, _ := s.clock.Steady(); steady {
				err = errors.Join(err, s.tus.Sweep())
			}
			if err != nil {
				s.Log.Warn("unfinished uploads could not be removed", slog.Any("error", err))
			}
			select {
			case <-end:
				return
			case <-tick.C:
			}
		}
	}()
	return func() { close(end) }
}

// router turns the route table into httprouter's tree. HEAD is answered wherever GET is,
// but for event streams, which have no end to take the measure of.
func (s *Server) router() *httprouter.Router {
	router := httprouter.New()
	router.RedirectFixedPath = false
	router.HandleOPTIONS = false
	for _, rt := range s.routes() {
		handle := s.serve(rt)
		router.Handle(rt.method, rt.path, handle)
		if rt.method == http.MethodGet && !strings.HasSuffix(rt.path, "/events") {
			router.Handle(http.MethodHead, rt.path, handle)
		}
	}
	router.NotFound = s.fallback(noSuchPage)
	router.MethodNotAllowed = s.fallback(wrongMethod)
	return router
}
