package view

import (
	"cmp"
	_ "embed" // the style sheet
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/compare"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/report"
	"github.com/greenlight-ecs/greenlight/pkg/report/sheet"
)

// css is what only this page needs.
//
//go:embed page.css
var css string

// WritePage writes the page: one HTML file that stands alone. Its only error is the writer's.
func WritePage(w io.Writer, r rehearsal.Result) error {
	p := &page{result: r}
	p.hero()
	p.Add("<main id=\"main\">\n")
	p.timeline()
	p.traffic()
	for i, h := range r.Hooks {
		p.hook(i, h)
	}
	p.events()
	p.logs()
	p.facts()
	return p.End(w, "Greenlight's rehearse")
}

// page is a rehearsal's.
type page struct {
	sheet.Page
	result rehearsal.Result
}

// tone is the style sheet's class for the outcome: only a shift is green.
func tone(r rehearsal.Result) string {
	return cmp.Or(map[rehearsal.Outcome]string{
		rehearsal.Shifted: "PASS", rehearsal.Stopped: "INCONCLUSIVE",
		rehearsal.RolledBack: "FAIL", rehearsal.Failed: "FAIL",
	}[r.Outcome], "ERROR")
}

func (p *page) hero() {
	r := p.result
	p.Head(outcome(r)+" · "+r.Release, "Skip to what happened", tone(r), css)
	says := sentence(r)
	if rest, ok := strings.CutPrefix(says, "the "); ok {
		says = "The " + rest
	}
	p.Add(`<p class="suite">Rehearsal of %v in place of %v</p><h1>%v</h1><p class="reason">%v.</p>`,
		r.Release, cmp.Or(r.Baseline, "nothing"), outcome(r), says)
	if r.Why != "" {
		p.Add("<p><code>%v</code> %v</p>\n", r.Where(), r.Why)
	}
	p.Add(`<p class="counts">%v</p>
</div></header>
<nav aria-label="Sections"><header><ul>
<li><a href="#timeline">Timeline</a></li><li><a href="#traffic">Traffic</a></li>`,
		counts(r))
	for i, h := range r.Hooks {
		p.Add(`<li><a href="#hook-%v">%v</a></li>`, i+1, label(h.Event, h.Step))
	}
	p.Add(`<li><a href="#events">Events</a></li><li><a href="#logs">Logs</a></li></ul></header></nav>` + "\n")
}

// counts shows the load balancer's counts: the proof of which release answered.
func counts(r rehearsal.Result) string {
	text, oldErrors, freshErrors := answered(r, "production")
	text = "Production: " + text
	if n := oldErrors + freshErrors; n > 0 {
		text += fmt.Sprintf("; %d of them with an error", n)
	}
	if r.Traffic.Rate > 0 {
		text += fmt.Sprintf(". %d were this rehearsal's traffic, of which %d failed", r.Traffic.Sent, r.Traffic.Failed)
	}
	return text + "."
}

func (p *page) hook(i int, h rehearsal.HookResult) {
	verdict := string(finding.Error)
	if h.Verdict != nil {
		verdict = known(h.Verdict.Verdict)
	}
	p.Section(fmt.Sprintf("hook-%d", i+1), 2, label(h.Event, h.Step))
	p.Article(3, verdict, h.Function, string(h.Status))
	text := "It reported nothing: CodeDeploy gave up waiting."
	if p.result.Controller == "ECS" {
		text = "It gave no answer that ends the wait: Amazon ECS gave up waiting."
	}
	if h.Reported {
		text = "It reported " + string(h.Status) + " after " + compare.Length(h.Duration) + "."
	}
	if h.Verdict != nil {
		text += " It says " + h.Verdict.Verdict
		if h.Verdict.Reason != "" {
			text += ": " + h.Verdict.Reason
		}
	}
	p.Add("<p>%v</p>", text)
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
	p.Add("</section>\n")
}

// known is the verdict, or ERROR for one that the style sheet does not know.
func known(verdict string) string { return string(report.Known(finding.Verdict(verdict))) }

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
		p.Row(known(c.Verdict), c.Verdict, c.Name, attempts, c.Reason, compare.Length(c.Duration))
	}
	p.EndTable()
}

func (p *page) events() {
	p.Section("events", 2, "What happened")
	p.Table("What happened", "events", "after#", "event", "what")
	for _, e := range p.result.Timeline {
		text := e.Text
		switch e.Kind {
		case rehearsal.KindLog, rehearsal.KindBegin, rehearsal.KindTraffic:
			continue
		case rehearsal.KindEnd:
			text = strings.TrimSuffix(string(e.Status)+": "+e.Text, ": ")
		case rehearsal.KindCheck:
			text = strings.TrimSuffix(e.Check.Verdict+": "+e.Check.Name+": "+e.Check.Reason, ": ")
		case rehearsal.KindVerdict:
			text = strings.TrimSuffix("the hook says "+e.Verdict.Verdict+": "+e.Verdict.Reason, ": ")
		case rehearsal.KindNote, rehearsal.KindWarning, rehearsal.KindHook, rehearsal.KindShift, rehearsal.KindRollback:
		}
		p.Row("", fmt.Sprintf("%.2f s", e.Since.Seconds()), label(e.Lifecycle, e.Step), text)
	}
	p.EndTable()
	p.Add("</section>\n")
}

func (p *page) logs() {
	var lines []string
	for _, e := range p.result.Timeline {
		if e.Kind == rehearsal.KindLog {
			lines = append(lines, fmt.Sprintf("%8.2fs  %s | %s", e.Since.Seconds(), e.Source, e.Text))
		}
	}
	p.Section("logs", 2, "Logs of tasks and hooks")
	p.Add("<details><summary>%v lines", len(lines))
	if p.result.LinesDropped > 0 {
		p.Add(", and %v more that were not kept", p.result.LinesDropped)
	}
	p.Add(`</summary><pre class="log" tabindex="0">`)
	for _, line := range lines {
		p.Add("%v\n", line)
	}
	p.Add("</pre></details>\n</section>\n")
}

func (p *page) facts() {
	r := p.result
	p.Section("run", 2, "The rehearsal")
	p.Facts([][2]string{
		{"Deployment controller", r.Controller}, {"New release", r.Release}, {"Old release", r.Baseline},
		{"Deployment", r.DeploymentID}, {"Rollback deployment", r.RollbackID},
		{"Began", r.Started.UTC().Format("2006-01-02 15:04:05") + " UTC"}, {"Took", compare.Length(r.Duration)},
		{"Secrets that nobody gave", strings.Join(r.Missed, ", ")},
	}...)
	p.Add("</section>\n")
}

// since returns how long after the rehearsal's beginning a time is.
func (p *page) since(at time.Time) time.Duration { return at.Sub(p.result.Started) }
