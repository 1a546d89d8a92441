package load

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"convertd/runner/recipe"
)

// Bounds of patience with a service.
const (
	minWait, maxWait = time.Millisecond, 24 * time.Hour
	minBody, maxBody = 1 << 10, 1 << 40
)

// readHTTP reads the table `http` of a step.
func readHTTP(t *table) *recipe.HTTP {
	if t == nil {
		return nil
	}
	h := &recipe.HTTP{
		HTTPRequest: readRequest(t, "POST"),
		Idempotency: readIdempotency(t),
		Stream:      t.text("stream", "ndjson"),
		ID:          readPath(t, "id"),
		Save:        readSave(t),
		Patience:    readPatience(t),
	}
	if h.Stream != "" && !slices.Contains([]string{"ndjson", "sse"}, h.Stream) {
		t.wrong("stream", fmt.Sprintf("is %q.", h.Stream), "It is ndjson (a JSON document a line) or sse (server-sent events).")
	}
	if inner := t.inner("poll"); inner != nil {
		h.Poll = &recipe.Poll{HTTPRequest: readRequest(inner, "GET"), Every: inner.duration("every", 10*time.Millisecond, 24*time.Hour)}
		inner.done()
	}
	h.Read = readRead(t.inner("read"))
	h.Result = readInnerRequest(t, "result", "GET")
	h.Cancel = readInnerRequest(t, "cancel", "POST")
	checkHTTP(t, h)
	t.done()
	return h
}

func readInnerRequest(t *table, key, method string) *recipe.HTTPRequest {
	inner := t.inner(key)
	if inner == nil {
		return nil
	}
	r := readRequest(inner, method)
	inner.done()
	return &r
}

// readRequest reads what every request has; method is what it is by default.
func readRequest(t *table, method string) recipe.HTTPRequest {
	r := recipe.HTTPRequest{
		Method: t.text("method", "POST"), URL: readURL(t), Headers: readHeaders(t),
		File: t.text("file", "{input}"), Type: t.text("type", "image/png"),
	}
	r.JSON = readTree(t, "json", jsonFile())
	r.Form = readTree(t, "form", formFile())
	if r.Method == "" {
		r.Method = method
	}
	if !slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, r.Method) {
		t.wrong("method", fmt.Sprintf("is %q.", r.Method), "It is GET, POST, PUT, PATCH or DELETE.")
	}
	bodies := 0
	for _, key := range []string{"json", "form", "file"} {
		if t.has(key) {
			bodies++
		}
	}
	switch {
	case bodies > 1:
		t.wrong("json", "is not the only body: a request has one of json, form and file.", "Remove the others.")
	case bodies > 0 && r.Method == "GET":
		t.wrong("method", "is GET, which sends no body.", `Write method = "POST", or remove the body.`)
	case r.Type != "" && r.File == "":
		t.wrong("type", "names the media type of a file, but there is no file.", `Write file = "{input}" beside it, or remove it.`)
	case r.Type != "" && !isMediaType(r.Type):
		t.wrong("type", fmt.Sprintf("is %q, which is not a media type.", r.Type), "Write it like image/png.")
	}
	return r
}

// readURL takes http and https addresses. A user's name and password in one would stand in
// logs.
func readURL(t *table) string {
	const remedy = "Write it like http://render.lan:8080/v1/jobs?size={param.size}."
	text := t.text("url", "http://render.lan:8080/v1/jobs")
	if !t.has("url") {
		t.wrong("url", "is missing.", remedy)
		return ""
	}
	if text == "" {
		return ""
	}
	if _, whole := recipe.Alone(text); whole {
		return text // a value is the whole address
	}
	scheme, rest, found := strings.Cut(text, "://")
	if !found || scheme != "http" && scheme != "https" {
		t.wrong("url", fmt.Sprintf("is %q, which is not an address of http or https.", text), remedy)
		return ""
	}
	authority, _, _ := strings.Cut(strings.SplitN(rest, "?", 2)[0], "/")
	switch {
	case strings.Contains(authority, "@"):
		t.wrong("url", "has a user before the host, which would stand in logs.", "Send it as a header, from [access] secrets.")
		return ""
	case authority == "" || strings.ContainsAny(text, " \t\r\n#\\"):
		t.wrong("url", fmt.Sprintf("is %q, which is not a whole address.", text), remedy)
	case len(recipe.Placeholders(authority)) == 0:
		if _, err := url.Parse(scheme + "://" + authority); err != nil {
			t.wrong("url", fmt.Sprintf("is %q, which is not a whole address.", text), remedy)
		}
	}
	return text
}

// unwritable are headers that belong to the connection or are made by convertd.
func unwritable() []string {
	return []string{"Host", "Content-Length", "Connection", "Transfer-Encoding", "Upgrade", "Trailer", "Te", "Expect", "Accept-Encoding",
		"Traceparent", "Tracestate", "Baggage", "Sentry-Trace"}
}

