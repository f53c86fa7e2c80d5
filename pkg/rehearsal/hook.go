package rehearsal

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/notify"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/lambda"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/process"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/task"
)

const (
	// settle is how long an answered hook may take to write its last lines before it is ended.
	settle = 2 * time.Second
	// functionMemory is what infra/gate.yml gives the hooks. Their environment says so; it is not enforced.
	functionMemory = 256
	// logTail is how much of a hook's log CodeDeploy shows in an event's diagnostics.
	logTail = 4096
)

// failure is why an event did not succeed.
type failure struct {
	why         deployment.Error
	diagnostics *deployment.Diagnostics
	// event is where it counts, if that is not the phase's.
	event lifecycle.Name
	// reason is for people: it names the check where there is one.
	reason, check string
	// stop is set when somebody, or an alarm, stopped the deployment.
	stop *deployment.Stop
	// err is set, and nothing else, when the rehearsal itself could not go on.
	err error
}

// witness collects what a hook writes while it runs.
type witness struct {
	stream *stream

	mu     sync.Mutex
	result HookResult
	// lines are what it wrote in each invocation, as far as people are told of it.
	lines [][]notify.Line
	tail  string
	last  time.Time
	// invoked is true while an invocation is under way.
	invoked bool
	// why says what was wrong with an answer.
	why string
}

func (w *witness) line(l process.Line) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = l.At
	w.tail += l.Text + "\n"
	w.tail = w.tail[max(0, len(w.tail)-logTail):]
	w.wrote(l.Text)
	e := parseHookLine(l.Text)
	e.At, e.Lifecycle = l.At, w.result.Event
	switch e.Kind {
	case "":
		return
	case KindLog:
		e.Source = string(w.result.Event)
	default:
		e.Step = w.result.Step
	}
	w.stream.send(e) // without secrets from here on
	if e.Check != nil {
		w.result.Checks = append(w.result.Checks, *e.Check)
	}
	w.result.Verdict = cmp.Or(e.Verdict, w.result.Verdict)
}

func (w *witness) attempt(o lambda.Outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.invoked = false
	if o.Kind == lambda.Returned || o.Kind == lambda.Cancelled {
		return
	}
	text := fmt.Sprintf("attempt %d of %d %s: %s", o.Attempt, lambda.Attempts, o.Kind, o.Message)
	if o.Retry > 0 {
		text += fmt.Sprintf("; Lambda tries again in %s", o.Retry)
	}
	w.result.Attempts = append(w.result.Attempts, w.stream.line(text))
	w.stream.send(Event{Kind: KindWarning, Lifecycle: w.result.Event, Text: text})
}

// answered ends an invocation of a function that is invoked synchronously; why says what was wrong with it, or nothing.
func (w *witness) answered(why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.invoked, w.why = false, why
	w.result.Invocations++
	if why != "" {
		w.result.Attempts = append(w.result.Attempts, w.stream.line(why))
		w.stream.send(Event{Kind: KindWarning, Lifecycle: w.result.Event, Step: w.result.Step, Text: why})
	}
}

func (w *witness) invoking() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.invoked, w.lines = true, append(w.lines, nil)
}

// atWork reports whether the hook gave a sign of life within the grace: it is invoked, and wrote a
// line, asked a listener or called AWS.
func (w *witness) atWork(s *stage, now time.Time) bool {
	w.mu.Lock()
	invoked, last := w.invoked, w.last
	w.mu.Unlock()
	since := now.Add(-workGrace - 2*s.plan.WatchMinute)
	active, asked := s.balancer.Log.Busy() // but for the background traffic
	return invoked && (active > 0 || last.After(since) || asked.After(since) || s.lastCall.Load() > since.UnixNano())
}

// call is how a controller calls a hook, and where it hears the answer.
type call struct {
	callback
	// late is what a hook did not do within the limit, as in "did not …".
	late string
	// deliver invokes the function until there is nothing more to invoke it for.
	deliver func(ctx context.Context, f *lambda.Function, w *witness)
}

// hook runs a function for the phase and waits for its answer.
func (r *run) hook(ctx context.Context, p phase, hook Hook, c call) *failure {
	began := time.Now()
	w := &witness{
		stream: r.stream, last: began,
		result: HookResult{Event: p.name, Step: p.step, Rollback: p.rollback, Function: hook.Function, Checks: []Check{}},
	}
	function := r.function(hook, w)
	defer function.Stop()
	r.invoked.Store(function)
	defer r.invoked.Store(&lambda.Function{})
	program, foreign := filepath.Base(hook.Argv[len(hook.Argv)-1]), hook.Argv[0] == task.Shell("")[0]
	if foreign {
		program = "the command of --hook" // which may hold a secret
	}
	r.stream.tell(KindHook, p, "%s runs as %s", hook.Function, program)

	delivery, cancel := context.WithCancel(ctx)
	defer cancel()
	delivered := make(chan struct{})
	go func() {
		defer close(delivered)
		c.deliver(delivery, function, w)
	}()
	c.stop, c.speed = r.book.Stopped(r.id), r.plan.Speed
	c.atWork = func(now time.Time) bool { return w.atWork(r.stage, now) }
	status, stop := c.wait(ctx)
	if status != "" {
		// The status is known; the last log lines may still be on their way.
		select {
		case <-delivered:
		case <-time.After(settle):
		}
	}
	cancel()
	<-delivered
	function.Stop()

	w.mu.Lock()
	defer w.mu.Unlock()
	w.result.Duration = time.Since(began)
	w.result.Status, w.result.Reported = status, status != ""
	failed := r.judge(ctx, w, hook, c, stop)
	if v := w.result.Verdict; v != nil {
		key := strings.TrimSuffix(strings.TrimPrefix(v.Report, "s3://"), ".html") + ".json"
		text, ok := r.aws.Objects.Get(key)
		if clean := []byte(r.stream.clean(string(text))); ok && json.Valid(clean) {
			w.result.Report = clean
		}
	}
	r.tell(w, foreign)
	r.result.Hooks = append(r.result.Hooks, w.result)
	return failed
}

