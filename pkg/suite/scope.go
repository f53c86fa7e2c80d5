package suite

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// names sees that every name is there once, and that readiness names checks that exist.
func (r *reader) names(s *Suite) {
	seen := map[string]Pos{}
	var all []string
	for _, c := range s.checks {
		if c.Name == "setup" && s.Setup != nil || c.Name == "teardown" && s.Teardown != nil {
			r.fail(c.At, "choose another name", "%s is what the suite's own flow is called", quote(c.Name))
		}
		if at, ok := seen[c.Name]; ok && c.Name != "?" && c.Name != "" {
			r.fail(c.At, "", "the name %s was already given in line %d", quote(c.Name), at.line)
		}
		for _, name := range c.After {
			if !slices.Contains(all, name) {
				r.fail(c.At, "name a check that stands above it", "%s runs after %s, which is not a check above it",
					quote(c.Name), quote(name))
			}
		}
		seen[c.Name] = c.At
		all = append(all, c.Name)
	}
	compared := map[string]bool{}
	for _, c := range s.compares {
		if compared[c.Name] {
			r.fail(c.At, "", "the name %s was already given", quote(c.Name))
		}
		compared[c.Name] = true
	}
	for _, name := range s.readiness {
		switch i := slices.Index(all, name); {
		case i < 0:
			help := suggest(name, all)
			if len(all) > 10 && !strings.HasPrefix(help, "did you mean") {
				help = ""
			}
			r.fail(s.readinessAt, help, "readiness waits for %s, which is not a check", quote(name))
		case s.checks[i].Observe:
			r.fail(s.readinessAt, "wait for a check that counts",
				"readiness waits for %s, which only observes and must never block", quote(name))
		case s.checks[i].writes():
			r.warn(s.readinessAt, "wait for a check that reads", "readiness asks %s again and again, and it writes", quote(name))
		}
	}
}

// checkPace sees that the rate lets readiness be reached in its time.
func (r *reader) checkPace(s *Suite) {
	if s.Rate == 0 || len(r.problems.Errors(false)) > 0 {
		return
	}
	requests := 0
	for _, c := range s.ReadinessChecks() {
		requests += len(c.Steps) * s.Consecutive
	}
	if needs := time.Duration(float64(requests-1) / s.Rate * float64(time.Second)); needs >= s.Within {
		r.fail(s.rateAt, "raise the rate, or ask for fewer consecutive answers",
			"readiness takes %d requests, at this rate %s, and must be reached within %s",
			requests, needs.Round(time.Second), s.Within)
	}
}

// checkVariables sees that every variable that is used is declared, or captured before.
func (r *reader) checkVariables(s *Suite) {
	declared := map[string]bool{varRelease: true, varDeployment: true}
	for _, v := range s.variables {
		declared[v.name] = true
	}
	u := usage{reader: r, suite: s, declared: declared, flow: &Check{}, setup: map[string]bool{}}
	u.text(s.host)
	for _, v := range s.variables {
		for _, t := range v.uses {
			u.text(t)
			for _, w := range s.variables {
				if len(w.uses) > 0 && w.basic == v.basic && mentions(w.name, t) {
					u.fail(t.at, "make it of texts and of what is looked up", "${%s} has no value yet: it is made of others itself", w.name)
				}
			}
		}
	}
	for _, name := range []string{varUUID, varNow, varAttempt, varSide} {
		declared[name] = true
	}
	for _, flow := range s.flows() {
		u.check(flow)
		if flow == s.Setup {
			u.setup, u.sent = u.captured, slices.ContainsFunc(flow.Steps, (*Step).SendsRelease)
		}
		for _, step := range flow.Steps {
			u.onBlue(step.expected(), flow.Name, "compare has it on the old release too; prove the release in a check")
		}
	}
	for _, c := range s.checks {
		u.check(c)
		if c.needsSetup && slices.Contains(s.readiness, c.Name) {
			r.fail(s.readinessAt, "wait for a check that needs no login",
				"readiness comes before setup, and %s needs what setup captures", quote(c.Name))
		}
	}
	u.onBlue([]text{s.host}, "the host", "compare asks the old release too; write the host's name")
	for _, c := range s.compares {
		u.flow, u.captured = &c.Check, u.setup
		u.step(c.Steps[0])
		u.onBlue(c.Steps[0].texts(), "a comparison", "compare asks the old release too; prove the release in a check")
	}
}

// usage follows the variables through the suite.
type usage struct {
	*reader
	suite    *Suite
	declared map[string]bool
	// flow is the check that is looked at; captured are the names that its earlier steps capture.
	flow     *Check
	captured map[string]bool
	// setup are the names that setup captures for all.
	setup map[string]bool
	sent  bool // setup sends the release
}

