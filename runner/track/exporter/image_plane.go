package exporter

import "convertd/runner/track"

// planeWidth is the width of the image plane in the 3D scenes, in scene units.
const planeWidth = 10

// imagePlane maps pixels to the units of a 3D scene.
type imagePlane struct {
	factor, width, height float64
}

func newImagePlane(shot track.Shot) imagePlane {
	factor := 1 / float64(shot.Width) * planeWidth
	return imagePlane{factor: factor, width: float64(shot.Width) * factor, height: float64(shot.Height) * factor}
}

// centred returns the position with the origin in the middle of the plane.
func (p imagePlane) centred(k track.Keyframe) (x, y float64) {
	return k.X*p.factor - p.width/2, k.Y*p.factor - p.height/2
}
