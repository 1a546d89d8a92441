package runner

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/runner/spool"
)

// Bounds of collecting that recipes cannot change.
const (
	maxDepth    = 16  // folders beneath the output folder
	maxIgnored  = 100 // names in Outcome.Ignored
	maxPreviews = 100
)

// collected is what an attempt left that is worth keeping.
type collected struct {
	outputs, previews []OutputFile
	ignored           []string
	followUps         []FollowUp
}

// collector moves the files of one folder of the box to a numbered folder of ours. It
// runs when no process of the box is alive, and all the same goes through an os.Root at
// the job's folder and believes no name: what it keeps is a regular file with one name,
// looked at through the descriptor it is read by.
type collector struct {
	a    *attempt
	root *os.Root
	from string // folder of the box, relative to the root
	to   string // folder of ours, likewise
	// limit is how many files may be kept.
	limit   int
	names   spool.Names
	files   []OutputFile
	found   []found
	ignored []string
}

// found is one regular file beneath the folder, before it is taken.
type found struct {
	name string // relative to the folder
	info fs.FileInfo
}

// collect takes the outputs, checks them against what the recipe declares, and takes the
// previews.
func (a *attempt) collect() (collected, *verdict) {
	root, err := os.OpenRoot(a.job.Dir)
	if err != nil {
		return collected{}, internal("The results could not be collected.", err)
	}
	defer root.Close()
	out := &collector{a: a, root: root, limit: a.spec.Limits.Outputs,
		from: a.relative(a.work.out), to: a.relative(a.job.Out(a.spec.Attempt))}
	bad := out.takeOutputs()
	results := collected{outputs: out.files, ignored: out.ignored}
	if bad != nil {
		return results, bad
	}
	previews := &collector{a: a, root: root, limit: maxPreviews,
		from: a.relative(a.work.preview), to: a.relative(a.job.Preview(a.spec.Attempt))}
	if err := previews.takePreviews(); err != nil {
		return results, internal("The previews could not be collected.", err)
	}
	results.previews = previews.files
	results.ignored = append(results.ignored, previews.ignored...)
	asked, passed, err := a.followUps(root)
	if err != nil {
		return results, internal("The follow-up jobs could not be read.", err)
	}
	results.followUps, results.ignored = asked, append(results.ignored, passed...)
	if err := a.syncResults(); err != nil {
		return results, internal("The results could not be written to the disk.", err)
	}
	return results, nil
}

// relative is a path beneath the job's folder without that folder.
func (a *attempt) relative(path string) string {
	return strings.TrimPrefix(path, a.job.Dir+"/")
}

