package mail

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// wordFiles hold the words of the mail to a user, text/LANG.json with the same keys in
// each. Mails to administrators are in English.
//
//go:embed text/*.json
var wordFiles embed.FS

// words are those of one language, by their key.
type words map[string]string

// wordsIn returns the words of a language, the English ones if there are none.
func wordsIn(lang string) (words, error) {
	data, err := wordFiles.ReadFile("text/" + lang + ".json")
	if errors.Is(err, fs.ErrNotExist) {
		data, err = wordFiles.ReadFile("text/en.json")
	}
	if err != nil {
		return nil, fmt.Errorf("read words of mails in %q: %w", lang, err)
	}
	var w words
	if err := json.Unmarshal(data, &w); err != nil {
		return nil, fmt.Errorf("read words of mails in %q: %w", lang, err)
	}
	return w, nil
}

// ready is the first line, for so many files.
func (w words) ready(files int) string {
	if files > 1 {
		return w["ready.other"]
	}
	return w["ready.one"]
}

// named names a file with its size in powers of 1000, as file managers show it.
func (w words) named(f File) string {
	units := []string{"B", "KB", "MB", "GB", "TB"}
	n, unit := float64(f.Size), 0
	for n >= 999.5 && unit < len(units)-1 {
		n, unit = n/1000, unit+1
	}
	decimals := 0
	if unit > 0 && n < 9.95 {
		decimals = 1
	}
	size := strings.Replace(strconv.FormatFloat(n, 'f', decimals, 64), ".", w["number.decimal"], 1)
	return fmt.Sprintf("“%s” (%s %s)", line(f.Name), size, units[unit])
}
