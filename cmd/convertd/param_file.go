package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"convertd/runner"
	"convertd/runner/recipe"
	"convertd/runner/spool"
	"convertd/runner/vault"
	"convertd/webui/client"
)

// maxSecretFile bounds what is read as a secret.
const maxSecretFile = 64 << 10

// fromFile is the path in a --param NAME=@PATH of a parameter that is a file or a secret.
// The text itself is refused: whoever looks at the processes of the machine reads it.
func fromFile(name string, kind recipe.ParamType, texts []string) (path string, err error) {
	path, ok := strings.CutPrefix(texts[len(texts)-1], "@")
	switch {
	case len(texts) > 1:
		return "", fmt.Errorf("--param %s: give it once", name)
	case !ok && kind == recipe.Secret:
		return "", fmt.Errorf("--param %s is a secret, which others can read on a command line: write it into a file and give %s=@FILE, or %s=@- for standard input", name, name, name)
	case !ok || path == "":
		return "", fmt.Errorf("--param %s is a file: write %s=@FILE", name, name)
	}
	return path, nil
}

// readSecret reads a secret from a file, "-" is standard input; the line end that editors
// leave is not part of it.
func readSecret(stdin io.Reader, path string) (string, error) {
	source := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		defer f.Close()
		source = f
	}
	text, err := io.ReadAll(io.LimitReader(source, maxSecretFile+1))
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	if len(text) > maxSecretFile {
		return "", fmt.Errorf("%s has more than %d bytes, which is too much for a secret", path, maxSecretFile)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// checkParams checks parameters for a job here and now; the files and secrets among them
// are put where the child finds them.
func (j *localJob) checkParams(a *app, r recipe.Recipe, given map[string][]string) (recipe.Values, error) {
	for _, p := range recipe.ParamsOf(r, recipe.File, given) {
		path, err := fromFile(p.Name, p.Type, given[p.Name])
		if err == nil {
			given[p.Name], err = j.linkParam(p, path)
		}
		if err != nil {
			return nil, err
		}
	}
	for _, p := range recipe.ParamsOf(r, recipe.Secret, given) {
		path, err := fromFile(p.Name, p.Type, given[p.Name])
		if err != nil {
			return nil, err
		}
		if path == "-" && j.source == "" && j.file != "" {
			return nil, errors.New("standard input is the file to convert already: give the secret in a file")
		}
		text, err := readSecret(a.stdin, path)
		if err != nil {
			return nil, err
		}
		given[p.Name] = []string{text}
	}
	values, err := r.CheckParams(given)
	if err != nil {
		return nil, explainFields(err)
	}
	shown, secrets := r.Hide(values)
	j.vault = vault.For(j.Dir)
	if err := j.vault.Put(j.ID, secrets); err != nil {
		return nil, err
	}
	j.secrets = map[string]string{}
	for name := range secrets {
		j.secrets[name] = j.vault.Path(j.ID, name)
	}
	return shown, nil
}

// linkParam puts the file of a parameter beside the inputs.
func (j *localJob) linkParam(p recipe.Param, path string) (shown []string, err error) {
	media, err := sniff(path)
	if err != nil {
		return nil, err
	}
	name := filepath.Base(path)
	if problem := p.CheckFile(media, spool.Extension(name)); problem != "" {
		return nil, errors.New(problem)
	}
	source, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if j.files == nil {
		j.files = map[string]runner.Input{}
	}
	in := runner.Input{File: p.Name + filepath.Ext(name), Name: name}
	j.files[p.Name] = in
	return []string{name}, os.Symlink(source, filepath.Join(j.In(), in.File))
}

// setApart takes the files and secrets out of parameters for a server; only it knows which
// they are.
func (c *submitCommand) setApart(a *app, server *client.Client, params map[string][]string) (map[string]client.SubmissionFile, error) {
	if len(params) == 0 {
		return nil, nil
	}
	recipes, err := server.Recipes(a.ctx)
	if err != nil {
		return nil, err
	}
	files := map[string]client.SubmissionFile{}
	for name, texts := range params {
		kind := c.kindOf(recipes, name)
		if kind == "" {
			continue
		}
		path, err := fromFile(name, kind, texts)
		if err != nil {
			return nil, err
		}
		if kind == recipe.File {
			files[name] = submissionFiles([]string{path})[0]
			delete(params, name)
			continue
		}
		text, err := readSecret(a.stdin, path)
		if err != nil {
			return nil, err
		}
		params[name] = []string{text}
	}
	return files, nil
}

// kindOf is File or Secret, "" for all others, as the JSON Schema of the recipe that is
// meant tells, or of those that may be.
func (c *submitCommand) kindOf(recipes []client.Recipe, param string) recipe.ParamType {
	for _, r := range recipes {
		if c.Recipe != "" && r.Name != c.Recipe || c.To != "" && !slices.Contains(r.To, c.To) {
			continue
		}
		properties, _ := r.Params["properties"].(map[string]any)
		schema, _ := properties[param].(map[string]any)
		switch {
		case schema == nil:
		case schema["writeOnly"] == true:
			return recipe.Secret
		case schema["format"] == "x-file":
			return recipe.File
		}
	}
	return ""
}
