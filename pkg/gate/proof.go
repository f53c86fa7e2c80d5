package gate

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/discovery"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
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
	replacement, _ := f.Replacement.Get()
	return decision.ByListener(f.Test.ARN, way, group, replacement.Digest)
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
