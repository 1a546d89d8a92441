package sql

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"
)

// TestSchemaFilesAreNumberedWithoutGapOrTwin: goose refuses two files of one number, and
// two branches that add one each do not conflict anywhere else.
func TestSchemaFilesAreNumberedWithoutGapOrTwin(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(Schema, "schema/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("the schema has the files %v (%v)", files, err)
	}
	for i, file := range files {
		if want := fmt.Sprintf("%04d_", i+1); !strings.HasPrefix(path.Base(file), want) {
			t.Errorf("%s stands where a file %sNAME.sql belongs", file, want)
		}
	}
}
