//go:build recipes

package load_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// shown asks ffprobe for entries of the first stream of its kind, one text.
func shown(t *testing.T, path, kind, entries string) string {
	t.Helper()
	return strings.Join(strings.Fields(asked(t, "ffprobe", "-v", "error", "-count_packets", "-select_streams", kind, "-show_entries", "stream="+entries, "-of", "default=nw=1:nk=1", path)), " ")
}

// reel makes a film by a filter, without sound.
func reel(t *testing.T, file, source string, options ...string) string {
	t.Helper()
	return made(t, file, append([]string{"ffmpeg", "-v", "error", "-f", "lavfi", "-i", source}, options...)...)
}

// TestVideoAsPeopleRecordIt converts what phones, cameras and browsers make.
func TestVideoAsPeopleRecordIt(t *testing.T) {
	t.Parallel()
	upright := reel(t, "b.mov", "testsrc2=size=320x180:rate=25:duration=1", "-c:v", "libx264")
	turned := made(t, "a.mov", "ffmpeg", "-v", "error", "-i", upright, "-c", "copy", "-metadata:s:v", "rotate=90")
	hdr := []string{"-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc", "-x265-params", "log-level=none"}
	uneven := []string{"-vf", "select='if(lt(t,1),1,not(mod(n,5)))'", "-vsync", "vfr", "-c:v", "libx264"}
	for _, tt := range []struct {
		about, path, entries, mp4 string
	}{
		{"a phone held upright", turned, "width,height", "180 320"},
		{"more light than screens have", reel(t, "a.mov", "testsrc2=size=320x180:rate=25:duration=1", hdr...), "pix_fmt,color_space,color_transfer,color_primaries", "yuv420p bt709 bt709 bt709"},
		{"pictures at uneven times", reel(t, "a.mkv", "testsrc2=size=320x180:rate=25:duration=2", uneven...), "nb_read_packets", "30"},
		{"half pictures", reel(t, "a.mpg", "testsrc2=size=320x180:rate=50:duration=2", "-vf", "tinterlace=interleave_top,setfield=tff", "-flags", "+ilme+ildct", "-c:v", "mpeg2video"), "nb_read_packets", "50"},
		{"an odd width", reel(t, "a.mkv", "testsrc2=size=321x181:rate=25:duration=1", "-c:v", "ffv1"), "width,height", "320 180"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			t.Parallel()
			for _, name := range []string{"video-to-mp4", "video-to-webm"} {
				given := map[string][]string{"speed": {"veryfast"}}
				if name == "video-to-webm" {
					given["speed"] = []string{"quick"}
				}
				path := convert(t, name, given, input{tt.path, tt.path}).output(t)
				if got := shown(t, path, "v", tt.entries); got != tt.mp4 {
					t.Errorf("%s: %s is %q, want %q", name, tt.entries, got, tt.mp4)
				}
				if tt.about == "half pictures" {
					combs(t, path)
				}
			}
		})
	}
}

// combs fails for a film whose pictures are woven of two.
func combs(t *testing.T, path string) {
	t.Helper()
	said := asked(t, "ffmpeg", "-nostdin", "-v", "info", "-i", path, "-vf", "idet", "-f", "null", "-")
	_, multi, _ := strings.Cut(said, "Multi frame detection:")
	var top, bottom, progressive int
	_, err := fmt.Sscanf(strings.Join(strings.Fields(multi), " "), "TFF: %d BFF: %d Progressive: %d", &top, &bottom, &progressive)
	if err != nil || progressive < 5*(top+bottom) {
		t.Errorf("the film is interlaced: %d, %d, %d, %v", top, bottom, progressive, err)
	}
}

func TestSoundOfManyChannels(t *testing.T) {
	t.Parallel()
	source := made(t, "a.mkv", "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x120:duration=1", "-f", "lavfi", "-i", "sine=duration=1", "-ac:a", "6", "-c:v", "mpeg2video", "-c:a", "ac3")
	for _, tt := range []struct{ recipe, key, value, want string }{
		{"video-to-mp4", "sound", "good", "aac 2"}, {"video-to-mp4", "sound", "best", "aac 6"},
		{"video-to-webm", "sound", "good", "opus 2"}, {"video-to-webm", "sound", "best", "opus 6"},
		{"sound", "to", "opus", "opus 6"}, {"sound", "to", "flac", "flac 6"}, {"sound", "to", "mp3", "mp3 2"},
	} {
		path := convert(t, tt.recipe, map[string][]string{tt.key: {tt.value}}, input{source, "a.mkv"}).output(t)
		if got := shown(t, path, "a", "codec_name,channels"); got != tt.want {
			t.Errorf("%s with %s = %s has %q, want %q", tt.recipe, tt.key, tt.value, got, tt.want)
		}
	}
	fine := made(t, "a.wav", "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=duration=1:sample_rate=96000", "-c:a", "pcm_s24le")
	for to, want := range map[string]string{"wav": "96000 24", "flac": "96000 24"} {
		path := convert(t, "sound", map[string][]string{"to": {to}}, input{fine, "a.wav"}).output(t)
		if got := shown(t, path, "a", "sample_rate,bits_per_raw_sample"); got != want {
			t.Errorf("%s: %q, want %q", to, got, want)
		}
	}
}

