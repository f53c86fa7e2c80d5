package report

import (
	"crypto/sha256"
	_ "embed" // the style sheet
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/report/plot"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
)

//go:embed style.css
var styleSheet string

// HTML writes one page that stands alone: no assets, no script, nothing loaded, which its content security
// policy enforces. It is a Writer. Verdict, blame and reason come first, then what failed, then all else.
//
// It is written by hand and not by html/template, whose reflection would add 1.9 MB to a Lambda: text
// and attributes go through page.text, and there is no other place where a value may stand.
func HTML(w io.Writer, r smoke.Report) error {
	p := &page{}
	p.head(r)
	p.raw("<body>\n<a class=\"skip\" href=\"#main\">Skip to the findings</a>\n")
	p.hero(r)
	p.raw("<main id=\"main\">\n")
	p.failed(r)
	p.compares(r.Compares)
	p.checks(r.Checks)
	p.lists(r)
	p.facts(r)
	p.raw("</main>\n<footer>Written by Greenlight.</footer>\n</body>\n</html>\n")
	return write(w, &p.b)
}

// page collects the text of a page. Raw takes constants only.
type page struct{ b strings.Builder }

func (p *page) raw(markup string) { p.b.WriteString(markup) }

func (p *page) text(s string) { p.b.WriteString(html.EscapeString(line(s))) }

// el writes an element with a text in it. Tag and class are constants, or a known verdict.
func (p *page) el(tag, class, text string) {
	p.raw("<" + tag)
	if class != "" {
		p.raw(` class="` + class + `"`)
	}
	p.raw(">")
	p.text(text)
	p.raw("</" + tag + ">")
}

