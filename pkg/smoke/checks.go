package smoke

import (
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

func (r *reader) checks(p *pair, d *defaults) []check {
	nodes := r.items(p.value, "checks")
	out := make([]check, 0, len(nodes))
	counted := false
	for _, n := range nodes {
		c := r.check(n, d)
		counted = counted || !c.observe
		out = append(out, c)
	}
	switch {
	case p.value.Kind != yaml.SequenceNode:
	case len(out) == 0:
		r.fail(p.at, "write a check: {name: health, request: GET /health, expect: {status: 200}}", "the suite has no checks")
	case !counted:
		r.fail(p.at, "take observe away from one that should count", "all checks only observe, so the suite cannot fail")
	}
	return out
}

func (r *reader) check(n *yaml.Node, d *defaults) check {
	c := check{at: posOf(n), attempts: -1, allowed: d.allowed}
	single := step{at: c.at}
	var steps *pair
	var requestKey string
	known := append([]string{"name", "steps", "attempts", "allowed_failures", "tags", "observe"}, requestKeys()...)
	for _, p := range r.pairs(n, "a check", known...) {
		switch p.key {
		case "name":
			c.name, c.at = r.name(p.value), posOf(p.value)
		case "steps":
			steps = &p
		case "attempts":
			c.attempts = r.integer(p.value, "attempts", 1, maxAttempts)
		case "allowed_failures":
			c.allowed = r.integer(p.value, "allowed_failures", 0, maxAttempts)
		case "tags":
			c.tags = r.tags(p.value)
		case "observe":
			c.observe = r.boolean(p.value, "observe")
		default:
			r.stepKey(p, &single)
			requestKey = p.key
		}
	}
	switch {
	case steps != nil && requestKey != "":
		c.flow = true
		r.fail(c.at, "move it into a step", "a check has steps or a request of its own, and this has steps and %s", requestKey)
	case steps != nil:
		c.flow = true
		c.steps = r.steps(steps, d)
	default:
		r.finish(&single, d)
		c.steps = []step{single}
	}
	r.finishCheck(&c, d)
	return c
}

// finishCheck fills in the defaults, and sees whether the check can fail.
func (r *reader) finishCheck(c *check, d *defaults) {
	if c.name == "" && !c.flow && c.steps[0].method != "" && c.steps[0].path.parts == nil {
		c.name = c.steps[0].method + " " + c.steps[0].path.raw
	}
	if c.name == "" {
		r.fail(c.at, "write name: and what it shows", "the check has no name")
	}
	if c.attempts < 0 {
		switch {
		case d.attempts > 0:
			c.attempts = d.attempts
		case c.writes():
			c.attempts = 1 // nobody wants five orders who did not say so
		default:
			c.attempts = defaultAttempts
		}
	}
	if c.allowed >= c.attempts {
		r.fail(c.at, "allow fewer failures, or make more attempts", "%d of %d attempts may fail, so the check cannot", c.allowed, c.attempts)
	}
	r.canFail(c)
}

func (r *reader) name(n *yaml.Node) string {
	s, ok := r.scalar(n, "name")
	switch {
	case !ok:
		return "?"
	case strings.TrimSpace(s) == "" || strings.ContainsFunc(s, unicode.IsControl) || len(s) > 200:
		r.fail(posOf(n), "", "a name is one line of at most 200 bytes, not %s", quote(s))
		return "?"
	}
	return s
}

func (r *reader) tags(n *yaml.Node) []string {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = r.items(n, "tags")
	}
	var out []string
	for _, t := range nodes {
		tag, ok := r.scalar(t, "a tag")
		if ok && (tag == "" || strings.ContainsAny(tag, "!, \t\n")) {
			r.fail(posOf(t), "", "a tag is one word, not %s", quote(tag))
		}
		out = append(out, tag)
	}
	return out
}

func (r *reader) steps(p *pair, d *defaults) []step {
	nodes := r.items(p.value, "steps")
	known := append([]string{"always", "capture"}, requestKeys()...)
	out := make([]step, 0, len(nodes))
	for _, n := range nodes {
		s := step{at: posOf(n)}
		for _, q := range r.pairs(n, "a step", known...) {
			r.stepKey(q, &s)
		}
		r.finish(&s, d)
		out = append(out, s)
	}
	if len(nodes) == 0 {
		r.fail(p.at, "write a step: {request: GET /, expect: {status: 200}}", "the flow has no steps")
	}
	return out
}

