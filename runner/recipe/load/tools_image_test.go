//go:build recipes

package load_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convertd/runner/recipe/load"
)

// garbage is bytes without any meaning, the same in every run.
func garbage(n int) string {
	random := rand.NewChaCha8([32]byte{1})
	b := make([]byte, n)
	_, _ = random.Read(b)
	return string(b)
}

// picture makes a test picture.
func picture(t *testing.T, file, size string, options ...string) string {
	t.Helper()
	argv := []string{"ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=" + size, "-frames:v", "1"}
	return made(t, file, append(argv, options...)...)
}

// pixels is a checksum of the decoded picture.
func pixels(t *testing.T, path, format string) string {
	t.Helper()
	return asked(t, "ffmpeg", "-v", "error", "-i", path, "-pix_fmt", format, "-f", "md5", "-")
}

func TestImagesToWebP(t *testing.T) {
	t.Parallel()
	large := convert(t, "images-to-webp", map[string][]string{"look": {"best"}}, input{picture(t, "a.png", "3000x2000"), "Große Karte.png"})
	if got := asked(t, "webpinfo", large.output(t)); !strings.Contains(got, "Width: 3000") || !strings.Contains(got, "Height: 2000") {
		t.Errorf("webpinfo says %s", got)
	}
	large.named(t, "Große Karte.webp")
	large.rises(t, 3)

	for _, tt := range []struct {
		about, file, size string
		options           []string
		given             map[string][]string
		want              string
	}{
		{"a photo", "a.jpg", "300x200", nil, nil, "Width: 300\n  Height: 200"},
		{"a scan", "a.tiff", "300x200", nil, map[string][]string{"look": {"small"}}, "Width: 300\n  Height: 200"},
		{"a WebP", "a.webp", "300x200", nil, nil, "Width: 300\n  Height: 200"},
		{"plain pixels", "a.ppm", "300x200", nil, nil, "Width: 300\n  Height: 200"},
		{"few pixels", "a.png", "16x16", []string{"-vf", "scale=1:1"}, nil, "Width: 1\n  Height: 1"},
		{"made smaller", "a.png", "300x200", nil, map[string][]string{"width": {"150"}}, "Width: 150\n  Height: 100"},
		{"with metadata", "a.jpg", "300x200", nil, map[string][]string{"metadata": {"true"}}, "Width: 300\n  Height: 200"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			t.Parallel()
			res := convert(t, "images-to-webp", tt.given, input{picture(t, tt.file, tt.size, tt.options...), tt.file})
			if got := asked(t, "webpinfo", res.output(t)); !strings.Contains(got, tt.want) || !strings.Contains(got, "No error detected.") {
				t.Errorf("webpinfo says %s, want %s", got, tt.want)
			}
		})
	}
	t.Run("lossless means lossless", func(t *testing.T) {
		t.Parallel()
		source := picture(t, "a.png", "300x200", "-pix_fmt", "rgb24")
		res := convert(t, "images-to-webp", map[string][]string{"look": {"lossless"}}, input{source, "a.png"})
		back := made(t, "back.png", "dwebp", "-quiet", res.output(t), "-o")
		if pixels(t, source, "rgb24") != pixels(t, back, "rgb24") {
			t.Error("the pixels differ")
		}
	})
}

func TestImagesToWebPRefuses(t *testing.T) {
	t.Parallel()
	png := picture(t, "a.png", "300x200")
	for _, tt := range []struct{ about, name, path, want string }{
		{"half a file", "a.png", written(t, "x.png", half(t, png)), "The picture cannot be read"},
		{"random bytes", "a.jpg", written(t, "x.jpg", garbage(3000)), "The picture cannot be read"},
		{"nothing", "a.png", written(t, "x.png", ""), "The picture cannot be read"},
		{"text", "a.webp", written(t, "x.webp", "Hello\n"), "The picture cannot be read"},
		{"a hostile name", hostile + ".png", written(t, "x.png", garbage(3000)), "The picture cannot be read"},
		{"too wide", "a.ppm", written(t, "x.ppm", "P6\n17000 2\n255\n"+strings.Repeat("\x00", 17000*2*3)), "too large"},
		{"a lie about its size", "a.ppm", written(t, "x.ppm", "P6\n100000 100000\n255\n\x00"), ""},
	} {
		t.Run(tt.about, func(t *testing.T) {
			t.Parallel()
			convert(t, "images-to-webp", nil, input{tt.path, tt.name}).fails(t, tt.want)
		})
	}
}

