package suite

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v4"

	"github.com/greenlight-ecs/greenlight/pkg/compare"
)

func (r *reader) checks(p *pair, d *defaults) []*Check {
	out := list(r.items(p.value, "checks"), func(n *yaml.Node) *Check { return r.check(n, d) })
	switch {
	case p.value.Kind != yaml.SequenceNode:
	case len(out) == 0:
		r.fail(p.at, "write a check: {name: health, request: GET /health, expect: {status: 200}}", "the suite has no checks")
	case !slices.ContainsFunc(out, func(c *Check) bool { return !c.Observe }):
		r.fail(p.at, "take observe away from one that should count", "all checks only observe, so the suite cannot fail")
	}
	return out
}

func (r *reader) check(n *yaml.Node, d *defaults) *Check {
	c := &Check{At: posOf(n), Allowed: d.allowed}
	single := Step{At: c.At}
	var steps *pair
	own := []row{
		{"name", func(p pair) { c.Name, c.At = r.name(p.value), posOf(p.value) }},
		{"steps", func(p pair) { steps = &p }},
		{"attempts", func(p pair) { c.Attempts = r.integer(p.value, "attempts", 1, maxAttempts) }},
		{"allowed_failures", func(p pair) { c.Allowed = r.integer(p.value, "allowed_failures", 0, maxAttempts) }},
		{"tags", func(p pair) { c.tags = r.tags(p.value) }},
		{"observe", func(p pair) { c.Observe = r.boolean(p.value, "observe") }},
		{"after", func(p pair) { c.After = r.checkNames(r.oneOrMore(p.value, "after")) }},
	}
	before := len(r.problems)
	given := r.entries(n, "a check", slices.Concat(own, r.requestKeys(&single)))
	asked := kept(given, func(key string) bool { return !slices.ContainsFunc(own, func(k row) bool { return k.key == key }) })
	c.Flow = steps != nil
	switch {
	case c.Flow && len(asked) > 0:
		r.fail(c.At, "move it into a step", "a check has steps or a request of its own, and this has steps and %s",
			asked[len(asked)-1])
	case c.Flow:
		c.Steps = r.steps(steps, d)
	default:
		single.broken = single.broken || len(r.problems) > before && single.Method == "" // it may be called otherwise
		r.finish(&single, d)
		c.Steps = []*Step{&single}
	}
	r.finishCheck(c, d)
	return c
}

// finishCheck fills in the defaults, and sees whether the check can fail.
func (r *reader) finishCheck(c *Check, d *defaults) {
	if c.Name = cmp.Or(c.Name, c.requestName()); c.Name == "" {
		r.fail(c.At, "write name: and what it shows", "the check has no name")
	}
	usual := defaultAttempts
	if c.writes() {
		usual = 1 // nobody wants five orders who did not say so
	}
	c.Attempts = cmp.Or(c.Attempts, d.attempts, usual)
	if c.Allowed >= c.Attempts {
		r.fail(c.At, "allow fewer failures, or make more attempts", "%d of %d attempts may fail, so the check cannot",
			c.Allowed, c.Attempts)
	}
	r.canFail(c)
}

// requestName is what a check of one request is called without a name, or "".
func (c *Check) requestName() string {
	if c.Flow || c.Steps[0].Method == "" || c.Steps[0].path.parts != nil {
		return ""
	}
	return c.Steps[0].RequestLine()
}

func (r *reader) name(n *yaml.Node) string {
	switch s, ok := r.scalar(n, "name"); {
	case !ok:
	case strings.TrimSpace(s) == "" || strings.ContainsFunc(s, unicode.IsControl) || len(s) > 200:
		r.fail(posOf(n), "", "a name is one line of at most 200 bytes, not %s", quote(s))
	default:
		return s
	}
	return "?"
}

func (r *reader) checkNames(nodes []*yaml.Node) (names []string) {
	for _, n := range nodes {
		if name, ok := r.scalar(n, "the name of a check"); ok {
			names = append(names, name)
		}
	}
	return names
}

func (r *reader) tags(n *yaml.Node) []string {
	return list(r.oneOrMore(n, "tags"), func(t *yaml.Node) string {
		tag, ok := r.scalar(t, "a tag")
		if ok && (tag == "" || strings.ContainsAny(tag, "!, \t\n")) {
			help := ""
			if strings.Contains(tag, ",") {
				help = "write [" + quoteless(tag) + "]"
			}
			r.fail(posOf(t), help, "a tag is one word, not %s", quote(tag))
		}
		return tag
	})
}

