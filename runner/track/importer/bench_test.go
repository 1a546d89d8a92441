package importer

import (
	"bytes"
	"fmt"
	"runtime"
	"strconv"
	"testing"
)

// generators make large files of the formats, with trackers of 1000 keyframes each.
func generators() map[string]func(trackers int) []byte {
	return map[string]func(int) []byte{
		"3de4": func(n int) []byte {
			return generate(strconv.Itoa(n)+"\n", "", n, func(b *bytes.Buffer, i int) { fmt.Fprintf(b, "point %d\n0\n1000\n", i) },
				func(b *bytes.Buffer, _, f int, x, y float64) { fmt.Fprintf(b, "%d %.15f %.15f\n", f+1, x, y) })
		},
		"pftrack": func(n int) []byte {
			return generate("", "", n, func(b *bytes.Buffer, i int) { fmt.Fprintf(b, "\n\"Auto_%d\"\n\"Primary\"\n1000\n", i) },
				func(b *bytes.Buffer, _, f int, x, y float64) { fmt.Fprintf(b, "%d %.3f %.3f 0.012\n", f, x, y) })
		},
		"shake": func(n int) []byte {
			return generate("", "", n, func(b *bytes.Buffer, i int) {
				fmt.Fprintf(b, "TrackName t%d\n   Frame             X             Y   Correlation\n", i)
			}, func(b *bytes.Buffer, _, f int, x, y float64) {
				fmt.Fprintf(b, "   %.2f   %.3f   %.3f   0.985\n", float64(f+1), x, y)
			})
		},
		"syntheyes": func(n int) []byte {
			return generate("", "", n, func(*bytes.Buffer, int) {},
				func(b *bytes.Buffer, i, f int, x, y float64) {
					fmt.Fprintf(b, "Tracker%d %d %.6f %.6f 7\n", i, f, x/2000, y/2000)
				})
		},
		"csv": func(n int) []byte {
			return generate("tracker,frame,x,y,residual\n", "", n, func(*bytes.Buffer, int) {},
				func(b *bytes.Buffer, i, f int, x, y float64) { fmt.Fprintf(b, "Tracker%d,%d,%g,%g,0.01\n", i, f, x, y) })
		},
		"json": func(n int) []byte {
			return generate(`{"trackers":[{"name":"first","keyframes":[]}`, "]}]}", n, func(b *bytes.Buffer, i int) {
				if i > 0 {
					b.WriteString("]}")
				}
				fmt.Fprintf(b, ",\n{\"name\":\"t%d\",\"keyframes\":[\n{\"frame\":-1,\"x\":1,\"y\":2}", i)
			}, func(b *bytes.Buffer, _, f int, x, y float64) {
				fmt.Fprintf(b, ",\n{\"frame\":%d,\"x\":%g,\"y\":%g,\"residual\":0.01}", f, x, y)
			})
		},
		"nuke":         generateNuke,
		"shake-script": generateShake,
		"flame":        generateFlame,
		"rzml":         generateRZML,
	}
}

// generate writes trackers one after the other.
func generate(head, tail string, trackers int, begin func(b *bytes.Buffer, tracker int), key func(b *bytes.Buffer, tracker, frame int, x, y float64)) []byte {
	var b bytes.Buffer
	b.WriteString(head)
	for i := range trackers {
		begin(&b, i)
		for f := range 1000 {
			key(&b, i, f, position(i, f), position(f, i))
		}
	}
	b.WriteString(tail)
	return b.Bytes()
}

// position is some place in the frame.
func position(a, b int) float64 {
	return float64((a*7919+b*104729)%1920000) / 1000.7
}

// curveText writes 1000 values.
func curveText(b *bytes.Buffer, tracker int, format string) {
	for f := range 1000 {
		fmt.Fprintf(b, format, position(tracker, f), f+1)
	}
}

func generateNuke(trackers int) []byte {
	var b bytes.Buffer
	for i := range trackers {
		b.WriteString("Tracker3 {\n track1 {{curve i x1")
		curveText(&b, i, " %.4[1]f")
		b.WriteString("} {curve i x1")
		curveText(&b, i+1, " %.4[1]f")
		fmt.Fprintf(&b, "}}\n name Tracker%d\n}\n", i)
	}
	return b.Bytes()
}

