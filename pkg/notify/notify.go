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

// Source and DetailType are those of the event.
const (
	Source     = "greenlight"
	DetailType = "Greenlight Verdict"
)

// maxLine bounds a line that is read, in bytes: a hook's are far below, and an event may have 256 KB.
const maxLine = 64 << 10

// Line is a line of a hook's log, as functions/README.md lists its members: a verdict, a question, a check, the metrics.
type Line struct {
	Event      string         `json:"event"`
	Timestamp  string         `json:"timestamp"`
	Deployment string         `json:"deployment_id"`
	Stage      lifecycle.Name `json:"lifecycle_event"`
	Verdict    string         `json:"verdict"`
	Status     string         `json:"status"`
	Blame      string         `json:"blame"`
	Reason     string         `json:"reason"`
	Release    string         `json:"release"`
	Mode       string         `json:"mode"`
	Cluster    string         `json:"cluster"`
	Service    string         `json:"service"`
	Report     string         `json:"report"`
	// Until is when a question ends.
	Until string `json:"until"`
	// Check and Observe are those of a check.
	Check   string `json:"check"`
	Observe bool   `json:"observe"`
	// Outcome says whether CodeDeploy knows.
	Outcome string `json:"outcome"`
	// Application and Group are dimensions of the metrics.
	Application string `json:"Application"`
	Group       string `json:"DeploymentGroup"`

	text []byte
}

// Read reads a line of the log; false where it is none of ours.
func Read(text string) (l Line, ours bool) {
	if len(text) > maxLine || json.Unmarshal([]byte(text), &l) != nil || l.Event == "" {
		return Line{}, false
	}
	l.text = []byte(text)
	return l, true
}

// Crash is the line that a hook did not write, whose lines those are: it ended without a verdict, as Lambda's log says.
func Crash(how, when string, wrote []Line) (l Line) {
	for _, w := range wrote {
		l.Deployment, l.Stage = cmp.Or(w.Deployment, l.Deployment), cmp.Or(w.Stage, l.Stage)
	}
	l, _ = Read(string(encode(object{
		"event": "crash", "timestamp": when, "deployment_id": l.Deployment, "lifecycle_event": l.Stage, "status": "none",
		"verdict": "ERROR", "blame": "gate", "reason": "the hook ended without a verdict: " + how,
	})))
	return l
}

// Kind is what there is to tell.
type Kind string

// The kinds. What is not known is held back.
const (
	Held        Kind = "held back"
	WouldHold   Kind = "would have been held back"
	Rollback    Kind = "the rollback's checks fail"
	Crashed     Kind = "no verdict"
	Question    Kind = "waits for you"
	Skipped     Kind = "let through, skipped"
	Recovered   Kind = "recovered"
	Passed      Kind = "passed"
	notEnforced      = "WOULD FAIL: "
)

// Kind returns what a line is about.
func (l Line) Kind() Kind {
	would := l.Verdict != "PASS" && strings.HasPrefix(l.Reason, notEnforced)
	switch {
	case l.Event == "crash":
		return Crashed
	case l.Event == "ask":
		return Question
	case l.Status != string(lifecycle.Succeeded):
		return Held
	case would && l.rollback():
		return Rollback
	case would:
		return WouldHold
	case l.Verdict == "SKIPPED":
		return Skipped
	}
	return Passed
}

func (l Line) rollback() bool { return strings.Contains(l.Mode, "rollback") }

// Story is all that a message is made of.
type Story struct {
	// Line is the verdict, the question, or a Crash.
	Line Line
	// Beside are the lines of the same invocation, with its checks and metrics.
	Beside []Line
	// Earlier are earlier verdicts of the service, this deployment's among them.
	Earlier []Line
	// Region is AWS's.
	Region string
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
			return e.Deployment == s.Line.Deployment && (k == m.Kind || k == Held && m.Kind != Skipped)
		})
	}
	for _, l := range s.Beside {
		switch {
		case l.Event == "reported":
			m.outcome = l.Outcome
		case l.Event == "metrics":
			m.application, m.group = known(l.Application), known(l.Group)
		case (l.Event == "check" || l.Event == "compare") && l.Verdict != "PASS" && !l.Observe:
			m.failed = append(m.failed, l)
		}
	}
	return m, told
}

func known(dimension string) string { return strings.TrimPrefix(dimension, "unknown") }

