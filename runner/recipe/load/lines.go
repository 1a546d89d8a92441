package load

import (
	"strconv"
	"strings"
)

// lines finds the line of each key of a TOML text (TOML 1.0) that has been parsed without
// error: the TOML reader does not hand out positions. Keys are paths such as "param.1.name", the
// elements of arrays of tables counted from 0; what stands inside an inline table has
// the line of the key before it.
type lines map[string]int

// of returns the line of a path, or of the nearest path above it that has one.
func (l lines) of(path string) int {
	for {
		if line, ok := l[path]; ok {
			return line
		}
		cut := strings.LastIndexByte(path, '.')
		if cut < 0 {
			return 0
		}
		path = path[:cut]
	}
}

func linesOf(text string) lines {
	s := lineScanner{rest: text, line: 1, lines: lines{}, count: map[string]int{}}
	for s.blank(); s.rest != ""; s.blank() {
		if s.rest[0] == '[' {
			s.header()
		} else {
			s.pair()
		}
	}
	return s.lines
}

type lineScanner struct {
	rest   string
	line   int
	prefix string // path of the table that pairs belong to, with a final dot
	lines  lines
	count  map[string]int // elements of arrays of tables so far
}

// take consumes n bytes and counts their line ends.
func (s *lineScanner) take(n int) string {
	taken := s.rest[:n]
	s.line += strings.Count(taken, "\n")
	s.rest = s.rest[n:]
	return taken
}

// blank skips blanks, line ends and comments.
func (s *lineScanner) blank() {
	for s.rest != "" {
		switch s.rest[0] {
		case ' ', '\t', '\r', '\n':
			s.take(1)
		case '#':
			s.take(lineEnd(s.rest))
		default:
			return
		}
	}
}

func lineEnd(text string) int {
	if end := strings.IndexByte(text, '\n'); end >= 0 {
		return end
	}
	return len(text)
}

// header reads [a.b] or [[a.b]].
func (s *lineScanner) header() {
	array := strings.HasPrefix(s.rest, "[[")
	line := s.line
	s.take(len(s.rest) - len(strings.TrimLeft(s.rest, "[")))
	path := s.resolve(s.key("]"))
	if array {
		n := s.count[path]
		s.count[path] = n + 1
		path += "." + strconv.Itoa(n)
	}
	s.lines[path] = line
	s.prefix = path + "."
	s.take(lineEnd(s.rest))
}

// resolve puts the number of the latest element behind each array of tables on the way.
func (s *lineScanner) resolve(parts []string) string {
	path := ""
	for i, part := range parts {
		path += part
		if n := s.count[path]; n > 0 && i < len(parts)-1 {
			path += "." + strconv.Itoa(n-1)
		}
		if i < len(parts)-1 {
			path += "."
		}
	}
	return path
}

// pair reads KEY = VALUE.
func (s *lineScanner) pair() {
	line := s.line
	path := s.prefix + strings.Join(s.key("="), ".")
	s.lines[path] = line
	if s.rest != "" {
		s.take(1)
	}
	s.value()
}

// key reads a dotted key up to, not including, the mark that ends it.
func (s *lineScanner) key(mark string) []string {
	var parts []string
	for s.rest != "" && !strings.HasPrefix(s.rest, mark) && s.rest[0] != '\n' {
		switch s.rest[0] {
		case ' ', '\t', '.', '\r':
			s.take(1)
		case '"', '\'':
			quoted := s.text()
			parts = append(parts, strings.Trim(quoted, quoted[:1]))
		default:
			n := strings.IndexAny(s.rest, " \t\r\n.=]")
			if n < 0 {
				n = len(s.rest)
			}
			if n == 0 { // a mark that does not belong here; the TOML reader has refused such text
				n = 1
			}
			parts = append(parts, s.take(n))
		}
	}
	return parts
}

// value skips one value: to the end of the line, or of the brackets it opened.
func (s *lineScanner) value() {
	depth := 0
	for s.rest != "" {
		switch c := s.rest[0]; {
		case c == '"' || c == '\'':
			s.text()
			continue
		case c == '#':
			s.take(lineEnd(s.rest))
			continue
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		case c == '\n' && depth <= 0:
			return
		}
		s.take(1)
	}
}

// text skips one string of any of the four kinds and returns it with its quotes.
func (s *lineScanner) text() string {
	quote := s.rest[:1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(s.rest, triple) {
		quote = triple
	}
	end := len(quote)
	for end < len(s.rest) && !strings.HasPrefix(s.rest[end:], quote) {
		if s.rest[end] == '\\' && quote[0] == '"' {
			end++
		}
		end++
	}
	end += len(quote)
	for len(quote) == 3 && end < len(s.rest) && s.rest[end] == quote[0] { // """" may end a text that ends with a quote
		end++
	}
	return s.take(min(end, len(s.rest)))
}
