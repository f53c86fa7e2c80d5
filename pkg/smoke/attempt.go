package smoke

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/probe"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
)

const (
	// eventuallyEvery is how often a read that is declared eventually consistent is asked.
	eventuallyEvery = 200 * time.Millisecond
	// maxFindings bounds what is told of one attempt or check; a list of a thousand wrong items is told by its first.
	maxFindings = 20
	// maxExcerptBytes and maxExcerpt bound how much of a response is looked at, and shown, for people.
	maxExcerptBytes = 8 << 10
	maxExcerpt      = 400
	maxValue        = 200
)

// attempt is one pass through a check's steps.
type attempt struct {
	runner *runner
	check  *check
	side   *side
	number int
	fresh  bool
	// scope.secrets knows what was captured as a secret, too.
	scope scope

	findings  []Finding
	latencies []time.Duration
	asserted  int
	// fault and status are those of the request that failed.
	fault  probe.Fault
	status int
	// stopped is set when the run's time ended in the middle: then the attempt says nothing.
	stopped bool
	// config is set when the release is not to blame: a request that cannot be sent, a certificate that does not
	// verify, a limit of this machine's own.
	config string
	// learned is how much was captured as a secret, in bytes.
	learned int
	// hidden is set when the answer may hold a secret that could not be found in it.
	hidden bool
	// other is what answered instead of the expected release, when that could be told.
	other string
}

func (a *attempt) failed() bool { return len(a.findings) > 0 }

// attempt runs the check once against a side. Steps that are to run always do so even when ctx has ended,
// for a moment.
func (r *runner) attempt(ctx context.Context, c *check, s *side, number int, fresh bool) *attempt {
	a := &attempt{
		runner: r, check: c, side: s, number: number, fresh: fresh,
		scope: scope{vars: r.vars, secrets: r.secrets},
	}
	for i := range c.steps {
		st := &c.steps[i]
		switch {
		case !st.always && (a.failed() || a.stopped || a.config != ""):
		case st.always && !a.hasValues(st):
		case st.always:
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
		pause(out, cleanupGrace)
		cancel()
	})
	return out, func() { stop(); cancel() }
}

// hasValues reports whether all that the step needs has been captured.
func (a *attempt) hasValues(s *step) bool {
	ok := true
	u := usage{reader: &reader{}}
	u.step(s, func(t text, _ bool) {
		for _, p := range t.names() {
			if _, _, found := a.scope.get(p.name); !found {
				ok = false
			}
		}
	})
	return ok
}

// step asks once, or again and again where that is declared.
func (a *attempt) step(ctx context.Context, i int, s *step) {
	q, err := a.request(s)
	if err != nil {
		a.refused(i, s, err)
		return
	}
	until := time.Now().Add(s.eventually)
	for {
		asked := time.Now()
		v := a.ask(ctx, s, q)
		if v.observation.Fault == probe.FaultInterrupted {
			a.stopped = true
			return
		}
		if len(v.wrong) > 0 && s.eventually > 0 && !v.final() {
			next := asked.Add(eventuallyEvery)
			if next.Before(until) && pause(ctx, time.Until(next)) {
				continue
			}
		}
		a.note(i, s, q, v)
		return
	}
}

// request builds what is sent.
func (a *attempt) request(s *step) (probe.Request, error) {
	q := probe.Request{
		Method: s.method, Timeout: s.timeout, MaxBody: s.maxBody, Fresh: a.fresh,
		KeepRedirect: s.expect.wantsRedirect(), Header: make(http.Header, len(s.headers)+4),
	}
	var err error
	if q.Path, err = s.path.path(a.scope); err != nil {
		return q, err
	}
	q.Header["User-Agent"] = []string{"greenlight-smoke"}
	q.Header["Accept"] = []string{"*/*"}
	q.Header["Accept-Encoding"] = []string{"gzip"}
	if q.Body, err = s.body.bytes(a.scope); err != nil {
		return q, err
	}
	if s.body != nil && s.body.contentType != "" {
		q.Header["Content-Type"] = []string{s.body.contentType}
	}
	for _, h := range s.headers {
		v, err := h.value.header(a.scope)
		if err != nil {
			return q, err
		}
		q.Header[h.name] = []string{v}
	}
	maps.Copy(q.Header, a.side.headers)
	return q, nil
}

// refused notes a request that cannot be built. When what was captured makes it impossible, the response
// that it came from is to blame; else the suite is.
func (a *attempt) refused(i int, s *step, err error) {
	text := a.scope.secrets.Line(err.Error(), maxReason)
	if len(a.scope.captured) == 0 {
		a.config = text
	}
	a.add(i, s, Finding{
		Place: s.path.at.place(a.runner.suite.file), Request: s.method + " " + s.path.literal(),
		Subject: "request", Expected: "a request that can be sent", Got: text,
	})
}

