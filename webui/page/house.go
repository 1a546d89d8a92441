package page

import (
	"errors"
	"fmt"
	"html/template"
	"math"
	"strconv"
)

// House is how an installation presents itself. Its zero value is convertd's own look.
type House struct {
	// Name stands in the head and the title of every page instead of ours.
	Name string
	// Footer is a line at the foot of every page.
	Footer string
	// Colour is the accent, #rrggbb. It is made darker on the light pages and lighter on
	// the dark ones until its contrast is good.
	Colour string
	// Logo is a picture beside the name, LogoType its file name's extension with the
	// point; nil for none.
	Logo     []byte
	LogoType string
}

// LogoFile is the name of the static file of the logo, "" for none.
func (h House) LogoFile() string {
	if len(h.Logo) == 0 {
		return ""
	}
	return "house-logo" + h.LogoType
}

// houseStyle is the name of the static file with the house's colours.
const houseStyle = "house.css"

// StyleFile is the name of the static file with the house's colours, "" for none.
func (h House) StyleFile() string {
	if h.Colour == "" {
		return ""
	}
	return houseStyle
}

// files are the static files of the house.
func (h House) files() (map[string][]byte, error) {
	files := map[string][]byte{}
	if name := h.LogoFile(); name != "" {
		files[name] = h.Logo
	}
	if name := h.StyleFile(); name != "" {
		c, err := parseColour(h.Colour)
		if err != nil {
			return nil, err
		}
		files[name] = []byte(c.style())
	}
	return files, nil
}

// colour is red, green and blue of sRGB, 0 to 1.
type colour [3]float64

// ErrColour says that a colour is not written as #rrggbb.
var ErrColour = errors.New("a colour is written like #0b6e66")

func parseColour(text string) (colour, error) {
	if len(text) != 7 || text[0] != '#' {
		return colour{}, fmt.Errorf("%q: %w", text, ErrColour)
	}
	n, err := strconv.ParseUint(text[1:], 16, 32)
	if err != nil {
		return colour{}, fmt.Errorf("%q: %w", text, ErrColour)
	}
	return colour{float64(n>>16) / 255, float64(n>>8&255) / 255, float64(n&255) / 255}, nil
}

// CheckColour returns ErrColour for a text that is no colour.
func CheckColour(text string) error {
	_, err := parseColour(text)
	return err
}

func (c colour) String() string {
	return fmt.Sprintf("#%02x%02x%02x", int(math.Round(c[0]*255)), int(math.Round(c[1]*255)), int(math.Round(c[2]*255)))
}

// luminance is the relative luminance of WCAG 2.2.
func (c colour) luminance() float64 {
	weights := [3]float64{0.2126, 0.7152, 0.0722}
	sum := 0.0
	for i, v := range c {
		if v <= 0.04045 {
			sum += weights[i] * v / 12.92
		} else {
			sum += weights[i] * math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return sum
}

// contrast is the contrast ratio of WCAG 2.2, 1 to 21.
func contrast(a, b colour) float64 {
	light, dark := a.luminance(), b.luminance()
	if light < dark {
		light, dark = dark, light
	}
	return (light + 0.05) / (dark + 0.05)
}

// mix is so much of the other colour in c.
func (c colour) mix(other colour, part float64) colour {
	for i := range c {
		c[i] += (other[i] - c[i]) * part
	}
	return c
}

// readable moves a colour towards black or white until it can be read on all grounds. The
// aim is a little above the 4.5 of level AA, for the rounding to whole steps.
func (c colour) readable(towards colour, grounds ...colour) colour {
	const aim, steps = 4.6, 100
	for step := range steps + 1 {
		moved := c.mix(towards, float64(step)/steps)
		low := math.Inf(1)
		for _, ground := range grounds {
			low = min(low, contrast(moved, ground))
		}
		if low >= aim {
			return moved
		}
	}
	return towards
}

// style sets the properties of look.css that follow from the accent: light first, dark
// second.
func (c colour) style() string {
	black, white := colour{}, colour{1, 1, 1}
	day, night := colour{0.945, 0.937, 0.918}, colour{0.114, 0.125, 0.149} // --well and --card there
	dayTint, nightTint := white.mix(c, .08), night.mix(c, .12)
	light := c.readable(black, day, white, dayTint)
	dark := c.readable(white, night, nightTint)
	return fmt.Sprintf(":root { --accent: light-dark(%s, %s); --on-accent: light-dark(#fff, #0c1413); "+
		"--tint: light-dark(%s, %s); --sent: light-dark(%s, %s); }\n",
		light, dark, dayTint, nightTint, light.mix(white, .45), dark.mix(black, .45))
}

// houseFuncs are what templates ask about the house.
func houseFuncs(h House) template.FuncMap {
	return template.FuncMap{"house": func() House { return h }}
}
