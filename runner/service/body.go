package service

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"convertd/runner/recipe"
)

// body is what a request sends. It can be sent again, the same to the last byte.
type body struct {
	mediaType string
	size      int64
	open      func() (io.ReadCloser, error)
}

// body makes the body of a request; nil when it has none.
func (f *filler) body(r recipe.HTTPRequest, key string) (*body, error) {
	switch {
	case r.JSON != nil:
		return f.jsonBody(r.JSON)
	case r.Form != nil:
		return f.formBody(r.Form, key)
	case r.File != "":
		path, err := recipe.FillText(r.File, f.vars)
		if err != nil {
			return nil, err
		}
		return fileBody(path, r.Type)
	}
	return nil, nil
}

func bytesBody(content []byte, mediaType string) *body {
	return &body{mediaType: mediaType, size: int64(len(content)), open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}}
}

func fileBody(path, mediaType string) (*body, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("the file to be sent is not there: %w", err)
	}
	if mediaType == "" {
		mediaType = typeOf(path)
	}
	return &body{mediaType: mediaType, size: info.Size(), open: func() (io.ReadCloser, error) { return os.Open(path) }}, nil
}

func typeOf(path string) string {
	if mediaType := mime.TypeByExtension(filepath.Ext(path)); mediaType != "" {
		return mediaType
	}
	return "application/octet-stream"
}

// jsonBody fills a document by its structure: a value is a text of the document, whatever
// is in it, and a parameter that stands alone has its own type.
func (f *filler) jsonBody(tree map[string]any) (*body, error) {
	document, _, err := f.tree(tree)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("make the document to be sent: %w", err)
	}
	return bytesBody(text, "application/json"), nil
}

// tree fills one value of a document; absent says that it is to be left out.
func (f *filler) tree(value any) (filled any, absent bool, err error) {
	switch value := value.(type) {
	case string:
		return f.leaf(value)
	case []any:
		list := []any{}
		for _, element := range value {
			filled, absent, err := f.tree(element)
			if err != nil {
				return nil, false, err
			}
			if !absent {
				list = append(list, filled)
			}
		}
		return list, false, nil
	case map[string]any:
		file, isFile := value["file"].(string)
		as, hasForm := value["as"].(string)
		if isFile && hasForm {
			filled, err := f.embedded(file, as)
			return filled, false, err
		}
		return f.table(value)
	}
	return value, false, nil
}

func (f *filler) table(table map[string]any) (filled any, absent bool, err error) {
	all := make(map[string]any, len(table))
	for name, value := range table {
		filled, absent, err := f.tree(value)
		if err != nil {
			return nil, false, err
		}
		if !absent {
			all[name] = filled
		}
	}
	return all, false, nil
}

// leaf fills a text of a document. One that is a placeholder alone becomes what it stands
// for, with its type.
func (f *filler) leaf(text string) (filled any, absent bool, err error) {
	name, alone := recipe.Alone(text)
	param, isParam := strings.CutPrefix(name, "param.")
	path, isRemote := strings.CutPrefix(name, "remote.")
	switch {
	case alone && isRemote:
		filled, err = f.remote(path)
		return filled, false, err
	case !alone || !isParam:
		filled, err = f.text(text, nil)
		return filled, false, err
	}
	words := f.vars.Values[param]
	i := slices.IndexFunc(f.vars.Params, func(p recipe.Param) bool { return p.Name == param })
	switch {
	case i < 0:
		return nil, false, fmt.Errorf("unknown parameter %q", param)
	case len(words) == 0:
		return nil, true, nil
	}
	switch f.vars.Params[i].Type {
	case recipe.List:
		return []string(words), false, nil
	case recipe.Integer, recipe.Number:
		return json.Number(words[0]), false, nil
	case recipe.Boolean:
		return words[0] == "true", false, nil
	}
	return words[0], false, nil
}

// maxEmbedded bounds a file that stands in a document, where all of it is in memory.
const maxEmbedded = 64 << 20

// embedded writes a file as a value of a document.
func (f *filler) embedded(template, as string) (any, error) {
	path, err := recipe.FillText(template, f.vars)
	if err != nil {
		return nil, err
	}
	content, err := readFile(path, maxEmbedded)
	if err != nil {
		return nil, err
	}
	switch as {
	case "base64":
		return base64.StdEncoding.EncodeToString(content), nil
	case "data_url":
		return "data:" + typeOf(path) + ";base64," + base64.StdEncoding.EncodeToString(content), nil
	case "json":
		document, err := parse(content)
		if err != nil {
			return nil, &Failure{Status: 65, Message: "The file that the service is to be sent is not a JSON document."}
		}
		return document, nil
	}
	if !utf8.Valid(content) {
		return nil, &Failure{Status: 65, Message: "The file that the service is to be sent as text is not one in UTF-8."}
	}
	return string(content), nil
}

