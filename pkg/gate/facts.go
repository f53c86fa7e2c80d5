package gate

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/codedeploy"
	"github.com/greenlight-ecs/greenlight/pkg/discovery"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle/payload"
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
	// facts are set once, when all are found.
	facts facts
}

// facts is what is known of the two releases: from the settings, else from what AWS says.
type facts struct {
	discovery.Facts
	lifecycleEvent   lifecycle.Name
	release          string
	test, production side
}

// side is the way to one release: the listener's base URL, the addresses to dial from inside the VPC, and the
// headers that lead there.
type side struct {
	url       string
	addresses []string
	headers   Variables
}

// discover reads what the settings leave open. The error is a misconfiguration that no check could make good;
// everything else that cannot be read is a warning.
func (g *Gate) discover(ctx context.Context, in *invocation) (facts, error) {
	s := g.Settings
	f := facts{
		lifecycleEvent: g.LifecycleEvent, release: s.Release,
		test: side{url: s.TestURL, headers: s.TestHeaders}, production: side{url: s.ProductionURL},
	}
	wanted := discovery.Wanted{TestURL: s.TestURL == "", ProductionURL: s.ProductionURL == "",
		Addresses: s.ProberFunction != ""}
	known := s.Release != "" && s.Suite != "" && !wanted.TestURL && !wanted.ProductionURL && !wanted.Addresses
	most := factsTime
	if known {
		most = idleFactsTime
	}
	ctx, cancel := context.WithTimeout(ctx, min(most, time.Until(in.budget.prepared)/2))
	defer cancel()
	var err error
	if in.stage != nil {
		f, err = g.readRevision(ctx, in, f, wanted, known)
	} else {
		f, err = g.readDeployment(ctx, in, f, wanted)
	}
	f.test.learn(f.Test)
	f.production.learn(f.Production)
	if td, ok := f.Replacement.Get(); ok {
		f.release = cmp.Or(f.release, td.Release)
	}
	return f, err
}

// learn takes from what was discovered what the settings do not say.
func (s *side) learn(found discovery.Side) {
	url, _ := found.URL.Get()
	s.url = cmp.Or(s.url, url)
	s.addresses, _ = found.Addresses.Get()
}

// readDeployment reads what CodeDeploy's deployment says, and which lifecycle event it is at.
func (g *Gate) readDeployment(ctx context.Context, in *invocation, f facts, wanted discovery.Wanted) (facts, error) {
	finder := discovery.Finder{AWS: g.AWS, CodeDeploy: g.CodeDeploy}
	f.Facts = finder.Deployment(ctx, in.event.DeploymentID)
	in.j.warn(f.Warnings...)
	d, _ := f.Deployment.Get()
	in.rollback.Store(d.Rollback)
	var err error
	if f.lifecycleEvent, err = g.role(f.Target); err != nil {
		return f, err
	}
	in.j.learned(f.lifecycleEvent, d.Application, d.Group)
	wanted.Definitions = f.release == "" || g.Settings.Suite == "" || f.lifecycleEvent == lifecycle.BeforeAllowTraffic
	f.Facts = finder.Complete(ctx, f.Facts, wanted)
	in.j.warn(f.Warnings...)
	return f, nil
}

// role says which lifecycle event this invocation is for: the one in progress, or what the function's own name says,
// or what it was built for.
func (g *Gate) role(target discovery.Fact[codedeploy.Target]) (lifecycle.Name, error) {
	role := g.LifecycleEvent
	for _, n := range lifecycle.Hookable() {
		if strings.HasSuffix(g.Settings.FunctionName, "_"+string(n)) {
			role = n
		}
	}
	if t, ok := target.Get(); ok {
		// CodeDeploy may still list the event before as running: one without a hook, or the first gate's, which does
		// less than the second.
		early := role == lifecycle.BeforeAllowTraffic
		if n, ok := t.InProgress(); ok && n.TakesHook() && (n != lifecycle.AfterAllowTestTraffic || !early) {
			role = n
		}
	}
	if role != lifecycle.AfterAllowTestTraffic && role != lifecycle.BeforeAllowTraffic {
		return role, fmt.Errorf("this function is the hook of %s; it can judge in AfterAllowTestTraffic and "+
			"BeforeAllowTraffic only: correct the AppSpec", role)
	}
	return role, nil
}

// readRevision reads what a native deployment says about itself, where something hangs on it. What it says of the
// headers that lead to the new release must not contradict the settings.
func (g *Gate) readRevision(
	ctx context.Context, in *invocation, f facts, wanted discovery.Wanted, known bool,
) (facts, error) {
	var ok bool
	if f.lifecycleEvent, ok = in.stage.Stage.Name(); !ok {
		return f, fmt.Errorf("this function is the hook of stage %.100q; it can judge in POST_TEST_TRAFFIC_SHIFT and "+
			"PRE_PRODUCTION_TRAFFIC_SHIFT: correct the service's lifecycle hooks", in.stage.Stage)
	}
	in.j.learned(f.lifecycleEvent, "", "")
	if !known || smoke.SameAddress(f.test.url, f.production.url) {
		f.Facts = discovery.Finder{AWS: g.AWS}.OfRevision(ctx, in.stage.TargetRevision, wanted)
		in.j.warn(f.Warnings...)
	}
	if in.stage.ShareKnown {
		f.Share = discovery.Of(in.stage.ProductionShare, nil)
	}
	asked, _ := f.Test.Headers.Get()
	if err := f.Test.Headers.Err(); err != nil {
		in.j.warn(err.Error() + "; TEST_HEADERS can say the headers that lead to the new release")
	}
	if len(g.Settings.TestHeaders) == 0 {
		f.test.headers = asked
		return f, nil
	}
	for name, value := range asked {
		if f.test.headers.get(name) != value {
			return f, fmt.Errorf("TEST_HEADERS does not say what the test traffic's rule asks for, the header %s: what leads "+
				"to the new release is not known", name)
		}
	}
	return f, nil
}
