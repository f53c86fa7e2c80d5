package suite

import (
	"crypto/x509"
	_ "embed"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
)

// The defaults of a suite, which buildtools/smoke/README.md tells; one that changes changes what every suite means.
const (
	defaultTimeout     = 5 * time.Second
	defaultMaxBody     = 1 << 20
	defaultAttempts    = 5
	defaultConsecutive = 20
	defaultWithin      = 5 * time.Minute
	defaultAskFor      = 30 * time.Minute
	defaultPairs       = 300
	defaultWarmup      = 20
	// Pairs are this far from each other, where over does not say it.
	pairEvery           = 100 * time.Millisecond
	defaultWarmUpWithin = 2 * time.Minute
	defaultConcurrency  = 8
)

// maxMeasured is the most that a time of a comparison can be.
const maxMeasured = 10 * time.Minute

// MaxAskFor is the most that ask_for can be.
const MaxAskFor = 12 * time.Hour

// Suite is a suite that has been read and checked. It does not change, and can be used by several runs.
type Suite struct {
	Name string
	// SHA256 is the checksum of the suite's text, in hex.
	SHA256 string
	file   string

	// Rate is how many requests a second each side may be sent, 0 without a limit.
	Rate   float64
	rateAt Pos
	// Concurrency is how many checks run at the same time.
	Concurrency int
	// Consecutive is how many rounds of readiness must hold in a row, Within how long that may take.
	Consecutive int
	Within      time.Duration

	// InconclusiveAllowed lets a hook let INCONCLUSIVE pass; AskFor is how long it asks somebody what to make of it, 0
	// where it does not ask. With BaselineOptional compare is left out without a baseline, and that is no fault.
	InconclusiveAllowed, BaselineOptional bool
	AskFor                                time.Duration

	variables   []variable
	defaults    defaults
	readinessAt Pos
	readiness   []string // the checks that it names
	// Setup and Teardown are the flows before and after the checks of a phase, nil without any; SetupPerCheck says that
	// each check has its own.
	Setup, Teardown *Check
	SetupPerCheck   bool
	checks          []*Check
	compares        []*Comparison
	// Watch is what is watched after the shift, nil where the suite does not say.
	Watch *Watch
	host  text

	// Roots are the authorities that certificates are checked against, nil for the system's; ServerName is the name that
	// they must have, empty for the target's own.
	Roots      *x509.CertPool
	ServerName string
}

type defaults struct {
	timeout  time.Duration
	maxBody  int64
	attempts int // 0 when the suite does not say
	allowed  int
	headers  []header
}

// Check is one request, or a flow of several, that is made a number of times.
type Check struct {
	Name string
	At   Pos
	// Attempts are made, of which Allowed may fail.
	Attempts, Allowed int
	tags              []string
	// Observe says that it never counts, Flow that its steps were written as such.
	Observe, Flow bool
	// mentionsRelease is set when ${RELEASE} stands anywhere in it, ProvesRelease when no answer of another release
	// can make it pass.
	mentionsRelease, ProvesRelease bool
	// needsSetup says that it uses what setup captures. It runs after the checks of these names, which stand above it.
	needsSetup bool
	After      []string
	Steps      []*Step
}

// Comparison is a check of one request, without attempts, that is made of target and baseline in turn.
type Comparison struct {
	Check
	// Pairs of requests are compared, Over so long a time, after Warmup pairs, or pairs for WarmupFor, that are not.
	Pairs, Warmup   int
	Over, WarmupFor time.Duration
	// WarmUpWithin is how long it is looked whether a slower release still gets faster.
	WarmUpWithin time.Duration
	// MinShift and MinRatio are how much slower it must be to be called slower; both count.
	MinShift time.Duration
	MinRatio float64
	// P95 is the bound of the new release's 95th percentile, or 0.
	P95 time.Duration
}

