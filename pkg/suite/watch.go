package suite

import (
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/greenlight-ecs/greenlight/pkg/compare"
)

// MaxWatch is the most that a watch can last: CodeDeploy gives a hook one hour.
const MaxWatch = 50 * time.Minute

const (
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
	// Errors is the largest share of failed requests, between 0 and 1, and nil without a bound.
	Errors *float64
	// P50, P95 and P99 are bounds of the latency, 0 without one.
	P50, P95, P99 time.Duration
	// MinShift and MinRatio are what a difference must reach to count.
	MinShift time.Duration
	MinRatio float64
	// UnhealthyTargets and StoppedTasks are how many are borne.
	UnhealthyTargets, StoppedTasks int
	Logs                           []WatchLog
	Alarms                         []string
}

// WatchLog is a pattern whose lines are counted in the release's logs.
type WatchLog struct {
	Name, Pattern string
	// Group is empty for the log group of the container behind the load balancer.
	Group string
	// Most is the bound, in lines a minute; nil without one.
	Most *int
}

// Watch returns what is watched after the shift, nil where the suite does not say.
func (s *Suite) Watch() *Watch { return s.watch }

// Items lists the names of what a watch judges. Every one of them has to hold.
func (w *Watch) Items() []string {
	items := []string{"watch: 5xx", "watch: p50", "watch: p95", "watch: p99", "watch: targets", "watch: tasks"}
	for _, l := range w.Logs {
		items = append(items, "watch: log "+l.Name)
	}
	for _, a := range w.Alarms {
		items = append(items, "watch: alarm "+a)
	}
	return items
}

func (r *reader) watch(p *pair) *Watch {
	w := &Watch{At: p.at, MinRequests: defaultMinRequests, MinShift: compare.MinShift, MinRatio: compare.MinRatio}
	before := len(r.problems)
	for _, q := range r.pairs(p.value, "watch", "for", "min_requests", "errors", "p50", "p95", "p99", "min_shift",
		"min_ratio", "unhealthy_targets", "stopped_tasks", "logs", "alarms") {
		r.watchKey(q, w)
	}
	if w.For == 0 && len(r.problems) == before {
		r.fail(p.at, "write for: 10m", "watch does not say for how long")
	}
	return w
}

func (r *reader) watchKey(p pair, w *Watch) {
	switch p.key {
	case "for":
		if w.For = r.duration(p.value, "for", MaxWatch); w.For > 0 && w.For < time.Minute {
			r.fail(posOf(p.value), "write for: 10m", "for must be at least 1m, not %s", quote(p.value.Value))
		}
	case "min_requests":
		w.MinRequests = r.integer(p.value, p.key, 1, 1_000_000)
	case "errors":
		w.Errors = r.share(p.value, p.key)
	case "p50":
		w.P50 = r.duration(p.value, p.key, maxTimeout)
	case "p95":
		w.P95 = r.duration(p.value, p.key, maxTimeout)
	case "p99":
		w.P99 = r.duration(p.value, p.key, maxTimeout)
	case "min_shift":
		w.MinShift = r.duration(p.value, p.key, maxTimeout)
	case "min_ratio":
		w.MinRatio = r.ratio(p.value, p.key)
	case "unhealthy_targets":
		w.UnhealthyTargets = r.integer(p.value, p.key, 0, 1000)
	case "stopped_tasks":
		w.StoppedTasks = r.integer(p.value, p.key, 0, 1000)
	case "logs":
		r.watchLogs(p, w)
	case "alarms":
		r.alarms(p, w)
	}
}

func (r *reader) watchLogs(p pair, w *Watch) {
	seen := map[string]bool{}
	nodes := r.items(p.value, "logs of watch")
	for _, n := range nodes {
		l := WatchLog{}
		for _, q := range r.pairs(n, "a log of watch", "name", "pattern", "group", "most") {
			switch q.key {
			case "name":
				l.Name = r.name(q.value)
			case "pattern":
				if l.Pattern, _ = r.scalar(q.value, q.key); len(l.Pattern) > 1024 {
					r.fail(posOf(q.value), "CloudWatch takes 1024 characters", "the pattern is too long")
				}
			case "group":
				l.Group, _ = r.scalar(q.value, q.key)
			case "most":
				l.Most = new(r.integer(q.value, q.key, 0, 1_000_000))
			}
		}
		switch {
		case n.Kind != yaml.MappingNode:
		case l.Name == "" || strings.TrimSpace(l.Pattern) == "":
			r.fail(posOf(n), `write {name: errors, pattern: '"level":"error"'}`, "a log of watch needs a name and a pattern")
		case seen[l.Name]:
			r.fail(posOf(n), "name it otherwise", "two logs of watch are called %s", quote(l.Name))
		}
		seen[l.Name] = true
		w.Logs = append(w.Logs, l)
	}
	r.few(p, "logs", len(nodes), maxWatchLogs)
}

func (r *reader) alarms(p pair, w *Watch) {
	seen := map[string]bool{}
	nodes := r.items(p.value, "alarms of watch")
	for _, n := range nodes {
		if n.Kind != yaml.ScalarNode {
			r.fail(posOf(n), "write the alarm's name", "an alarm of watch must be a text, not %s", describe(n))
			continue
		}
		name := r.name(n)
		if seen[name] {
			r.fail(posOf(n), "keep one of them", "the alarm %s stands here twice", quote(name))
		}
		seen[name] = true
		w.Alarms = append(w.Alarms, name)
	}
	r.few(p, "alarms", len(nodes), maxAlarms)
}

func (r *reader) few(p pair, what string, n, most int) {
	switch {
	case n > most:
		r.fail(p.at, "", "watch has %d %s, and takes %d", n, what, most)
	case n == 0 && p.value.Kind == yaml.SequenceNode:
		r.fail(p.at, "leave it out", "watch has no %s", what)
	}
}

// share returns a percentage as a number between 0 and 1, or nil.
func (r *reader) share(n *yaml.Node, what string) *float64 {
	digits, percent := strings.CutSuffix(n.Value, "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if err != nil || !percent || !(f >= 0 && f < 100) {
		r.fail(posOf(n), "write 1%", "%s must be a share below 100%%, not %s", what, describe(n))
		return nil
	}
	return new(f / 100)
}
