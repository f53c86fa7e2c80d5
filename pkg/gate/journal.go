package gate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/rs/zerolog"

	"github.com/greenlight-ecs/greenlight/pkg/codedeploy"
	"github.com/greenlight-ecs/greenlight/pkg/console"
	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
	"github.com/greenlight-ecs/greenlight/pkg/version"
)

// timestamp is the format of a line's time, in UTC.
const timestamp = "2006-01-02T15:04:05.000Z"

// journal is an invocation's log: one JSON object a line, with the fields that functions/README.md
// lists, because queries, alarms and dashboards name them. It counts checks and comparisons for the metrics. Several
// goroutines may use it, and it writes nothing once it is closed.
type journal struct {
	mu     sync.Mutex
	out    io.Writer
	closed bool

	// results always come out: a gate is never silent. notes obey LOG_LEVEL.
	results, notes zerolog.Logger
	// secrets are the function's own: no line may hold them, wherever they come from.
	secrets *redact.Redactor

	namespace      string
	region         string
	deploymentID   string // set before anything else is known
	lifecycleEvent lifecycle.Name
	// dimensions are the metrics' own, beside the lifecycle event.
	dimensions []dimension
	// counted is how many checks and comparisons held, and how many did not.
	counted     map[bool]int
	checkMillis []float64
}

func newJournal(out io.Writer, s Settings, n lifecycle.Name) *journal {
	level, err := zerolog.ParseLevel(s.LogLevel)
	if err != nil || s.LogLevel == "" {
		level = zerolog.InfoLevel
	}
	j := &journal{
		out: out, namespace: cmp.Or(s.MetricsNamespace, "Greenlight"), region: s.AWS.Region, lifecycleEvent: n,
		secrets: redact.New(s.AWS.Secrets()...), dimensions: []dimension{{Name: "Application"}, {Name: "DeploymentGroup"}},
		counted: map[bool]int{},
	}
	j.results = zerolog.New(j).Level(zerolog.TraceLevel).Hook(zerolog.HookFunc(j.stamp))
	j.notes = j.results.Level(level)
	return j
}

// Write passes a line of the journal's loggers on until it is closed.
func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return len(line), nil
	}
	if _, err := io.WriteString(j.out, j.secrets.Text(string(line))); err != nil {
		return 0, err
	}
	return len(line), nil
}

func (j *journal) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
}

// learned notes what the deployment was found to be; no dimensions are those that are known already.
func (j *journal) learned(n lifecycle.Name, dimensions ...dimension) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lifecycleEvent = cmp.Or(n, j.lifecycleEvent)
	if len(dimensions) > 0 {
		j.dimensions = dimensions
	}
}

// stamp adds the fields that every line has.
func (j *journal) stamp(e *zerolog.Event, _ zerolog.Level, _ string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e.Str("timestamp", time.Now().UTC().Format(timestamp)).
		Str("deployment_id", j.deploymentID).
		Str("lifecycle_event", string(j.lifecycleEvent))
}

func (j *journal) note(text string) { j.notes.Info().Str("event", "note").Msg(text) }
func (j *journal) warn(texts ...string) {
	for _, text := range texts {
		j.notes.Warn().Str("event", "note").Msg(text)
	}
}
func (j *journal) debug(text string) { j.notes.Debug().Str("event", "note").Msg(text) }

// safely runs f, on which the status does not depend: a panic in it becomes a log line and nothing else.
func (j *journal) safely(f func()) {
	defer func() {
		if p := recover(); p != nil {
			j.fault(fmt.Sprintf("the gate panicked beside its verdict: %.300v\n%s", p, debug.Stack()))
		}
	}()
	f()
}

// fault logs what should never happen, at every LOG_LEVEL.
func (j *journal) fault(text string) { j.results.Error().Str("event", "note").Msg(text) }

// line logs a result: its names and values in turn.
func (j *journal) line(level zerolog.Level, event string, fields ...any) {
	j.results.WithLevel(level).Str("event", event).Fields(fields).Send()
}

func (j *journal) check(c finding.CheckResult) {
	j.mu.Lock()
	j.count(c)
	j.checkMillis = append(j.checkMillis, millis(c.Duration))
	j.mu.Unlock()
	j.line(levelOf(c.Verdict == finding.Pass || c.Observe), "check", "check", c.Check, "verdict", c.Verdict,
		"attempts", c.Attempts, "failures", c.Failures, "duration_ms", millis(c.Duration), "observe", c.Observe,
		"reason", c.Reason)
}

