package main

import (
	"os"
	"strings"
	"testing"
)

// callRecipes call the model server at MODEL.
func callRecipes() map[string]string {
	return map[string]string{"projection.toml": `
name    = "projection"
accept  = []
[[param]]
name    = "customer"
type    = "string"
pattern = '[a-z]+'
[[param]]
name    = "version"
type    = "integer"
[visible]
anonymous = true
[access]
hosts   = ["MODEL"]
secrets = { CRM = "SECRETS/crm", MODEL_KEY = "SECRETS/model" }
[[source]]
name    = "customer"
url     = "http://MODEL/customers/{param.customer}/{param.version}"
headers = { X-Api-Key = "{secret.CRM}" }
type    = "application/json"
shape   = { name = "string", "orders.0.id" = "number" }
ttl     = "1h"
prefix  = "{param.customer}/{param.version}"
[[step]]
title   = "Projecting"
[step.http]
url     = "http://MODEL/v1/jobs"
headers = { Authorization = "Bearer {secret.MODEL_KEY}" }
json    = { customer = { file = "{source.customer}", as = "json" }, version = "{param.version}", tell = "{callback}" }
tries   = { most = 30, wait = "20ms", longest = "500ms" }
id      = "id"
save    = "{stem}.json"
[step.http.poll]
url     = "http://MODEL/v1/jobs/{remote.id}"
every   = "50ms"
[step.http.read]
percent = "progress"
of      = 1
state   = "status"
done    = ["succeeded"]
failed  = ["failed", "cancelled"]
result  = "output"
[step.http.cancel]
url     = "http://MODEL/v1/jobs/{remote.id}/cancel"
[[output]]
match   = "*.json"
show    = "projection.json"
`, "depth-sse.toml": depthRecipe("sse", "text/event-stream"), "depth-ndjson.toml": depthRecipe("ndjson", "application/x-ndjson"), "keeps.toml": `
name    = "keeps"
accept  = [".txt"]
command = ["sh", "-c", "cat \"$2\"/seen 2>/dev/null >\"$3\"/stem.out; cat \"$1\" >>\"$2\"/seen; cat \"$1\" >>\"$3\"/stem.out", "sh", "{input}", "{cache}", "{output}"]
[cache]
size    = "10MiB"
`}
}

func depthRecipe(stream, accept string) string {
	return `
name    = "depth-` + stream + `"
accept  = [".png"]
to      = ["depth-` + stream + `"]
[access]
hosts   = ["MODEL"]
[[step]]
title   = "Estimating depth"
[step.http]
url     = "http://MODEL/v1/depth"
headers = { Accept = "` + accept + `" }
file    = "{input}"
type    = "image/png"
stream  = "` + stream + `"
save    = "{stem}.png"
[step.http.read]
percent = "progress"
message = "note"
preview = "look"
state   = "status"
done    = ["done"]
result  = "made"
result_as = "base64"
`
}

// handbookRecipe is the recipe that the handbook shows.
func handbookRecipe(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("handbook/services.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```toml checked\n")
	recipe, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("the handbook shows no recipe")
	}
	return recipe
}
