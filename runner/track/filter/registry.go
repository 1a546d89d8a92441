package filter

// All returns the tools in the order in which people are shown them.
func All() []Tool {
	return []Tool{
		crop(), pad(), flip(), flop(), golden(), lengthCutoff(), lens(), lerp(), lint(),
		moveToFirst(), prefix(), reformat(), scale(), shift(), slip(), startTrim(),
	}
}

// ByName returns the tool with the name.
func ByName(name string) (Tool, bool) {
	for _, t := range All() {
		if t.Name == name {
			return t, true
		}
	}
	return Tool{}, false
}
