package webui_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"convertd/runner/fault"
	"convertd/webui"
)

// raw sends bytes as they are and returns the first answer; cut closes the connection
// behind them without waiting for one.
func (b *bench) raw(request string, cut bool) (*http.Response, string) {
	b.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.base, "http://"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, request); err != nil && !cut {
		b.t.Logf("the service stopped reading: %v", err)
	}
	if cut {
		return nil, ""
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		b.t.Fatalf("no answer: %v", err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return response, string(body)
}

// formRequest is a whole HTTP request that submits a form to the recipe copy.
func formRequest(t testing.TB, headers string, fields []string, files ...upload) string {
	t.Helper()
	body, contentType := formBody(t, append([]string{"recipe=copy"}, fields...), files...)
	return fmt.Sprintf("POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n%s",
		contentType, body.Len(), headers, body)
}

// chunked is the same without a length.
func chunked(t testing.TB, files ...upload) string {
	t.Helper()
	body, contentType := formBody(t, []string{"recipe=copy"}, files...)
	return fmt.Sprintf("POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n",
		contentType, body.Len(), body)
}

func smallUploads(o *webui.Options) { o.Limits.Upload = 100_000 }

func TestAttack_upload(t *testing.T) {
	t.Parallel()
	big := upload{"big.bin", strings.Repeat("x", 100_000)}
	tests := []struct {
		name    string
		request func(*testing.T) string
		status  int
		code    string
	}{
		{"A01_an_empty_file", func(t *testing.T) string { return formRequest(t, "", nil, upload{"a.txt", ""}) }, 400, "empty_file"},
		{"A02_over_the_limit_with_a_length", func(t *testing.T) string { return formRequest(t, "", nil, big) }, 413, "too_large"},
		{"A03_over_the_limit_without_a_length", func(t *testing.T) string { return chunked(t, big) }, 413, "too_large"},
		{"A09_a_field_of_80_KB", func(t *testing.T) string {
			return formRequest(t, "", []string{"param.title=" + strings.Repeat("x", 80_000)}, upload{"a.txt", "x"})
		}, 413, "too_large"},
		{"A09_a_part_header_of_80_KB", func(t *testing.T) string { return formRequest(t, "", nil, upload{strings.Repeat("x", 80_000), "x"}) }, 400, "invalid"},
		{"A10_no_boundary", func(t *testing.T) string {
			return "POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data\r\nContent-Length: 5\r\n\r\nhello"
		}, 400, "invalid"},
		{"A10_a_boundary_of_1000", func(t *testing.T) string {
			return "POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=" + strings.Repeat("b", 1000) + "\r\nContent-Length: 5\r\n\r\nhello"
		}, 400, "invalid"},
		{"A10_nested_multipart", func(t *testing.T) string {
			return strings.Replace(formRequest(t, "", nil, upload{"a.txt", "x"}), "multipart/form-data", "multipart/mixed; a=b", 1)
		}, 415, "unsupported_media"},
		{"A10_bare_line_feeds", func(t *testing.T) string {
			body := "--B\nContent-Disposition: form-data; name=\"recipe\"\n\ncopy\n--B--\n"
			return fmt.Sprintf("POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}, 400, "invalid"},
		{"B02_a_NUL_in_a_name", func(t *testing.T) string { return formRequest(t, "", nil, upload{"a\x00.png", "x"}) }, 400, "invalid"},
		{"A15_a_content_encoding", func(t *testing.T) string {
			return formRequest(t, "Content-Encoding: gzip\r\n", nil, upload{"a.txt", "x"})
		}, 415, "unsupported_media"},
		{"A20_expect_continue_over_the_limit", func(t *testing.T) string {
			head, _, _ := strings.Cut(formRequest(t, "Expect: 100-continue\r\n", nil, big), "\r\n\r\n")
			return head + "\r\n\r\n"
		}, 413, "too_large"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, smallUploads)
			response, body := b.raw(tt.request(t), false)
			if response.StatusCode != tt.status || !strings.Contains(body, `"code":"`+tt.code+`"`) {
				t.Errorf("%d %s", response.StatusCode, body)
			}
			b.eventually("nothing is left", func() bool { return len(b.files()) == 0 })
			b.nothingLeft()
			b.made() // the service goes on
		})
	}
}

func TestAttack_A08_10000_parts(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) { o.Limits.Files = 20 })
	for name, request := range map[string]string{
		"fields": formRequest(t, "", slices.Repeat([]string{"tag="}, 10_000)),
		"files":  formRequest(t, "", nil, slices.Repeat([]upload{{"a.txt", "x"}}, 10_000)...),
	} {
		response, body := b.raw(request, false)
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, response.StatusCode, body)
		}
	}
	b.nothingLeft()
}

