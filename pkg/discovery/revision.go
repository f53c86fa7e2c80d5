package discovery

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
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
	in := &ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: []string{arn}}
	out, err := ecs.NewFromConfig(f.AWS).DescribeServiceRevisions(ctx, in)
	if err != nil {
		return Revision{}, fmt.Errorf("read service revision: %w", awsclient.Error(err))
	}
	if len(out.ServiceRevisions) != 1 || aws.ToString(out.ServiceRevisions[0].ServiceRevisionArn) != arn {
		return Revision{}, errors.New("read service revision: the answer is not about this revision")
	}
	r := out.ServiceRevisions[0]
	var found Revision
	var behind types.LoadBalancer
	if len(r.LoadBalancers) > 0 {
		behind = r.LoadBalancers[0]
	}
	if rules := behind.AdvancedConfiguration; rules != nil {
		found.TestRule = aws.ToString(rules.TestListenerRule)
		found.ProductionRule = aws.ToString(rules.ProductionListenerRule)
	}
	if c := r.ResolvedConfiguration; c != nil && len(c.LoadBalancers) == 1 {
		found.TargetGroup = targetGroupName(aws.ToString(c.LoadBalancers[0].TargetGroupArn))
	}
	found.TaskDefinition, err = f.taskDefinition(ctx, aws.ToString(r.TaskDefinition), behind)
	return found, err
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
