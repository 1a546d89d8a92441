package dispatcher

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"convertd/runner/fault"
	"convertd/runner/spool"
)

// spoolRestoring lies in a spool from before the first file of a restore until after its
// last row, so that half of one is never served.
const spoolRestoring = "restoring"

// BeginRestore marks a spool as being restored.
func BeginRestore(s spool.Spool) error {
	return writeDurably(filepath.Join(s.Root(), spoolRestoring), []byte("convertd restore has not come to its end here.\n"))
}

// EndRestore takes the mark away.
func EndRestore(s spool.Spool) error {
	if err := os.Remove(filepath.Join(s.Root(), spoolRestoring)); err != nil {
		return fmt.Errorf("end restore: %w", err)
	}
	return nil
}

// Restoring reports whether a restore into the spool was begun and did not come to its end.
func Restoring(s spool.Spool) (bool, error) {
	_, err := os.Stat(filepath.Join(s.Root(), spoolRestoring))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// refuseHalf refuses to serve a spool whose restore did not come to its end.
func refuseHalf(s spool.Spool) error {
	half, err := Restoring(s)
	if err == nil && half {
		err = fault.New(fault.Conflict, "A restore into the spool "+s.Root()+" was interrupted: files or rows are missing.",
			"Run the same convertd restore again; it begins anew.")
	}
	return err
}
