package runner

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"convertd/runner/cache"
	"convertd/runner/recipe"
)

// fetchSources gets the inputs that are fetched, each from its copy or anew.
func (a *attempt) fetchSources() *verdict {
	for _, s := range a.spec.Sources {
		a.mu.Lock()
		a.step, a.said = s.title(a.spec.Lang), ""
		a.show()
		a.mu.Unlock()
		if bad := a.fetchSource(s); bad != nil {
			a.outcome.Step = s.Source.Name
			return bad
		}
	}
	return nil
}

func (s Source) title(lang string) string {
	if title := s.Source.Title.In(lang); title != "" {
		return title
	}
	return "Fetching " + s.Source.Name
}

// fetchSource uses a copy that is there; else one job fetches it while the others wait.
func (a *attempt) fetchSource(s Source) *verdict {
	if s.Digest == "" {
		if bad := a.fetch(s); bad != nil {
			return bad
		}
		return a.sourceProblem(s, a.adopt(s.To, s.File))
	}
	shelf := cache.OpenShelf(s.Shelf)
	for waited := false; ; waited = true {
		if copied, ok := shelf.Find(s.Digest, time.Now()); ok {
			a.logRun("source " + s.Source.Name + ": from the copy that is kept")
			return a.sourceProblem(s, a.useCopy(copied, s.File))
		}
		lock, err := shelf.Lock(s.Digest)
		if err != nil {
			return a.sourceProblem(s, err)
		}
		if lock != nil {
			defer lock.Close()
			return a.fetchCopy(shelf, s)
		}
		if !waited {
			a.logRun("source " + s.Source.Name + ": another job fetches it")
		}
		if bad := a.waitTick(); bad != nil {
			return bad
		}
	}
}

// waitTick waits a moment, and serves the clock and the parent's requests.
func (a *attempt) waitTick() *verdict {
	tick := time.NewTimer(tickInterval)
	defer tick.Stop()
	select {
	case signal := <-a.signals:
		a.asked(signal)
	case <-a.deadline.C:
		a.stopFor(a.timeoutVerdict())
	case <-tick.C:
		a.mu.Lock()
		a.status.Tick()
		a.log.tick()
		a.mu.Unlock()
	}
	return a.stopped
}

// fetchCopy fetches what others wait for, unless it came in the moment before the lock.
func (a *attempt) fetchCopy(shelf cache.Shelf, s Source) *verdict {
	if copied, ok := shelf.Find(s.Digest, time.Now()); ok {
		return a.sourceProblem(s, a.useCopy(copied, s.File))
	}
	asked := time.Now()
	if bad := a.fetch(s); bad != nil {
		return bad
	}
	kept := cache.Copy{Digest: s.Digest, Prefix: s.Prefix, Asked: asked, Now: time.Now(), TTL: s.Source.TTL}
	own := s.To + ".own"
	err := a.adopt(s.To, own)
	if err == nil {
		var copied string
		if copied, err = shelf.Put(own, kept); err == nil {
			err = a.useCopy(copied, s.File)
		}
	}
	return a.sourceProblem(s, err)
}

// fetch runs convertd-net in the box.
func (a *attempt) fetch(s Source) *verdict {
	return a.runNet(Step{Step: recipe.Step{Name: "fetch " + s.Source.Name}}, "fetch", s.Fetch)
}

func (a *attempt) sourceProblem(s Source, err error) *verdict {
	if err == nil {
		return nil
	}
	return internal("The input "+s.Source.Name+" could not be taken over.", err)
}

// adopt takes a file that the box made: from now on it is ours, and nobody's to change.
func (a *attempt) adopt(from, to string) error {
	f, err := os.OpenFile(from, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || links(info) != 1 {
		return fmt.Errorf("%s is not a file of its own", from)
	}
	if a.owner.root {
		if err := f.Chown(0, 0); err != nil {
			return err
		}
	}
	if err := errors.Join(f.Chmod(0o444), f.Sync()); err != nil {
		return err
	}
	return os.Rename(from, to)
}

// useCopy gives the steps a copy. Root shares the file itself, which a box cannot change
// then; where the box has our own user it gets one to itself.
func (a *attempt) useCopy(copied, file string) error {
	if a.owner.root && a.box.UID != 0 {
		now := time.Now()
		// That it was used is worth knowing, and no more.
		_ = os.Chtimes(copied, now, time.Time{})
		return os.Link(copied, file)
	}
	from, err := os.Open(copied)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}

// makeSources makes the folders for what is fetched.
func (a *attempt) makeSources() error {
	if len(a.spec.Sources) == 0 {
		return nil
	}
	if err := a.makeBoxFolder(a.work.fetch); err != nil {
		return err
	}
	if err := mkdir(a.work.sources, 0o711); err != nil {
		return err
	}
	return os.Chmod(a.work.sources, 0o711)
}

// makeCache makes the folder that steps keep, if it is one of this attempt alone.
func (a *attempt) makeCache() error {
	if a.spec.Cache.Size == 0 || a.spec.Cache.Dir != "" {
		return nil
	}
	return a.makeBoxFolder(a.work.cache)
}

// cacheDir is CONVERTD_CACHE, "" for a recipe that keeps nothing.
func (a *attempt) cacheDir() string {
	switch {
	case a.spec.Cache.Size == 0:
		return ""
	case a.spec.Cache.Dir != "":
		return a.spec.Cache.Dir
	}
	return a.work.cache
}

// settleCache brings the folder into its limit, and lets whichever user comes next use
// what lies there.
func (a *attempt) settleCache() {
	if a.spec.Cache.Dir == "" || a.spec.Cache.Size == 0 {
		return
	}
	if err := cache.Settle(a.spec.Cache.Dir, a.spec.Cache.Size); err != nil {
		a.logRun(oneLine(err.Error()))
	}
}

// memory is a file without a name that holds the text.
func memory(name string, text []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), filepath.Base(name))
	if _, err := f.Write(text); err != nil {
		f.Close()
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
