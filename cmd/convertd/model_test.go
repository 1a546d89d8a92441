package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// modelServer is a service of the test's own, like those that run models: it takes jobs,
// tells their state, and can be killed and started again without losing them.
type modelServer struct {
	t       *testing.T
	address string
	server  *http.Server

	mu sync.Mutex
	// jobs are those it was asked for, by idempotency key.
	jobs map[string]*modelJob
	// held jobs make no progress.
	held    bool
	fetched map[string]int // calls of the slow upstream by path
	posts   int
	bad     []string // requests that were not as they should be
}

// modelJob is one job of it.
type modelJob struct {
	ID        string         `json:"id"`
	Status    string         `json:"status"`
	Progress  float64        `json:"progress"`
	Output    string         `json:"output,omitempty"`
	asked     map[string]any // the request
	tell      string
	cancelled bool
	posts     int
}

func startModel(t *testing.T) *modelServer {
	t.Helper()
	m := &modelServer{t: t, address: "127.0.0.1:0", jobs: map[string]*modelJob{}, fetched: map[string]int{}}
	m.start()
	t.Cleanup(m.kill)
	return m
}

// start listens where it did before.
func (m *modelServer) start() {
	m.t.Helper()
	listener, err := net.Listen("tcp", m.address)
	if err != nil {
		m.t.Fatal(err)
	}
	m.address = listener.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /customers/{customer}/{version}", m.customer)
	mux.HandleFunc("POST /v1/jobs", m.post)
	mux.HandleFunc("GET /v1/jobs/{id}", m.state)
	mux.HandleFunc("POST /v1/jobs/{id}/cancel", m.cancel)
	mux.HandleFunc("GET /v1/results/{id}", m.result)
	mux.HandleFunc("POST /v1/depth", m.depth)
	mux.HandleFunc("GET /v1/look.png", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, onePixel) })
	m.server = &http.Server{Handler: mux}
	go func(s *http.Server) { _ = s.Serve(listener) }(m.server)
}

// kill drops the listener and every connection.
func (m *modelServer) kill() { _ = m.server.Close() }

// locked runs do while nobody else looks.
func (m *modelServer) locked(do func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	do()
}

// customer is the slow upstream.
func (m *modelServer) customer(w http.ResponseWriter, r *http.Request) {
	m.locked(func() {
		m.fetched[r.URL.Path]++
		if r.Header.Get("X-Api-Key") != "crm-key" {
			m.bad = append(m.bad, "customer asked without the key")
		}
	})
	select {
	case <-time.After(500 * time.Millisecond): // what makes it worth keeping
	case <-r.Context().Done():
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"name": %q, "version": %q, "orders": [{"id": 1}]}`, r.PathValue("customer"), r.PathValue("version"))
}

// post takes a job; the same key is the same job.
func (m *modelServer) post(w http.ResponseWriter, r *http.Request) {
	var asked map[string]any
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.posts++
	key := r.Header.Get("Idempotency-Key")
	if r.Header.Get("Authorization") != "Bearer model-key" || len(key) < 20 {
		m.bad = append(m.bad, fmt.Sprint("job asked with ", r.Header))
	}
	job := m.jobs[key]
	if job == nil {
		job = &modelJob{ID: fmt.Sprintf("job/%d", len(m.jobs)+1), Status: "running", asked: asked}
		job.tell, _ = asked["tell"].(string)
		m.jobs[key] = job
	}
	job.posts++
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(job)
}

func (m *modelServer) find(id string) *modelJob {
	for _, job := range m.jobs {
		if job.ID == id {
			return job
		}
	}
	return nil
}

// state makes some progress with each question.
func (m *modelServer) state(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	job := m.find(r.PathValue("id"))
	if job == nil {
		http.NotFound(w, r)
		return
	}
	if !m.held && job.Status == "running" {
		if job.Progress += 0.34; job.Progress >= 1 {
			job.Progress, job.Status, job.Output = 1, "succeeded", "/v1/results/"+strings.ReplaceAll(job.ID, "/", "%2F")
		}
	}
	_ = json.NewEncoder(w).Encode(job)
}

func (m *modelServer) cancel(_ http.ResponseWriter, r *http.Request) {
	m.locked(func() {
		if job := m.find(r.PathValue("id")); job != nil {
			job.cancelled, job.Status = true, "cancelled"
		}
	})
}

func (m *modelServer) result(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	job := m.find(r.PathValue("id"))
	if job != nil && job.asked["image"] != nil {
		text, _ := job.asked["image"].(string)
		image, err := base64.StdEncoding.DecodeString(text)
		if err != nil || job.asked["strength"] != 0.6 {
			m.bad = append(m.bad, fmt.Sprint(err, job.asked))
		}
		_, _ = w.Write(image)
		return
	}
	if job != nil {
		fmt.Fprintf(w, `{"projected": %s}`, mustJSON(m.t, job.asked["customer"]))
		return
	}
	http.NotFound(w, r)
}

// onePixel begins like a PNG, which is as far as anybody looks.
const onePixel = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"

// depth answers with a stream, as the header Accept says: progress, a picture, and when
// nobody holds it back the result.
func (m *modelServer) depth(w http.ResponseWriter, r *http.Request) {
	image, err := io.ReadAll(r.Body)
	m.locked(func() {
		if err != nil || !strings.HasPrefix(string(image), "\x89PNG") || r.Header.Get("Content-Type") != "image/png" {
			m.bad = append(m.bad, fmt.Sprintf("depth of %q (%v), %v", image, r.Header.Get("Content-Type"), err))
		}
	})
	events := r.Header.Get("Accept") == "text/event-stream"
	send := func(document string) {
		if events {
			document = "data: " + document + "\n"
		}
		_, _ = io.WriteString(w, document+"\n")
		_ = http.NewResponseController(w).Flush()
	}
	send(`{"status": "running", "progress": 40, "note": "looking", "look": "/v1/look.png"}`)
	for held := true; held; {
		m.locked(func() { held = m.held })
		select {
		case <-time.After(20 * time.Millisecond):
		case <-r.Context().Done():
			return
		}
	}
	send(`{"status": "done", "made": "` + "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAA=" + `"}`)
}

func mustJSON(t *testing.T, value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}
