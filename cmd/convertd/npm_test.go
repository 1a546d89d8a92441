package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// npmFolder is where `.ci/install test` put the npm packages that the lock pins: a cache
// outside the tree, named by the sum of the lock.
func npmFolder(t *testing.T) string {
	t.Helper()
	lock, err := os.ReadFile("../../.ci/npm/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "convertd", fmt.Sprintf("npm-%x", sha256.Sum256(lock)), "node_modules")
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("npm packages are needed for this test (.ci/install test brings them): %v", err)
	}
	return dir
}