// count counts a check; the caller holds the lock.
func (j *journal) count(c finding.CheckResult) {
	if !c.Observe {
		j.counted[c.Verdict == finding.Pass]++
	}
}

func (j *journal) compare(c finding.Comparison) {
	j.mu.Lock()
	j.counted[c.Verdict == finding.Pass]++
	j.mu.Unlock()
	j.line(levelOf(c.Verdict == finding.Pass), "compare", "check", c.Check, "verdict", c.Verdict, "pairs", c.Pairs,
		"green_p50_ms", millis(c.GreenP50), "blue_p50_ms", millis(c.BlueP50),
		"green_p95_ms", millis(c.GreenP95), "blue_p95_ms", millis(c.BlueP95),
		"green_errors", c.GreenErrors, "blue_errors", c.BlueErrors, "reason", c.Reason)
}

// asks writes what somebody is asked, and how to answer it.
func (j *journal) asks(q *question, d decision.Decision, link string) {
	j.line(zerolog.WarnLevel, "ask", j.linked(link, "question", q.ID, "until", q.Until.Format(time.RFC3339),
		"reason", oneLine(d.Reason), "release", oneLine(d.Seen.Release), "cluster", d.Seen.Cluster, "service", d.Seen.Service,
		"approve", "greenlight approve --deployment "+j.deploymentID+" --why TEXT",
		"reject", "greenlight reject --deployment "+j.deploymentID+" --why TEXT")...)
}

// linked adds where the report is, if it is anywhere, and the console's page: of the report, else of the deployment.
func (j *journal) linked(report string, fields ...any) []any {
	if report != "" {
		fields = append(fields, "report", report)
	}
	if page := cmp.Or(console.Object(j.region, report), console.Deployment(j.region, j.deploymentID)); page != "" {
		fields = append(fields, "link", page)
	}
	return fields
}

// recount counts what a report holds: it may be another call that told it.
func (j *journal) recount(r finding.Report) {
	j.mu.Lock()
	defer j.mu.Unlock()
	clear(j.counted)
	for _, c := range r.Checks {
		j.count(c)
	}
	for _, c := range r.Compares {
		j.counted[c.Verdict == finding.Pass]++
	}
}

// verdict writes the verdict line, the one that people look for, with the witnesses behind it.
func (j *journal) verdict(d decision.Decision, link string, took time.Duration) {
	level := levelOf(d.Status() == lifecycle.Succeeded)
	if level == zerolog.InfoLevel && d.Verdict != finding.Pass {
		level = zerolog.WarnLevel
	}
	j.mu.Lock()
	passed, failed := j.counted[true], j.counted[false]
	j.mu.Unlock()
	s := d.Seen
	fields := []any{
		"verdict", d.Verdict, "status", d.Status(), "blame", d.Blame, "reason", oneLine(d.Reason),
		"release", oneLine(s.Release), "suite", oneLine(s.Suite), "suite_sha256", s.SuiteSHA256,
		"checks_passed", passed, "checks_failed", failed, "duration_ms", millis(took),
		"cluster", s.Cluster, "service", s.Service, "greenlight", version.Number(),
	}
	if s.Step > 0 {
		fields = append(fields, "step", s.Step)
	}
	for _, w := range s.Witnesses() {
		fields = append(fields, w.Name, oneLine(w.Saw))
	}
	j.line(level, "verdict", j.linked(link, fields...)...)
}

func (j *journal) reported(s lifecycle.Status, r codedeploy.Reported) {
	level := levelOf(r.Outcome != codedeploy.NotStored)
	if r.Outcome == codedeploy.AlreadyCompleted {
		level = zerolog.WarnLevel
	}
	fields := []any{"status", s, "attempts", r.Attempts, "outcome", r.Outcome}
	if r.Err != nil {
		fields = append(fields, "reason", oneLine(r.Err.Error()))
	}
	j.line(level, "reported", fields...)
}

