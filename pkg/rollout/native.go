package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/greenlight-ecs/greenlight/pkg/appspec"
	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
)

// appears is how long a service deployment may take to be listed after UpdateService, and appearPace how often it is
// looked for.
const (
	appears    = time.Minute
	appearPace = 500 * time.Millisecond
)

// Native is a service that Amazon ECS deploys itself.
type Native struct {
	AWS
	Cluster, Service string
}

// Stages are the lifecycle stages.
func (Native) Stages() []string {
	return []string{
		"RECONCILE_SERVICE", "PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP", "TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT",
		"PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP",
	}
}

// Begin updates the service, unless a deployment is under way: ECS would end that one.
func (n Native) Begin(ctx context.Context, o Order) (string, error) {
	found, err := n.describe(ctx)
	if err != nil {
		return "", err
	}
	if c := found.DeploymentController; c != nil && c.Type != types.DeploymentControllerTypeEcs {
		return "", fmt.Errorf("%s is deployed by %s: give --appspec, --application and --group", n.name(), c.Type)
	}
	list, err := n.list(ctx)
	if err != nil {
		return "", err
	}
	for _, d := range list {
		if over(d.Status) {
			continue
		}
		return "", fmt.Errorf("a deployment is under way: %s is %s", aws.ToString(d.ServiceDeploymentArn), d.Status)
	}
	once, cancel := context.WithTimeout(ctx, onceTimeout)
	defer cancel()
	_, err = n.onceECS.UpdateService(once, &ecs.UpdateServiceInput{
		Cluster: &n.Cluster, Service: &n.Service, TaskDefinition: &o.Definition,
	})
	switch {
	case err != nil && awsclient.Unclear(err):
		return "", fmt.Errorf("%w: %w", ErrUnclear, awsclient.Error(err))
	case err != nil:
		return "", awsclient.Error(err)
	}
	id, err := n.begun(ctx, o.Definition, list)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnclear, err)
	}
	return id, nil
}

// begun finds the deployment that brings the task definition; those before it are known.
func (n Native) begun(ctx context.Context, definition string, before []types.ServiceDeploymentBrief) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, appears)
	defer cancel()
	for {
		list, err := n.list(ctx)
		if err != nil {
			return "", err
		}
		for _, d := range list {
			arn := aws.ToString(d.ServiceDeploymentArn)
			if slices.ContainsFunc(before, func(b types.ServiceDeploymentBrief) bool { return aws.ToString(b.ServiceDeploymentArn) == arn }) {
				continue
			}
			if got, err := n.definition(ctx, aws.ToString(d.TargetServiceRevisionArn)); err != nil || got == definition {
				return arn, err
			}
		}
		select {
		case <-time.After(appearPace):
		case <-ctx.Done():
			return "", errors.New("the service was updated, and no deployment of it appears")
		}
	}
}

func (n Native) name() string { return n.Cluster + "/" + n.Service }

func over(s types.ServiceDeploymentStatus) bool {
	switch s {
	case types.ServiceDeploymentStatusSuccessful, types.ServiceDeploymentStatusStopped,
		types.ServiceDeploymentStatusRollbackSuccessful, types.ServiceDeploymentStatusRollbackFailed:
		return true
	}
	return false
}

func (n Native) describe(ctx context.Context) (types.Service, error) {
	out, err := n.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &n.Cluster, Services: []string{n.Service}})
	switch {
	case err != nil:
		return types.Service{}, awsclient.Error(err)
	case len(out.Services) == 0:
		return types.Service{}, fmt.Errorf("there is no service %s", n.name())
	}
	return out.Services[0], nil
}

// list returns the newest deployments; the first page holds whatever is under way.
func (n Native) list(ctx context.Context) ([]types.ServiceDeploymentBrief, error) {
	out, err := n.ECS.ListServiceDeployments(ctx, &ecs.ListServiceDeploymentsInput{Cluster: &n.Cluster, Service: &n.Service})
	if err != nil {
		return nil, awsclient.Error(err)
	}
	slices.SortStableFunc(out.ServiceDeployments, func(a, b types.ServiceDeploymentBrief) int {
		return aws.ToTime(b.CreatedAt).Compare(aws.ToTime(a.CreatedAt))
	})
	return out.ServiceDeployments, nil
}

// Latest returns the newest deployment's ARN.
func (n Native) Latest(ctx context.Context) (string, error) {
	list, err := n.list(ctx)
	switch {
	case err != nil:
		return "", err
	case len(list) == 0:
		return "", fmt.Errorf("%s has no deployments: was it ever deployed by Amazon ECS itself?", n.name())
	}
	return aws.ToString(list[0].ServiceDeploymentArn), nil
}

// definition is what a service revision runs.
func (n Native) definition(ctx context.Context, revision string) (string, error) {
	out, err := n.ECS.DescribeServiceRevisions(ctx, &ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: []string{revision}})
	switch {
	case err != nil:
		return "", awsclient.Error(err)
	case len(out.ServiceRevisions) == 0:
		return "", fmt.Errorf("ecs DescribeServiceRevisions: there is no %s", short(revision))
	}
	return aws.ToString(out.ServiceRevisions[0].TaskDefinition), nil
}

