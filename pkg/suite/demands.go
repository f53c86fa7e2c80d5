package suite

import (
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
)

// demand is one thing that a platform team may ask of every suite, how to meet it, and whether a suite does.
type demand struct {
	key, help string
	met       bool
}

// demands are all demands, with least checks that count.
func (s *Suite) demands(least int) []demand {
	counted := kept(s.checks, func(c *Check) bool { return !c.Observe })
	bounded := func(s *Step) bool { return s.expect.latency > 0 }
	return []demand{
		{"release_proof", "expect ${RELEASE} of an answer, in a header or the body", s.ProvesRelease()},
		{"compare", "compare a request that reads with the old release", len(s.compares) > 0},
		{"latency", "write latency: in an expectation, or p95: in a comparison",
			slices.ContainsFunc(s.compares, func(c *Comparison) bool { return c.P95 > 0 }) ||
				slices.ContainsFunc(counted, func(c *Check) bool { return slices.ContainsFunc(c.Steps, bounded) })},
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
