package webui

import (
	"cmp"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/gabriel-vasile/mimetype"
	"github.com/julienschmidt/httprouter"

	"convertd/runner/recipe"
	"convertd/runner/spool"
	pages "convertd/webui/page"
)

const (
	// maxLikely is how many targets are shown at once.
	maxLikely = 6
	// maxHead is how much of a file is looked at to tell what it is.
	maxHead = 64 << 10
)

// choicesPart answers a card's question: what can a file of this name, which begins with
// these bytes, become?
func (s *Server) choicesPart(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	v := s.visit(w, r)
	head, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHead))
	if err != nil {
		return err
	}
	name := r.URL.Query().Get("name")
	found := mimetype.Detect(head)
	list := s.choices(v, found.String(), spool.Extension(name))
	list.Name, list.Kind = name, kindWords(found)
	s.askFrameSize(r.Context(), v, &list, head)
	return s.show(w, r, v, list)
}

// kindWords is what the content says the file is; text and bytes say nothing.
func kindWords(found *mimetype.MIME) string {
	if found.Is("text/plain") || found.Is("application/octet-stream") || found.Extension() == "" {
		return ""
	}
	return strings.ToUpper(strings.TrimPrefix(found.Extension(), "."))
}

// choices lists the targets of a kind of file, best fit first, and the settings of the
// recipes they belong to.
func (s *Server) choices(v visit, mediaType, ext string) pages.Choices {
	set := s.Recipes()
	var fitting []recipe.Recipe
	for _, r := range set.For(mediaType, ext) {
		if visible(r, v.Caller) && set.Available(r.Name).OK() && takesOne(r) {
			fitting = append(fitting, r)
		}
	}
	slices.SortStableFunc(fitting, func(a, b recipe.Recipe) int {
		return place(a, mediaType, ext) - place(b, mediaType, ext)
	})
	var list pages.Choices
	sections := sectionsOf(v, fitting)
	list.Likely = likely(sections)
	for _, section := range sections {
		section.Choices = slices.DeleteFunc(slices.Clone(section.Choices), func(c pages.Choice) bool { return slices.Contains(list.Likely, c) })
		if len(section.Choices) > 0 {
			list.More = append(list.More, section)
		}
	}
	for _, r := range fitting {
		if form := settings(v, r, nil); len(form.Groups) > 0 {
			list.Forms = append(list.Forms, form)
		}
	}
	list.Together = s.together(v, mediaType, ext)
	if len(list.Likely) == 1 {
		list.Taken = list.Likely[0].Value
	}
	return list
}

// together lists the recipes that take several files of this kind at once.
func (s *Server) together(v visit, mediaType, ext string) []pages.Together {
	set := s.Recipes()
	var list []pages.Together
	for _, r := range set.For(mediaType, ext) {
		if !visible(r, v.Caller) || !set.Available(r.Name).OK() || r.Inputs.Each || r.Inputs.Max < 2 {
			continue
		}
		list = append(list, pages.Together{
			Title: titleOf(v.in(r.Title), r.Name), Min: max(r.Inputs.Min, 2), Max: r.Inputs.Max, Form: settings(v, r, nil),
		})
	}
	return list
}

// place is where in its list of accepted files a recipe names this kind: what a recipe is
// mainly for stands first there, so that a film becomes a film before it becomes a sound.
func place(r recipe.Recipe, mediaType, ext string) int {
	return slices.IndexFunc(r.Accept, func(one string) bool {
		return recipe.Recipe{Accept: []string{one}}.Accepts(mediaType, ext)
	})
}

// takesOne reports whether a job of the recipe may have a single file.
func takesOne(r recipe.Recipe) bool { return len(r.Accept) > 0 && (r.Inputs.Each || r.Inputs.Min <= 1) }

// likely takes the first choice of every section, then the others in order.
func likely(sections []pages.Section) []pages.Choice {
	var first, rest []pages.Choice
	for _, section := range sections {
		first = append(first, section.Choices[0])
		rest = append(rest, section.Choices[1:]...)
	}
	both := append(first, rest...)
	return both[:min(len(both), maxLikely)]
}

// sectionsOf lists what recipes make: a section for each recipe, and for each heading
// under which it puts targets, such as an application.
func sectionsOf(v visit, recipes []recipe.Recipe) []pages.Section {
	var sections []pages.Section
	for _, r := range recipes {
		title := titleOf(v.in(r.Title), r.Name)
		targets := r.Targets()
		own := len(sections)
		for _, t := range targets {
			c := choiceOf(v, r, t, len(targets) == 1, title)
			if makesSeveral(r) && len(t.Given) == 0 { // the word for all of them
				c.Value, c.Title = r.Name, v.texts.Text("choose.everything")
			}
			heading := cmp.Or(v.texts.Said(t.Group), title)
			i := slices.IndexFunc(sections[own:], func(s pages.Section) bool { return s.Title == heading })
			if i < 0 {
				i = len(sections) - own
				sections = append(sections, pages.Section{Title: heading})
			}
			sections[own+i].Choices = append(sections[own+i].Choices, c)
		}
	}
	return sections
}

// makesSeveral reports whether a job of the recipe makes several targets at once unless
// told otherwise.
func makesSeveral(r recipe.Recipe) bool {
	return slices.ContainsFunc(r.Params, func(p recipe.Param) bool { return p.Name == recipe.ToParam && p.Type == recipe.List })
}

func choiceOf(v visit, r recipe.Recipe, t recipe.Target, only bool, title string) pages.Choice {
	c := pages.Choice{Value: r.Name, Recipe: r.Name, Title: title, Note: v.in(r.Description)}
	if t.ID == "" {
		return c
	}
	if !only {
		c.Value += "/" + t.ID
	}
	c.To = t.ID
	if word := targetWord(t.ID, title); word != "" {
		c.Title, c.Note = word, title
	}
	if len(t.Given) > 0 {
		c.Title, c.Target = titleOf(v.in(t.Title), t.ID), t.ID
		c.Note = v.texts.Said(t.Group)
		if strings.HasPrefix(c.Title, t.Group) {
			c.Note = "" // the title says it already
		}
	}
	return c
}

// targetWord is how people write a target ("MP4", and "WebP" where the recipe's title
// spells it so); "" for one that is not called after a kind of file.
func targetWord(id, title string) string {
	for word := range strings.FieldsSeq(title) {
		spelled := strings.ToLower(word[1:]) != word[1:] // more than a capital at the start
		if strings.EqualFold(word, id) && spelled {
			return word
		}
	}
	if len(id) > 5 || strings.ContainsAny(id, "-_") {
		return ""
	}
	return strings.ToUpper(id)
}
