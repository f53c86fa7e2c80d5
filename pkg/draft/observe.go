package draft

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/greenlight-ecs/greenlight/pkg/probe"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

const (
	// atOnce is how many requests are under way; where some may change something, they come one by one.
	atOnce = 8
	// maxLinks and maxRules bound what is followed of a page, and expected of an answer.
	maxLinks, maxRules = 20, 10
	// patience is the time-out of a draft whose target answers in a quarter of it; delay is what the fault "latency" adds.
	patience, delay = 2 * time.Second, 3 * time.Second
)

// rule is one expectation: a key of the JSON, a header or the body, and what may be expected of it, strictest first.
type rule struct {
	of, key string
	levels  []string
}

const (
	// steady is a text that is no time, id, version or count: it has no digit.
	steady      = `^[^\d@<>{}"\\]{1,60}$`
	versionName = `(?i)^(x-)?(app[-_]?|service[-_]?)?(version|release)$`
	keyName     = `^[A-Za-z_]\w*$`
	link        = `(?i)<a\s[^>]*?href=["']?([^"'\s>]+)`
	title       = `(?i)<title>[^\d<]{1,60}</title>`
)

// Crawl finds operations at the target itself: well-known paths, the links of its home page, its OpenAPI document.
func (d *Draft) Crawl(ctx context.Context) error {
	for _, path := range []string{"/", "/health", "/healthz", "/version", "/openapi.json"} {
		d.add(operation{path: path})
	}
	err := d.ask(ctx, 0)
	for _, op := range slices.Clone(d.operations) {
		for _, a := range op.answers {
			if root := readJSON(string(a.Body)); root.Get("openapi") != nil {
				(&openAPI{d, root, openAPIBudget}).read()
			}
			for _, m := range re(link).FindAllSubmatch(a.Body, maxLinks) {
				to, err := d.Target.Parse(string(m[1]))
				if err == nil && to.Host == d.Target.Host && !matches(to.Path, static) && !matches(to.Path, `(?i)(log|sign)-?out|delete|remove`) {
					d.add(operation{path: to.RequestURI()})
				}
			}
		}
	}
	return err
}

// Observe asks the target twice for every operation.
func (d *Draft) Observe(ctx context.Context) error {
	if err := d.ask(ctx, 0); err != nil {
		return err
	}
	return d.ask(ctx, 1)
}

// ask sends each operation once, as a suite would, and keeps so many answers of before. It is an error when none comes.
func (d *Draft) ask(ctx context.Context, keep int) error {
	client := probe.New(probe.Target{URL: d.Target, Connections: atOnce})
	defer client.Close()
	var all errgroup.Group
	if all.SetLimit(atOnce); d.Unsafe {
		all.SetLimit(1)
	}
	var telling sync.Mutex
	scope, done, answered, why := d.scope(), 0, false, ""
	for _, op := range d.operations {
		all.Go(func() error {
			steps, _, _ := d.read(op)
			q, err := steps[0].Request(scope)
			o := probe.Observation{Text: fmt.Sprint(err)}
			if err == nil {
				o = client.Do(ctx, q)
			}
			telling.Lock()
			defer telling.Unlock()
			why = when(o.Status == 0, o.Text) // what follows a status may quote a token
			if done, answered = done+1, answered || o.Answered(); err == nil {
				op.answers = append(op.answers[:min(keep, len(op.answers))], o)
			} else {
				d.note("not asked, "+why, op.line())
			}
			d.Tell(done, len(d.operations))
			return nil
		})
	}
	if _ = all.Wait(); ctx.Err() == nil && !answered {
		return fmt.Errorf("the target answers nothing: %s", redact.Safe(why, 200))
	}
	return ctx.Err()
}

// scope is what the variables stand for.
func (d *Draft) scope() suite.Scope {
	vars := map[string]string{"RELEASE": d.release, "DEPLOYMENT_ID": "draft"}
	for name, how := range d.variables {
		value, ok := d.Env(name)
		if ok || d.given[name] != "" {
			vars[name] = cmp.Or(value, d.given[name])
		}
		if strings.Contains(how, "secret: true") {
			d.keep(value)
		}
	}
	return suite.Scope{Vars: vars}
}

// Suite is the draft's text, and how many checks it has. No secret that the source told stands in it.
func (d *Draft) Suite() (text string, checks int, err error) {
	slices.SortStableFunc(d.operations, func(a, b *operation) int { // the others' versions are held against that one
		return strings.Count(strings.ToLower(b.path), "version") - strings.Count(strings.ToLower(a.path), "version")
	})
	scope := d.scope()
	hidden := redact.New(d.secrets...)
	if err := d.without(func(op *operation) string {
		why, alone := d.settle(op, scope), d.write([]*operation{op})
		return cmp.Or(why, when(hidden.Text(alone) != alone, "a secret of the source stands in it"))
	}); err != nil {
		return "", 0, err
	}
	if _, _, wrong := d.read(d.operations...); wrong != "" {
		return "", 0, fmt.Errorf("the suite is wrong: %s", wrong)
	}
	if text = hidden.Text(d.write(d.operations)); strings.Contains(text, "${RELEASE}") {
		d.note("${RELEASE} was, when it was asked", d.release)
	}
	for _, line := range d.Notes(2000) {
		text += "# " + line + "\n"
	}
	return text, len(d.operations), nil
}

