package main

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"

	"convertd/runner/service/guard"
)

// httpHandler serves CONNECT and requests with an absolute address (RFC 9112, section
// 3.2). A server's redirect is the client's to follow, and is a request as any other.
func (p *proxyServer) httpHandler() http.Handler {
	forward := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.Out.Host = r.In.Host },
		Transport:     &http.Transport{DialContext: p.dial, DisableCompression: true},
		FlushInterval: -1,
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, err error) { breakOff(w, err) },
		ErrorLog:      log.New(io.Discard, "", 0),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodConnect:
			p.connect(w, r)
		case r.URL.Scheme == "http" && r.URL.Host != "":
			forward.ServeHTTP(w, r)
		default:
			http.Error(w, "This is a proxy: ask for http://HOST/PATH, or CONNECT HOST:PORT.", http.StatusBadRequest)
		}
	})
}

// refuse answers for a server that was not reached.
func refuse(w http.ResponseWriter, err error) {
	status, text := reason(err)
	http.Error(w, text, status)
}

// breakOff answers in the place of a server that was not reached, and promises a byte more
// than there is: a program that does not look at the status must not take our words for
// the file it wanted.
func breakOff(w http.ResponseWriter, err error) {
	status, text := reason(err)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)+2))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // the client has gone: nobody misses it
}

func reason(err error) (status int, text string) {
	var refused *guard.RefusedError
	if errors.As(err, &refused) {
		return http.StatusForbidden, "convertd: " + refused.Error()
	}
	return http.StatusBadGateway, "convertd: " + err.Error()
}

// connect joins the client to the host that it named.
func (p *proxyServer) connect(w http.ResponseWriter, r *http.Request) {
	if _, _, err := net.SplitHostPort(r.Host); err != nil {
		http.Error(w, "CONNECT needs HOST:PORT.", http.StatusBadRequest)
		return
	}
	there, err := p.dial(r.Context(), "tcp", r.Host)
	if err != nil {
		refuse(w, err)
		return
	}
	defer there.Close()
	here, ahead, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "This connection cannot be joined to another.", http.StatusInternalServerError)
		return
	}
	defer here.Close()
	if _, err := io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	join(&buffered{Conn: here, reader: ahead.Reader}, there)
}