// setup reads the flow before or after all checks: a list of steps, or {per: check, steps: [...]}.
func (r *reader) setup(p pair, s *Suite) *Check {
	c := &Check{Name: p.key, At: p.at, Attempts: 1, Flow: true}
	if p.value.Kind == yaml.MappingNode && p.key == "setup" {
		r.entries(p.value, "setup", []row{
			{"per", func(q pair) { s.SetupPerCheck = r.oneOf(q.value, "per", "phase", "check") == "check" }},
			{"steps", func(q pair) { p = q }},
		})
		if p.key != "steps" {
			r.fail(p.at, "write steps: with a list of them", "setup has no steps")
			return c
		}
	}
	c.Steps = r.steps(&p, &s.defaults)
	return c
}

func (r *reader) steps(p *pair, d *defaults) []*Step {
	var out []*Step
	for _, n := range r.items(p.value, p.key) {
		s := &Step{At: posOf(n)}
		before := len(r.problems)
		r.entries(n, "a step", append([]row{
			{"always", func(p pair) { s.Always = r.boolean(p.value, "always") }},
			{"capture", func(p pair) { s.captures = r.captures(p.value) }},
		}, r.requestKeys(s)...))
		s.broken = s.broken || len(r.problems) > before && s.Method == ""
		s.Always = s.Always || p.key == "teardown"
		r.finish(s, d)
		out = append(out, s)
	}
	if p.value.Kind != yaml.SequenceNode {
		r.problems[len(r.problems)-1].Help = "write each step on a line of its own: - request: POST /login"
	} else if len(out) == 0 {
		r.fail(p.at, "write a step: {request: GET /, expect: {status: 200}}", "the flow has no steps")
	}
	return out
}

// finish fills in a step's defaults, and checks what only the whole step can tell.
func (r *reader) finish(s *Step, d *defaults) {
	s.timeout, s.maxBody = cmp.Or(s.timeout, d.timeout), cmp.Or(s.maxBody, d.maxBody)
	s.headers = merge(d.headers, s.headers)
	if s.webSocket != nil && s.expect.status == nil {
		s.expect.status = statuses{"101"} // Switching Protocols
	}
	switch {
	case s.Method == "":
		if !s.broken {
			r.fail(s.At, "write request: GET /health", "there is no request")
		}
	case s.webSocket != nil && (s.Method != "GET" || s.body != nil || s.http2 || s.expect.events > 1):
		r.fail(s.At, "write request: GET /path, websocket: and what to send; the first message is what is looked at",
			"a WebSocket is opened by a GET over HTTP/1.1, without a body, for one message")
	case s.Eventually > 0 && !s.Reads():
		r.fail(s.At, "take eventually away: a write is sent once",
			"eventually asks again and again, which is for GET and HEAD only, not for %s", s.Method)
	case s.Method == "HEAD" && s.looksAtBody():
		r.fail(s.At, "write GET", "a HEAD request has no body to look at")
	}
	for _, x := range s.expect.subjects {
		most := s.maxBody
		if x.kind == subjectHeader {
			most = 0
		}
		r.checkRule(x.rule, most)
		r.checkAbsence(x)
	}
	if s.expect.latency > 0 && s.timeout > 0 && s.expect.latency >= s.timeout {
		r.warn(s.expect.latencyAt, "", "latency is not below the timeout of %s, so the timeout fails first", s.timeout)
	}
}

// merge puts a request's own headers over the suite's defaults.
func merge(defaults, own []header) []header {
	if len(own) == 0 {
		return defaults // shared: they are never changed
	}
	others := kept(defaults, func(d header) bool {
		return !slices.ContainsFunc(own, func(h header) bool { return h.name == d.name })
	})
	return kept(append(others, own...), func(h header) bool { return !h.drop })
}

