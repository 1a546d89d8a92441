package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
)

// Bounds of what a job may ask for after it.
const (
	maxFollowUps = 100
	maxFollowUp  = 64 << 10 // bytes of one file
)

// followUps reads the *.json files that the steps left in their submit folder, and names
// those that it passed over. No process of the box is alive any more.
func (a *attempt) followUps(root *os.Root) (asked []FollowUp, passed []string, err error) {
	folder := a.relative(a.work.submit)
	entries, err := fs.ReadDir(root.FS(), folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		if path.Ext(e.Name()) != ".json" {
			continue
		}
		reason := ""
		switch text, err := followUpText(root, path.Join(folder, e.Name()), e); {
		case len(asked) == maxFollowUps:
			reason = fmt.Sprintf("more than %d jobs were asked for", maxFollowUps)
		case err != nil:
			reason = err.Error()
		default:
			asked = append(asked, FollowUp{Name: e.Name(), Request: text})
		}
		if reason != "" && len(passed) < maxIgnored {
			passed = append(passed, "follow-up "+e.Name()+": "+reason)
		}
	}
	return asked, passed, nil
}

// followUpText reads one file of ours to be; a step could have put anything there.
func followUpText(root *os.Root, name string, e fs.DirEntry) (json.RawMessage, error) {
	info, err := e.Info()
	if err != nil || !info.Mode().IsRegular() {
		return nil, errors.New("it is no regular file")
	}
	if info.Size() > maxFollowUp {
		return nil, fmt.Errorf("it is larger than %d bytes", maxFollowUp)
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, errors.New("it cannot be read")
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFollowUp))
	if err != nil || !json.Valid(text) {
		return nil, errors.New("it is not JSON")
	}
	return text, nil
}
