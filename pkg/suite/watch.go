package suite

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/greenlight-ecs/greenlight/pkg/compare"
)

const (
	// maxWatch is the most that a watch can last: CodeDeploy gives a hook one hour.
	maxWatch           = 50 * time.Minute
	defaultMinRequests = 50
	maxWatchLogs       = 10
	maxAlarms          = 100 // as many as CloudWatch tells in one answer
)

// Watch is what the new release is held to under production's traffic, by what AWS measures of it.
type Watch struct {
	At  Pos
	For time.Duration
	// MinRequests is how many requests the new release must have served to be judged.
	MinRequests int
	// Errors bounds the share of failed requests, below 1, or is nil; P50, P95 and P99 bound the latency, or are 0.
	Errors        *float64
	P50, P95, P99 time.Duration
	// MinShift and MinRatio are what a difference must reach to count.
	MinShift time.Duration
	MinRatio float64
	// UnhealthyTargets and StoppedTasks are how many are borne.
	UnhealthyTargets, StoppedTasks int
	Logs                           []WatchLog
	Alarms                         []string
}

// WatchLog is a pattern whose lines are counted, in the Group, or "" for the container's, and at Most so many a minute.
type WatchLog struct {
	Name, Pattern, Group string
	Most                 *int
}

// Items lists the names of what a watch judges. Every one of them has to hold.
func (w *Watch) Items() []string {
	items := []string{"watch: 5xx", "watch: p50", "watch: p95", "watch: p99", "watch: targets", "watch: tasks"}
	return slices.Concat(items,
		list(w.Logs, func(l WatchLog) string { return "watch: log " + l.Name }),
		list(w.Alarms, func(a string) string { return "watch: alarm " + a }))
}

func (r *reader) watch(p *pair) *Watch {
	w := &Watch{At: p.at, MinRequests: defaultMinRequests, MinShift: compare.MinShift, MinRatio: compare.MinRatio}
	before := len(r.problems)
	r.entries(p.value, "watch", []row{
		{"for", func(q pair) {
			if w.For = r.duration(q.value, "for", maxWatch); w.For > 0 && w.For < time.Minute {
				r.fail(posOf(q.value), "write for: 10m", "for must be at least 1m, not %s", quote(q.value.Value))
			}
		}},
		{"min_requests", func(q pair) { w.MinRequests = r.integer(q.value, q.key, 1, 1_000_000) }},
		{"errors", func(q pair) { w.Errors = new(r.share(q.value)) }},
		{"p50", func(q pair) { w.P50 = r.duration(q.value, q.key, maxTimeout) }},
		{"p95", func(q pair) { w.P95 = r.duration(q.value, q.key, maxTimeout) }},
		{"p99", func(q pair) { w.P99 = r.duration(q.value, q.key, maxTimeout) }},
		{"min_shift", func(q pair) { w.MinShift = r.duration(q.value, q.key, maxTimeout) }},
		{"min_ratio", func(q pair) { w.MinRatio = r.ratio(q.value) }},
		{"unhealthy_targets", func(q pair) { w.UnhealthyTargets = r.integer(q.value, q.key, 0, 1000) }},
		{"stopped_tasks", func(q pair) { w.StoppedTasks = r.integer(q.value, q.key, 0, 1000) }},
		{"logs", func(q pair) { w.Logs = list(r.few(q, maxWatchLogs), r.watchLog) }},
		{"alarms", func(q pair) { w.Alarms = list(r.few(q, maxAlarms), r.name) }},
	})
	if w.For == 0 && len(r.problems) == before {
		r.fail(p.at, "write for: 10m", "watch does not say for how long")
	}
	r.twice(p, w.Items())
	return w
}

// few returns the elements of a list of watch's.
func (r *reader) few(p pair, most int) []*yaml.Node {
	nodes := r.items(p.value, p.key+" of watch")
	if len(nodes) == 0 && p.value.Kind == yaml.SequenceNode {
		r.fail(p.at, "leave "+p.key+" out", "no %s are watched", p.key)
	}
	if len(nodes) > most {
		r.fail(p.at, "", "watch has %d %s, and takes %d", len(nodes), p.key, most)
	}
	return nodes
}

func (r *reader) twice(p *pair, names []string) {
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name] && !strings.HasSuffix(name, " ?") { // a name that was refused
			r.fail(p.at, "keep one of them, or name it otherwise", "%s stands here twice", quote(name))
		}
		seen[name] = true
	}
}

func (r *reader) watchLog(n *yaml.Node) (l WatchLog) {
	l.Name = "?"
	r.entries(n, "a log of watch", []row{
		{"name", func(p pair) { l.Name = r.name(p.value) }},
		{"pattern", func(p pair) { l.Pattern = r.word(p) }},
		{"group", func(p pair) { l.Group = r.word(p) }},
		{"most", func(p pair) { l.Most = new(r.integer(p.value, p.key, 0, 1_000_000)) }},
	})
	if n.Kind == yaml.MappingNode && (l.Name == "?" || strings.TrimSpace(l.Pattern) == "" || len(l.Pattern) > 1024) {
		r.fail(posOf(n), `write {name: errors, pattern: '"level":"error"'}`,
			"a log of watch needs a name and a pattern of at most 1024 characters")
	}
	return l
}

// share returns a percentage as a number below 1.
func (r *reader) share(n *yaml.Node) float64 {
	digits, percent := strings.CutSuffix(n.Value, "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if err != nil || !percent || !(f >= 0 && f < 100) {
		r.fail(posOf(n), "write 1%", "errors must be a share below 100%%, not %s", describe(n))
	}
	return f / 100
}
