package smoke

import (
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/redact"
)

// The defaults of a suite. buildtools/smoke/SUITE.md tells them; one that changes changes what
// every suite means.
const (
	defaultTimeout     = 5 * time.Second
	defaultMaxBody     = 1 << 20
	defaultAttempts    = 5
	defaultConsecutive = 20
	defaultWithin      = 5 * time.Minute
	defaultPairs       = 100
	defaultWarmup      = 20
	defaultConcurrency = 8
)

// Suite is a suite that has been read and checked. It does not change, and can be used by several runs.
type Suite struct {
	name, file, sha256 string

	variables []variable
	defaults  defaults
	readiness readiness
	checks    []check
	compares  []comparison
	roots     *x509.CertPool
	server    string // the name that certificates must have
	host      text
	policy    policy
}

type defaults struct {
	timeout  time.Duration
	maxBody  int64
	attempts int // 0 when the suite does not say
	allowed  int
	headers  []header
}

type readiness struct {
	at          pos
	checks      []string
	consecutive int
	within      time.Duration
}

type policy struct {
	inconclusiveAllowed, baselineOptional bool
	rate                                  float64
	rateAt                                pos
	concurrency                           int
}

type check struct {
	name              string
	at                pos
	attempts, allowed int
	tags              []string
	observe, flow     bool
	// mentionsRelease is set when ${RELEASE} stands anywhere in it, provesRelease when no answer of another release
	// can make it pass.
	mentionsRelease, provesRelease bool
	steps                          []step
}

type comparison struct {
	name          string
	at            pos
	tags          []string
	pairs, warmup int
	p95           time.Duration
	step          step
}

// step is one request and what is expected of its answer.
type step struct {
	at         pos
	method     string
	path       text
	headers    []header
	body       *body
	timeout    time.Duration
	maxBody    int64
	expect     expectation
	captures   []capture
	eventually time.Duration
	always     bool
	// broken is set when its request or expectation was already found wrong.
	broken bool
}

type header struct {
	name  string
	value text
	// drop takes a default header away.
	drop bool
}

type capture struct {
	name   string
	at     pos
	path   jsonPath
	secret bool
}

// Name returns the suite's name.
func (s *Suite) Name() string { return s.name }

// SHA256 returns the checksum of the suite's text, in hex.
func (s *Suite) SHA256() string { return s.sha256 }

// References lists the variables whose values the caller of Run looks up.
func (s *Suite) References() []Reference {
	var out []Reference
	for _, v := range s.variables {
		if v.ref != nil {
			out = append(out, *v.ref)
		}
	}
	return out
}

// Variables lists the names that the suite declares.
func (s *Suite) Variables() []string {
	out := make([]string, 0, len(s.variables))
	for _, v := range s.variables {
		out = append(out, v.name)
	}
	return out
}

// Redactor returns what hides the secrets among the values, and those that the suite itself declares. The
// error names a variable whose secret is too large to be hidden.
func (s *Suite) Redactor(values map[string]Value) (*redact.Redactor, error) {
	secrets := map[string]string{}
	for name, v := range values {
		if v.Secret {
			secrets["variable "+name] = v.Text
		}
	}
	for _, v := range s.variables {
		if v.secret {
			secrets["variable "+v.name] = values[v.name].Text
			secrets["variable "+v.name+" in the suite"] = v.text
		}
	}
	if err := redact.Check(secrets); err != nil {
		return nil, err
	}
	return redact.New(slices.Collect(maps.Values(secrets))...), nil
}

// MentionsRelease reports whether ${RELEASE} stands in the suite, so that it cannot run without one.
func (s *Suite) MentionsRelease() bool {
	for _, c := range s.checks {
		if c.mentionsRelease {
			return true
		}
	}
	return mentions(s.host, varRelease)
}

// ProvesRelease reports whether a check that counts demands ${RELEASE} of every answer, so that passing proves
// which release answered.
func (s *Suite) ProvesRelease() bool {
	return slices.ContainsFunc(s.checks, func(c check) bool { return c.provesRelease && !c.observe })
}

