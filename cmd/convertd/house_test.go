package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convertd/cmd/convertd/config"
)

func TestHouseIsReadFromSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name string, size int) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, err := house(config.Web{Name: "Studio", Footer: "Room 12", Colour: "#c2185b", Logo: write("Logo.PNG", 9)})
	if err != nil || good.Name != "Studio" || good.Footer != "Room 12" || good.LogoFile() != "house-logo.png" || len(good.Logo) != 9 {
		t.Errorf("house = %+v, %v", good, err)
	}
	for _, c := range []struct {
		web  config.Web
		want string
	}{
		{config.Web{Colour: "teal"}, `[web] colour = "teal": a colour is written like #0b6e66`},
		{config.Web{Logo: write("logo.html", 9)}, "is none of .svg"},
		{config.Web{Logo: filepath.Join(dir, "gone.svg")}, "[web] logo: open"},
		{config.Web{Logo: write("large.svg", logoMost+1)}, "make it smaller"},
	} {
		if _, err := house(c.web); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.web, err, c.want)
		}
	}
}
