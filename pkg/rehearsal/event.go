package rehearsal

import (
	"fmt"
	"sync"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/alb"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

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
	// KindTraffic counts the requests so far, several times a second; a Result does not keep it.
	KindTraffic Kind = "traffic"
)

// Event is something that happened. Its texts are safe to print: redacted, one line.
type Event struct {
	At time.Time `json:"at"`
	// Since is the time since the rehearsal began.
	Since time.Duration `json:"since_ns"`
	Kind  Kind          `json:"kind"`
	// Lifecycle is the lifecycle event to which it belongs, or empty.
	Lifecycle lifecycle.Name `json:"lifecycle_event,omitempty"`
	// Step is the step of a shift that has several.
	Step int `json:"step,omitempty"`
	// Source is who wrote a log line: "green/1", "AfterAllowTestTraffic".
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
	// maxLogLines bounds the log lines that a Result keeps; all of them are streamed.
	maxLogLines = 5000
)

// stream passes events on one at a time, and keeps them.
type stream struct {
	mu       sync.Mutex
	began    time.Time
	emit     func(Event)
	redactor *redact.Redactor
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
	e.Text = s.redactor.Line(e.Text, maxText)
	if e.Check != nil {
		e.Check.Name, e.Check.Reason = s.redactor.Line(e.Check.Name, maxText), s.redactor.Line(e.Check.Reason, maxText)
	}
	if e.Verdict != nil {
		e.Verdict.Reason = s.redactor.Line(e.Verdict.Reason, maxText)
	}
	switch {
	case e.Kind == KindTraffic:
	case e.Kind != KindLog:
		s.kept = append(s.kept, e)
	case s.lines < maxLogLines:
		s.lines++
		s.kept = append(s.kept, e)
	default:
		s.dropped++
	}
	if s.emit != nil {
		s.emit(e)
	}
}

// tell sends a text about a phase; the zero phase is none.
func (s *stream) tell(kind Kind, p phase, format string, args ...any) {
	s.send(Event{Kind: kind, Lifecycle: p.name, Step: p.step, Text: fmt.Sprintf(format, args...)})
}

func (s *stream) note(format string, args ...any)    { s.tell(KindNote, phase{}, format, args...) }
func (s *stream) warning(format string, args ...any) { s.tell(KindWarning, phase{}, format, args...) }
