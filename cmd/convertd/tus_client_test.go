package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"convertd/webui/client"
)

const sameRecipe = `
name    = "same"
title   = "The same again"
accept  = [".data"]
to      = ["same"]
command = ["/bin/cp", "{input}", "{output}/{stem}.same"]
`

// roadworks is a line between client and service that is cut at random places.
type roadworks struct {
	to       string
	listener net.Listener
	cuts     atomic.Int64

	mu   sync.Mutex
	dice *rand.Rand
	// left is how many connections are still cut; reach is after how many bytes at most.
	left  int
	reach int64
}

// startRoadworks listens until the test is over.
func startRoadworks(t *testing.T, to string, dice *rand.Rand) *roadworks {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &roadworks{to: strings.TrimPrefix(to, "http://"), listener: l, dice: dice}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go r.carry(conn)
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	return r
}

// cut has the next n connections cut, each after 0 to reach bytes of what the client sends.
func (r *roadworks) cut(n int, reach int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left, r.reach = n, reach
}

// spare has another connection cut in place of one that ended before it was.
func (r *roadworks) spare() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reach > 0 {
		r.left++
	}
}

// length is how many bytes the next connection carries; -1 for all.
func (r *roadworks) length() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left == 0 {
		return -1
	}
	r.left--
	return r.dice.Int64N(r.reach + 1)
}

// carry passes one connection on. A cut is a reset at both ends: bytes that were on their
// way are lost, the answer too.
func (r *roadworks) carry(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", r.to)
	if err != nil {
		return // the web process is away: the client sees a connection that ends
	}
	defer far.Close()
	go func() {
		_, _ = io.Copy(near, far)
		_ = near.Close()
	}()
	length := r.length()
	if length < 0 {
		_, _ = io.Copy(far, near)
		return
	}
	if n, _ := io.CopyN(far, near, length); n < length {
		r.spare()
		return
	}
	r.cuts.Add(1)
	for _, end := range []net.Conn{near, far} {
		_ = end.(*net.TCPConn).SetLinger(0)
	}
}

func (r *roadworks) url() string { return "http://" + r.listener.Addr().String() }

// tusBundle is a service, the line to it, and the official client.
type tusBundle struct {
	*upInstance
	road     *roadworks
	packages string
	dice     *rand.Rand
	mu       sync.Mutex
}

// upload is what the client is told to do.
type upload struct {
	Endpoint  string `json:"endpoint"`
	File      string `json:"file"`
	Packages  string `json:"packages"`
	Storage   string `json:"storage,omitempty"`
	ChunkSize int64  `json:"chunkSize,omitempty"`
	Parallel  int    `json:"parallelUploads,omitempty"`
}

// told is what the client told.
type told struct {
	url, failed string
	resumed     bool
}

func (b *tusBundle) upload(file string) upload {
	return upload{Endpoint: b.road.url() + "/api/v1/uploads", File: file, Packages: b.packages}
}

// send runs the client to its end. sent hears how many bytes have gone; when it returns
// false the client is killed.
func (b *tusBundle) send(t *testing.T, u upload, sent func(n int64) bool) told {
	t.Helper()
	options, err := json.Marshal(u)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "testdata/tus/upload.js", string(options))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start node (.ci/install test brings it): %v", err)
	}
	var heard told
	done := false
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "url":
			heard.url = rest
		case "done":
			heard.url, done = rest, true
		case "failed":
			heard.failed = rest
		case "resumed":
			heard.resumed = true
		case "sent":
			if n, err := strconv.ParseInt(rest, 10, 64); err == nil && sent != nil && !sent(n) {
				_ = cmd.Process.Kill()
			}
		}
	}
	err = cmd.Wait()
	if !done && heard.failed == "" && cmd.ProcessState.Exited() {
		t.Fatalf("the client ended with %v\n%s", err, stderr.String())
	}
	return heard
}

