package gate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/codedeploy"
	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/discovery"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle/payload"
	"github.com/greenlight-ecs/greenlight/pkg/parallel"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
)

// invocation is what is known of one invocation. It is filled in while deciding.
type invocation struct {
	event payload.Event
	// stage is the event of a native deployment, which has nothing to do with CodeDeploy; else nil.
	stage *payload.StageEvent
	// unreadable is why the event could not be read, or nil.
	unreadable error
	j          *journal
	// budget is how the invocation's time is divided.
	budget budget
	// rollback is known early and matters late: also to a run that was cut short.
	rollback atomic.Bool
	facts    facts
}

// facts is what the deployment said about itself; nil and empty where it could not be read.
type facts struct {
	lifecycleEvent lifecycle.Name
	deployment     *codedeploy.Deployment
	target         *codedeploy.Target
	definitions    discovery.TaskDefinitions
	// definitionsError is why the replacement's task definition could not be read.
	definitionsError error
	test, production side
	release          string
	// greenGroup is the name of the new release's target group, or empty.
	greenGroup string
	// share is how much of production's traffic the new release gets.
	share decision.Share
}

// side is the way to one release: the listener's base URL, the addresses to dial from inside the VPC, and the
// headers that lead there.
type side struct {
	url       string
	addresses []string
	headers   Variables
	// arn is that of the listener, or of the rule, that leads there; empty where the deployment names none.
	arn string
}

// discover reads what the settings leave open. It returns a misconfiguration that no check could
// make good; everything else that cannot be read is a warning.
func (g *Gate) discover(ctx context.Context, in *invocation) error {
	most := factsTime
	if s := g.Settings; s.TestURL != "" && s.ProductionURL != "" && s.Release != "" && s.Suite != "" && s.ProberFunction == "" {
		most = idleFactsTime
	}
	ctx, cancel := context.WithTimeout(ctx, min(most, time.Until(in.budget.prepared)/2))
	defer cancel()
	f := &in.facts
	f.test.url, f.production.url, f.release = g.Settings.TestURL, g.Settings.ProductionURL, g.Settings.Release
	f.test.headers = g.Settings.TestHeaders
	if in.stage != nil {
		if err := g.stageRole(in); err != nil {
			return err
		}
		return g.readRevision(ctx, in)
	}
	g.readDeployment(ctx, in)
	if err := g.findRole(in); err != nil {
		return err
	}
	if d := in.facts.deployment; d != nil {
		in.j.learned(in.facts.lifecycleEvent, d.Application, d.Group)
	} else {
		in.j.learned(in.facts.lifecycleEvent, "", "")
	}
	parallel.Do(
		func() { g.readDefinitions(ctx, in) },
		func() {
			if d := in.facts.deployment; d != nil {
				f.test.arn, f.production.arn = firstOf(d.TestListeners), firstOf(d.ProductionListeners)
				g.readListeners(ctx, in)
			}
		},
	)
	if in.facts.release == "" && in.facts.definitions.Replacement != nil {
		in.facts.release = in.facts.definitions.Replacement.Release
	}
	return nil
}

func (g *Gate) readDeployment(ctx context.Context, in *invocation) {
	parallel.Do(func() {
		d, err := g.CodeDeploy.Deployment(ctx, in.event.DeploymentID)
		if err != nil {
			in.j.warn(err.Error())
			return
		}
		in.facts.deployment = &d
		in.rollback.Store(d.Rollback)
	}, func() {
		t, err := g.CodeDeploy.Target(ctx, in.event.DeploymentID)
		if err != nil {
			in.j.warn(err.Error())
			return
		}
		in.facts.target = &t
		if green := t.Replacement(); green != nil {
			in.facts.greenGroup, in.facts.share = green.TargetGroup, decision.ShareOf(green.TrafficWeight)
		}
	})
}

// findRole says which lifecycle event this invocation is for: the one in progress, or what the
// function's own name says, or what it was built for.
func (g *Gate) findRole(in *invocation) error {
	in.facts.lifecycleEvent = g.LifecycleEvent
	for _, n := range lifecycle.Hookable() {
		if strings.HasSuffix(g.Settings.FunctionName, "_"+string(n)) {
			in.facts.lifecycleEvent = n
		}
	}
	if in.facts.target != nil {
		// CodeDeploy may still list the event before as running: one without a hook, or the first gate's, which does
		// less than the second.
		early := in.facts.lifecycleEvent == lifecycle.BeforeAllowTraffic
		if n, ok := in.facts.target.InProgress(); ok && n.TakesHook() && (n != lifecycle.AfterAllowTestTraffic || !early) {
			in.facts.lifecycleEvent = n
		}
	}
	if n := in.facts.lifecycleEvent; n != lifecycle.AfterAllowTestTraffic && n != lifecycle.BeforeAllowTraffic {
		return fmt.Errorf("this function is the hook of %s; it can judge in AfterAllowTestTraffic and BeforeAllowTraffic only: correct the AppSpec", n)
	}
	return nil
}

