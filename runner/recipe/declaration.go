package recipe

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Declaration returns what the recipe declares as JSON: the same whatever file it came
// from, whatever the comments and the order of keys there. Its hash is the Version.
func (r Recipe) Declaration() ([]byte, error) {
	r.Version, r.Source, r.Shipped = "", "", false
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("write declaration of %s: %w", r.Name, err)
	}
	return text, nil
}

// VersionOf is the version of a declaration: the first 12 hex digits of its SHA-256.
func VersionOf(declaration []byte) string {
	sum := sha256.Sum256(declaration)
	return hex.EncodeToString(sum[:])[:12]
}

// ReadDeclaration is the recipe of a declaration that was kept. It fails for one that is
// not what the name and version say.
func ReadDeclaration(name, version string, text []byte) (Recipe, error) {
	if VersionOf(text) != version {
		return Recipe{}, fmt.Errorf("the declaration of %s version %s is damaged: its hash is %s", name, version, VersionOf(text))
	}
	var r Recipe
	if err := json.Unmarshal(text, &r); err != nil {
		return Recipe{}, fmt.Errorf("read declaration of %s version %s: %w", name, version, err)
	}
	if r.Name != name {
		return Recipe{}, fmt.Errorf("the declaration of %s version %s is one of %s", name, version, r.Name)
	}
	r.Version = version
	return r, nil
}