// settle expects what the answers show, and weakens it until they all hold. It says why there can be no check.
func (d *Draft) settle(op *operation, scope suite.Scope) string {
	if len(op.answers) == 0 {
		return "" // what the document says stays
	}
	op.rules = d.suggest(op.answers[0], len(op.answers) > 1)
	scope.Vars["RELEASE"] = d.release
	for {
		steps, _, _ := d.read(op)
		var wrong []suite.Wrong
		for _, a := range op.answers {
			wrong = append(wrong, steps[0].Verify(a, scope).Wrong...)
			if len(wrong) > 0 && (wrong[0].Subject == "status" || wrong[0].Subject == "answer" || len(op.rules) == 0) {
				return "it answered " + cmp.Or(string(a.Fault), strconv.Itoa(a.Status)) + " in place of " + wrong[0].Expected
			}
		}
		status, hit := strconv.Itoa(op.answers[0].Status), false
		switch {
		case len(wrong) == 0 && op.status == status:
			return ""
		case len(wrong) == 0:
			op.status = status
			continue
		}
		for i, r := range op.rules {
			if strings.TrimSpace(strings.TrimSuffix(r.of, "s")+" "+r.key) == wrong[0].Subject {
				op.rules[i].levels, hit = r.levels[1:], true
			}
		}
		op.rules = slices.DeleteFunc(op.rules, func(r rule) bool { return !hit || len(r.levels) == 0 })
	}
}

// suggest is what an answer may be expected to be again: its values only where there is another answer to hold them
// against, and never a number, a secret or what has a digit in it.
func (d *Draft) suggest(a probe.Observation, values bool) (rules []rule) {
	version := func(name, value string) bool {
		if matches(name, versionName) && matches(value, `^\S{0,99}\d\S{0,99}$`) {
			d.release = cmp.Or(d.release, value)
			return true
		}
		return false
	}
	for _, name := range slices.Sorted(maps.Keys(a.Header)) {
		if version(name, a.Header[name][0]) {
			rules = append(rules, rule{"headers", name, []string{`"${RELEASE}"`}})
		}
	}
	type found struct {
		path, key string
		node      *template.Node
	}
	root := readJSON(string(a.Body))
	for queue := []found{{"$", "", root}}; root.Kind != template.Null && len(queue) > 0 && len(rules) < maxRules; queue = queue[1:] {
		at, n := queue[0], queue[0].node
		kind := [...]string{"{exists: true}", "{type: boolean}", "{type: number}", "{type: string}", "{type: array}", "{type: object}"}[n.Kind]
		levels := []string{kind}
		switch {
		case n.Kind == template.String && version(at.key, n.Text):
			levels = []string{`"${RELEASE}"`, kind}
		case values && n.Kind == template.String && matches(n.Text, steady) && !matches(at.key, secretWord):
			levels = []string{strconv.Quote(n.Text), kind}
		case values && n.Kind == template.Bool:
			levels = []string{n.Text, kind}
		case len(n.Items) > 0:
			levels = []string{"{type: array, length: {min: 1}}", kind}
			queue = append(queue, found{at.path + "[*]", "", n.Items[0]})
		case len(n.Members) > 0 && strings.Count(at.path, ".") < 3:
			for _, m := range n.Members {
				if matches(m.Key, keyName) {
					queue = append(queue, found{at.path + "." + m.Key, m.Key, m.Value})
				}
			}
			continue
		}
		rules = append(rules, rule{"json", at.path, levels})
	}
	if kind, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";"); root.Kind == template.Null && kind != "" {
		rules = append(rules, rule{"headers", "Content-Type", []string{"{contains: " + strconv.Quote(kind) + "}"}})
	}
	words := strings.TrimSpace(string(a.Body))
	if words = cmp.Or(re(title).FindString(words), when(values && matches(words, steady), words)); words != "" {
		rules = append(rules, rule{"body", "", []string{"{contains: " + strconv.Quote(words) + "}"}})
	}
	return rules
}

// LetThrough says which faults of a rehearsal no check of the draft would notice: the judge meets what they look like.
func (d *Draft) LetThrough() (lines []string) {
	steps, proves, _ := d.read(d.operations...)
	scope, login, through := d.scope(), http.Header{"Content-Type": {"text/html"}}, map[string][]string{}
	for i, op := range d.operations {
		header := http.Header{"Content-Type": {"application/json"}}
		for _, a := range op.answers {
			header = a.Header
		}
		q, _ := steps[i].Request(scope)
		page := probe.Observation{Status: http.StatusOK, Header: login, Body: []byte("<title>Sign in</title>")}
		if q.KeepRedirect {
			page.Status = http.StatusFound
		}
		for fault, o := range map[string]probe.Observation{
			"error-200": {Status: http.StatusOK, Header: header, Body: []byte(`{"error":"internal server error"}`)}, "redirect": page,
		} {
			if len(steps[i].Verify(o, scope).Wrong) == 0 {
				through[fault] = append(through[fault], op.line())
			}
		}
		if q.Timeout > delay {
			through["latency"] = append(through["latency"], op.line())
		}
	}
	if !proves {
		through["wrong-version, one-old-task"] = []string{`every answer: expect "${RELEASE}" of one, so that an old release fails`}
	}
	for _, fault := range slices.Sorted(maps.Keys(through)) {
		lines = append(lines, redact.Safe(fault+" on "+strings.Join(through[fault], ", "), 200))
	}
	return lines
}