func TestAttack_cut_uploads(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		share float64
	}{{"A04_a_length_that_lies", 0.999}, {"A05_cut_at_1_percent", 0.01}, {"A05_cut_at_50_percent", 0.5}, {"A05_cut_at_99_percent", 0.99}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			request := formRequest(t, "", nil, upload{"a.bin", strings.Repeat("x", 1<<20)})
			b.raw(request[:int(float64(len(request))*tt.share)], true)
			b.eventually("the service has seen it", func() bool { return strings.Contains(b.log.String(), "request answered") })
			b.eventually("nothing is left", func() bool { return len(b.files()) == 0 })
			b.nothingLeft()
		})
	}
}

func TestAttack_A12_A17_C17_content_is_never_rendered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for what, content := range map[string]string{"an ELF": "\x7fELF\x02\x01\x01", "a page": "<!DOCTYPE html><html><body>x</body></html>", "a zip": "PK\x05\x06" + strings.Repeat("\x00", 18)} {
		if p := b.submit([]string{"recipe=to-webp"}, upload{"a.png", content}).problem(t); p.Code != fault.UnsupportedMedia {
			t.Errorf("%s named .png: %+v", what, p)
		}
	}
	j := b.done(upload{"x.html", "<script>alert(1)</script>"}, upload{"x.svg", "<svg onload='alert(1)'/>"}, upload{"p.png", "GIF89a/*<script>*/"})
	for _, out := range j.Outputs {
		a := b.get(out.URL)
		csp := a.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(a.Header.Get("Content-Disposition"), "attachment") || a.Header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.HasPrefix(csp, "sandbox;") || strings.Contains(a.Header.Get("Content-Type"), "html") || strings.Contains(a.Header.Get("Content-Type"), "svg") {
			t.Errorf("%s: %v", out.Name, a.Header)
		}
	}
}

