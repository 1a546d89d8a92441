package load

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"convertd/runner/recipe"
	"convertd/runner/service/guard"
)

// readAccess takes what the box of the recipe's steps holds beyond the system's programs
// and the files of the job.
func readAccess(t *table) recipe.Access {
	if t == nil {
		return recipe.Access{}
	}
	a := recipe.Access{
		Read: t.paths("read"), Write: t.paths("write"), Devices: t.devices("devices"),
		Hosts: t.hosts("hosts"), Secrets: t.secrets("secrets"),
		User: t.text("user", "deploy"), Network: t.text("network", recipe.HostNetwork),
	}
	if a.User == "root" || a.User == "0" {
		t.wrong("user", "is root, as whom no step ever runs.", "Name a user that may do what the steps have to do, and no more.")
	}
	if a.Network != "" && a.Network != recipe.HostNetwork {
		t.wrong("network", fmt.Sprintf("is %q.", a.Network), `It is "host", which is the whole network without a filter. Better grant the hosts that are needed: hosts = ["render.lan:8080"].`)
	}
	if a.Network == recipe.HostNetwork && len(a.Hosts) > 0 {
		t.wrong("hosts", "says which hosts may be reached, but network gives all of them.", "Remove network, or hosts.")
	}
	t.done()
	return a
}

// hidden are folders that no box may hold, whole or in part: they are the kernel's or
// the box has its own.
func hidden() []string { return []string{"/proc", "/sys", "/dev", "/run", "/tmp"} }

// isPlainPath accepts absolute paths that are written in the shortest way.
func isPlainPath(path string) bool {
	return filepath.IsAbs(path) && filepath.Clean(path) == path && !strings.ContainsRune(path, 0)
}

// paths takes a list of absolute paths.
func (t *table) paths(key string) []string {
	all := t.texts(key, "/srv/luts")
	for _, path := range all {
		switch {
		case !isPlainPath(path):
			t.wrong(key, fmt.Sprintf("has %q, which is not a plain absolute path.", path), "Write the whole path from the root on, such as /srv/luts.")
		case path == "/":
			t.wrong(key, "has the root itself, which would give everything away.", "Name the folders that the program needs.")
		case strings.HasPrefix(path, "/dev/"):
			t.wrong(key, fmt.Sprintf("has %q, which is a device.", path), fmt.Sprintf("Write devices = [%q].", path))
		default:
			t.refuseHidden(key, path)
		}
	}
	return all
}

func (t *table) refuseHidden(key, path string) {
	for _, dir := range hidden() {
		if path == dir {
			t.wrong(key, fmt.Sprintf("has %q, of which every box has its own.", path), "Name what lies beneath it, if the program needs that.")
		}
	}
}

// devices takes a list of nodes of /dev, which may be patterns.
func (t *table) devices(key string) []string {
	all := t.texts(key, "/dev/dri/renderD128")
	for _, path := range all {
		_, err := filepath.Match(path, "")
		if err != nil || !isPlainPath(path) || !strings.HasPrefix(path, "/dev/") || strings.Trim(path[len("/dev/"):], "*?/") == "" {
			t.wrong(key, fmt.Sprintf("has %q, which is not a device.", path), "Write the whole path, such as /dev/dri/renderD128 or /dev/nvidia*.")
		}
	}
	return all
}

// hosts takes a list of hosts; in the place of a parameter any name will do here.
func (t *table) hosts(key string) []string {
	all := t.texts(key, "render.lan:8080")
	for _, host := range all {
		text := host
		names := recipe.Placeholders(host)
		for _, name := range names {
			text = strings.ReplaceAll(text, "{"+name+"}", "name")
		}
		rule, err := guard.ParseRule(text)
		if err == nil && rule.Star && len(names) > 0 {
			err = errors.New("has both a star and a parameter")
		}
		if err != nil {
			t.wrong(key, fmt.Sprintf("has %q, which %s.", host, err),
				"Write HOST or HOST:PORT, such as render.lan:8080; *.example.org is every host below, * every host of the internet. Without a port 80 and 443 are meant.")
		}
	}
	return all
}

// secrets takes names with the files that hold what is meant.
func (t *table) secrets(key string) map[string]string {
	all := t.pairs(key)
	for _, name := range names(all) {
		at := key + "." + name
		if name == "" || len(name) > 60 || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" || name[0] < 'A' || name[0] > 'Z' {
			t.problem(t.path+at, fmt.Sprintf("secrets has the name %q.", name), "A name begins with a capital letter and goes on with capital letters, digits and _, such as DEPLOY_KEY.")
		}
		if path := all[name]; !isPlainPath(path) {
			t.problem(t.path+at, fmt.Sprintf("The secret %s is %q, which is not a plain absolute path.", name, path),
				"Put what is secret into a file of its own, and write the whole path of that, such as /etc/convertd/secret/deploy.")
		}
	}
	return all
}

// aboutAccess reports what of the access cannot be granted on this machine as it is now.
// What this user may not look at is no problem: whoever runs the steps may.
func (s *source) aboutAccess(a recipe.Access) {
	for _, name := range names(a.Secrets) {
		s.aboutSecret(name, a.Secrets[name])
	}
	for _, pattern := range a.Devices {
		if found, err := filepath.Glob(pattern); err == nil && len(found) == 0 {
			s.warn("access.devices", fmt.Sprintf("There is no device %s on this machine.", pattern), "Load its driver; until then every job of this recipe fails.")
		}
	}
	if a.User != "" {
		s.aboutUser(a.User)
	}
	for key, paths := range map[string][]string{"read": a.Read, "write": a.Write} {
		for _, path := range paths {
			if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
				s.warn("access."+key, fmt.Sprintf("%s is not there.", path), "Make it, or remove it from "+key+"; until then every job of this recipe fails.")
			}
		}
	}
}

func (s *source) aboutSecret(name, path string) {
	info, err := os.Stat(path)
	const key = "access.secrets"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.problem(key, fmt.Sprintf("The file %s of the secret %s is not there.", path, name), "Write the secret into it, and run: chmod 0600 "+path)
	case err != nil:
	case !info.Mode().IsRegular():
		s.problem(key, fmt.Sprintf("%s, of the secret %s, is not a regular file.", path, name), "Put the secret into a plain file.")
	case info.Mode().Perm()&0o037 != 0:
		s.problem(key, fmt.Sprintf("The file %s of the secret %s is open to others (%v).", path, name, info.Mode().Perm()), "Run: chmod 0600 "+path)
	case info.Size() == 0:
		s.problem(key, fmt.Sprintf("The file %s of the secret %s is empty.", path, name), "Write the secret into it.")
	}
}

func (s *source) aboutUser(name string) {
	u, err := user.Lookup(name)
	switch {
	case errors.As(err, new(user.UnknownUserError)):
		s.problem("access.user", fmt.Sprintf("There is no user %s on this machine.", name), "Make it, like: adduser --system --group "+name)
	case err == nil && u.Uid == "0":
		s.problem("access.user", fmt.Sprintf("The user %s is root, as whom no step ever runs.", name), "Name another one.")
	}
}

// checkSecretNames reports parameters that programs could not tell from granted secrets:
// both are named by CONVERTD_SECRET_NAME.
func checkSecretNames(t *table, r recipe.Recipe) {
	for i, p := range r.Params {
		name := recipe.SecretVariable(p.Name)
		if _, taken := r.Access.Secrets[name]; taken && p.Type == recipe.Secret {
			t.problem("param."+strconv.Itoa(i)+".name", fmt.Sprintf("The secret %s cannot be told from the secret %s of [access].", p.Name, name), "Give one of them another name.")
		}
	}
}
