package shake

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pieces is a script that comes in windows of a fixed size.
type pieces struct {
	text string
	size int
}

func (p *pieces) Window() []byte { return []byte(p.text[:min(p.size, len(p.text))]) }
func (p *pieces) Advance(n int)  { p.text = p.text[n:] }

// recorder writes down what it is told.
type recorder struct{ lines []string }

func (r *recorder) TimeRange(first int) {
	r.lines = append(r.lines, fmt.Sprintf("from %d", first))
}

func (r *recorder) DefaultSize(width, height int) {
	r.lines = append(r.lines, fmt.Sprintf("size %dx%d", width, height))
}

func (r *recorder) Track(node, name string, x, y, correlation Curve) error {
	r.lines = append(r.lines, fmt.Sprintf("track %q %q %v %v %v", node, name, x, y, correlation))
	return nil
}

// read returns what a script holds, the same for any size of windows.
func read(t *testing.T, script string) ([]string, error) {
	t.Helper()
	var want []string
	var wantErr error
	for i, size := range []int{1 << 20, 7, 2, 1} {
		r := &recorder{}
		err := Read(&pieces{text: script, size: size}, r)
		if i == 0 {
			want, wantErr = r.lines, err
		}
		if diff := cmp.Diff(want, r.lines); diff != "" || (err == nil) != (wantErr == nil) {
			t.Fatalf("windows of %d bytes read differently (%v, %v):\n%s", size, wantErr, err, diff)
		}
	}
	return want, wantErr
}

func TestCurves(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"Linear(0,1@1,2.5@2)":                       "[{1 1} {2 2.5}]",
		"linear ( 0, -1@-1 , 1.5e-05@2 )":           "[{-1 -1} {2 1.5e-05}]",
		"Hermite(0,[1,2,3]@1,[-4,5,6]@2)":           "[{1 1} {2 -4}]",
		"NSpline(0,1@3,2@1,3@3)":                    "[{1 2} {3 3}]",
		"JSpline(0,1@1.9)":                          "[{1 1}]",
		"CSpline(0,1@1)":                            "[{1 1}]",
		"Linear(0,width/2@1,2@2,-x@3,1-1@4)":        "[{2 2}]",
		"Linear(0,1@1 /* @9 */,// 5@5,\n2@2)":       "[{1 1} {2 2}]",
		"Linear(0,.5@1,5.@2)":                       "[{1 0.5} {2 5}]",
		"Linear(0)":                                 "[]",
		"Linear()":                                  "[]",
		"Linear(0,1@x,2@,@3,\"a\"@4,Linear(0,5@5))": "[]",
	}
	for curve, want := range tests {
		t.Run(curve, func(t *testing.T) {
			t.Parallel()
			got, err := read(t, "S = Stabilize(0, 0, 0, \"1 point\", "+curve+", Linear(0,7@7));")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{`track "S" "track1" ` + want + " [{7 7}] []"}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestScripts(t *testing.T) {
	t.Parallel()
	const (
		settings = `0, "1-9", "1/64", "luminance", 0.75, "start", 0.5, "stop", 1, 1, `
		version  = `"v2.0", 0.3, 0.59, 0.11, 0, 10, `
		xy       = `Linear(0,1@1), Linear(0,2@1)`
		twelve   = `, 1, width/2-height/30, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12`
		one      = `[{1 1}] [{1 2}]`
	)
	tests := map[string]struct {
		script string
		want   []string
	}{
		"new tracker":        {"T = Tracker(" + settings + version + `"a", ` + xy + ", Linear(0,0.5@1)" + twelve + `, "b", ` + xy + ", 1" + twelve + ");", []string{`track "T" "a" ` + one + " [{1 0.5}]", `track "T" "b" ` + one + " []"}},
		"old tracker":        {"T = Tracker(" + settings + `"a", ` + xy + ", 1" + twelve + ");", []string{`track "T" "a" ` + one + " []"}},
		"not animated":       {"T = Tracker(" + settings + version + `"a", 5, Linear(0,2@1), 1` + twelve + ");", nil},
		"formula of a curve": {"T = Tracker(" + settings + version + `"a", 2*Linear(0,1@1), Linear(0,2@1)+1` + twelve + ");", nil},
		"not assigned":       {"Tracker(" + settings + version + `"a", ` + xy + twelve + ");", nil},
		"within a call":      {"T = Foo(1, Tracker(" + settings + version + `"a", ` + xy + twelve + "), 2);", []string{`track "T" "a" ` + one + " []"}},
		"string with signs":  {`A = FileIn("//a, (b) {c} = \"d\" /* e", 1); S = Stabilize(A,0,0,"x",` + xy + ");", []string{`track "S" "track1" ` + one + " []"}},
		"four points":        {"M = MatchMove(0,0,0,\"x\"," + xy + ",1,1," + xy + ",1,1," + xy + "," + xy + ");", []string{`track "M" "track1" ` + one + " []", `track "M" "track2" ` + one + " []", `track "M" "track3" ` + one + " []", `track "M" "track4" ` + one + " []"}},
		"no semicolons":      {"A = Foo(1)\nS = Stabilize(0,0,0,\"x\"," + xy + ")\nR = Stabilize(0,0,0,\"x\"," + xy + ")\n", []string{`track "S" "track1" ` + one + " []", `track "R" "track1" ` + one + " []"}},
		"macro":              {"image M_(image a = 0, const char *s = \"{\") { b = Stabilize(0,0,0,\"x\"," + xy + "); }\nFoo(2);", nil},
		"settings":           {"SetTimeRange(\"-70-218\"); SetDefaultWidth(1920); SetDefaultHeight(1080); SetTimeRange(\"1\"); SetTimeRange(5, 6);", []string{"from -70", "size 1920x0", "size 0x1080", "from 1"}},
		"product in a call":  {"S = Stabilize(0,0,0,\"x\"," + xy + ",2*(3+4),-(1));", []string{`track "S" "track1" ` + one + " []"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := read(t, test.script)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSyntaxErrors(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"open call":       "S = Stabilize(0,0,0,\"x\",Linear(0,1@1",
		"open top call":   "Foo(1, 2",
		"open string":     "A = Foo(\"abc",
		"open body":       "image a(int b) { c = 1;",
		"open array":      "A = Foo([1, 2",
		"frame missing":   "A = Linear(0, 1@",
		"huge value":      "A = Linear(0, 1e999@1);",
		"huge frame":      "A = Linear(0, 1@99999999999);",
		"too deep":        "A = " + strings.Repeat("f(", 200),
		"too deep arrays": "A = " + strings.Repeat("[", 200),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := read(t, script)
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Error() == "" {
				t.Errorf("got %v, want a *SyntaxError", err)
			}
		})
	}
}