func TestAttack_A19_the_database_is_down(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.made()
	if err := b.db.DB.Close(); err != nil {
		t.Fatal(err)
	}
	a := b.submit([]string{"recipe=copy"}, upload{"a.txt", "hello"})
	if a.StatusCode < 500 {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if entries, err := os.ReadDir(b.spool.Uploads()); err != nil || len(entries) > 0 {
		t.Errorf("drafts are left: %v, %v", entries, err)
	}
}

func TestAttack_file_names(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 5000)
	tests := []struct{ name, file, shown, disk string }{
		{"B01_parent", "../../etc/passwd", "passwd", "1.txt"},
		{"B01_backslashes", `..\\..\\x.png`, "x.png", "1.png"},
		{"B01_drive", `C:\\dir\\x`, "x", "1.txt"},
		{"B01_absolute", "/abs", "abs", "1.txt"},
		{"B01_url", "file:///x", "x", "1.txt"},
		{"B02_percent_zero", "a%00.png", "a%00.png", "1.png"},
		{"B02_line_end", "a%0D%0ASet-Cookie: x.txt", "aSet-Cookie: x.txt", "1.txt"},
		{"B02_control_characters", "a\x01\x7f\u0085b.txt", "ab.txt", "1.txt"},
		{"B02_header", "a\tSet-Cookie: x.txt", "aSet-Cookie: x.txt", "1.txt"},
		{"B03_option", "-rf", "-rf", "1.txt"},
		{"B03_output_option", "--output=/x", "x", "1.txt"},
		{"B03_list", "@list", "@list", "1.txt"},
		{"B03_dash", "-", "-", "1.txt"},
		{"B03_home", "~", "~", "1.txt"},
		{"B03_coder", "png:/etc/x", "x", "1.txt"},
		{"B03_pipe", "|id", "|id", "1.txt"},
		{"B03_concat", "concat:a|b.mp4", "concat:a|b.mp4", "1.mp4"},
		{"B04_shell", "$(id);`id` *{a,b}'.txt", "$(id);`id` *{a,b}'.txt", "1.txt"},
		{"B04_quote", "a%22b.txt", `a"b.txt`, "1.txt"},
		{"B04_newline", "a%0Ab.txt", "ab.txt", "1.txt"},
		{"B05_empty", "", "file", "1.txt"},
		{"B05_two_dots", "..", "file", "1.txt"},
		{"B05_255_bytes", strings.Repeat("x", 251) + ".mov", strings.Repeat("x", 196) + ".mov", "1.mov"},
		{"B05_256_bytes", strings.Repeat("x", 252) + ".mov", strings.Repeat("x", 196) + ".mov", "1.mov"},
		{"B05_dot", ".", "file", "1.txt"},
		{"B05_dots", "...", "file", "1.txt"},
		{"B05_spaces", "   ", "file", "1.txt"},
		{"B05_5000_bytes", long + ".mov", strings.Repeat("x", 196) + ".mov", "1.mov"},
		{"B05_runes", strings.Repeat("𝄞", 255) + ".mov", strings.Repeat("𝄞", 49) + ".mov", "1.mov"},
		{"B06_invalid_UTF_8", "a\xff\xfeb.txt", "a\uFFFDb.txt", "1.txt"},
		{"B06_composed", "\u00e9.txt", "\u00e9.txt", "1.txt"},
		{"B06_decomposed", "e\u0301.txt", "e\u0301.txt", "1.txt"},
		{"B06_right_to_left", "gpj.\u202Eexe.txt", "gpj.exe.txt", "1.txt"},
		{"B06_zero_width", "a\u200B\uFEFFb.txt", "ab.txt", "1.txt"},
		{"B06_emoji", "👩\u200D👩.txt", "👩\u200D👩.txt", "1.txt"},
		{"B07_script", "<script>alert(1)<.txt", "<script>alert(1)<.txt", "1.txt"},
		{"B07_image", "%22><img onerror=alert(1)>.txt", "\"><img onerror=alert(1)>.txt", "1.txt"},
		{"B07_address", "javascript:alert(1)", "javascript:alert(1)", "1.txt"},
		{"B07_template", "{{7*7}}.txt", "{{7*7}}.txt", "1.txt"},
		{"B08_double_extension", "x.jpg.php", "x.jpg.php", "1.php"},
		{"B08_trailing_dot", "x.", "x.", "1.txt"},
		{"B08_htaccess", ".htaccess", ".htaccess", "1.htaccess"},
		{"B08_device", "CON", "CON", "1.txt"},
		{"B08_device_with_extension", "aux.txt", "aux.txt", "1.txt"},
		{"B08_upper_case", "x.PNG", "x.PNG", "1.png"},
		{"B10_encoded_word", "=?utf-8?B?eA==?=.txt", "=?utf-8?B?eA==?=.txt", "1.txt"},
		{"B10_header", "x%0ABcc: a@b.txt", "xBcc: a@b.txt", "1.txt"},
	}
	b := setup(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := "--B\r\nContent-Disposition: form-data; name=\"recipe\"\r\n\r\ncopy\r\n--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" +
				tt.file + "\"\r\n\r\nhello\r\n--B--\r\n"
			a := b.do(http.MethodPost, "/api/v1/jobs", strings.NewReader(body), "Content-Type: multipart/form-data; boundary=B")
			if !utf8.Valid(a.body) {
				t.Errorf("the answer is not UTF-8")
			}
			j := a.job(t, http.StatusAccepted)
			if j.Inputs[0].Name != tt.shown {
				t.Errorf("shown as %q, want %q", j.Inputs[0].Name, tt.shown)
			}
			if _, err := os.Stat(filepath.Join(b.spool.Job(j.ID).In(), tt.disk)); err != nil {
				t.Error(err)
			}
		})
	}
	for _, line := range strings.Split(strings.TrimSpace(b.log.String()), "\n") {
		if !strings.HasPrefix(line, "time=") {
			t.Errorf("a name made a log line of its own: %q", line)
		}
	}
}

