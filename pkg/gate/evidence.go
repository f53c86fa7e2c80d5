package gate

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/secret"
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