// file makes a file of random bytes and returns its sum.
func (b *tusBundle) file(t *testing.T, name string, size int64) (path string, sum [32]byte) {
	t.Helper()
	b.mu.Lock()
	bytes := rand.NewChaCha8([32]byte{byte(b.dice.Uint32()), byte(b.dice.Uint32()), byte(b.dice.Uint32()), byte(b.dice.Uint32())})
	b.mu.Unlock()
	path = filepath.Join(t.TempDir(), name)
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(file, hash), bytes, size); err != nil {
		t.Fatal(err)
	}
	return path, [32]byte(hash.Sum(nil))
}

// converts makes a job of an upload and fails unless its result has the sum.
func (b *tusBundle) converts(t *testing.T, heard told, sum [32]byte) {
	t.Helper()
	if heard.failed != "" || heard.url == "" {
		t.Fatalf("the upload failed: %+v", heard)
	}
	request := fmt.Sprintf(`{"recipe": "same", "inputs": [{"upload": %q}]}`, heard.url[strings.LastIndexByte(heard.url, '/')+1:])
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.URL+"/api/v1/jobs?redirect=output", strings.NewReader(request))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Prefer", "wait=60")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	hash := sha256.New()
	n, err := io.Copy(hash, answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || [32]byte(hash.Sum(nil)) != sum {
		t.Errorf("the result is not the file that was sent: %d bytes, status %d, %v", n, answer.StatusCode, err)
	}
}

// The official client of the protocol gets every file across, over a line that breaks, a
// web process that dies, and after its own death.
func TestTusClient(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if given, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64); err == nil {
		seed = given
	}
	t.Logf("SEED=%d", seed)
	recipes := dataFolder(t)
	if err := os.WriteFile(filepath.Join(recipes, "same.toml"), []byte(sameRecipe), 0o644); err != nil {
		t.Fatal(err)
	}
	u := startUp(t, dataFolder(t), "CONVERTD_RECIPES_DIR="+recipes)
	dice := rand.New(rand.NewPCG(seed, 7))
	b := &tusBundle{upInstance: u, road: startRoadworks(t, u.URL, rand.New(rand.NewPCG(seed, 9))), packages: npmFolder(t), dice: dice}
	t.Run("files of all sizes over a line that is cut", b.allSizes)
	t.Run("many at the same time", b.manyAtOnce)
	t.Run("another session goes on where the first was killed", b.otherSession)
	t.Run("a large file while the web process is killed", b.largeFile)
	t.Run("what the service does not take is refused, not ignored", b.refusesParts)
}

func (b *tusBundle) allSizes(t *testing.T) {
	const mega = 1 << 20
	for _, c := range []struct{ size, chunk int64 }{
		{1, 0}, {7, 3}, {65_537, 0}, {1_000_003, 99_991}, {5 * mega, 0}, {5 * mega, mega}, {8*mega - 1, 4 * mega}, {8*mega + 1, 0}, {12_582_917, 3_333_333},
	} {
		path, sum := b.file(t, fmt.Sprintf("%d by %d.data", c.size, c.chunk), c.size)
		u, before := b.upload(path), b.road.cuts.Load()
		u.ChunkSize = c.chunk
		reach := c.size
		if c.chunk > 0 { // a client may send each piece by a connection of its own
			reach = min(c.chunk, c.size)
		}
		b.road.cut(1+b.dice.IntN(4), reach+400)
		b.converts(t, b.send(t, u, nil), sum)
		t.Logf("%d bytes in pieces of %d: cut %d times", c.size, c.chunk, b.road.cuts.Load()-before)
	}
	b.road.cut(0, 0)
	if b.road.cuts.Load() < 5 {
		t.Errorf("the line was cut only %d times", b.road.cuts.Load())
	}
	b.nothing(t)
}

