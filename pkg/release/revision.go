package release

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/signed"
)

// Revision is the service revision that a native Amazon ECS deployment brings: what takes the place of
// CodeDeploy's replacement task set.
type Revision struct {
	TaskDefinition TaskDefinition
	// TestRule and ProductionRule lead to the two releases: ARNs of listener rules, or of listeners of a Network
	// Load Balancer; empty where the service has none.
	TestRule, ProductionRule string
	// TargetGroup is the name of the target group that this revision's tasks are registered in, or empty.
	TargetGroup string
}

// Revision reads a service revision by its ARN.
func (f Finder) Revision(ctx context.Context, arn string) (Revision, error) {
	var out struct {
		Revisions []struct {
			ARN            string `json:"serviceRevisionArn"`
			TaskDefinition string `json:"taskDefinition"`
			LoadBalancers  []struct {
				loadBalancer
				Advanced struct {
					Production string `json:"productionListenerRule"`
					Test       string `json:"testListenerRule"`
				} `json:"advancedConfiguration"`
			} `json:"loadBalancers"`
			Resolved struct {
				LoadBalancers []loadBalancer `json:"loadBalancers"`
			} `json:"resolvedConfiguration"`
		} `json:"serviceRevisions"`
	}
	in := map[string]any{"serviceRevisionArns": []string{arn}}
	if err := f.AWS.JSON(ctx, signed.ECS, "DescribeServiceRevisions", in, &out); err != nil {
		return Revision{}, fmt.Errorf("read service revision: %w", err)
	}
	if len(out.Revisions) != 1 || out.Revisions[0].ARN != arn {
		return Revision{}, errors.New("read service revision: the answer is not about this revision")
	}
	r := out.Revisions[0]
	var found Revision
	var behind loadBalancer
	if len(r.LoadBalancers) > 0 {
		behind = r.LoadBalancers[0].loadBalancer
		found.TestRule, found.ProductionRule = r.LoadBalancers[0].Advanced.Test, r.LoadBalancers[0].Advanced.Production
	}
	if len(r.Resolved.LoadBalancers) == 1 {
		found.TargetGroup = targetGroupName(r.Resolved.LoadBalancers[0].TargetGroup)
	}
	td, err := f.taskDefinition(ctx, r.TaskDefinition, behind)
	if err != nil {
		return found, err
	}
	found.TaskDefinition = *td
	return found, nil
}

// ListenerOf returns the listener of a rule: native deployments name rules of an Application Load
// Balancer, "…:listener-rule/app/name/id/listener/rule", and listeners of a Network Load Balancer.
func ListenerOf(arn string) string {
	head, rest, ok := strings.Cut(arn, ":listener-rule/")
	if !ok {
		return arn
	}
	return head + ":listener/" + rest[:max(0, strings.LastIndexByte(rest, '/'))]
}
