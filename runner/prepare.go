package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"convertd/runner/progress"
	"convertd/runner/sandbox"
)

// owner is who owns the job's folder: whoever is to read the results.
type owner struct {
	uid, gid int
	// root says that we may give files away.
	root bool
}

func ownerOf(dir string) (owner, error) {
	info, err := os.Lstat(dir)
	if err != nil {
		return owner{}, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() {
		return owner{}, fmt.Errorf("%s is not a folder", dir)
	}
	return owner{uid: int(stat.Uid), gid: int(stat.Gid), root: os.Geteuid() == 0}, nil
}

// give makes an open file or folder the owner's, with this mode.
func (o owner) give(f *os.File, mode fs.FileMode) error {
	if o.root {
		if err := f.Chown(o.uid, o.gid); err != nil {
			return err
		}
	}
	return f.Chmod(mode)
}

// prepare opens the workspace: folders, log, history, status, the box.
func (a *attempt) prepare() *verdict {
	err := a.prepareAll()
	if errors.Is(err, sandbox.ErrAccess) {
		return notStarted("", err)
	}
	if err != nil {
		return internal("The workspace of this job could not be prepared.", err)
	}
	return nil
}

func (a *attempt) prepareAll() error {
	var err error
	if a.owner, err = ownerOf(a.job.Dir); err != nil {
		return err
	}
	if err := a.openStatus(); err != nil {
		return err
	}
	if err := a.box.Enter(); err != nil {
		return err
	}
	if err := a.makeFolders(); err != nil {
		return err
	}
	if err := a.shareInputs(); err != nil {
		return err
	}
	return a.fillBox()
}

// fillBox says what the box holds beside the system: the folders of this attempt and what
// the recipe was granted. What lies above or in the job's folder cannot be granted,
// because other jobs are there.
func (a *attempt) fillBox() error {
	a.box.Base, a.box.Home, a.box.Tmp = a.work.dir, a.work.home, a.work.tmp
	a.box.Write = append([]string{a.work.dir, a.job.State()}, a.spec.Box.Write...)
	if a.spec.Cache.Dir != "" {
		a.box.Write = append(a.box.Write, a.spec.Cache.Dir)
	}
	a.box.Read = slices.Clone(a.spec.Box.Read)
	for _, granted := range append(a.spec.Box.Read, a.spec.Box.Write...) {
		if strings.HasPrefix(a.job.Dir+"/", strings.TrimSuffix(filepath.Clean(granted), "/")+"/") {
			return fmt.Errorf("%w: %s holds the files of jobs", sandbox.ErrAccess, granted)
		}
	}
	if err := a.grant(); err != nil {
		return err
	}
	if len(a.spec.Inputs)+len(a.spec.Files) == 0 {
		return nil
	}
	a.box.Read = append(a.box.Read, a.job.In())
	return a.fillLinks()
}

// fillLinks lets the box have what an input that is a link names, where the link says. Only
// a conversion here and now has such inputs.
func (a *attempt) fillLinks() error {
	for _, path := range a.filesIn() {
		target, err := os.Readlink(path)
		if err != nil {
			continue // no link
		}
		file, err := filepath.EvalSymlinks(path)
		if err != nil {
			return err
		}
		a.box.Extra = append(a.box.Extra, sandbox.Bind(file, target))
	}
	return nil
}

// openStatus opens log, history and status.
func (a *attempt) openStatus() error {
	file, err := a.create(a.job.Log(a.spec.Attempt))
	if err != nil {
		return err
	}
	tail := func() (*os.File, error) { return a.create(a.job.LogTail(a.spec.Attempt)) }
	a.log = newLogbook(file, tail, a.spec.Limits.Log)
	history, err := a.create(a.job.Progress(a.spec.Attempt))
	if err != nil {
		return err
	}
	a.status = progress.NewWriter(progress.Options{
		Job: a.spec.Job, Attempt: a.spec.Attempt,
		Kind: a.spec.Status.Kind, FD: a.spec.Status.FD, Address: a.spec.Status.Address,
		History: history,
	})
	return nil
}

// create makes a file of the attempt that its owner may read.
func (a *attempt) create(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := a.owner.give(f, 0o640); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// makeFolders makes the work folder and the state folder for the box. The folders of
// results are made when there are any.
func (a *attempt) makeFolders() error {
	for _, dir := range []string{a.work.dir, a.work.run, a.work.out, a.work.tmp, a.work.home, a.work.preview, a.work.submit} {
		if err := a.makeBoxFolder(dir); err != nil {
			return err
		}
	}
	if err := errors.Join(a.makeSources(), a.makeCache(), a.openCallback()); err != nil {
		return err
	}
	return a.openState()
}

func (a *attempt) makeBoxFolder(dir string) error {
	if err := mkdir(dir, 0o700); err != nil {
		return err
	}
	if a.box.UID == 0 {
		return nil
	}
	return os.Lchown(dir, a.box.UID, a.box.GID)
}

// makeOwned makes a folder of results for the owner.
func (a *attempt) makeOwned(dir string) error {
	if err := mkdir(dir, 0o750); err != nil {
		return err
	}
	f, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return a.owner.give(f, 0o750)
}

// mkdir makes a folder in the job's folder; one that is there already will do.
func mkdir(dir string, mode fs.FileMode) error {
	err := os.Mkdir(dir, mode)
	if errors.Is(err, fs.ErrExist) {
		info, statErr := os.Lstat(dir)
		if statErr == nil && info.IsDir() {
			return nil
		}
	}
	return err
}

// openState makes the folder that attempts pass on to each other, or gives what an
// earlier one left there to the user of this box. Links stay as they are.
func (a *attempt) openState() error {
	if err := a.makeBoxFolder(a.job.State()); err != nil || a.box.UID == 0 {
		return err
	}
	root, err := os.OpenRoot(a.job.State())
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == "." || !entry.IsDir() && !singleFile(entry) {
			return err
		}
		return root.Lchown(name, a.box.UID, a.box.GID)
	})
}