// nothing is uploaded as well, and no job is made of it.
func (b *tusBundle) nothing(t *testing.T) {
	path, _ := b.file(t, "empty.data", 0)
	heard := b.send(t, b.upload(path), nil)
	if heard.failed != "" || heard.url == "" {
		t.Fatalf("an empty file: %+v", heard)
	}
	request := fmt.Sprintf(`{"recipe": "same", "inputs": [{"upload": %q}]}`, heard.url[strings.LastIndexByte(heard.url, '/')+1:])
	answer, err := http.Post(b.URL+"/api/v1/jobs", "application/json", strings.NewReader(request))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var problem client.Problem
	if err := json.NewDecoder(answer.Body).Decode(&problem); err != nil || problem.Code != "empty_file" {
		t.Errorf("a job of an empty upload: %+v %v, want empty_file", problem, err)
	}
}

func (b *tusBundle) manyAtOnce(t *testing.T) {
	b.road.cut(6, 600_000)
	var all sync.WaitGroup
	for i := range 6 {
		path, sum := b.file(t, fmt.Sprintf("many%d.data", i), 400_000+int64(i)*333_331)
		all.Go(func() {
			u := b.upload(path)
			u.ChunkSize = 250_007
			b.converts(t, b.send(t, u, nil), sum)
		})
	}
	all.Wait()
	b.road.cut(0, 0)
}

func (b *tusBundle) otherSession(t *testing.T) {
	path, sum := b.file(t, "session.data", 9_000_011)
	u := b.upload(path)
	u.ChunkSize, u.Storage = 700_001, filepath.Join(t.TempDir(), "urls.json")
	stop := 1_500_000 + b.dice.Int64N(6_000_000)
	first := b.send(t, u, func(n int64) bool { return n < stop })
	if first.url == "" || first.resumed {
		t.Fatalf("the first session: %+v", first)
	}
	offset := b.offset(t, first.url)
	if offset < 700_001 || offset >= 9_000_011 {
		t.Fatalf("the service has %d bytes of the session that was killed at %d", offset, stop)
	}
	least := int64(-1)
	second := b.send(t, u, func(n int64) bool {
		if least < 0 {
			least = n
		}
		return true
	})
	if !second.resumed || second.url != first.url {
		t.Errorf("the second session began anew: %+v after %+v", second, first)
	}
	if least < offset {
		t.Errorf("the second session began at %d, the service had %d", least, offset)
	}
	b.converts(t, second, sum)
}

// offset asks the service how much of an upload it has.
func (b *tusBundle) offset(t *testing.T, url string) int64 {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Tus-Resumable", "1.0.0")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	offset, err := strconv.ParseInt(answer.Header.Get("Upload-Offset"), 10, 64)
	if err != nil {
		t.Fatalf("status %d: %v", answer.StatusCode, err)
	}
	return offset
}

func (b *tusBundle) largeFile(t *testing.T) {
	const size = 200_000_003
	path, sum := b.file(t, "large.data", size)
	u := b.upload(path)
	u.ChunkSize = 32 << 20
	b.road.cut(4, 40<<20)
	kills := []int64{size/5 + b.dice.Int64N(size/5), size/2 + b.dice.Int64N(size/3)}
	heard := b.send(t, u, func(n int64) bool {
		if len(kills) > 0 && n > kills[0] {
			t.Logf("the web process is killed at %d of %d bytes", n, int64(size))
			kills = kills[1:]
			b.killWeb(t)
		}
		return true
	})
	b.road.cut(0, 0)
	if len(kills) > 0 {
		t.Errorf("the web process was left alone at %v", kills)
	}
	b.converts(t, heard, sum)
}

// killWeb ends the web process the hard way; what watches it starts another.
func (b *tusBundle) killWeb(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(b.noted("web").PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func (b *tusBundle) refusesParts(t *testing.T) {
	path, _ := b.file(t, "parts.data", 2_000_000)
	u := b.upload(path)
	u.Parallel = 2 // the concatenation of the protocol
	if heard := b.send(t, u, nil); !strings.Contains(heard.failed, "unsupported") || !strings.Contains(heard.failed, "400") {
		t.Errorf("an upload in parts: %+v", heard)
	}
}
