package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"convertd/dispatcher/box"
	"convertd/dispatcher/cgroup"
	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/runner/sandbox"
)

// Below these a spool is as good as full.
const (
	leastFreeBytes  = 1 << 30
	leastFreeInodes = 10_000
)

func spoolFolder(_ context.Context, o Options) []Finding {
	const check = "spool"
	if o.Spool == "" {
		return fail(check, "No spool is configured.", "Set [spool] dir to the folder for the files of jobs.")
	}
	if err := box.CanHold(o.Spool); err != nil {
		return failWith(check, err, "")
	}
	probe, err := os.CreateTemp(o.Spool, ".doctor-")
	if err != nil {
		return fail(check, sentence(err.Error()), "Make the folder "+o.Spool+" and let the service write into it.")
	}
	_, err = probe.WriteString("x")
	err = errors.Join(err, probe.Sync(), probe.Close(), os.Remove(probe.Name()))
	if err != nil {
		return fail(check, sentence(err.Error()), "Look whether the disk of "+o.Spool+" is full, read-only or broken.")
	}
	return append(room(o.Spool), passable(o)...)
}

// room looks at what is free and at the kind of file system.
func room(dir string) []Finding {
	const check = "spool"
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fail(check, fmt.Sprintf("%s cannot be measured: %v.", dir, err), "Look whether its disk is mounted and well.")
	}
	return judgeRoom(dir, st)
}

func judgeRoom(dir string, st unix.Statfs_t) []Finding {
	const check = "spool"
	free := int64(st.Bavail) * st.Bsize
	switch {
	case free < leastFreeBytes:
		return fail(check, fmt.Sprintf("%s has only %d MiB free.", dir, free>>20), "Free space, shorten [keep] results, or move [spool] dir.")
	case st.Files > 0 && st.Ffree < leastFreeInodes:
		return fail(check, fmt.Sprintf("%s has only %d free inodes.", dir, st.Ffree), "Remove small files, or move [spool] dir.")
	case st.Type == unix.NFS_SUPER_MAGIC || st.Type == unix.SMB_SUPER_MAGIC || st.Type == unix.CIFS_SUPER_MAGIC:
		return warn(check, dir+" lies on a network file system, whose locks and power cuts convertd cannot vouch for.", "Put [spool] dir on a local disk.")
	case st.Type == unix.TMPFS_MAGIC:
		return warn(check, dir+" lies in memory: accepted jobs are lost with a restart of the machine.", "Put [spool] dir on a disk.")
	}
	return ok(check, fmt.Sprintf("%s can be written; %.1f GiB free.", dir, float64(free)/(1<<30)))
}

// passable looks whether the users of steps get to the spool: every folder above must
// let them through.
func passable(o Options) []Finding {
	if os.Geteuid() != 0 || o.UIDBase == 0 {
		return nil
	}
	dir, err := filepath.Abs(o.Spool)
	if err != nil {
		return fail("spool", sentence(err.Error()), "")
	}
	for ; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err == nil && info.Mode().Perm()&0o001 == 0 {
			return fail("spool", fmt.Sprintf("The users that steps run as cannot get through %s to their files.", dir),
				"chmod o+x "+dir+", or move [spool] dir.")
		}
		if dir == "/" {
			return nil
		}
	}
}

func runnerBinary(_ context.Context, o Options) []Finding {
	const check = "runner"
	info, err := os.Stat(o.Runner)
	switch {
	case err != nil:
		return fail(check, sentence(err.Error()), "Install convertd-runner beside convertd.")
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0:
		return fail(check, o.Runner+" is not a program.", "Install convertd-runner again.")
	case info.Mode().Perm()&0o022 != 0:
		return fail(check, o.Runner+" can be changed by others than its owner.", "chmod go-w "+o.Runner)
	}
	return ok(check, o.Runner+" is there.")
}

func tryGroups(parent string) *Groups {
	tree := cgroup.Open(cgroup.Options{Parent: parent, Name: fmt.Sprintf("convertd-doctor-%d", os.Getpid())})
	defer tree.Close()
	return &Groups{Method: tree.Method(), Why: tree.Why()}
}

