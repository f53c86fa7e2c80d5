package gate

import (
	"context"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/codedeploy"
	"github.com/greenlight-ecs/greenlight/pkg/release"
)

// lookTime bounds what is read after the run.
const lookTime = 5 * time.Second

// prove looks for a proof that the right release answered where the suite has none: everything that the
// test listener forwards goes to the replacement's target group. Without one, PASS says so.
func (g *Gate) prove(ctx context.Context, in *invocation, d *Decision) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	d.Unproven = true
	group := replacementGroup(in.facts.target)
	if in.facts.deployment != nil && len(in.facts.deployment.TestListeners) > 0 && group != "" {
		leads, err := release.Finder{AWS: g.AWS}.LeadsOnlyTo(ctx, in.facts.deployment.TestListeners[0], group)
		if err != nil {
			in.j.warn(err.Error())
		}
		d.Unproven = !leads
	}
	if d.Unproven {
		d.Reason = "release not proven: no check mentions ${RELEASE}, and the test listener does not show that it leads only to the new task set; " + d.Reason
	}
}

// explainReadiness adds what the load balancer thinks of the new tasks to a wait that never ended.
func (g *Gate) explainReadiness(ctx context.Context, in *invocation, d *Decision) {
	// The run may have used up its own time; these few seconds come out of what is kept back.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime/2)
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
