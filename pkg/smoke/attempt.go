package smoke

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/probe"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

const (
	eventuallyEvery = 200 * time.Millisecond // the interval between the requests of a step that declares `eventually`
	maxFindings     = 20                     // of one attempt or check: of a thousand wrong items, the first
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
	from   map[string]string // the paths that captures came from, which a link among them refers to
	scope  suite.Scope       // scope.secrets includes the secrets that were captured

	findings  []finding.Finding
	latencies []time.Duration
	asserted  int
	// fault and status are those of the request that failed.
	fault   probe.Fault
	status  int
	stopped bool   // whether the run's time ended during the attempt, which then proves nothing
	config  string // why the release is not to blame: the request, a certificate, a limit of our own
	learned int    // how much was captured as a secret, in bytes
	hidden  bool   // whether the answer may hold a secret that could not be found in it
	other   string // the version that answered instead of the expected release, when the answer showed one
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
			cleanup, cancel := afterwards(ctx, cleanupGrace)
			a.step(cleanup, i, st)
			cancel()
		default:
			a.step(ctx, i, st)
		}
	}
	return a
}

// afterwards returns a context that ends so long after ctx.
func afterwards(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		Pause(out, grace)
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
		next := asked.Add(eventuallyEvery)
		if len(v.Wrong) > 0 && !v.Final() && next.Before(until) && Pause(ctx, time.Until(next)) {
			continue
		}
		a.note(i, s, q, v)
		if !a.failed() && a.config == "" && s.AssetsAt() != (suite.Pos{}) {
			a.assets(ctx, i, s, q, v.Observation)
		}
		return
	}
}

// refused notes a request that cannot be built: to blame is the response that a value was captured from, or the suite.
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

// maxAssets bounds how many assets of a page are asked for.
const maxAssets = 100

// assets asks for what the page of step i needs of its own origin: each stylesheet, script and image answers 2xx. A page
// in its place is what servers of single-page applications have for every path that is not there.
func (a *attempt) assets(ctx context.Context, i int, s *suite.Step, page probe.Request, o probe.Observation) {
	asked := 0
	for _, link := range suite.Assets(o) {
		q := probe.Request{
			Method: http.MethodGet, Path: link, Link: true, From: o.Path, Host: page.Host, Jar: a.jar, Fresh: a.fresh,
			Header: maps.Clone(page.Header), Timeout: page.Timeout, MaxBody: page.MaxBody, Unread: true,
		}
		if !a.side.client.Owns(q) {
			continue
		}
		if asked++; asked > maxAssets {
			break
		}
		got := ""
		answer := a.side.ask(ctx, q)
		switch {
		case answer.Fault == probe.FaultInterrupted:
			a.stopped = true
			return
		case !answer.Answered():
			got = answer.Text
		case answer.Status < 200 || answer.Status > 299:
			got = strconv.Itoa(answer.Status)
		case strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html"):
			got = "a page (text/html) in its place"
		}
		if got != "" {
			a.wrongAsset(i, s, page, "asset "+link, suite.Mismatch{Expected: "2xx", Got: got})
		}
		if answer.Fault == probe.FaultTimeout { // each of the others would take as long
			break
		}
	}
	a.asserted += asked
	switch {
	case asked == 0:
		a.wrongAsset(i, s, page, "assets", suite.Mismatch{Expected: "a stylesheet, script or image of this origin", Got: "none"})
	case asked > maxAssets:
		a.wrongAsset(i, s, page, "assets", suite.Mismatch{Expected: fmt.Sprintf("at most %d", maxAssets), Got: "more"})
	}
}

func (a *attempt) wrongAsset(i int, s *suite.Step, page probe.Request, subject string, m suite.Mismatch) {
	a.add(i, s, s.Method+" "+page.Path, "", suite.Wrong{At: s.AssetsAt(), Subject: subject, Mismatch: m})
}
