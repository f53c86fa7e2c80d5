package smoke

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/probe"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
)

// verification is an answer, held against what was expected of it.
type verification struct {
	observation probe.Observation
	asserted    int
	wrong       []wrong
	root        any // the decoded body, where it was needed
}

// wrong is one assertion that did not hold.
type wrong struct {
	at      pos
	subject string
	mismatch
	// release says that the assertion mentions ${RELEASE}.
	release bool
}

// verify holds an answer against the step's expectations. All of them are evaluated; what cannot be is wrong.
func verify(s *step, o probe.Observation, sc scope) verification {
	v := verification{observation: o}
	e := &s.expect
	if !o.Answered() {
		v.fail(firstOf(e.statusAt, s.path.at), "answer", mismatch{"a whole answer", o.Text})
		return v
	}
	v.asserted++
	if !e.allowsStatus(o.Status) {
		got := strconv.Itoa(o.Status)
		if o.Location != "" {
			got += ", to " + strconv.Quote(o.Location)
		}
		v.wrong = append(v.wrong, wrong{firstOf(e.statusAt, s.path.at), "status", mismatch{e.statusText(), got}, false})
	}
	if e.latency > 0 {
		v.asserted++
		if o.Latency > e.latency {
			v.wrong = append(v.wrong, wrong{e.latencyAt, "latency", mismatch{"at most " + e.latency.String(), o.Latency.String()}, false})
		}
	}
	for i := range e.headers {
		h := &e.headers[i]
		v.add(h.at, "header "+h.name, h.rule, h.rule.header(o.Header[h.name], sc))
	}
	v.verifyBody(s, sc)
	return v
}

func (v *verification) verifyBody(s *step, sc scope) {
	e := &s.expect
	if (e.body != nil || e.needsJSON() || len(s.captures) > 0) && !probe.Readable(v.observation.Header) {
		v.fail(firstOf(e.bodyAt, e.statusAt, s.path.at), "body", mismatch{
			"a body that is plain or gzip", "Content-Encoding " + strconv.Quote(strings.Join(v.observation.Header["Content-Encoding"], ", ")),
		})
		return
	}
	if e.body != nil {
		v.add(e.bodyAt, "body", *e.body, e.body.json([]any{string(v.observation.Body)}, true, sc))
	}
	if !e.needsJSON() && len(s.captures) == 0 {
		return
	}
	root, bad := decode(v.observation.Body)
	if bad != nil {
		at := firstOf(e.statusAt, s.path.at)
		if len(e.json) > 0 {
			at = e.json[0].path.at
		}
		v.fail(at, "json", *bad)
		return
	}
	v.root = root
	for i := range e.json {
		j := &e.json[i]
		subject := "json " + j.path.expr
		nodes, err := j.path.find(root)
		if err != nil {
			v.fail(j.path.at, subject, mismatch{"a path that can be followed", err.Error()})
			continue
		}
		v.add(j.path.at, subject, j.rule, j.rule.json(nodes, j.path.singular, sc))
	}
}

// fail notes one assertion that did not hold.
func (v *verification) fail(at pos, subject string, m mismatch) {
	v.asserted++
	v.wrong = append(v.wrong, wrong{at, subject, m, false})
}

func (v *verification) add(at pos, subject string, ru rule, bad []mismatch) {
	v.asserted += max(1, len(ru))
	if len(ru) == 0 {
		bad = []mismatch{{"an expectation", "none"}}
	}
	for _, m := range bad {
		v.wrong = append(v.wrong, wrong{at, subject, m, ru.mentions(varRelease)})
	}
}

func (ru rule) mentions(name string) bool {
	found := false
	ru.visit(func(t text) { found = found || mentions(t, name) })
	return found
}

// final reports whether asking again cannot help.
func (v *verification) final() bool {
	f := v.observation.Fault
	return f == probe.FaultCertificate || f == probe.FaultRequest || f == probe.FaultInterrupted
}

// capture returns the text of the one value at the path, or what was found instead.
func (v *verification) capture(c capture, secrets *redact.Redactor) (value, got string) {
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
func decode(body []byte) (any, *mismatch) {
	const expected = "a JSON body"
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, &mismatch{expected, "an empty body"}
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var root any
	if err := dec.Decode(&root); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, &mismatch{expected, "JSON that ends too early"}
		}
		return nil, &mismatch{expected, "no JSON: " + err.Error()}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, &mismatch{expected, "no JSON: something stands behind the first value"}
	}
	// The key is not escaped: that could hide a secret in it.
	if key, twice := duplicateKey(body, root); twice {
		return nil, &mismatch{expected + " without duplicate keys", `the key "` + key + `" twice in one object`}
	}
	return root, nil
}

func firstOf(places ...pos) pos {
	for _, p := range places {
		if p != (pos{}) {
			return p
		}
	}
	return pos{}
}