// stageRole is findRole for a native deployment, which says itself what it is at.
func (g *Gate) stageRole(in *invocation) error {
	n, ok := in.stage.Stage.Name()
	if !ok {
		return fmt.Errorf("this function is the hook of stage %.100q; it can judge in POST_TEST_TRAFFIC_SHIFT and PRE_PRODUCTION_TRAFFIC_SHIFT: correct the service's lifecycle hooks", in.stage.Stage)
	}
	in.facts.lifecycleEvent = n
	in.j.learned(n, "", "")
	return nil
}

// readRevision reads what a native deployment says about itself, where something hangs on it. What it says of the
// headers that lead to the new release must not contradict the settings.
func (g *Gate) readRevision(ctx context.Context, in *invocation) error {
	f := &in.facts
	if in.stage.ShareKnown {
		f.share = decision.ShareOf(in.stage.ProductionShare)
	}
	known := f.release != "" && g.Settings.Suite != "" && f.test.url != "" && f.production.url != "" && g.Settings.ProberFunction == ""
	if known && !smoke.SameAddress(f.test.url, f.production.url) {
		return nil
	}
	if in.stage.TargetRevision == "" {
		f.definitionsError = errors.New("read service revision: the event names none")
		in.j.warn(f.definitionsError.Error())
		return nil
	}
	r, err := discovery.Finder{AWS: g.AWS}.Revision(ctx, in.stage.TargetRevision)
	if err != nil {
		f.definitionsError = err
		in.j.warn(err.Error())
	} else {
		f.definitions.Replacement = &r.TaskDefinition
		f.release = orDefault(f.release, r.TaskDefinition.Release)
	}
	f.greenGroup, f.test.arn, f.production.arn = r.TargetGroup, r.TestRule, r.ProductionRule
	var asked map[string]string
	parallel.Do(func() { g.readListeners(ctx, in) }, func() { asked = g.ruleHeaders(ctx, in, r.TestRule) })
	if len(g.Settings.TestHeaders) == 0 {
		f.test.headers = asked
		return nil
	}
	for name, value := range asked {
		if f.test.headers.get(name) != value {
			return fmt.Errorf("TEST_HEADERS does not say what the test traffic's rule asks for, the header %s: what leads to the new release is not known", name)
		}
	}
	return nil
}

// ruleHeaders are the headers that the test traffic's rule asks for.
func (g *Gate) ruleHeaders(ctx context.Context, in *invocation, arn string) map[string]string {
	if discovery.ListenerOf(arn) == arn {
		return nil
	}
	way, err := discovery.Finder{AWS: g.AWS}.Way(ctx, arn)
	if err != nil {
		in.j.warn(err.Error() + "; TEST_HEADERS can say the headers that lead to the new release")
	}
	return way.Headers
}

func firstOf(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// readDefinitions reads the task definitions where something hangs on them.
func (g *Gate) readDefinitions(ctx context.Context, in *invocation) {
	needed := in.facts.release == "" || g.Settings.Suite == "" || in.facts.lifecycleEvent == lifecycle.BeforeAllowTraffic
	if !needed {
		return
	}
	if in.facts.target == nil {
		in.facts.definitionsError = errors.New("read task sets: the deployment's target is not known")
		return
	}
	found, err := discovery.Finder{AWS: g.AWS}.TaskDefinitions(ctx, in.facts.target)
	if err != nil {
		in.facts.definitionsError = err
		in.j.warn(err.Error())
	}
	in.facts.definitions = found
}

// readListeners finds the URLs that the settings do not give and, for the prober, the load balancer's
// private addresses.
func (g *Gate) readListeners(ctx context.Context, in *invocation) {
	test, production := in.facts.test, in.facts.production
	parallel.Do(
		func() { test = g.readListener(ctx, in, test) },
		func() { production = g.readListener(ctx, in, production) },
	)
	in.facts.test, in.facts.production = test, production
}

// readListener completes one side.
func (g *Gate) readListener(ctx context.Context, in *invocation, s side) side {
	remote := g.Settings.ProberFunction != ""
	if s.arn == "" || s.url != "" && !remote {
		return s
	}
	finder := discovery.Finder{AWS: g.AWS}
	l, err := finder.Listener(ctx, discovery.ListenerOf(s.arn))
	if err != nil {
		in.j.warn(err.Error())
		return s
	}
	s.url = orDefault(s.url, l.URL)
	if !remote {
		return s
	}
	hosts, err := finder.Addresses(ctx, l.LoadBalancer)
	if err != nil {
		in.j.warn(err.Error())
		return s
	}
	u, err := url.Parse(l.URL)
	if err != nil {
		return s
	}
	for _, host := range hosts {
		s.addresses = append(s.addresses, net.JoinHostPort(host, u.Port()))
	}
	return s
}
