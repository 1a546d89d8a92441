package runner

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"convertd/runner/spool"
)

// Previews of a job that runs: how often they are looked for, how long a file must not
// have changed so that nobody sees half a picture, and how much of them is shown.
const (
	liveInterval = time.Second
	liveSettled  = 300 * time.Millisecond
	maxLive      = 8
	maxLiveBytes = 20 << 20
)

// live shows the pictures that steps have left so far: copies in preview.N, and the list
// of them in live.json. The end of the attempt puts the previews themselves in their place.
type live struct {
	next  time.Time
	shown map[string]fs.FileInfo
	// number names the copies; a picture that changes is a new one.
	number int
	list   []OutputFile
}

// showLive publishes pictures that are new or changed. That it does not work is no reason
// to fail.
func (a *attempt) showLive() {
	now := time.Now()
	if now.Before(a.live.next) {
		return
	}
	a.live.next = now.Add(liveInterval)
	entries, err := os.ReadDir(a.work.preview)
	if err != nil || len(entries) == 0 {
		return
	}
	root, err := os.OpenRoot(a.job.Dir)
	if err != nil {
		return
	}
	defer root.Close()
	changed := false
	for _, entry := range entries {
		changed = a.showOne(root, entry, now) || changed
	}
	if changed {
		if text, err := json.Marshal(a.live.list); err == nil {
			if a.publish(root, "live.json", text) == nil {
				a.mu.Lock()
				a.status.Picture()
				a.mu.Unlock()
			}
		}
	}
}

// showOne publishes one picture if it is new and nobody writes it any more.
func (a *attempt) showOne(root *os.Root, entry fs.DirEntry, now time.Time) bool {
	name := entry.Name()
	info, err := entry.Info()
	mediaType := typeByExtension(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 || info.Size() > maxLiveBytes || strings.HasPrefix(name, ".") ||
		!strings.HasPrefix(mediaType, "image/") || now.Sub(info.ModTime()) < liveSettled || len(a.live.shown) >= maxLive && a.live.shown[name] == nil {
		return false
	}
	if old := a.live.shown[name]; old != nil && os.SameFile(old, info) && old.ModTime().Equal(info.ModTime()) && old.Size() == info.Size() {
		return false
	}
	c := &collector{a: a, root: root, from: a.relative(a.work.preview), to: a.relative(a.job.Preview(a.spec.Attempt))}
	file, err := c.open(found{name: name, info: info})
	if err != nil {
		return false
	}
	defer file.Close()
	picture := make([]byte, info.Size())
	if _, err := file.ReadAt(picture, 0); err != nil || !looksLike(mediaType, picture[:min(len(picture), headSize)]) {
		return false
	}
	sum, err := digest(file)
	if err != nil {
		return false
	}
	if a.live.shown == nil {
		if a.live.shown = map[string]fs.FileInfo{}; a.makeOwned(a.job.Preview(a.spec.Attempt)) != nil {
			return false
		}
	}
	a.live.number++
	copied := "live." + strconv.Itoa(a.live.number)
	if a.publish(root, copied, picture) != nil {
		return false
	}
	a.live.shown[name] = info
	a.listLive(root, OutputFile{File: copied, Name: spool.CleanName(name), Size: info.Size(), SHA256: sum, MediaType: mediaType})
	return true
}

// listLive puts a picture in the place of the one before with its name.
func (a *attempt) listLive(root *os.Root, f OutputFile) {
	for i, old := range a.live.list {
		if old.Name == f.Name {
			_ = root.Remove(a.relative(a.job.Preview(a.spec.Attempt)) + "/" + old.File)
			a.live.list[i] = f
			return
		}
	}
	a.live.list = append(a.live.list, f)
}

// publish writes a file of the folder of previews, whole or not at all.
func (a *attempt) publish(root *os.Root, name string, text []byte) error {
	path := a.relative(a.job.Preview(a.spec.Attempt)) + "/" + name
	f, err := root.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = a.owner.give(f, 0o640)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return root.Rename(path+".new", path)
}

// endLive removes the pictures of the attempt while it ran.
func (a *attempt) endLive() {
	if a.live.shown == nil {
		return
	}
	dir := a.job.Preview(a.spec.Attempt)
	for _, f := range a.live.list {
		_ = os.Remove(filepath.Join(dir, f.File)) // they go with the job at the latest
	}
	_ = os.Remove(filepath.Join(dir, "live.json"))
	_ = os.Remove(dir) // unless there are previews
}
