package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"
)

// manCommand writes the manual pages, from what --help prints.
type manCommand struct {
	Folder string `arg:"" help:"Folder for the pages; it is made." type:"path"`
}

// Run writes convertd.1 and one page for each command.
func (c *manCommand) Run(a *app) error {
	if err := os.MkdirAll(c.Folder, 0o755); err != nil {
		return fmt.Errorf("make folder of manual pages: %w", err)
	}
	root := a.model.Node
	for _, node := range append([]*kong.Node{root}, shownChildren(root)...) {
		name := strings.ReplaceAll(node.FullPath(), " ", "-")
		if err := os.WriteFile(filepath.Join(c.Folder, name+".1"), []byte(manualPage(node, name)), 0o644); err != nil {
			return fmt.Errorf("write manual page: %w", err)
		}
	}
	return nil
}

func shownChildren(n *kong.Node) []*kong.Node {
	var shown []*kong.Node
	for _, child := range n.Children {
		if !child.Hidden {
			shown = append(shown, child)
		}
	}
	return shown
}

// manualPage is a page in the language of man(7).
func manualPage(n *kong.Node, name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 \"\" %q convertd\n.SH NAME\n%s \\- %s\n", troff(strings.ToUpper(name)), "convertd "+version(), troff(name), troff(strings.TrimSuffix(n.Help, ".")))
	b.WriteString(".SH SYNOPSIS\n")
	writeUses(&b, n)
	b.WriteString(".SH DESCRIPTION\n" + troff(n.Help) + "\n")
	for paragraph := range strings.SplitSeq(n.Detail, "\n\n") {
		if paragraph != "" {
			b.WriteString(".PP\n" + troff(paragraph) + "\n")
		}
	}
	if children := shownChildren(n); len(children) > 0 {
		b.WriteString(".SH COMMANDS\n")
		for _, child := range children {
			item(&b, child.Name, child.Help)
			if n.Parent != nil {
				writeValues(&b, child)
			}
		}
	}
	if len(n.Positional) > 0 || len(n.Flags) > 0 {
		b.WriteString(".SH OPTIONS\n")
		writeValues(&b, n)
	}
	b.WriteString(".SH EXIT STATUS\n0: done. 1: not done; standard error says why and what to do. 2: wrong use.\n.SH SEE ALSO\n")
	if n.Parent != nil {
		b.WriteString(".BR convertd (1),\n")
	}
	b.WriteString("the handbook at /help of a running service.\n")
	return b.String()
}

// writeUses shows how a command is written; one with commands of its own shows theirs.
func writeUses(b *strings.Builder, n *kong.Node) {
	children := shownChildren(n)
	if n.Parent == nil || len(children) == 0 {
		b.WriteString(troff(usage(n)) + "\n")
		return
	}
	for _, child := range children {
		b.WriteString(troff(usage(child)) + "\n.br\n")
	}
}

func usage(n *kong.Node) string {
	if n.Parent == nil {
		return n.Name + " COMMAND [flags]"
	}
	return "convertd " + n.Summary()
}

// writeValues describes arguments and options.
func writeValues(b *strings.Builder, n *kong.Node) {
	for _, argument := range n.Positional {
		item(b, argument.Summary(), argument.Help)
	}
	for _, flag := range n.Flags {
		if !flag.Hidden {
			item(b, flag.String(), flag.Help)
		}
	}
}

func item(b *strings.Builder, term, text string) {
	fmt.Fprintf(b, ".TP\n.B %s\n%s\n", troff(term), troff(text))
}

// troff escapes text for man(7): a line of it is no request, a hyphen stays one that can
// be copied.
func troff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n", " ").Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
