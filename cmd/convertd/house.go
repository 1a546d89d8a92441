package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"convertd/cmd/convertd/config"
	"convertd/webui/page"
)

// logoMost bounds the logo, which every first page brings along.
const logoMost = 256 << 10

// house is how the pages present this installation.
func house(web config.Web) (page.House, error) {
	h := page.House{Name: web.Name, Footer: web.Footer, Colour: web.Colour}
	if h.Colour != "" {
		if err := page.CheckColour(h.Colour); err != nil {
			return page.House{}, fmt.Errorf("[web] colour = %w", err)
		}
	}
	if web.Logo == "" {
		return h, nil
	}
	types := []string{".svg", ".png", ".webp", ".jpg"}
	h.LogoType = strings.ToLower(filepath.Ext(web.Logo))
	if !slices.Contains(types, h.LogoType) {
		return page.House{}, fmt.Errorf("[web] logo = %q is none of %s", web.Logo, strings.Join(types, ", "))
	}
	var err error
	if h.Logo, err = os.ReadFile(web.Logo); err != nil {
		return page.House{}, fmt.Errorf("[web] logo: %w", err)
	}
	if len(h.Logo) > logoMost {
		return page.House{}, fmt.Errorf("[web] logo = %q has %d bytes, more than %d: every page brings it along, make it smaller", web.Logo, len(h.Logo), logoMost)
	}
	return h, nil
}
