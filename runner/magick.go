package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// magickVariable is where ImageMagick looks for its policy first.
const magickVariable = "MAGICK_CONFIGURE_PATH"

// magickPolicy is what ImageMagick may do in a step (its documentation, "Security
// Policy"): pictures of the usual kinds, by its own code. It runs no other program,
// fetches nothing, reads no list of files and none of the languages that it takes for
// pictures. A recipe that needs more sets MAGICK_CONFIGURE_PATH itself.
const magickPolicy = `<?xml version="1.0" encoding="UTF-8"?>
<policymap>
  <policy domain="delegate" rights="none" pattern="*"/>
  <policy domain="filter" rights="none" pattern="*"/>
  <policy domain="path" rights="none" pattern="@*"/>
  <policy domain="path" rights="none" pattern="|*"/>
  <policy domain="coder" rights="none" pattern="*"/>
  <policy domain="coder" rights="read | write" pattern="{AVIF,BMP,BMP2,BMP3,DDS,DPX,EXR,FARBFELD,FITS,GIF,HDR,HEIC,HEIF,ICO,JNG,JP2,JPEG,JPG,JXL,MIFF,MNG,PAM,PBM,PCX,PFM,PGM,PNG,PNG8,PNG24,PNG32,PNG48,PNG64,PNM,PPM,PSB,PSD,QOI,RGB,RGBA,SGI,SUN,TGA,TIF,TIFF,TIFF64,WBMP,WEBP,XBM,XPM}"/>
  <policy domain="coder" rights="read | write" pattern="{CANVAS,CAPTION,CLIP,GRADIENT,HALD,INFO,LABEL,MPC,MPR,NULL,PATTERN,RADIAL-GRADIENT,ROSE,XC}"/>
</policymap>
`

// magickPrograms are ImageMagick's, in whichever version: Debian adds "-im6" and more.
const magickPrograms = "animate compare composite conjure convert display identify import magick mogrify montage stream"

// isMagick reports whether a program is one of ImageMagick's.
func isMagick(program string) bool {
	name, _, _ := strings.Cut(filepath.Base(program), "-im")
	return slices.Contains(strings.Fields(magickPrograms), name)
}

// environmentOf is the environment of a step's program; ImageMagick's has its policy.
func (a *attempt) environmentOf(step Step, program string) ([]string, error) {
	env := a.environment(step)
	if _, own := step.Env[magickVariable]; own || !isMagick(program) {
		return env, nil
	}
	dir, err := a.magickFolder()
	return append(env, magickVariable+"="+dir), err
}

// magickFolder makes the folder with the policy, and returns its path.
func (a *attempt) magickFolder() (string, error) {
	dir := filepath.Join(a.work.dir, "magick")
	err := os.Mkdir(dir, 0o755)
	if os.IsExist(err) {
		return dir, nil // of an earlier step
	}
	if err == nil {
		err = os.Chmod(dir, 0o755) // whatever the umask is
	}
	file := filepath.Join(dir, "policy.xml")
	if err == nil {
		err = os.WriteFile(file, []byte(magickPolicy), 0o644)
	}
	if err == nil {
		err = os.Chmod(file, 0o644)
	}
	if err != nil {
		return "", fmt.Errorf("write the policy of ImageMagick: %w", err)
	}
	return dir, nil
}
