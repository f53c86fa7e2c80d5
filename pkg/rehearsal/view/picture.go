package view

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/greenlight-ecs/greenlight/pkg/compare"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
	"github.com/greenlight-ecs/greenlight/pkg/report/plot"
	"github.com/greenlight-ecs/greenlight/pkg/report/sheet"
)

// timeline draws the lifecycle events and, below them, the listeners' weights.
func (p *page) timeline() {
	r := p.result
	var spans []plot.Span
	for _, e := range r.Lifecycle {
		s := plot.Span{Name: eventName(e), Note: string(e.Status)}
		if !e.Started.IsZero() && !e.Ended.IsZero() && e.Status != deployment.EventSkipped {
			s.From, s.To, s.Kind = p.since(e.Started), p.since(e.Ended), plot.Broken
			if e.Status == deployment.EventSucceeded {
				s.Kind = plot.Fine
			}
			s.Note += ", " + compare.Length(e.Ended.Sub(e.Started))
		}
		spans = append(spans, s)
	}
	p.Section("timeline", 2, "Timeline")
	picture := plot.Spans("The lifecycle events of the deployment, and the weights of the listeners over time", spans,
		p.weights(), r.Duration)
	if picture != "" {
		p.Add(`<figure><figcaption><span class="key-new">%v, filled</span><span class="key-old">%v, outlined</span>`+
			"</figcaption>%v</figure>\n", r.Release, r.Baseline, sheet.Markup(picture))
	}
	p.Table("Lifecycle events", "", "lifecycle event", "status!", "began#", "took#", "diagnostics")
	for _, e := range r.Lifecycle {
		began, took := "", ""
		if !e.Started.IsZero() {
			began = fmt.Sprintf("%.2f s", p.since(e.Started).Seconds())
		}
		if !e.Ended.IsZero() && !e.Started.IsZero() {
			took = compare.Length(e.Ended.Sub(e.Started))
		}
		p.Row(toneOf(e.Status), eventName(e), string(e.Status), began, took, e.Message)
	}
	p.EndTable()
	p.Add("</section>\n")
}

func toneOf(s deployment.EventStatus) string {
	return cmp.Or(map[deployment.EventStatus]string{
		deployment.EventSucceeded: "PASS", deployment.EventSkipped: "SKIPPED", deployment.EventPending: "SKIPPED",
	}[s], "FAIL")
}

// weights returns the listeners' weights over time.
func (p *page) weights() []plot.Listener {
	var all []plot.Listener
	for _, name := range []string{"production", "test"} {
		l := plot.Listener{Name: name + " listener"}
		for _, s := range p.result.Shifts {
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
	p.tallies()
	if f := p.result.Traffic; f.FirstFailure != "" {
		p.Add("<p>The first request of the rehearsal's traffic that failed: %v</p>", f.FirstFailure)
	}
	p.Add("</section>\n")
}

func (p *page) listener(listener string) {
	r := p.result
	var fresh, old, failed []plot.Request
	for _, q := range r.AccessLog {
		one := plot.Request{At: p.since(q.At), Latency: q.Duration}
		switch {
		case q.Listener != listener:
		case q.Failed():
			failed = append(failed, one)
		case q.Release == r.Release:
			fresh = append(fresh, one)
		default:
			old = append(old, one)
		}
	}
	title := fmt.Sprintf("Requests to the %s listener over time, by how long the answer took: %d answered by %s, "+
		"%d by %s, %d failed",
		listener, len(fresh), r.Release, len(old), r.Baseline, len(failed))
	picture := plot.Requests(title, fresh, old, failed, r.Duration)
	if picture == "" {
		return
	}
	p.Add("<h3>The %v listener</h3>\n<figure><figcaption>", listener)
	for _, key := range []struct {
		class, text string
		n           int
	}{{"key-new", r.Release, len(fresh)}, {"key-old", r.Baseline, len(old)}, {"key-bad", "failed", len(failed)}} {
		if key.n > 0 {
			p.Add(`<span class="%v">%v: %v</span>`, key.class, key.text, key.n)
		}
	}
	p.Add("</figcaption>%v</figure>\n", sheet.Markup(picture))
}

func (p *page) tallies() {
	if len(p.result.Requests) == 0 {
		return
	}
	p.Table("Requests", "", "listener", "answered by", "requests#", "errors#")
	for _, t := range p.result.Requests {
		p.Row("", t.Listener, cmp.Or(t.Release, "the load balancer itself: no target"),
			strconv.FormatInt(t.Requests, 10), strconv.FormatInt(t.Errors, 10))
	}
	p.EndTable()
}
