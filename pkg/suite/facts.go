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
func (s *Suite) HostMentionsRelease() bool { return mentions(varRelease, s.host) }

// HostHeader returns the host that the requests name, filled in, or ""; one that no header can hold is an error.
func (s *Suite) HostHeader(sc Scope) (string, error) { return s.host.header(sc) }

// demand is one thing that a platform team may ask of every suite, how to meet it, and whether a suite does.
type demand struct {
	key, help string
	met       bool
}

// demands are all demands, with least checks that count.
func (s *Suite) demands(least int) []demand {
	counted := kept(s.checks, func(c *Check) bool { return !c.Observe })
	bounded := slices.ContainsFunc(s.compares, func(c *Comparison) bool { return c.P95 > 0 }) ||
		slices.ContainsFunc(counted, func(c *Check) bool {
			return slices.ContainsFunc(c.Steps, func(s *Step) bool { return s.expect.latency > 0 })
		})
	return []demand{
		{"release_proof", "expect ${RELEASE} of an answer, in a header or the body", s.ProvesRelease()},
		{"compare", "compare a request that reads with the old release", len(s.compares) > 0},
		{"latency", "write latency: in an expectation, or p95: in a comparison", bounded},
		{"no_observe", "let every check count", len(counted) == len(s.checks)},
		{"no_allowed_failures", "let no attempt fail", !slices.ContainsFunc(s.checks, func(c *Check) bool { return c.Allowed > 0 })},
		{"strict", "take inconclusive: allow and baseline: optional away", !s.InconclusiveAllowed && !s.BaselineOptional},
		{"min_checks", "write more checks that count", len(counted) >= least},
	}
}

// Demand holds a suite against a policy, which is a mapping of demands: {release_proof: true, min_checks: 3}. It returns
// what is wrong with the policy, and each demand that the suite does not meet, at its place in the policy.
func (s *Suite) Demand(policy Source) diagnostic.List {
	r := &reader{file: policy.Name, source: policy.Text, budget: 1000}
	known := list(s.demands(0), func(d demand) string { return d.key })
	root := r.document(policy.Text)
	if root == nil {
		p := &r.problems[0] // document tells of a suite
		p.Text = strings.NewReplacer(": it has no checks", "", "the suite", "the policy").Replace(p.Text)
		if strings.Contains(p.Help, "checks:") {
			p.Help = exampleOf(known)
		}
		return r.problems
	}
	asked := r.entries(root, "the policy", list(known, func(key string) row {
		return row{key, func(p pair) {
			least, wanted := 0, true
			if key == "min_checks" {
				least = r.integer(p.value, key, 1, maxAttempts)
			} else {
				wanted = r.boolean(p.value, key)
			}
			if d := s.demands(least)[slices.Index(known, key)]; wanted && !d.met {
				r.fail(p.at, d.help, "%s does not meet %s", quote(s.file), key)
			}
		}}
	}))
	if len(asked) == 0 && len(r.problems) == 0 {
		r.fail(posOf(root), exampleOf(known), "the policy demands nothing")
	}
	return r.problems.Sorted()
}
