package webui_test

import (
	"io"
	"net/http"
	"testing"

	"convertd/webui/client"
)

func TestStop_answers_who_waits_and_finishes_what_works(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.made()
	stream := b.listen(first.Links.Events, "")
	stream.until("status", "queued")
	waiting := make(chan answer, 1)
	body, contentType := formBody(t, []string{"recipe=copy"}, upload{"a.txt", "hello"})
	go func() {
		waiting <- b.do(http.MethodPost, "/api/v1/jobs", body, "Content-Type: "+contentType, "Prefer: wait=60")
	}()
	reader, writer := io.Pipe()
	r, err := http.NewRequest(http.MethodPost, b.base+"/api/v1/jobs", reader)
	if err != nil {
		t.Fatal(err)
	}
	half := []byte("--B\r\nContent-Disposition: form-data; name=\"recipe\"\r\n\r\ncopy\r\n--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhel")
	r.Header.Set("Content-Type", "multipart/form-data; boundary=B")
	uploading := make(chan answer, 1)
	go func() { uploading <- b.send(r) }()
	if _, err := writer.Write(half); err != nil {
		t.Fatal(err)
	}
	b.eventually("the waiting job is there", func() bool { return len(b.files()) >= 2 })
	b.eventually("its waiting is", func() bool { page := b.list(); return len(page) == 2 })
	b.stop()
	stream.rest() // ends
	(<-waiting).job(t, http.StatusAccepted)
	_, _ = writer.Write([]byte("lo\r\n--B--\r\n"))
	_ = writer.Close()
	j := (<-uploading).job(t, http.StatusAccepted)
	if j.Inputs[0].Size != 5 {
		t.Errorf("%+v", j.Inputs)
	}
	if c, err := client.New(b.base, ""); err != nil {
		t.Error(err)
	} else if _, err := c.Job(t.Context(), j.ID); err == nil {
		t.Error("the stopped service answers new requests")
	}
}
