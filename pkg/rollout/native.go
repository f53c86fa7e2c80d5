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
	"github.com/greenlight-ecs/greenlight/pkg/console"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

// A service deployment may take so long to be listed after UpdateService, and is looked for so often.
const (
	appears    = time.Minute
	appearPace = 500 * time.Millisecond
)

// Native is a service that Amazon ECS deploys itself.
type Native struct {
	*AWS
	Cluster, Service string
}

// Stages are the lifecycle stages.
func (Native) Stages() []string { return names(lifecycle.Stages()) }

// Begin updates the service, unless a deployment is under way: ECS would end that one.
func (n Native) Begin(ctx context.Context, definition, _, _ string) (string, error) {
	found, err := n.Describe(ctx)
	if err != nil {
		return "", err
	}
	if c := found.DeploymentController; c != nil && c.Type != types.DeploymentControllerTypeEcs {
		return "", fmt.Errorf("%s deploys the service: give --appspec, --application and --group", c.Type)
	}
	newest, err := n.newest(ctx)
	if err != nil && !errors.Is(err, ErrNever) {
		return "", err
	}
	if err == nil && !phase(newest.Status).Over() {
		return "", fmt.Errorf("a deployment is under way: %s is %s", aws.ToString(newest.ServiceDeploymentArn), newest.Status)
	}
	once, cancel := context.WithTimeout(ctx, onceTimeout)
	defer cancel()
	_, err = n.onceECS.UpdateService(once, &ecs.UpdateServiceInput{
		Cluster: &n.Cluster, Service: &n.Service, TaskDefinition: &definition,
	})
	if err != nil {
		return "", begun(err)
	}
	id, err := n.find(ctx, definition)
	if err != nil {
		err = fmt.Errorf("%w: the service was updated: %w", ErrUnclear, err)
	}
	return id, err
}

// find waits for the deployment that brings the task definition, which was registered for it.
func (n Native) find(ctx context.Context, definition string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, appears)
	defer cancel()
	for {
		newest, err := n.newest(ctx)
		brings := ""
		if err == nil {
			brings, err = n.definition(ctx, newest.TargetServiceRevisionArn)
		}
		if brings == definition && err == nil {
			return aws.ToString(newest.ServiceDeploymentArn), nil
		}
		select {
		case <-time.After(appearPace):
		case <-ctx.Done():
			return "", cmp.Or(err, errors.New("no deployment of it appears"))
		}
	}
}

// phase is what a status says. All others are no end, and those that are yet to come.
func phase(s types.ServiceDeploymentStatus) Phase {
	return cmp.Or(map[types.ServiceDeploymentStatus]Phase{
		types.ServiceDeploymentStatusSuccessful:         Live,
		types.ServiceDeploymentStatusRollbackSuccessful: RolledBack,
		types.ServiceDeploymentStatusStopped:            Ended,
		types.ServiceDeploymentStatusRollbackFailed:     Ended,
		types.ServiceDeploymentStatusRollbackRequested:  RollingBack,
		types.ServiceDeploymentStatusRollbackInProgress: RollingBack,
	}[s], UnderWay)
}

// Describe reads the service. Where CodeDeploy deploys it, what it runs is what its primary task set runs.
func (n Native) Describe(ctx context.Context) (types.Service, error) {
	out, err := n.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &n.Cluster, Services: []string{n.Service}})
	if err != nil {
		return types.Service{}, awsclient.Error(err)
	}
	if len(out.Services) == 0 {
		return types.Service{}, fmt.Errorf("there is no service %s/%s", n.Cluster, n.Service)
	}
	s := out.Services[0]
	if i := slices.IndexFunc(s.TaskSets, primary); i >= 0 {
		set := s.TaskSets[i]
		s.TaskDefinition, s.LoadBalancers, s.CapacityProviderStrategy = set.TaskDefinition, set.LoadBalancers, set.CapacityProviderStrategy
	}
	return s, nil
}

// Running returns the ARN of the task definition that serves, on either controller.
func (n Native) Running(ctx context.Context) (string, error) {
	found, err := n.Describe(ctx)
	return aws.ToString(found.TaskDefinition), err
}

func (n Native) newest(ctx context.Context) (newest types.ServiceDeploymentBrief, err error) {
	out, err := n.ECS.ListServiceDeployments(ctx,
		&ecs.ListServiceDeploymentsInput{Cluster: &n.Cluster, Service: &n.Service})
	if err != nil {
		return newest, awsclient.Error(err)
	}
	if len(out.ServiceDeployments) == 0 {
		return newest, ErrNever
	}
	return slices.MaxFunc(out.ServiceDeployments, func(a, b types.ServiceDeploymentBrief) int {
		return aws.ToTime(a.CreatedAt).Compare(aws.ToTime(b.CreatedAt))
	}), nil
}

// Latest returns the newest deployment's ARN.
func (n Native) Latest(ctx context.Context) (string, error) {
	newest, err := n.newest(ctx)
	return aws.ToString(newest.ServiceDeploymentArn), err
}

// definition is what a service revision runs.
func (n Native) definition(ctx context.Context, revision *string) (string, error) {
	arn := aws.ToString(revision)
	out, err := n.ECS.DescribeServiceRevisions(ctx, &ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: []string{arn}})
	if err != nil {
		return "", awsclient.Error(err)
	}
	if len(out.ServiceRevisions) == 0 {
		return "", fmt.Errorf("ecs DescribeServiceRevisions: there is no %s", arn)
	}
	return aws.ToString(out.ServiceRevisions[0].TaskDefinition), nil
}

