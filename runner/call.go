package runner

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"convertd/runner/fault"
	"convertd/runner/progress/reading"
	"convertd/runner/recipe"
	"convertd/runner/sandbox"
	"convertd/runner/service/order"
	"convertd/runner/spool"
)

// planCall completes what a step that calls a service is told. index is the place of the
// step in the recipe, from 0.
func (s *Spec) planCall(step *Step, declared recipe.Step, index int, q Request) {
	w, call := workspaceOf(q.Dir, q.Attempt), step.Call
	number := strconv.Itoa(index + 1)
	call.Key = callKey(s.Job, s.RecipeVersion, number)
	call.Secrets, call.Trace = secretFiles(s.Box), traceHeaders(q.Env)
	call.Record = filepath.Join(q.Dir.State(), "call."+number+".json")
	call.Preview = w.preview
	if q.Callbacks != nil && asksForCallback(declared.HTTP) {
		token := spool.CallbackToken(q.Token)
		call.Callback = strings.TrimSuffix(q.BaseURL, "/") + "/api/v1/callbacks/" + token
		s.Callback = q.Callbacks(token)
	}
}

// callKey is the idempotency key of a step: the same for each attempt of the job. It does
// not tell the job's id, which would give sight of its results.
func callKey(job, version, step string) string {
	sum := sha256.Sum256([]byte("call " + job + " " + version + " " + step))
	return base32.StdEncoding.EncodeToString(sum[:])[:26]
}

func asksForCallback(h *recipe.HTTP) bool {
	text, err := json.Marshal(h)
	return err == nil && strings.Contains(string(text), "{callback}")
}

// secretFiles are the secrets as the box finds them.
func secretFiles(b Box) map[string]string {
	files := map[string]string{}
	for name := range b.Secrets {
		files[name] = sandbox.SecretsFolder + "/" + name
	}
	return files
}

// traceHeaders are the headers of W3C Trace Context and Baggage, and Sentry's, from the
// environment that the steps get.
func traceHeaders(env []string) map[string]string {
	headers := map[string]string{}
	var baggage []string
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		if value == "" || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			continue
		}
		switch name {
		case "TRACEPARENT", "TRACESTATE":
			headers[strings.ToLower(name)] = value
		case "SENTRY_TRACE":
			headers["sentry-trace"] = value
		case "BAGGAGE", "SENTRY_BAGGAGE":
			for member := range strings.SplitSeq(value, ",") {
				if member = strings.TrimSpace(member); member != "" && !slices.Contains(baggage, member) {
					baggage = append(baggage, member)
				}
			}
		}
	}
	if len(baggage) > 0 {
		headers["baggage"] = strings.Join(baggage, ",")
	}
	return headers
}

// runNet runs convertd-net in the box with an order.
func (a *attempt) runNet(step Step, word string, told any) *verdict {
	if a.notify == nil {
		if err := a.openNotify(); err != nil {
			return internal("The socket for progress messages could not be made.", err)
		}
	}
	program, err := netProgram()
	if err != nil {
		return notStarted("convertd-net", err)
	}
	text, err := json.Marshal(told)
	if err != nil {
		return internal("A step of this recipe cannot be told what to do.", err)
	}
	watch, err := newWatch(step)
	if err != nil {
		return internal("A pattern of this recipe is wrong.", err)
	}
	input, err := memory("order", text)
	if err != nil {
		return internal("A step of this recipe cannot be told what to do.", err)
	}
	defer input.Close()
	end, bad := a.executeCommand(sandbox.Command{
		Argv: []string{program, word}, Dir: a.work.run, Env: a.environment(step), Progress: true, Input: input,
	}, &stream{watch: watch})
	if bad != nil {
		return bad
	}
	return a.judgeNet(step, end, watch)
}

// runCall runs a step that calls a service.
func (a *attempt) runCall(step Step) *verdict {
	return a.runNet(step, "call", step.Call)
}

// judgeNet says whether an order was carried out: nil, or why not.
func (a *attempt) judgeNet(step Step, end sandbox.End, w *watch) *verdict {
	bad := a.judge(step, end, w)
	if bad == nil || a.stopped != nil || end.Signal != 0 || w.refused != "" || w.failed != "" {
		return bad
	}
	said := a.netSaid()
	if said == "" {
		return bad
	}
	switch end.Code {
	case order.ExitRefused:
		bad.class, bad.detail, bad.hint = fault.BadInput, said, ""
	case order.ExitUnavailable:
		bad = &verdict{class: fault.InternalError, detail: said, tool: true,
			hint: "The service was away or did not answer as it should. The job is tried again a few times."}
	default:
		bad.detail, bad.hint = said, ""
	}
	return bad
}

// netSaid is what convertd-net told people about its failure.
func (a *attempt) netSaid() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	lines := a.log.last(logKeep)
	for _, line := range slices.Backward(lines) {
		if said, ok := strings.CutPrefix(line, order.Said); ok {
			return reading.CleanTo(maxSentence, said)
		}
	}
	return ""
}

// stopSignal is what tells a program of the step to end. A call of a service that goes on
// later must not tell the service that nobody waits.
func (a *attempt) stopSignal(called bool) syscall.Signal {
	if called && a.stopped != nil && a.stopped.requeue {
		return syscall.SIGUSR1
	}
	return syscall.SIGTERM
}

// planSources makes what is to be fetched.
func (s *Spec) planSources(r recipe.Recipe, q Request) error {
	w, vars := workspaceOf(q.Dir, q.Attempt), vars(r, q)
	for _, declared := range r.Sources {
		source := Source{
			Fetch: order.Fetch{Source: declared, Vars: vars, Secrets: secretFiles(s.Box), Trace: traceHeaders(q.Env), To: filepath.Join(w.fetch, declared.Name)},
			File:  vars.Sources[declared.Name],
		}
		var err error
		if source.Prefix, err = recipe.FillText(declared.Prefix, vars); err != nil {
			return fmt.Errorf("plan source %s: %w", declared.Name, err)
		}
		if q.Shelf != "" && declared.TTL > 0 {
			source.Shelf = q.Shelf
			if source.Digest, err = sourceDigest(declared, vars); err != nil {
				return fmt.Errorf("plan source %s: %w", declared.Name, err)
			}
		}
		s.Sources = append(s.Sources, source)
	}
	return nil
}

// sourceDigest names a copy after everything that decides what is fetched, but for what
// is in secrets.
func sourceDigest(s recipe.Source, vars recipe.Vars) (string, error) {
	sum := sha256.New()
	texts := []string{s.Name, s.URL, s.Type, s.SHA256, s.Prefix}
	for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
		texts = append(texts, name, s.Headers[name])
	}
	for _, place := range slices.Sorted(maps.Keys(s.Shape)) {
		texts = append(texts, place, s.Shape[place])
	}
	for _, text := range texts {
		filled, err := recipe.Expand(text, func(name string) (string, error) {
			if strings.HasPrefix(name, "secret.") {
				return "{" + name + "}", nil
			}
			return vars.One(name)
		})
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%d %s\n", len(filled), filled)
	}
	return base32.StdEncoding.EncodeToString(sum.Sum(nil))[:40], nil
}
