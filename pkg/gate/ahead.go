package gate

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/discovery"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/secret"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// knock asks the test listener for any answer at all: nothing new stands behind it yet.
const knock = `version: 1
name: knock
readiness: {checks: [knock], consecutive: 1, within: 3s}
checks:
  - {name: knock, request: %q, expect: {status: [2xx, 3xx, 4xx, 500, 501, 502, 503, 504]}}
`

// ahead looks, before anything is started and paid for, whether a later gate will be able to judge: whether traffic
// leads where the controller thinks, whether what fails is taken back, whether the suite and its secrets can be read,
// and whether the listener answers. What cannot be read is in the way, too.
func (g *Gate) ahead(ctx context.Context, in *invocation) (name, sum string, seen decision.Ahead) {
	f := &in.facts
	flaws := append(slices.Clone(f.Warnings), g.trafficAhead(ctx, f)...)
	checked, err := g.suiteAhead(ctx, in)
	if err != nil {
		flaws = append(flaws, err.Error())
	}
	path := "/"
	if len(f.test.Paths) > 0 {
		path = strings.NewReplacer("*", "x", "?", "x").Replace(f.test.Paths[0])
	}
	src := suite.Source{Name: "knock", Text: fmt.Appendf(nil, knock, "GET "+path)}
	knocking, problems := suite.Read(src)
	switch {
	case f.test.URL == "":
		return "", "", decision.LookedAhead(append(flaws, "the test listener's URL is not known"))
	case knocking == nil:
		return "", "", decision.LookedAhead(append(flaws, brokenSuite(problems).Error()))
	case checked != nil:
		name, sum = checked.Name(), checked.SHA256()
	default:
		checked = knocking
	}
	job := smoke.Job{
		Suite: src, Nonce: rand.Text(), Target: f.test, Baseline: f.production, DeploymentID: in.event.DeploymentID,
		Phases: []finding.Phase{finding.PhaseReady}, Hidden: g.Settings.AWS.Secrets(),
	}
	if why := smoke.OneAddress(ctx, checked, job); why != "" {
		flaws = append(flaws, why)
	}
	job.Baseline = smoke.Side{}
	report, err := g.run(ctx, in, knocking, job)
	if err != nil {
		flaws = append(flaws, err.Error())
	} else if report.Verdict != finding.Pass && !strings.Contains(report.Reason, "certificate") { // the suite may know it
		flaws = append(flaws, "the test listener does not answer: "+report.Reason)
	}
	return name, sum, decision.LookedAhead(flaws)
}

// suiteAhead reads the suite and its secrets. CodeDeploy does not say the new task definition before Install.
func (g *Gate) suiteAhead(ctx context.Context, in *invocation) (*suite.Suite, error) {
	if in.stage == nil && g.Settings.Suite == "" {
		in.j.note("which suite will judge is not known before Install: SUITE is not set, and there is no new task set yet")
		return nil, nil
	}
	src, err := g.source(ctx, in.facts)
	if err != nil {
		return nil, err
	}
	checked, problems := suite.Read(src)
	if checked == nil {
		return nil, brokenSuite(problems)
	}
	_, err = secret.Sources{Env: g.Settings.SuiteEnvironment.lookup, AWS: &g.AWS, Suite: checked}.Resolve(ctx, checked.References())
	return checked, err
}

// trafficAhead holds what the listeners do against what the controller says.
func (g *Gate) trafficAhead(ctx context.Context, f *facts) []string {
	r, _ := f.Rollout.Get()
	d, ours := f.Deployment.Get()
	way, led := f.Production.Way.Get()
	group, known := f.BlueGroup.Get()
	flaws := r.Flaws
	for _, trap := range []struct {
		there bool
		why   string
	}{
		{ours && !d.RollsBack, "the deployment group " + d.Group +
			" does not roll back what fails: enable rollbacks when a deployment fails"},
		{f.Test.ARN == "", "there is no test listener or rule, so nothing can be judged before production traffic"},
		{f.Test.ARN != "" && f.Test.ARN == f.Production.ARN, "test and production traffic have one listener or rule"},
		{way.Cannot != "", way.Cannot},
		{f.creation == "" && (!led || !known), "where production's listener leads, or what serves production, is not known"},
		{
			f.creation == "" && led && known && !way.LeadsOnlyTo(group),
			fmt.Sprintf("production's listener leads to %q, and the service says that %q serves production: "+
				"correct the listener's rule", way.Groups, group),
		},
	} {
		if trap.there {
			flaws = append(flaws, trap.why)
		}
	}
	for _, arn := range way.ARNs {
		health, err := discovery.Finder{AWS: g.AWS}.Health(ctx, arn)
		switch {
		case err != nil:
			flaws = append(flaws, err.Error())
		case f.creation == "" && !discovery.Serves(health):
			flaws = append(flaws, "no target of production is healthy: "+health)
		}
	}
	return flaws
}
