// Package notify is what people are told of a verdict: it reads lines of the hooks' log, decides whether somebody is to
// be told, and words it once for EventBridge, Amazon Q Developer, mail, Slack and Teams.
//
// It refuses to talk to anybody: pkg/notify/sender does, and a rehearsal shows what that would have sent. It refuses
// to pass on what a release could forge a message with: mentions, links, markup, line breaks, directions of writing.
package notify

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/console"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

// Source and DetailType are those of the event, maxLine bounds a line of the log, in bytes.
const (
	Source     = "greenlight"
	DetailType = "Greenlight Verdict"
	maxLine    = 64 << 10
)

// Line is a line of a hook's log, as functions/README.md lists its members, or one of Lambda's own beside it.
type Line map[string]any

// Read reads a line of the log; nil where it is none.
func Read(text string) (l Line) {
	if len(text) > maxLine || json.Unmarshal([]byte(text), &l) != nil {
		return nil
	}
	return l
}

// Text is a member that is a text, or one of a member's.
func (l Line) Text(name string, inner ...string) string {
	if object, ok := l[name].(map[string]any); ok && len(inner) > 0 {
		return Line(object).Text(inner[0], inner[1:]...)
	}
	text, _ := l[name].(string)
	return text
}

// Compare orders lines by their time, which the log writes in UTC and in one form.
func (l Line) Compare(other Line) int {
	return strings.Compare(l.Text("timestamp"), other.Text("timestamp"))
}

// Crash is the line that a hook did not write, by Lambda's report of it and by what it did write.
func Crash(report Line, wrote []Line) Line {
	how := strings.TrimSpace(report.Text("record", "status") + " " + report.Text("record", "errorType"))
	l := Line{
		"event": "crash", "timestamp": report.Text("time"), "verdict": "ERROR", "blame": "gate", "status": "none",
		"reason": "the hook ended without a verdict: " + how,
	}
	for _, w := range wrote {
		for _, name := range []string{"deployment_id", "lifecycle_event"} { // what Go's runtime says has none
			l[name] = cmp.Or(w.Text(name), l.Text(name))
		}
	}
	return l
}

// Kind is what there is to tell.
type Kind string

// The kinds. What is not known is held back.
const (
	Held      Kind = "held back"
	WouldHold Kind = "would have been held back"
	Rollback  Kind = "fails its checks in a rollback"
	Crashed   Kind = "no verdict"
	Question  Kind = "waits for you"
	Skipped   Kind = "let through, skipped"
	Recovered Kind = "recovered"
	Passed    Kind = "passed"
)

// Kind returns what a line is about.
func (l Line) Kind() Kind {
	would := l.Text("verdict") != "PASS" && strings.HasPrefix(l.Text("reason"), "WOULD FAIL: ")
	switch {
	case l.Text("event") == "crash":
		return Crashed
	case l.Text("event") == "ask":
		return Question
	case l.Text("status") != string(lifecycle.Succeeded):
		return Held
	case would && l.rollback():
		return Rollback
	case would:
		return WouldHold
	case l.Text("verdict") == "SKIPPED":
		return Skipped
	}
	return Passed
}

func (l Line) rollback() bool { return strings.Contains(l.Text("mode"), "rollback") }

// Story is all that a message is made of.
type Story struct {
	// Line is the verdict, the question, or a Crash; Beside are the lines of the same invocation, Earlier are verdicts
	// before it, of this deployment and of the service's others.
	Line            Line
	Beside, Earlier []Line
	Region          string
	// All says that a PASS is told, too.
	All bool
}

// Compose words what there is to tell, and says whether people are told it; an event is made of every verdict.
func Compose(s Story) (m Message, told bool) {
	m = Message{Kind: s.Line.Kind(), Line: s.Line, region: s.Region}
	switch m.Kind {
	case Question:
		told = true
	case Passed:
		if told = s.All; s.recovered() {
			m.Kind, told = Recovered, true
		}
	default:
		told = !slices.ContainsFunc(s.Earlier, func(e Line) bool {
			k := e.Kind()
			return e.Text("deployment_id") == s.Line.Text("deployment_id") && (k == m.Kind || k == Held && m.Kind != Skipped)
		})
	}
	for _, l := range s.Beside {
		m.outcome = cmp.Or(l.Text("outcome"), m.outcome)
		m.application = cmp.Or(strings.TrimPrefix(l.Text("Application"), "unknown"), m.application)
		m.group = cmp.Or(strings.TrimPrefix(l.Text("DeploymentGroup"), "unknown"), m.group)
		if l.Text("check") != "" && l.Text("verdict") != "PASS" && l["observe"] != true {
			m.failed = append(m.failed, l)
		}
	}
	return m, told
}

