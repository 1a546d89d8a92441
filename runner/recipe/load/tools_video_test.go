//go:build recipes

package load_test

import (
	"encoding/binary"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"convertd/runner/fault"
)

// film makes a moving test picture with sound, as the options say.
func film(t *testing.T, file, size string, seconds int, options ...string) string {
	t.Helper()
	length := strconv.Itoa(seconds)
	argv := []string{
		"ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=" + size + ":rate=25:duration=" + length,
		"-f", "lavfi", "-i", "sine=frequency=440:duration=" + length,
	}
	return made(t, file, append(argv, options...)...)
}

// streams asks ffprobe for the codecs, size and pixel format of a file: a line a stream.
func streams(t *testing.T, path string) string {
	t.Helper()
	return strings.TrimSpace(asked(t, "ffprobe", "-v", "error", "-show_entries", "stream=codec_name,width,height,pix_fmt", "-of", "csv=p=0", path))
}

// seconds asks ffprobe for the duration of a file.
func seconds(t *testing.T, path string) float64 {
	t.Helper()
	text := strings.TrimSpace(asked(t, "ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "default=nw=1:nk=1", path))
	s, err := strconv.ParseFloat(text, 64)
	must(t, err)
	return s
}

// atoms lists the outer atoms of an MP4 file (ISO/IEC 14496-12, 4.2).
func atoms(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	var names []string
	for at := 0; at+8 <= len(content); {
		names = append(names, string(content[at+4:at+8]))
		at += max(8, int(binary.BigEndian.Uint32(content[at:])))
	}
	return strings.Join(names, " ")
}

func TestVideoToMP4(t *testing.T) {
	t.Parallel()
	source := film(t, "a.mov", "640x360", 20, "-c:v", "mpeg4", "-c:a", "pcm_s16le")
	res := convert(t, "video-to-mp4", nil, input{source, "Urlaub – 2024.MOV"})
	mp4 := res.output(t)
	res.named(t, "Urlaub – 2024.mp4")
	res.rises(t, 3)
	if got := streams(t, mp4); got != "h264,640,360,yuv420p\naac" {
		t.Errorf("streams are %q", got)
	}
	if got := seconds(t, mp4); math.Abs(got-20) > 0.2 {
		t.Errorf("duration is %v, want 20", got)
	}
	if got := atoms(t, mp4); !strings.HasPrefix(got, "ftyp moov") {
		t.Errorf("atoms are %s: playing cannot begin before all is loaded", got)
	}
	if res.Outputs[0].MediaType != "video/mp4" {
		t.Errorf("media type is %s", res.Outputs[0].MediaType)
	}
}

func TestVideoToMP4OfAllKinds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		about, file, size string
		options           []string
		given             map[string][]string
		want              string
	}{
		{"odd size", "a.mkv", "321x241", []string{"-c:v", "ffv1", "-c:a", "flac"}, nil, "h264,320,240,yuv420p\naac"},
		{"ten bits of 4:4:4", "a.mkv", "320x240", []string{"-c:v", "ffv1", "-pix_fmt", "yuv444p10le"}, nil, "h264,320,240,yuv420p\naac"},
		{"no sound there", "a.avi", "320x240", []string{"-an", "-c:v", "mjpeg"}, nil, "h264,320,240,yuv420p"},
		{"no sound wanted", "a.mp4", "320x240", nil, map[string][]string{"sound": {"none"}}, "h264,320,240,yuv420p"},
		{"made smaller", "a.webm", "800x600", []string{"-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"}, map[string][]string{"size": {"480"}, "look": {"small"}, "speed": {"veryfast"}}, "h264,640,480,yuv420p\naac"},
		{"never made larger", "a.mpg", "320x240", nil, map[string][]string{"size": {"1080"}, "look": {"best"}, "speed": {"slow"}, "sound": {"best"}}, "h264,320,240,yuv420p\naac"},
		{"small and odd", "a.mkv", "35x27", []string{"-c:v", "ffv1"}, map[string][]string{"size": {"720"}}, "h264,34,26,yuv420p\naac"},
		{"an animation", "a.gif", "160x120", []string{"-an"}, nil, "h264,160,120,yuv420p"},
		{"a transport stream", "a.ts", "320x240", nil, nil, "h264,320,240,yuv420p\naac"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			t.Parallel()
			res := convert(t, "video-to-mp4", tt.given, input{film(t, tt.file, tt.size, 1, tt.options...), tt.file})
			if got := streams(t, res.output(t)); got != tt.want {
				t.Errorf("streams are %q, want %q", got, tt.want)
			}
		})
	}
}

func TestVideoToMP4Refuses(t *testing.T) {
	t.Parallel()
	whole := film(t, "a.mp4", "320x240", 2)
	sound := made(t, "a.mp3", "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=duration=1")
	secret := written(t, "secret.txt", "file contents nobody may see\n")
	for _, tt := range []struct{ about, name, path, want string }{
		{"half a file", "a.mp4", written(t, "half.mp4", half(t, whole)), "index is missing"},
		{"random bytes", "a.mp4", written(t, "x.mp4", garbage(30_000)), "index is missing"},
		{"random bytes of another kind", "a.mkv", written(t, "x.mkv", garbage(30_000)), "not a video that can be read"},
		{"nothing", "a.mov", written(t, "x.mov", ""), "index is missing"},
		{"text", "a.avi", written(t, "x.avi", "Hello\n"), "not a video that can be read"},
		{"sound alone", "a.mp3", sound, "There is no picture in this file."},
		{"a hostile name", hostile + ".mp4", written(t, "x.mp4", garbage(3_000)), "index is missing"},
		{"text of another program", "a.mp4", written(t, "x.mp4", "WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n"), "of another kind than its name says"},
		{"a list of other files", "a.mp4", written(t, "x.mp4", "ffconcat version 1.0\nfile "+secret+"\n"), "only a list"},
		{"a playlist", "a.mp4", written(t, "x.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://"+secret+"\n#EXT-X-ENDLIST\n"), "only a list"},
		{"a playlist of the network", "a.m3u8", written(t, "x.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n"), "only a list"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			t.Parallel()
			res := convert(t, "video-to-mp4", nil, input{tt.path, tt.name})
			res.fails(t, tt.want)
			if strings.Contains(strings.Join(res.LogTail, "\n"), "nobody may see") {
				t.Errorf("the log shows another file:\n%s", strings.Join(res.LogTail, "\n"))
			}
		})
	}
}

func TestVideoUnderAHostileName(t *testing.T) {
	t.Parallel()
	res := convert(t, "video-to-mp4", nil, input{film(t, "a.mp4", "160x120", 1), hostile + ".mp4"})
	if got := streams(t, res.output(t)); got != "h264,160,120,yuv420p\naac" {
		t.Errorf("streams are %q", got)
	}
	if name := res.Outputs[0].Name; res.Class != fault.Succeeded || strings.Contains(name, "\n") || !strings.HasSuffix(name, ".mp4") || !strings.Contains(name, "$(touch owned)") {
		t.Errorf("the result is named %q", name)
	}
}
