package runner

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"convertd/runner/fault"
	"convertd/runner/sandbox"
)

// maxAdvice bounds how many lines of [access] are proposed after one attempt.
const maxAdvice = 8

// advise says what the box did not have and the steps needed, with the line that grants
// it: for certain what its proxy refused, by the words of the programs all else, because
// the kernel tells nobody else what it refused. It is for administrators alone: it tells
// what is on the machine.
func (a *attempt) advise(bad *verdict) []string {
	if a.log == nil || bad.class == fault.Cancelled || bad.requeue {
		return nil
	}
	d := advisor{box: a.spec.Box, job: a.job.Dir}
	for _, r := range a.refused {
		d.connection(r)
	}
	if bad.tool {
		for _, line := range a.log.last(logKeep) {
			d.line(line)
		}
	}
	return d.advice
}

// advisor collects advice about one box.
type advisor struct {
	box Box
	// job is the job's folder.
	job    string
	advice []string
}

func (d *advisor) say(what, line string) {
	text := what + ": add " + line + " under [access]."
	if len(d.advice) < maxAdvice && !slices.Contains(d.advice, text) {
		d.advice = append(d.advice, text)
	}
}

// listOf writes a key with one value as a recipe does.
func listOf(key, value string) string { return key + " = [" + strconv.Quote(value) + "]" }

// connection is what the proxy of a box refused.
func (d *advisor) connection(r refusedConnection) {
	what := "A step was refused the connection to " + r.address()
	host := r.address()
	if r.Port == "80" || r.Port == "443" {
		host = r.Host
	}
	if r.Ungranted {
		d.say(what, listOf("hosts", host))
		return
	}
	if len(d.advice) < maxAdvice {
		d.advice = append(d.advice, what+": "+r.Why+". Only a host that is written in the recipe itself may be there.")
	}
}

// line looks at one line of what the steps printed.
func (d *advisor) line(text string) {
	d.secret(text)
	d.network(text)
	for _, path := range pathsIn(text) {
		d.path(path, text)
	}
}

// Patterns by which programs tell what they miss. They are compiled when an attempt has
// failed, and only then.
const (
	secretPattern  = `CONVERTD_SECRET_([A-Z][A-Z0-9_]*)|` + sandbox.SecretsFolder + `/([A-Z][A-Z0-9_]*)`
	missingPattern = `(?i)no such file|not found|does not exist|nonexistent|cannot (open|access|find|read|stat|load)|can't (open|read|find)|could not (open|read|find|load)|unable to (open|read|find|load)|failed to (open|read|load)|ENOENT`
	createPattern  = `(?i)cannot (create|write|touch|make)|can't create|could not (create|write)|unable to (create|write)|failed to (create|write)|for writing|nonexistent`
	deniedPattern  = `(?i)permission denied|operation not permitted|EACCES|EPERM`
	sealedPattern  = `(?i)read-only file ?system|EROFS`
	// One group for the host and, where programs tell it, one for the port.
	resolvePattern = `(?i)could not resolve (?:host(?:name)?|proxy)?:? ?['"‘“]?([a-z0-9_][a-z0-9_.-]*)|unable to resolve host(?: address)? ['"‘“]?([a-z0-9_][a-z0-9_.-]*)`
	connectPattern = `(?i)(?:connect(?:ing)? to|connection to) (?:host )?['"‘“]?([a-z0-9_][a-z0-9_.-]*|\[?[0-9a-f:]+\]?)['"’”]?(?: \([0-9.]+\))?(?: port |:)(\d+)`
	lookupPattern  = `(?i)name or service not known|temporary failure in name resolution|network is unreachable|getaddrinfo|no such host|ENOTFOUND|EAI_AGAIN|ENETUNREACH`
)

func mentions(pattern, text string) bool { return regexp.MustCompile(pattern).MatchString(text) }

// secret looks for a secret that is not there.
func (d *advisor) secret(text string) {
	for _, match := range regexp.MustCompile(secretPattern).FindAllStringSubmatch(text, -1) {
		name := match[1] + match[2]
		if _, granted := d.box.Secrets[name]; !granted {
			d.say("A step probably looked for the secret "+name, "secrets = { "+name+` = "/path/of/its/file" }`)
		}
	}
}

