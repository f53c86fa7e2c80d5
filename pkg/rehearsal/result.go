package rehearsal

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/alb"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// Outcome is how the rehearsal's deployment ended.
type Outcome string

// The outcomes. The zero value is none of them, and no program may take it for Shifted.
const (
	Shifted    Outcome = "SHIFTED"
	RolledBack Outcome = "ROLLED BACK"
	// Stopped and Failed left the task sets as they were: nobody asked for a rollback, or it was too early
	// for one.
	Stopped Outcome = "STOPPED"
	Failed  Outcome = "FAILED"
)

// Result is what a rehearsal found out.
type Result struct {
	// Greenlight is the version of the program.
	Greenlight string  `json:"greenlight,omitempty"`
	Outcome    Outcome `json:"outcome"`
	// Controller is ECS for one of Amazon ECS's own deployments, and empty for one of CodeDeploy's.
	Controller string `json:"controller,omitempty"`
	// Release is the new release, Baseline the one that served before.
	Release  string `json:"release"`
	Baseline string `json:"baseline"`
	// Image is what the task definition runs. Suite is the suite's file, and SuiteSHA256 the hash of its text.
	Image       string `json:"image,omitempty"`
	Suite       string `json:"suite,omitempty"`
	SuiteSHA256 string `json:"suite_sha256,omitempty"`
	// Why says what stopped the release; empty when nothing did.
	Why string `json:"why,omitempty"`
	// FailedEvent, FailedStep and FailedCheck name where: a lifecycle event or stage, the step of a shift that has
	// several, and the check that failed, where one did.
	FailedEvent  lifecycle.Name `json:"failed_event,omitempty"`
	FailedStep   int            `json:"failed_step,omitempty"`
	FailedCheck  string         `json:"failed_check,omitempty"`
	DeploymentID string         `json:"deployment_id"`
	RollbackID   string         `json:"rollback_id,omitempty"`
	Started      time.Time      `json:"started"`
	Duration     time.Duration  `json:"duration_ns"`
	Hooks        []HookResult   `json:"hooks"`
	Messages     []Message      `json:"messages,omitempty"`
	// Lifecycle is the deployment's events as CodeDeploy shows them at the end.
	Lifecycle []LifecycleEvent `json:"lifecycle"`
	// Requests counts both listeners' requests by the release that answered.
	Requests []alb.Tally `json:"requests"`
	Traffic  Traffic     `json:"traffic"`
	// Killed is how many tasks were killed on purpose.
	Killed int64 `json:"killed,omitempty"`
	// Missed are the secrets that a hook asked for and that were not given.
	Missed []string `json:"missed_secrets,omitempty"`
	// Shifts are the listeners' weights over time, each change once.
	Shifts []Shift `json:"shifts"`
	// Timeline holds every event, also the lines that tasks and hooks wrote (KindLog).
	Timeline []Event `json:"timeline"`
	// LinesDropped is how many log lines the timeline left out.
	LinesDropped int `json:"log_lines_dropped,omitempty"`
	// AccessLog has one entry for each request, with the task and the release that answered.
	AccessLog []alb.Request `json:"access_log"`
}

// Shift is a change of what a listener forwards to.
type Shift struct {
	At       time.Time     `json:"at"`
	Since    time.Duration `json:"since_ns"`
	Listener string        `json:"listener"`
	// Green is the new release's share in percent; the old one has the rest.
	Green int `json:"green_percent"`
}

// LifecycleEvent is one lifecycle event as it ended.
type LifecycleEvent struct {
	deployment.Event
	Message string `json:"message,omitempty"`
}

// NoHook is what is said of an event that is there for a hook alone and has none: it succeeds, and nothing ran.
const NoHook = "no hook"

// Idle reports whether an event with this status and text is such a one. A failure that says the same is none.
func Idle(s deployment.EventStatus, text string) bool {
	return s == deployment.EventSucceeded && text == NoHook
}

// HookResult is what one hook did.
type HookResult struct {
	Event lifecycle.Name `json:"lifecycle_event"`
	// Step is that of the shift, where it has several; Rollback says that traffic went back.
	Step     int  `json:"step,omitempty"`
	Rollback bool `json:"rollback,omitempty"`
	// Invocations counts how often ECS invoked the function.
	Invocations int                    `json:"invocations,omitempty"`
	Function    string                 `json:"function"`
	Status      deployment.EventStatus `json:"status"`
	// Reported says that the function itself gave the status; otherwise CodeDeploy gave up waiting.
	Reported bool          `json:"reported"`
	Duration time.Duration `json:"duration_ns"`
	Checks   []Check       `json:"checks"`
	Verdict  *Verdict      `json:"verdict,omitempty"`
	// Attempts tells how each invocation that did not simply return ended.
	Attempts []string `json:"attempts,omitempty"`
	// Report is the hook's own report as it wrote it to REPORT_BUCKET (pkg/report's JSON of a
	// smoke.Report, with every latency), or empty.
	Report json.RawMessage `json:"report,omitempty"`
}

// Where names the event in which the release failed, and its step.
func (r Result) Where() string {
	if r.FailedStep == 0 {
		return string(r.FailedEvent)
	}
	return fmt.Sprintf("%s, step %d", r.FailedEvent, r.FailedStep)
}

