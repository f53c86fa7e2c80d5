// Package finding holds what a run of a smoke suite found: findings, verdicts on checks and comparisons, the report.
//
// It is values only, in the form in which they are stored and sent. It finds nothing, decides nothing and prints
// nothing: pkg/smoke fills a report, pkg/decision weighs it, pkg/report shows it.
package finding

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
)

// Phase is one part of running a suite.
type Phase string

// The phases, in the order in which they run.
const (
	PhaseReady   Phase = "ready"   // waits for the expected release; only here is retried what did not declare it
	PhaseJudge   Phase = "judge"   // runs every attempt of every check; each one counts
	PhaseCompare Phase = "compare" // asks target and baseline in turn and compares what they answer
	PhaseWatch   Phase = "watch"   // looks at what AWS measures of both sides under production's traffic
)

// Report is what a run found out. Every text in it is safe to print: no secret's value, no control characters.
type Report struct {
	Greenlight   string `json:"greenlight,omitempty"` // the version of the program whose run it was
	Suite        string `json:"suite"`
	SuiteSHA256  string `json:"suite_sha256"`
	Target       string `json:"target"`
	Baseline     string `json:"baseline,omitempty"`
	Release      string `json:"release,omitempty"`
	DeploymentID string `json:"deployment_id,omitempty"`
	Nonce        string `json:"nonce,omitempty"` // the job's: it shows that the report is this run's

	Verdict Verdict `json:"verdict"` // the worst of all that counts, before any policy: INCONCLUSIVE stays
	Blame   Blame   `json:"blame"`
	Reason  string  `json:"reason"` // one line; its first words tell what failed, what was expected and what came
	// InconclusiveAllowed is the suite's policy: a hook lets INCONCLUSIVE pass. InconclusiveAsks: it asks somebody.
	InconclusiveAllowed bool `json:"inconclusive_allowed,omitempty"`
	InconclusiveAsks    bool `json:"inconclusive_asks,omitempty"`
	ReleaseProven       bool `json:"release_proven"` // a check that mentions ${RELEASE} passed: the right one answered

	Started  time.Time     `json:"started"`
	Duration time.Duration `json:"duration_ns"`

	Readiness  *Readiness      `json:"readiness,omitempty"`
	Checks     []CheckResult   `json:"checks"`
	Compares   []Comparison    `json:"compares,omitempty"`
	Series     []Series        `json:"series,omitempty"`  // the minutes of a watch
	NotRun     []NotRun        `json:"not_run,omitempty"` // planned, and did not run; it never counts as passed
	Warnings   []string        `json:"warnings,omitempty"`
	Unfinished json.RawMessage `json:"unfinished,omitempty"` // for another run that goes on with this one
}

// Readiness tells how the wait for the expected release went.
type Readiness struct {
	Verdict Verdict `json:"verdict"`
	// Rounds is how often the readiness checks were asked, Consecutive how often they held in a row at the end.
	Rounds      int           `json:"rounds"`
	Consecutive int           `json:"consecutive"`
	Relapses    int           `json:"relapses"` // failures and answers of another release after the first right one
	Waited      time.Duration `json:"waited_ns"`
	Reason      string        `json:"reason,omitempty"`
}

// CheckResult is what judging one check found.
type CheckResult struct {
	Check     string           `json:"check"`
	Place     diagnostic.Place `json:"place"`
	Verdict   Verdict          `json:"verdict"`
	Blame     Blame            `json:"blame,omitempty"`
	Observe   bool             `json:"observe,omitempty"` // marks a check that is recorded but never counts
	Attempts  int              `json:"attempts"`
	Failures  int              `json:"failures"`
	Duration  time.Duration    `json:"duration_ns"`
	Reason    string           `json:"reason,omitempty"`
	Findings  []Finding        `json:"findings,omitempty"`     // of the first failed attempts, each told once
	Latencies []time.Duration  `json:"latencies_ns,omitempty"` // of the answered requests, as they were sent
}

