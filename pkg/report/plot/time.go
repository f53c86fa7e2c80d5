package plot

import (
	"fmt"
	"html"
	"slices"
	"strings"
	"time"
)

// Span is something that lasted: a row of a picture of spans.
type Span struct {
	Name string
	// Note stands behind the name: how it ended.
	Note     string
	From, To time.Duration
	// Kind is how it is drawn.
	Kind SpanKind
}

// SpanKind is how a span ended.
type SpanKind string

// The kinds of spans. One that never was is drawn as its name alone.
const (
	Fine   SpanKind = "ok"
	Broken SpanKind = "bad"
	Never  SpanKind = ""
)

// Step is a change of a listener's weights: from then on so many percent go to the new release.
type Step struct {
	At      time.Duration
	Percent int
}

// Listener is a listener's weights over time.
type Listener struct {
	Name  string
	Steps []Step
}

// The measures of a picture of spans.
const (
	rowHeight, barHeight = 34, 12
	listenerBar          = 20
	shortest             = 2.0
	longestText          = 24
)

// Spans returns a picture of what lasted from when to when, with the listeners' weights below it: the new
// release's part is filled, the old one's an outline. Title is what it shows, as text.
func Spans(title string, spans []Span, listeners []Listener, total time.Duration) string {
	if total <= 0 || len(spans)+len(listeners) == 0 {
		return ""
	}
	total = min(total, longest)
	var b strings.Builder
	tall := rowHeight*len(spans) + (rowHeight+listenerBar-barHeight)*len(listeners) + bottom
	fmt.Fprintf(&b, `<svg class="plot" viewBox="0 0 %d %d" role="img"><title>%s</title>`, width, tall,
		html.EscapeString(title))
	x := func(at time.Duration) float64 {
		return 4 + float64(width-8)*min(max(float64(at)/float64(total), 0), 1)
	}
	for _, tick := range timeTicks(total) {
		fmt.Fprintf(&b, `<path class="grid" d="M%.1f 0V%d"/><text x="%.1f" y="%d" text-anchor="%s">%s</text>`, x(tick),
			tall-bottom+6, x(tick), tall-10, anchor(tick, total), label(tick))
	}
	y := 0
	for _, s := range spans {
		fmt.Fprintf(&b, `<text x="4" y="%d"><tspan class="name">%s</tspan> %s</text>`, y+13, fitted(s.Name), fitted(s.Note))
		if s.Kind != Never {
			fmt.Fprintf(&b, `<rect class="%s" x="%.1f" y="%d" width="%.1f" height="%d" rx="2"/>`, s.Kind, x(s.From), y+18,
				max(x(s.To)-x(s.From), shortest), barHeight)
		}
		y += rowHeight
	}
	for _, l := range listeners {
		fmt.Fprintf(&b, `<text x="4" y="%d" class="name">%s</text>`, y+13, fitted(l.Name))
		for i, step := range l.Steps {
			until := total
			if i+1 < len(l.Steps) {
				until = l.Steps[i+1].At
			}
			from, wide := x(step.At), max(x(until)-x(step.At), 0)
			filled := float64(listenerBar) * float64(min(max(step.Percent, 0), 100)) / 100
			fmt.Fprintf(&b, `<rect class="old" x="%.1f" y="%d" width="%.1f" height="%d"/>`, from, y+18, wide, listenerBar)
			if filled > 0 {
				fmt.Fprintf(&b, `<rect class="new" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, from,
					float64(y+18+listenerBar)-filled, wide, filled)
			}
		}
		y += rowHeight + listenerBar - barHeight
	}
	b.WriteString("</svg>")
	return b.String()
}

// Request is one request: when it was asked, and how long the answer took.
type Request struct{ At, Latency time.Duration }

// Requests returns a picture of requests over time. The new release's are dots, the old one's diamonds,
// failed ones crosses, whoever should have answered.
func Requests(title string, fresh, old, failed []Request, total time.Duration) string {
	s, ok := scaleOf([]Series{{Values: latencies(slices.Concat(fresh, old, failed))}})
	if !ok || total <= 0 {
		return ""
	}
	total = min(total, longest)
	var b strings.Builder
	s.open(&b, title)
	x := func(at time.Duration) float64 {
		return left + 4 + float64(width-left-right-8)*min(max(float64(at)/float64(total), 0), 1)
	}
	for _, tick := range timeTicks(total) {
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="%s">%s</text>`, x(tick), height-10, anchor(tick, total),
			label(tick))
	}
	for _, series := range []struct {
		requests    []Request
		class, mark string
	}{{old, "s2 diamonds", diamonds}, {fresh, "s1 dots", dots}, {failed, "crosses", crosses}} {
		if len(series.requests) == 0 {
			continue
		}
		sorted := slices.SortedStableFunc(slices.Values(series.requests), func(a, b Request) int { return int(a.At - b.At) })
		s.marks(&b, series.class, series.mark, latencies(sorted), func(i int) float64 { return x(sorted[i].At) })
	}
	b.WriteString("</svg>")
	return b.String()
}

func latencies(requests []Request) []time.Duration {
	all := make([]time.Duration, len(requests))
	for i, r := range requests {
		all[i] = r.Latency
	}
	return all
}

// timeTicks are round times: about five of them.
func timeTicks(total time.Duration) []time.Duration {
	var all []time.Duration
	step := nice(total / 5)
	for t := time.Duration(0); t <= total; t += step {
		all = append(all, t)
	}
	return all
}

// fitted is a text for a picture, cut so that two of them have room beside each other.
func fitted(text string) string {
	if all := []rune(text); len(all) > longestText {
		text = string(all[:longestText-1]) + "…"
	}
	return html.EscapeString(text)
}

// anchor keeps the text of a tick at the picture's edge inside.
func anchor(tick, total time.Duration) string {
	switch {
	case tick < total/20:
		return "start"
	case tick > total-total/20:
		return "end"
	}
	return "middle"
}
