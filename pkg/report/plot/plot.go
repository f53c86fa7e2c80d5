// Package plot draws what was measured as SVG pictures for a page that stands alone: how often which value came, and
// every value as a mark, one after the other, with a line for median and 95th percentile of each side.
//
// It knows no reports, only series of values. It refuses scripts, style attributes and ids: colours come from
// the page's style sheet by CSS, so that they follow light and dark, and a strict content security policy holds.
package plot

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
	"time"
)

// Series is what was measured of one side, one after the other. The first series of a plot is drawn as dots and filled,
// the second as diamonds and an outline: nobody needs to tell colours apart. What is negative was not measured.
type Series struct {
	Name     string
	Values   []time.Duration
	P50, P95 time.Duration
}

// The picture's measures, in units of its view box.
const (
	width, height            = 480, 220
	left, right, top, bottom = 62, 6, 8, 34
	maxMarks                 = 600              // the marks of a series; beyond it neighbours share one
	logFrom                  = 20               // the ratio of slowest to quickest from which the scale is logarithmic
	longest                  = 1000 * time.Hour // where the scale ends for sure; nobody waits that long for a response
	bins                     = 40               // the parts of the scale in which is counted what came
)

// Pictures returns two pictures of the same series, or "" when there is nothing to draw: how often which value came, and
// the values in their order, with Ends as its first and last. Title is what they show: browsers read it aloud, with the
// figures of each series. Unit is empty for durations; with another one, a millisecond stands for one of it.
func Pictures(title, unit string, ends [2]string, series []Series) string {
	all, longer := []time.Duration(nil), 2
	for _, one := range series {
		all, longer = append(all, one.Values...), max(longer, len(one.Values))
	}
	s, ok := scaleOf(all, html.EscapeString(unit))
	if !ok {
		return ""
	}
	figures := make([]string, len(series))
	for i, one := range series {
		figures[i] = fmt.Sprintf("%s: %d values", one.Name, len(one.Values))
		if one.P95 > 0 {
			figures[i] += fmt.Sprintf(", median %s, 95th percentile %s", s.label(one.P50), s.label(one.P95))
		}
	}
	title += ". " + strings.Join(figures, "; ")
	p := s.open(title)
	p.add(`<text x="%d" y="%d">%s</text><text x="%d" y="%d" text-anchor="end">%s</text>`, left, height-10,
		html.EscapeString(ends[0]), width-right, height-10, html.EscapeString(ends[1]))
	for i, one := range series {
		s.marks(p, [...]string{dots, diamonds}[min(i, 1)], one.Values, func(i int) float64 {
			return across(float64(i) / float64(longer-1))
		})
		p.lines(i, one, fmt.Sprintf("M%d %%.1fH%d", left, width-right), s.y)
	}
	return s.spread("How often which value came. "+title, series) + p.end()
}

// picture is one that is being drawn, as SVG.
type picture struct{ strings.Builder }

// begin begins a picture with what it shows.
func begin(title string, tall int) *picture {
	p := &picture{}
	p.add(`<svg class="plot" viewBox="0 0 %d %d" role="img"><title>%s</title>`, width, tall, html.EscapeString(title))
	return p
}

func (p *picture) add(format string, values ...any) { _, _ = fmt.Fprintf(p, format, values...) }

func (p *picture) end() string {
	p.add("</svg>")
	return p.String()
}

// tick names a place of the scale below a picture.
func (p *picture) tick(x float64, tall int, anchor, label string) {
	p.add(`<text x="%.1f" y="%d" text-anchor="%s">%s</text>`, x, tall-10, anchor, label)
}

// lines draws median and 95th percentile of a series that has them.
func (p *picture) lines(i int, one Series, path string, at func(time.Duration) float64) {
	if one.P95 > 0 {
		p.add(`<path class="s%d p50" d="`+path+`"/><path class="s%d p95" d="`+path+`"/>`, i+1, at(one.P50), i+1, at(one.P95))
	}
}

