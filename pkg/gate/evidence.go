package gate

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/secret"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
)

// keepTime bounds storing the verdict for the second gate. It is stored before the status, since the second gate may
// ask for it right after that.
const keepTime = 2 * time.Second

// evidence is what the first gate left for this deployment. It is kept in the parameter EVIDENCE_PARAMETER, which
// the hooks' role may write and nobody else should: whoever may write it may approve a deployment, like whoever
// may write SKIP_PARAMETER. That CodeDeploy shows the first event as Succeeded is not evidence: any function may have
// reported that.
//
// It serves a later step of a native deployment, too: that everything was compared when production was the old
// release's. What was measured then is not compared with anew: pairs are made so that a disturbance meets both sides.
func (g *Gate) evidence(
	ctx context.Context, s decision.Seen, read func(text string, s decision.Seen) decision.Evidence,
) decision.Evidence {
	name := g.Settings.EvidenceParameter
	if name == "" {
		return decision.NoEvidence("EVIDENCE_PARAMETER is not set")
	}
	ctx, cancel := context.WithTimeout(ctx, evidenceTime)
	defer cancel()
	text, err := secret.Sources{AWS: &g.AWS}.Parameter(ctx, name)
	if err != nil {
		return decision.NoEvidence(err.Error())
	}
	return read(text, s)
}

// keep leaves the first gate's verdict for the second one, and that one's for the next step of a native deployment.
// One that cannot be kept costs the time to run the suite again, or a comparison.
func (g *Gate) keep(ctx context.Context, in *invocation, d decision.Decision) {
	steps := in.stage != nil && d.Seen.Event == lifecycle.BeforeAllowTraffic
	if g.Settings.EvidenceParameter == "" || d.Seen.Deployment == "" ||
		d.Seen.Event != lifecycle.AfterAllowTestTraffic && !steps {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), in.budget.spare(keepTime))
	defer cancel()
	text, err := d.Record(time.Now())
	if err == nil {
		// Other runs go on by their checksums; where these cannot be read, they start anew.
		kept, _ := secret.Sources{AWS: &g.AWS}.Parameter(ctx, g.Settings.EvidenceParameter)
		_, sums, _ := strings.Cut(kept, "\n")
		err = g.write(ctx, decision.KeepSum(text+"\n"+sums, in.sum, ""))
	}
	if err != nil {
		in.j.warn("keep the verdict for the second gate: " + err.Error())
	}
}

func (g *Gate) write(ctx context.Context, text string) error {
	_, err := ssm.NewFromConfig(g.AWS).PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String(g.Settings.EvidenceParameter), Value: aws.String(text),
		Type: types.ParameterTypeString, Overwrite: aws.Bool(true),
	})
	return awsclient.Error(err)
}

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