// Finding is one assertion that did not hold.
type Finding struct {
	Place diagnostic.Place `json:"place"`
	// Request is "GET /orders/7"; Step is its 1-based number in a flow, 0 for a single request.
	Request  string `json:"request"`
	Step     int    `json:"step,omitempty"`
	Attempt  int    `json:"attempt"`
	Subject  string `json:"subject"` // what was looked at: "status", "header X-App-Version", "json $.status", "body"
	Expected string `json:"expected"`
	Got      string `json:"got"`
	Excerpt  string `json:"excerpt,omitempty"` // the beginning of the response, for people; bounded and redacted
	Count    int    `json:"count"`             // how many attempts failed in this same way
}

// Line tells the finding in one line.
func (f Finding) Line() string {
	step := ""
	if f.Step > 0 {
		step = fmt.Sprintf("step %d, ", f.Step)
	}
	return fmt.Sprintf("%s%s: %s: expected %s, got %s", step, f.Request, f.Subject, f.Expected, f.Got)
}

// Comparison is what comparing target and baseline on one request found. Green is the target.
type Comparison struct {
	Check       string           `json:"check"`
	Place       diagnostic.Place `json:"place"`
	Verdict     Verdict          `json:"verdict"`
	Blame       Blame            `json:"blame,omitempty"`
	Pairs       int              `json:"pairs"`
	GreenErrors int              `json:"green_errors"`
	BlueErrors  int              `json:"blue_errors"`
	GreenP50    time.Duration    `json:"green_p50_ns"`
	BlueP50     time.Duration    `json:"blue_p50_ns"`
	GreenP95    time.Duration    `json:"green_p95_ns"`
	BlueP95     time.Duration    `json:"blue_p95_ns"`
	// Reason is for anybody, Statistics are the tests behind it.
	Reason     string `json:"reason,omitempty"`
	Statistics string `json:"statistics,omitempty"`
	// Green and Blue are the latencies of the answered requests, in the order in which they were sent.
	Green []time.Duration `json:"green_ns,omitempty"`
	Blue  []time.Duration `json:"blue_ns,omitempty"`
}

// Series is one thing that AWS measured of both sides, minute by minute.
type Series struct {
	Name string `json:"name"` // "5xx", "p95"
	Unit string `json:"unit"` // "%", "ms", "a minute"
	// Step is the length of a minute. Start is the first one's beginning; BlueStart that of blue's, which may be earlier.
	Start     time.Time     `json:"start"`
	BlueStart time.Time     `json:"blue_start"`
	Step      time.Duration `json:"step_ns"`
	// Green and Blue hold one value a minute, and -1 where nothing was measured.
	Green []float64 `json:"green"`
	Blue  []float64 `json:"blue"`
}

// NotRun is something that was planned and did not run.
type NotRun struct {
	Check string `json:"check"`
	Phase Phase  `json:"phase,omitempty"` // the one that it belongs to
	Why   string `json:"why"`
}

// Verdict is what a check, a comparison or a whole suite says about the release. The zero value is no
// verdict, and ranks as Error: a result that somebody forgot to set never opens a gate.
type Verdict string

// The verdicts, as reports, logs and metrics spell them. Skipped is given only by a hook, for an authorised skip.
const (
	Pass         Verdict = "PASS"
	Fail         Verdict = "FAIL"
	Inconclusive Verdict = "INCONCLUSIVE"
	Error        Verdict = "ERROR"
	Skipped      Verdict = "SKIPPED"
)

// Worst returns the worse of two verdicts: FAIL > ERROR > INCONCLUSIVE > PASS. Any other value counts as Error.
func Worst(a, b Verdict) Verdict {
	order := []Verdict{Pass, Inconclusive, Error, Fail}
	rank := func(v Verdict) int {
		if n := slices.Index(order, v); n >= 0 {
			return n
		}
		return slices.Index(order, Error)
	}
	return order[max(rank(a), rank(b))]
}

// Blame says whose business a verdict is, so that the right person is woken.
type Blame string

// The blames, as reports and logs spell them.
const (
	BlameNone        Blame = "none"        // goes with PASS
	BlameRelease     Blame = "release"     // the new version's: the release is broken
	BlameEnvironment Blame = "environment" // everybody's: the old version fails in the same way, or cannot be asked
	BlameGate        Blame = "gate"        // Greenlight's own
	BlameConfig      Blame = "config"      // the suite's, a setting's or a secret's
)