// ask sends the request and judges the answer.
func (a *attempt) ask(ctx context.Context, s *step, q probe.Request) verification {
	o := a.side.ask(ctx, q)
	if o.Answered() {
		a.latencies = append(a.latencies, o.Latency)
	}
	a.learn(s, &o)
	v := verify(s, o, a.scope)
	if a.learned > redact.MaxSecrets { // all else that is wrong may quote them
		v.wrong = []wrong{{at: s.at, subject: "capture", mismatch: mismatch{
			fmt.Sprintf("secrets of at most %d KiB together", redact.MaxSecrets>>10), "more, which cannot be kept out of what is printed",
		}}}
	}
	return v
}

// learn takes the secrets that the step is to capture from the answer, whether it turns out right or not:
// findings quote it. A body in which they cannot be found, or not be hidden, is not shown at all.
func (a *attempt) learn(s *step, o *probe.Observation) {
	if len(o.Body) == 0 || !slices.ContainsFunc(s.captures, func(c capture) bool { return c.secret }) {
		return
	}
	root, err := decode(o.Body)
	if err != nil {
		a.hidden = true
		return
	}
	var texts []string
	for _, c := range s.captures {
		nodes, err := c.path.find(root)
		if !c.secret || err != nil {
			continue
		}
		for _, n := range nodes {
			if text, ok := textOf(n); ok && a.scope.secrets.Text(text) != redact.Mask {
				texts = append(texts, text)
				a.learned += len(text)
			}
		}
	}
	if a.learned > redact.MaxSecrets {
		a.hidden = true
		return
	}
	a.scope.secrets = a.scope.secrets.With(texts...)
}

// note keeps what an answer showed.
func (a *attempt) note(i int, s *step, q probe.Request, v verification) {
	a.asserted += v.asserted
	if len(v.wrong) == 0 {
		a.take(i, s, v)
		return
	}
	if !a.failed() {
		a.fault, a.status = v.observation.Fault, v.observation.Status
	}
	if v.observation.Fault == probe.FaultCertificate {
		a.config = "the certificate does not verify: " + a.scope.secrets.Line(v.observation.Text, maxReason)
	}
	if v.observation.Fault == probe.FaultRequest {
		a.config = a.scope.secrets.Line(v.observation.Text, maxReason)
	}
	if v.observation.Fault == probe.FaultLocal {
		a.config = "the gate's own machine or network has a limit, the release was not asked: " + a.scope.secrets.Line(v.observation.Text, maxReason) +
			"; lower policy.concurrency, or look at the function's subnets and security group"
	}
	excerpt := a.excerpt(v.observation.Body)
	for _, w := range v.wrong {
		if a.hidden && w.subject == string(subjectBody) {
			w.got = "a body that may hold a secret"
		}
		// A quoted value is one that was there; what answers without any version is not another release.
		if w.release && a.other == "" && strings.HasPrefix(w.got, `"`) {
			a.other = a.scope.secrets.Line(w.got, maxValue)
		}
		a.add(i, s, Finding{
			Place: w.at.place(a.runner.suite.file), Request: s.method + " " + q.Path,
			Subject: w.subject, Expected: w.expected, Got: w.got, Excerpt: excerpt,
		})
	}
}

// take captures what the step says. A value that is not there, or not a single one, is a failure.
func (a *attempt) take(i int, s *step, v verification) {
	for _, c := range s.captures {
		value, got := v.capture(c, a.scope.secrets)
		if got != "" {
			a.add(i, s, Finding{
				Place: c.at.place(a.runner.suite.file), Request: s.method + " " + s.path.literal(), Subject: "capture " + c.name,
				Expected: "one value at " + c.path.expr, Got: got, Excerpt: a.excerpt(v.observation.Body),
			})
			continue
		}
		if a.scope.captured == nil {
			a.scope.captured = map[string]string{}
		}
		a.scope.captured[c.name] = value
	}
}

func (a *attempt) add(i int, s *step, f Finding) {
	if len(a.findings) >= maxFindings {
		return
	}
	f.Attempt, f.Count = a.number, 1
	if a.check.flow {
		f.Step = i + 1
	}
	if f.Place == (diagnostic.Place{File: a.runner.suite.file}) {
		f.Place = s.at.place(a.runner.suite.file)
	}
	f.Request = redact.Safe(a.scope.secrets.Cut(cut(f.Request)), maxValue)
	f.Subject = redact.Safe(a.scope.secrets.Cut(cut(f.Subject)), maxValue)
	f.Expected = redact.Safe(a.scope.secrets.Cut(cut(f.Expected)), maxValue)
	f.Got = redact.Safe(a.scope.secrets.Cut(cut(f.Got)), maxValue)
	a.findings = append(a.findings, f)
}

func (a *attempt) excerpt(body []byte) string {
	if a.hidden {
		return ""
	}
	return redact.Safe(a.scope.secrets.Cut(string(body[:min(len(body), maxExcerptBytes)])), maxExcerpt)
}
