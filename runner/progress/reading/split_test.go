package reading

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type cutPiece struct {
	Text string
	Mark Mark
}

// split cuts the stream, given in writes of so many bytes.
func split(stream string, size int) []cutPiece {
	var pieces []cutPiece
	s := Splitter{Piece: func(text []byte, mark Mark) { pieces = append(pieces, cutPiece{string(text), mark}) }}
	for stream != "" {
		n := min(size, len(stream))
		_, _ = s.Write([]byte(stream[:n]))
		stream = stream[n:]
	}
	s.End()
	return pieces
}

func TestSplitter(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, stream string
		want         []cutPiece
	}{
		{"lines", "a\nb\n", []cutPiece{{"a", NewLine}, {"b", NewLine}}},
		{"empty lines", "\n\n", []cutPiece{{"", NewLine}, {"", NewLine}}},
		{"carriage return and line feed", "a\r\nb\r\n", []cutPiece{{"a", Return}, {"", NewLine}, {"b", Return}, {"", NewLine}}},
		{"return before", "\r 5%\r 6%", []cutPiece{{" 5%", Return}, {" 6%", EndOfOutput}}},
		{"return after", "5%\r6%\r", []cutPiece{{"5%", Return}, {"6%", Return}}},
		{"runs of backspaces", " 1% a\b\b\b\b\b     \b\b\b\b\b 2% b", []cutPiece{{" 1% a", Back}, {"     ", Back}, {" 2% b", EndOfOutput}}},
		{"colours", "\x1b[1;31mred\x1b[0m\n", []cutPiece{{"red", NewLine}}},
		{"title ended by BEL", "a\x1b]0;ExifTool 2%\x07b\n", []cutPiece{{"ExifTool 2%", Title}, {"ab", NewLine}}},
		{"title ended by ST", "\x1b]2;T\x1b\\b\n", []cutPiece{{"T", Title}, {"b", NewLine}}},
		{"link", "\x1b]8;;http://x\x07text\x1b]8;;\x07\n", []cutPiece{{"text", NewLine}}},
		{"device control string", "\x1bPq#0\x1b\\b\n", []cutPiece{{"b", NewLine}}},
		{"string without end", "\x1b]0;never\nb\n", []cutPiece{{"", NewLine}, {"b", NewLine}}},
		{"character set", "\x1b(Ba\n", []cutPiece{{"a", NewLine}}},
		{"code broken by a code", "\x1b[3\x1b[0ma\n", []cutPiece{{"a", NewLine}}},
		{"control characters", "a\x00\x07\x7fb\tc\n", []cutPiece{{"ab\tc", NewLine}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for _, size := range []int{1, 2, 3, 1000} {
				if diff := cmp.Diff(row.want, split(row.stream, size)); diff != "" {
					t.Errorf("in writes of %d (-want +got):\n%s", size, diff)
				}
			}
		})
	}
}

func TestSplitterBoundsPieces(t *testing.T) {
	t.Parallel()
	stream := strings.Repeat("é", 10*maxPiece)
	var whole strings.Builder
	for _, p := range split(stream, 777) {
		if len(p.Text) > maxPiece || strings.ContainsRune(p.Text, '\uFFFD') {
			t.Fatalf("piece has %d bytes", len(p.Text))
		}
		whole.WriteString(p.Text)
	}
	if whole.String() != stream {
		t.Error("the pieces together are not the stream")
	}
}

func TestPendingShowsTextThatGrows(t *testing.T) {
	t.Parallel()
	var got []cutPiece
	s := Splitter{Piece: func(text []byte, mark Mark) { got = append(got, cutPiece{string(text), mark}) }}
	for _, part := range []string{"0..", ".10"} {
		_, _ = s.Write([]byte(part))
		s.Pending()
	}
	s.End()
	if diff := cmp.Diff([]cutPiece{{"0..", Open}, {"0...10", Open}, {"0...10", EndOfOutput}}, got); diff != "" {
		t.Errorf("pieces (-want +got):\n%s", diff)
	}
}