// Look looks at a deployment.
func (n Native) Look(ctx context.Context, id string) (State, error) {
	out, err := n.ECS.DescribeServiceDeployments(ctx,
		&ecs.DescribeServiceDeploymentsInput{ServiceDeploymentArns: []string{id}})
	if err != nil {
		return State{}, awsclient.Error(err)
	}
	if len(out.ServiceDeployments) != 1 || aws.ToString(out.ServiceDeployments[0].ServiceDeploymentArn) != id {
		return State{}, fmt.Errorf("there is no deployment %s", id)
	}
	d := out.ServiceDeployments[0]
	s := State{
		ID: id, Status: string(d.Status), Reason: aws.ToString(d.StatusReason), Share: -1, Phase: UnderWay,
		Of: n.Cluster + "/" + n.Service, Began: aws.ToTime(d.CreatedAt), Link: console.Deployment(n.Region, id),
	}
	if d.LifecycleStage != "" && !phase(d.Status).Over() {
		s.Stages = []Stage{{string(d.LifecycleStage), InProgress}}
	}
	for _, h := range awsclient.Of(d.DeploymentConfiguration).LifecycleHooks {
		if f := aws.ToString(h.HookTargetArn); strings.Contains(f, ":function:") {
			s.Functions = append(s.Functions, appspec.FunctionName(f))
		}
	}
	if t := d.TargetServiceRevision; t != nil {
		if t.RequestedProductionTrafficWeight != nil {
			s.Share = *t.RequestedProductionTrafficWeight
		}
		if s.Definition, err = n.definition(ctx, t.Arn); err != nil {
			return s, err
		}
	}
	s.Reason = cmp.Or(aws.ToString(awsclient.Of(d.Rollback).Reason), s.Reason)
	switch said := phase(d.Status); said {
	case Live:
		return s, n.serves(ctx, d, &s)
	case UnderWay:
		if waits(d, &s); s.Phase == UnderWay {
			n.asked(ctx, &s)
		}
	default:
		s.Phase = said
	}
	return s, nil
}

// waits notes the PAUSE hook that waits. While a gate at the same stage still judges, there is nothing to approve yet.
func waits(d types.ServiceDeployment, s *State) {
	for _, h := range d.LifecycleHookDetails {
		if h.Status == types.DeploymentLifecycleHookStatusInProgress {
			s.Phase, s.Wait = UnderWay, nil
			return
		}
		if h.Status == types.DeploymentLifecycleHookStatusAwaitingAction {
			s.Phase, s.Wait = Waits, &Wait{Hook: aws.ToString(h.HookId), Ends: fmt.Sprintf(" until %s, then %s",
				aws.ToTime(h.ExpiresAt).UTC().Format(time.RFC3339), h.TimeoutAction)}
		}
	}
}

// serves looks for the revision that serves: "successful" is not taken for an answer. A rolling deployment has no
// weights.
func (n Native) serves(ctx context.Context, d types.ServiceDeployment, s *State) error {
	found, err := n.Describe(ctx)
	if err != nil {
		return fmt.Errorf("it is %s, and which revision serves cannot be looked up: %w", d.Status, err)
	}
	rolling := d.DeploymentConfiguration == nil || d.DeploymentConfiguration.Strategy == types.DeploymentStrategyRolling
	serves := d.TargetServiceRevision != nil && d.Rollback == nil && (rolling || s.Share < 0 || s.Share == 100) &&
		slices.ContainsFunc(found.CurrentServiceRevisions, func(r types.ServiceCurrentRevisionSummary) bool {
			return aws.ToString(r.Arn) == aws.ToString(d.TargetServiceRevision.Arn) && r.RunningTaskCount > 0
		})
	if s.Phase = Live; !serves {
		s.Phase, s.Reason = Ended, fmt.Sprintf("Amazon ECS says %s, and the new revision does not serve, or not alone",
			d.Status)
	}
	return nil
}

// Previous returns what the source revision runs.
func (n Native) Previous(ctx context.Context, s State) (string, error) {
	out, err := n.ECS.DescribeServiceDeployments(ctx,
		&ecs.DescribeServiceDeploymentsInput{ServiceDeploymentArns: []string{s.ID}})
	if err != nil || len(out.ServiceDeployments) != 1 || len(out.ServiceDeployments[0].SourceServiceRevisions) == 0 {
		return "", awsclient.Error(err)
	}
	return n.definition(ctx, out.ServiceDeployments[0].SourceServiceRevisions[0].Arn)
}

// Decide ends the PAUSE hook in which the deployment was seen, or stops the deployment and rolls it back.
func (n Native) Decide(ctx context.Context, s State, goOn bool) error {
	ctx, cancel := context.WithTimeout(ctx, onceTimeout)
	defer cancel()
	if s.Wait == nil || s.Wait.Question != "" && !goOn {
		_, err := n.onceECS.StopServiceDeployment(ctx, &ecs.StopServiceDeploymentInput{
			ServiceDeploymentArn: &s.ID, StopType: types.StopServiceDeploymentStopTypeRollback,
		})
		return awsclient.Error(err)
	}
	action := types.DeploymentLifecycleHookActionRollback
	if goOn {
		action = types.DeploymentLifecycleHookActionContinue
	}
	_, err := n.onceECS.ContinueServiceDeployment(ctx, &ecs.ContinueServiceDeploymentInput{
		ServiceDeploymentArn: &s.ID, HookId: &s.Wait.Hook, Action: action,
	})
	return awsclient.Error(err)
}
