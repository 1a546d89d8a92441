package recipe

import (
	"strings"
	"testing"
)

func TestConcurrencyKey(t *testing.T) {
	t.Parallel()
	r := Recipe{Params: []Param{{Name: "scene", Type: String, Optional: true}}}
	rows := []struct {
		name, key, scene, want string
	}{
		{"none", "", "a", ""},
		{"fixed", "licence", "a", "licence"},
		{"with a parameter", "render-{param.scene}", "a", "render-a"},
		{"what reads like a placeholder stays text", "{param.scene}", "{work}", "{work}"},
		{"nothing but an empty parameter", "{param.scene}", "", ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := r
			r.Concurrency.Key = row.key
			values := Values{}
			if row.scene != "" {
				values["scene"] = Value{row.scene}
			}
			if got, err := r.ConcurrencyKey(values); got != row.want || err != nil {
				t.Errorf("key %q, %v, want %q", got, err, row.want)
			}
		})
	}
	r.Concurrency.Key = "{param.scene}"
	one, err := r.ConcurrencyKey(Values{"scene": Value{strings.Repeat("a", 900)}})
	two, _ := r.ConcurrencyKey(Values{"scene": Value{strings.Repeat("a", 899) + "b"}})
	if err != nil || len(one) > maxKey || one == two {
		t.Errorf("long keys %q and %q, %v", one, two, err)
	}
}
