// Package keeper owns the control group beneath which the groups of attempts live when a
// service manager started the dispatcher: it belongs to a service of its own, so that the
// dispatcher can be stopped, killed and replaced while jobs run. It tells the dispatcher
// where the group is, and ends what still runs in it safely when its own service ends.
//
// It does not own the groups of attempts (dispatcher). It may import dispatcher/cgroup and
// the standard library.
package keeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"convertd/dispatcher/cgroup"
)

// placeFile names the control group to the dispatcher, in the keeper's folder.
const placeFile = "group"

// Keeper holds a delegated control group.
type Keeper struct {
	home  *cgroup.Home
	place string
	log   *slog.Logger
}

// Open moves this process out of the way within its control group, which must have been
// delegated to it, and notes in folder where the group is.
func Open(folder string, log *slog.Logger) (*Keeper, error) {
	home, err := cgroup.Settle("keeper")
	if err != nil {
		return nil, err
	}
	k := &Keeper{home: home, place: filepath.Join(folder, placeFile), log: log}
	if err := os.WriteFile(k.place+".new", []byte(home.Dir()+"\n"), 0o644); err != nil {
		return nil, fmt.Errorf("note the control group of jobs: %w", err)
	}
	if err := os.Rename(k.place+".new", k.place); err != nil {
		return nil, fmt.Errorf("note the control group of jobs: %w", err)
	}
	return k, nil
}

// Place reads where the keeper of this folder holds its group.
func Place(folder string) (string, error) {
	b, err := os.ReadFile(filepath.Join(folder, placeFile))
	if err != nil {
		return "", fmt.Errorf("find the control group of jobs (is convertd-jobs.service running?): %w", err)
	}
	dir := strings.TrimSpace(string(b))
	if _, err := os.Stat(dir); err != nil {
		return "", fmt.Errorf("find the control group of jobs (is convertd-jobs.service running?): %w", err)
	}
	return dir, nil
}

// Run serves until ctx ends. Then it asks every attempt to stop safely, as the dispatcher
// would: each has its recipe's grace, then its runner kills it. It returns when nothing
// runs any more; the service manager ends the wait by killing all of it.
func (k *Keeper) Run(ctx context.Context) error {
	<-ctx.Done()
	return errors.Join(k.end(), os.Remove(k.place))
}

func (k *Keeper) end() error {
	const look = 200 * time.Millisecond
	asked := map[int]bool{}
	for {
		heads, populated, err := k.home.Heads()
		if err != nil || !populated {
			return err
		}
		for _, pid := range heads {
			if asked[pid] {
				continue
			}
			asked[pid] = true
			k.log.Info("asking a job to stop safely", "pid", pid)
			if err := syscall.Kill(pid, syscall.SIGUSR1); err != nil && !errors.Is(err, syscall.ESRCH) {
				k.log.Error("ask a job to stop", "pid", pid, "error", err)
			}
		}
		time.Sleep(look)
	}
}
