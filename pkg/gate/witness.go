package gate

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/discovery"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/secret"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// proof looks for a proof that the right release answers, for suites that have none: that the test listener forwards
// everything to the new release's target group. It holds for that listener only, so the suite must have asked the
// listener's own address. No traffic moves while a hook runs, so the proof is looked for during the run.
func (g *Gate) proof(ctx context.Context, in *invocation) decision.Proof {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	f := &in.facts
	group, ok := f.GreenGroup.Get()
	if f.Test.ARN == "" || !ok {
		return decision.Unproven("the deployment does not say which listener and target group are the new release's")
	}
	finder := discovery.Finder{AWS: g.AWS}
	l, err := finder.Listener(ctx, discovery.ListenerOf(f.Test.ARN))
	if err != nil {
		in.j.warn(err.Error())
		return decision.Unproven("the test listener could not be read")
	}
	if len(f.test.Addrs) == 0 && !smoke.LeadsTo(ctx, f.test.URL, l.URL) {
		return decision.Unproven("TEST_URL is not the address of the test listener, " + l.URL)
	}
	way, err := finder.Way(ctx, f.Test.ARN)
	if err != nil {
		in.j.warn(err.Error())
		return decision.Unproven("the test listener's rules could not be read")
	}
	for name, value := range way.Headers {
		if f.test.Header(name) != value {
			return decision.Unproven("the test traffic's rule asks for the header " + name + ", which is not sent")
		}
	}
	if way.Cannot != "" || !maps.Equal(way.Query, f.test.Query) || !slices.Equal(way.Hosts, f.test.Hosts) ||
		!slices.Equal(way.Paths, f.test.Paths) {
		return decision.Unproven("the test traffic's rule asks for more than is known to be sent")
	}
	earlier, err := finder.Earlier(ctx, way, group)
	switch {
	case err != nil:
		in.j.warn(err.Error())
		return decision.Unproven("the rules before the test traffic's could not be read")
	case earlier != "" && way.LeadsOnlyTo(group):
		return decision.Unproven("the rule " + earlier + " comes before the test traffic's, and may take its requests")
	}
	return decision.ByListener(f.Test.ARN, way, group, f.Replacement.Value().Digest)
}

// explainReadiness returns what the load balancer says about the new tasks' health, after readiness timed out.
func (g *Gate) explainReadiness(ctx context.Context, in *invocation) string {
	// The run may have used up its time. The time that it gets to stop is enough for this; an explanation must not cost
	// the verdict.
	most := min(lookTime, time.Until(in.budget.abandon)-afterwards)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
	defer cancel()
	finder := discovery.Finder{AWS: g.AWS}
	found := in.facts.Replacement
	replacement, known := found.Get()
	if target, ok := in.facts.Target.Get(); ok && !known {
		if _, found = finder.TaskDefinitions(ctx, target); found.Err() != nil {
			in.j.warn(found.Err().Error())
		}
	}
	if replacement, _ = found.Get(); replacement.TargetGroup == "" {
		return ""
	}
	health, err := finder.Health(ctx, replacement.TargetGroup)
	if err != nil {
		in.j.warn(err.Error())
		return ""
	}
	return " (targets of the new task set: " + health + ")"
}

// skipTimeout bounds reading the skip parameter. It is read after the verdict, in the time that is kept back for
// storing the status, and may take a quarter of that.
const skipTimeout = 3 * time.Second

// longestSkip is how far in the future a skip may expire. A skip that outlives the night in which it was needed is an
// open gate that nobody remembers.
const longestSkip = 24 * time.Hour

// refusal says why the authorisation that the skip parameter holds does not let this deployment pass, or "" when it
// does. Every member is required, but of the deployment's id and the release one is enough: a retried deployment has a
// new id and the same release.
func refusal(said map[string]string, expires time.Time, deploymentID, release string) string {
	switch ahead, id, name := time.Until(expires), said["deployment_id"], said["release"]; {
	case strings.TrimSpace(said["by"]) == "" || strings.TrimSpace(said["why"]) == "":
		return "it does not say by whom and why"
	case expires.IsZero():
		return "it has no expiry"
	case ahead <= 0:
		return "it expired at " + expires.UTC().Format(time.RFC3339)
	case ahead > longestSkip:
		return fmt.Sprintf("it expires in %.0f h, at most %.0f h are allowed", math.Ceil(ahead.Hours()), longestSkip.Hours())
	case id == "" && name == "":
		return "it names neither a deployment nor a release"
	case id != "" && id != deploymentID:
		return "it is for another deployment"
	case name != "" && name != release:
		return "it is for another release"
	}
	return ""
}

// skip looks for somebody's authorisation to let this release of this deployment pass.
func (g *Gate) skip(ctx context.Context, in *invocation, release string) decision.Skip {
	// ctx may have ended with the run, so it does not bound this.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), in.budget.spare(skipTimeout))
	defer cancel()
	asked := g.Settings.SkipParameter
	var said map[string]string
	var expires time.Time
	text, err := secret.Sources{AWS: &g.AWS}.Parameter(ctx, asked)
	if err == nil {
		if said, expires, err = readAuthorisation(text); err != nil {
			err = fmt.Errorf(`read parameter %s: it %w, want `+
				`{"deployment_id" or "release", "by", "why", "expires": "2006-01-02T15:04:05Z"}`, asked, err)
		}
	}
	if err != nil {
		in.j.warn("no skip: " + err.Error())
		return decision.Skip{}
	}
	if why := refusal(said, expires, in.event.DeploymentID, release); why != "" {
		in.j.note("no skip: the parameter " + asked + " does not apply: " + why)
		return decision.Skip{}
	}
	return decision.Authorised(said["by"], said["why"], expires)
}

// readAuthorisation accepts the five members by their exact names and no others: a typo in a key must not change what
// is authorised.
func readAuthorisation(text string) (said map[string]string, expires time.Time, err error) {
	said, err = members(text)
	for name := range said {
		if !slices.Contains([]string{"deployment_id", "release", "by", "why", "expires"}, name) {
			return nil, expires, fmt.Errorf("has the key %.40q, which is none of the five", name)
		}
	}
	if end, ok := said["expires"]; ok {
		if expires, err = time.Parse(time.RFC3339, end); err != nil {
			return nil, expires, errors.New("has an expiry that is not a time")
		}
	}
	return said, expires, err
}

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
		name, sum = checked.Name, checked.SHA256
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
	if g.watches() && checked.Watch == nil && g.idle(in) == (decision.Idle{}) {
		return nil, errors.New(noWatch)
	}
	if r, known := in.facts.Rollout.Get(); known && !r.Watched && checked.Watch != nil {
		in.j.warn("the suite has a watch, and nobody watches: no lifecycle hook is at POST_PRODUCTION_TRAFFIC_SHIFT")
	}
	_, err = g.values(ctx, checked)
	return checked, err
}

// trafficAhead holds what the listeners do against what the controller says.
func (g *Gate) trafficAhead(ctx context.Context, f *facts) []string {
	d, ours := f.Deployment.Get()
	way, led := f.Production.Way.Get()
	group, known := f.BlueGroup.Get()
	flaws := f.Rollout.Value().Flaws
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