// canFail refuses a check that every release would pass.
func (r *reader) canFail(c *Check) {
	given, patterns, broken := 0, 0, len(c.Steps) == 0
	var where Pos
	for _, s := range c.Steps {
		e := &s.expect
		broken = broken || s.broken
		if e.status != nil || e.latency > 0 || e.events > 0 || e.assetsAt != (Pos{}) || e.certificateDays > 0 || s.grpc {
			given++
		}
		for _, sub := range e.subjects {
			for _, x := range sub.rule {
				given++
				if x.findsEmpty {
					patterns++
					where = x.at
				}
			}
		}
	}
	const help = `write {equals: ""} if it must be empty`
	switch {
	case broken:
	case given == 0:
		r.fail(c.At, "write expect: {status: 200}", "the check %s expects nothing, so it cannot fail", quote(c.Name))
	case patterns > 0 && patterns == given:
		r.fail(where, help, "the pattern finds the empty text, and so something in every text: the check cannot fail")
	case patterns > 0:
		r.warn(where, help, "the pattern finds the empty text, and so something in every text")
	}
}

func (r *reader) compares(p *pair, d *defaults) []*Comparison {
	out := list(r.items(p.value, "compare"), func(n *yaml.Node) *Comparison { return r.comparison(n, d) })
	if len(out) == 0 && p.value.Kind == yaml.SequenceNode {
		r.fail(p.at, "leave compare out", "nothing is compared")
	}
	return out
}

func (r *reader) comparison(n *yaml.Node, d *defaults) *Comparison {
	step := &Step{At: posOf(n)}
	c := &Comparison{
		Check: Check{At: step.At, Steps: []*Step{step}}, Pairs: defaultPairs, Warmup: defaultWarmup,
		WarmUpWithin: defaultWarmUpWithin, MinShift: compare.MinShift, MinRatio: compare.MinRatio,
	}
	asked := kept(r.requestKeys(step), func(k row) bool {
		return slices.Contains([]string{"request", "headers", "timeout", "max_body", "expect"}, k.key)
	})
	given := r.entries(n, "a comparison", slices.Concat([]row{
		{"name", func(p pair) { c.Name, c.At = r.name(p.value), posOf(p.value) }},
	}, asked, []row{
		{"pairs", func(p pair) { c.Pairs = r.integer(p.value, "pairs", 1, maxAttempts) }},
		{"over", func(p pair) { c.Over = r.duration(p.value, "over", maxMeasured) }},
		{"warmup", func(p pair) {
			if p.value.ShortTag() == "!!str" {
				c.Warmup, c.WarmupFor = 0, r.duration(p.value, "warmup", maxMeasured)
			} else {
				c.Warmup = r.integer(p.value, "warmup", 0, maxAttempts)
			}
		}},
		{"warm_up_within", func(p pair) { c.WarmUpWithin = r.duration(p.value, "warm_up_within", maxMeasured) }},
		{"p95", func(p pair) { c.P95 = r.duration(p.value, "p95", maxTimeout) }},
		{"min_shift", func(p pair) { c.MinShift = r.duration(p.value, "min_shift", maxTimeout) }},
		{"min_ratio", func(p pair) { c.MinRatio = r.ratio(p.value) }},
		{"tags", func(p pair) { c.tags = r.tags(p.value) }},
	}))
	if c.Over == 0 {
		c.Over = time.Duration(c.Pairs) * pairEvery
	}
	r.finish(step, d)
	if slices.Contains(given, "expect") {
		r.canFail(&c.Check)
	}
	c.Name = cmp.Or(c.Name, c.requestName())
	switch {
	case step.Method != "" && !step.Reads():
		r.fail(c.At, "compare reads",
			"compare asks again and again, also the release in production: a write such as %s is refused", step.Method)
	case c.Pairs < compare.MinPairs:
		r.warn(c.At, "write pairs: 300", "pairs: %d is too few: under %d valid ones the result is INCONCLUSIVE", c.Pairs,
			compare.MinPairs)
	case step.timeout > 0 && c.P95 >= step.timeout:
		r.fail(c.At, "", "p95 is not below the timeout of %s, so it cannot fail", step.timeout)
	case step.timeout > 0 && c.MinShift >= step.timeout:
		r.fail(c.At, "", "min_shift is not below the timeout of %s, so nothing is ever slower", step.timeout)
	case c.Over > c.WarmUpWithin/5*3: // a block, and two thirds of it before
		r.warn(c.At, "write warm_up_within: "+(2*c.Over).String(), "warm_up_within: %s leaves no time for another block of %s, "+
			"so a release that is only cold fails", c.WarmUpWithin, c.Over)
	}
	return c
}