func controlGroups(_ context.Context, o Options) []Finding {
	g := o.Groups
	if g == nil {
		g = tryGroups(o.CgroupParent)
	}
	m, why := g.Method, g.Why
	var all []Finding
	if m.Tree == cgroup.None {
		all = warn("control groups", fmt.Sprintf("No control group can be made (%v). That a job is dead is then proved by looking for its processes, which is weak.", why),
			"Run the service under systemd with the shipped units, which delegate a group.")
	} else {
		all = ok("control groups", "Every job gets a control group of its own and is proved dead by it.")
	}
	if m.CPU == cgroup.None {
		all = append(all, warn("processors", "No control group shares the processors out: jobs that use all of them make the service answer more slowly.",
			"Run the service under systemd with the shipped units, or as root.")...)
	} else {
		all = append(all, ok("processors", fmt.Sprintf("The service comes before its jobs when they want all processors (cgroup %s).", m.CPU))...)
	}
	switch m.Memory {
	case cgroup.None:
		return append(all, warn("memory limit", "No control group counts memory here: the runner adds up the memory of a job five times a second and kills it when it is over, which lets short peaks pass.",
			"Run the service under systemd on a machine with cgroup v2, or as root.")...)
	default:
		return append(all, ok("memory limit", fmt.Sprintf("The kernel enforces memory limits (cgroup %s) and process limits (%s).", m.Memory, m.Processes))...)
	}
}

// boxes looks at who steps run as and at what their box is made of.
func boxes(ctx context.Context, o Options) []Finding {
	return append(boxUsers(o), boxParts(ctx, o)...)
}

func boxUsers(o Options) []Finding {
	const check = "box"
	if os.Geteuid() != 0 {
		return warn(check, "The service does not run as root, so steps run as its own user; only the box keeps them from what that user may do.",
			"Run the service under systemd with the shipped units.")
	}
	if o.UIDBase == 0 {
		return warn(check, "Steps run as root, because no user ids are set aside for them.", "Set [sandbox] uid_base.")
	}
	last := o.UIDBase + max(1, o.Slots) - 1
	if used := usersBetween(o.UIDBase, last); used != "" {
		return warn(check, fmt.Sprintf("Steps run as the users %d to %d, but %s has one of these ids.", o.UIDBase, last, used),
			"Set [sandbox] uid_base to ids that nobody has.")
	}
	return ok(check, fmt.Sprintf("Every running job has a user of its own, %d to %d.", o.UIDBase, last))
}

// boxParts makes a box and says what of it this machine does not give.
func boxParts(ctx context.Context, o Options) []Finding {
	const check = "box"
	if o.Runner == "" {
		return nil // the check of the runner says so
	}
	uid := 0
	if os.Geteuid() == 0 {
		uid = o.UIDBase
	}
	lacks, err := box.Examine(ctx, o.Runner, uid)
	if err != nil {
		return fail(check, sentence(err.Error()), "Install convertd-runner again; if that does not help, report this text.")
	}
	return judgeParts(lacks)
}

// judgeParts says of each part that is missing where it comes from.
func judgeParts(lacks sandbox.Lacks) []Finding {
	const check = "box"
	var all []Finding
	for _, lack := range lacks {
		all = append(all, warn(check, fmt.Sprintf("The box of steps is without a part of it: %s (%s).", lack.Part, lack.Why), remedyFor(lack.Part))...)
	}
	if all == nil {
		all = ok(check, "The box of steps is whole: "+partNames()+". A step that misses a file of this machine gets it by a line in [access] of its recipe.")
	}
	return all
}

func partNames() string {
	var names []string
	for _, part := range sandbox.Parts() {
		names = append(names, string(part))
	}
	return strings.Join(names, ", ")
}

// remedyFor says where a part of the box comes from.
func remedyFor(part sandbox.Part) string {
	switch part {
	case sandbox.Namespaces, sandbox.Files, sandbox.Network, sandbox.Host:
		return "Run the service as root, or allow ordinary users namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns); in a container give it CAP_SYS_ADMIN."
	case sandbox.Proc:
		return "In a container let /proc be seen whole (for Docker: --security-opt systempaths=unconfined)."
	case sandbox.Landlock:
		return "Boot with landlock in the kernel's list lsm=; other parts of the box hold without it."
	}
	return "Use a kernel with CONFIG_SECCOMP_FILTER, and no outer filter that forbids it."
}