// judge says why a hook's event failed, or nil when it did not.
func (s *stage) judge(ctx context.Context, w *witness, hook Hook, c call, stop *deployment.Stop) *failure {
	f, code, broken := &failure{}, deployment.DiagnosticFailed, false
	switch {
	case w.result.Status == deployment.EventSucceeded:
		return nil
	case w.result.Reported:
		f.why = deployment.Error{Code: deployment.CodeHookFailed, Message: deployment.TextHookFailed}
		f.reason = cmp.Or(w.why, hook.Function+" reported Failed and did not say why")
		if v := w.result.Verdict; v != nil && v.Reason != "" {
			f.reason = v.Reason
		}
		for _, c := range w.result.Checks { // one that failed comes before one that was not judged to its end
			if c.Verdict != "PASS" && !c.Observe && (f.check == "" || c.Verdict == "FAIL" && !broken) {
				f.check, broken = c.Name, c.Verdict == "FAIL"
			}
		}
	case stop != nil:
		f = stoppedBy(*stop)
	case ctx.Err() != nil:
		f.reason = "interrupted"
	default:
		code = deployment.DiagnosticLate
		f.why = deployment.Error{Code: deployment.CodeTimeout, Message: deployment.TextHookLate}
		f.reason = fmt.Sprintf("timed out: %s did not %s (compressed by --speed %g)", hook.Function, c.late, s.plan.Speed)
		if n := len(w.result.Attempts); n > 0 {
			f.reason += ": " + w.result.Attempts[n-1]
		}
	}
	w.result.Status = deployment.EventFailed // the only other status that a hook can report
	tail := s.stream.redactor.Cut(w.tail)
	f.diagnostics = &deployment.Diagnostics{Code: code, Script: hook.Function, Message: f.why.Message, LogTail: tail}
	return f
}

// function is the Lambda function that stands behind a hook.
func (s *stage) function(hook Hook, w *witness) *lambda.Function {
	variables := map[string]string{
		"REPORT_BUCKET": reportBucket, "EVIDENCE_PARAMETER": evidenceParameter, "PATH": hook.Path,
	}
	if len(s.plan.Variables) > 0 {
		object, _ := json.Marshal(s.plan.Variables) // strings always can
		variables["SUITE_ENVIRONMENT"] = string(object)
	}
	if s.plan.Watch != nil && s.plan.WatchMinute > 0 {
		variables["WATCH_MINUTE"] = s.plan.WatchMinute.String()
	}
	for _, service := range []string{
		"", "_CODEDEPLOY", "_ECS", "_ELASTIC_LOAD_BALANCING_V2", "_EC2", "_S3", "_SSM", "_SECRETS_MANAGER",
	} {
		variables["AWS_ENDPOINT_URL"+service] = s.endpoint
	}
	if !s.plan.Discover {
		variables["PRODUCTION_URL"], variables["RELEASE"] = s.production.URL(), s.plan.Release.ID
		variables["SUITE"] = s.plan.Suite
		if s.test != nil {
			variables["TEST_URL"] = s.test.URL()
		}
		if s.plan.Header.Name != "" {
			header, _ := json.Marshal(map[string]string{s.plan.Header.Name: s.plan.Header.Value}) // strings always can
			variables["TEST_HEADERS"] = string(header)
		}
	}
	maps.DeleteFunc(variables, func(_, value string) bool { return value == "" })
	return &lambda.Function{
		Name: hook.Function, Region: Region, Account: Account,
		Argv: hook.Argv, Dir: hook.Dir, Variables: variables,
		Timeout: s.plan.FunctionTimeout, MemoryMB: functionMemory,
		Keeper: s.plan.Machine.Self, Lines: func(l process.Line) {
			s.aws.Log("/aws/lambda/"+hook.Function, "rehearsal", l.Text)
			w.line(l)
		},
	}
}