// finish fills in a step's defaults, and checks what only the whole step can tell.
func (r *reader) finish(s *step, d *defaults) {
	if s.timeout == 0 {
		s.timeout = d.timeout
	}
	if s.maxBody == 0 {
		s.maxBody = d.maxBody
	}
	s.headers = merge(d.headers, s.headers)
	switch {
	case s.method == "":
		if !s.broken {
			r.fail(s.at, "write request: GET /health", "there is no request")
		}
	case s.eventually > 0 && !s.reads():
		r.fail(s.at, "take eventually away: a write is sent once", "eventually asks again and again, which is for GET and HEAD only, not for %s", s.method)
	case s.method == "HEAD" && (len(s.expect.json) > 0 || s.expect.body != nil || len(s.captures) > 0):
		r.fail(s.at, "write GET", "a HEAD request has no body to look at")
	}
	for i := range s.expect.headers {
		r.checkRule(s.expect.headers[i].rule)
	}
	for i := range s.expect.json {
		r.checkRule(s.expect.json[i].rule)
		r.checkAbsence(s.expect.json[i])
		r.checkLength(s.expect.json[i].rule, s.maxBody)
	}
	if s.expect.body != nil {
		r.checkRule(*s.expect.body)
		r.checkLength(*s.expect.body, s.maxBody)
	}
	if s.expect.latency > 0 && s.expect.latency >= s.timeout {
		r.warn(s.expect.latencyAt, "", "latency is not below the timeout of %s, so the timeout fails first", s.timeout)
	}
}

// checkLength refuses a length that every body has, or all that may stand in it.
func (r *reader) checkLength(ru rule, maxBody int64) {
	for i := range ru {
		if o := &ru[i]; o.kind == opLength && o.low == 0 && o.high != unbounded && int64(o.high) >= maxBody {
			r.fail(o.at, "allow less than max_body", "no body is longer than max_body, %d bytes, so this cannot fail", maxBody)
		}
	}
}

// merge puts a request's own headers over the suite's defaults.
func merge(defaults, own []header) []header {
	if len(own) == 0 {
		return defaults // shared: they are never changed
	}
	var out []header
	for _, d := range defaults {
		if !hasHeader(own, d.name) {
			out = append(out, d)
		}
	}
	for _, h := range own {
		if !h.drop {
			out = append(out, h)
		}
	}
	return out
}

func hasHeader(headers []header, name string) bool {
	for _, h := range headers {
		if h.name == name {
			return true
		}
	}
	return false
}

// canFail refuses a check that every release would pass.
func (r *reader) canFail(c *check) {
	given, patterns, broken := 0, 0, len(c.steps) == 0
	var where pos
	for i := range c.steps {
		e := &c.steps[i].expect
		broken = broken || c.steps[i].broken
		if e.status != nil || e.latency > 0 {
			given++
		}
		each := func(ru rule) {
			for j := range ru {
				given++
				if ru[j].matchesAll() {
					patterns++
					where = ru[j].at
				}
			}
		}
		for j := range e.headers {
			each(e.headers[j].rule)
		}
		for j := range e.json {
			each(e.json[j].rule)
		}
		if e.body != nil {
			each(*e.body)
		}
	}
	const help = `write {equals: ""} if it must be empty`
	switch {
	case broken:
	case given == 0:
		r.fail(c.at, "write expect: {status: 200}", "the check %s expects nothing, so it cannot fail", quote(c.name))
	case patterns > 0 && patterns == given:
		r.fail(where, help, "the pattern finds the empty text, and so something in every text: the check cannot fail")
	case patterns > 0:
		r.warn(where, help, "the pattern finds the empty text, and so something in every text")
	}
}

func (r *reader) compares(p *pair, d *defaults) []comparison {
	nodes := r.items(p.value, "compare")
	var out []comparison
	for _, n := range nodes {
		out = append(out, r.comparison(n, d))
	}
	if len(nodes) == 0 && p.value.Kind == yaml.SequenceNode {
		r.fail(p.at, "leave compare out", "nothing is compared")
	}
	return out
}

func (r *reader) comparison(n *yaml.Node, d *defaults) comparison {
	c := comparison{at: posOf(n), pairs: defaultPairs, warmup: defaultWarmup, step: step{at: posOf(n)}}
	for _, p := range r.pairs(n, "a comparison", "name", "request", "headers", "timeout", "max_body", "expect", "pairs", "warmup", "p95", "tags") {
		switch p.key {
		case "name":
			c.name, c.at = r.name(p.value), posOf(p.value)
		case "pairs":
			c.pairs = r.integer(p.value, "pairs", 1, maxAttempts)
		case "warmup":
			c.warmup = r.integer(p.value, "warmup", 0, maxAttempts)
		case "p95":
			c.p95 = r.duration(p.value, "p95", maxTimeout)
		case "tags":
			c.tags = r.tags(p.value)
		default:
			r.stepKey(p, &c.step)
		}
	}
	r.finish(&c.step, d)
	if c.step.expect.at != (pos{}) {
		r.canFail(&check{name: c.name, at: c.at, steps: []step{c.step}})
	}
	if c.name == "" && c.step.path.parts == nil {
		c.name = c.step.method + " " + c.step.path.raw
	}
	switch {
	case c.step.method != "" && !c.step.reads():
		r.fail(c.at, "compare reads", "compare asks again and again, also the release in production: a write such as %s is refused", c.step.method)
	case c.pairs < minPairs:
		r.warn(c.at, "write pairs: 100", "pairs: %d is too few: under %d valid ones the result is INCONCLUSIVE", c.pairs, minPairs)
	case c.p95 >= c.step.timeout:
		r.fail(c.at, "", "p95 is not below the timeout of %s, so it cannot fail", c.step.timeout)
	}
	return c
}

// minPairs is how many valid pairs a comparison needs; see compare.MinPairs for why.
const minPairs = 20
