package gate

import (
	"context"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/codedeploy"
	"github.com/greenlight-ecs/greenlight/pkg/release"
)

// listenerProof looks for a proof that the right release answers where the suite has none: everything
// that the test listener forwards goes to the replacement's target group. Nothing moves while a hook
// runs, so it is looked for beside the run.
func (g *Gate) listenerProof(ctx context.Context, in *invocation) bool {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	group := replacementGroup(in.facts.target)
	if in.facts.deployment == nil || len(in.facts.deployment.TestListeners) == 0 || group == "" {
		return false
	}
	leads, err := release.Finder{AWS: g.AWS}.LeadsOnlyTo(ctx, in.facts.deployment.TestListeners[0], group)
	if err != nil {
		in.j.warn(err.Error())
	}
	return leads
}

// unproven says in a PASS that nothing showed which release answered.
func (d *Decision) unproven() {
	d.Unproven = true
	d.Reason = "release not proven: no check mentions ${RELEASE}, and the test listener does not show that it leads only to the new task set; " + d.Reason
}

// explainReadiness adds what the load balancer thinks of the new tasks to a wait that never ended.
func (g *Gate) explainReadiness(ctx context.Context, in *invocation, d *Decision) {
	// The run may have used up its own time. What it gets to stop is enough for this; a verdict must not
	// get lost over an explanation.
	most := min(lookTime, time.Until(in.budget.abandon)-afterwards)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
	defer cancel()
	if in.facts.target == nil {
		return
	}
	finder := release.Finder{AWS: g.AWS}
	if in.facts.definitions.Replacement == nil {
		found, err := finder.TaskDefinitions(ctx, *in.facts.target)
		if err != nil {
			in.j.warn(err.Error())
			return
		}
		in.facts.definitions = found
	}
	replacement := in.facts.definitions.Replacement
	if replacement == nil || replacement.TargetGroup == "" {
		return
	}
	health, err := finder.Health(ctx, replacement.TargetGroup)
	if err != nil {
		in.j.warn(err.Error())
		return
	}
	d.Reason += " (targets of the new task set: " + health + ")"
}

// replacementGroup is the name of the replacement task set's target group, or "".
func replacementGroup(t *codedeploy.Target) string {
	if t == nil {
		return ""
	}
	for _, s := range t.TaskSets {
		if !s.Original {
			return s.TargetGroup
		}
	}
	return ""
}
