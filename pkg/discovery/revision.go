package discovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
)

// Revision is a service revision of a native Amazon ECS deployment: what takes the place of CodeDeploy's task set.
type Revision struct {
	TaskDefinition Fact[TaskDefinition]
	// TestRule and ProductionRule lead to the two releases: ARNs of listener rules, or of listeners of a Network
	// Load Balancer; empty where the service has none.
	TestRule, ProductionRule string
	// TargetGroup is the ARN of the target group that this revision's tasks are registered in, or empty.
	TargetGroup string
	// TestRules is how many the service has.
	TestRules int
}

// Rollout is what Amazon ECS says of a deployment of its own.
type Rollout struct {
	// Sources are the ARNs of the service revisions that it replaces; none where the service is being created.
	Sources []string
	// First says that the service itself knows no other revision than the one that is deployed.
	First bool
	// RollingBack says that the release is being taken back.
	RollingBack bool
	// Began is when it was started.
	Began time.Time
	// Share is how much of production's traffic the new release gets, in per cent.
	Share Fact[float64]
	// Flaws say why a verdict might not take the release back. Lenient is the one that a hook that takes its time may
	// run into: a hook that times out lets the deployment go on.
	Flaws   []string
	Lenient bool
	// Watched says that a lifecycle hook is there when production's traffic has been shifted.
	Watched bool

	strategy types.DeploymentStrategy
	percent  float64
}

// Step is the number of the deployment's step in which the new release has a share of production, in per cent; 0
// where the strategy has no steps, or is not known.
func (r Rollout) Step(share float64) int {
	switch {
	case share == 0 && (r.strategy == types.DeploymentStrategyCanary || r.strategy == types.DeploymentStrategyLinear):
		return 1
	case r.strategy == types.DeploymentStrategyCanary:
		return 2
	case r.strategy == types.DeploymentStrategyLinear && r.percent > 0:
		return 1 + int(math.Round(share/r.percent))
	}
	return 0
}

// Rollout reads a native deployment, and the service where that is being created.
func (f Finder) Rollout(ctx context.Context, deployment, service, revision string) (Rollout, error) {
	api := ecs.NewFromConfig(f.AWS)
	out, err := api.DescribeServiceDeployments(ctx, &ecs.DescribeServiceDeploymentsInput{
		ServiceDeploymentArns: []string{deployment},
	})
	if err != nil {
		return Rollout{}, fmt.Errorf("read service deployment: %w", awsclient.Error(err))
	}
	if len(out.ServiceDeployments) != 1 || aws.ToString(out.ServiceDeployments[0].ServiceDeploymentArn) != deployment {
		return Rollout{}, errors.New("read service deployment: the answer is not about this deployment")
	}
	d := out.ServiceDeployments[0]
	r := Rollout{
		Began: aws.ToTime(cmp.Or(d.StartedAt, d.CreatedAt)),
		RollingBack: d.Status == types.ServiceDeploymentStatusRollbackInProgress ||
			d.Status == types.ServiceDeploymentStatusRollbackRequested,
	}
	t := awsclient.Of(d.TargetServiceRevision)
	if aws.ToString(t.Arn) == revision && t.RequestedProductionTrafficWeight != nil {
		r.Share = Of(*t.RequestedProductionTrafficWeight, nil)
	}
	for _, s := range d.SourceServiceRevisions {
		r.Sources = append(r.Sources, aws.ToString(s.Arn))
	}
	r.configured(awsclient.Of(d.DeploymentConfiguration))
	if len(r.Sources) > 0 {
		return r, nil
	}
	cluster, _ := ServiceIn(service)
	described, err := api.DescribeServices(ctx, &ecs.DescribeServicesInput{
		Cluster: aws.String(cluster), Services: []string{service},
	})
	if err != nil {
		return r, fmt.Errorf("read service: %w", awsclient.Error(err))
	}
	if len(described.Services) != 1 || aws.ToString(described.Services[0].ServiceArn) != service {
		return r, errors.New("read service: the answer is not about this service")
	}
	s := described.Services[0]
	r.First = len(s.Deployments) <= 1 &&
		!slices.ContainsFunc(s.CurrentServiceRevisions, func(c types.ServiceCurrentRevisionSummary) bool {
			return aws.ToString(c.Arn) != revision
		})
	return r, nil
}

