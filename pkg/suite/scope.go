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
		if c.Name == "setup" && s.setup != nil || c.Name == "teardown" && s.teardown != nil {
			r.fail(c.At, "choose another name", "%s is what the suite's own flow is called", quote(c.Name))
		}
		if at, ok := seen[c.Name]; ok && c.Name != "?" && c.Name != "" {
			r.fail(c.At, "", "the name %s was already given in line %d", quote(c.Name), at.line)
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
	for i, c := range s.checks {
		for _, name := range c.After {
			if !slices.Contains(all[:i], name) {
				r.fail(c.At, "name a check that stands above it", "%s runs after %s, which is not a check above it",
					quote(c.Name), quote(name))
			}
		}
	}
	for _, name := range s.readiness {
		switch i := slices.Index(all, name); {
		case i < 0:
			r.fail(s.readinessAt, suggestName(name, all), "readiness waits for %s, which is not a check", quote(name))
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
		requests += len(c.Steps)
	}
	requests *= s.Consecutive
	needs := time.Duration(float64(requests-1) / s.Rate * float64(time.Second))
	if needs >= s.Within {
		r.fail(s.rateAt, "raise the rate, or ask for fewer consecutive answers",
			"readiness takes %d requests, at this rate %s, and must be reached within %s",
			requests, needs.Round(time.Second), s.Within)
	}
}

func suggestName(name string, all []string) string {
	help := suggest(name, all)
	if len(all) > 10 && !strings.HasPrefix(help, "did you mean") {
		return ""
	}
	return help
}

// checkVariables sees that every variable that is used is declared, or captured before.
func (r *reader) checkVariables(s *Suite) {
	declared := map[string]bool{varRelease: true, varDeployment: true}
	for _, v := range s.variables {
		declared[v.name] = true
	}
	u := usage{reader: r, declared: declared, anywhere: map[string]bool{}}
	u.text(s.host)
	for _, v := range s.variables {
		for _, t := range v.uses {
			u.text(t)
			for _, w := range s.variables {
				if len(w.uses) > 0 && (w.basic == nil) == (v.basic == nil) && mentions(t, w.name) {
					u.fail(t.at, "make it of texts and of what is looked up", "${%s} has no value yet: it is made of others itself", w.name)
				}
			}
		}
	}
	for _, name := range []string{varUUID, varNow, varAttempt, varSide} {
		declared[name] = true
	}
	for _, c := range s.checks {
		for _, step := range c.Steps {
			for _, k := range step.captures {
				u.anywhere[k.name] = true
			}
		}
	}
	if s.setup != nil {
		u.check(s.setup)
		u.setup, u.sent = u.captured, slices.ContainsFunc(s.setup.Steps, (*Step).SendsRelease)
		u.onBlue(s.setup, s)
	}
	if s.teardown != nil {
		u.check(s.teardown)
		u.onBlue(s.teardown, s)
	}
	for _, c := range s.checks {
		u.check(c)
		if c.needsSetup && slices.Contains(s.readiness, c.Name) {
			r.fail(s.readinessAt, "wait for a check that needs no login",
				"readiness comes before setup, and %s needs what setup captures", quote(c.Name))
		}
	}
	if s.HostMentionsRelease() && len(s.compares) > 0 {
		r.fail(s.host.at, "compare asks the old release too; write the host's name",
			"${RELEASE} in the host would fail on the old release")
	}
	for _, c := range s.compares {
		u.captured, u.later = u.setup, nil
		u.step(c.Steps[0], func(t text, _ bool) {
			if mentions(t, varRelease) {
				r.fail(t.at, "compare asks the old release too; prove the release in a check",
					"${RELEASE} in a comparison would fail on the old release")
			}
		})
	}
}

// usage follows the variables through the suite.
type usage struct {
	*reader
	declared map[string]bool
	// captured are the names that earlier steps of the same flow capture, later those of later steps.
	captured, later map[string]bool
	// anywhere are the names that some flow captures, setup those that setup captures for all.
	anywhere map[string]bool
	setup    map[string]bool
	sent     bool // setup sends the release
}

// onBlue refuses a flow that the old release runs, too, and cannot pass.
func (u *usage) onBlue(flow *Check, s *Suite) {
	for _, step := range flow.Steps {
		step.visit(func(t text, expected bool) {
			if expected && len(s.compares) > 0 && mentions(t, varRelease) {
				u.fail(t.at, "compare has it on the old release too; prove the release in a check",
					"${RELEASE} in %s would fail on the old release", flow.Name)
			}
		})
	}
}

func (u *usage) check(c *Check) {
	u.captured, u.later = map[string]bool{}, map[string]bool{}
	maps.Copy(u.captured, u.setup)
	for _, s := range c.Steps {
		for _, k := range s.captures {
			u.later[k.name] = true
			if u.declared[k.name] || u.setup[k.name] {
				u.fail(k.at, "choose another name", "the captured %s is a variable already", k.name)
			}
		}
	}
	sent := u.sent
	for _, s := range c.Steps {
		u.step(s, func(t text, expected bool) {
			c.mentionsRelease = c.mentionsRelease || mentions(t, varRelease)
			sent = sent || !expected && mentions(t, varRelease)
			c.needsSetup = c.needsSetup || slices.ContainsFunc(t.parts, func(p part) bool { return u.setup[p.name] })
		})
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

// step sees that the variables of a step have a value there, and calls f as visit does.
func (u *usage) step(s *Step, f func(t text, expected bool)) {
	s.visit(func(t text, expected bool) {
		u.text(t)
		if !expected {
			u.otherTemplates(t)
		}
		f(t, expected)
	})
	if len(s.path.parts) == 1 && u.declared[s.path.parts[0].name] {
		u.fail(s.path.at, "write GET /${NAME}", "a path begins with /, not with a variable")
	}
}

// foreign finds the variables of shells and of Mustache.
var foreign = regexp.MustCompile(`\$([A-Za-z_][A-Za-z0-9_]*)|\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}`)

// otherTemplates warns of a variable that is written as elsewhere, and so is sent as it stands.
func (u *usage) otherTemplates(t text) {
	if !strings.ContainsAny(t.first(), "${") && len(t.parts) < 2 {
		return // most texts
	}
	for _, m := range foreign.FindAllStringSubmatch(t.literal(), -1) {
		if name := m[1] + m[2]; u.declared[name] || u.captured[name] {
			u.warn(t.at, "write ${"+name+"}", "%s is sent as it stands", m[0])
		}
	}
}

// visit calls f for every text of the step, with whether it stands in an expectation.
func (s *Step) visit(f func(t text, expected bool)) {
	asked := func(t text) { f(t, false) }
	asked(s.path)
	asked(s.host)
	for _, h := range s.headers {
		asked(h.value)
	}
	if b := s.body; b != nil {
		for _, t := range b.texts {
			asked(t)
		}
	}
	for _, sub := range s.expect.subjects {
		sub.visit(func(t text) { f(t, true) })
	}
	for _, c := range s.captures {
		f(c.path.text, true)
	}
}

func (u *usage) text(t text) {
	for _, p := range t.parts {
		if p.name == "" || u.declared[p.name] || u.captured[p.name] {
			continue
		}
		if u.later[p.name] {
			u.fail(p.at, "move the step that captures it up", "${%s} is used before it is captured", p.name)
			continue
		}
		u.fail(p.at, u.suggestion(p.name), "${%s} is not declared", p.name)
	}
}

func (u *usage) suggestion(name string) string {
	if u.anywhere[name] {
		return "another check captures it, for its own steps; move those steps into setup:, and all have it"
	}
	known := slices.AppendSeq(slices.Sorted(maps.Keys(u.declared)), maps.Keys(u.captured))
	slices.Sort(known)
	if help := suggest(name, known); strings.HasPrefix(help, "did you mean") {
		return help
	}
	return "declare it under variables:, or write $${" + name + "} for the text"
}
