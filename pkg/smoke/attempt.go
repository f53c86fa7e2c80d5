package smoke

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/probe"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

const (
	// eventuallyEvery is the interval between the requests of a step that declares `eventually`.
	eventuallyEvery = 200 * time.Millisecond
	// maxFindings bounds the findings of one attempt or check: of a list of a thousand wrong items the first ones are
	// enough.
	maxFindings = 20
	// maxExcerptBytes and maxExcerpt bound how much of a response is looked at, and shown, for people.
	maxExcerptBytes = 8 << 10
	maxExcerpt      = 400
	// maxText and maxValue bound how much of a value is looked at, and shown.
	maxText  = 4 << 10
	maxValue = 200
)

// attempt is one pass through a check's steps.
type attempt struct {
	runner *runner
	check  *suite.Check
	side   *side
	number int
	fresh  bool
	jar    *probe.Jar
	// from are the paths that captures came from, which a link among them refers to.
	from map[string]string
	// scope.secrets includes the secrets that were captured.
	scope suite.Scope

	findings  []finding.Finding
	latencies []time.Duration
	asserted  int
	// fault and status are those of the request that failed.
	fault  probe.Fault
	status int
	// stopped is set when the run's time ended during the attempt, which then proves nothing.
	stopped bool
	// config is set when the release is not to blame: a request that cannot be sent, a certificate that does not
	// verify, a limit of this machine's own.
	config string
	// learned is how much was captured as a secret, in bytes.
	learned int
	// hidden is set when the answer may hold a secret that could not be found in it.
	hidden bool
	// other is the version that answered instead of the expected release, when the answer showed one.
	other string
}

func (a *attempt) failed() bool { return len(a.findings) > 0 }

// attempt runs the check once against a side. Steps with `always` still run for a moment after ctx has ended.
func (r *runner) attempt(ctx context.Context, c *suite.Check, s *side, number int, fresh bool) *attempt {
	a := &attempt{
		runner: r, check: c, side: s, number: number, fresh: fresh, jar: probe.NewJar(nil), from: map[string]string{},
		scope: suite.Scope{Vars: r.vars, Secrets: r.secrets, Attempt: suite.Attempt(number, s.name)},
	}
	if was := s.session; was != nil {
		a.jar, a.scope.Secrets, a.scope.Captured = probe.NewJar(was.jar), was.scope.Secrets, maps.Clone(was.scope.Captured)
		maps.Copy(a.from, was.from)
	}
	for i := range c.Steps {
		st := c.Steps[i]
		switch {
		case !st.Always && (a.failed() || a.stopped || a.config != ""):
		case st.Always && !st.HasValues(a.scope):
		case st.Always:
			cleanup, cancel := afterwards(ctx)
			a.step(cleanup, i, st)
			cancel()
		default:
			a.step(ctx, i, st)
		}
	}
	return a
}

// afterwards returns a context that outlives ctx by the time for cleaning up.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		Pause(out, cleanupGrace)
		cancel()
	})
	return out, func() { stop(); cancel() }
}

// step sends its request once, or repeatedly when it declares `eventually`.
func (a *attempt) step(ctx context.Context, i int, s *suite.Step) {
	q, err := s.Request(a.scope)
	if err != nil {
		a.refused(i, s, err)
		return
	}
	q.Fresh, q.Jar, q.From = a.fresh, a.jar, a.from[s.Link()]
	if q.Host != "" {
		q.Host = a.side.way.host(q.Host)
		if len(a.side.way.Hosts) == 0 && fits(a.side.other.Hosts, q.Host) {
			a.refused(i, s, fmt.Errorf("the host %s leads to the other release", q.Host))
			return
		}
	}
	maps.Copy(q.Header, a.side.headers)
	until := time.Now().Add(s.Eventually)
	for {
		asked := time.Now()
		v := a.ask(ctx, s, q)
		if v.Observation.Fault == probe.FaultInterrupted {
			a.stopped = true
			return
		}
		if len(v.Wrong) > 0 && s.Eventually > 0 && !v.Final() {
			next := asked.Add(eventuallyEvery)
			if next.Before(until) && Pause(ctx, time.Until(next)) {
				continue
			}
		}
		a.note(i, s, q, v)
		if !a.failed() && a.config == "" && s.WantsAssets() {
			a.assets(ctx, i, s, q, v.Observation)
		}
		return
	}
}

// refused notes a request that cannot be built. When a captured value makes it impossible, the response with that value
// is to blame, otherwise the suite.
func (a *attempt) refused(i int, s *suite.Step, err error) {
	text := a.scope.Secrets.Line(err.Error(), maxReason)
	if len(a.scope.Captured) == 0 || errors.Is(err, suite.ErrLink) {
		a.config = text
	}
	a.add(i, s, s.RequestLine(), "", suite.Wrong{
		At: s.RequestAt(), Subject: "request", Mismatch: suite.Mismatch{Expected: "a request that can be sent", Got: text},
	})
}