// dot asks ImageMagick for one pixel: red, green and blue from 0 to 255.
func dot(t *testing.T, path, place string) string {
	t.Helper()
	at := "%[fx:round(255*p{" + place + "}.r)] %[fx:round(255*p{" + place + "}.g)] %[fx:round(255*p{" + place + "}.b)]"
	return strings.TrimSpace(asked(t, "/usr/bin/convert", path, "-format", at, "info:"))
}

// TestPicturesKeepTheirLook: what shines through, the colours of other profiles and of
// printing, which side is up.
func TestPicturesKeepTheirLook(t *testing.T) {
	t.Parallel()
	im := func(file string, options ...string) string {
		return made(t, file, append([]string{"/usr/bin/convert"}, options...)...)
	}
	jpg := map[string][]string{"to": {"jpg"}, "quality": {"100"}}
	clear := convert(t, "image", jpg, input{im("a.png", "-size", "40x30", "xc:none"), "a.png"}).output(t)
	if got := dot(t, clear, "5,5"); got != "255 255 255" {
		t.Errorf("what shines through became %s, want white", got)
	}
	// The same numbers mean a stronger red in Adobe RGB than in sRGB.
	adobe := im("b.jpg", "-size", "40x30", "xc:rgb(180,60,60)", "-profile", "/usr/share/color/icc/ghostscript/a98.icc", "-quality", "100")
	if got := dot(t, convert(t, "image", jpg, input{adobe, "b.jpg"}).output(t), "5,5"); !strings.HasPrefix(got, "20") && !strings.HasPrefix(got, "21") {
		t.Errorf("a red of Adobe RGB became %s, want one of about 209", got)
	}
	print := im("c.jpg", "-size", "40x30", "xc:red", "-colorspace", "CMYK")
	if got := asked(t, "identify", "-format", "%[colorspace]", convert(t, "image", jpg, input{print, "c.jpg"}).output(t)); got != "sRGB" {
		t.Errorf("colours of printing became %s", got)
	}
	plain, err := os.ReadFile(im("d.jpg", "-size", "40x30", "xc:red"))
	must(t, err)
	exif := "\xff\xe1\x00\x22Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
	turned := written(t, "e.jpg", string(plain[:2])+exif+string(plain[2:]))
	for _, to := range []string{"jpg", "png", "avif", "tiff"} {
		path := convert(t, "image", map[string][]string{"to": {to}}, input{turned, "e.jpg"}).output(t)
		if got := shown(t, path, "v", "width,height"); got != "30 40" {
			t.Errorf("a photo on its side became %s as %s", got, to)
		}
	}
	webp := convert(t, "images-to-webp", nil, input{turned, "e.jpg"}).output(t)
	if got := shown(t, webp, "v", "width,height"); got != "30 40" {
		t.Errorf("a photo on its side became %s as webp", got)
	}
}

// TestPDFThatIsSmallStaysSmall: what cannot be made smaller is given back.
func TestPDFThatIsSmallStaysSmall(t *testing.T) {
	t.Parallel()
	source := numbered("a", 1)
	res := convert(t, "pdf-compress", nil, input{written(t, "x.pdf", source), "x.pdf"})
	if res.output(t); res.Outputs[0].Size > int64(len(source)) {
		t.Errorf("a PDF of %d bytes became one of %d", len(source), res.Outputs[0].Size)
	}
}

// TestPDFThatMayNotBeChanged has no password to open it, but one to change it.
func TestPDFThatMayNotBeChanged(t *testing.T) {
	t.Parallel()
	source := made(t, "x.pdf", "qpdf", "--encrypt", "", "owner", "256", "--modify=none", "--extract=n", "--", written(t, "y.pdf", numbered("a", 1)))
	path := convert(t, "pdf-ocr", map[string][]string{"to": {"searchable-pdf"}}, input{source, "x.pdf"}).output(t)
	if got := words(t, path); got != "a page 1" {
		t.Errorf("it says %q", got)
	}
}

// TestFormulas: pages show them as formulas, not as the text they were written as.
func TestFormulas(t *testing.T) {
	t.Parallel()
	source := written(t, "a.md", "$$\\int_0^1 x\\,dx = \\frac{1}{2}$$\n")
	content, err := os.ReadFile(convert(t, "markdown", map[string][]string{"to": {"html"}}, input{source, "a.md"}).output(t))
	must(t, err)
	if !strings.Contains(string(content), "<mfrac>") {
		t.Errorf("no formula in %s", content)
	}
	if got := words(t, convert(t, "markdown-to-pdf", nil, input{source, "a.md"}).output(t)); strings.Contains(got, "frac") {
		t.Errorf("the page says %q", got)
	}
}
