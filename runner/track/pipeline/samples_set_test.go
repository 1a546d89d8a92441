//go:build samples

package pipeline

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// headLines and headBytes are how much the set keeps of outputs whose whole content it
// does not: lines, but no more than so many bytes, to which it adds a line feed.
const (
	headLines = 40
	headBytes = 4000
)

// sample is one input of the shared set with what the reference made of it.
type sample struct {
	name, input, reader string
	width, height       int
	trackers, keyframes int
	outputs             []expected
}

// expected is one output of the reference.
type expected struct {
	writer, name string
	folder       string // of its file below the set
	stored       string // path below the set, "hash-only" where only the head is kept
	hash         string
}

// readerIDsOfReference maps the reference's names of readers to ids.
func readerIDsOfReference() map[string]string {
	return map[string]string{
		"Equalizer3": "3de3", "Equalizer4": "3de4", "Boujou": "boujou", "FlameStabilizer": "flame",
		"MatchMover": "matchmover", "MatchMoverRZML": "rzml", "MayaLive": "mayalive", "NukeScript": "nuke",
		"PFTrack": "pftrack", "ShakeScript": "shake-script", "ShakeText": "shake",
		"Syntheyes": "syntheyes", "SyntheyesAllTrackerPaths": "syntheyes-paths",
	}
}

// writerIDsOfReference maps the reference's names of writers to ids.
func writerIDsOfReference() map[string]string {
	return map[string]string{
		"Equalizer3": "3de3", "Equalizer4": "3de4", "AE": "ae-nulls", "Maxscript": "3dsmax", "XSI": "xsi", "Ruby": "ruby",
		"FlameStabilizer": "flame", "FlameStabilizer2014": "flame2014", "FlameStabilizerCornerpin": "flame-cornerpin",
		"FlameStabilizer2014Cornerpin": "flame2014-cornerpin", "MatchMover": "matchmover", "MayaLocators": "maya-locators",
		"MayaLive": "mayalive", "NukeScript": "nuke", "NukeCameraUsertracks": "nuke-camera-tracks", "PFTrack4": "pftrack4",
		"PFTrack5": "pftrack5", "PFMatchit": "pfmatchit", "ShakeText": "shake", "SynthEyes": "syntheyes", "Boujou": "boujou",
	}
}

// readManifest returns the samples in the order of the manifest.
func readManifest(t *testing.T, root string) []sample {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "manifest.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	var all []sample
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n")[1:] {
		c := strings.Split(line, "\t")
		if len(all) == 0 || all[len(all)-1].name != c[0] {
			all = append(all, sample{
				name: c[0], input: c[1], reader: readerIDsOfReference()[c[2]],
				width: number(c[5]), height: number(c[6]), trackers: number(c[8]), keyframes: number(c[9]),
			})
		}
		if c[7] != "0" { // the reference failed
			continue
		}
		last := &all[len(all)-1]
		out := expected{writer: writerIDsOfReference()[c[10]], name: c[11], stored: c[12], hash: c[15]}
		out.folder = strings.Replace(c[0], "/", "__", 1)
		if out.writer == "" {
			t.Fatalf("the manifest names an unknown writer %q", c[10])
		}
		last.outputs = append(last.outputs, out)
	}
	return all
}

// number reads a column of the manifest; a dash is 0.
func number(s string) int {
	n, _ := strconv.Atoi(s) // a dash means that nothing was given
	return n
}

// reference is what the set keeps of one output of the reference.
type reference struct {
	full []byte // nil where only the head is kept
	head []byte
	hash string
}

// content reads what the set keeps.
func (e expected) content(t *testing.T, root string) reference {
	t.Helper()
	if e.stored != "hash-only" {
		return reference{full: readMaybeGzip(t, filepath.Join(root, e.stored)), hash: e.hash}
	}
	head := readMaybeGzip(t, filepath.Join(root, "expected", e.folder, e.name+".head"))
	return reference{head: head[:min(len(head), headBytes)], hash: e.hash}
}

// judge compares one output of ours and says what differs first.
func (r reference) judge(ours []byte) (verdict, string) {
	want, whole := r.full, r.full != nil
	if !whole {
		sum := sha256.Sum256(ours)
		if hex.EncodeToString(sum[:]) == r.hash {
			return equalHash, ""
		}
		want, ours = r.head, headOf(ours)
	}
	if bytes.Equal(want, ours) {
		return equalBytes.orHead(whole), ""
	}
	if problem := compareTokens(want, ours); problem != "" {
		return different, problem
	}
	return equalDigits.orHead(whole), ""
}

// unpacked returns the path of the input as plain text.
func (s sample) unpacked(t *testing.T, root string) string {
	t.Helper()
	path := filepath.Join(root, s.input)
	if !strings.HasSuffix(path, ".gz") {
		return path
	}
	plain := filepath.Join(t.TempDir(), strings.TrimSuffix(filepath.Base(path), ".gz"))
	if err := os.WriteFile(plain, readMaybeGzip(t, path), 0o600); err != nil {
		t.Fatal(err)
	}
	return plain
}

func readMaybeGzip(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(path, ".gz") {
		return data
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	data, err = io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// headOf returns what the set would keep of b.
func headOf(b []byte) []byte {
	end := 0
	for range headLines {
		i := bytes.IndexByte(b[end:], '\n')
		if i < 0 {
			return b[:min(len(b), headBytes)]
		}
		end += i + 1
	}
	return b[:min(end, headBytes)]
}
