package view

import (
	"cmp"
	_ "embed" // the style sheet
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/compare"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
	"github.com/greenlight-ecs/greenlight/pkg/report"
	"github.com/greenlight-ecs/greenlight/pkg/report/plot"
	"github.com/greenlight-ecs/greenlight/pkg/report/sheet"
)

// css is what only this page needs.
//
//go:embed page.css
var css string

// WritePage writes the page: one HTML file that stands alone. Its only error is the writer's.
func WritePage(w io.Writer, r rehearsal.Result) error {
	p := &page{Result: r}
	p.hero()
	p.Add("<main id=\"main\">\n")
	p.timeline()
	p.traffic()
	for i, h := range r.Hooks {
		p.hook(i, h)
	}
	p.messages()
	p.events()
	p.logs()
	p.facts()
	return p.End(w, strings.TrimSpace("Greenlight's rehearse "+p.Greenlight))
}

type page struct {
	sheet.Page
	rehearsal.Result
}

// tone is the style sheet's class for the outcome: only a shift is green.
func tone(r rehearsal.Result) string {
	return cmp.Or(map[rehearsal.Outcome]string{
		rehearsal.Shifted: "PASS", rehearsal.Stopped: "INCONCLUSIVE",
		rehearsal.RolledBack: "FAIL", rehearsal.Failed: "FAIL",
	}[r.Outcome], "ERROR")
}

func (p *page) hero() {
	p.Head(outcome(p.Result)+" · "+p.Release, "Skip to what happened", tone(p.Result), css)
	says := sentence(p.Result)
	if rest, ok := strings.CutPrefix(says, "the "); ok {
		says = "The " + rest
	}
	p.Add(`<p class="suite">Rehearsal of %v in place of %v</p><h1>%v</h1><p class="reason">%v.</p>`,
		p.Release, cmp.Or(p.Baseline, "nothing"), outcome(p.Result), says)
	if p.Why != "" {
		p.Add("<p><code>%v</code> %v</p>\n", p.Where(), p.Why)
	}
	p.Add(`<p class="counts">%v</p>
</div></header>
<nav aria-label="Sections"><header><ul>
<li><a href="#timeline">Timeline</a></li><li><a href="#traffic">Traffic</a></li>`,
		counts(p.Result))
	for i, h := range p.Hooks {
		p.Add(`<li><a href="#hook-%v">%v</a></li>`, i+1, label(h.Event, h.Step))
	}
	p.Add(`%v<li><a href="#events">Events</a></li><li><a href="#logs">Logs</a></li></ul></header></nav>`+"\n",
		map[bool]sheet.Markup{true: `<li><a href="#messages">Messages</a></li>`}[len(p.Messages) > 0])
}

// counts shows the load balancer's counts: the proof of which release answered.
func counts(r rehearsal.Result) string {
	text, oldErrors, freshErrors := answered(r, "production")
	n, t := oldErrors+freshErrors, r.Traffic
	return "Production: " + text + when(n > 0, "; %d of them with an error", n) +
		when(t.Rate > 0, ". %d were this rehearsal's traffic, of which %d failed", t.Sent, t.Failed) + "."
}

func (p *page) hook(i int, h rehearsal.HookResult) {
	v := cmp.Or(h.Verdict, &rehearsal.Verdict{})
	p.Section(fmt.Sprintf("hook-%d", i+1), 2, label(h.Event, h.Step))
	p.Article(3, string(report.Known(finding.Verdict(v.Verdict))), h.Function, string(h.Status))
	text := "It reported nothing: CodeDeploy gave up waiting."
	if p.Controller == "ECS" {
		text = "It gave no answer that ends the wait: Amazon ECS gave up waiting."
	}
	if h.Reported {
		text = "It reported " + string(h.Status) + " after " + compare.Length(h.Duration) + "."
	}
	says := strings.TrimSuffix(v.Verdict+": "+v.Reason, ": ")
	p.Add("<p>%v</p>", text+when(h.Verdict != nil, " It says %s", says))
	for _, a := range h.Attempts {
		p.Add(`<p class="note">%v</p>`, a)
	}
	p.Add("\n</article>\n")
	var found finding.Report
	if len(h.Report) > 0 && json.Unmarshal(h.Report, &found) == nil {
		report.Findings(&p.Page, found, 1)
	} else {
		p.checks(h.Checks)
	}
}