// spread draws how much of each series is in which part of the scale.
func (s scale) spread(title string, series []Series) string {
	const base, wide = height - bottom, width - left - right
	p := begin(title, height)
	x := func(d time.Duration) float64 { return left + wide*s.share(d) }
	for _, tick := range s.ticks() {
		p.add(`<path class="grid" d="M%.1f %dV%d"/>`, x(tick), top, base)
		p.tick(x(tick), height, anchor(time.Duration(s.share(tick)*bins), bins), s.label(tick))
	}
	counts, most := make([][bins]float64, len(series)), 0.0
	for i, one := range series {
		there := slices.DeleteFunc(slices.Clone(one.Values), func(d time.Duration) bool { return d < 0 })
		for _, d := range there {
			n := &counts[i][min(int(s.share(d)*bins), bins-1)]
			*n += 1 / float64(len(there))
			most = max(most, *n)
		}
	}
	p.add(`<text x="%d" y="%d" text-anchor="end">%.0f %%</text>`, left-6, top+8, 100*most)
	for i, one := range series {
		p.add(`<path class="%s" d="M%d %d`, [...]string{"new area", "old"}[min(i, 1)], left, base)
		for n, share := range counts[i] {
			p.add("V%.1fH%.1f", base-float64(base-top)*share/most, left+float64(wide)*float64(n+1)/bins)
		}
		p.add(`V%d"/>`, base)
		p.lines(i, one, fmt.Sprintf("M%%.1f %dV%d", top, base), x)
	}
	return p.end()
}

// scale maps values to heights, or times to places from left to right.
type scale struct {
	low, high   time.Duration
	logarithmic bool
	unit        string
}

func scaleOf(all []time.Duration, unit string) (scale, bool) {
	if all = slices.DeleteFunc(all, func(d time.Duration) bool { return d < 0 }); len(all) == 0 {
		return scale{}, false
	}
	low := min(max(slices.Min(all), time.Microsecond), longest)
	least := map[bool]time.Duration{true: 2 * time.Microsecond, false: time.Millisecond / 10}[unit == ""]
	high := min(max(slices.Max(all), least), longest)
	if high/low < logFrom || unit != "" {
		return scale{high: high + high/20, unit: unit}, true
	}
	return scale{low: low - low/10, high: high + high/5, logarithmic: true}, true
}

// share is where a value is on the scale, from 0 to 1.
func (s scale) share(d time.Duration) float64 {
	share := float64(d-s.low) / float64(s.high-s.low)
	if s.logarithmic {
		share = math.Log(float64(max(d, s.low))/float64(s.low)) / math.Log(float64(s.high)/float64(s.low))
	}
	return min(max(share, 0), 1)
}

func (s scale) y(d time.Duration) float64 {
	return float64(height-bottom) - s.share(d)*float64(height-top-bottom)
}

// label is a value in the scale's unit.
func (s scale) label(d time.Duration) string {
	if s.unit == "" {
		return Label(d)
	}
	if len(s.unit) > 2 {
		s.unit = "" // no room: the page says it
	}
	return strings.TrimSpace(Digits(float64(d)/float64(time.Millisecond)) + " " + s.unit)
}

// Digits prints a number with three digits, or all of those before its point.
func Digits(n float64) string {
	if n >= 100 {
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.3g", n)
}

// ticks are round values: about five of them.
func (s scale) ticks() (all []time.Duration) {
	if s.logarithmic {
		steps := []time.Duration{1, 2, 5}
		if s.high/s.low > 60 {
			steps = steps[:1]
		}
		return slices.DeleteFunc(round(steps...), func(d time.Duration) bool { return d < s.low || d > s.high })
	}
	steps := round(1, 2, 5)
	i, _ := slices.BinarySearch(steps, s.high/5)
	for t := time.Duration(0); t <= s.high; t += steps[i] {
		all = append(all, t)
	}
	return all
}

// round are these steps of each power of ten, up to longest and beyond.
func round(steps ...time.Duration) (all []time.Duration) {
	for decade := time.Nanosecond; decade < 10*longest; decade *= 10 {
		for _, step := range steps {
			all = append(all, decade*step)
		}
	}
	return all
}

// open begins a picture with what it shows and the lines of the scale.
func (s scale) open(title string) *picture {
	p := begin(title, height)
	for _, tick := range s.ticks() {
		y := s.y(tick)
		p.add(`<path class="grid" d="M%d %.1fH%d"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`,
			left, y, width-right, left-6, y+4, s.label(tick))
	}
	return p
}

// The marks, by the style sheet's classes.
const dots, diamonds, crosses = "s1 dots", "s2 diamonds", "crosses"

// marks draws all values, thinned, as one path. x says where the i-th of them is.
func (s scale) marks(p *picture, mark string, values []time.Duration, x func(i int) float64) {
	shape := map[string]struct {
		right, down float64 // from the value to where the path begins
		path        string
	}{dots: {0, 0, "h0"}, diamonds: {0, -3, "l3 3-3 3-3-3z"}, crosses: {-3, -3, "l6 6m0-6l-6 6"}}[mark]
	p.add(`<path class="%s" d="`, mark)
	for _, i := range thin(values) {
		if values[i] >= 0 {
			p.add("M%.1f %.1f%s", x(i)+shape.right, s.y(values[i])+shape.down, shape.path)
		}
	}
	p.add(`"/>`)
}

// across is where a share of the picture's width is.
func across(share float64) float64 { return left + 4 + (width-left-right-8)*share }

// thin picks the values to draw: of too many, the quickest and slowest of each group, so that no outlier is lost.
func thin(values []time.Duration) (picked []int) {
	groups := maxMarks / 2
	if len(values) <= maxMarks {
		groups = len(values) // each alone
	}
	for g := range groups {
		quickest := g * len(values) / groups
		slowest := quickest
		for i := quickest; i < (g+1)*len(values)/groups; i++ {
			if values[i] < values[quickest] {
				quickest = i
			} else if values[i] > values[slowest] {
				slowest = i
			}
		}
		picked = append(picked, slices.Compact([]int{min(quickest, slowest), max(quickest, slowest)})...)
	}
	return picked
}

// Label prints a latency with three digits at most; what is below a microsecond is nothing.
func Label(d time.Duration) string {
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "µs"}} {
		if d >= unit.of {
			return Digits(float64(d)/float64(unit.of)) + " " + unit.name
		}
	}
	return "0"
}

