package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"convertd/runner/fault"
	"convertd/sql/db"
)

// localDatabase is the address in the shipped settings: each service logs in by its
// operating system user, as a role of its own.
const localDatabase = "postgres:///convertd?host=/run/postgresql"

// The roles: the owner changes the schema, the others are the services'.
const (
	ownerRole      = "convertd"
	webRole        = "convertd_web"
	dispatcherRole = "convertd_dispatcher"
)

// The block of ours in PostgreSQL's files about who may log in.
const (
	blockBegin = "# convertd: begin (written by convertd setup)"
	blockEnd   = "# convertd: end"
)

// ownerURL makes root the owner of the schema where the address leaves it to the operating
// system user.
func ownerURL(address string) string { return roleURL(address, ownerRole) }

// roleURL gives root, to whom no role corresponds, one where the address leaves it to the
// operating system user.
func roleURL(address, role string) string {
	u, err := url.Parse(address)
	if err != nil || u.User != nil || u.Query().Has("user") || os.Geteuid() != 0 {
		return address
	}
	query := u.Query()
	query.Set("user", role)
	u.RawQuery = query.Encode()
	return u.String()
}

// isLocal reports an address of the PostgreSQL on this machine that leaves the role to
// the operating system user: only there may setup make roles and a database.
func isLocal(address string) (database string, local bool) {
	u, err := url.Parse(address)
	if err != nil || u.Host != "" || u.User != nil || u.Query().Has("user") || !strings.HasPrefix(u.Query().Get("host"), "/") {
		return "", false
	}
	return strings.TrimPrefix(u.Path, "/"), true
}

// makeDatabase makes roles and database in the PostgreSQL of this machine. One elsewhere
// is its administrator's.
func (s *setupRun) makeDatabase() error {
	name, local := isLocal(s.loaded.Database.URL)
	if !local {
		return nil
	}
	if _, err := s.psql("select 1"); err != nil {
		if s.DryRun {
			return s.do("Make database "+name+" and its roles", nil)
		}
		return fault.Wrap(err, fault.Unavailable, "The PostgreSQL of this machine does not answer.",
			"Install and start it (apt-get install postgresql; systemctl start postgresql), or name another in [database] url, and run convertd setup again.")
	}
	for _, role := range []string{ownerRole, webRole, dispatcherRole} {
		if err := s.unlessThere("select 1 from pg_roles where rolname = '"+role+"'", "Make role "+role, "create role "+role+" login"); err != nil {
			return err
		}
	}
	quoted := `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
	err := s.unlessThere("select 1 from pg_database where datname = '"+strings.ReplaceAll(name, "'", "''")+"'", "Make database "+name,
		"create database "+quoted+" owner "+ownerRole+" encoding 'UTF8' template template0",
		"revoke connect on database "+quoted+" from public",
		"grant connect on database "+quoted+" to "+webRole+", "+dispatcherRole)
	if err != nil {
		return err
	}
	// Otherwise the doctor sees only its own transactions among those that hold back vacuum.
	err = s.unlessThere("select 1 where pg_has_role('"+dispatcherRole+"', 'pg_read_all_stats', 'member')",
		"Let role "+dispatcherRole+" see how long transactions last", "grant pg_read_all_stats to "+dispatcherRole)
	if err != nil {
		return err
	}
	return s.letIn(name)
}

// unlessThere carries out statements when the question has no answer.
func (s *setupRun) unlessThere(question, what string, statements ...string) error {
	found, err := s.psql(question)
	if err != nil || found != "" {
		return err
	}
	return s.do(what, func() error {
		for _, statement := range statements {
			if _, err := s.psql(statement); err != nil {
				return err
			}
		}
		return nil
	})
}

// letIn tells PostgreSQL which operating system user may log in as which role.
func (s *setupRun) letIn(database string) error {
	hba := fmt.Sprintf("local %q %s,%s,%s peer map=convertd", database, ownerRole, webRole, dispatcherRole)
	ident := fmt.Sprintf("convertd root %s\nconvertd root %s\nconvertd convertd-web %s", ownerRole, dispatcherRole, webRole)
	first, err := s.putBlock("hba_file", hba)
	if err != nil {
		return err
	}
	second, err := s.putBlock("ident_file", ident)
	if err != nil || !first && !second || s.DryRun {
		return err
	}
	_, err = s.psql("select pg_reload_conf()")
	return err
}

// putBlock makes our block the first of a file of PostgreSQL's: there the first line that
// fits decides.
func (s *setupRun) putBlock(setting, lines string) (bool, error) {
	path, err := s.psql("show " + setting)
	if err != nil {
		return false, err
	}
	old, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	fresh := blockBegin + "\n" + lines + "\n" + blockEnd + "\n" + withoutBlock(string(old))
	if fresh == string(old) {
		return false, nil
	}
	return true, s.do("Write who may log in to "+path, func() error { return replaceKeeping(path, fresh) })
}

func withoutBlock(text string) string {
	before, rest, found := strings.Cut(text, blockBegin+"\n")
	if !found {
		return text
	}
	_, after, _ := strings.Cut(rest, blockEnd+"\n")
	return before + after
}

// replaceKeeping replaces a file and keeps its owner and mode.
func replaceKeeping(path, text string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%s has no owner", path)
	}
	if err := os.WriteFile(path+".convertd", []byte(text), 0o600); err != nil {
		return err
	}
	err = errors.Join(os.Chown(path+".convertd", int(stat.Uid), int(stat.Gid)), os.Chmod(path+".convertd", info.Mode().Perm()))
	if err == nil {
		err = os.Rename(path+".convertd", path)
	}
	return err
}

// psql asks the superuser's session, which by peer is the operating system user postgres.
func (s *setupRun) psql(statement string) (string, error) {
	who, err := user.Lookup("postgres")
	if err != nil {
		return "", err
	}
	uid, err1 := strconv.ParseUint(who.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(who.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(s.ctx, "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-c", statement)
	cmd.Dir, cmd.Env = "/", []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}
	if u, err := url.Parse(s.loaded.Database.URL); err == nil {
		cmd.Env = append(cmd.Env, "PGHOST="+u.Query().Get("host"), "PGPORT="+u.Query().Get("port"))
	}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("psql: %w: %s", err, bytes.TrimSpace(words.Bytes()))
	}
	return strings.TrimSpace(string(out)), nil
}

// schemaDiffers reports whether the database has another schema than this program's; a
// newer one is an error.
func schemaDiffers(ctx context.Context, address string) (bool, error) {
	d, err := db.Open(ctx, address)
	if err != nil {
		return false, err
	}
	defer d.Close()
	older, err := d.Older(ctx)
	if err != nil || older {
		return older, err
	}
	return false, d.CheckSchema(ctx)
}

// grant gives the roles their rights, which costs nothing when they have them.
func (s *setupRun) grant(address string) error {
	if s.DryRun {
		return nil
	}
	d, err := db.Open(s.ctx, address)
	if err != nil {
		return err
	}
	return errors.Join(d.Grant(s.ctx), d.Close())
}

func hasUsers() bool {
	_, first := user.Lookup("convertd-web")
	_, second := user.Lookup("convertd-memcached")
	_, third := user.LookupGroup("convertd")
	return errors.Join(first, second, third) == nil
}

func groupID(name string) (int, error) {
	group, err := user.LookupGroup(name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(group.Gid)
}

func fileGroup(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Gid)
	}
	return -1
}

// beneath reports whether path is one of the folders or in one.
func beneath(path string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool {
		return path == folder || strings.HasPrefix(filepath.Clean(path), folder+"/")
	})
}