// singleFile reports a regular file with one name.
func singleFile(entry fs.DirEntry) bool {
	info, err := entry.Info()
	return err == nil && info.Mode().IsRegular() && links(info) == 1
}

func links(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Nlink)
	}
	return 0
}

// shareInputs lets the box's user, and no other box's, read the inputs. The folder of the
// job can be entered by those who know its name.
func (a *attempt) shareInputs() error {
	look := os.Lstat
	if a.box.UID == 0 {
		look = os.Stat // a conversion here and now works on a link to the file, however large
	}
	files := a.filesIn()
	for _, path := range files {
		if info, err := look(path); err != nil || !info.Mode().IsRegular() {
			return fmt.Errorf("input %s is missing in the spool (%v)", filepath.Base(path), err)
		}
	}
	if a.box.UID == 0 {
		return nil
	}
	info, err := os.Lstat(a.job.Dir)
	if err != nil {
		return err
	}
	if err := share(a.job.Dir, info.Mode().Perm()&^0o006|0o001, -1); err != nil {
		return err
	}
	if len(files) == 0 {
		return nil
	}
	// The web process, where it is another user, must get to the inputs too: nobody can
	// list the folder, and whoever gets through it must know the name of the job.
	if err := share(a.job.In(), 0o711, -1); err != nil {
		return err
	}
	for _, path := range files {
		if err := a.shareInput(path); err != nil {
			return err
		}
	}
	return nil
}

// shareInput lets the box's user read an input, and no other box's. A file with other
// names, the output or input of another job, cannot be one box's, and one of root that
// the web process reads by its group must keep that group: these are open to all who get
// to them, which takes the name of the job.
func (a *attempt) shareInput(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if ok && (stat.Nlink > 1 || stat.Uid == 0 && a.owner.gid != 0) {
		return share(path, 0o644, -1)
	}
	return share(path, 0o640, a.box.GID)
}

// filesIn are the inputs and the files of parameters.
func (a *attempt) filesIn() []string {
	var paths []string
	for _, in := range slices.Concat(a.spec.Inputs, a.spec.Files) {
		paths = append(paths, filepath.Join(a.job.In(), in.File))
	}
	return paths
}

// inputPath is the input with this index, counted from 0.
func (a *attempt) inputPath(i int) string {
	return filepath.Join(a.job.In(), a.spec.Inputs[i].File)
}

// share sets the mode of a file or folder, and its group unless that is -1.
func share(path string, mode fs.FileMode, group int) error {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if group >= 0 {
		if err := f.Chown(-1, group); err != nil {
			return err
		}
	}
	return f.Chmod(mode)
}
