package faults

import (
	"regexp"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// unique leaves out what stands in a list before.
func unique[T comparable](all []T) (once []T) {
	for _, x := range all {
		if !slices.Contains(once, x) {
			once = append(once, x)
		}
	}
	return once
}

func (c Campaign) routes() (all []Route) {
	for _, a := range c.Suite.Requests() {
		if strings.HasPrefix(a.Path, "/") { // a link leads to a route that nobody knows before
			all = append(all, Route{a.Method, a.Path})
		}
	}
	return unique(slices.Concat(all, c.Routes, c.Only))
}

// trials lists the mutants: those that take long come first, so that they end with the others.
func (c Campaign) trials(routes []Route) (all []Mutant) {
	for _, f := range c.Faults {
		if f.Watched() && c.Suite.Watch == nil {
			continue
		}
		if f.Scope == WholeRelease {
			all = append(all, Mutant{Fault: f})
			continue
		}
		for _, r := range routes {
			if !c.wanted(r) {
				continue
			}
			m := Mutant{Fault: f, Route: &r}
			for _, a := range c.Suite.Requests() {
				if r.is(a) {
					m.Checks = append(m.Checks, a.Check)
				}
			}
			m.Checks = unique(m.Checks)
			all = append(all, m)
		}
	}
	short := func(m Mutant) bool { return !m.Waits() }
	return append(slices.DeleteFunc(slices.Clone(all), short), slices.DeleteFunc(all, Mutant.Waits)...)
}

// wanted reports whether a route is to be broken. One that only readiness asks is left out, unless there is no other:
// for each fault there the suite would wait for its whole `within`.
func (c Campaign) wanted(route Route) bool {
	if len(c.Only) > 0 {
		return slices.Contains(c.Only, route)
	}
	all := c.Suite.Requests()
	return c.Readiness || slices.Contains(c.Routes, route) ||
		!slices.ContainsFunc(all, func(a suite.Asked) bool { return a.Ready && route.is(a) }) ||
		!slices.ContainsFunc(all, func(a suite.Asked) bool { return !a.Ready })
}

// Route is a method and a path in which "${…}" stands for one segment or a part of it.
type Route struct {
	Method string `json:"method"`
	Path   string `json:"path"`
}

func (r Route) String() string { return r.Method + " " + r.Path }

// is reports whether the suite asks the route in a request.
func (r Route) is(asked suite.Asked) bool { return r == Route{asked.Method, asked.Path} }

func (r Route) matches(path string) bool {
	have, want := strings.Split(path, "/"), strings.Split(r.Path, "/")
	if len(have) != len(want) {
		return false
	}
	for i, w := range want {
		before, after, variable := strings.Cut(w, "${")
		after = after[strings.LastIndexByte(after, '}')+1:]
		rest, begins := strings.CutPrefix(have[i], before)
		if same := begins && strings.HasSuffix(rest, after); variable && !same || !variable && w != have[i] {
			return false
		}
	}
	return true
}

// Variables counts the variables.
func (r Route) Variables() int { return strings.Count(r.Path, "${") }

// nearer reports whether a request that both routes match belongs to this one: with fewer variables, or else with more
// of its path said.
func (r Route) nearer(o Route) bool {
	said := func(r Route) int { return len(variable.ReplaceAllString(r.Path, "")) }
	return r.Variables() < o.Variables() || r.Variables() == o.Variables() && said(r) > said(o)
}

var variable = regexp.MustCompile(`\$\{[^}]*\}`)

// Pick returns the route that a request belongs to: of those that match, the nearest.
func Pick(routes []Route, method, path string) (Route, bool) {
	var best Route
	found := false
	for _, r := range routes {
		if r.Method == method && r.matches(path) && (!found || r.nearer(best)) {
			best, found = r, true
		}
	}
	return best, found
}