// configured takes the strategy, and what would keep a release that failed.
func (r *Rollout) configured(c types.DeploymentConfiguration) {
	r.strategy, r.percent = c.Strategy, aws.ToFloat64(awsclient.Of(c.LinearConfiguration).StepPercent)
	if b := c.DeploymentCircuitBreaker; b != nil && b.Enable && !b.Rollback {
		r.Flaws = append(r.Flaws, "the deployment circuit breaker does not roll back: set its rollback to true")
	}
	if a := c.Alarms; a != nil && a.Enable && !a.Rollback {
		r.Flaws = append(r.Flaws, "the deployment's alarms do not roll back: set their rollback to true")
	}
	for _, h := range c.LifecycleHooks {
		r.Watched = r.Watched ||
			slices.Contains(h.LifecycleStages, types.DeploymentLifecycleHookStagePostProductionTrafficShift)
		if t := h.TimeoutConfiguration; t != nil && t.Action == types.DeploymentLifecycleHookActionContinue {
			r.Lenient = true
			r.Flaws = append(r.Flaws, "a lifecycle hook that times out lets the deployment go on: set its action to ROLLBACK")
		}
	}
}

// ServiceIn returns the names in a service's ARN, "arn:aws:ecs:eu-west-1:1:service/cluster/name", or in that of one of
// its deployments; empty where it has another form.
func ServiceIn(arn string) (cluster, service string) {
	parts := strings.Split(arn, "/")
	if !strings.HasPrefix(arn, "arn:") || len(parts) < 3 {
		return "", ""
	}
	return parts[1], parts[2]
}

// Revisions reads service revisions by their ARNs, in this order.
func (f Finder) Revisions(ctx context.Context, arns ...string) ([]Revision, error) {
	in := &ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: arns}
	out, err := ecs.NewFromConfig(f.AWS).DescribeServiceRevisions(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("read service revision: %w", awsclient.Error(err))
	}
	found := make([]Revision, len(arns))
	for i, arn := range arns {
		n := slices.IndexFunc(out.ServiceRevisions, func(r types.ServiceRevision) bool {
			return aws.ToString(r.ServiceRevisionArn) == arn
		})
		if n < 0 {
			return nil, errors.New("read service revision: the answer is not about this revision")
		}
		found[i] = f.revision(ctx, out.ServiceRevisions[n])
	}
	return found, nil
}

func (f Finder) revision(ctx context.Context, r types.ServiceRevision) Revision {
	behind := first(r.LoadBalancers)
	rules := awsclient.Of(behind.AdvancedConfiguration)
	found := Revision{
		TestRule: aws.ToString(rules.TestListenerRule), ProductionRule: aws.ToString(rules.ProductionListenerRule),
	}
	for _, l := range r.LoadBalancers {
		if aws.ToString(awsclient.Of(l.AdvancedConfiguration).TestListenerRule) != "" {
			found.TestRules++
		}
	}
	if c := r.ResolvedConfiguration; c != nil && len(c.LoadBalancers) == 1 {
		found.TargetGroup = aws.ToString(c.LoadBalancers[0].TargetGroupArn)
	}
	td, err := f.taskDefinition(ctx, aws.ToString(r.TaskDefinition), behind)
	td.TargetGroup = found.TargetGroup
	for _, image := range r.ContainerImages {
		if aws.ToString(image.ContainerName) == td.Container {
			td.Digest = aws.ToString(image.ImageDigest)
		}
	}
	found.TaskDefinition = Of(td, err)
	return found
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
