package page

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestAccentIsReadable holds any accent against what it stands on.
func TestAccentIsReadable(t *testing.T) {
	t.Parallel()
	pair := regexp.MustCompile(`--accent: light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\).*--tint: light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)`)
	rapid.Check(t, func(t *rapid.T) {
		chosen := rapid.StringMatching(`#[0-9a-f]{6}`).Draw(t, "colour")
		c, err := parseColour(chosen)
		if err != nil {
			t.Fatal(err)
		}
		found := pair.FindStringSubmatch(c.style())
		if found == nil {
			t.Fatalf("style = %s", c.style())
		}
		for _, on := range []struct{ text, ground string }{
			{found[1], "#ffffff"}, {found[1], "#f6f5f2"}, {found[1], "#f1efea"}, {found[1], found[3]}, {"#ffffff", found[1]},
			{found[2], "#1d2026"}, {found[2], "#14161a"}, {found[2], found[4]}, {"#0c1413", found[2]},
		} {
			text, _ := parseColour(on.text)
			ground, _ := parseColour(on.ground)
			if got := contrast(text, ground); got < 4.5 {
				t.Errorf("%s made of %s: contrast of %s on %s is %.2f", found[0], chosen, on.text, on.ground, got)
			}
		}
	})
}

func TestColoursThatAreNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "red", "#fff", "#12345g", "#1234567", "url(x)", "#+12345"} {
		if _, err := New(House{Colour: text}); text != "" && !errors.Is(err, ErrColour) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestHouse(t *testing.T) {
	t.Parallel()
	p, err := New(House{Name: "Studio <Nord>", Footer: "Help: room 12 & 13", Colour: "#c2185b", Logo: []byte("<svg/>"), LogoType: ".svg"})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := p.Render(&b, "en", ErrorPage{Frame: Frame{Title: "Gone", Place: "jobs", Icon: "idle"}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Studio &lt;Nord&gt;</a>", "Gone · Studio &lt;Nord&gt;</title>", "Help: room 12 &amp; 13", "house.css", "house-logo.svg"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, b.String())
		}
	}
	for _, name := range []string{"house.css", "house-logo.svg"} {
		path, err := p.Assets().Path(name)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		p.Assets().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}
