package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"convertd/runner/track/exporter"
	"convertd/runner/track/filter"
	"convertd/runner/track/importer"
)

// listFormats prints what 2D tracks can be read from, written to and changed by.
func listFormats(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(format string, words ...any) { _, _ = fmt.Fprintf(w, format+"\n", words...) }
	line("Read (--from)\tapplication\t")
	for _, i := range importer.All() {
		f := i.Format()
		line("  %s\t%s\t%s", f.ID, f.Application, f.Variant)
	}
	line("\nWritten (--to)\tapplication\t")
	written := exporter.All()
	slices.SortStableFunc(written, func(a, b exporter.Format) int { return cmp.Compare(a.Application, b.Application) })
	for _, f := range written {
		line("  %s\t%s\t%s", f.ID, f.Application, f.Variant)
	}
	line("\nTools (--tool)\t\t")
	for _, t := range filter.All() {
		line("  %s\t%s\t", t.Name, t.Usage())
	}
	return w.Flush()
}
