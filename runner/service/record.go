package service

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// record is the file by which a new attempt finds the job that the service has already.
type record struct {
	path string
	// key is the idempotency key: a record of another one is of another job.
	key    string
	loaded bool
}

// recorded is what the file holds.
type recorded struct {
	Key    string          `json:"key"`
	Answer json.RawMessage `json:"answer"`
}

// load returns the service's first answer, if there was one.
func (r *record) load() (answer any, known bool, err error) {
	text, err := os.ReadFile(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read what is known of the remote job: %w", err)
	}
	var kept recorded
	if json.Unmarshal(text, &kept) != nil || kept.Key != r.key {
		return nil, false, nil // not ours, or not whole: the key keeps the service from doing it twice
	}
	answer, err = parse(kept.Answer)
	if err != nil {
		return nil, false, nil
	}
	r.loaded = true
	return answer, true, nil
}

// known reports whether the service has, or had, the job.
func (r *record) known() bool { return r.loaded }

// keep writes the answer so that it survives a power cut: only then may be waited for
// what it promises.
func (r *record) keep(answer any) error {
	kept, err := json.Marshal(answer)
	if err == nil {
		kept, err = json.Marshal(recorded{Key: r.key, Answer: kept})
	}
	if err == nil {
		err = writeSafely(r.path, kept)
	}
	if err != nil {
		return fmt.Errorf("keep the id of the remote job: %w", err)
	}
	r.loaded = true
	return nil
}

// forget removes the record.
func (r *record) forget() error {
	r.loaded = false
	if err := os.Remove(r.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget the remote job: %w", err)
	}
	return nil
}

// writeSafely writes a file whole or not at all.
func writeSafely(path string, content []byte) error {
	file, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
