package dispatcher

import (
	"errors"
	"fmt"
	"os"
	"reflect"

	"convertd/dispatcher/box"
	"convertd/runner"
	"convertd/runner/fault"
	"convertd/runner/service/guard"
)

// checkAccess refuses to do again what the recipe may not do any more: who may press a
// button of old does not decide what this machine gives away today.
func (d *Dispatcher) checkAccess(a *attempt) error {
	if a.row.Replays == 0 || !a.recipe.Access.Grants() {
		return nil
	}
	now, ok := d.opts.Recipes.Find(a.row.Recipe)
	if ok && reflect.DeepEqual(now.Access, a.recipe.Access) {
		return nil
	}
	return refuse(fmt.Sprintf("The recipe “%s” had another [access] when that attempt ran, and what it was granted then is not granted now.", a.row.Recipe),
		"Retry the job instead: that runs the recipe as it is now.")
}

// chooseUser gives the box the user of the machine that the recipe names.
func chooseUser(a *attempt, b *runner.Box) error {
	name := a.recipe.Access.User
	if name == "" {
		return nil
	}
	uid, gid, err := box.UserOf(name)
	var known *fault.Error
	if errors.As(err, &known) {
		return refuse(known.Message, known.Hint)
	}
	if err != nil {
		return err
	}
	b.User = name
	if os.Geteuid() == 0 {
		b.UID, b.GID = uid, gid
	}
	return nil
}

// checkHosts looks whether what parameters made of hosts are some.
func checkHosts(b runner.Box) error {
	if _, err := guard.New(b.Hosts, b.GivenHosts); err != nil {
		return refuse("The job names a host that cannot be reached: "+err.Error()+".", "Submit it again with the name of a host, such as render.example.org.")
	}
	return nil
}
