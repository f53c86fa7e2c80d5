package gate

import (
	"cmp"
	"context"
	"errors"
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
	// rollback says that this is a rollback deployment. It is set as soon as that is known, so that it counts for a run
	// that was cut short, too.
	rollback atomic.Bool
	// facts is set once, when all facts have been found.
	facts facts
	// calls is how many calls of a native hook the run has taken.
	calls int
	// question is that of an earlier call, sum the checksum that its state has; lost says that it is not the one that was
	// asked.
	question *question
	sum      string
	lost     bool
	// unread is why an answer could not be read, as it was last said.
	unread string
}

// facts is what is known of the two releases: from the settings, else from what AWS says.
type facts struct {
	discovery.Facts
	lifecycleEvent   lifecycle.Name
	release          string
	test, production smoke.Side
	// creation says why there is no old release yet, or is empty.
	creation string
}

// discover reads what the settings leave open. The error is a misconfiguration with which nothing can be judged;
// everything else that cannot be read is a warning.
func (g *Gate) discover(ctx context.Context, in *invocation) (facts, error) {
	s := g.Settings
	f := facts{
		lifecycleEvent: g.LifecycleEvent, release: s.Release,
		test: smoke.Side{URL: s.TestURL, Headers: s.TestHeaders}, production: smoke.Side{URL: s.ProductionURL},
	}
	wanted := discovery.Wanted{
		TestURL: s.TestURL == "", ProductionURL: s.ProductionURL == "", Addresses: s.ProberFunction != "",
	}
	known := s.Release != "" && !g.watches() && s.Suite != "" && !wanted.TestURL && !wanted.ProductionURL && !wanted.Addresses
	most := factsTime
	if known {
		most = idleFactsTime
	}
	ctx, cancel := context.WithTimeout(ctx, min(most, time.Until(in.budget.prepared)/2))
	defer cancel()
	var err error
	if in.stage != nil {
		f, err = g.readStage(ctx, in, f, wanted)
	} else {
		f, err = g.readDeployment(ctx, in, f, wanted)
	}
	if f.release = cmp.Or(f.release, f.Replacement.Value().Release); f.lifecycleEvent == lifecycle.AfterAllowTraffic {
		return f, err // nobody is asked anything but AWS
	}
	// What a setting says is its owner's to know, unless it is the address of both releases.
	one := smoke.SameAddress(s.TestURL, s.ProductionURL)
	f.test = learn(f.test, f.Test, s.TestURL == "" || one)
	f.production = learn(f.production, f.Production, s.ProductionURL == "" || one)
	switch why := f.Test.Way.Value().Cannot; {
	case err != nil || s.TestURL != "" && !one:
	case f.TestListeners > 1:
		err = fmt.Errorf("test traffic has %d listeners or rules, of which one can be judged: TEST_URL can say which",
			f.TestListeners)
	case why != "":
		err = errors.New(why + ": correct the test traffic's rule")
	}
	if _, ok := f.Test.Addresses.Get(); err == nil && !ok && f.test.URL != s.TestURL && wanted.Addresses {
		// By its public name the prober would hardly reach the load balancer, and the release would be blamed for that.
		err = fmt.Errorf("the load balancer's addresses, by which the prober reaches it, are not known: %w; allow "+
			"ec2:DescribeNetworkInterfaces, or set TEST_URL to a name that leads there from inside the VPC",
			cmp.Or(f.Test.Addresses.Err(), errors.New("it has none")))
	}
	return f, err
}

// learn fills in what the settings leave open from what was discovered. Where led, the listener's rule says what to
// send.
func learn(s smoke.Side, found discovery.Side, led bool) smoke.Side {
	way := found.Way.Value()
	s.URL, s.Addrs = cmp.Or(s.URL, found.URL.Value()), found.Addresses.Value()
	if len(s.Headers) == 0 {
		s.Headers = way.Headers
	}
	if led {
		s.Query, s.Hosts, s.Paths = way.Query, way.Hosts, way.Paths
	}
	return s
}

// readDeployment reads what CodeDeploy's deployment says, and which lifecycle event it is at.
func (g *Gate) readDeployment(ctx context.Context, in *invocation, f facts, wanted discovery.Wanted) (facts, error) {
	finder := discovery.Finder{AWS: g.AWS, CodeDeploy: g.CodeDeploy}
	f.Facts = finder.Deployment(ctx, in.event.DeploymentID)
	in.j.warn(f.Warnings...)
	d := f.Deployment.Value()
	in.rollback.Store(d.Rollback)
	var err error
	if f.lifecycleEvent, err = g.role(f.Target); err != nil {
		return f, err
	}
	in.j.learned(f.lifecycleEvent, dimension{"Application", d.Application}, dimension{"DeploymentGroup", d.Group})
	if f.lifecycleEvent == lifecycle.AfterAllowTraffic {
		wanted = discovery.Wanted{}
	}
	// Before anything is installed there is no new task set, and production's is what it should lead to.
	wanted.Ways = f.lifecycleEvent == lifecycle.BeforeInstall
	wanted.Definitions = !wanted.Ways &&
		(f.release == "" || g.Settings.Suite == "" || f.lifecycleEvent != lifecycle.AfterAllowTestTraffic)
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
		// CodeDeploy may still show the previous event as in progress: one without a hook, or the first gate's, which
		// does less than the second.
		early := role == lifecycle.BeforeAllowTraffic
		if n, ok := t.InProgress(); ok && n.TakesHook() && (n != lifecycle.AfterAllowTestTraffic || !early) {
			role = n
		}
	}
	if can := "judge in AfterAllowTestTraffic and BeforeAllowTraffic"; !g.answers(role) {
		if g.watches() {
			can = "watch in AfterAllowTraffic"
		}
		return role, fmt.Errorf("this function is the hook of %s; it can %s only: correct the AppSpec", role, can)
	}
	return role, nil
}

