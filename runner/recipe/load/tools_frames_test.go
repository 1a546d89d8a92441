//go:build recipes

package load_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// frames makes the frames of a shot, one picture that grows lighter, named by number.
func frames(t *testing.T, ext string, numbers ...int) []input {
	t.Helper()
	var all []input
	for i, n := range numbers {
		options := []string{"-vf", fmt.Sprintf("eq=brightness=%.2f", float64(i)/100)}
		if ext == "exr" {
			options = append(options, "-pix_fmt", "gbrpf32le")
		}
		if ext == "dpx" {
			options = append(options, "-pix_fmt", "gbrp10le")
		}
		all = append(all, input{picture(t, "f."+ext, "321x200", options...), fmt.Sprintf("shot.%04d.%s", n, ext)})
	}
	return all
}

func TestFramesToVideo(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ ext, to, want string }{
		{"png", "frames-mp4", "h264,320,200,yuv420p"},
		{"exr", "frames-mov", "prores,320,200,yuv422p10le"},
		{"dpx", "frames-mp4", "h264,320,200,yuv420p"},
		{"tif", "frames-mov", "prores,320,200,yuv422p10le"},
		{"jpg", "frames-mp4", "h264,320,200,yuv420p"},
	} {
		sent := frames(t, tt.ext, 1003, 1001, 1002, 1005, 1004, 1006)
		res := convert(t, "frames-to-video", map[string][]string{"to": {tt.to}}, sent...)
		path := res.output(t)
		if got := streams(t, path); got != tt.want {
			t.Errorf("%s: the film is %s, want %s", tt.ext, got, tt.want)
		}
		if got := seconds(t, path); math.Abs(got-0.25) > 0.01 {
			t.Errorf("%s: the film lasts %v s, want 6 frames at 24 a second", tt.ext, got)
		}
	}
}

func TestFramesWithGaps(t *testing.T) {
	t.Parallel()
	sent := frames(t, "png", 1, 2, 4, 8)
	convert(t, "frames-to-video", map[string][]string{"to": {"frames-mp4"}}, sent...).fails(t, "Frames are missing between 1 and 8: 3, 5–7.")
	for policy, want := range map[string]float64{"hold": 0.8, "close": 0.4} {
		res := convert(t, "frames-to-video", map[string][]string{"to": {"frames-mp4"}, "gaps": {policy}, "rate": {"10"}}, sent...)
		if got := seconds(t, res.output(t)); math.Abs(got-want) > 0.01 {
			t.Errorf("%s: the film lasts %v s, want %v", policy, got, want)
		}
	}
}

func TestFramesToVideoRefuses(t *testing.T) {
	t.Parallel()
	good := frames(t, "png", 1, 2)
	cut := input{written(t, "x", half(t, good[0].path)), "shot.0003.png"}
	for _, tt := range []struct {
		about string
		third input
		want  string
	}{
		{"cut short", cut, "A frame cannot be read"},
		{"random bytes", input{written(t, "x", garbage(3000)), "shot.0003.png"}, `Frame 3 ("shot.0003.png") is not a picture`},
		{"nothing", input{written(t, "x", ""), "shot.0003.png"}, `Frame 3 ("shot.0003.png") is not a picture`},
		{"a playlist", input{written(t, "x", "#EXTM3U\nfile:///etc/passwd\n"), "shot.0003.png"}, "is not a picture"},
		{"another kind", input{picture(t, "x.jpg", "321x200"), "shot.0003.png"}, "is JPEG, the first one is PNG"},
		{"another sequence", input{good[0].path, hostile + "0003.png"}, "do not belong to one sequence"},
	} {
		convert(t, "frames-to-video", map[string][]string{"to": {"frames-mp4"}}, append(good[:2:2], tt.third)...).fails(t, tt.want)
	}
	name := strings.ReplaceAll(hostile, ".", "")
	odd := []input{{good[0].path, name + "0001.png"}, {good[1].path, name + "0002.png"}}
	convert(t, "frames-to-video", map[string][]string{"to": {"frames-mp4"}}, odd...).output(t)
}
