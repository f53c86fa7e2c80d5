package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/report/plot"
	"github.com/greenlight-ecs/greenlight/pkg/report/sheet"
)

// HTML writes one page that stands alone: no assets, no script, nothing loaded, which its content security
// policy enforces. It is a Writer. Verdict, blame and reason come first, then what failed, then all else.
func HTML(w io.Writer, r finding.Report) error {
	p := &page{Page: &sheet.Page{}}
	p.hero(r)
	p.Add("<main id=\"main\">\n")
	Findings(p.Page, r, 0)
	p.facts(r)
	return p.End(w, strings.TrimSpace("Greenlight "+r.Greenlight))
}

// Findings adds what a report found to another page: what did not pass, the comparisons with their plots,
// all checks. Their headings are so many levels deeper than on a page of the report's own.
func Findings(to *sheet.Page, r finding.Report, deeper int) {
	p := &page{Page: to, deeper: deeper}
	p.failed(r)
	p.watch(r)
	p.compares(r.Compares)
	p.checks(r.Checks)
	p.lists(r)
}

// page is a report's. Deeper is how many levels its headings are below those of a page of its own.
type page struct {
	*sheet.Page
	deeper int
}

// optional adds a text that is not empty.
func (p *page) optional(markup sheet.Markup, text string) {
	if text != "" {
		p.Add(markup, text)
	}
}

func (p *page) section(heading string) { p.Section("", 2+p.deeper, heading) }

// meaning says in a sentence whose business a blame is.
func meaning(b finding.Blame) string {
	return map[finding.Blame]string{
		finding.BlameRelease: "The new version is at fault.",
		finding.BlameEnvironment: "The old version fails in the same way, or cannot be asked: " +
			"this is not the release's doing.",
		finding.BlameGate:   "Greenlight itself went wrong. The release may be good.",
		finding.BlameConfig: "The suite, a setting or a secret is wrong. The release was not judged.",
	}[b]
}

func (p *page) hero(r finding.Report) {
	v := Known(r.Verdict)
	p.Head(string(v)+" · "+join(" · ", r.Suite, r.Release), "Skip to the findings", string(v), "")
	p.Add("<p class=\"suite\">%v</p>\n<h1>%v", join(" · ", r.Suite, r.Release, r.DeploymentID), v)
	p.optional(` <span class="blame">blame: %v</span>`, blame(r))
	p.Add("</h1>\n")
	p.optional(`<p class="reason">%v</p>`, r.Reason)
	p.optional(`<p class="meaning">%v</p>`, meaning(r.Blame))
	if extra := policy(r); extra != "" {
		p.Add(`<p class="meaning">%v.</p>`, strings.ToUpper(extra[:1])+extra[1:])
	}
	p.Add("<p class=\"counts\">%v</p>\n</div></header>\n", summary(r))
}

func (p *page) facts(r finding.Report) {
	p.section("The run")
	began := ""
	if !r.Started.IsZero() {
		began = r.Started.UTC().Format("2006-01-02 15:04:05") + " UTC"
	}
	proof := map[bool]string{true: "proved to have answered", false: "no check proved that it answered"}[r.ReleaseProven]
	p.Facts("Suite", r.Suite, "SHA-256 of the suite", r.SuiteSHA256, "Deployment", r.DeploymentID,
		"Target, green", r.Target, "Baseline, blue", r.Baseline, "Release", filled("%s, "+proof, r.Release),
		"Readiness", ready(r), "Began", began, "Took", length(r.Duration))
}

func (p *page) failed(r finding.Report) {
	// What a watch that failed had not judged yet stands in its table alone.
	all := slices.DeleteFunc(bad(r), func(c finding.CheckResult) bool {
		return watched(c) && Known(r.Verdict) == finding.Fail && Known(c.Verdict) == finding.Inconclusive
	})
	if len(all) == 0 {
		return
	}
	p.section("What did not pass")
	for _, c := range all {
		p.check(c)
	}
}

func (p *page) check(c finding.CheckResult) {
	p.open(c.Check, c.Verdict)
	p.Add(`<p class="where">`)
	p.optional("<code>%v</code> ", c.Place.String())
	p.Add("%v", tally(c))
	if c.Observe {
		p.Add(", but only observed: it does not count")
	}
	p.Add("</p>\n")
	if len(c.Findings) == 0 || Known(c.Verdict) == finding.Inconclusive {
		p.optional("<p>%v</p>", c.Reason)
	}
	for _, q := range requests(c.Findings) {
		p.request(q)
	}
	p.Add("</article>\n")
}

func (p *page) open(name string, v finding.Verdict) {
	p.Article(3+p.deeper, string(Known(v)), name, string(Known(v)))
}

