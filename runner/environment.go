package runner

import (
	"slices"
	"strconv"
	"strings"

	"convertd/runner/recipe"
	"convertd/runner/sandbox"
)

// environment is the whole environment of a step, built from nothing: what is
// promised to programs, what the dispatcher adds, what the recipe adds, the later
// replacing the earlier. LANG is fixed because recipes read the words of tools.
func (a *attempt) environment(step Step) []string {
	env := []string{
		"PATH=" + a.searchPath(),
		"LANG=C.UTF-8",
		"HOME=" + a.work.home,
		"TMPDIR=" + a.work.tmp,
		"CONVERTD_JOB=" + a.spec.Job,
		"CONVERTD_ATTEMPT=" + strconv.Itoa(a.spec.Attempt),
		"CONVERTD_OUTPUT=" + a.work.out,
		"CONVERTD_PREVIEW=" + a.work.preview,
		"CONVERTD_SUBMIT=" + a.work.submit,
		"CONVERTD_STATE=" + a.job.State(),
		"CONVERTD_PROGRESS_FD=" + strconv.Itoa(sandbox.ProgressFD),
	}
	if len(a.spec.Inputs) > 0 {
		env = append(env, "CONVERTD_INPUT="+a.inputPath(0))
	}
	if dir := a.cacheDir(); dir != "" {
		env = append(env, "CONVERTD_CACHE="+dir)
	}
	env = a.accessEnv(env)
	if a.notify != nil {
		env = append(env, "NOTIFY_SOCKET="+a.notify.address)
	}
	for _, entry := range a.spec.Env {
		env = setEnv(env, entry)
	}
	names := make([]string, 0, len(step.Env))
	for name := range step.Env {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		env = setEnv(env, name+"="+step.Env[name])
	}
	return env
}

// searchPath is the PATH of the steps.
func (a *attempt) searchPath() string {
	if a.box.Granted.Network == sandbox.Proxied {
		return recipe.SearchPath + ":" + toolsFolder
	}
	return recipe.SearchPath
}

// setEnv appends NAME=VALUE, or replaces the entry of that name.
func setEnv(env []string, entry string) []string {
	name, _, _ := strings.Cut(entry, "=")
	for i, old := range env {
		if oldName, _, _ := strings.Cut(old, "="); oldName == name {
			env[i] = entry
			return env
		}
	}
	return append(env, entry)
}
