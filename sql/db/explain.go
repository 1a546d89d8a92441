package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"io/fs"
	"net"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"convertd/runner/fault"
)

// Explain turns an error of the driver into one that a person can act on, where it is
// one: no connection, server going down, too many connections, a wrong password, a full
// disk, a missing schema. It gives back every other error, and a fault, as it is.
//
// A statement that was cut off because ctx is over is reported as ctx's error: the
// driver itself says only that the statement was cancelled.
func Explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if over := ctx.Err(); over != nil && !errors.Is(err, over) {
		return errors.Join(over, err)
	}
	if already := new(fault.Error); errors.As(err, &already) {
		return err
	}
	if server := pq.As(err); server != nil {
		return explainServer(err, server)
	}
	if lostConnection(err) {
		return fault.Wrap(err, fault.Unavailable, "The database does not answer.",
			"Start PostgreSQL, or correct [database] url. Nothing is lost; try again then.")
	}
	return err
}

func explainServer(err error, server *pq.Error) error {
	switch server.Code {
	case pqerror.AdminShutdown, pqerror.CrashShutdown, pqerror.CannotConnectNow:
		return fault.Wrap(err, fault.Unavailable, "The database is starting or stopping.",
			"Try again in a few seconds; if it stays so, look at the log of PostgreSQL.")
	case pqerror.TooManyConnections:
		return fault.Wrap(err, fault.Unavailable, "The database takes no more connections.",
			"Raise max_connections in postgresql.conf or end other programs that use it.")
	case pqerror.InvalidPassword, pqerror.InvalidAuthorizationSpecification:
		return fault.Wrap(err, fault.Unavailable, "The database does not let this program in: "+server.Message+".",
			"Correct user and password in [database] url, or pg_hba.conf of the server.")
	case pqerror.InvalidCatalogName:
		return fault.Wrap(err, fault.Unavailable, "The database does not exist: "+server.Message+".",
			"Make it with createdb, or correct [database] url; then run convertd migrate.")
	case pqerror.DiskFull:
		return fault.Wrap(err, fault.InsufficientStorage, "The disk of the database is full.",
			"Free space where PostgreSQL keeps its data.")
	case pqerror.UndefinedTable, pqerror.UndefinedColumn:
		return fault.Wrap(err, fault.Unavailable, "The database lacks tables that this version needs.",
			"Run convertd migrate.")
	}
	return explainClass(err, server)
}

// explainClass knows by their class the errors that say nothing about the statement: it
// may go through when it is tried again (PostgreSQL manual, appendix A).
func explainClass(err error, server *pq.Error) error {
	const again = "Try again in a few seconds; if it stays so, look at the log of PostgreSQL."
	switch class := string(server.Code)[:min(2, len(server.Code))]; {
	case server.Code == pqerror.ReadOnlySQLTransaction:
		return fault.Wrap(err, fault.Unavailable, "The database takes no changes at the moment: it is read-only.",
			"It may be a standby, or default_transaction_read_only is set; correct [database] url or the server.")
	case class == "08":
		return fault.Wrap(err, fault.Unavailable, "The connection to the database broke.", again)
	case class == "40", server.Code == pqerror.LockNotAvailable:
		return fault.Wrap(err, fault.Unavailable, "The database was busy with something that stood in the way.", again)
	case class == "53", class == "57", class == "58":
		return fault.Wrap(err, fault.Unavailable, "The database cannot work at the moment: "+server.Message+".", again)
	}
	return err
}

// lostConnection reports whether the server was not reached or went away.
func lostConnection(err error) bool {
	var network *net.OpError
	return errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, fs.ErrNotExist)
}