// onBlue refuses ${RELEASE} in texts that the old release is asked, or held against, too, where there is a comparison.
func (u *usage) onBlue(texts []text, where, why string) {
	for _, t := range texts {
		if len(u.suite.compares) > 0 && mentions(varRelease, t) {
			u.fail(t.at, why, "${RELEASE} in %s would fail on the old release", where)
		}
	}
}

func (c *Check) captures() []capture {
	return slices.Concat(list(c.Steps, func(s *Step) []capture { return s.captures })...)
}

func (c *Check) takes(name string) bool {
	return slices.ContainsFunc(c.captures(), func(k capture) bool { return k.name == name })
}

func (u *usage) check(c *Check) {
	u.flow, u.captured = c, maps.Clone(u.setup)
	for _, k := range c.captures() {
		if u.declared[k.name] || u.setup[k.name] {
			u.fail(k.at, "choose another name", "the captured %s is a variable already", k.name)
		}
	}
	sent := u.sent
	for _, s := range c.Steps {
		u.step(s)
		sent = sent || s.SendsRelease()
		c.mentionsRelease = c.mentionsRelease || mentions(varRelease, s.texts()...)
		for name := range u.setup {
			c.needsSetup = c.needsSetup || mentions(name, s.texts()...)
		}
		c.ProvesRelease = c.ProvesRelease || s.Eventually == 0 && s.expect.demands(varRelease)
		for _, k := range s.captures {
			u.captured[k.name] = true
		}
	}
	// What was sent may be what comes back, and where attempts may fail the right answers may be the few.
	c.ProvesRelease = c.ProvesRelease && !sent && c.Allowed == 0
}

// demands reports whether no answer without the variable's value can hold.
func (e *expectation) demands(name string) bool {
	return slices.ContainsFunc(e.subjects, func(sub subject) bool {
		return slices.ContainsFunc(sub.rule, func(x operator) bool { return x.demands(name) })
	})
}

// step sees that the variables of a step have a value there.
func (u *usage) step(s *Step) {
	for _, t := range s.sent() {
		u.text(t)
		u.otherTemplates(t)
	}
	for _, t := range s.expected() {
		u.text(t)
	}
	if len(s.path.parts) == 1 && u.declared[s.path.parts[0].name] {
		u.fail(s.path.at, "write GET /${NAME}", "a path begins with /, not with a variable")
	}
}

// foreign finds the variables of shells and of Mustache.
var foreign = regexp.MustCompile(`\$([A-Za-z_][A-Za-z0-9_]*)|\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}`)

// otherTemplates warns of a variable that is written as elsewhere, and so is sent as it stands.
func (u *usage) otherTemplates(t text) {
	for _, m := range foreign.FindAllStringSubmatch(t.raw, -1) {
		if name := m[1] + m[2]; u.declared[name] || u.captured[name] {
			u.warn(t.at, "write ${"+name+"}", "%s is sent as it stands", m[0])
		}
	}
}

// sent are the texts of the request that may hold variables.
func (s *Step) sent() []text {
	out := append([]text{s.path, s.host}, list(s.headers, func(h header) text { return h.value })...)
	if s.body != nil {
		out = append(out, s.body.texts...)
	}
	return out
}

// expected are the texts of what is expected and captured that may hold variables.
func (s *Step) expected() []text {
	out := list(s.captures, func(c capture) text { return c.path.text })
	for _, x := range s.expect.subjects {
		out = append(append(out, x.path.text), x.rule.texts()...)
	}
	return out
}

func (s *Step) texts() []text { return append(s.sent(), s.expected()...) }

func (u *usage) text(t text) {
	for _, p := range t.parts {
		if p.name == "" || u.declared[p.name] || u.captured[p.name] {
			continue
		}
		known := slices.AppendSeq(slices.Collect(maps.Keys(u.declared)), maps.Keys(u.captured))
		slices.Sort(known)
		near := suggest(p.name, known)
		switch {
		case u.flow.takes(p.name):
			u.fail(p.at, "move the step that captures it up", "${%s} is used before it is captured", p.name)
			continue
		case slices.ContainsFunc(u.suite.checks, func(c *Check) bool { return c.takes(p.name) }):
			near = "another check captures it, for its own steps; move those steps into setup:, and all have it"
		case !strings.HasPrefix(near, "did you mean"):
			near = "declare it under variables:, or write $${" + p.name + "} for the text"
		}
		u.fail(p.at, near, "${%s} is not declared", p.name)
	}
}
