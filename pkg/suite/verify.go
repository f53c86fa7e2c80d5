package suite

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/probe"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
)

// Verification is an answer, held against what was expected of it.
type Verification struct {
	Observation probe.Observation
	// Asserted is how many assertions were evaluated; Wrong are those that did not hold.
	Asserted int
	Wrong    []Wrong
	root     any // the decoded body, where it was needed
}

// Wrong is one assertion that did not hold.
type Wrong struct {
	At Pos
	// Subject is what was looked at: "status", "header X-App-Version", "json $.status", "body".
	Subject string
	Mismatch
	// Release says that the assertion mentions ${RELEASE}.
	Release bool
}

// Verify holds an answer against the step's expectations. All of them are evaluated; what cannot be is wrong.
func (s *Step) Verify(o probe.Observation, sc Scope) Verification {
	v := Verification{Observation: o}
	e := &s.expect
	if !o.Answered() {
		v.fail(cmp.Or(e.statusAt, s.path.at), "answer", Mismatch{"a whole answer", o.Text})
		return v
	}
	if !e.allowsStatus(o.Status) {
		got := strconv.Itoa(o.Status)
		if o.Location != "" {
			got += ", to " + strconv.Quote(o.Location)
		}
		v.fail(cmp.Or(e.statusAt, s.path.at), "status", Mismatch{e.statusText(), got})
	} else {
		v.Asserted++
	}
	if e.latency > 0 && o.Latency > e.latency {
		v.fail(e.latencyAt, "latency", Mismatch{"at most " + e.latency.String(), o.Latency.String()})
	} else if e.latency > 0 {
		v.Asserted++
	}
	for _, h := range e.headers {
		v.add(h.at, "header "+h.name, h.rule, h.rule.header(o.Header[h.name], sc))
	}
	v.verifyBody(s, sc)
	return v
}

func (v *Verification) verifyBody(s *Step, sc Scope) {
	e := &s.expect
	if (e.body != nil || len(e.json) > 0 || len(s.captures) > 0) && !probe.Readable(v.Observation.Header) {
		v.fail(cmp.Or(e.bodyAt, e.statusAt, s.path.at), "body", Mismatch{
			"a body that is plain or gzip", "Content-Encoding " +
				strconv.Quote(strings.Join(v.Observation.Header["Content-Encoding"], ", ")),
		})
		return
	}
	if e.body != nil {
		v.add(e.bodyAt, "body", *e.body, e.body.json([]any{string(v.Observation.Body)}, true, sc))
	}
	if len(e.json) == 0 && len(s.captures) == 0 {
		return
	}
	root, bad := decode(v.Observation.Body)
	if bad != nil {
		at := cmp.Or(e.statusAt, s.path.at)
		if len(e.json) > 0 {
			at = e.json[0].path.at
		}
		v.fail(at, "json", *bad)
		return
	}
	v.root = root
	for _, j := range e.json {
		subject := "json " + j.path.expr
		nodes, err := j.path.find(root)
		if err != nil {
			v.fail(j.path.at, subject, Mismatch{"a path that can be followed", err.Error()})
			continue
		}
		v.add(j.path.at, subject, j.rule, j.rule.json(nodes, j.path.singular, sc))
	}
}

// fail notes one assertion that did not hold.
func (v *Verification) fail(at Pos, subject string, m Mismatch) {
	v.Asserted++
	v.Wrong = append(v.Wrong, Wrong{at, subject, m, false})
}

func (v *Verification) add(at Pos, subject string, ru rule, bad []Mismatch) {
	v.Asserted += max(1, len(ru))
	if len(ru) == 0 {
		bad = []Mismatch{{"an expectation", "none"}}
	}
	for _, m := range bad {
		v.Wrong = append(v.Wrong, Wrong{at, subject, m, ru.mentions(varRelease)})
	}
}

func (ru rule) mentions(name string) bool {
	return inSome(ru.visit, name)
}

// Final reports whether asking again cannot help.
func (v *Verification) Final() bool {
	f := v.Observation.Fault
	return f == probe.FaultCertificate || f == probe.FaultRequest || f == probe.FaultInterrupted
}

// capture returns the text of the one value at the path, or what was found instead.
func (v *Verification) capture(c capture, secrets *redact.Redactor) (value, got string) {
	nodes, err := c.path.find(v.root)
	switch {
	case err != nil:
		return "", err.Error()
	case len(nodes) == 0:
		return "", "nothing there"
	case len(nodes) > 1:
		return "", fmt.Sprintf("%d values", len(nodes))
	}
	if text, ok := textOf(nodes[0]); ok {
		return text, ""
	}
	return "", shown(nodes[0], secrets)
}

// textOf returns a value of a response as a variable's text; lists, objects and null have none.
func textOf(node any) (string, bool) {
	switch n := node.(type) {
	case string:
		return n, true
	case json.Number:
		return n.String(), true
	case bool:
		return strconv.FormatBool(n), true
	}
	return "", false
}

// decode reads one JSON value, and nothing behind it. Of two members with one key, nobody can say which of them
// another reader takes.
func decode(body []byte) (any, *Mismatch) {
	const expected = "a JSON body"
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, &Mismatch{expected, "an empty body"}
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var root any
	if err := dec.Decode(&root); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, &Mismatch{expected, "JSON that ends too early"}
		}
		return nil, &Mismatch{expected, "not JSON: " + err.Error()}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, &Mismatch{expected, "not JSON: there is more after the first value"}
	}
	// The key is not escaped: that could hide a secret in it.
	if key, twice := duplicateKey(body); twice {
		return nil, &Mismatch{expected + " without duplicate keys", `the key "` + key + `" twice in one object`}
	}
	return root, nil
}

// Captures returns the values that the step captures from the answer, by the names of their variables; nil without
// any. A value that is not there, or not a single one, is wrong.
func (v *Verification) Captures(s *Step, secrets *redact.Redactor) (values map[string]string, missing []Wrong) {
	for _, c := range s.captures {
		text, got := v.capture(c, secrets)
		if got != "" {
			missing = append(missing, Wrong{c.at, "capture " + c.name, Mismatch{"one value at " + c.path.expr, got}, false})
			continue
		}
		if values == nil {
			values = map[string]string{}
		}
		values[c.name] = text
	}
	return values, missing
}

// SecretsIn returns the texts in a body that the step captures as secrets. It reports false when there may be some
// that cannot be found, since the body cannot be read.
func (s *Step) SecretsIn(body []byte) (texts []string, readable bool) {
	if len(body) == 0 || !slices.ContainsFunc(s.captures, func(c capture) bool { return c.secret }) {
		return nil, true
	}
	root, bad := decode(body)
	if bad != nil {
		return nil, false
	}
	for _, c := range s.captures {
		nodes, err := c.path.find(root)
		if !c.secret || err != nil {
			continue
		}
		for _, n := range nodes {
			if text, ok := textOf(n); ok {
				texts = append(texts, text)
			}
		}
	}
	return texts, true
}
