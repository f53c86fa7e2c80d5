package gate

import (
	"cmp"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/greenlight-ecs/greenlight/pkg/codedeploy"
	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
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
	deploymentID   string
	lifecycleEvent lifecycle.Name
	// dimensions are the metrics' own, beside the lifecycle event.
	dimensions                 []dimension
	checksPassed, checksFailed int
	checkMillis                []float64
}

func newJournal(out io.Writer, s Settings, n lifecycle.Name) *journal {
	level, err := zerolog.ParseLevel(s.LogLevel)
	if err != nil || s.LogLevel == "" {
		level = zerolog.InfoLevel
	}
	j := &journal{
		out: out, namespace: cmp.Or(s.MetricsNamespace, "Greenlight"), lifecycleEvent: n,
		secrets: redact.New(s.AWS.Secrets()...), dimensions: []dimension{{Name: "Application"}, {Name: "DeploymentGroup"}},
	}
	j.results = zerolog.New((*lineWriter)(j)).Level(zerolog.TraceLevel).Hook(zerolog.HookFunc(j.stamp))
	j.notes = j.results.Level(level)
	return j
}

// lineWriter is the writer behind the journal's loggers.
type lineWriter journal

// Write passes a line on until the journal is closed.
func (w *lineWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return len(line), nil
	}
	if _, err := io.WriteString(w.out, w.secrets.Text(string(line))); err != nil {
		return 0, err
	}
	return len(line), nil
}

func (j *journal) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
}

func (j *journal) deployment(id string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.deploymentID = id
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

func (j *journal) check(c finding.CheckResult) {
	j.mu.Lock()
	j.count(c.Verdict, !c.Observe)
	j.checkMillis = append(j.checkMillis, millis(c.Duration))
	j.mu.Unlock()
	j.results.WithLevel(levelOf(c.Verdict == finding.Pass || c.Observe)).Str("event", "check").
		Str("check", c.Check).
		Str("verdict", string(c.Verdict)).
		Int("attempts", c.Attempts).
		Int("failures", c.Failures).
		Float64("duration_ms", millis(c.Duration)).
		Bool("observe", c.Observe).
		Str("reason", c.Reason).Send()
}

// count counts a check or a comparison; the caller holds the lock.
func (j *journal) count(v finding.Verdict, counts bool) {
	switch {
	case !counts:
	case v == finding.Pass:
		j.checksPassed++
	default:
		j.checksFailed++
	}
}

func (j *journal) compare(c finding.Comparison) {
	j.mu.Lock()
	j.count(c.Verdict, true)
	j.mu.Unlock()
	j.results.WithLevel(levelOf(c.Verdict == finding.Pass)).Str("event", "compare").
		Str("check", c.Check).
		Str("verdict", string(c.Verdict)).
		Int("pairs", c.Pairs).
		Float64("green_p50_ms", millis(c.GreenP50)).
		Float64("blue_p50_ms", millis(c.BlueP50)).
		Float64("green_p95_ms", millis(c.GreenP95)).
		Float64("blue_p95_ms", millis(c.BlueP95)).
		Int("green_errors", c.GreenErrors).
		Int("blue_errors", c.BlueErrors).
		Str("reason", c.Reason).Send()
}

// asks writes what somebody is asked, and how to answer it.
func (j *journal) asks(q *question, reason, link string) {
	j.mu.Lock()
	id := j.deploymentID
	j.mu.Unlock()
	line := j.results.Warn().Str("event", "ask").
		Str("question", q.ID).
		Str("until", q.Until.Format(time.RFC3339)).
		Str("reason", oneLine(reason)).
		Str("approve", "greenlight approve --deployment "+id+" --why TEXT").
		Str("reject", "greenlight reject --deployment "+id+" --why TEXT")
	if link != "" {
		line = line.Str("report", link)
	}
	line.Send()
}

// recount counts what a report holds: it may be another call that told it.
func (j *journal) recount(r finding.Report) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.checksPassed, j.checksFailed = 0, 0
	for i := range r.Checks {
		j.count(r.Checks[i].Verdict, !r.Checks[i].Observe)
	}
	for i := range r.Compares {
		j.count(r.Compares[i].Verdict, true)
	}
}

// verdict writes the verdict line, the one that people look for, with the witnesses behind it.
func (j *journal) verdict(d decision.Decision, link string, took time.Duration) {
	level := levelOf(d.Status() == lifecycle.Succeeded)
	if level == zerolog.InfoLevel && d.Verdict != finding.Pass {
		level = zerolog.WarnLevel
	}
	j.mu.Lock()
	passed, failed := j.checksPassed, j.checksFailed
	j.mu.Unlock()
	s := d.Seen
	line := j.results.WithLevel(level).Str("event", "verdict").
		Str("verdict", string(d.Verdict)).
		Str("status", string(d.Status())).
		Str("blame", string(d.Blame)).
		Str("reason", oneLine(d.Reason)).
		Str("release", s.Release).
		Str("suite", s.Suite).
		Str("suite_sha256", s.SuiteSHA256).
		Int("checks_passed", passed).
		Int("checks_failed", failed).
		Float64("duration_ms", millis(took)).
		Str("cluster", s.Cluster).
		Str("service", s.Service)
	if s.Step > 0 {
		line = line.Int("step", s.Step)
	}
	for _, w := range s.Witnesses() {
		line = line.Str(w.Name, oneLine(w.Saw))
	}
	if link != "" {
		line = line.Str("report", link)
	}
	line.Send()
}

func (j *journal) reported(s lifecycle.Status, r codedeploy.Reported) {
	level := levelOf(r.Outcome != codedeploy.NotStored)
	if r.Outcome == codedeploy.AlreadyCompleted {
		level = zerolog.WarnLevel
	}
	line := j.results.WithLevel(level).Str("event", "reported").
		Str("status", string(s)).
		Int("attempts", r.Attempts).
		Str("outcome", string(r.Outcome))
	if r.Err != nil {
		line = line.Str("reason", oneLine(r.Err.Error()))
	}
	line.Send()
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
			one("ChecksPassed", float64(j.checksPassed)),
			one("ChecksFailed", float64(j.checksFailed)),
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
		_, _ = (*lineWriter)(j).Write(append(line, '\n'))
	}
}

func levelOf(good bool) zerolog.Level {
	if good {
		return zerolog.InfoLevel
	}
	return zerolog.ErrorLevel
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