func (j *journal) metrics(d decision.Decision, r codedeploy.Reported, took time.Duration) {
	j.mu.Lock()
	one := func(name string, value float64) metric {
		return metric{Name: name, Unit: count, Values: []float64{value}}
	}
	doc := document{
		Namespace: j.namespace, Time: time.Now(),
		Dimensions: append(slices.Clone(j.dimensions), dimension{"LifecycleEvent", string(j.lifecycleEvent)}),
		Sets:       [][]string{{j.dimensions[0].Name, j.dimensions[1].Name, "LifecycleEvent"}, {"LifecycleEvent"}},
		Metrics: []metric{
			one("GatePassed", flag(d.Passed())),
			one("GateFailed", flag(d.Status() != lifecycle.Succeeded)),
			one("GateWouldFail", flag(d.WouldFail())),
			one("GateSkipped", flag(d.Overruled == decision.BySkip)),
			one("ChecksPassed", float64(j.counted[true])),
			one("ChecksFailed", float64(j.counted[false])),
			{Name: "CheckDuration", Unit: milliseconds, Values: j.checkMillis},
			{Name: "GateDuration", Unit: milliseconds, Values: []float64{millis(took)}},
			one("ReportFailed", flag(r.Outcome == codedeploy.NotStored)),
		},
		Members: map[string]any{
			"timestamp": time.Now().UTC().Format(timestamp), "level": "info", "event": "metrics",
			"deployment_id": j.deploymentID, "lifecycle_event": string(j.lifecycleEvent),
		},
	}
	j.mu.Unlock()
	lines, err := doc.lines()
	if err != nil {
		j.warn(err.Error())
	}
	for _, line := range lines {
		_, _ = j.Write(append(line, '\n'))
	}
}

func levelOf(good bool) zerolog.Level {
	return map[bool]zerolog.Level{true: zerolog.InfoLevel, false: zerolog.ErrorLevel}[good]
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func flag(b bool) float64 { return map[bool]float64{true: 1}[b] }

// Metrics are written as log lines in CloudWatch's embedded metric format, so that a function has metrics without a
// call to CloudWatch and without a permission for it. What CloudWatch would drop silently is refused: a metric,
// dimension or namespace out of the specification's bounds
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
const (
	// maxValues is how many values one metric may carry in one line; lines splits longer series.
	maxValues = 100
	// maxDimensionValue is in characters.
	maxDimensionValue = 1024
	maxNamespace      = 1024
)

// The units that Greenlight uses, as CloudWatch knows them.
const (
	count        = "Count"
	milliseconds = "Milliseconds"
)

// metric is one metric with one or several values, in its unit.
type metric struct {
	Name   string    `json:"Name"`
	Unit   string    `json:"Unit"`
	Values []float64 `json:"-"`
}

// dimension is a name with its value.
type dimension struct{ Name, Value string }

// document is the metrics of one moment.
type document struct {
	Namespace string
	Time      time.Time
	// Dimensions are all that are used; Sets says, by name, in which combinations CloudWatch shall keep
	// the metrics. Every combination of values is a metric that is paid for: no ids here.
	Dimensions []dimension
	Sets       [][]string
	Metrics    []metric
	// Members are further members of the line, searchable in Logs Insights and no metrics.
	Members map[string]any
}

// lines returns the document as log lines, each one JSON object without a line end: one line, or more
// when a metric has more than maxValues values.
func (d document) lines() (all [][]byte, err error) {
	if n := utf8.RuneCountInString(d.Namespace); n == 0 || n > maxNamespace {
		return nil, fmt.Errorf("write metrics: namespace of %d characters, want 1 to %d", n, maxNamespace)
	}
	unprintable := regexp.MustCompile(`[^ -~]`)
	for from := 0; ; from += maxValues {
		out := map[string]any{}
		maps.Copy(out, d.Members)
		for _, dim := range d.Dimensions {
			// CloudWatch takes ASCII without control characters; it drops a line whose dimension is missing or blank.
			value := unprintable.ReplaceAllString(dim.Value, "?")
			if strings.TrimSpace(value) == "" {
				value = "unknown"
			}
			out[dim.Name] = value[:min(len(value), maxDimensionValue)]
		}
		var listed []metric
		for _, m := range d.Metrics {
			if from >= len(m.Values) {
				continue
			}
			listed = append(listed, m)
			if now := m.Values[from:min(from+maxValues, len(m.Values))]; len(now) == 1 {
				out[m.Name] = now[0]
			} else {
				out[m.Name] = now
			}
		}
		if len(listed) == 0 {
			return all, nil
		}
		out["_aws"] = map[string]any{"Timestamp": d.Time.UnixMilli(), "CloudWatchMetrics": []any{struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []metric
		}{d.Namespace, d.Sets, listed}}}
		line, err := json.Marshal(out) // fails on NaN and infinity
		if err != nil {
			return nil, err
		}
		all = append(all, line)
	}
}
