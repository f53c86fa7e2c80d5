package rehearsal

import (
	"encoding/json"
	"strings"
	"time"
)

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
	var raw struct {
		Event, Level, Message string
		Reason, Approve       string
		Metrics               json.RawMessage `json:"_aws"`
		Millis                float64         `json:"duration_ms"`
	}
	var c Check
	var v Verdict
	text := Event{Kind: KindLog, Text: line}
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &raw) != nil {
		return text
	}
	switch {
	case raw.Metrics != nil || raw.Event == "reported":
		return Event{}
	case (raw.Event == "check" || raw.Event == "compare") && json.Unmarshal([]byte(line), &c) == nil:
		c.Duration, c.Compare = time.Duration(raw.Millis*float64(time.Millisecond)), nil
		if compared := new(Compare); raw.Event == "compare" && json.Unmarshal([]byte(line), compared) == nil {
			c.Compare = compared
		}
		return Event{Kind: KindCheck, Check: &c}
	case raw.Event == "verdict" && json.Unmarshal([]byte(line), &v) == nil:
		return Event{Kind: KindVerdict, Verdict: &v}
	case raw.Event == "ask":
		text.Text = "asks for approval: " + raw.Reason + "; " + raw.Approve
	case raw.Message != "" && (raw.Level == "debug" || raw.Level == "trace"):
		return Event{}
	case raw.Message != "":
		text.Text = raw.Message
	}
	return text
}
