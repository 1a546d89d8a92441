//go:build recipes

package load_test

import (
	"math"
	"strings"
	"testing"
)

// codec asks ffprobe for the container and the codec and channels of the only stream.
func codec(t *testing.T, path string) string {
	t.Helper()
	return strings.Join(strings.Fields(asked(t, "ffprobe", "-v", "error", "-show_entries", "format=format_name:stream=codec_name,channels", "-of", "default=nw=1:nk=1", path)), " ")
}

// tone makes seconds of sound.
func tone(t *testing.T, file, seconds string, options ...string) string {
	t.Helper()
	argv := []string{"ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=frequency=440:duration=" + seconds, "-ac", "2"}
	return made(t, file, append(argv, options...)...)
}

func TestSound(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		about, file string
		given       map[string][]string
		want        string
	}{
		{"WAV to MP3", "a.wav", map[string][]string{"to": {"mp3"}}, "mp3 2 mp3"},
		{"MP3 to M4A", "a.mp3", map[string][]string{"to": {"m4a"}, "look": {"small"}}, "aac 2 mov,mp4,m4a,3gp,3g2,mj2"},
		{"FLAC to Opus", "a.flac", map[string][]string{"to": {"opus"}, "look": {"best"}}, "opus 2 ogg"},
		{"Ogg to FLAC", "a.ogg", map[string][]string{"to": {"flac"}}, "flac 2 flac"},
		{"AIFF to WAV", "a.aiff", map[string][]string{"to": {"wav"}}, "pcm_s24le 2 wav"},
		{"M4A to one channel", "a.m4a", map[string][]string{"to": {"mp3"}, "mono": {"true"}}, "mp3 1 mp3"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			t.Parallel()
			res := convert(t, "sound", tt.given, input{tone(t, tt.file, "3"), "Lied.x.wav"})
			if got := codec(t, res.output(t)); got != tt.want {
				t.Errorf("the result is %s, want %s", got, tt.want)
			}
			if got := seconds(t, res.output(t)); math.Abs(got-3) > 0.2 {
				t.Errorf("duration is %v, want 3", got)
			}
			res.named(t, "Lied.x."+tt.given["to"][0])
		})
	}
	t.Run("the sound of a video", func(t *testing.T) {
		t.Parallel()
		res := convert(t, "sound", map[string][]string{"to": {"mp3"}}, input{film(t, "a.mp4", "160x120", 2), hostile + ".mp4"})
		if got := codec(t, res.output(t)); got != "mp3 1 mp3" {
			t.Errorf("the result is %s", got)
		}
	})
	t.Run("an hour", func(t *testing.T) {
		t.Parallel()
		res := convert(t, "sound", map[string][]string{"to": {"mp3"}}, input{tone(t, "a.flac", "1800"), "a.flac"})
		res.output(t)
		res.rises(t, 3)
	})
}

func TestSoundRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ about, name, path, want string }{
		{"no sound", "a.mp4", film(t, "a.mp4", "160x120", 1, "-an"), "There is no sound in this file."},
		{"random bytes", "a.wav", written(t, "x.wav", garbage(3000)), "not a recording that can be read"},
		{"nothing", "a.flac", written(t, "x.flac", ""), "not a recording that can be read"},
		{"a hostile name", hostile + ".ogg", written(t, "x.ogg", garbage(3000)), "not a recording that can be read"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			t.Parallel()
			convert(t, "sound", map[string][]string{"to": {"mp3"}}, input{tt.path, tt.name}).fails(t, tt.want)
		})
	}
}

func TestVideoToWebM(t *testing.T) {
	t.Parallel()
	res := convert(t, "video-to-webm", map[string][]string{"speed": {"quick"}, "look": {"small"}}, input{film(t, "a.mov", "321x240", 6, "-c:v", "mpeg4"), "a.mov"})
	if got := streams(t, res.output(t)); got != "vp9,320,240,yuv420p\nopus" {
		t.Errorf("streams are %q", got)
	}
	res.rises(t, 2)
	convert(t, "video-to-webm", nil, input{written(t, "x.mkv", garbage(3000)), "x.mkv"}).fails(t, "not a video that can be read")
	convert(t, "video-to-webm", nil, input{written(t, "x.mkv", ""), hostile + ".mkv"}).fails(t, "not a video that can be read")
}

func TestVideoToGIF(t *testing.T) {
	t.Parallel()
	source := film(t, "a.mp4", "640x360", 12)
	for _, tt := range []struct {
		about string
		given map[string][]string
		want  string
		long  float64
	}{
		{"the beginning", nil, "gif,480,270,bgra", 10},
		{"a part of it", map[string][]string{"start": {"5.5"}, "length": {"2"}, "width": {"200"}, "rate": {"5"}}, "gif,200,113,bgra", 2},
		{"never made larger", map[string][]string{"length": {"1"}, "width": {"1280"}}, "gif,640,360,bgra", 1},
	} {
		t.Run(tt.about, func(t *testing.T) {
			t.Parallel()
			res := convert(t, "video-to-gif", tt.given, input{source, hostile + ".mp4"})
			if got := streams(t, res.output(t)); got != tt.want {
				t.Errorf("stream is %q, want %q", got, tt.want)
			}
			if got := seconds(t, res.output(t)); math.Abs(got-tt.long) > 0.3 {
				t.Errorf("duration is %v, want %v", got, tt.long)
			}
			res.rises(t, 2)
		})
	}
	convert(t, "video-to-gif", map[string][]string{"start": {"500"}}, input{source, "a.mp4"}).fails(t, "There is no picture at that place")
	convert(t, "video-to-gif", nil, input{written(t, "x.mkv", garbage(3000)), "a.mkv"}).fails(t, "not a recording that can be read")
	convert(t, "video-to-gif", nil, input{written(t, "x.mkv", ""), "a.mkv"}).fails(t, "not a recording that can be read")
	convert(t, "video-to-gif", nil, input{tone(t, "a.mp3", "1"), "a.mp3"}).fails(t, "no picture")
}
