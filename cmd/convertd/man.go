package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"convertd/cmd/convertd/config"
	"convertd/cmd/convertd/manual"
	"convertd/runner/recipe/load"
)

// manCommand writes what is made of the code about using it: manual pages, and chapters of
// the handbook.
type manCommand struct {
	Folder   string `arg:"" help:"Folder for man1 and man5; it is made." type:"path"`
	Handbook string `help:"Folder of the handbook, whose chapters on commands, settings, recipe files and calls are written too." placeholder:"DIR" type:"existingdir"`
}

// Run writes man1 of what --help prints, man5 of what reads the files.
func (c *manCommand) Run(a *app) error {
	root := a.model.Node
	for _, node := range append([]*kong.Node{root}, shownChildren(root)...) {
		name := strings.ReplaceAll(node.FullPath(), " ", "-")
		if err := putPage(c.Folder, "man1", name+".1", commandPage(node, name)); err != nil {
			return err
		}
	}
	for _, f := range filePages() {
		text, err := f.markdown()
		if err != nil {
			return err
		}
		if err := putPage(c.Folder, "man5", f.name+".5", f.page(text)); err != nil {
			return err
		}
	}
	if c.Handbook == "" {
		return nil
	}
	for _, chapter := range madeChapters() {
		text, err := chapter.markdown(root)
		if err != nil {
			return err
		}
		if err := putPage(c.Handbook, "", chapter.name+".md", text); err != nil {
			return err
		}
	}
	return nil
}

func putPage(folder, section, name, text string) error {
	folder = filepath.Join(folder, section)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("make folder of manual pages: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
		return fmt.Errorf("write manual page: %w", err)
	}
	return nil
}

// filePage is the page of a kind of file: a chapter of the handbook said as one.
type filePage struct {
	name, title, files, see string
	markdown                func() (string, error)
}

func filePages() []filePage {
	return []filePage{
		{"convertd.toml", "The settings of convertd", config.DefaultPath, "convertd\\-recipe (5)", config.Reference},
		{"convertd-recipe", "A file that makes a command a web service", "/etc/convertd/recipes/*.toml", "convertd.toml (5)", load.Reference},
	}
}

func (f filePage) page(markdown string) string {
	return pageHead(f.name, 5, f.title) + manual.Body(markdown) +
		".SH FILES\n" + manual.Text(f.files) + "\n.SH SEE ALSO\n.BR convertd (1),\n.BR " + f.see + ",\n" + otherPlaces
}

// otherPlaces ends every page.
const otherPlaces = "the handbook at /help of a running service.\n"

func pageHead(name string, section int, title string) string {
	return manual.Page{Name: name, Section: section, Date: builtAt(), Version: "convertd " + version(), Title: title}.Head()
}

// builtAt is when the version was committed, or, where the build did not record it, when
// the program was made.
func builtAt() time.Time {
	if at, err := time.Parse(time.RFC3339, buildSetting("vcs.time")); err == nil {
		return at
	}
	if path, err := os.Executable(); err == nil {
		if info, err := os.Stat(path); err == nil {
			return info.ModTime()
		}
	}
	return time.Now()
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

// commandPage is the page of a command in the language of man(7).
func commandPage(n *kong.Node, name string) string {
	var b strings.Builder
	b.WriteString(pageHead(name, 1, n.Help) + ".SH SYNOPSIS\n")
	writeUses(&b, n)
	b.WriteString(".SH DESCRIPTION\n" + manual.Text(n.Help) + "\n")
	for paragraph := range strings.SplitSeq(n.Detail, "\n\n") {
		if paragraph != "" {
			b.WriteString(".PP\n" + manual.Text(paragraph) + "\n")
		}
	}
	if children := shownChildren(n); len(children) > 0 {
		b.WriteString(".SH COMMANDS\n")
		for _, child := range children {
			b.WriteString(manual.Item(child.Name, child.Help))
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
	b.WriteString(".BR convertd.toml (5),\n.BR convertd\\-recipe (5),\n" + otherPlaces)
	return b.String()
}

// writeUses shows how a command is written; one with commands of its own shows theirs.
func writeUses(b *strings.Builder, n *kong.Node) {
	var uses []string
	for _, use := range usesOf(n) {
		uses = append(uses, manual.Text(use)+"\n")
	}
	b.WriteString(strings.Join(uses, ".br\n"))
}

// usesOf are the lines that show how a command is written.
func usesOf(n *kong.Node) []string {
	children := shownChildren(n)
	if n.Parent == nil || len(children) == 0 {
		return []string{usage(n)}
	}
	var uses []string
	for _, child := range children {
		uses = append(uses, usage(child))
	}
	return uses
}

func usage(n *kong.Node) string {
	if n.Parent == nil {
		return n.Name + " COMMAND [flags]"
	}
	return "convertd " + n.Summary()
}

// writeValues describes arguments and options.
func writeValues(b *strings.Builder, n *kong.Node) {
	for _, v := range valuesOf(n) {
		b.WriteString(manual.Item(v.term, v.meaning))
	}
}

// valueWords is an argument or an option, and what it means.
type valueWords struct{ term, meaning string }

func valuesOf(n *kong.Node) []valueWords {
	var all []valueWords
	for _, argument := range n.Positional {
		all = append(all, valueWords{argument.Summary(), argument.Help})
	}
	for _, flag := range n.Flags {
		if flag.Hidden {
			continue
		}
		meaning := flag.Help
		for _, variable := range flag.Envs {
			meaning += " Else the variable " + variable + "."
		}
		all = append(all, valueWords{flag.String(), meaning})
	}
	return all
}