// Step is one request and what is expected of its answer.
type Step struct {
	At      Pos
	Method  string
	path    text
	host    text // instead of the suite's; empty without one
	headers []header
	body    *body
	// http2 asks over HTTP/2, webSocket opens one and sends this text, grpc asks for the health of a gRPC service.
	http2     bool
	webSocket *text
	grpc      bool
	timeout   time.Duration
	maxBody   int64
	expect    expectation
	captures  []capture
	// Eventually is how long it is asked again until its expectation holds, Always that it is run after a failure, too.
	Eventually time.Duration
	Always     bool
	// broken is set when its request or expectation was already found wrong.
	broken bool
}

type header struct {
	name  string
	value text
	// drop takes a default header away.
	drop bool
}

// References lists the variables whose values the caller of Run looks up.
func (s *Suite) References() []Reference {
	looked := kept(s.variables, func(v variable) bool { return v.ref != nil })
	return list(looked, func(v variable) Reference { return *v.ref })
}

// Variables lists the names that the suite declares.
func (s *Suite) Variables() []string {
	return list(s.variables, func(v variable) string { return v.name })
}

// Redactor returns what hides the secrets of the values and of the suite; one too large to be hidden is an error.
func (s *Suite) Redactor(values map[string]Value) (*redact.Redactor, error) {
	secrets := map[string]string{}
	for name, v := range values {
		if v.Secret {
			secrets["variable "+name] = v.Text
		}
	}
	bound, _ := s.Bind("", "", values)
	for _, v := range s.variables {
		if v.basic {
			secrets["variable "+v.name] = bound[v.name]
			both, _ := base64.StdEncoding.DecodeString(bound[v.name]) // one that was given may be none
			_, secrets["password of variable "+v.name], _ = strings.Cut(string(both), ":")
		} else if v.secret {
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
	return s.HostMentionsRelease() ||
		slices.ContainsFunc(append(s.flows(), s.checks...), func(c *Check) bool { return c.mentionsRelease })
}

// ProvesRelease reports whether a check that counts demands ${RELEASE} of every answer: passing proves who answered.
func (s *Suite) ProvesRelease() bool {
	return slices.ContainsFunc(s.checks, func(c *Check) bool { return c.ProvesRelease && !c.Observe })
}

func (c *Check) writes() bool {
	return slices.ContainsFunc(c.Steps, func(s *Step) bool { return !s.Reads() && !s.broken })
}

// Reads reports whether the request changes nothing: GET or HEAD.
func (s *Step) Reads() bool { return s.Method == "GET" || s.Method == "HEAD" || s.grpc }

// Single reports whether the check is one GET or HEAD that any release must answer alike, so that blue may be asked.
func (c *Check) Single() bool {
	return !c.Flow && len(c.Steps) == 1 && c.Steps[0].Reads() && !c.mentionsRelease && !c.needsSetup
}

// Once is the check without patience: asked one time, whatever it declares.
func (c *Check) Once() *Check {
	if !slices.ContainsFunc(c.Steps, func(s *Step) bool { return s.Eventually > 0 }) {
		return c
	}
	out := *c
	out.Steps = list(c.Steps, func(s *Step) *Step {
		impatient := *s
		impatient.Eventually = 0
		return &impatient
	})
	return &out
}

// SendsRelease reports whether ${RELEASE} stands in the request itself.
func (s *Step) SendsRelease() bool { return mentions(varRelease, s.sent()...) }

// mentions reports whether the variable stands in one of the texts.
func mentions(name string, texts ...text) bool {
	return slices.ContainsFunc(texts, func(t text) bool {
		return slices.ContainsFunc(t.parts, func(p part) bool { return p.name == name })
	})
}

// keeps says whether the tags have one of the wanted ones, if any is wanted, and none of the unwanted, as "!slow" is.
func keeps(filter, tags []string) bool {
	has := func(tag string) bool { return slices.Contains(tags, tag) }
	wanted := kept(filter, func(f string) bool { return !strings.HasPrefix(f, "!") })
	return (len(wanted) == 0 || slices.ContainsFunc(wanted, has)) &&
		!slices.ContainsFunc(filter, func(f string) bool { return strings.HasPrefix(f, "!") && has(f[1:]) })
}

// Counted lists the names of what has to hold: the setup of a phase, and the checks but those that only observe.
func (s *Suite) Counted() []string {
	counted := kept(s.checks, func(c *Check) bool { return !c.Observe })
	if s.Setup != nil && !s.SetupPerCheck {
		counted = append([]*Check{s.Setup}, counted...)
	}
	return list(counted, func(c *Check) string { return c.Name })
}

// Comparisons lists the names of the suite's comparisons.
func (s *Suite) Comparisons() []string {
	return list(s.compares, func(c *Comparison) string { return c.Name })
}

// UnknownTags lists the tags of a filter that nothing in the suite has: misspelt, or meant for another suite.
func (s *Suite) UnknownTags(filter []string) []string {
	tags := list(filter, func(f string) string { return strings.TrimPrefix(f, "!") })
	return kept(tags, func(tag string) bool {
		return !slices.ContainsFunc(s.checks, func(c *Check) bool { return slices.Contains(c.tags, tag) }) &&
			!slices.ContainsFunc(s.compares, func(c *Comparison) bool { return slices.Contains(c.tags, tag) })
	})
}

// CheckTags returns an error when a tag filter would leave no check that counts.
func (s *Suite) CheckTags(tags []string) error {
	checks, _ := s.Chosen(tags)
	if slices.ContainsFunc(checks, func(c *Check) bool { return !c.Observe }) {
		return nil
	}
	help := "the suite has no tags"
	if known := distinct(slices.Concat(list(s.checks, func(c *Check) []string { return c.tags })...)); len(known) > 0 {
		help = "the suite has the tags " + strings.Join(known, ", ")
	}
	return fmt.Errorf("%s leaves no check that counts; %s", quote(strings.Join(tags, ",")), help)
}

// ReadinessChecks are those that the suite names, or the reading ones that mention ${RELEASE}, or the home page.
func (s *Suite) ReadinessChecks() []*Check {
	out := kept(s.checks, func(c *Check) bool {
		return slices.Contains(s.readiness, c.Name) ||
			len(s.readiness) == 0 && c.mentionsRelease && !c.Observe && !c.writes() && !c.needsSetup
	})
	if len(out) > 0 {
		return out
	}
	return []*Check{{Name: "GET / below 500", Attempts: 1, Steps: []*Step{{
		Method: "GET", path: text{raw: "/"}, headers: s.defaults.headers,
		timeout: s.defaults.timeout, maxBody: s.defaults.maxBody,
		expect: expectation{status: statuses{"2xx", "3xx", "4xx"}},
	}}}}
}

// flows are setup and teardown, where there are any.
func (s *Suite) flows() []*Check {
	return kept([]*Check{s.Setup, s.Teardown}, func(c *Check) bool { return c != nil })
}

// Chosen returns the checks and comparisons that a tag filter leaves.
func (s *Suite) Chosen(tags []string) ([]*Check, []*Comparison) {
	return kept(s.checks, func(c *Check) bool { return keeps(tags, c.tags) }),
		kept(s.compares, func(c *Comparison) bool { return keeps(tags, c.tags) })
}

// RequestLine is the request as the suite writes it: "GET /orders/${id}".
func (s *Step) RequestLine() string { return s.Method + " " + s.path.raw }

// RequestAt is where the request stands.
func (s *Step) RequestAt() Pos { return s.path.at }

// Place is a place in the suite's file.
func (s *Suite) Place(p Pos) diagnostic.Place { return p.place(s.file) }

//go:embed schema.json
var schema []byte

// Schema returns the JSON Schema (2020-12) of a suite, for editors. Undeclared variables and the like only Read finds.
func Schema() []byte { return append([]byte(nil), schema...) }
