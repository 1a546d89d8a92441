package webui_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convertd/runner/fault"
	"convertd/runner/spool"
	"convertd/sql/drop"
	"convertd/webui/client"
)

const jsonBody = "Content-Type: application/json"

// TestAttack_callbacks pushes what no service would, to addresses that are nobody's.
func TestAttack_callbacks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	token := spool.CallbackToken("the token of an attempt")
	file := b.spool.Callback(token)
	if err := os.MkdirAll(filepath.Dir(file), 0o711); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o660); err != nil {
		t.Fatal(err)
	}
	push := func(token, text string, headers ...string) answer {
		return b.do(http.MethodPost, "/api/v1/callbacks/"+token, strings.NewReader(text), append(headers, jsonBody)...)
	}
	for _, other := range []string{
		spool.CallbackToken("of another"), strings.ToLower(token), token + "A", token[:25], "..", "%2e%2e%2fuploads", filepath.Base(file), "the%20token%20of%20an%20attempt",
	} {
		if a := push(other, `{"percent": 1}`); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s answered %d", other, a.StatusCode)
		}
	}
	for text, code := range map[string]fault.Code{
		`{"percent": -1}`: fault.Invalid, `{"percent": 1e999}`: fault.Invalid, `{"percent": "1"}`: fault.Invalid, `[]`: fault.Invalid, `{}`: fault.Invalid,
		`{"percent": 1, "percent": 2}`: fault.Invalid, `{"result": "x"}`: fault.Unsupported, `{"message": "` + strings.Repeat("a", 2000) + `"}`: fault.Invalid,
		`{"message": "` + strings.Repeat("a", 2<<20) + `"}`: fault.TooLarge,
	} {
		push(token, text).problemOf(t, code)
	}
	if a := b.do(http.MethodPost, "/api/v1/callbacks/"+token, strings.NewReader(`{"percent": 1}`)); a.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("without a type: %d", a.StatusCode)
	}
	if text, err := os.ReadFile(file); err != nil || len(text) > 0 {
		t.Errorf("left %q, %v", text, err)
	}
	for _, text := range []string{`{"percent": 40.5, "message": "a much longer message than the next"}`, `{"message": "b"}`} {
		if a := push(token, text); a.StatusCode != http.StatusNoContent {
			t.Fatalf("%s answered %d %s", text, a.StatusCode, a.body)
		}
	}
	var told struct {
		Percent *float64
		Message string
	}
	text, err := os.ReadFile(file)
	if err != nil || json.Unmarshal(text, &told) != nil || told.Percent != nil || told.Message != "b" {
		t.Errorf("kept %q, %v", text, err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if a := push(token, `{"percent": 1}`); a.StatusCode != http.StatusNotFound {
		t.Errorf("a dead token answered %d", a.StatusCode)
	}
	if _, err := os.Lstat(file); err == nil {
		t.Error("a dead token was brought to life")
	}
}

func TestCaches_are_dropped_by_the_administrator(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if a := b.do(http.MethodDelete, "/api/v1/cache?recipe=any", nil); a.StatusCode != http.StatusUnauthorized && a.StatusCode != http.StatusForbidden {
		t.Errorf("a stranger got %d", a.StatusCode)
	}
	for _, query := range []string{"", "?recipe=../x", "?recipe=any&all=1", "?prefix=x"} {
		b.do(http.MethodDelete, "/api/v1/cache"+query, nil, asAdmin).problemOf(t, fault.Invalid)
	}
	store := drop.NewStore(b.others)
	dispatched := make(chan error, 1)
	go func() { // what a dispatcher does
		for {
			open, err := store.Open(context.Background(), 1)
			if err == nil && len(open) == 1 {
				err = store.Done(context.Background(), open[0].ID, 3, "")
			}
			if err != nil || len(open) == 1 {
				dispatched <- err
				return
			}
		}
	}()
	var done client.CacheDrop
	b.ask(http.MethodDelete, "/api/v1/cache?recipe=any&prefix=acme/", &done)
	if err := <-dispatched; err != nil || !done.Done || done.Files != 3 || done.Prefix != "acme/" {
		t.Errorf("%+v, %v", done, err)
	}
}
