package runner

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"convertd/runner/recipe"
	"convertd/runner/sandbox"
)

// maxSecret bounds one secret, in bytes: keys and passwords are much smaller.
const maxSecret = 64 << 10

// toolsFolder is where a box with hosts finds what is ours; it is the last on its PATH.
const toolsFolder = "/run/convertd"

// grant puts into the box what the recipe was granted besides files.
func (a *attempt) grant() error {
	g := &a.box.Granted
	g.User = a.spec.Box.User
	var err error
	if g.Devices, g.Groups, err = grantedDevices(a.spec.Box.Devices); err != nil {
		return err
	}
	if os.Geteuid() != 0 || a.box.UID == 0 {
		g.Groups = nil
	}
	if g.Secrets, err = readSecrets(a.spec.Box.Secrets); err != nil {
		return err
	}
	a.log.mask = maskOf(g.Secrets)
	switch {
	case a.spec.Box.HostNetwork:
		g.Network = sandbox.Shared
	case a.spec.Box.Proxied():
		g.Network = sandbox.Proxied
		return a.grantTools()
	}
	return nil
}

// Proxied reports whether the box reaches hosts by a proxy of its own, which then runs
// beside the steps.
func (b Box) Proxied() bool { return len(b.Hosts)+len(b.GivenHosts) > 0 }

// ProxyProcesses is what the proxy of a box may take of a limit of processes: the kernel
// counts threads, and it is two programs written in Go.
const ProxyProcesses = 32

// userProcesses is how many processes the kernel lets the user of the box have; 0 leaves
// that to the control group, because a user of the machine has processes elsewhere.
func userProcesses(s Spec) int {
	switch {
	case s.Box.User != "":
		return 0
	case s.Box.Proxied():
		return s.Limits.Processes + ProxyProcesses
	}
	return s.Limits.Processes
}

// grantTools lets programs that know no proxy have a way to it: ssh by itself, others by
// calling "convertd-net connect HOST PORT".
func (a *attempt) grantTools() error {
	program, err := netProgram()
	if err != nil {
		return err
	}
	tool := toolsFolder + "/convertd-net"
	a.box.Extra = append(a.box.Extra, sandbox.Bind(program, tool))
	a.box.Granted.Texts = map[string]string{
		"/etc/ssh/ssh_config": "Host *\n\tProxyCommand " + tool + " connect %h %p\n",
	}
	return nil
}

// netProgram is convertd-net, which lies beside this program.
func netProgram() (string, error) {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return "", fmt.Errorf("find convertd-net: %w", err)
	}
	path, err := filepath.EvalSymlinks(filepath.Join(filepath.Dir(self), "convertd-net"))
	if err != nil {
		return "", fmt.Errorf("%w: it belongs beside convertd-runner: %w", sandbox.ErrNotInstalled, err)
	}
	return path, nil
}

// grantedDevices finds the nodes that are meant, and the groups that may use them.
func grantedDevices(patterns []string) (paths []string, groups []int, err error) {
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			return nil, nil, fmt.Errorf("%w: there is no device %s", sandbox.ErrAccess, pattern)
		}
		for _, path := range found {
			info, err := os.Stat(path)
			if err != nil {
				return nil, nil, fmt.Errorf("%w: %w", sandbox.ErrAccess, err)
			}
			if info.IsDir() && path != pattern {
				continue // /dev/nvidia-caps beside /dev/nvidia0
			}
			if info.Mode().Type() != fs.ModeDevice|fs.ModeCharDevice {
				return nil, nil, fmt.Errorf("%w: %s is not a character device", sandbox.ErrAccess, path)
			}
			paths = append(paths, path)
			group := groupOf(info)
			if group != 0 && !slices.Contains(groups, group) {
				groups = append(groups, group)
			}
		}
	}
	return paths, groups, nil
}

// groupOf is the group of a device if it is by that that it may be used, else 0.
func groupOf(info fs.FileInfo) int {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || info.Mode().Perm()&0o006 == 0o006 || info.Mode().Perm()&0o060 != 0o060 {
		return 0
	}
	return int(stat.Gid)
}

// readSecrets reads the secrets by their names. An error never tells what is in one.
func readSecrets(paths map[string]string) ([]sandbox.Secret, error) {
	var all []sandbox.Secret
	for name, path := range paths {
		text, err := readSecret(path)
		if err != nil {
			return nil, fmt.Errorf("%w: secret %s: %w", sandbox.ErrAccess, name, err)
		}
		all = append(all, sandbox.Secret{Name: name, Text: text})
	}
	slices.SortFunc(all, func(a, b sandbox.Secret) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

func readSecret(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	case info.Mode().Perm()&0o037 != 0:
		return nil, fmt.Errorf("%s is open to others (%v): run chmod 0600 %s", path, info.Mode().Perm(), path)
	case info.Size() > maxSecret:
		return nil, fmt.Errorf("%s has %d bytes; a secret has at most %d", path, info.Size(), maxSecret)
	case info.Size() == 0:
		return nil, errors.New(path + " is empty")
	}
	return io.ReadAll(io.LimitReader(f, maxSecret))
}

// minMasked is how long a line of a secret must be to be hidden: shorter ones stand in
// too many other words.
const minMasked = 4

// maskOf hides what stands in secrets, whole and by their lines; nil hides nothing.
func maskOf(secrets []sandbox.Secret) *strings.Replacer {
	var pairs []string
	for _, s := range secrets {
		hidden := "[secret " + s.Name + "]"
		for line := range bytes.Lines(s.Text) {
			if text := strings.TrimSpace(string(line)); len(text) >= minMasked {
				pairs = append(pairs, text, hidden)
			}
		}
	}
	if pairs == nil {
		return nil
	}
	return strings.NewReplacer(pairs...)
}

// accessEnv tells programs of what they were granted.
func (a *attempt) accessEnv(env []string) []string {
	g := a.box.Granted
	if len(g.Secrets) > 0 {
		env = append(env, "CONVERTD_SECRETS="+sandbox.SecretsFolder)
	}
	for _, s := range g.Secrets {
		env = append(env, "CONVERTD_SECRET_"+recipe.SecretVariable(s.Name)+"="+sandbox.SecretsFolder+"/"+s.Name)
	}
	if g.Network != sandbox.Proxied {
		return env
	}
	proxy := "http://127.0.0.1:" + strconv.Itoa(sandbox.ProxyPort)
	own := strings.Join(a.ownHosts(), ",")
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"} {
		env = append(env, name+"="+proxy, strings.ToLower(name)+"="+proxy)
	}
	return append(env, "NO_PROXY="+own, "no_proxy="+own)
}

// ownHosts are the names by which programs of a box reach each other, unless a recipe
// means this machine by them.
func (a *attempt) ownHosts() []string {
	return slices.DeleteFunc([]string{"localhost", "127.0.0.1", "::1"}, func(own string) bool {
		return slices.ContainsFunc(a.spec.Box.Hosts, func(host string) bool {
			host = strings.ToLower(strings.Trim(host, "["))
			return host == own || strings.HasPrefix(host, own+":") || strings.HasPrefix(host, own+"]")
		})
	})
}
