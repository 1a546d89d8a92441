package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Listen opens the address at which the numbers are read. A dispatcher that was killed a
// moment ago may still hold it: it is asked for again for a second.
func (m *Meters) Listen(ctx context.Context, address string) (net.Listener, error) {
	if m.broken != nil {
		return nil, m.broken
	}
	const patience, pause = time.Second, 100 * time.Millisecond
	for begun := time.Now(); ; {
		var config net.ListenConfig
		l, err := config.Listen(ctx, "tcp", address)
		if err == nil {
			return l, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) || time.Since(begun) > patience {
			return nil, fmt.Errorf("[dispatcher] metrics_listen = %q: %w: another program may listen there; "+
				"set another address, or leave it out for no metrics", address, err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// Serve answers GET /metrics until ctx ends, and closes the listener.
func (m *Meters) Serve(ctx context.Context, l net.Listener) {
	server := &http.Server{
		Handler: m.handler(l.Addr()), ErrorLog: slog.NewLogLogger(m.opts.Log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // nobody is waited for
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		m.opts.Log.Error("metrics are not served any more", "error", err)
	}
}

func (m *Meters) handler(at net.Addr) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(m.opts.Log.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError,
		MaxRequestsInFlight: 4,
	}))
	return namedRight(at, mux)
}

// namedRight answers, at an address of this machine alone, only requests for this machine:
// a page elsewhere that has its own name point here would be read by a browser.
func namedRight(at net.Addr, next http.Handler) http.Handler {
	if tcp, ok := at.(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if _, err := netip.ParseAddr(host); err != nil && host != "localhost" {
			http.Error(w, "Metrics are answered here only to requests for localhost or an address.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