// syncResults makes the new names survive a power cut; a folder without files was not
// made.
func (a *attempt) syncResults() error {
	for _, dir := range []string{a.job.Out(a.spec.Attempt), a.job.Preview(a.spec.Attempt)} {
		if err := syncFolder(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// takeOutputs finds, checks and moves the outputs.
func (c *collector) takeOutputs() *verdict {
	if info, err := c.root.Lstat(c.from); err == nil && !info.IsDir() {
		return failed("The converter put something else in the place of its output folder.")
	}
	if err := c.find(); err != nil {
		return internal("The results could not be collected.", err)
	}
	wanted := c.declared()
	if len(wanted) > c.limit {
		return failedLimit("left more than "+strconv.Itoa(c.limit)+" files", "limits.outputs", c.a.spec.Recipe)
	}
	if bad := c.checkDeclared(wanted); bad != nil {
		return bad
	}
	if len(wanted) == 0 {
		return nil
	}
	if err := c.a.makeOwned(c.a.job.Out(c.a.spec.Attempt)); err != nil {
		return internal("The results could not be collected.", err)
	}
	for _, f := range wanted {
		bad, err := c.take(f, c.a.typeOf(f.name))
		if err != nil {
			return internal("The results could not be collected.", err)
		}
		if bad != nil {
			return bad
		}
	}
	return nil
}

func failedLimit(what, key, recipe string) *verdict {
	return &verdict{
		class: fault.ConverterFailed, detail: "The converter " + what + ".",
		hint: raiseHint(key, recipe, "other settings"),
	}
}

// declared returns the files that a declared output matches, all when none is declared;
// the others are ignored.
func (c *collector) declared() []found {
	if len(c.a.spec.Outputs) == 0 {
		return c.found
	}
	var wanted []found
	for _, f := range c.found {
		if slices.ContainsFunc(c.a.spec.Outputs, func(o recipe.Output) bool { return matches(o, f.name) }) {
			wanted = append(wanted, f)
			continue
		}
		c.ignore(f.name, "the recipe does not declare it")
	}
	return wanted
}

// matches reports whether a declared output means the file, by its path beneath the
// output folder.
func matches(o recipe.Output, name string) bool {
	ok, err := path.Match(o.Match, name)
	return err == nil && ok
}

// checkDeclared checks how many files there are of each declared output, and that a job
// with inputs has any.
func (c *collector) checkDeclared(wanted []found) *verdict {
	if len(c.a.spec.Outputs) == 0 && len(c.a.spec.Inputs) > 0 && len(wanted) == 0 {
		return failed("The converter said that all is well but left no result.")
	}
	for _, o := range c.a.spec.Outputs {
		n := 0
		for _, f := range wanted {
			if matches(o, f.name) {
				n++
			}
		}
		if n < o.Min && n == 0 {
			return failed("The converter said that all is well but left no " + o.Match + ".")
		}
		if n < o.Min {
			return failed(fmt.Sprintf("The converter left %d files %s; at least %d are expected.", n, o.Match, o.Min))
		}
		if o.Max > 0 && n > o.Max {
			return failed(fmt.Sprintf("The converter left %d files %s; at most %d are expected.", n, o.Match, o.Max))
		}
	}
	return nil
}

// typeOf is the media type a file must have: declared, else by its extension, else "".
func (a *attempt) typeOf(name string) string {
	for _, o := range a.spec.Outputs {
		if o.Type != "" && matches(o, name) {
			return o.Type
		}
	}
	return typeByExtension(name)
}

// find lists the regular files beneath the folder in the order of their names; the rest
// is ignored with the reason.
func (c *collector) find() error {
	return fs.WalkDir(c.root.FS(), c.from, func(name string, entry fs.DirEntry, err error) error {
		shown := strings.TrimPrefix(name, c.from+"/")
		switch {
		case errors.Is(err, fs.ErrNotExist) && name == c.from:
			return nil
		case err != nil && name == c.from:
			return err
		case err != nil:
			c.ignore(shown, "it cannot be read")
			return fs.SkipDir
		case entry.IsDir() && strings.Count(shown, "/") >= maxDepth:
			c.ignore(shown, "it lies too deep")
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			c.ignore(shown, "it cannot be read")
		} else if reason := c.unwanted(info); reason != "" {
			c.ignore(shown, reason)
		} else {
			c.found = append(c.found, found{name: shown, info: info})
		}
		if len(c.found) > c.limit && len(c.a.spec.Outputs) == 0 {
			return fs.SkipAll
		}
		return nil
	})
}

// unwanted says why a file is not taken, "" when it is.
func (c *collector) unwanted(info fs.FileInfo) string {
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return "it is a symbolic link"
	case !info.Mode().IsRegular() || !ok:
		return "it is not a regular file"
	case links(info) != 1:
		return "it has more than one name"
	case c.a.box.UID != 0 && int(stat.Uid) != c.a.box.UID:
		return "it belongs to somebody else"
	}
	return ""
}

func (c *collector) ignore(name, reason string) {
	switch {
	case len(c.ignored) < maxIgnored:
		c.ignored = append(c.ignored, oneLine(name)+": "+reason)
	case len(c.ignored) == maxIgnored:
		c.ignored = append(c.ignored, "and more")
	}
}

// take checks one file by its content and moves it. What is wrong with the file is a
// verdict; an error is a fault on our side.
func (c *collector) take(f found, mediaType string) (*verdict, error) {
	file, err := c.open(f)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	out := OutputFile{File: strconv.Itoa(len(c.files) + 1), Size: f.info.Size(), MediaType: mediaType}
	out.Name = c.names.Unique(spool.CleanName(recipe.ShownName(c.a.spec.Outputs, f.name, c.a.spec.Stem)))
	if out.Size == 0 {
		return failed("The converter left an empty file " + out.Name + "."), nil
	}
	head := make([]byte, headSize)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !looksLike(mediaType, head[:n]) {
		return failed("The converter left a file " + out.Name + " that is not of the type " + mediaType + "."), nil
	}
	if out.SHA256, err = digest(heedful{c.a, file}); err != nil {
		return nil, err
	}
	if out.MediaType == "" {
		out.MediaType = "application/octet-stream"
	}
	if err := c.move(f, file, out.File); err != nil {
		return nil, err
	}
	c.files = append(c.files, out)
	return nil, nil
}

// open opens a file that was found, without following a link and without waiting for
// whoever might be at the other end, and makes sure that it is the file that was found.
func (c *collector) open(f found) (*os.File, error) {
	file, err := c.root.OpenFile(c.from+"/"+f.name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrPermission) {
		// A tool may take its own permission away; the folder is ours to read.
		if err = c.root.Chmod(c.from+"/"+f.name, 0o600); err == nil {
			file, err = c.root.OpenFile(c.from+"/"+f.name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
		}
	}
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !os.SameFile(info, f.info) {
		err = fmt.Errorf("%s is not the file any more that was found", f.name)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// move gives the open file to the owner of the job, makes it survive a power cut, and
// renames it to its number.
func (c *collector) move(f found, file *os.File, number string) error {
	if err := c.a.owner.give(file, 0o640); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := c.root.Rename(c.from+"/"+f.name, c.to+"/"+number); err != nil {
		return err
	}
	info, err := c.root.Lstat(c.to + "/" + number)
	if err != nil {
		return err
	}
	if !os.SameFile(info, f.info) {
		return fmt.Errorf("%s was exchanged while it was taken", f.name)
	}
	return nil
}

func digest(file io.Reader) (string, error) {
	sum := sha256.New()
	if _, err := io.CopyBuffer(sum, file, make([]byte, 128<<10)); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// errCancelled ends the reading of results that nobody wants any more.
var errCancelled = errors.New("the job was cancelled")

// heedful reads on until the job is cancelled: results can be large.
type heedful struct {
	a    *attempt
	from io.Reader
}

// Read reads a piece, or says that the job was cancelled.
func (h heedful) Read(p []byte) (int, error) {
	if h.a.cancelled() {
		return 0, errCancelled
	}
	return h.from.Read(p)
}

// takePreviews moves the pictures in the preview folder; anything else there is ignored.
func (c *collector) takePreviews() error {
	if err := c.find(); err != nil || len(c.found) == 0 {
		return err
	}
	if err := c.a.makeOwned(c.a.job.Preview(c.a.spec.Attempt)); err != nil {
		return err
	}
	for _, f := range c.found[:min(len(c.found), c.limit)] {
		mediaType := typeByExtension(f.name)
		if !strings.HasPrefix(mediaType, "image/") {
			c.ignore("preview "+f.name, "it is not a picture")
			continue
		}
		bad, err := c.take(f, mediaType)
		if err != nil {
			return err
		}
		if bad != nil {
			c.ignore("preview "+f.name, "it is empty or not a picture")
		}
	}
	return nil
}
