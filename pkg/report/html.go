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
	p.head(r)
	p.Raw("<body>\n<a class=\"skip\" href=\"#main\">Skip to the findings</a>\n")
	p.hero(r)
	p.Raw("<main id=\"main\">\n")
	Findings(p.Page, r, 0)
	p.facts(r)
	p.Raw("</main>\n<footer>Written by Greenlight.</footer>\n</body>\n</html>\n")
	return p.Write(w)
}

// Findings adds what a report found to another page: what did not pass, the comparisons with their plots,
// all checks. Their headings are so many levels deeper than on a page of the report's own.
func Findings(to *sheet.Page, r finding.Report, deeper int) {
	p := &page{Page: to, deeper: deeper}
	p.failed(r)
	p.compares(r.Compares)
	p.checks(r.Checks)
	p.lists(r)
}

// page is a report's. Deeper is how many levels its headings are below those of a page of its own.
type page struct {
	*sheet.Page
	deeper int
}

func (p *page) section(heading string) { p.Section("", 2+p.deeper, heading) }

func (p *page) head(r finding.Report) {
	p.Head(string(Known(r.Verdict))+" · "+strings.Join(nonEmpty(r.Suite, r.Release), " · "), plot.CSS)
}

func nonEmpty(all ...string) []string {
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// meaning says in a sentence whose business a blame is.
func meaning(b finding.Blame) string {
	switch b {
	case finding.BlameRelease:
		return "The new version is at fault."
	case finding.BlameEnvironment:
		return "The old version fails in the same way, or cannot be asked: this is not the release's doing."
	case finding.BlameGate:
		return "Greenlight itself went wrong. The release may be good."
	case finding.BlameConfig:
		return "The suite, a setting or a secret is wrong. The release was not judged."
	default:
		return ""
	}
}

func (p *page) hero(r finding.Report) {
	v := string(Known(r.Verdict))
	p.Raw(`<header><div class="hero ` + v + `">` + "\n")
	p.El("p", "suite", strings.Join(nonEmpty(r.Suite, r.Release, r.DeploymentID), " · "))
	p.Raw("\n<h1>")
	p.Text(v)
	if r.Blame != "" && r.Blame != finding.BlameNone {
		p.Raw(` <span class="blame">blame: `)
		p.Text(string(r.Blame))
		p.Raw("</span>")
	}
	p.Raw("</h1>\n")
	if r.Reason != "" {
		p.El("p", "reason", r.Reason)
	}
	for _, s := range nonEmpty(meaning(r.Blame), capital(policy(r))) {
		p.El("p", "meaning", s)
	}
	p.El("p", "counts", summary(r))
	p.Raw("\n</div></header>\n")
}

// capital makes a sentence of a clause.
func capital(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// facts is the section that tells which run this was.
func (p *page) facts(r finding.Report) {
	p.section("The run")
	p.Raw("<dl class=\"facts\">\n")
	p.Fact("Suite", r.Suite)
	p.Fact("SHA-256 of the suite", r.SuiteSHA256)
	p.Fact("Deployment", r.DeploymentID)
	p.Fact("Target, green", r.Target)
	p.Fact("Baseline, blue", r.Baseline)
	if r.Release != "" {
		proven := "no check proved that it answered"
		if r.ReleaseProven {
			proven = "proved to have answered"
		}
		p.Fact("Release", r.Release+", "+proven)
	}
	if r.Readiness != nil {
		p.Fact("Readiness", noun(r.Readiness.Verdict)+", "+readiness(*r.Readiness))
	}
	if !r.Started.IsZero() {
		p.Fact("Began", r.Started.UTC().Format("2006-01-02 15:04:05")+" UTC")
	}
	p.Fact("Took", length(r.Duration))
	p.Raw("</dl>\n</section>\n")
}

func (p *page) failed(r finding.Report) {
	all := bad(r)
	if len(all) == 0 {
		return
	}
	p.section("What did not pass")
	for _, c := range all {
		p.check(c)
	}
	p.Raw("</section>\n")
}

func (p *page) check(c finding.CheckResult) {
	p.open(c.Check, c.Verdict)
	p.Raw(`<p class="where">`)
	if at := c.Place.String(); at != "" {
		p.El("code", "", at)
		p.Raw(" ")
	}
	p.Text(tally(c))
	if c.Observe {
		p.Raw(", but only observed: it does not count")
	}
	p.Raw("</p>\n")
	if c.Reason != "" && (len(c.Findings) == 0 || Known(c.Verdict) == finding.Inconclusive) {
		p.El("p", "", c.Reason)
	}
	for _, q := range requests(c.Findings) {
		p.request(q)
	}
	p.Raw("</article>\n")
}

// open begins the article of a check or a comparison.
func (p *page) open(name string, v finding.Verdict) {
	p.Article(3+p.deeper, string(Known(v)), name, string(Known(v)))
}

func (p *page) request(q request) {
	p.Raw("<div class=\"request\">\n<p>")
	p.El("code", "", q.Request)
	p.Raw(" ")
	p.El("span", "where", q.which())
	p.Raw("</p>\n")
	for _, f := range q.failed {
		p.Raw("<div class=\"finding\"><p>")
		p.Text(f.Subject)
		p.Raw(" ")
		p.El("span", "where", f.Place.String())
		p.Raw("</p>\n<dl><dt>expected</dt><dd>")
		p.El("code", "", f.Expected)
		p.Raw("</dd><dt>got</dt><dd>")
		p.El("code", "got", f.Got)
		p.Raw("</dd></dl></div>\n")
	}
	if text := lines(q.Excerpt); len(text) > 0 {
		p.Raw("<details open><summary>Response</summary><pre tabindex=\"0\">")
		for _, l := range text {
			p.Text(l)
			p.Raw("\n")
		}
		p.Raw("</pre></details>\n")
	}
	p.Raw("</div>\n")
}

func (p *page) compares(all []finding.Comparison) {
	if len(all) == 0 {
		return
	}
	p.section("Green against blue")
	for _, c := range all {
		p.open(c.Check, c.Verdict)
		p.El("p", "where", strings.Join(nonEmpty(c.Place.String(), fmt.Sprintf("%d pairs", c.Pairs)), ", "))
		p.El("p", "", c.Reason)
		p.Raw("\n")
		p.Table("Green against blue: "+c.Check, "", "side", "median#", "p95#", "failed#")
		p.side("green, the new version", "key-1", [2]time.Duration{c.GreenP50, c.GreenP95}, c.GreenErrors)
		p.side("blue, the old version", "key-2", [2]time.Duration{c.BlueP50, c.BlueP95}, c.BlueErrors)
		p.EndTable()
		picture := plot.Latency("Latency of "+line(c.Check), []plot.Series{
			{Name: "green", Values: c.Green, P50: c.GreenP50, P95: c.GreenP95},
			{Name: "blue", Values: c.Blue, P50: c.BlueP50, P95: c.BlueP95},
		})
		if picture != "" {
			p.Raw("<figure><figcaption><span class=\"key-1\">green</span><span class=\"key-2\">blue</span>" +
				"<span>line: median, dashed: 95th percentile</span></figcaption>" + picture + "</figure>\n")
		}
		p.Raw("</article>\n")
	}
	p.Raw("</section>\n")
}

func (p *page) side(name, key string, quantiles [2]time.Duration, failed int) {
	p.Raw(`<tr><th scope="row" class="` + key + `">`)
	p.Text(name)
	p.Raw("</th>")
	p.El("td", "number", length(quantiles[0]))
	p.El("td", "number", length(quantiles[1]))
	p.El("td", "number", strconv.Itoa(failed))
	p.Raw("</tr>\n")
}

func (p *page) checks(all []finding.CheckResult) {
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
	p.Raw("</section>\n")
}

func (p *page) lists(r finding.Report) {
	if len(r.NotRun) > 0 {
		p.section("Not run")
		p.Raw("<ul>\n")
		for _, n := range r.NotRun {
			p.Raw("<li>")
			p.El("strong", "", n.Check)
			p.Raw(": ")
			p.Text(n.Why)
			p.Raw("</li>\n")
		}
		p.Raw("</ul>\n</section>\n")
	}
	if len(r.Warnings) > 0 {
		p.section("Warnings")
		p.Raw("<ul>\n")
		for _, warning := range r.Warnings {
			p.El("li", "", warning)
		}
		p.Raw("</ul>\n</section>\n")
	}
}