// readFile reads a file of at most so many bytes.
func readFile(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the file to be sent is not there: %w", err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return nil, fmt.Errorf("read the file to be sent: %w", err)
	}
	if int64(len(content)) > most {
		return nil, &Failure{Status: 65, Message: fmt.Sprintf("The file is larger than %d MiB, which is more than fits into a document.", most>>20),
			Hint: "The recipe can send it with file or form instead."}
	}
	return content, nil
}

// parse reads one JSON document; numbers keep their digits.
func parse(content []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	var document any
	if err := decoder.Decode(&document); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the document")
	}
	return document, nil
}

// formBody makes a multipart body (RFC 7578) out of pieces whose sizes are known, so that
// its length is too: not every service takes one without.
func (f *filler) formBody(fields map[string]any, key string) (*body, error) {
	sum := sha256.Sum256([]byte("boundary " + key))
	form := &formWriter{filler: f}
	form.parts = multipart.NewWriter(&form.text)
	if err := form.parts.SetBoundary(hex.EncodeToString(sum[:20])); err != nil {
		return nil, fmt.Errorf("make form: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if err := form.field(name, fields[name]); err != nil {
			return nil, err
		}
	}
	if err := form.parts.Close(); err != nil {
		return nil, fmt.Errorf("make form: %w", err)
	}
	form.cut()
	return &body{mediaType: form.parts.FormDataContentType(), size: form.size, open: form.open}, nil
}

// formWriter collects the pieces of a multipart body: text and files.
type formWriter struct {
	filler *filler
	parts  *multipart.Writer
	text   bytes.Buffer
	pieces []*body
	size   int64
}

// cut makes a piece of the text so far.
func (w *formWriter) cut() {
	w.add(bytesBody(bytes.Clone(w.text.Bytes()), ""))
	w.text.Reset()
}

func (w *formWriter) add(piece *body) {
	w.pieces = append(w.pieces, piece)
	w.size += piece.size
}

func (w *formWriter) open() (io.ReadCloser, error) {
	var all pieces
	for _, piece := range w.pieces {
		r, err := piece.open()
		if err != nil {
			return nil, errors.Join(err, all.Close())
		}
		all.open = append(all.open, r)
	}
	readers := make([]io.Reader, len(all.open))
	for i, r := range all.open {
		readers[i] = r
	}
	all.Reader = io.MultiReader(readers...)
	return &all, nil
}

// pieces are open files that are read as one.
type pieces struct {
	io.Reader
	open []io.ReadCloser
}

func (p *pieces) Close() error {
	var all error
	for _, r := range p.open {
		all = errors.Join(all, r.Close())
	}
	return all
}

func (w *formWriter) field(name string, value any) error {
	switch value := value.(type) {
	case map[string]any:
		return w.file(name, value)
	case []any:
		for _, element := range value {
			if err := w.field(name, element); err != nil {
				return err
			}
		}
		return nil
	}
	filled, absent, err := w.filler.tree(value)
	if err != nil || absent {
		return err
	}
	if words, several := filled.([]string); several {
		for _, word := range words {
			if err := w.parts.WriteField(name, word); err != nil {
				return err
			}
		}
		return nil
	}
	return w.parts.WriteField(name, fmt.Sprint(filled))
}

// file adds the files of one field.
func (w *formWriter) file(name string, table map[string]any) error {
	template, _ := table["file"].(string)
	shown, _ := table["name"].(string)
	mediaType, _ := table["type"].(string)
	paths, err := recipe.Fill([]string{template}, w.filler.vars)
	if err != nil {
		return err
	}
	if shown, err = w.filler.text(shown, nil); err != nil {
		return err
	}
	for _, path := range paths {
		file, err := fileBody(path, mediaType)
		if err != nil {
			return err
		}
		label := shown
		if label == "" {
			label = recipe.NeutralStem + filepath.Ext(path)
		}
		head := textproto.MIMEHeader{}
		head.Set("Content-Disposition", multipart.FileContentDisposition(name, label))
		head.Set("Content-Type", file.mediaType)
		if _, err := w.parts.CreatePart(head); err != nil {
			return err
		}
		w.cut()
		w.add(file)
	}
	return nil
}
