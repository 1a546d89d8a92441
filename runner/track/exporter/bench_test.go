package exporter

import (
	"context"
	"io"
	"math"
	"strconv"
	"testing"

	"convertd/runner/track"
)

// bigShot returns trackers that wander over the frame, every tenth keyframe missing.
func bigShot(trackers, frames int) track.Shot {
	shot := track.Shot{Width: 2048, Height: 1152}
	for i := range trackers {
		keys := make([]track.Keyframe, 0, frames)
		for f := 0; len(keys) < frames; f++ {
			if f%10 == i%10 {
				continue
			}
			angle := float64(f)/37 + float64(i)
			keys = append(keys, track.Keyframe{
				Frame: f, X: 1024 + 900*math.Sin(angle), Y: 576 + 500*math.Cos(angle*1.3), Residual: 0.1 + 0.1*math.Sin(angle*7),
			})
		}
		shot.Trackers = append(shot.Trackers, track.Tracker{Name: "tracker_" + strconv.Itoa(i), Keyframes: keys})
	}
	return shot
}

// BenchmarkWriter measures each format alone, without a disk.
func BenchmarkWriter(b *testing.B) {
	shot := bigShot(100, 1000)
	for _, f := range All() {
		b.Run(f.ID, func(b *testing.B) {
			for b.Loop() {
				if _, err := f.Write(context.Background(), io.Discard, shot, Options{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(100*1000*float64(b.N)/b.Elapsed().Seconds(), "keyframes/s")
		})
	}
}
