package webui

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/runner/spool"
	"convertd/runner/vault"
	"convertd/sql/job"
	"convertd/webui/form"
	pages "convertd/webui/page"
)

// firstParamFile is the number of the first file of a parameter among those of a job: far
// beyond the inputs, which count from 1.
const firstParamFile = 100_001

// maxParamFiles bounds the files of parameters of one job.
const maxParamFiles = 100

// checkParams holds parameters against their rules, with the files that came for some of
// them, and sets secrets apart.
func checkParams(r recipe.Recipe, sub *submission, given map[string][]string) (recipe.Values, map[string]string, error) {
	given = maps.Clone(given)
	for name, f := range sub.paramFiles {
		if p, ok := r.Param(name); ok && p.Type != recipe.File {
			return nil, nil, paramFault(name, fmt.Sprintf("%s takes no file.", name), "Send its value as text.")
		}
		if len(given[name]) == 0 {
			given[name] = []string{f.name}
		}
	}
	values, err := r.CheckParams(given)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range recipe.ParamsOf(r, recipe.File, values) {
		if err := checkParamFile(p, sub, values.Get(p.Name)); err != nil {
			return nil, nil, err
		}
	}
	shown, secrets := r.Hide(values)
	return shown, secrets, nil
}

func checkParamFile(p recipe.Param, sub *submission, name string) error {
	f, ok := sub.paramFiles[p.Name]
	switch {
	case ok && sub.repeated:
		return nil
	case !ok || f.name != name:
		return paramFault(p.Name, fmt.Sprintf("%s must be a file.", p.Name),
			fmt.Sprintf(`Send it as curl does for -F param.%s=@NAME, or in JSON as {"upload": ID} or {"job": ID, "output": NAME}.`, p.Name))
	case f.Size == 0:
		return fault.New(fault.EmptyFile, fmt.Sprintf("The file %q is empty.", f.name), "Check whether it was saved or copied completely.")
	}
	if problem := p.CheckFile(f.mediaType, spool.Extension(f.name)); problem != "" {
		return paramFault(p.Name, problem, "Choose another file.")
	}
	return nil
}

func paramFault(name, message, hint string) error {
	return &fault.Error{Code: fault.Invalid, Message: message, Hint: hint, Fields: []fault.Field{{Pointer: recipe.Pointer(name), Detail: message}}}
}

// addParamFile makes room for the file of a parameter. Its name becomes a name on disk.
func (sub *submission) addParamFile(param string) (number int, err error) {
	if param == "" || len(param) > 60 || param[0] < 'a' || param[0] > 'z' || strings.Trim(param, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
		return 0, unsupportedField(paramPrefix + param)
	}
	if _, twice := sub.paramFiles[param]; twice {
		return 0, paramFault(param, fmt.Sprintf("%s was given twice.", param), "Send one file for it.")
	}
	if len(sub.paramFiles) >= maxParamFiles {
		return 0, fault.New(fault.TooManyFiles, "Too many parameters are files.", "Send fewer.")
	}
	if sub.paramFiles == nil {
		sub.paramFiles = map[string]received{}
	}
	return firstParamFile + len(sub.paramFiles), nil
}

// asParam makes the file that of a parameter.
func (f received) asParam(param string) received {
	f.disk = param
	if extension := spool.Extension(f.name); extension != "" {
		f.disk += "." + extension
	}
	return f
}

// receiveParamFile stores the file of the current part, if there is one.
func (s *Server) receiveParamFile(reader *form.Reader, param, name string, sub *submission) error {
	number, err := sub.addParamFile(param)
	if err != nil {
		return err
	}
	f, err := s.storePart(reader, number, name, sub)
	if err != nil || f.disk == "" {
		return err
	}
	f = f.asParam(param)
	sub.paramFiles[param] = f
	return sub.draft.Name(number, f.disk)
}

// takeParamFiles takes the files out of the params of a JSON request, where they are
// objects such as inputs are.
func (s *Server) takeParamFiles(r *http.Request, sub *submission) error {
	params := map[string]json.RawMessage{}
	if json.Unmarshal(sub.rawParams, &params) != nil {
		return nil // told when they are read
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		var ref inputRef
		if !bytes.HasPrefix(bytes.TrimSpace(params[name]), []byte("{")) {
			continue
		}
		strict := json.NewDecoder(bytes.NewReader(params[name]))
		strict.DisallowUnknownFields()
		if strict.Decode(&ref) != nil || !ref.isWhole() {
			continue // told when they are read
		}
		if err := s.takeParamRef(r, sub, name, ref); err != nil {
			return err
		}
		delete(params, name)
	}
	if len(sub.paramFiles) == 0 {
		return nil // as it was sent: a member that is there twice is told
	}
	var err error
	sub.rawParams, err = json.Marshal(params)
	return err
}

func (s *Server) takeParamRef(r *http.Request, sub *submission, name string, ref inputRef) error {
	number, err := sub.addParamFile(name)
	if err != nil {
		return err
	}
	if sub.repeated {
		sub.paramFiles[name] = received{ref: ref, number: number}
		return nil
	}
	if err := s.openDraft(sub); err != nil {
		return err
	}
	if err := s.takeNamed(r, sub, ref, number); err != nil {
		return err
	}
	// It was taken like an input, and is now set apart.
	last := len(sub.files) - 1
	taken := sub.files[last]
	sub.files = sub.files[:last]
	if taken.isAwaited() {
		return paramFault(name, fmt.Sprintf("%s names the output of a job that has not ended.", name), "Send the job once that one has ended.")
	}
	f := taken.asParam(name)
	sub.paramFiles[name] = f
	return sub.draft.Rename(taken.disk, f.disk)
}

// takeParamFile takes over the file of an earlier job's parameter.
func (s *Server) takeParamFile(sub *submission, in job.Input, path string) error {
	if _, err := sub.addParamFile(in.Param); err != nil {
		return err
	}
	f := received{number: in.Number, name: in.Name, mediaType: in.MediaType, disk: in.File}
	f.Size, f.SHA256 = in.Size, in.SHA256
	sub.paramFiles[in.Param] = f
	return sub.draft.Take(path, f.disk)
}

// dropSecrets removes the secrets of a job that is sure not to be made; what else is left
// the dispatcher removes.
func (s *Server) dropSecrets(id string, cause error) {
	var known *fault.Error
	if !errors.As(cause, &known) || known.Code == fault.Unavailable || known.Code == fault.Internal {
		return
	}
	if err := s.vault.Remove(id); err != nil {
		s.Log.Warn("secrets of a job that was not made stay until the sweep", "job", id, "error", err)
	}
}

// keepSecrets puts the secrets of a submission where the dispatcher finds them.
func (s *Server) keepSecrets(sub *submission, c checked) error {
	err := s.vault.Put(sub.draft.ID(), c.secrets)
	if errors.Is(err, vault.ErrNotInMemory) {
		return fault.Wrap(err, fault.Unavailable, "No secret can be taken here: there is no folder in memory for it.",
			"Ask the administrator, who finds the reason in the journal.")
	}
	return err
}

// withoutFiles leaves out the fields for files.
func withoutFiles(f pages.Form) pages.Form {
	for i := range f.Groups {
		f.Groups[i].Fields = slices.DeleteFunc(f.Groups[i].Fields, func(field pages.Field) bool { return field.Kind == "file" })
	}
	f.Groups = slices.DeleteFunc(f.Groups, func(g pages.FieldGroup) bool { return len(g.Fields) == 0 })
	return f
}