// Look looks at a deployment.
func (n Native) Look(ctx context.Context, id string) (State, error) {
	out, err := n.ECS.DescribeServiceDeployments(ctx, &ecs.DescribeServiceDeploymentsInput{ServiceDeploymentArns: []string{id}})
	switch {
	case err != nil:
		return State{}, awsclient.Error(err)
	case len(out.ServiceDeployments) == 0:
		return State{}, fmt.Errorf("there is no deployment %s", id)
	}
	d := out.ServiceDeployments[0]
	s := State{
		ID: id, Status: string(d.Status), Reason: aws.ToString(d.StatusReason), Share: -1, Phase: UnderWay, Of: n.name(),
		Began: aws.ToTime(d.CreatedAt), Link: n.console("/ecs/v2/clusters/%s/services/%s/deployments", n.Cluster, n.Service),
	}
	if d.LifecycleStage != "" && !over(d.Status) {
		s.Stages = []Stage{{string(d.LifecycleStage), inProgress}}
	}
	if c := d.DeploymentConfiguration; c != nil {
		for _, h := range c.LifecycleHooks {
			if f := aws.ToString(h.HookTargetArn); strings.Contains(f, ":function:") {
				s.Functions = append(s.Functions, appspec.FunctionName(f))
			}
		}
	}
	if t := d.TargetServiceRevision; t != nil {
		if w := t.RequestedProductionTrafficWeight; w != nil {
			s.Share = *w
		}
		if s.Definition, err = n.definition(ctx, aws.ToString(t.Arn)); err != nil {
			return s, err
		}
	}
	switch {
	case d.Status == types.ServiceDeploymentStatusSuccessful:
		s.Phase, err = n.serves(ctx, d, &s)
	case d.Status == types.ServiceDeploymentStatusRollbackSuccessful:
		s.Phase = RolledBack
	case over(d.Status):
		s.Phase = Ended
	case d.Status == types.ServiceDeploymentStatusRollbackRequested, d.Status == types.ServiceDeploymentStatusRollbackInProgress:
		s.Phase = RollingBack
	default:
		waits(d, &s)
	}
	if d.Rollback != nil {
		s.Reason = cmp.Or(aws.ToString(d.Rollback.Reason), s.Reason)
	}
	return s, err
}

// waits notes the PAUSE hook that waits. While a gate at the same stage still judges, there is nothing to approve yet.
func waits(d types.ServiceDeployment, s *State) {
	judges := func(h types.DeploymentLifecycleHookDetail) bool {
		return h.Status == types.DeploymentLifecycleHookStatusInProgress
	}
	if slices.ContainsFunc(d.LifecycleHookDetails, judges) {
		return
	}
	for _, h := range d.LifecycleHookDetails {
		if h.Status == types.DeploymentLifecycleHookStatusAwaitingAction {
			then := "it rolls back"
			if h.TimeoutAction == types.DeploymentLifecycleHookActionContinue {
				then = "it goes on"
			}
			s.Phase, s.Wait = Waits, &Wait{Hook: aws.ToString(h.HookId), Until: aws.ToTime(h.ExpiresAt), Then: then}
		}
	}
}

// serves looks for the revision that serves: "successful" is not taken for an answer.
func (n Native) serves(ctx context.Context, d types.ServiceDeployment, s *State) (Phase, error) {
	found, err := n.describe(ctx)
	if err != nil {
		return UnderWay, fmt.Errorf("amazon ECS says %s, and which revision serves cannot be looked up: %w", d.Status, err)
	}
	target := ""
	if d.TargetServiceRevision != nil {
		target = aws.ToString(d.TargetServiceRevision.Arn)
	}
	serves := func(r types.ServiceCurrentRevisionSummary) bool {
		return aws.ToString(r.Arn) == target && r.RunningTaskCount > 0
	}
	switch {
	case d.Rollback != nil, !slices.ContainsFunc(found.CurrentServiceRevisions, serves):
		s.Reason = fmt.Sprintf("Amazon ECS says %s, and the new revision does not serve", d.Status)
		return Ended, nil
	case shifts(d) && s.Share >= 0 && s.Share < 100:
		s.Reason = fmt.Sprintf("Amazon ECS says %s, and the new revision has %g %% of the traffic", d.Status, s.Share)
		return Ended, nil
	}
	return Live, nil
}

// shifts reports whether the deployment moves traffic by weights; a rolling one has none.
func shifts(d types.ServiceDeployment) bool {
	return d.DeploymentConfiguration != nil && d.DeploymentConfiguration.Strategy != types.DeploymentStrategyRolling
}

// Continue goes on behind the PAUSE hook in which the deployment was seen.
func (n Native) Continue(ctx context.Context, s State) error {
	return n.decide(ctx, s, types.DeploymentLifecycleHookActionContinue)
}

// Back rolls the deployment back.
func (n Native) Back(ctx context.Context, s State) error {
	if s.Wait != nil {
		return n.decide(ctx, s, types.DeploymentLifecycleHookActionRollback)
	}
	ctx, cancel := context.WithTimeout(ctx, onceTimeout)
	defer cancel()
	_, err := n.onceECS.StopServiceDeployment(ctx, &ecs.StopServiceDeploymentInput{
		ServiceDeploymentArn: &s.ID, StopType: types.StopServiceDeploymentStopTypeRollback,
	})
	return awsclient.Error(err)
}

func (n Native) decide(ctx context.Context, s State, action types.DeploymentLifecycleHookAction) error {
	ctx, cancel := context.WithTimeout(ctx, onceTimeout)
	defer cancel()
	_, err := n.onceECS.ContinueServiceDeployment(ctx, &ecs.ContinueServiceDeploymentInput{
		ServiceDeploymentArn: &s.ID, HookId: &s.Wait.Hook, Action: action,
	})
	return awsclient.Error(err)
}
