package view

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/compare"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/report"
	"github.com/greenlight-ecs/greenlight/pkg/report/plot"
	"github.com/greenlight-ecs/greenlight/pkg/report/sheet"
)

// css is what only this page needs.
const css = `
table.events td:first-child{white-space:nowrap}
td:last-child:not(.number){min-width:12rem}
h4{font-size:1.05rem;margin:0 0 .2rem}
nav ul{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem}
a{color:var(--series-2)}
.key-new::before{content:"● ";color:var(--series-1)}
.key-old::before{content:"◇ ";color:var(--series-2)}
.key-bad::before{content:"✕ ";color:var(--fail)}
pre.log{white-space:pre;font-size:.8rem}
details{margin:.6rem 0}
`

// WritePage writes the page: one HTML file that stands alone. Its only error is the writer's.
func WritePage(w io.Writer, r rehearsal.Result) error {
	p := &page{result: r}
	p.Head(outcome(r)+" · "+r.Release, plot.CSS+plot.TimeCSS+css)
	p.Raw("<body>\n<a class=\"skip\" href=\"#main\">Skip to what happened</a>\n")
	p.hero()
	p.Raw("<main id=\"main\">\n")
	p.timeline()
	p.traffic()
	for i, h := range r.Hooks {
		p.hook(i, h)
	}
	p.events()
	p.logs()
	p.facts()
	p.Raw("</main>\n<footer>Written by Greenlight's rehearse.</footer>\n</body>\n</html>\n")
	return p.Write(w)
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
	p.Raw(`<header><div class="hero ` + tone(r) + `">` + "\n")
	p.El("p", "suite", fmt.Sprintf("Rehearsal of %s in place of %s", r.Release, cmp.Or(r.Baseline, "nothing")))
	p.El("h1", "", outcome(r))
	says := sentence(r)
	if rest, ok := strings.CutPrefix(says, "the "); ok {
		says = "The " + rest
	}
	p.El("p", "reason", says+".")
	if r.Why != "" {
		p.Raw("<p>")
		p.El("code", "", where(r))
		p.Raw(" ")
		p.Text(r.Why)
		p.Raw("</p>\n")
	}
	p.El("p", "counts", counts(r))
	p.Raw("\n</div></header>\n<nav aria-label=\"Sections\"><header><ul>")
	p.Raw(`<li><a href="#timeline">Timeline</a></li><li><a href="#traffic">Traffic</a></li>`)
	for i, h := range r.Hooks {
		p.Raw(`<li><a href="#hook-` + strconv.Itoa(i+1) + `">`)
		p.Text(label(h.Event, h.Step))
		p.Raw("</a></li>")
	}
	p.Raw(`<li><a href="#events">Events</a></li><li><a href="#logs">Logs</a></li></ul></header></nav>` + "\n")
}

// counts shows the load balancer's counts: the proof of which release answered.
func counts(r rehearsal.Result) string {
	old, oldErrors := r.Served("production", r.Baseline)
	fresh, freshErrors := r.Served("production", r.Release)
	text := fmt.Sprintf("Production: %d requests, %d answered by %s, %d by %s", r.Total("production"), old, r.Baseline,
		fresh, r.Release)
	if r.Baseline == "" {
		text = fmt.Sprintf("Production: %d requests, %d answered by %s", r.Total("production"), fresh, r.Release)
	}
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
	p.Section("hook-"+strconv.Itoa(i+1), 2, label(h.Event, h.Step))
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
	p.El("p", "", text)
	for _, a := range h.Attempts {
		p.El("p", "note", a)
	}
	p.Raw("\n</article>\n")
	var found finding.Report
	if len(h.Report) > 0 && json.Unmarshal(h.Report, &found) == nil {
		report.Findings(&p.Page, found, 1)
	} else {
		p.checks(h.Checks)
	}
	p.Raw("</section>\n")
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
	p.Raw("</section>\n")
}

func (p *page) logs() {
	p.Section("logs", 2, "Logs of tasks and hooks")
	p.Raw("<details><summary>")
	var lines []string
	for _, e := range p.result.Timeline {
		if e.Kind == rehearsal.KindLog {
			lines = append(lines, fmt.Sprintf("%8.2fs  %s | %s", e.Since.Seconds(), e.Source, e.Text))
		}
	}
	p.Text(fmt.Sprintf("%d lines", len(lines)))
	if p.result.LinesDropped > 0 {
		p.Text(fmt.Sprintf(", and %d more that were not kept", p.result.LinesDropped))
	}
	p.Raw("</summary><pre class=\"log\" tabindex=\"0\">")
	for _, line := range lines {
		p.Text(line)
		p.Raw("\n")
	}
	p.Raw("</pre></details>\n</section>\n")
}

func (p *page) facts() {
	r := p.result
	p.Section("run", 2, "The rehearsal")
	p.Raw("<dl class=\"facts\">\n")
	p.Fact("Deployment controller", r.Controller)
	p.Fact("New release", r.Release)
	p.Fact("Old release", r.Baseline)
	p.Fact("Deployment", r.DeploymentID)
	p.Fact("Rollback deployment", r.RollbackID)
	p.Fact("Began", r.Started.UTC().Format("2006-01-02 15:04:05")+" UTC")
	p.Fact("Took", compare.Length(r.Duration))
	p.Fact("Secrets that nobody gave", strings.Join(r.Missed, ", "))
	p.Raw("</dl>\n</section>\n")
}

// since returns how long after the rehearsal's beginning a time is.
func (p *page) since(at time.Time) time.Duration { return at.Sub(p.result.Started) }