// checks lists what a hook's log says, where it wrote no report.
func (p *page) checks(all []rehearsal.Check) {
	if len(all) == 0 {
		return
	}
	p.Table("Checks", "", "verdict!", "check", "attempts", "reason", "took#")
	for _, c := range all {
		attempts := fmt.Sprintf("%d of %d passed", c.Attempts-c.Failures, c.Attempts)
		if c.Compare != nil {
			attempts = fmt.Sprintf("%d pairs, p95 %.1f ms (blue %.1f)", c.Compare.Pairs, c.Compare.GreenP95, c.Compare.BlueP95)
		}
		p.Row(string(report.Known(finding.Verdict(c.Verdict))), c.Verdict, c.Name, attempts, c.Reason, compare.Length(c.Duration))
	}
	p.EndTable()
}

func (p *page) events() {
	p.Section("events", 2, "What happened")
	p.Table("What happened", "events", "after#", "event", "what")
	for _, e := range p.Timeline {
		text := e.Text
		switch e.Kind {
		case rehearsal.KindLog, rehearsal.KindBegin, rehearsal.KindTraffic:
			continue
		case rehearsal.KindEnd:
			if !rehearsal.Idle(e.Status, e.Text) {
				text = strings.TrimSuffix(string(e.Status)+": "+text, ": ")
			}
		case rehearsal.KindCheck:
			text = strings.TrimSuffix(e.Check.Verdict+": "+e.Check.Name+": "+e.Check.Reason, ": ")
		case rehearsal.KindVerdict:
			text = strings.TrimSuffix("the hook says "+e.Verdict.Verdict+": "+e.Verdict.Reason, ": ")
		case rehearsal.KindNote, rehearsal.KindWarning, rehearsal.KindHook, rehearsal.KindShift, rehearsal.KindRollback:
		}
		p.Row("", fmt.Sprintf("%.2f s", e.Since.Seconds()), label(e.Lifecycle, e.Step), text)
	}
	p.EndTable()
}

func (p *page) logs() {
	var lines []string
	for _, e := range p.Timeline {
		if e.Kind == rehearsal.KindLog {
			lines = append(lines, fmt.Sprintf("%8.2fs  %s | %s", e.Since.Seconds(), e.Source, e.Text))
		}
	}
	p.Section("logs", 2, "Logs of tasks and hooks")
	dropped := when(p.LinesDropped > 0, ", and %d more that were not kept", p.LinesDropped)
	p.fold(fmt.Sprintf("%d lines", len(lines))+dropped, lines)
	p.Add("</details>\n")
}

// fold begins a fold with lines.
func (p *page) fold(title string, lines []string) {
	p.Add(`<details><summary>%v</summary><pre class="log" tabindex="0">`, title)
	for _, line := range lines {
		p.Add("%v\n", line)
	}
	p.Add("</pre>\n")
}

// messages shows what people would have been told by mail, and below it the other forms.
func (p *page) messages() {
	for i, m := range p.Messages {
		if i == 0 {
			p.Section("messages", 2, "What people would have been told")
		}
		p.fold(m.Subject, strings.Split(strings.TrimSpace(m.Mail), "\n"))
		for _, name := range slices.Sorted(maps.Keys(m.Forms)) {
			text, _ := json.MarshalIndent(m.Forms[name], "", "  ") // what is no JSON is not shown
			p.fold(name, strings.Split(string(text), "\n"))
			p.Add("</details>\n")
		}
		p.Add("</details>\n")
	}
}

func (p *page) facts() {
	p.Section("run", 2, "The rehearsal")
	p.Facts("Deployment controller", p.Controller, "New release", p.Release, "Image", p.Image, "Old release", p.Baseline,
		"Suite", p.Suite, "SHA-256 of the suite", p.SuiteSHA256, "Greenlight", p.Greenlight,
		"Deployment", p.DeploymentID, "Rollback deployment", p.RollbackID,
		"Began", p.Started.UTC().Format("2006-01-02 15:04:05")+" UTC", "Took", compare.Length(p.Duration),
		"Secrets that nobody gave", strings.Join(p.Missed, ", "))
}

