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
			a.Path, _, _ = strings.Cut(one.path.raw, "?")
			out = append(out, a)
		}
	}
	for _, c := range s.checks {
		add(c, Asked{Ready: slices.Contains(ready, c), Observe: c.Observe})
	}
	for _, c := range ready {
		if len(s.readiness) == 0 && !slices.ContainsFunc(s.checks, func(o *Check) bool { return o.Name == c.Name }) {
			add(c, Asked{Ready: true}) // the home page, which no check of the suite names
		}
	}
	for _, c := range s.compares {
		add(&c.Check, Asked{Compared: true})
	}
	return out
}

// ReadPaths lists the paths of the checks of a single GET, each once, without variables and headers of their own: what
// anybody may ask of the application at any time.
func (s *Suite) ReadPaths() []string {
	plain := kept(s.checks, func(c *Check) bool {
		return !c.Flow && c.Steps[0].Method == "GET" && c.Steps[0].path.parts == nil && len(c.Steps[0].headers) == 0
	})
	return distinct(list(plain, func(c *Check) string { return c.Steps[0].path.raw }))
}

// Host returns the host that the suite's requests name, and where; "" without one, or where it holds a variable.
func (s *Suite) Host() (string, diagnostic.Place) {
	if s.host.parts != nil {
		return "", diagnostic.Place{}
	}
	return s.host.raw, s.host.at.place(s.file)
}

// SaysHost reports whether the suite says the Host header of its requests.
func (s *Suite) SaysHost() bool { return s.host.raw != "" }

// HostMentionsRelease reports whether ${RELEASE} stands in the host that the suite's requests name.
func (s *Suite) HostMentionsRelease() bool { return mentions(s.host, varRelease) }

// HostHeader returns the host that the requests name, filled in, or ""; one that no header can hold is an error.
func (s *Suite) HostHeader(sc Scope) (string, error) { return s.host.header(sc) }