func TestAttack_B06_names_survive_the_download_header(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.done(upload{"a\"b;c=ü\\d.txt", "x"})
	a := b.get(j.Outputs[0].URL)
	if got := a.Header.Get("Content-Disposition"); got != `attachment; filename="a_b_c=__d.txt"; filename*=UTF-8''a%22b%3Bc%3D%C3%BC%5Cd.txt` {
		t.Errorf("%s", got)
	}
}

func TestAttack_B09_filename_star_wins(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, order := range []string{`filename="plain.txt"; filename*=UTF-8''%C3%BC.txt`, `filename*=UTF-8''%C3%BC.txt; filename="plain.txt"`} {
		body := "--B\r\nContent-Disposition: form-data; name=\"recipe\"\r\n\r\ncopy\r\n--B\r\nContent-Disposition: form-data; name=\"file\"; " + order + "\r\n\r\nhello\r\n--B--\r\n"
		j := b.do(http.MethodPost, "/api/v1/jobs", strings.NewReader(body), "Content-Type: multipart/form-data; boundary=B").job(t, http.StatusAccepted)
		if j.Inputs[0].Name != "ü.txt" {
			t.Errorf("%s: %q", order, j.Inputs[0].Name)
		}
	}
}

func TestAttack_http(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.done(upload{"out.txt", strings.Repeat("0123456789", 100)})
	post := func(headers string) string { return formRequest(t, headers, nil, upload{"a.txt", "x"}) }
	get := func(path, headers string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n"
	}
	output := j.Outputs[0].URL
	tests := []struct {
		name, request string
		status        []int
	}{
		{"C04_cross_site", post("Sec-Fetch-Site: cross-site\r\n"), []int{403}},
		{"C04_origin_of_another_site", post("Origin: http://evil.example\r\n"), []int{403}},
		{"C04_origin_null", post("Origin: null\r\n"), []int{403}},
		{"C04_same_origin_passes", post("Sec-Fetch-Site: same-origin\r\n"), []int{202}},
		{"C04_programs_pass", post(""), []int{202}},
		{"C07_TRACE", "TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n", []int{405}},
		{"C07_PUT", "PUT /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", []int{405}},
		{"C07_an_unknown_method", "BREW /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n", []int{405}},
		{"C07_a_method_override", "POST " + j.Links.Self + " HTTP/1.1\r\nHost: localhost\r\nX-HTTP-Method-Override: DELETE\r\nContent-Length: 0\r\n\r\n", []int{405}},
		{"C08_length_and_chunks", "POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, identity\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", []int{400, 501}},
		{"C08_folded_header", get("/healthz", "X-A: b\r\n c\r\n"), []int{400, 200}},
		{"C08_two_hosts", "GET /readyz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", []int{400}},
		{"C08_a_strange_host", "GET /readyz HTTP/1.1\r\nHost: evil.example\r\n\r\n", []int{421}},
		{"C08_a_strange_host_with_our_name_in_it", "GET /readyz HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n", []int{421}},
		{"C08_our_host_in_upper_case", "GET /readyz HTTP/1.1\r\nHost: LOCALHOST.:80\r\n\r\n", []int{200}},
		{"C08_a_loopback_address", "GET /readyz HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", []int{200}},
		{"C09_a_semicolon", get("/jobs;/"+j.ID, ""), []int{404}},
		{"C09_an_encoded_slash_before", get("/%2f%2fevil.example/jobs", ""), []int{404, 400}},
		{"C09_dots", get("/jobs/../../etc", ""), []int{301, 404, 400}},
		{"C09_two_slashes", get("//evil.example/jobs", ""), []int{404, 400}},
		{"C09_encoded_dots", get("/api/v1/jobs/%2e%2e%2f%2e%2e%2fetc", ""), []int{404, 400}},
		{"C09_an_encoded_slash", get("/api/v1/jobs%2f"+j.ID, ""), []int{404, 200}},
		{"C09_overlong_UTF_8", get("/api/v1/jobs/%c0%ae%c0%ae", ""), []int{404}},
		{"C09_a_name_with_dots", get(j.Links.Self+"/outputs/..%2f..%2f1", ""), []int{404}},
		{"C10_a_range_beyond_the_end", get(output, "Range: bytes=5000-\r\n"), []int{416}},
		{"C10_a_negative_range", get(output, "Range: bytes=-5--3\r\n"), []int{416, 200}},
		{"C10_1000_ranges", get(output, "Range: bytes=0-0"+strings.Repeat(",0-0", 999)+"\r\n"), []int{200, 416}},
		{"C10_overlapping_ranges", get(output, "Range: bytes=0-900,0-900,0-900\r\n"), []int{206, 200}},
		{"C15_a_forwarded_address_of_a_stranger", post("X-Forwarded-For: 127.0.0.2\r\nX-Remote-User: admin\r\n"), []int{202}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			response, body := b.raw(tt.request, false)
			if !slices.Contains(tt.status, response.StatusCode) {
				t.Errorf("%d %s", response.StatusCode, body)
			}
			if location := response.Header.Get("Location"); strings.Contains(location, "evil") || strings.HasPrefix(location, "//") {
				t.Errorf("sent to %s", location)
			}
			if len(body) > 5000 {
				t.Errorf("an answer of %d bytes", len(body))
			}
		})
	}
	rows, err := b.jobs.Counts(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, n := range rows {
		total += n
	}
	if total != 4 { // the finished one, two that passed C04, the one of C15
		t.Errorf("%d jobs: a refused one got in", total)
	}
}

