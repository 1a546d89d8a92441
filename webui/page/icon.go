package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// IconPrefix is the path of the icons that show a percent in the browser's tab. They
// are served, not drawn by a script, because the content policy allows no data: URL.
const IconPrefix = "/icon/"

// IconPath returns the address of the tab's icon: a state's name, or a percent in
// steps of five, so that a whole job asks for twenty of them at most.
func IconPath(state string, percent *float64) string {
	if state == "running" && percent != nil {
		return IconPrefix + strconv.Itoa(int(*percent)/5*5) + ".svg"
	}
	return IconPrefix + state + ".svg"
}

// Icon draws the icon of a name as in IconPath (without prefix), or false if there is
// no such icon.
func Icon(file string) ([]byte, bool) {
	name, ok := strings.CutSuffix(file, ".svg")
	if !ok {
		return nil, false
	}
	marks := map[string]string{
		"scheduled": "", "blocked": "", "queued": "", "running": "", "expired": "", "idle": "",
		"succeeded": `<path d="M10 16.5l4.2 4.2L22.5 12" stroke="#1d6b35"/>`,
		"failed":    `<path d="M16 9v9M16 22.6v.2" stroke="#a42318"/>`,
		"cancelled": `<path d="M11 16h10" stroke="#5d6068"/>`,
	}
	if mark, ok := marks[name]; ok {
		return drawIcon(0, mark), true
	}
	percent, err := strconv.Atoi(name)
	if err != nil || percent < 0 || percent > 100 || percent%5 != 0 {
		return nil, false
	}
	return drawIcon(percent, ""), true
}

func drawIcon(percent int, mark string) []byte {
	const radius = 12.0
	round := 2 * math.Pi * radius
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" fill="none" stroke-width="5" stroke-linecap="round" stroke-linejoin="round">`+
		`<circle cx="16" cy="16" r="12" stroke="#9fb5b2"/>`+
		`<circle cx="16" cy="16" r="12" stroke="#12998c" stroke-dasharray="%.1f %.1f" stroke-linecap="butt" transform="rotate(-90 16 16)"/>%s</svg>`,
		round*float64(percent)/100, round, mark)
}