func generateShake(trackers int) []byte {
	var b bytes.Buffer
	b.WriteString("Tracker1 = Tracker(0, \"1-1000\", \"1/64\", \"luminance\", 0.75, \"x\", 0.5, \"stop\", 1, 1, \"v2.0\", 0.3, 0.59, 0.11, 0, 10")
	for i := range trackers {
		fmt.Fprintf(&b, ",\n\"track%d\", Linear(0", i)
		curveText(&b, i, ",%.3f@%d")
		b.WriteString("), Linear(0")
		curveText(&b, i+1, ",%.3f@%d")
		b.WriteString("), Linear(0")
		curveText(&b, 0, ",%.3f@%d")
		b.WriteString("), 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1")
	}
	b.WriteString(");\n")
	return b.Bytes()
}

func generateFlame(trackers int) []byte {
	var b bytes.Buffer
	b.WriteString("StabilizerFileVersion 5.0\nFrameWidth 1920\nFrameHeight 1080\nAnim\n")
	for i := range trackers {
		for _, axis := range []string{"x", "y"} {
			fmt.Fprintf(&b, "Channel tracker%d/ref/%s\n\tValue 10\n\tSize 1\n\tKey 0\n\t\tFrame 1\n\t\tValue 10\n\t\tEnd\n\tEnd\n", i, axis)
			fmt.Fprintf(&b, "Channel tracker%d/shift/%s\n\tValue 0\n\tSize 1000\n", i, axis)
			curveText(&b, i, "\tKey 0\n\t\tFrame %[2]d\n\t\tValue %.3[1]f\n\t\tInterpolation linear\n\t\tEnd\n")
			b.WriteString("\tEnd\n")
		}
	}
	b.WriteString("ChannelEnd\nEnd\n")
	return b.Bytes()
}

func generateRZML(trackers int) []byte {
	var b bytes.Buffer
	b.WriteString("<RZML>\n<SHOT w=\"2048\" h=\"1152\">\n<IPLN>\n")
	for f := range 1000 {
		fmt.Fprintf(&b, "<IFRM t=\"%d\">\n", f)
		for i := range trackers {
			fmt.Fprintf(&b, "<M i=\"%d\" k=\"i\" x=\"%.2f\" y=\"%.2f\" tt=\"0.8\"></M>\n", i, position(i, f), position(f, i))
		}
		b.WriteString("</IFRM>\n")
	}
	b.WriteString("</IPLN>\n</SHOT>\n</RZML>\n")
	return b.Bytes()
}

func BenchmarkRead(b *testing.B) {
	const trackers = 100
	for _, imp := range All() {
		id := imp.Format().ID
		make, ok := generators()[id]
		if !ok {
			continue
		}
		b.Run(id, func(b *testing.B) {
			data := make(trackers)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := readAs(b, id, data); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*trackers*1000/b.Elapsed().Seconds(), "keyframes/s")
		})
	}
}

// The shot itself takes 32 bytes a keyframe; what reading allocates besides has to stay
// small even if the collector never runs.
func TestMemoryPerKeyframe(t *testing.T) { // not parallel: it counts what the process allocates
	const trackers = 100
	for id, make := range generators() {
		data := make(trackers)
		before, after := runtime.MemStats{}, runtime.MemStats{}
		runtime.ReadMemStats(&before)
		shot, err := readAs(t, id, data)
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		checkShot(t, shot)
		if len(shot.Trackers) != trackers {
			t.Errorf("%s: got %d trackers, want %d", id, len(shot.Trackers), trackers)
		}
		perKeyframe := float64(after.TotalAlloc-before.TotalAlloc) / (trackers * 1000)
		t.Logf("%s: %.0f bytes a keyframe", id, perKeyframe)
		if perKeyframe > 100 {
			t.Errorf("%s: reading allocates %.0f bytes a keyframe, want at most 100", id, perKeyframe)
		}
	}
}

// A hostile file can have a tracker in every line. What that takes has to stay in
// proportion to the file.
func TestMemoryOfTinyTrackers(t *testing.T) { // not parallel: it counts what the process allocates
	var b bytes.Buffer
	b.WriteString("tracker,frame,x,y\n")
	for i := range 100_000 {
		fmt.Fprintf(&b, "%x,1,1,1\n", i)
	}
	before, after := runtime.MemStats{}, runtime.MemStats{}
	runtime.ReadMemStats(&before)
	shot, err := readAs(t, "csv", b.Bytes())
	runtime.ReadMemStats(&after)
	if err != nil || len(shot.Trackers) != 100_000 {
		t.Fatalf("got %d trackers, %v", len(shot.Trackers), err)
	}
	const most = 100 // times the size of the file, counting all that was ever allocated
	if times := (after.TotalAlloc - before.TotalAlloc) / uint64(b.Len()); times > most {
		t.Errorf("reading allocates %d times the size of the file, want at most %d", times, most)
	}
}
