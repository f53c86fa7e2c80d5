package suite

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
	ready := s.ReadinessChecks()
	add := func(c *Check, a Asked) {
		a.Check, a.Place = c.Name, c.At.place(s.file)
		for i, one := range c.Steps {
			if c.Flow {
				a.Step, a.Place = i+1, one.At.place(s.file)
			}
			a.Method = one.Method
			a.Path, _, _ = strings.Cut(one.path.literal(), "?")
			out = append(out, a)
		}
	}
	for i := range s.checks {
		c := &s.checks[i]
		add(c, Asked{Ready: slices.Contains(ready, c), Observe: c.Observe})
	}
	for _, c := range ready {
		if len(s.readiness) == 0 && !slices.ContainsFunc(s.checks, func(o Check) bool { return o.Name == c.Name }) {
			add(c, Asked{Ready: true}) // the home page, which no check of the suite names
		}
	}
	for i := range s.compares {
		add(&s.compares[i].Check, Asked{Compared: true})
	}
	return out
}
