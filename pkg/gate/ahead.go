package gate

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/discovery"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/parallel"
	"github.com/greenlight-ecs/greenlight/pkg/secret"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// knock asks the test listener for any answer at all: nothing new stands behind it yet.
const knock = `version: 1
name: knock
readiness: {consecutive: 1, within: 3s}
checks:
  - {name: knock, request: %q, expect: {status: [2xx, 3xx, 4xx, 500, 501, 502, 503, 504]}}
`

// ahead looks, before anything is started and paid for, whether a later gate will be able to judge: whether traffic
// leads where the controller thinks, whether what fails is taken back, whether the suite and its secrets can be read,
// and whether the listener answers.
func (g *Gate) ahead(ctx context.Context, in *invocation) (name, sum string, seen decision.Ahead) {
	f := &in.facts
	flaws := append([]string(nil), f.Warnings...)
	var checked *suite.Suite
	var ofSuite, ofTraffic []string
	parallel.Do(
		func() { checked, ofSuite = g.suiteAhead(ctx, in) },
		func() { ofTraffic = g.trafficAhead(ctx, f) },
	)
	flaws = append(append(flaws, ofTraffic...), ofSuite...)
	if checked != nil {
		name, sum = checked.Name(), checked.SHA256()
	}
	if f.test.URL == "" {
		return name, sum, decision.LookedAhead(append(flaws, "the test listener's URL is not known"))
	}
	path := "/"
	if len(f.test.Paths) > 0 {
		path = strings.NewReplacer("*", "x", "?", "x").Replace(f.test.Paths[0])
	}
	src := suite.Source{Name: "knock", Text: fmt.Appendf(nil, knock, "GET "+path)}
	knocking, problems := suite.Read(src)
	if knocking == nil {
		return name, sum, decision.LookedAhead(append(flaws, brokenSuite(problems)))
	}
	job := smoke.Job{
		Suite: src, Nonce: rand.Text(), Target: f.test, Baseline: f.production, DeploymentID: in.event.DeploymentID,
		Phases: []finding.Phase{finding.PhaseReady}, Hidden: g.Settings.credentials(),
	}
	if checked == nil {
		checked = knocking
	}
	if why := smoke.OneAddress(ctx, checked, job); why != "" {
		flaws = append(flaws, why)
	}
	job.Baseline = smoke.Side{}
	report, err := g.run(ctx, in, knocking, job)
	switch {
	case err != nil:
		flaws = append(flaws, err.Error())
	case report.Verdict != finding.Pass && !strings.Contains(report.Reason, "certificate"): // whose suite may say its own
		flaws = append(flaws, "the test listener does not answer: "+report.Reason)
	}
	return name, sum, decision.LookedAhead(flaws)
}

// suiteAhead reads the suite and its secrets. CodeDeploy does not say the new task definition before Install.
func (g *Gate) suiteAhead(ctx context.Context, in *invocation) (*suite.Suite, []string) {
	if in.stage == nil && g.Settings.Suite == "" {
		in.j.note("which suite will judge is not known before Install: SUITE is not set, and there is no new task set yet")
		return nil, nil
	}
	src, err := g.source(ctx, in.facts)
	if err != nil {
		return nil, []string{err.Error()}
	}
	checked, problems := suite.Read(src)
	if checked == nil {
		return nil, []string{brokenSuite(problems)}
	}
	var flaws []string
	if in.stage != nil && in.facts.release == "" && checked.MentionsRelease() {
		flaws = append(flaws, unnamed)
	}
	_, err = secret.Sources{Env: g.Settings.SuiteEnvironment.lookup, AWS: &g.AWS}.Resolve(ctx, checked.References())
	if err != nil {
		flaws = append(flaws, err.Error())
	}
	return checked, flaws
}

// trafficAhead holds what the listeners do against what the controller says.
func (g *Gate) trafficAhead(ctx context.Context, f *facts) (flaws []string) {
	switch d, ours := f.Deployment.Get(); {
	case ours && !d.RollsBack:
		flaws = append(flaws, "the deployment group "+d.Group+" does not roll back what fails: enable rollbacks when a "+
			"deployment fails")
	default:
		r, _ := f.Rollout.Get()
		flaws = append(flaws, r.Flaws...)
	}
	switch f.Test.ARN {
	case "":
		flaws = append(flaws, "there is no test listener or rule, so nothing can be judged before production traffic")
	case f.Production.ARN:
		flaws = append(flaws, "test and production traffic have one listener or rule, "+f.Test.ARN)
	}
	if f.creation != "" {
		return flaws
	}
	way, led := f.Production.Way.Get()
	group, known := f.BlueGroup.Get()
	switch {
	case !led:
		return append(flaws, "where production's listener leads is not known")
	case way.Cannot != "":
		flaws = append(flaws, way.Cannot)
	case !known:
		return append(flaws, "which target group serves production is not known")
	case !way.LeadsOnlyTo(group):
		return append(flaws, fmt.Sprintf("production's listener leads to %q, and the service says that %q serves production: "+
			"correct the listener's rule", way.Groups, group))
	}
	for _, arn := range way.ARNs {
		text, healthy, err := discovery.Finder{AWS: g.AWS}.Targets(ctx, arn)
		switch {
		case err != nil:
			flaws = append(flaws, err.Error())
		case healthy == 0:
			flaws = append(flaws, "no target of production is healthy: "+text)
		}
	}
	return flaws
}