func (p *page) head(r smoke.Report) {
	css := styleSheet + plot.CSS
	hash := sha256.Sum256([]byte(css))
	p.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
	p.raw(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-` +
		base64.StdEncoding.EncodeToString(hash[:]) + `'; base-uri 'none'; form-action 'none'">` + "\n")
	p.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n")
	p.raw("<meta name=\"color-scheme\" content=\"light dark\">\n")
	p.el("title", "", string(known(r.Verdict))+" · "+strings.Join(nonEmpty(r.Suite, r.Release), " · "))
	p.raw("\n<style>" + css + "</style>\n</head>\n")
}

func nonEmpty(all ...string) []string {
	var kept []string
	for _, s := range all {
		if s != "" {
			kept = append(kept, s)
		}
	}
	return kept
}

// meaning says in a sentence whose business a blame is.
func meaning(b smoke.Blame) string {
	switch b {
	case smoke.BlameRelease:
		return "The new version is at fault."
	case smoke.BlameEnvironment:
		return "The old version fails in the same way, or cannot be asked: this is not the release's doing."
	case smoke.BlameGate:
		return "Greenlight itself went wrong. The release may be good."
	case smoke.BlameConfig:
		return "The suite, a setting or a secret is wrong. The release was not judged."
	default:
		return ""
	}
}

func (p *page) hero(r smoke.Report) {
	v := string(known(r.Verdict))
	p.raw(`<header><div class="hero ` + v + `">` + "\n")
	p.el("p", "suite", strings.Join(nonEmpty(r.Suite, r.Release, r.DeploymentID), " · "))
	p.raw("\n<h1>")
	p.text(v)
	if r.Blame != "" && r.Blame != smoke.BlameNone {
		p.raw(` <span class="blame">blame: `)
		p.text(string(r.Blame))
		p.raw("</span>")
	}
	p.raw("</h1>\n")
	if r.Reason != "" {
		p.el("p", "reason", r.Reason)
	}
	for _, s := range nonEmpty(meaning(r.Blame), capital(policy(r))) {
		p.el("p", "meaning", s)
	}
	p.el("p", "counts", summary(r))
	p.raw("\n</div></header>\n")
}

// capital makes a sentence of a clause.
func capital(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// facts is the section that tells which run this was.
func (p *page) facts(r smoke.Report) {
	fact := func(name, value string) {
		if value != "" {
			p.raw("<div>")
			p.el("dt", "", name)
			p.el("dd", "", value)
			p.raw("</div>\n")
		}
	}
	p.raw("<section>\n<h2>The run</h2>\n<dl class=\"facts\">\n")
	fact("Suite", r.Suite)
	fact("SHA-256 of the suite", r.SuiteSHA256)
	fact("Deployment", r.DeploymentID)
	fact("Target, green", r.Target)
	fact("Baseline, blue", r.Baseline)
	if r.Release != "" {
		proven := "no check proved that it answered"
		if r.ReleaseProven {
			proven = "proved to have answered"
		}
		fact("Release", r.Release+", "+proven)
	}
	if r.Readiness != nil {
		fact("Readiness", noun(r.Readiness.Verdict)+", "+readiness(*r.Readiness))
	}
	if !r.Started.IsZero() {
		fact("Began", r.Started.UTC().Format("2006-01-02 15:04:05")+" UTC")
	}
	fact("Took", length(r.Duration))
	p.raw("</dl>\n</section>\n")
}

func (p *page) failed(r smoke.Report) {
	all := bad(r)
	if len(all) == 0 {
		return
	}
	p.raw("<section>\n<h2>What did not pass</h2>\n")
	for _, c := range all {
		p.check(c)
	}
	p.raw("</section>\n")
}

func (p *page) check(c smoke.CheckResult) {
	p.open(c.Check, c.Verdict)
	p.raw(`<p class="where">`)
	if at := c.Place.String(); at != "" {
		p.el("code", "", at)
		p.raw(" ")
	}
	p.text(tally(c))
	if c.Observe {
		p.raw(", but only observed: it does not count")
	}
	p.raw("</p>\n")
	if c.Reason != "" && (len(c.Findings) == 0 || known(c.Verdict) == smoke.Inconclusive) {
		p.el("p", "", c.Reason)
	}
	for _, q := range requests(c.Findings) {
		p.request(q)
	}
	p.raw("</article>\n")
}

// open begins the article of a check or a comparison.
func (p *page) open(name string, v smoke.Verdict) {
	v = known(v)
	p.raw(`<article class="` + string(v) + `">` + "\n<h3>")
	p.text(name)
	p.raw(" ")
	p.el("span", "verdict", string(v))
	p.raw("</h3>\n")
}

func (p *page) request(q request) {
	p.raw("<div class=\"request\">\n<p>")
	p.el("code", "", q.Request)
	p.raw(" ")
	p.el("span", "where", q.which())
	p.raw("</p>\n")
	for _, f := range q.failed {
		p.raw("<div class=\"finding\"><p>")
		p.text(f.Subject)
		p.raw(" ")
		p.el("span", "where", f.Place.String())
		p.raw("</p>\n<dl><dt>expected</dt><dd>")
		p.el("code", "", f.Expected)
		p.raw("</dd><dt>got</dt><dd>")
		p.el("code", "got", f.Got)
		p.raw("</dd></dl></div>\n")
	}
	if text := lines(q.Excerpt); len(text) > 0 {
		p.raw("<details open><summary>Response</summary><pre tabindex=\"0\">")
		for _, l := range text {
			p.text(l)
			p.raw("\n")
		}
		p.raw("</pre></details>\n")
	}
	p.raw("</div>\n")
}

func (p *page) compares(all []smoke.Comparison) {
	if len(all) == 0 {
		return
	}
	p.raw("<section>\n<h2>Green against blue</h2>\n")
	for _, c := range all {
		p.open(c.Check, c.Verdict)
		p.el("p", "where", strings.Join(nonEmpty(c.Place.String(), fmt.Sprintf("%d pairs", c.Pairs)), ", "))
		p.el("p", "", c.Reason)
		p.raw("\n<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">side</th><th scope=\"col\" class=\"number\">median</th>" +
			"<th scope=\"col\" class=\"number\">p95</th><th scope=\"col\" class=\"number\">failed</th></tr></thead>\n<tbody>\n")
		p.side("green, the new version", "key-1", [2]time.Duration{c.GreenP50, c.GreenP95}, c.GreenErrors)
		p.side("blue, the old version", "key-2", [2]time.Duration{c.BlueP50, c.BlueP95}, c.BlueErrors)
		p.raw("</tbody></table></div>\n")
		picture := plot.Latency("Latency of "+line(c.Check), []plot.Series{
			{Name: "green", Values: c.Green, P50: c.GreenP50, P95: c.GreenP95},
			{Name: "blue", Values: c.Blue, P50: c.BlueP50, P95: c.BlueP95},
		})
		if picture != "" {
			p.raw("<figure><figcaption><span class=\"key-1\">green</span><span class=\"key-2\">blue</span>" +
				"<span>line: median, dashed: 95th percentile</span></figcaption>" + picture + "</figure>\n")
		}
		p.raw("</article>\n")
	}
	p.raw("</section>\n")
}

func (p *page) side(name, key string, quantiles [2]time.Duration, failed int) {
	p.raw(`<tr><th scope="row" class="` + key + `">`)
	p.text(name)
	p.raw("</th>")
	p.el("td", "number", length(quantiles[0]))
	p.el("td", "number", length(quantiles[1]))
	p.el("td", "number", strconv.Itoa(failed))
	p.raw("</tr>\n")
}

func (p *page) checks(all []smoke.CheckResult) {
	if len(all) == 0 {
		return
	}
	p.raw("<section>\n<h2>All checks</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"All checks\"><table>\n<thead><tr><th scope=\"col\">verdict</th>" +
		"<th scope=\"col\">check</th><th scope=\"col\">attempts</th><th scope=\"col\" class=\"number\">took</th></tr></thead>\n<tbody>\n")
	for _, c := range all {
		v := string(known(c.Verdict))
		p.raw(`<tr class="` + v + `"><td>`)
		p.el("span", "verdict", v)
		p.raw("</td><td>")
		p.text(c.Check)
		if c.Observe {
			p.raw(" <span class=\"note\">observed only</span>")
		}
		p.raw("</td>")
		p.el("td", "", tally(c))
		p.el("td", "number", length(c.Duration))
		p.raw("</tr>\n")
	}
	p.raw("</tbody></table></div>\n</section>\n")
}

func (p *page) lists(r smoke.Report) {
	if len(r.NotRun) > 0 {
		p.raw("<section>\n<h2>Not run</h2>\n<ul>\n")
		for _, n := range r.NotRun {
			p.raw("<li>")
			p.el("strong", "", n.Check)
			p.raw(": ")
			p.text(n.Why)
			p.raw("</li>\n")
		}
		p.raw("</ul>\n</section>\n")
	}
	if len(r.Warnings) > 0 {
		p.raw("<section>\n<h2>Warnings</h2>\n<ul>\n")
		for _, warning := range r.Warnings {
			p.el("li", "", warning)
		}
		p.raw("</ul>\n</section>\n")
	}
}