func TestAttack_C05_and_C06_headers_against_other_sites(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.made()
	a := b.do(http.MethodOptions, "/api/v1/jobs", nil, "Origin: http://evil.example", "Access-Control-Request-Method: POST")
	for name := range a.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("%s: %s", name, a.Header.Get(name))
		}
	}
	for _, link := range []string{"/api/v1/jobs", j.Links.Self, j.Links.Status, "/nothing", "/healthz", "/"} {
		h := b.get(link).Header
		if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") ||
			h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", link, h)
		}
	}
}

func TestAttack_C14_JSON(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, text := range map[string]string{
		"nested 100000 deep": `{"params":` + strings.Repeat(`[`, 100_000) + strings.Repeat(`]`, 100_000) + `}`,
		"a member twice":     `{"recipe":"copy","recipe":"merge"}`,
		"a parameter twice":  `{"recipe":"copy","params":{"quality":1,"quality":2}}`,
		"1e999":              `{"recipe":"copy","priority":1e999}`,
		"NaN":                `{"recipe":"copy","priority":NaN}`,
		"no object":          `[1]`, "nothing": ``, "cut off": `{"recipe":`, "text behind": `{} {}`,
		"an unknown member": `{"recipe":"copy","after":["x"]}`,
		"a wrong type":      `{"recipe":5}`,
		"2 MB":              `{"recipe":"` + strings.Repeat("x", 2<<20) + `"}`,
	} {
		p := b.do(http.MethodPost, "/api/v1/jobs", strings.NewReader(text), "Content-Type: application/json").problem(t)
		if p.Status != 400 && p.Status != 413 {
			t.Errorf("%s: %+v", name, p)
		}
	}
	b.nothingLeft()
}

func TestAttack_C16_one_log_line_per_event(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.do(http.MethodPost, "/api/v1/jobs/%0Atime=x%1b[31m", bytes.NewReader(nil), "User-Agent: x")
	b.submit([]string{"recipe=copy\ntime=now\x1b[31m"}, upload{"\x1b[31m\n.txt", "x"})
	for _, line := range strings.Split(strings.TrimSpace(b.log.String()), "\n") {
		if !strings.HasPrefix(line, "time=2") || strings.Contains(line, "\x1b") {
			t.Errorf("log line %q", line)
		}
	}
}

func TestAttack_C18_deleting_a_running_job_cancels_it(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.made()
	b.claim()
	if a := b.do(http.MethodDelete, j.Links.Self, nil); a.StatusCode != http.StatusAccepted {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	ids, err := b.jobs.CancelRequested(context.Background())
	if err != nil || !slices.Equal(ids, []string{j.ID}) {
		t.Errorf("%v, %v", ids, err)
	}
}
