package importer

import "bytes"

// firstLine returns the first line of text that is not blank, and what follows it.
func firstLine(text []byte) (line, rest []byte) {
	for len(text) > 0 {
		line, text = cutLine(text)
		if len(trim(line)) > 0 {
			return line, text
		}
	}
	return nil, nil
}

// cutLine splits text behind its first line.
func cutLine(text []byte) (line, rest []byte) {
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		return text[:i], text[i+1:]
	}
	return text, nil
}

// isInteger reports whether word is an integer with at most a minus sign before it.
func isInteger(word []byte) bool {
	if len(word) > 0 && word[0] == '-' {
		word = word[1:]
	}
	for _, c := range word {
		if !isDigit(c) {
			return false
		}
	}
	return len(word) > 0
}

// startsNumber reports whether word begins like a number.
func startsNumber(word []byte) bool {
	if len(word) > 0 && (word[0] == '-' || word[0] == '+') {
		word = word[1:]
	}
	if len(word) > 0 && word[0] == '.' {
		word = word[1:]
	}
	return len(word) > 0 && isDigit(word[0])
}

// numbersIn returns how many words line has if all of them begin like numbers, else -1.
func numbersIn(line []byte) int {
	f := fields{line: line}
	for n := 0; ; n++ {
		word := f.next()
		if len(word) == 0 {
			return n
		}
		if !startsNumber(word) {
			return -1
		}
	}
}