// Served counts the requests of a listener that the release answered.
func (r Result) Served(listener, release string) (requests, errors int64) {
	for _, t := range r.Requests {
		if t.Listener == listener && t.Release == release {
			requests, errors = requests+t.Requests, errors+t.Errors
		}
	}
	return requests, errors
}

// Total counts the requests of a listener.
func (r Result) Total(listener string) (n int64) {
	for _, t := range r.Requests {
		if t.Listener == listener {
			n += t.Requests
		}
	}
	return n
}

// Kind says what an Event tells.
type Kind string

// The kinds of events.
const (
	// KindNote is a step of the rehearsal itself; KindWarning is one that somebody should look at.
	KindNote    Kind = "note"
	KindWarning Kind = "warning"
	// KindBegin and KindEnd are a lifecycle event's.
	KindBegin Kind = "begin"
	KindEnd   Kind = "end"
	// KindHook, KindCheck and KindVerdict are what a hook said while it ran.
	KindHook    Kind = "hook"
	KindCheck   Kind = "check"
	KindVerdict Kind = "verdict"
	// KindShift says how a listener's traffic is spread now.
	KindShift Kind = "shift"
	// KindRollback begins the rollback deployment.
	KindRollback Kind = "rollback"
	// KindLog is a line that a task or a hook wrote.
	KindLog Kind = "log"
	// KindTraffic counts the requests so far, several times a second, and says what came last: a Result does not keep it.
	KindTraffic Kind = "traffic"
)

// Event is something that happened. Its texts are safe to print and to hand on: redacted, one line, no folder of ours.
type Event struct {
	At time.Time `json:"at"`
	// Since is the time since the rehearsal began.
	Since time.Duration `json:"since_ns"`
	Kind  Kind          `json:"kind"`
	// Lifecycle is the lifecycle event to which it belongs, or empty.
	Lifecycle lifecycle.Name `json:"lifecycle_event,omitempty"`
	// Step is the step of a shift that has several.
	Step int `json:"step,omitempty"`
	// Source is who wrote a log line: "green/1", "AfterAllowTestTraffic"; of a warning the task that ended.
	Source string                 `json:"source,omitempty"`
	Status deployment.EventStatus `json:"status,omitempty"`
	Text   string                 `json:"text,omitempty"`
	// Check is set for KindCheck, Verdict for KindVerdict.
	Check   *Check   `json:"check,omitempty"`
	Verdict *Verdict `json:"verdict,omitempty"`
	// Listener and Weights are set for KindShift: percent by release.
	Listener string         `json:"listener,omitempty"`
	Weights  map[string]int `json:"weights,omitempty"`
	// Tallies are set for KindTraffic.
	Tallies []alb.Tally `json:"tallies,omitempty"`
	// Endpoint is set once, in the note that tells where everything is: the AWS stand-ins' base URL.
	Endpoint string `json:"endpoint,omitempty"`
}

const (
	// maxText bounds an event's text.
	maxText = 2000
	// maxLogLines is how many of the last log lines a Result keeps at least, and half of the most; all are streamed.
	maxLogLines = 5000
)

// stream passes events on one at a time, and keeps them.
type stream struct {
	mu       sync.Mutex
	began    time.Time
	emit     func(Event)
	redactor *redact.Redactor
	shared   *strings.Replacer
	kept     []Event
	lines    int
	dropped  int
}

func (s *stream) send(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.At.IsZero() {
		e.At = time.Now()
	}
	e.Since = e.At.Sub(s.began)
	e.Text = s.line(e.Text)
	if e.Check != nil {
		e.Check.Name, e.Check.Reason = s.line(e.Check.Name), s.line(e.Check.Reason)
	}
	if e.Verdict != nil {
		e.Verdict.Reason = s.line(e.Verdict.Reason)
	}
	if e.Kind == KindLog {
		s.lines++
	}
	if e.Kind != KindTraffic {
		s.kept = append(s.kept, e)
	}
	if s.lines > 2*maxLogLines {
		s.kept = slices.DeleteFunc(s.kept, func(e Event) bool { // the older half
			old := e.Kind == KindLog && s.lines > maxLogLines
			if old {
				s.lines, s.dropped = s.lines-1, s.dropped+1
			}
			return old
		})
	}
	if s.emit != nil {
		s.emit(e)
	}
}

// clean takes secrets, which nothing may change before, and folders out of a text; line makes one line of it, too.
func (s *stream) clean(text string) string { return s.shared.Replace(s.redactor.Text(text)) }
func (s *stream) line(text string) string  { return redact.Safe(s.clean(text), maxText) }

// tell sends a text about a phase; the zero phase is none.
func (s *stream) tell(kind Kind, p phase, format string, args ...any) {
	s.send(Event{Kind: kind, Lifecycle: p.name, Step: p.step, Text: fmt.Sprintf(format, args...)})
}

func (s *stream) note(format string, args ...any)    { s.tell(KindNote, phase{}, format, args...) }
func (s *stream) warning(format string, args ...any) { s.tell(KindWarning, phase{}, format, args...) }