// wait pauses, or returns early with the context's error.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Check is what a hook's log says about one check or comparison: the members of the
// lines of event=check and event=compare, which functions/README.md lists.
type Check struct {
	Name     string        `json:"check"`
	Verdict  string        `json:"verdict"`
	Attempts int           `json:"attempts,omitempty"`
	Failures int           `json:"failures,omitempty"`
	Duration time.Duration `json:"duration_ns,omitempty"`
	Observe  bool          `json:"observe,omitempty"`
	Reason   string        `json:"reason,omitempty"`
	// Compare is set for a comparison of green with blue.
	Compare *Compare `json:"compare,omitempty"`
}

// Compare is the numbers of a comparison, in milliseconds.
type Compare struct {
	Pairs       int     `json:"pairs"`
	GreenP50    float64 `json:"green_p50_ms"`
	BlueP50     float64 `json:"blue_p50_ms"`
	GreenP95    float64 `json:"green_p95_ms"`
	BlueP95     float64 `json:"blue_p95_ms"`
	GreenErrors int     `json:"green_errors"`
	BlueErrors  int     `json:"blue_errors"`
}

// Verdict is what a hook's log says about its whole run.
type Verdict struct {
	Verdict string `json:"verdict"`
	Status  string `json:"status"`
	Blame   string `json:"blame"`
	Reason  string `json:"reason"`
	Release string `json:"release,omitempty"`
	Suite   string `json:"suite,omitempty"`
	Passed  int    `json:"checks_passed"`
	Failed  int    `json:"checks_failed"`
	// Step is that of a shift that has several, or zero.
	Step int `json:"step,omitempty"`
	// Link or Report is where the hook writes its report, as a page.
	Link   string `json:"link,omitempty"`
	Report string `json:"report,omitempty"`
}

// parseHookLine reads a line that a hook wrote. Whatever it does not understand is text; what people do not need (metrics,
// the repetition of what the API knows) is no event.
func parseHookLine(line string) Event {
	var c Check
	var v Verdict
	text, l := Event{Kind: KindLog, Text: line}, notify.Read(line)
	event, level, message := l.Text("event"), l.Text("level"), l.Text("message")
	switch {
	case l["_aws"] != nil || event == "reported":
		return Event{}
	case (event == "check" || event == "compare") && json.Unmarshal([]byte(line), &c) == nil:
		millis, _ := l["duration_ms"].(float64)
		c.Duration, c.Compare = time.Duration(millis*float64(time.Millisecond)), nil
		if compared := new(Compare); event == "compare" && json.Unmarshal([]byte(line), compared) == nil {
			c.Compare = compared
		}
		return Event{Kind: KindCheck, Check: &c}
	case event == "verdict" && json.Unmarshal([]byte(line), &v) == nil:
		return Event{Kind: KindVerdict, Verdict: &v}
	case event == "ask":
		text.Text = "asks for approval: " + l.Text("reason") + "; " + l.Text("approve")
	case message != "" && (level == "debug" || level == "trace"):
		return Event{}
	case message != "":
		text.Text = message
	}
	return text
}

// Message is what people would have been told on AWS; account, region and links are the rehearsal's.
type Message struct {
	Kind    notify.Kind `json:"kind"`
	Subject string      `json:"subject"`
	Mail    string      `json:"mail"`
	// Forms are what Slack, Teams, Amazon Q Developer and EventBridge would have got.
	Forms map[string]json.RawMessage `json:"forms"`
}

// wrote keeps a line for the messages, of as many as a Result keeps.
func (w *witness) wrote(text string) {
	l := notify.Read(w.stream.clean(text))
	if n := len(w.lines) - 1; n >= 0 && len(w.lines[n]) < maxLogLines && l.Text("event") != "" {
		w.lines[n] = append(w.lines[n], l)
	}
}

// tell notes what people would have been told of what a hook wrote; of a crash only where the hook is one of ours.
func (r *run) tell(w *witness, foreign bool) {
	var wrote []notify.Line
	judged := foreign
	for _, wrote = range w.lines {
		for _, l := range wrote {
			if event := l.Text("event"); event == "verdict" || event == "ask" {
				judged = judged || event == "verdict"
				r.compose(l, wrote)
			}
		}
	}
	if n := len(w.result.Attempts); !judged && n > 0 {
		late := strings.Contains(w.result.Attempts[n-1], string(lambda.TimedOut))
		record := map[string]any{"status": map[bool]string{true: "timeout", false: "error"}[late]}
		r.compose(notify.Crash(notify.Line{"record": record}, wrote), wrote)
	}
}

func (r *run) compose(line notify.Line, beside []notify.Line) {
	m, told := notify.Compose(notify.Story{Line: line, Beside: beside, Earlier: r.told, Region: Region})
	if r.told = append(r.told, line); !told {
		return
	}
	var topic struct{ Default string }
	_ = json.Unmarshal(m.Topic(), &topic) // it is ours
	event := `{"source": %q, "detail-type": %q, "detail": %s}`
	forms := map[string]json.RawMessage{
		"Slack": m.Slack(), "Teams": m.Teams(), "Amazon Q Developer": []byte(topic.Default),
		"EventBridge": fmt.Appendf(nil, event, notify.Source, notify.DetailType, m.Event()),
	}
	r.result.Messages = append(r.result.Messages, Message{m.Kind, m.Subject(), string(m.Mail()), forms})
}