// timeline draws the lifecycle events and, below them, the listeners' weights.
func (p *page) timeline() {
	var spans []plot.Span
	var rows [][]string
	for _, e := range p.Lifecycle {
		s := plot.Span{Name: eventName(e), Note: string(e.Status)}
		began := when(!e.Started.IsZero(), "%.2f s", e.Started.Sub(p.Started).Seconds())
		took := when(!e.Started.IsZero() && !e.Ended.IsZero(), "%s", compare.Length(e.Ended.Sub(e.Started)))
		message, status := e.Message, string(e.Status)
		switch {
		case rehearsal.Idle(e.Status, e.Message):
			s.Note, status, took, message = e.Message, e.Message, "", ""
		case took != "" && e.Status != deployment.EventSkipped:
			s.From, s.To, s.Kind, s.Note = e.Started.Sub(p.Started), e.Ended.Sub(p.Started), plot.Broken, s.Note+", "+took
			if e.Status == deployment.EventSucceeded {
				s.Kind = plot.Fine
			}
		}
		spans = append(spans, s)
		rows = append(rows, []string{eventName(e), status, began, took, message})
	}
	p.Section("timeline", 2, "Timeline")
	picture := plot.Spans("The lifecycle events of the deployment, and the weights of the listeners over time", spans,
		p.weights(), p.Duration)
	if picture != "" {
		p.Add(`<figure><figcaption><span class="key-new">%v, filled</span><span class="key-old">%v, outlined</span>`+
			"</figcaption>%v</figure>\n", p.Release, p.Baseline, sheet.Markup(picture))
	}
	p.Table("Lifecycle events", "", "lifecycle event", "status!", "began#", "took#", "diagnostics")
	for i, e := range p.Lifecycle {
		p.Row(toneOf(e), rows[i]...)
	}
	p.EndTable()
}

// toneOf is the style sheet's class for an event; one that is under way has not succeeded.
func toneOf(e rehearsal.LifecycleEvent) string {
	if rehearsal.Idle(e.Status, e.Message) {
		return "NONE"
	}
	return cmp.Or(map[deployment.EventStatus]string{
		deployment.EventSucceeded: "PASS", deployment.EventSkipped: "SKIPPED", deployment.EventPending: "SKIPPED",
	}[e.Status], "FAIL")
}

func (p *page) weights() (all []plot.Listener) {
	for _, name := range []string{"production", "test"} {
		l := plot.Listener{Name: name + " listener"}
		for _, s := range p.Shifts {
			if s.Listener == name {
				l.Steps = append(l.Steps, plot.Step{At: s.Since, Percent: s.Green})
			}
		}
		if len(l.Steps) > 0 {
			all = append(all, l)
		}
	}
	return all
}

// traffic draws which release answered which request, and counts them.
func (p *page) traffic() {
	p.Section("traffic", 2, "Which release answered")
	for _, listener := range []string{"production", "test"} {
		p.listener(listener)
	}
	if tallies := p.Requests; len(tallies) > 0 {
		p.Table("Requests", "", "listener", "answered by", "requests#", "errors#")
		for _, t := range tallies {
			p.Row("", t.Listener, cmp.Or(t.Release, "the load balancer itself: no target"),
				strconv.FormatInt(t.Requests, 10), strconv.FormatInt(t.Errors, 10))
		}
		p.EndTable()
	}
	if f := p.Traffic; f.FirstFailure != "" {
		p.Add("<p>The first request of the rehearsal's traffic that failed: %v</p>", f.FirstFailure)
	}
}

func (p *page) listener(listener string) {
	var fresh, old, failed []plot.Request
	for _, q := range p.AccessLog {
		kind := &old
		switch {
		case q.Listener != listener:
			continue
		case q.Failed():
			kind = &failed
		case q.Release == p.Release:
			kind = &fresh
		}
		*kind = append(*kind, plot.Request{At: q.At.Sub(p.Started), Latency: q.Duration})
	}
	title := fmt.Sprintf("Requests to the %s listener over time, by how long the answer took: %d answered by %s, "+
		"%d by %s, %d failed",
		listener, len(fresh), p.Release, len(old), p.Baseline, len(failed))
	picture := plot.Requests(title, fresh, old, failed, p.Duration)
	if picture == "" {
		return
	}
	p.Add("<h3>The %v listener</h3>\n<figure><figcaption>", listener)
	for _, key := range []struct {
		class, text string
		n           int
	}{{"key-new", p.Release, len(fresh)}, {"key-old", p.Baseline, len(old)}, {"key-bad", "failed", len(failed)}} {
		if key.n > 0 {
			p.Add(`<span class="%v">%v: %v</span>`, key.class, key.text, key.n)
		}
	}
	p.Add("</figcaption>%v</figure>\n", sheet.Markup(picture))
}
