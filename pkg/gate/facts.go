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
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle/payload"
	"github.com/greenlight-ecs/greenlight/pkg/release"
	"github.com/greenlight-ecs/greenlight/pkg/together"
)

// invocation is what is known of one invocation. It is filled in while deciding.
type invocation struct {
	event payload.Event
	// stage is the event of a native deployment, which has nothing to do with CodeDeploy; else nil.
	stage *payload.StageEvent
	j     *journal
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
	definitions    release.TaskDefinitions
	// definitionsError is why the replacement's task definition could not be read.
	definitionsError error
	test, production side
	release          string
}

// side is one listener: how it is called, and the addresses to dial from inside the VPC.
type side struct {
	url       string
	addresses []string
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
	in.facts.test.url, in.facts.production.url, in.facts.release = g.Settings.TestURL, g.Settings.ProductionURL, g.Settings.Release
	if in.stage != nil {
		if err := g.stageRole(in); err != nil {
			return err
		}
		g.readRevision(ctx, in)
		return nil
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
	together.Do(
		func() { g.readDefinitions(ctx, in) },
		func() {
			if d := in.facts.deployment; d != nil {
				g.readListeners(ctx, in, d.TestListeners, d.ProductionListeners)
			}
		},
	)
	if in.facts.release == "" && in.facts.definitions.Replacement != nil {
		in.facts.release = in.facts.definitions.Replacement.Release
	}
	return nil
}

func (g *Gate) readDeployment(ctx context.Context, in *invocation) {
	together.Do(func() {
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
		// CodeDeploy may still list the event before as running; a hook is never invoked for one of those.
		if n, ok := in.facts.target.InProgress(); ok && n.TakesHook() {
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

// readRevision reads what a native deployment says about itself, where something hangs on it.
func (g *Gate) readRevision(ctx context.Context, in *invocation) {
	f := &in.facts
	if f.release != "" && g.Settings.Suite != "" && f.test.url != "" && f.production.url != "" && g.Settings.ProberFunction == "" {
		return
	}
	if in.stage.TargetRevision == "" {
		f.definitionsError = errors.New("read service revision: the event names none")
		in.j.warn(f.definitionsError.Error())
		return
	}
	r, err := release.Finder{AWS: g.AWS}.Revision(ctx, in.stage.TargetRevision)
	if err != nil {
		f.definitionsError = err
		in.j.warn(err.Error())
	} else {
		f.definitions.Replacement = &r.TaskDefinition
		f.release = orDefault(f.release, r.TaskDefinition.Release)
	}
	g.readListeners(ctx, in, listed(r.TestListener), listed(r.ProductionListener))
}

// listed is a list of one, or of none.
func listed(arn string) []string {
	if arn == "" {
		return nil
	}
	return []string{arn}
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
	found, err := release.Finder{AWS: g.AWS}.TaskDefinitions(ctx, *in.facts.target)
	if err == nil && found.Replacement == nil {
		err = errors.New("read task sets: the deployment has no replacement task set")
	}
	if err != nil {
		in.facts.definitionsError = err
		in.j.warn(err.Error())
	}
	in.facts.definitions = found
}

// readListeners finds the URLs that the settings do not give and, for the prober, the load balancer's
// private addresses.
func (g *Gate) readListeners(ctx context.Context, in *invocation, testARNs, productionARNs []string) {
	test, production := in.facts.test, in.facts.production
	together.Do(
		func() { test = g.readListener(ctx, in, testARNs, test) },
		func() { production = g.readListener(ctx, in, productionARNs, production) },
	)
	in.facts.test, in.facts.production = test, production
}

// readListener completes one side.
func (g *Gate) readListener(ctx context.Context, in *invocation, arns []string, s side) side {
	remote := g.Settings.ProberFunction != ""
	if len(arns) == 0 || s.url != "" && !remote {
		return s
	}
	finder := release.Finder{AWS: g.AWS}
	l, err := finder.Listener(ctx, arns[0])
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
