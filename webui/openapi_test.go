package webui

import (
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convertd/webui/client"
)

type openAPIDocument struct {
	OpenAPI    string                                `json:"openapi"`
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components struct {
		Schemas map[string]struct {
			Properties map[string]json.RawMessage `json:"properties"`
		} `json:"schemas"`
	} `json:"components"`
}

func readOpenAPI(t *testing.T) openAPIDocument {
	t.Helper()
	var doc openAPIDocument
	if err := json.Unmarshal(openAPI, &doc); err != nil || doc.OpenAPI != "3.1.0" {
		t.Fatalf("openapi.json: version %q, %v", doc.OpenAPI, err)
	}
	return doc
}

func TestOpenAPI_has_exactly_the_routes_of_the_API(t *testing.T) {
	t.Parallel()
	parameter := regexp.MustCompile(`:(\w+)`)
	var routed, described []string
	for _, rt := range (&Server{}).routes() {
		if rt.kind == api {
			routed = append(routed, rt.method+" "+parameter.ReplaceAllString(rt.path, "{$1}"))
		}
	}
	for path, methods := range readOpenAPI(t).Paths {
		for method := range methods {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(routed)
	slices.Sort(described)
	if diff := cmp.Diff(routed, described); diff != "" {
		t.Error(diff)
	}
}

func TestOpenAPI_has_exactly_the_members_of_the_documents(t *testing.T) {
	t.Parallel()
	schemas := readOpenAPI(t).Components.Schemas
	for name, document := range map[string]any{
		"Job": client.Job{}, "Status": client.Status{}, "Group": client.Group{}, "Attempt": client.Attempt{}, "Recipe": client.Recipe{},
		"File": client.File{}, "Usage": client.Usage{}, "JobError": client.JobError{}, "Jobs": client.Jobs{},
		"Queue": client.Queue{}, "Queues": client.Queues{}, "Dispatcher": client.Dispatcher{}, "Dispatchers": client.Dispatchers{},
		"Failure": client.Failure{}, "Failures": client.Failures{}, "Refusal": client.Refusal{}, "Refusals": client.Refusals{},
		"Finding": client.Finding{}, "Findings": client.Findings{},
		"Act": client.Act{}, "Acts": client.Acts{},
		"Replay": client.Replay{}, "RecipeStats": client.RecipeStats{}, "Stats": client.Stats{},
		"Problem": client.Problem{}, "Submission": request{},
	} {
		var described []string
		for member := range schemas[name].Properties {
			described = append(described, member)
		}
		written := members(reflect.TypeOf(document))
		slices.Sort(described)
		slices.Sort(written)
		if diff := cmp.Diff(written, described); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func members(document reflect.Type) []string {
	var names []string
	for field := range document.Fields() {
		if field.Anonymous {
			names = append(names, members(field.Type)...)
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}