// The recipe of four lines in the manual works as it is printed, and has its bar.
func TestFourLines(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "to-webp.toml")
	must(t, os.WriteFile(file, []byte(`name    = "to-webp"
accept  = ["image/*"]
to      = ["webp"]
command = ["cwebp", "-progress", "{input}", "-o", "{output}/{stem}.webp"]
`), 0o644))
	r, problems := load.File(file)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	res := convertBy(t, r, nil, input{picture(t, "a.png", "3000x2000"), "my photo.png"})
	if got := asked(t, "webpinfo", res.output(t)); !strings.Contains(got, "Width: 3000") {
		t.Errorf("webpinfo says %s", got)
	}
	res.named(t, "my photo.webp")
	res.rises(t, 3)
	bad := convertBy(t, r, nil, input{written(t, "x.png", garbage(3000)), "x.png"})
	if bad.Class == "succeeded" || len(bad.Outputs) > 0 {
		t.Errorf("random bytes: %s %+v", bad.Class, bad.Outputs)
	}
}

func TestImage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		about, file, size string
		given             map[string][]string
		want              string
	}{
		{"PNG to JPEG", "a.png", "300x200", map[string][]string{"to": {"jpg"}}, "mjpeg,300,200"},
		{"JPEG to PNG", "a.jpg", "300x200", map[string][]string{"to": {"png"}}, "png,300,200"},
		{"TIFF to AVIF", "a.tiff", "300x200", map[string][]string{"to": {"avif"}, "quality": {"60"}}, "av1,300,200"},
		{"WebP to TIFF", "a.webp", "300x200", map[string][]string{"to": {"tiff"}, "strip": {"false"}}, "tiff,300,200"},
		{"made smaller", "a.png", "1600x900", map[string][]string{"to": {"jpg"}, "size": {"640"}}, "mjpeg,640,360"},
		{"upright and smaller", "a.png", "900x1600", map[string][]string{"to": {"jpg"}, "size": {"640"}}, "mjpeg,360,640"},
		{"never made larger", "a.png", "300x200", map[string][]string{"to": {"jpg"}, "size": {"3840"}}, "mjpeg,300,200"},
		{"a large one", "a.jpg", "5000x4000", map[string][]string{"to": {"jpg"}}, "mjpeg,5000,4000"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			t.Parallel()
			res := convert(t, "image", tt.given, input{picture(t, tt.file, tt.size, rgbFor(tt.file)...), hostile + filepath.Ext(tt.file)})
			if got := streams(t, res.output(t)); !strings.HasPrefix(got, tt.want) {
				t.Errorf("the picture is %s, want %s", got, tt.want)
			}
			if want := "image/" + strings.Replace(tt.given["to"][0], "jpg", "jpeg", 1); res.Outputs[0].MediaType != want {
				t.Errorf("the type is %s, want %s", res.Outputs[0].MediaType, want)
			}
			if tt.about == "a large one" {
				res.rises(t, 2)
			}
		})
	}
}

// rgbFor keeps TIFF plain: stored like video it is a kind of its own.
func rgbFor(file string) []string {
	if filepath.Ext(file) != ".tiff" {
		return nil
	}
	return []string{"-pix_fmt", "rgb24"}
}

func TestImageRefuses(t *testing.T) {
	t.Parallel()
	svg := `<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>`
	for _, tt := range []struct{ about, name, content string }{
		{"half a PNG", "a.png", half(t, picture(t, "a.png", "600x400"))},
		{"half a JPEG", "a.jpg", half(t, picture(t, "a.jpg", "600x400"))},
		{"random bytes", "a.heic", garbage(3000)},
		{"nothing", "a.png", ""},
		{"another kind of file that the library could open", "a.png", svg},
		{"a matrix in text", "a.png", "3 3\n1 0 0\n0 1 0\n0 0 1\n"},
		{"a hostile name", hostile + ".gif", garbage(3000)},
		{"a lie about its size", "a.png", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x06\x00\x00\x00\x5f\x5f\x5f\x5f"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			t.Parallel()
			convert(t, "image", map[string][]string{"to": {"jpg"}}, input{written(t, "x", tt.content), tt.name}).fails(t, "The picture cannot be read")
		})
	}
	convert(t, "image", map[string][]string{"to": {"jpg"}}, input{picture(t, "a.tiff", "300x200", "-pix_fmt", "yuv420p"), "a.tiff"}).fails(t, "stored in a way")
}
