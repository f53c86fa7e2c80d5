package smoke

import (
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
)

// Asked is one request that a suite makes of a release.
type Asked struct {
	// Check is the name of the check or comparison.
	Check string
	Place diagnostic.Place
	// Step is the request's 1-based number in a flow, 0 for a single request.
	Step   int
	Method string
	// Path is the request's path without its query, as the suite writes it: "/orders/${id}".
	Path string
	// Ready says that readiness asks it; Compared that a comparison does. Every other request is judged.
	Ready, Compared bool
	// Observe says that it never counts.
	Observe bool
}

// Requests lists what the suite asks, in the order of its file.
func (s *Suite) Requests() []Asked {
	var out []Asked
	ready := s.readinessChecks()
	add := func(c *check, steps []step, a Asked) {
		a.Check, a.Place = c.name, c.at.place(s.file)
		for i, one := range steps {
			if c.flow {
				a.Step, a.Place = i+1, one.at.place(s.file)
			}
			a.Method = one.method
			a.Path, _, _ = strings.Cut(one.path.literal(), "?")
			out = append(out, a)
		}
	}
	for i := range s.checks {
		c := &s.checks[i]
		add(c, c.steps, Asked{Ready: slices.Contains(ready, c), Observe: c.observe})
	}
	for _, c := range ready {
		if len(s.readiness.checks) == 0 && !slices.ContainsFunc(s.checks, func(o check) bool { return o.name == c.name }) {
			add(c, c.steps, Asked{Ready: true}) // the home page, which no check of the suite names
		}
	}
	for _, c := range s.compares {
		add(&check{name: c.name, at: c.at}, []step{c.step}, Asked{Compared: true})
	}
	return out
}