// HasCompare reports whether the suite compares target and baseline.
func (s *Suite) HasCompare() bool { return len(s.compares) > 0 }

// InconclusiveAllowed is the suite's policy: a hook lets INCONCLUSIVE pass.
func (s *Suite) InconclusiveAllowed() bool { return s.policy.inconclusiveAllowed }

// BaselineOptional is the suite's policy: without a baseline compare is left out, and that is no fault.
func (s *Suite) BaselineOptional() bool { return s.policy.baselineOptional }

func (c *check) writes() bool {
	return slices.ContainsFunc(c.steps, func(s step) bool { return !s.reads() })
}

func (s *step) reads() bool { return s.method == "GET" || s.method == "HEAD" }

// single reports whether the check is one GET or HEAD that any release must answer alike, so that blue
// may be asked the same.
func (c *check) single() bool {
	return !c.flow && len(c.steps) == 1 && c.steps[0].reads() && !c.mentionsRelease
}

// once is the check without patience: asked one time, whatever it declares.
func (c *check) once() *check {
	if !slices.ContainsFunc(c.steps, func(s step) bool { return s.eventually > 0 }) {
		return c
	}
	out := *c
	out.steps = slices.Clone(c.steps)
	for i := range out.steps {
		out.steps[i].eventually = 0
	}
	return &out
}

// sends reports whether the variable stands in the request itself.
func (s *step) sends(name string) bool {
	found := false
	u := usage{reader: &reader{}}
	u.step(s, func(t text, expected bool) { found = found || !expected && mentions(t, name) })
	return found
}

func mentions(t text, name string) bool {
	return slices.ContainsFunc(t.parts, func(p part) bool { return p.name == name })
}

// keeps reports whether a check with these tags stays when filtered: it carries one of the wanted tags,
// if any is wanted, and none of the unwanted ones, which begin with "!".
func keeps(filter, tags []string) bool {
	wanted, found := false, false
	for _, f := range filter {
		if f != "" && f[0] == '!' {
			if slices.Contains(tags, f[1:]) {
				return false
			}
			continue
		}
		wanted = true
		found = found || slices.Contains(tags, f)
	}
	return found || !wanted
}

// Counted lists the names of the checks that count: all but those that only observe.
func (s *Suite) Counted() []string {
	var out []string
	for _, c := range s.checks {
		if !c.observe {
			out = append(out, c.name)
		}
	}
	return out
}

// Comparisons lists the names of the suite's comparisons.
func (s *Suite) Comparisons() []string {
	var out []string
	for _, c := range s.compares {
		out = append(out, c.name)
	}
	return out
}

// Size returns how many checks and comparisons a tag filter leaves.
func (s *Suite) Size(tags []string) (checks, compares int) {
	a, b := s.chosen(tags)
	return len(a), len(b)
}

// UnknownTags lists the tags of a filter that nothing in the suite has: misspelt, or meant for another suite.
func (s *Suite) UnknownTags(filter []string) []string {
	var out []string
	for _, f := range filter {
		tag := strings.TrimPrefix(f, "!")
		known := slices.ContainsFunc(s.checks, func(c check) bool { return slices.Contains(c.tags, tag) }) ||
			slices.ContainsFunc(s.compares, func(c comparison) bool { return slices.Contains(c.tags, tag) })
		if !known {
			out = append(out, tag)
		}
	}
	return out
}

// CheckTags returns an error when a tag filter would leave no check that counts.
func (s *Suite) CheckTags(tags []string) error {
	checks, _ := s.chosen(tags)
	if slices.ContainsFunc(checks, func(c *check) bool { return !c.observe }) {
		return nil
	}
	var known []string
	for _, c := range s.checks {
		for _, t := range c.tags {
			if !slices.Contains(known, t) {
				known = append(known, t)
			}
		}
	}
	help := "the suite has no tags"
	if len(known) > 0 {
		help = "the suite has the tags " + strings.Join(known, ", ")
	}
	return fmt.Errorf("%s leaves no check that counts; %s", quote(strings.Join(tags, ",")), help)
}