func (p *page) request(failed []finding.Finding) {
	q := failed[0]
	p.Add("<div class=\"request\">\n<p><code>%v</code> <span class=\"where\">%v</span></p>\n", q.Request, which(q))
	for _, f := range failed {
		p.Add(`<div class="finding"><p>%v <span class="where">%v</span></p>
<dl><dt>expected</dt><dd><code>%v</code></dd><dt>got</dt><dd><code class="got">%v</code></dd></dl></div>
`, f.Subject, f.Place, f.Expected, f.Got)
	}
	if text := lines(q.Excerpt); len(text) > 0 {
		p.Add(`<details open><summary>Response</summary><pre tabindex="0">`)
		for _, l := range text {
			p.Add("%v\n", l)
		}
		p.Add("</pre></details>\n")
	}
	p.Add("</div>\n")
}

func (p *page) compares(all []finding.Comparison) {
	if len(all) == 0 {
		return
	}
	p.section("Green against blue")
	for _, c := range all {
		p.open(c.Check, c.Verdict)
		p.Add("<p class=\"plain\">%v</p>\n", Plain(c))
		p.pictures("Latency of "+line(c.Check), "", [2]string{"first request", "last"}, []plot.Series{
			{Name: "green", Values: c.Green, P50: c.GreenP50, P95: c.GreenP95},
			{Name: "blue", Values: c.Blue, P50: c.BlueP50, P95: c.BlueP95},
		})
		p.Add("<details><summary>Statistics</summary>\n<p class=\"where\">%v</p><p>%v</p>\n",
			join(", ", c.Place.String(), fmt.Sprintf("%d pairs", c.Pairs)), join(". ", c.Reason, c.Statistics))
		p.Table("Green against blue: "+c.Check, "", "side", "median#", "p95#", "failed#")
		p.Row("", "● green, the new version", length(c.GreenP50), length(c.GreenP95), strconv.Itoa(c.GreenErrors))
		p.Row("", "◇ blue, the old version", length(c.BlueP50), length(c.BlueP95), strconv.Itoa(c.BlueErrors))
		p.EndTable()
		p.Add("</details>\n</article>\n")
	}
}

// pictures shows both sides of what was measured, how often which value came and one after the other.
func (p *page) pictures(title, unit string, ends [2]string, series []plot.Series) {
	key := map[bool]string{true: "line: median, dashed: 95th percentile"}[series[0].P95 > 0]
	if picture := plot.Pictures(title, unit, ends, series); picture != "" {
		p.Add(`<figure><figcaption><span class="key-1">green, filled</span><span class="key-2">blue, outlined</span>`+
			"<span>%v</span></figcaption>\n<div class=\"plots\">%v</div></figure>\n", key, sheet.Markup(picture))
	}
}

// watch shows what AWS measured under production's traffic.
func (p *page) watch(r finding.Report) {
	if !slices.ContainsFunc(r.Checks, watched) && len(r.Series) == 0 {
		return
	}
	p.section("Watched under production’s traffic")
	p.Table("What was watched", "", "verdict!", "what", "measured")
	for _, c := range r.Checks {
		if watched(c) {
			v := string(Known(c.Verdict))
			p.Row(v, v, strings.TrimPrefix(c.Check, "watch: "), c.Reason)
		}
	}
	p.EndTable()
	for _, s := range r.Series {
		p.Add("<article>\n<h%v>%v</h%v>\n<p class=\"plain\">%v</p>\n", 3+p.deeper, s.Name, 3+p.deeper, plainSeries(s))
		if s.BlueStart.Before(s.Start) {
			p.Add("<p class=\"where\">Blue: the minutes before, from %v UTC on.</p>\n", s.BlueStart.UTC().Format("15:04:05"))
		}
		unit, sides := strings.TrimPrefix(line(s.Unit), "ms"), []plot.Series{{Name: "green"}, {Name: "blue"}}
		for i, values := range [][]float64{s.Green, s.Blue} {
			for _, v := range values {
				sides[i].Values = append(sides[i].Values, time.Duration(v*float64(time.Millisecond)))
			}
		}
		end := s.Start.Add(time.Duration(max(len(s.Green), len(s.Blue))) * s.Step)
		p.pictures(line(s.Name), unit, [2]string{
			s.Start.UTC().Format(time.TimeOnly), end.UTC().Format("15:04:05 UTC"),
		}, sides)
		p.Add("</article>\n")
	}
}

func (p *page) checks(all []finding.CheckResult) {
	all = slices.DeleteFunc(slices.Clone(all), watched)
	if len(all) == 0 {
		return
	}
	p.section("All checks")
	p.Table("All checks", "", "verdict!", "check", "attempts", "took#")
	for _, c := range all {
		name, v := c.Check, string(Known(c.Verdict))
		if c.Observe {
			name += " (observed only)"
		}
		p.Row(v, v, name, tally(c), length(c.Duration))
	}
	p.EndTable()
}

func (p *page) lists(r finding.Report) {
	list(p, "Not run", r.NotRun, func(n finding.NotRun) { p.Add("<li><strong>%v</strong>: %v</li>\n", n.Check, n.Why) })
	list(p, "Warnings", r.Warnings, func(warning string) { p.Add("<li>%v</li>", warning) })
}

func list[T any](p *page, heading string, all []T, add func(T)) {
	if len(all) == 0 {
		return
	}
	p.section(heading)
	p.Add("<ul>\n")
	for _, one := range all {
		add(one)
	}
	p.Add("</ul>\n")
}
