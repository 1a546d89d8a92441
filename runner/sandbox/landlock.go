package sandbox

import (
	"fmt"
	"os"

	"github.com/landlock-lsm/go-landlock/landlock"
	llsys "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// restrictFiles lets this process and what it starts reach only what the box holds. In a
// root of its own that is a second belt; without one it is the only one.
func (p *plan) restrictFiles() error {
	if abi, err := llsys.LandlockGetABIVersion(); err != nil || abi < 1 {
		return &lackError{Landlock, fmt.Errorf("this kernel has it not, or not switched on: %w", err)}
	}
	rules := []landlock.Rule{landlock.RWDirs("/dev").WithIoctlDev().IgnoreIfMissing()}
	if p.has(Files) {
		rules = append(rules, landlock.RODirs("/"), landlock.RWDirs("/tmp", "/var/tmp").WithRefer())
	} else {
		rules = append(rules, landlock.RODirs("/proc").IgnoreIfMissing())
		for _, path := range append(systemFolders(), systemData()...) {
			rules = append(rules, readRule(path)...)
		}
		rules = append(rules, landlock.RWDirs(p.Tmp).WithRefer())
	}
	if p.Path == selfExe {
		rules = append(rules, landlock.ROFiles(selfExe))
	}
	for _, b := range p.Read {
		rules = append(rules, readRule(p.seen(b))...)
	}
	for _, b := range p.Write {
		rules = append(rules, writeRule(p.seen(b)))
	}
	if err := landlock.V5.BestEffort().RestrictPaths(rules...); err != nil {
		return &lackError{Landlock, err}
	}
	return nil
}

// seen is where the box sees what is granted.
func (p *plan) seen(b bind) string {
	if p.has(Files) {
		return b.Target
	}
	return b.Source
}

func readRule(path string) []landlock.Rule {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil
	case info.IsDir():
		return []landlock.Rule{landlock.RODirs(path)}
	}
	return []landlock.Rule{landlock.ROFiles(path)}
}

func writeRule(path string) landlock.Rule {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return landlock.RWFiles(path)
	}
	return landlock.RWDirs(path).WithRefer()
}
