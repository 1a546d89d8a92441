package private

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"convertd/runner/fault"
)

// superuser is the role that owns the cluster; nobody of the service logs in as it.
const superuser = "postgres"

// account is the operating system user that the server runs as.
type account struct {
	name     string
	uid, gid int
	// switched says that it is another one than ours.
	switched bool
}

// serverAccount is ourselves, or the user postgres when we are root: PostgreSQL refuses
// to run as root.
func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		name, err := selfName()
		return account{name: name, uid: os.Geteuid(), gid: os.Getegid()}, err
	}
	found, err := user.Lookup("postgres")
	if unknown := user.UnknownUserError(""); errors.As(err, &unknown) {
		return account{}, fault.Wrap(err, fault.Unavailable, "There is no operating system user postgres to run the database as.",
			"Run apt-get install postgresql, which makes it, or run convertd as an ordinary user.")
	}
	if err != nil {
		return account{}, fmt.Errorf("look up user postgres: %w", err)
	}
	uid, errUID := strconv.Atoi(found.Uid)
	gid, errGID := strconv.Atoi(found.Gid)
	return account{name: found.Username, uid: uid, gid: gid, switched: true}, errors.Join(errUID, errGID)
}

// selfName is our own user's name, which the server sees at the other end of the socket.
func selfName() (string, error) {
	self, err := user.LookupId(strconv.Itoa(os.Geteuid()))
	if err != nil {
		return "", fault.Wrap(err, fault.Unavailable,
			fmt.Sprintf("The user with the number %d has no name, so the database cannot tell who it is.", os.Geteuid()),
			"Add it to /etc/passwd, or set [database] url to a server that runs elsewhere.")
	}
	return self.Username, nil
}

// attributes make a command run as the account, in a process group of its own, so that
// Ctrl-C at a terminal does not reach it before us.
func (a account) attributes() *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if a.switched {
		attributes.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid), Groups: []uint32{uint32(a.gid)}}
	}
	return attributes
}

// canEnter makes sure that the account can reach the folder, and names the folder on the
// way that shuts it out. It is tried, not computed, so that access lists count too.
func (a account) canEnter(ctx context.Context, folder, bin string) error {
	if !a.switched || a.try(ctx, folder, bin) == nil {
		return nil
	}
	chain := []string{folder}
	for at := folder; at != "/" && at != "."; {
		at = filepath.Dir(at)
		chain = append([]string{at}, chain...)
	}
	for _, at := range chain {
		if err := a.try(ctx, at, bin); err != nil {
			return fault.Wrap(err, fault.Unavailable,
				fmt.Sprintf("The database runs as the user %s, who may not enter %s.", a.name, at),
				fmt.Sprintf("Run chmod o+x %s, or choose another folder with --data.", at))
		}
	}
	return nil
}

// try runs a program that does nothing, with the folder as its working directory.
func (a account) try(ctx context.Context, folder, bin string) error {
	command := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "--version")
	command.Dir = folder
	command.Env = serverEnvironment()
	command.SysProcAttr = a.attributes()
	return command.Run()
}

// serverEnvironment is all that the server's programs are told: nothing of ours.
func serverEnvironment() []string {
	return []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"}
}
