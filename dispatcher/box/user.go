package box

import (
	"fmt"
	"os"
	"os/user"
	"strconv"

	"convertd/runner/fault"
)

// UserOf returns the ids of a user as whom a recipe wants its steps to run. The fault says
// why they cannot: nobody has that name, it is root's, or this process may not become
// somebody else.
func UserOf(name string) (uid, gid int, err error) {
	found, err := user.Lookup(name)
	if err != nil {
		return 0, 0, fault.Wrap(err, fault.Invalid, fmt.Sprintf("There is no user %s on this machine, as whom the steps are to run.", name),
			"The administrator makes that user, or names another one in user under [access] of the recipe.")
	}
	uid, err = strconv.Atoi(found.Uid)
	if err == nil {
		gid, err = strconv.Atoi(found.Gid)
	}
	switch {
	case err != nil:
		return 0, 0, fmt.Errorf("ids of user %s: %w", name, err)
	case uid == 0:
		return 0, 0, fault.New(fault.Invalid, fmt.Sprintf("The user %s is root, as whom no step ever runs.", name),
			"The administrator names another one in user under [access] of the recipe.")
	case os.Geteuid() != 0 && os.Geteuid() != uid:
		return 0, 0, fault.New(fault.Invalid, fmt.Sprintf("The steps are to run as the user %s, and only root may start programs as somebody else.", name),
			"Run the service under systemd with the shipped units, or remove user under [access] of the recipe.")
	}
	return uid, gid, nil
}