// watches reports whether this is the function that watches, answers whether it is one for a lifecycle event.
func (g *Gate) watches() bool { return g.LifecycleEvent == lifecycle.AfterAllowTraffic }

func (g *Gate) answers(n lifecycle.Name) bool {
	return n == lifecycle.BeforeInstall || g.watches() && n == lifecycle.AfterAllowTraffic ||
		!g.watches() && (n == lifecycle.AfterAllowTestTraffic || n == lifecycle.BeforeAllowTraffic)
}

// readStage reads what a native deployment says about itself. What it says of the headers that lead to the new release
// must not contradict the settings.
func (g *Gate) readStage(ctx context.Context, in *invocation, f facts, wanted discovery.Wanted) (facts, error) {
	var ok bool
	if f.lifecycleEvent, ok = in.stage.Stage.Event(); g.watches() && in.stage.Stage == lifecycle.PreProductionTrafficShift {
		f.lifecycleEvent = lifecycle.AfterAllowTraffic
	}
	if can := "judge in POST_TEST_TRAFFIC_SHIFT"; !ok || !g.answers(f.lifecycleEvent) {
		if g.watches() {
			can = "watch in POST_PRODUCTION_TRAFFIC_SHIFT"
		}
		return f, fmt.Errorf("this function is the hook of stage %.100q; it can %s and PRE_PRODUCTION_TRAFFIC_SHIFT, and look "+
			"ahead in PRE_SCALE_UP: correct the service's lifecycle hooks", in.stage.Stage, can)
	}
	in.j.learned(f.lifecycleEvent)
	if f.lifecycleEvent == lifecycle.AfterAllowTraffic {
		wanted = discovery.Wanted{}
	}
	wanted.Ways = true
	finder := discovery.Finder{AWS: g.AWS}
	f.Facts = finder.Native(ctx, in.stage.Deployment, in.stage.Service, in.stage.TargetRevision, wanted)
	in.j.warn(f.Warnings...)
	r := f.Rollout.Value()
	if r.RollingBack {
		in.rollback.Store(true)
	}
	switch {
	case in.stage.ShareKnown:
		f.Share = discovery.Of(in.stage.ProductionShare, nil)
	case in.stage.Stage == lifecycle.PreProductionTrafficShift: // where the event does not say it
		f.Share = r.Share
	}
	f.creation = g.created(ctx, in, f.Facts)
	if f.lifecycleEvent == lifecycle.AfterAllowTraffic {
		return f, nil
	}
	if err := f.Test.Way.Err(); err != nil {
		in.j.warn(err.Error() + "; TEST_HEADERS can say the headers that lead to the new release")
	}
	for name, value := range f.Test.Way.Value().Headers {
		if len(f.test.Headers) > 0 && f.test.Header(name) != value {
			return f, fmt.Errorf("TEST_HEADERS does not say what the test traffic's rule asks for, the header %s: what leads "+
				"to the new release is not known", name)
		}
	}
	return f, nil
}

// created says that a service is being created, so that there is no old release: the deployment replaces no revision,
// the service knows no other, nobody gets production's traffic, and no target would answer it. What AWS sends then is
// hardly known, so nothing less than all of it counts.
func (g *Gate) created(ctx context.Context, in *invocation, f discovery.Facts) string {
	r, known := f.Rollout.Get()
	way, led := f.Production.Way.Get()
	if !known || !r.First || len(r.Sources) > 0 || in.stage.Weighted || !led {
		return ""
	}
	for _, group := range way.ARNs {
		if health, err := (discovery.Finder{AWS: g.AWS}).Health(ctx, group); err != nil || discovery.Serves(health) {
			return ""
		}
	}
	return "the service is being created, and nothing serves production yet"
}

// step is the number of a native deployment's step, or 0 where it has none, or nobody knows.
func (in *invocation) step() int {
	share, known := in.facts.Share.Get()
	if in.stage == nil || !known || in.facts.lifecycleEvent != lifecycle.BeforeAllowTraffic &&
		in.stage.Stage != lifecycle.PreProductionTrafficShift {
		return 0
	}
	return in.facts.Rollout.Value().Step(share)
}

// service is the name of the cluster and of the service, empty where nobody says them.
func (in *invocation) service() (cluster, name string) {
	if in.stage != nil {
		return discovery.ServiceIn(cmp.Or(in.stage.Service, in.stage.Deployment))
	}
	cluster, name, _ = strings.Cut(in.facts.Target.Value().ID, ":")
	return cluster, name
}
