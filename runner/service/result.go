package service

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"convertd/runner/recipe"
)

// fetchResult saves what the service made, once it is done.
func (c *call) fetchResult(ctx context.Context) error {
	if c.http.Result != nil {
		r, err := c.later(*c.http.Result)
		if err != nil {
			return err
		}
		r.safe = r.safe || r.method == http.MethodPost
		return c.send(ctx, r, func(got *answer) error { return c.saveBody(got, c.name(0)) })
	}
	if c.result == nil {
		return failed("The service says that it is done, but its answer has nothing at %q.", c.http.Read.Result)
	}
	list, several := c.result.([]any)
	if !several || c.http.Read.ResultAs == "json" {
		return c.saveValue(ctx, c.result, c.name(0))
	}
	if len(list) == 0 {
		return failed("The service says that it is done, but its list of results is empty.")
	}
	for i, value := range list {
		number := i + 1
		if len(list) == 1 {
			number = 0
		}
		if err := c.saveValue(ctx, value, c.name(number)); err != nil {
			return err
		}
	}
	return nil
}

// name is the name of a result's file; of several each has its number.
func (c *call) name(number int) string {
	name, err := recipe.FillText(c.http.Save, c.fill.vars)
	if err != nil {
		return ""
	}
	if number == 0 {
		return name
	}
	ext := filepath.Ext(name)
	return strings.TrimSuffix(name, ext) + "-" + strconv.Itoa(number) + ext
}

// saveValue saves one result that stands in an answer, or that the answer has the
// address of.
func (c *call) saveValue(ctx context.Context, value any, name string) error {
	if c.http.Read.ResultAs == "json" {
		text, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("write the result: %w", err)
		}
		return c.save(strings.NewReader(string(text)), name)
	}
	text, err := plain(value)
	if err != nil {
		return err
	}
	switch c.http.Read.ResultAs {
	case "text":
		return c.save(strings.NewReader(text), name)
	case "base64":
		return c.saveBase64(text, name)
	}
	if data, ok := strings.CutPrefix(text, "data:"); ok {
		return c.saveDataURL(data, name)
	}
	u, err := c.link(text)
	if err != nil {
		return err
	}
	r := &request{method: http.MethodGet, url: u, headers: map[string]string{}, safe: true}
	if err := c.inherit(r); err != nil {
		return err
	}
	return c.send(ctx, r, func(got *answer) error { return c.saveBody(got, name) })
}

// link reads an address in an answer.
func (c *call) link(text string) (*url.URL, error) {
	u, err := c.base.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, failed("The service answered with an address that is not one of http or https.")
	}
	return u, nil
}

// saveDataURL saves what a data: URL holds (RFC 2397).
func (c *call) saveDataURL(text, name string) error {
	head, data, ok := strings.Cut(text, ",")
	if !ok {
		return failed("The service answered with a data: address that has no data.")
	}
	if strings.HasSuffix(head, ";base64") {
		return c.saveBase64(data, name)
	}
	plain, err := url.PathUnescape(data)
	if err != nil {
		return failed("The service answered with a data: address that cannot be read.")
	}
	return c.save(strings.NewReader(plain), name)
}

func (c *call) saveBase64(text, name string) error {
	err := c.save(base64.NewDecoder(base64.StdEncoding, strings.NewReader(text)), name)
	var corrupt base64.CorruptInputError
	if errors.As(err, &corrupt) || errors.Is(err, io.ErrUnexpectedEOF) {
		return failed("The service answered with a result that is not base64.")
	}
	return err
}

// saveBody saves the body of an answer.
func (c *call) saveBody(got *answer, name string) error {
	if got.ContentLength > c.patience.MaxSize {
		return c.tooLarge()
	}
	return c.save(got.body, name)
}

func (a *Agent) tooLarge() error {
	return &Failure{Status: exitFailed, Message: fmt.Sprintf("The service sends more than the %d bytes that its recipe allows.", a.patience.MaxSize),
		Hint: "The administrator sets the bound as max_size in the recipe."}
}

// save writes a result to the output folder, whole or not at all.
func (c *call) save(from io.Reader, name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return failed("%q is not the name of a file.", name)
	}
	return c.write(from, filepath.Join(c.fill.vars.Output, name))
}

// write copies to a file, whole or not at all, and no more than allowed.
func (a *Agent) write(from io.Reader, path string) (err error) {
	part := filepath.Join(filepath.Dir(path), ".part")
	file, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(part))
		}
	}()
	n, err := io.CopyBuffer(struct{ io.Writer }{file}, io.LimitReader(from, a.patience.MaxSize+1), make([]byte, 128<<10))
	if closed := file.Close(); err == nil {
		err = closed
	}
	switch {
	case err != nil:
		return err
	case n > a.patience.MaxSize:
		return a.tooLarge()
	}
	return os.Rename(part, path)
}