// network looks for a host that was asked for by a box without network.
func (d *advisor) network(text string) {
	if d.box.Proxied() || d.box.HostNetwork {
		return
	}
	if match := regexp.MustCompile(connectPattern).FindStringSubmatch(text); match != nil {
		d.unreached(match[1], match[2])
		return
	}
	if match := regexp.MustCompile(resolvePattern).FindStringSubmatch(text); match != nil {
		d.unreached(match[1]+match[2], "")
		return
	}
	if mentions(lookupPattern, text) {
		d.say("A step probably looked for a host of the network ("+oneLine(text[:min(len(text), 200)])+")", `hosts = ["HOST:PORT"]`)
	}
}

func (d *advisor) unreached(host, port string) {
	address := host
	if port != "" {
		address += ":" + port
	}
	what := "A step probably could not reach " + address
	if host == "localhost" || strings.HasPrefix(host, "127.") || strings.Trim(host, "[]") == "::1" {
		what = "A step could not reach " + address + ", which is the box itself there; if a service of this machine is meant"
	}
	d.say(what, listOf("hosts", address))
}

// pathsIn finds absolute paths in a line, in quotes or up to a character that hardly
// stands in one.
func pathsIn(text string) []string {
	const pattern = `['"‘“](/[^'"’”]+)['"’”]|(?:^|[\s:=(\[])(/[^\s'"’”:,;()<>\[\]{}|&*?]+)`
	var all []string
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		path := filepath.Clean(strings.TrimRight(match[1]+match[2], ".…"))
		if path != "/" && len(path) < 1000 {
			all = append(all, path)
		}
	}
	return all
}

// path looks at a path that a program complains of.
func (d *advisor) path(path, text string) {
	if within(path, d.job) || within(d.job, path) || within(path, "/proc") || within(path, "/sys") || sandbox.Sees(path) || !within(path, "/dev") && forRootAlone(path) {
		return
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		d.absent(path, text)
	case info.Mode().Type()&fs.ModeDevice != 0:
		if within(path, "/dev") && forUsers(info) && !d.granted(d.box.Devices, path) && mentions(missingPattern+"|"+deniedPattern, text) {
			d.say("A step probably could not use "+path, listOf("devices", path))
		}
	case d.granted(d.box.Write, path):
		d.forbidden(path, "write", text)
	case mentions(sealedPattern, text):
		d.say("A step probably could not write "+path, listOf("write", path))
	case d.granted(d.box.Read, path):
		d.forbidden(path, "read", text)
	case mentions(missingPattern, text):
		d.say("A step probably could not read "+path, listOf("read", path))
	}
}

// forRootAlone reports whether nobody but root may see what is there. To hand that out is
// never proposed, because a converter says what it likes.
func forRootAlone(path string) bool {
	for ; path != "/"; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if ok && stat.Uid == 0 && info.Mode().Perm()&0o004 == 0 && (!info.IsDir() || info.Mode().Perm()&0o001 == 0) {
			return true
		}
	}
	return false
}

// forUsers reports a character device that others than root may use.
func forUsers(info fs.FileInfo) bool {
	return info.Mode().Type()&fs.ModeCharDevice != 0 && (info.Mode().Perm()&0o006 == 0o006 || groupOf(info) != 0)
}

// absent looks at a path that nobody made yet, in a folder that the box does not have.
func (d *advisor) absent(path, text string) {
	folder := filepath.Dir(path)
	info, err := os.Stat(folder)
	if err != nil || !info.IsDir() || folder == "/" || within(d.job, folder) || within(folder, "/dev") || d.granted(d.box.Write, folder) {
		return
	}
	if mentions(createPattern+"|"+sealedPattern, text) {
		d.say("A step probably could not write "+path, listOf("write", folder))
	}
}

// forbidden looks at what was granted and is not allowed to the user of the box.
func (d *advisor) forbidden(path, what, text string) {
	if !mentions(deniedPattern, text) || len(d.advice) >= maxAdvice {
		return
	}
	d.advice = append(d.advice, "A step probably may not "+what+" "+path+" although it is granted: its user must be allowed to, by the mode of the file or by user = \"NAME\" under [access].")
}

func (d *advisor) granted(paths []string, path string) bool {
	return slices.ContainsFunc(paths, func(granted string) bool {
		matched, err := filepath.Match(granted, path)
		return within(path, filepath.Clean(granted)) || err == nil && matched
	})
}

// within reports whether a path is the folder or lies beneath it.
func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, strings.TrimSuffix(folder, "/")+"/")
}
