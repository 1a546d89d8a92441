package service

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Bounds of a picture of the unfinished result.
const (
	maxPreview      = 20 << 20
	previewPatience = 10 * time.Second
	previewEvery    = time.Second
)

// glimpse remembers which picture was shown last.
type glimpse struct {
	value string
	at    time.Time
	file  string
}

// glance shows a picture of the unfinished result. That it cannot be had is no reason to
// fail.
func (c *call) glance(value any) {
	text, isText := value.(string)
	if !isText || c.order.Preview == "" || text == c.seen.value || time.Since(c.seen.at) < previewEvery {
		return
	}
	c.seen.value, c.seen.at = text, time.Now()
	picture, err := c.picture(text)
	if err == nil {
		err = c.show(picture)
	}
	if err != nil {
		c.log("The preview could not be shown: %v", err)
	}
}

// picture fetches or unpacks it.
func (c *call) picture(text string) ([]byte, error) {
	if data, ok := strings.CutPrefix(text, "data:"); ok {
		_, text, _ = strings.Cut(data, ",")
	}
	if !strings.HasPrefix(text, "http://") && !strings.HasPrefix(text, "https://") && !strings.HasPrefix(text, "/") {
		return base64.StdEncoding.DecodeString(text)
	}
	if decoded, err := base64.StdEncoding.DecodeString(text); err == nil && pictureType(decoded) != "" {
		return decoded, nil // base64 may begin with a slash, as that of JPEG does
	}
	u, err := c.link(text)
	if err != nil {
		return nil, err
	}
	r := &request{method: http.MethodGet, url: u, headers: map[string]string{}, safe: true}
	if err := c.inherit(r); err != nil {
		return nil, err
	}
	ctx, end := context.WithTimeout(context.Background(), previewPatience)
	defer end()
	var picture []byte
	err = c.try(ctx, r, func(got *answer) error {
		var err error
		picture, err = io.ReadAll(io.LimitReader(got.body, maxPreview+1))
		return err
	})
	return picture, err
}

// pictureType is the extension of a picture that pages can show, "" for anything else.
func pictureType(content []byte) string {
	switch http.DetectContentType(content) {
	case "image/png":
		return ".png"
	case "image/jpeg":
		return ".jpg"
	case "image/webp":
		return ".webp"
	case "image/gif":
		return ".gif"
	}
	return ""
}

// show puts the picture where the runner takes it from, in place of the one before.
func (c *call) show(picture []byte) error {
	ext := pictureType(picture)
	if ext == "" || len(picture) > maxPreview {
		return failed("it is not a picture, or larger than %d MiB", maxPreview>>20)
	}
	path := filepath.Join(c.order.Preview, "preview"+ext)
	part := filepath.Join(c.order.Preview, ".part")
	if err := os.WriteFile(part, picture, 0o600); err != nil {
		return err
	}
	if c.seen.file != "" && c.seen.file != path {
		_ = os.Remove(c.seen.file) // it had another type; two are no harm
	}
	c.seen.file = path
	return os.Rename(part, path)
}