// usersBetween returns the name of a user of this machine with an id in the range.
func usersBetween(first, last int) string {
	b, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		var id int
		if len(f) < 3 {
			continue
		}
		if _, err := fmt.Sscanf(f[2], "%d", &id); err == nil && id >= first && id <= last {
			return f[0]
		}
	}
	return ""
}

func recipes(_ context.Context, o Options) []Finding {
	const check = "recipes"
	if o.Recipes == nil {
		return nil
	}
	var all []Finding
	for _, p := range o.Recipes.Problems() {
		level, place := Fail, p.File
		if p.Warning {
			level = Warn
		}
		if p.Line > 0 {
			place = fmt.Sprintf("%s:%d", p.File, p.Line)
		}
		all = append(all, Finding{Check: check, Level: level, Text: place + ": " + p.Message, Remedy: p.Remedy})
	}
	able := 0
	for _, r := range o.Recipes.All() {
		a := o.Recipes.Available(r.Name)
		if a.OK() {
			able++
			continue
		}
		all = append(all, Finding{Check: check, Level: Warn, Remedy: a.Remedy,
			Text: fmt.Sprintf("%s cannot run: %s is not installed.", r.Name, strings.Join(a.Missing, ", "))})
	}
	all = append(all, granted(o)...)
	if able == 0 {
		return append(all, fail(check, "No recipe can run.", "Install the programs named above, or write a recipe.")...)
	}
	return append(all, ok(check, fmt.Sprintf("%d of %d recipes can run.", able, len(o.Recipes.All())))...)
}

// granted says what recipes may have of the machine and the network.
func granted(o Options) []Finding {
	const check = "access"
	var all []Finding
	for _, r := range o.Recipes.All() {
		if !r.Access.Grants() {
			continue
		}
		text := fmt.Sprintf("%s %s.", r.Name, strings.Join(r.Access.Words(), ", "))
		_, _, err := box.UserOf(r.Access.User)
		var known *fault.Error
		switch {
		case len(r.Access.Hosts) > 0 && o.Runner != "" && !isFile(filepath.Join(filepath.Dir(o.Runner), "convertd-net")):
			all = append(all, fail(check, text+" The program convertd-net, by which it reaches them, is not beside "+o.Runner+".", "Install it there.")...)
		case r.Access.User != "" && errors.As(err, &known):
			all = append(all, fail(check, text+" "+known.Message, known.Hint)...)
		case r.Access.Network == recipe.HostNetwork:
			all = append(all, warn(check, text, "If it needs some hosts only, write them: hosts = [\"HOST:PORT\"] in the place of network = \"host\".")...)
		default:
			all = append(all, ok(check, text)...)
		}
	}
	return all
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// clock looks whether the kernel says that something keeps the clock right.
func clock(context.Context, Options) []Finding {
	var state unix.Timex
	switch _, err := unix.Adjtimex(&state); {
	case errors.Is(err, unix.EPERM): // the shipped unit keeps the dispatcher from the clock
		return judgeDate(time.Now(), "The date can be right; whether the clock is kept right tells convertd doctor run by root.")
	case err != nil:
		return warn("clock", "The kernel does not say whether the clock is kept right: "+err.Error()+".", "Look with timedatectl or chronyc tracking.")
	}
	return judgeClock(time.Now(), state)
}

func judgeClock(now time.Time, state unix.Timex) []Finding {
	const unsynchronised = 0x40 // STA_UNSYNC, adjtimex(2)
	found := judgeDate(now, "The clock is kept right.")
	if Worst(found) == OK && state.Status&unsynchronised != 0 {
		return warn("clock", "Nothing keeps the clock right; what is kept until a date may go too early or too late.",
			"Install and start systemd-timesyncd or chrony.")
	}
	return found
}

// judgeDate fails for a date before this program was made; otherwise all is as well says.
func judgeDate(now time.Time, well string) []Finding {
	if now.Year() < 2025 {
		return fail("clock", "The clock is wrong: it says "+now.UTC().Format(time.RFC3339)+".", "Set the clock, and let it be kept by NTP.")
	}
	return ok("clock", well)
}
