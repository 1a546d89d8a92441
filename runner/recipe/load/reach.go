package load

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"convertd/runner/recipe"
	"convertd/runner/service/guard"
)

// checkReach reports addresses of services that the recipe was not granted: whoever reads
// [access] sees all that a recipe can reach.
func checkReach(t *table, r recipe.Recipe) {
	if r.Access.Network == recipe.HostNetwork {
		return
	}
	reach := reachCheck{table: t, hosts: r.Access.Hosts, said: map[string]bool{}}
	for i, s := range r.Sources {
		reach.address("source."+strconv.Itoa(i)+".url", s.URL)
	}
	for i, s := range r.Steps {
		if s.HTTP == nil {
			continue
		}
		at := "step." + strconv.Itoa(i) + ".http."
		reach.address(at+"url", s.HTTP.URL)
		if s.HTTP.Poll != nil {
			reach.address(at+"poll.url", s.HTTP.Poll.URL)
		}
		for key, later := range map[string]*recipe.HTTPRequest{"cancel": s.HTTP.Cancel, "result": s.HTTP.Result} {
			if later != nil {
				reach.address(at+key+".url", later.URL)
			}
		}
	}
}

// reachCheck reports each host once.
type reachCheck struct {
	*table
	hosts []string
	said  map[string]bool
}

// address looks at one address.
func (t reachCheck) address(at, address string) {
	if name, whole := recipe.Alone(address); whole {
		if len(t.hosts) == 0 && !strings.HasPrefix(name, "remote.") {
			t.problem(at, fmt.Sprintf("The address {%s} can be anywhere, but no host is granted.", name), `Write [access] hosts = ["*"] for every host of the internet, or name those that are meant.`)
		}
		return
	}
	_, rest, ok := strings.Cut(address, "://")
	if !ok {
		return // reported already
	}
	authority, _, _ := strings.Cut(strings.SplitN(rest, "?", 2)[0], "/")
	if t.said[authority] || granted(address, authority, t.hosts) {
		return
	}
	t.said[authority] = true
	t.problem(at, fmt.Sprintf("The host %s is not granted.", authority), fmt.Sprintf("Write [access] hosts = [%s].", strings.Join(quoted(append(slices.Clone(t.hosts), authority)), ", ")))
}

func quoted(words []string) []string {
	all := make([]string, len(words))
	for i, word := range words {
		all[i] = strconv.Quote(word)
	}
	return all
}

// granted reports whether a host, maybe with parameters in it, is among the hosts.
func granted(address, authority string, hosts []string) bool {
	if slices.Contains(hosts, authority) {
		return true
	}
	if len(recipe.Placeholders(authority)) > 0 {
		return slices.ContainsFunc(hosts, func(host string) bool { return strings.HasPrefix(host, "*") })
	}
	var written []string
	for _, host := range hosts {
		if len(recipe.Placeholders(host)) == 0 {
			written = append(written, host)
		}
	}
	policy, err := guard.New(written, nil)
	u, parseErr := url.Parse(strings.SplitN(address, "://", 2)[0] + "://" + authority)
	if err != nil || parseErr != nil {
		return err != nil // wrong hosts are reported already
	}
	usual := "80"
	if u.Scheme == "https" {
		usual = "443"
	}
	return policy.Grants(net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), usual)))
}
