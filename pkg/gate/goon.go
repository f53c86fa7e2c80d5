package gate

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/secret"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
)

const (
	// mostCalls bounds how often a run goes on, whoever says how often it did.
	mostCalls = 1000
	// mostState bounds what is handed to Amazon ECS, in bytes.
	mostState = 64 << 10
)

// state is a run that goes on in another call. It travels in hookDetails, which whoever may change the service may
// write, too; its checksum is kept in EVIDENCE_PARAMETER, which only the hooks may: what was forged, or is about
// another deployment, stage, suite, release or address, does not fit, and the run starts anew.
type state struct {
	Calls int             `json:"calls"`
	Run   json.RawMessage `json:"run"`
	// Question is set where the run is over, and somebody is asked what to make of it.
	Question *question `json:"question,omitempty"`
}

// checksum is that of a state of this run.
func (in *invocation) checksum(s decision.Seen, text string) string {
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%q", []string{
		s.Deployment, string(in.stage.Stage), fmt.Sprint(in.stage.ProductionShare), s.SuiteSHA256, s.Release, s.Target, text,
	})))
}

// goOn gives a job of a native deployment what an earlier call of this very run found.
func (g *Gate) goOn(ctx context.Context, in *invocation, s decision.Seen, job *smoke.Job) {
	if in.stage == nil || g.Settings.EvidenceParameter == "" {
		return
	}
	var was state
	if json.Unmarshal([]byte(in.stage.Before), &was) == nil {
		text, err := secret.Sources{AWS: &g.AWS}.Parameter(ctx, g.Settings.EvidenceParameter)
		if sum := in.checksum(s, in.stage.Before); err == nil && decision.KeptSum(text, sum) {
			job.Before, in.question, in.sum = was.Run, was.Question, sum
		} else {
			in.lost = was.Question != nil && was.Question.Share == in.stage.ProductionShare
			in.j.warn("what an earlier call is said to have found is not what this run's last one kept: it starts anew")
		}
	}
	in.calls = was.Calls + 1
	job.GoOn = in.calls < mostCalls
}

// later returns the state that another call goes on with, once its checksum is kept; "" where this call has to end with
// a verdict.
func (g *Gate) later(ctx context.Context, in *invocation, d decision.Decision) string {
	report := d.Seen.Run.Report()
	if report == nil || report.Unfinished == nil || d.Verdict != finding.Error || in.rollback.Load() {
		return ""
	}
	return g.hold(ctx, in, d.Seen, state{Calls: in.calls, Run: report.Unfinished})
}

// hold returns a state as text, once its checksum is kept; "" where nobody could go on with it.
func (g *Gate) hold(ctx context.Context, in *invocation, seen decision.Seen, s state) string {
	text, err := json.Marshal(s)
	if err != nil || len(text) > mostState {
		in.j.warn("what was found so far is too much to go on with in another call")
		return ""
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), in.budget.spare(keepTime))
	defer cancel()
	kept, err := secret.Sources{AWS: &g.AWS}.Parameter(ctx, g.Settings.EvidenceParameter)
	if err == nil {
		err = g.write(ctx, decision.KeepSum(kept, in.sum, in.checksum(seen, string(text))))
	}
	if err != nil {
		in.j.warn("go on in another call: " + err.Error())
		return ""
	}
	return string(text)
}