// Span is something that lasted: a row of a picture of spans. Its note, how it ended, stands behind the name.
type Span struct {
	Name, Note string
	From, To   time.Duration
	Kind       string
}

// The kinds of spans, as the style sheet names them. One that never was is drawn as its name alone.
const (
	Fine   = "ok"
	Broken = "bad"
	Never  = ""
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
	times := scale{high: min(total, longest)}
	const listenerHeight = rowHeight + listenerBar - barHeight
	tall := rowHeight*len(spans) + listenerHeight*len(listeners) + bottom
	p := begin(title, tall)
	x := func(at time.Duration) float64 { return 4 + (width-8)*times.share(at) }
	for _, tick := range times.ticks() {
		p.add(`<path class="grid" d="M%.1f 0V%d"/>`, x(tick), tall-bottom+6)
		p.tick(x(tick), tall, anchor(tick, times.high), Label(tick))
	}
	y := 0
	for _, s := range spans {
		p.add(`<text x="4" y="%d"><tspan class="name">%s</tspan> %s</text>`, y+13, fitted(s.Name), fitted(s.Note))
		if s.Kind != Never {
			p.add(`<rect class="%s" x="%.1f" y="%d" width="%.1f" height="%d" rx="2"/>`, s.Kind, x(s.From), y+18,
				max(x(s.To)-x(s.From), shortest), barHeight)
		}
		y += rowHeight
	}
	for _, l := range listeners {
		p.add(`<text x="4" y="%d" class="name">%s</text>`, y+13, fitted(l.Name))
		for i, step := range l.Steps {
			until := times.high
			if i+1 < len(l.Steps) {
				until = l.Steps[i+1].At
			}
			from, wide := x(step.At), max(x(until)-x(step.At), 0)
			p.add(`<rect class="old" x="%.1f" y="%d" width="%.1f" height="%d"/>`, from, y+18, wide, listenerBar)
			if filled := listenerBar * float64(min(max(step.Percent, 0), 100)) / 100; filled > 0 {
				p.add(`<rect class="new" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, from, float64(y+18+listenerBar)-filled,
					wide, filled)
			}
		}
		y += listenerHeight
	}
	return p.end()
}

// Request is one request: when it was asked, and how long the answer took.
type Request struct{ At, Latency time.Duration }

// Requests returns a picture of requests over time. The new release's are dots, the old one's diamonds,
// failed ones crosses, whoever should have answered.
func Requests(title string, fresh, old, failed []Request, total time.Duration) string {
	s, ok := scaleOf(latencies(slices.Concat(fresh, old, failed)), "")
	if !ok || total <= 0 {
		return ""
	}
	p, times := s.open(title), scale{high: min(total, longest)}
	x := func(at time.Duration) float64 { return across(times.share(at)) }
	for _, tick := range times.ticks() {
		p.tick(x(tick), height, anchor(tick, times.high), Label(tick))
	}
	draw := func(mark string, requests []Request) {
		sorted := slices.SortedStableFunc(slices.Values(requests), func(a, b Request) int { return int(a.At - b.At) })
		s.marks(p, mark, latencies(sorted), func(i int) float64 { return x(sorted[i].At) })
	}
	draw(diamonds, old)
	draw(dots, fresh)
	if len(failed) > 0 {
		draw(crosses, failed)
	}
	return p.end()
}

func latencies(requests []Request) (all []time.Duration) {
	for _, r := range requests {
		all = append(all, r.Latency)
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
