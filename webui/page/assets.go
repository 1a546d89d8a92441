package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"mime"
	"net/http"
	"path"
	"sort"
	"strings"
)

//go:embed static
var staticFiles embed.FS

// StaticPrefix is the path under which the static files are served.
const StaticPrefix = "/static/"

// Assets are the static files. They lie in a folder named by the hash of them all, so
// that a script finds its neighbours by their plain names and every answer may be
// kept for ever.
type Assets struct {
	dir   string
	files map[string]asset
}

type asset struct {
	mediaType    string
	plain, small []byte
}

// newAssets reads the embedded files, adds the house's own and one script of texts per
// language, hashes and compresses them.
func newAssets(texts []Texts, house map[string][]byte) (*Assets, error) {
	files := maps.Clone(house)
	names, err := fs.Glob(staticFiles, "static/*")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if files[path.Base(name)], err = staticFiles.ReadFile(name); err != nil {
			return nil, err
		}
	}
	var scripts strings.Builder
	for name, data := range files {
		if path.Ext(name) == ".js" {
			scripts.Write(data)
		}
	}
	for _, t := range texts {
		if files["texts."+t.Lang+".js"], err = t.script(scripts.String()); err != nil {
			return nil, err
		}
		if files["said."+t.Lang+".js"], err = t.said.script(); err != nil {
			return nil, err
		}
	}
	a := &Assets{dir: hashOf(files), files: map[string]asset{}}
	for name, data := range files {
		if a.files[name], err = newAsset(name, data); err != nil {
			return nil, fmt.Errorf("compress %s: %w", name, err)
		}
	}
	return a, nil
}

func newAsset(name string, data []byte) (asset, error) {
	var small bytes.Buffer
	zip, err := gzip.NewWriterLevel(&small, gzip.BestCompression)
	if err != nil {
		return asset{}, err
	}
	if _, err := zip.Write(data); err != nil {
		return asset{}, err
	}
	if err := zip.Close(); err != nil {
		return asset{}, err
	}
	types := map[string]string{".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	mediaType := types[path.Ext(name)]
	if mediaType == "" {
		mediaType = mime.TypeByExtension(path.Ext(name))
	}
	return asset{mediaType: mediaType, plain: data, small: small.Bytes()}, nil
}

func hashOf(files map[string][]byte) string {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	h := sha256.New()
	for _, name := range names {
		fmt.Fprintf(h, "%s %d\n", name, len(files[name]))
		h.Write(files[name])
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// script returns the texts that scripts ask for, as a module.
func (t Texts) script(scripts string) ([]byte, error) {
	some := map[string]string{}
	for key, text := range t.all {
		base := key
		if dot := strings.LastIndexByte(key, '.'); pluralCategory(key[dot+1:]) {
			base = key[:dot]
		}
		if strings.Contains(scripts, `"`+base+`"`) {
			some[key] = text
		}
	}
	data, err := json.Marshal(some)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "export default %s;\n", data), nil
}

// Path returns the address of a static file.
func (a *Assets) Path(name string) (string, error) {
	if _, ok := a.files[name]; !ok {
		return "", fmt.Errorf("no static file %q", name)
	}
	return StaticPrefix + a.dir + "/" + name, nil
}

// Modules returns the addresses of all scripts that the entry script imports, so that
// a page can ask for them at once instead of one after the other.
func (a *Assets) Modules(entry, lang string) ([]string, error) {
	seen := map[string]bool{}
	var visit func(name string) error
	visit = func(name string) error {
		file, ok := a.files[name]
		if !ok {
			return fmt.Errorf("no script %q", name)
		}
		if seen[name] {
			return nil
		}
		seen[name] = true
		for _, next := range importsOf(string(file.plain), lang) {
			if err := visit(next); err != nil {
				return err
			}
		}
		return nil
	}
	if err := visit(entry); err != nil {
		return nil, err
	}
	delete(seen, entry)
	var paths []string
	for name := range seen {
		paths = append(paths, StaticPrefix+a.dir+"/"+name)
	}
	sort.Strings(paths)
	return paths, nil
}

// importsOf reads the names behind `from "./NAME"`; the module of texts brings the
// language's own.
func importsOf(script, lang string) []string {
	var names []string
	for _, part := range strings.Split(script, ` from "./`)[1:] {
		if name, _, ok := strings.Cut(part, `"`); ok {
			names = append(names, name)
		}
	}
	if strings.Contains(script, "import(`./texts.") {
		names = append(names, "texts."+lang+".js")
	}
	return names
}

// ServeHTTP serves the static files; a name with an old hash is not found, so that no
// cache keeps new content under it.
func (a *Assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, StaticPrefix+a.dir+"/")
	file, found := a.files[name]
	if !ok || !found {
		http.NotFound(w, r)
		return
	}
	header := w.Header()
	header.Set("Content-Type", file.mediaType)
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	header.Set("Vary", "Accept-Encoding")
	header.Set("X-Content-Type-Options", "nosniff")
	body := file.plain
	if AcceptsGzip(r) && len(file.small) < len(file.plain) {
		header.Set("Content-Encoding", "gzip")
		body = file.small
	}
	header.Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client is gone; there is nobody to tell
	}
}

// AcceptsGzip reports whether the client takes gzip.
func AcceptsGzip(r *http.Request) bool {
	for _, word := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		name, quality, _ := strings.Cut(strings.TrimSpace(word), ";")
		if name == "gzip" && strings.TrimSpace(quality) != "q=0" {
			return true
		}
	}
	return false
}
