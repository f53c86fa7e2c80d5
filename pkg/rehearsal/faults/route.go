package faults

import (
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// Route is a method and a path in which "${…}" stands for one segment or a part of it.
type Route struct {
	Method string `json:"method"`
	Path   string `json:"path"`
}

func (r Route) String() string { return r.Method + " " + r.Path }

// is reports whether the suite asks the route in a request.
func (r Route) is(asked suite.Asked) bool { return r == Route{asked.Method, asked.Path} }

// matches reports whether a request's path is the route's.
func (r Route) matches(path string) bool {
	have, want := strings.Split(path, "/"), strings.Split(r.Path, "/")
	if len(have) != len(want) {
		return false
	}
	for i, w := range want {
		before, after, variable := strings.Cut(w, "${")
		if !variable {
			if w != have[i] {
				return false
			}
			continue
		}
		after = after[strings.LastIndexByte(after, '}')+1:]
		if len(have[i]) < len(before)+len(after) || !strings.HasPrefix(have[i], before) ||
			!strings.HasSuffix(have[i], after) {
			return false
		}
	}
	return true
}

// Variables counts the variables. Of the routes that match, the one with the fewest wins.
func (r Route) Variables() int { return strings.Count(r.Path, "${") }

// Pick returns the route that a request belongs to: of those that match, the one with the fewest variables.
func Pick(routes []Route, method, path string) (Route, bool) {
	var best Route
	found := false
	for _, r := range routes {
		if r.Method == method && r.matches(path) && (!found || r.Variables() < best.Variables()) {
			best, found = r, true
		}
	}
	return best, found
}
