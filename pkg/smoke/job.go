package smoke

import (
	"encoding/json"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// Job is all that one run of a suite needs, as a value: it can be run here or sent as JSON to the
// prober, which runs it inside the VPC. A Job may hold secrets; it must never be logged.
type Job struct {
	Suite suite.Source `json:"suite"`
	// Values are the suite's variables, resolved: all that Suite.References asks for, and overrides.
	Values map[string]suite.Value `json:"values,omitempty"`
	// Target is the way to the release to judge, Baseline to the one in production, without a URL where there is none.
	Target     Side   `json:"target"`
	Baseline   Side   `json:"baseline,omitzero"`
	Nonce      string `json:"nonce,omitempty"`       // identifies this run; its report repeats it
	NoBaseline string `json:"no_baseline,omitempty"` // why there is none ("production already serves the new release")
	// Hidden are further texts that no output may show: the function's own credentials. They never leave the process.
	Hidden       []string `json:"-"`
	Release      string   `json:"release,omitempty"`       // the expected version, ${RELEASE}; empty when it is not known
	DeploymentID string   `json:"deployment_id,omitempty"` // ${DEPLOYMENT_ID}
	// Phases are the phases to run; they run in the order of the constants, whatever the order here.
	Phases      []finding.Phase `json:"phases"`
	Tags        []string        `json:"tags,omitempty"`        // selects the checks with one of them; "!" excludes
	Concurrency int             `json:"concurrency,omitempty"` // overrides the suite's policy when it is positive
	// Deadline is when the sender wants the report; zero when the job is run here: then the context has the deadline.
	Deadline time.Time `json:"deadline,omitzero"`
	// GoOn asks for what another run needs to go on with this one, where time is up; Before is that of an earlier run.
	GoOn   bool            `json:"go_on,omitempty"`
	Before json.RawMessage `json:"before,omitempty"`
	// UncomparableBaseline says why nothing is compared with the baseline (it is a bootstrap task), or is empty.
	UncomparableBaseline string `json:"uncomparable_baseline,omitempty"`
}

// Progress tells a watcher of Run what just happened. Only what is new is set.
type Progress struct {
	Phase finding.Phase
	// Done of Total: rounds in a row while ready, checks while judging, pairs of one check while comparing.
	Done, Total int
	Check       *finding.CheckResult
	Compare     *finding.Comparison
	Readiness   *finding.Readiness
	Text        string // one line about what is going on, redacted
}

// tell calls the watcher, from one goroutine at a time.
func (r *runner) tell(p Progress) {
	if r.watch == nil {
		return
	}
	r.telling.Lock()
	defer r.telling.Unlock()
	r.watch(p)
}