func readHeaders(t *table) map[string]string {
	headers := t.pairs("headers")
	for _, name := range names(headers) {
		switch {
		case !isToken(name):
			t.wrong("headers", fmt.Sprintf("has %q, which is not the name of a header.", name), "Names are letters, digits and dashes.")
		case slices.Contains(unwritable(), http.CanonicalHeaderKey(name)):
			t.wrong("headers", fmt.Sprintf("has %s, which convertd sets itself.", name), "Remove it.")
		case strings.ContainsAny(headers[name], "\r\n\x00"):
			t.wrong("headers", fmt.Sprintf("has a line end in %s.", name), "Write it in one line.")
		}
	}
	return headers
}

func isToken(name string) bool {
	return name != "" && strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

func readIdempotency(t *table) string {
	if !t.has("idempotency") {
		t.get("idempotency")
		return "Idempotency-Key"
	}
	name := t.text("idempotency", "Idempotency-Key")
	if name == "none" {
		return ""
	}
	if name != "" && (!isToken(name) || slices.Contains(unwritable(), http.CanonicalHeaderKey(name))) {
		t.wrong("idempotency", fmt.Sprintf("is %q, which is not the name of a header.", name), `Write the name that the service knows, or "none".`)
	}
	return name
}

// readPath reads where a value stands in a JSON document.
func readPath(t *table, key string) string {
	place := t.text(key, "progress.percent")
	if place != "" && slices.Contains(strings.Split(place, "."), "") {
		t.wrong(key, fmt.Sprintf("is %q, which names no place in a JSON document.", place), "Write names and list indexes with dots between, like output.0.url.")
	}
	return place
}

func readRead(t *table) recipe.Read {
	if t == nil {
		return recipe.Read{}
	}
	r := recipe.Read{
		Percent: readPath(t, "percent"), Message: readPath(t, "message"), Preview: readPath(t, "preview"),
		State: readPath(t, "state"), Done: t.texts("done", "succeeded"), Failed: t.texts("failed", "failed"),
		Error: readPath(t, "error"), Result: readPath(t, "result"), ResultAs: t.text("result_as", "url"),
	}
	if of := t.number("of"); of != nil {
		r.Of = *of
		if !(*of > 0) {
			t.wrong("of", "must be more than 0.", "It is the value of percent that means all: of = 1 for shares from 0 to 1.")
		}
	}
	switch {
	case t.has("of") && r.Percent == "":
		t.wrong("of", "says what percent counts to, but percent is not read.", "Write percent beside it, or remove it.")
	case len(r.Done)+len(r.Failed) > 0 && r.State == "":
		t.wrong("state", "is missing.", `Write where the answer has the values of done and failed, like state = "status".`)
	case r.State != "" && len(r.Done) == 0:
		t.wrong("done", "is missing.", `Write the values of state that mean success, like done = ["succeeded"].`)
	}
	kinds := []string{"url", "base64", "text", "json"}
	if r.ResultAs != "" && !slices.Contains(kinds, r.ResultAs) {
		t.wrong("result_as", fmt.Sprintf("is %q.", r.ResultAs), "It is one of "+strings.Join(kinds, ", ")+".")
	}
	if r.ResultAs != "" && r.Result == "" {
		t.wrong("result_as", "says what result is, but result is not read.", "Write result beside it, or remove it.")
	}
	t.done()
	return r
}

func readSave(t *table) string {
	save := t.text("save", "{stem}.png")
	if strings.ContainsAny(save, "/\\\x00") || save == "." || save == ".." || path.Clean(save) != save && save != "" {
		t.wrong("save", fmt.Sprintf("is %q, which is not the name of a file.", save), `Write it like save = "{stem}.png".`)
		return ""
	}
	return save
}

func readPatience(t *table) recipe.Patience {
	var p recipe.Patience
	if inner := t.inner("timeout"); inner != nil {
		p.Connect = inner.duration("connect", minWait, maxWait)
		p.FirstByte = inner.duration("first_byte", minWait, maxWait)
		p.Idle = inner.duration("idle", minWait, maxWait)
		p.Total = inner.duration("total", minWait, maxTime)
		inner.done()
	}
	if inner := t.inner("tries"); inner != nil {
		p.Tries = int(inner.integer("most", 1, 1000, 0))
		p.Wait = inner.duration("wait", minWait, maxWait)
		p.Longest = inner.duration("longest", minWait, maxWait)
		inner.done()
	}
	p.MaxSize = t.size("max_size", minBody, maxBody)
	return p
}

// checkHTTP looks at what must go together.
func checkHTTP(t *table, h *recipe.HTTP) {
	later := h.Poll != nil || h.Stream != ""
	switch {
	case h.Poll != nil && h.Read.State == "":
		t.wrong("poll", "asks for the state of a job, but nothing says where the answer has it.",
			`Write [step.http.read] with state = "status", done = ["succeeded"] and failed = ["failed"].`)
	case h.Save == "" && (h.Result != nil || h.Read.Result != ""):
		t.wrong("save", "is missing, so the result would be thrown away.", `Write the name of its file, like save = "{stem}.png".`)
	case h.Result != nil && h.Read.Result != "":
		t.wrong("result", "and read.result both say where the result is.", "Remove one.")
	case h.Save != "" && later && h.Result == nil && h.Read.Result == "":
		t.wrong("save", "names a file, but nothing says where the result is once the service is done.",
			`Write [step.http.result] with its url, or [step.http.read] with result = "output.url".`)
	}
}