// ask sends the request and judges the answer.
func (a *attempt) ask(ctx context.Context, s *suite.Step, q probe.Request) suite.Verification {
	o := a.side.ask(ctx, q)
	if o.Answered() {
		a.latencies = append(a.latencies, o.Latency)
	}
	a.learn(s, &o)
	v := s.Verify(o, a.scope)
	if a.learned > redact.MaxSecrets { // every other finding may quote them
		v.Wrong = []suite.Wrong{{At: s.At, Subject: "capture", Mismatch: suite.Mismatch{
			Expected: fmt.Sprintf("secrets of at most %d KiB together", redact.MaxSecrets>>10),
			Got:      "more, which cannot be kept out of what is printed",
		}}}
	}
	return v
}

// learn captures the step's secrets before the answer is judged, because the findings quote the answer. When they
// cannot be found in the body, or cannot be hidden, the body is not shown at all.
func (a *attempt) learn(s *suite.Step, o *probe.Observation) {
	found, readable := s.SecretsIn(*o, a.scope)
	var texts []string
	for _, text := range found {
		if a.scope.Secrets.Text(text) != redact.Mask {
			texts = append(texts, text)
			a.learned += len(text)
		}
	}
	if !readable || a.learned > redact.MaxSecrets {
		a.hidden = true
		return
	}
	if len(texts) > 0 {
		a.scope.Secrets = a.scope.Secrets.With(texts...)
	}
}

// note keeps what an answer showed.
func (a *attempt) note(i int, s *suite.Step, q probe.Request, v suite.Verification) {
	a.asserted += v.Asserted
	if len(v.Wrong) == 0 {
		a.take(i, s, v)
		return
	}
	if !a.failed() {
		a.fault, a.status = v.Observation.Fault, v.Observation.Status
	}
	switch text := a.scope.Secrets.Line(v.Observation.Text, maxReason); v.Observation.Fault {
	case probe.FaultCertificate:
		a.config = "the certificate does not verify: " + text
	case probe.FaultRequest, probe.FaultHandshake:
		a.config = text
	case probe.FaultLocal:
		a.config = "the gate's own machine or network has a limit, the release was not asked: " + text +
			"; lower policy.concurrency, or look at the function's subnets and security group"
	default:
	}
	excerpt := a.excerpt(v.Observation)
	for _, w := range v.Wrong {
		if a.hidden && w.Subject == string(suite.SubjectBody) {
			w.Got = "a body that may hold a secret"
		}
		// Got is quoted when the answer had a value. An answer without any version is not another release's.
		if w.Release && a.other == "" && strings.HasPrefix(w.Got, `"`) {
			a.other = a.scope.Secrets.Line(w.Got, maxValue)
		}
		a.add(i, s, s.Method+" "+q.Path, excerpt, w)
	}
}

// take captures the values that the step names. A missing value, or more than one, is a failure.
func (a *attempt) take(i int, s *suite.Step, v suite.Verification) {
	captured, missing := v.Captures(s, a.scope)
	if a.scope.Captured == nil {
		a.scope.Captured = captured
	}
	maps.Copy(a.scope.Captured, captured)
	for name := range captured {
		a.from[name] = v.Observation.Path
	}
	for _, w := range missing {
		a.add(i, s, s.RequestLine(), a.excerpt(v.Observation), w)
	}
}

// add notes what was wrong with the answer of step i; excerpt is a part of that answer.
func (a *attempt) add(i int, s *suite.Step, request, excerpt string, w suite.Wrong) {
	if len(a.findings) >= maxFindings {
		return
	}
	f := finding.Finding{
		Place: a.runner.suite.Place(cmp.Or(w.At, s.At)), Attempt: a.number, Count: 1, Request: a.line(request),
		Subject: a.line(w.Subject), Expected: a.line(w.Expected), Got: a.line(w.Got), Excerpt: excerpt,
	}
	if a.check.Flow {
		f.Step = i + 1
	}
	a.findings = append(a.findings, f)
}

// line is a text of a finding as it may be shown: bounded and redacted.
func (a *attempt) line(s string) string {
	return redact.Safe(a.scope.Secrets.Cut(s[:min(len(s), maxText)]), maxValue)
}

func (a *attempt) excerpt(o probe.Observation) string {
	if a.hidden {
		return ""
	}
	body := suite.BodyText(o)
	return redact.Safe(a.scope.Secrets.Cut(body[:min(len(body), maxExcerptBytes)]), maxExcerpt)
}