// recovered reports whether this PASS is the first that counts of a deployment, after one that was held back. The last
// stage that a service's deployments come to is not known beforehand: it is that of the comparison or of the watch,
// unless no earlier deployment had these.
func (s Story) recovered() bool {
	this, last := s.Line.Text("deployment_id"), Line{}
	bad, late := map[string]bool{}, false
	counts := func(l Line) bool {
		stages := []lifecycle.Name{lifecycle.BeforeAllowTraffic, lifecycle.AfterAllowTraffic, lifecycle.AfterAllowTestTraffic}
		at := slices.Index(stages, lifecycle.Name(l.Text("lifecycle_event")))
		return l.Text("verdict") == "PASS" && !l.rollback() && at >= 0 && (at < 2 || !late)
	}
	for _, e := range s.Earlier {
		id := e.Text("deployment_id")
		if e.rollback() { // the old release's, which is no news
			continue
		}
		bad[id] = bad[id] || e.Kind() == Held || e.Kind() == WouldHold
		if stage := e.Text("lifecycle_event"); id != this {
			late = late || stage == string(lifecycle.BeforeAllowTraffic) || stage == string(lifecycle.AfterAllowTraffic)
			if e.Text("timestamp") > last.Text("timestamp") {
				last = e
			}
		}
	}
	return counts(s.Line) && bad[last.Text("deployment_id")] && last["deployment_id"] != nil && !bad[this] &&
		!slices.ContainsFunc(s.Earlier, func(e Line) bool { return e.Text("deployment_id") == this && counts(e) })
}

// Message is what is told, of which every form is made.
type Message struct {
	Kind Kind
	Line Line

	failed                              []Line
	application, group, outcome, region string
}

// maxTitle fits a phone, maxText is one of the lines below it, in characters; maxFailed is how many checks are named,
// maxLink bounds an address.
const maxTitle, maxText, maxFailed, maxLink = 60, 300, 5, 2000

// Title is the message's first line.
func (m Message) Title() string {
	name := plain(cmp.Or(m.Line.Text("service"), m.application, "a release"), 20)
	title := strings.TrimSpace(name+" "+plain(m.Line.Text("release"), 12)) + " " + string(m.Kind)
	switch {
	case m.Kind == Crashed:
		title = m.Line.Text("reason")
	case m.Kind != Question && m.Kind != Recovered && len(m.failed) > 0:
		title += ": " + m.failed[0].Text("check")
	}
	return plain(title, maxTitle-1)
}

// lines are all that is said below the title: what failed, whose fault it is, what it is about, what to do.
func (m Message) lines() (lines []string) {
	l := m.Line.Text
	say := func(format string, args ...any) { lines = append(lines, plain(fmt.Sprintf(format, args...), maxText)) }
	if m.Kind == Recovered {
		say("The deployment before was held back; this one passed.")
	} else if len(m.failed) == 0 || m.Kind != Held || l("verdict") != "FAIL" {
		lines = append(lines, plain(l("reason"), 2*maxText))
	}
	for _, c := range m.failed[:min(maxFailed, len(m.failed))] {
		say("%s %s: %s", plain(c.Text("check"), maxTitle), c.Text("verdict"), c.Text("reason"))
	}
	if more := len(m.failed) - maxFailed; more > 0 {
		say("and %d more", more)
	}
	next := []string{"status --deployment " + l("deployment_id")}
	if m.Kind == Question {
		say("Without an answer by %s it is held back.", l("until"))
		next = []string{"approve" + next[0][6:] + " --why TEXT", "reject" + next[0][6:] + " --why TEXT"}
	}
	for _, f := range [][2]string{
		{"Whose fault", map[string]string{
			"release": "the release's", "environment": "not this release's alone: production has it, too",
			"config": "a setting's, the suite's or a permission's", "gate": "the gate's own",
		}[l("blame")]},
		{"Verdict", l("verdict")},
		{"Release", l("release")},
		{"Service", strings.Trim(l("cluster")+"/"+l("service"), "/")},
		{"Application", strings.Trim(m.application+"/"+m.group, "/")},
		{"Gate", l("lifecycle_event")},
		{"Deployment", l("deployment_id")},
		{"Log", l("log")},
	} {
		if f[1] != "" {
			say("%s: %s", f[0], f[1])
		}
	}
	for _, n := range next {
		if l("deployment_id") != "" {
			say("Next: greenlight %s", n)
		}
	}
	return lines
}

// links are titles with pages of AWS's console, which are made of escaped names only.
func (m Message) links() (all [][2]string) {
	for _, l := range [][2]string{
		{"Report", console.Object(m.region, m.Line.Text("report"))},
		{"Deployment", console.Deployment(m.region, m.Line.Text("deployment_id"))},
	} {
		if l[1] != "" && len(l[1]) < maxLink {
			all = append(all, l)
		}
	}
	return all
}

// Event is the detail of the event for EventBridge: the verdict line, and what goes with it.
func (m Message) Event() []byte {
	detail := object{"schema": 1}
	for name, value := range m.Line {
		detail[name] = value
	}
	page := console.Deployment(m.region, m.Line.Text("deployment_id"))
	more := map[string]string{
		"application": m.application, "deployment_group": m.group, "outcome": m.outcome, "console": page,
		"link": cmp.Or(console.Object(m.region, m.Line.Text("report")), page),
		// Nothing but the release's own name says a commit, and that often is one.
		"commit": regexp.MustCompile(`^([0-9a-f]{40}|\d{0,6}[a-f][0-9a-f]{6,38})$`).FindString(m.Line.Text("release")),
	}
	for name, value := range more {
		if value != "" {
			detail[name] = value
		}
	}
	return encode(detail)
}