// recovered reports whether this PASS is the first that counts of a deployment, after one that was held back. The last
// stage that a service's deployments come to is not known beforehand: it is that of the comparison or of the watch,
// unless no earlier deployment had these.
func (s Story) recovered() bool {
	var last Line
	bad, late := map[string]bool{}, false
	isLate := func(l Line) bool {
		return l.Stage == lifecycle.BeforeAllowTraffic || l.Stage == lifecycle.AfterAllowTraffic
	}
	for _, e := range s.Earlier {
		if e.rollback() { // the old release's, which is no news
			continue
		}
		bad[e.Deployment] = bad[e.Deployment] || e.Kind() == Held || e.Kind() == WouldHold
		if e.Deployment != s.Line.Deployment {
			late = late || isLate(e)
			if e.Timestamp > last.Timestamp {
				last = e
			}
		}
	}
	counts := func(l Line) bool {
		return l.Verdict == "PASS" && !l.rollback() && (isLate(l) || !late && l.Stage == lifecycle.AfterAllowTestTraffic)
	}
	return counts(s.Line) && last.Deployment != "" && bad[last.Deployment] && !bad[s.Line.Deployment] &&
		!slices.ContainsFunc(s.Earlier, func(e Line) bool { return e.Deployment == s.Line.Deployment && counts(e) })
}

// Message is what is told, of which every form is made.
type Message struct {
	Kind Kind
	Line Line

	failed                              []Line
	application, group, outcome, region string
}

const (
	// maxTitle fits a phone, maxText is one of the lines below it, in characters; maxFailed is how many checks are named.
	maxTitle, maxText, maxFailed, maxLink = 60, 300, 5, 2000
)

// Title is the message's first line.
func (m Message) Title() string {
	name := plain(cmp.Or(m.Line.Service, m.application, "a release"), 20) + " "
	if m.Line.Release != "" {
		name += plain(m.Line.Release, 12) + " "
	}
	title := name + string(m.Kind)
	switch {
	case m.Kind == Crashed:
		title += strings.TrimPrefix(m.Line.Reason, "the hook ended without a verdict")
	case m.Kind != Question && m.Kind != Recovered && len(m.failed) > 0:
		title += ": " + m.failed[0].Check
	}
	return plain(title, maxTitle-1)
}

// lines are all that is said below the title: what failed, whose fault it is, what it is about, what to do.
func (m Message) lines() (lines []string) {
	say := func(format string, args ...any) { lines = append(lines, plain(fmt.Sprintf(format, args...), maxText)) }
	for _, c := range m.failed[:min(maxFailed, len(m.failed))] {
		say("%s %s: %s", plain(c.Check, maxTitle), c.Verdict, c.Reason)
	}
	if more := len(m.failed) - maxFailed; more > 0 {
		say("and %d more", more)
	}
	switch {
	case m.Kind == Recovered:
		say("The deployment before was held back; this one passed.")
	case len(lines) == 0 || m.Kind != Held:
		lines = append([]string{plain(m.Line.Reason, 2*maxText)}, lines...)
	}
	if fault := map[string]string{
		"release":     "The release is at fault.",
		"environment": "Production has the same fault: it is not this release's alone.",
		"config":      "A setting, the suite or a permission is at fault, not the release.",
		"gate":        "The gate itself is at fault, not the release.",
	}[m.Line.Blame]; fault != "" {
		say("%s", fault)
	}
	next := []string{"status"}
	if m.Kind == Question {
		next = []string{"approve", "reject"}
		say("Without an answer by %s it is held back.", m.Line.Until)
	}
	for _, f := range [][2]string{
		{"Verdict", m.Line.Verdict},
		{"Release", m.Line.Release},
		{"Service", m.Line.Cluster + "/" + m.Line.Service},
		{"Application", m.application + "/" + m.group},
		{"Gate", string(m.Line.Stage)},
		{"Deployment", m.Line.Deployment},
	} {
		if value := strings.Trim(f[1], "/"); value != "" {
			say("%s: %s", f[0], value)
		}
	}
	for _, verb := range next {
		if m.Line.Deployment != "" {
			why := map[bool]string{true: " --why TEXT"}[m.Kind == Question]
			say("Next: greenlight %s --deployment %s%s", verb, m.Line.Deployment, why)
		}
	}
	return lines
}

// links are titles with pages of AWS's console, which are made of escaped names only.
func (m Message) links() (all [][2]string) {
	for _, l := range [][2]string{
		{"Report", console.Object(m.region, m.Line.Report)}, {"Deployment", console.Deployment(m.region, m.Line.Deployment)},
	} {
		if l[1] != "" && len(l[1]) < maxLink {
			all = append(all, l)
		}
	}
	return all
}

// Event is the detail of the event for EventBridge: the verdict line, and what goes with it.
func (m Message) Event() []byte {
	detail := map[string]any{}
	_ = json.Unmarshal(m.Line.text, &detail)
	more := map[string]string{
		"application": m.application, "deployment_group": m.group, "outcome": m.outcome,
		"console": console.Deployment(m.region, m.Line.Deployment), "commit": "",
		"link": console.Object(m.region, m.Line.Report),
	}
	// Nothing but the release's own name says a commit, and that often is one.
	if r := m.Line.Release; regexp.MustCompile(`^[0-9a-f]{7,40}$`).MatchString(r) && strings.ContainsAny(r, "abcdef") {
		more["commit"] = r
	}
	more["link"] = cmp.Or(more["link"], more["console"])
	for name, value := range more {
		if value != "" {
			detail[name] = value
		}
	}
	detail["schema"] = 1
	return encode(detail)
}
