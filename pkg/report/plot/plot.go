// Package plot draws latencies as an SVG picture for a page that stands alone: every request as a mark,
// in the order sent, with a line for median and 95th percentile of each side.
//
// It knows no reports, only series of durations. It refuses scripts, style attributes and ids: colours come from
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

// Series is the latencies of one side. The first series of a plot is drawn as dots, the second as
// diamonds: nobody needs to tell colours apart.
type Series struct {
	Name     string
	Values   []time.Duration
	P50, P95 time.Duration
}

// The picture's measures, in units of its view box.
const (
	width, height            = 480, 220
	left, right, top, bottom = 62, 6, 8, 34
	// maxMarks bounds the marks of one series; beyond it neighbours share one, the slow ones first.
	maxMarks = 600
	// logFrom is the ratio of slowest to quickest from which the scale is logarithmic.
	logFrom = 20
	// longest is where the scale ends for sure; nobody waits that long for a response.
	longest = 1000 * time.Hour
)

// Latency returns the picture, or "" when there is nothing to draw. Title is what it shows, as text:
// browsers read it aloud and show it on hovering, together with the figures of each series.
func Latency(title string, series []Series) string {
	s, ok := scaleOf(series)
	if !ok {
		return ""
	}
	var b strings.Builder
	s.open(&b, describe(title, series))
	fmt.Fprintf(&b, `<text x="%d" y="%d">first request</text><text x="%d" y="%d" text-anchor="end">last</text>`, left,
		height-10, width-right, height-10)
	for i, one := range series {
		if len(one.Values) == 0 {
			continue
		}
		x := func(i int) float64 {
			return left + 4 + float64(width-left-right-8)*float64(i)/float64(max(len(one.Values)-1, 1))
		}
		class, shape := "s1 dots", dots
		if i > 0 {
			class, shape = "s2 diamonds", diamonds
		}
		s.marks(&b, class, shape, one.Values, x)
		fmt.Fprintf(&b, `<path class="s%d p50" d="M%d %.1fH%d"/>`, i+1, left, s.y(one.P50), width-right)
		fmt.Fprintf(&b, `<path class="s%d p95" d="M%d %.1fH%d"/>`, i+1, left, s.y(one.P95), width-right)
	}
	b.WriteString("</svg>")
	return b.String()
}

func describe(title string, series []Series) string {
	parts := make([]string, len(series))
	for i, s := range series {
		parts[i] = fmt.Sprintf("%s: %d requests, median %s, 95th percentile %s", s.Name, len(s.Values), label(s.P50),
			label(s.P95))
	}
	return title + ". " + strings.Join(parts, "; ")
}

// scale maps latencies to heights.
type scale struct {
	low, high   time.Duration
	logarithmic bool
}

func scaleOf(series []Series) (scale, bool) {
	var all []time.Duration
	for _, s := range series {
		all = append(all, s.Values...)
	}
	if len(all) == 0 {
		return scale{}, false
	}
	low := min(max(slices.Min(all), time.Microsecond), longest)
	high := min(max(slices.Max(all), 2*time.Microsecond), longest)
	if high/low < logFrom {
		return scale{low: 0, high: high + high/20}, true
	}
	return scale{low: low - low/10, high: high + high/5, logarithmic: true}, true
}

func (s scale) y(d time.Duration) float64 {
	share := float64(d-s.low) / float64(s.high-s.low)
	if s.logarithmic {
		share = math.Log(float64(max(d, s.low))/float64(s.low)) / math.Log(float64(s.high)/float64(s.low))
	}
	share = min(max(share, 0), 1)
	return float64(height-bottom) - share*float64(height-top-bottom)
}

// ticks are round latencies: about five of them.
func (s scale) ticks() []time.Duration {
	if !s.logarithmic {
		return timeTicks(s.high)
	}
	steps := []time.Duration{1, 2, 5}
	if s.high/s.low > 200 {
		steps = steps[:1]
	}
	var all []time.Duration
	for decade := time.Nanosecond; decade <= s.high; decade *= 10 {
		for _, step := range steps {
			if t := decade * step; t >= s.low && t <= s.high {
				all = append(all, t)
			}
		}
	}
	return all
}

// nice rounds up to 1, 2 or 5 times a power of ten. What it gets is not above longest.
func nice(d time.Duration) time.Duration {
	for decade := time.Duration(1); ; decade *= 10 {
		for _, step := range []time.Duration{1, 2, 5} {
			if decade*step >= d {
				return decade * step
			}
		}
	}
}

// open begins a picture with what it shows and the lines of the scale.
func (s scale) open(b *strings.Builder, title string) {
	fmt.Fprintf(b, `<svg class="plot" viewBox="0 0 %d %d" role="img"><title>%s</title>`, width, height,
		html.EscapeString(title))
	for _, tick := range s.ticks() {
		y := s.y(tick)
		fmt.Fprintf(b, `<path class="grid" d="M%d %.1fH%d"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`,
			left, y, width-right, left-6, y+4, label(tick))
	}
}

// The marks, as paths.
const (
	dots     = "h0"
	diamonds = "l3 3-3 3-3-3z"
	crosses  = "l6 6m0-6l-6 6"
)

// marks draws all values, thinned, as one path. x says where the i-th of them is.
func (s scale) marks(b *strings.Builder, class, mark string, values []time.Duration, x func(i int) float64) {
	shift := map[string][2]float64{diamonds: {0, -3}, crosses: {-3, -3}}[mark]
	fmt.Fprintf(b, `<path class="%s" d="`, class)
	for _, i := range thin(values) {
		fmt.Fprintf(b, "M%.1f %.1f%s", x(i)+shift[0], s.y(values[i])+shift[1], mark)
	}
	b.WriteString(`"/>`)
}

// thin picks the values to draw: of too many, the quickest and the slowest of each group of neighbours,
// so that no outlier is lost.
func thin(values []time.Duration) []int {
	var picked []int
	groups := maxMarks / 2
	if len(values) <= maxMarks {
		groups = len(values) // each alone
	}
	for g := range groups {
		from, to := g*len(values)/groups, (g+1)*len(values)/groups
		quickest, slowest := from, from
		for i := from; i < to; i++ {
			if values[i] < values[quickest] {
				quickest = i
			}
			if values[i] > values[slowest] {
				slowest = i
			}
		}
		picked = append(picked, min(quickest, slowest))
		if quickest != slowest {
			picked = append(picked, max(quickest, slowest))
		}
	}
	return picked
}

// label prints a latency with three digits at most; what is below a microsecond is nothing.
func label(d time.Duration) string {
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "µs"}} {
		if d >= unit.of {
			return fmt.Sprintf("%.3g %s", float64(d)/float64(unit.of), unit.name)
		}
	}
	return "0"
}
