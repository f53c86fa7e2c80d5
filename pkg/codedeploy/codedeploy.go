// Package codedeploy is a hook's side of the CodeDeploy API: it stores the status of a hook execution,
// and reads what a deployment says about itself.
//
// It decides nothing about a release. Storing a status is worth every second that is left, so Report
// has its own clock and its own idea of which errors pass; reading facts is ordinary.
package codedeploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

// readTimeout bounds one attempt to read: one that hangs is given up in time for another.
const readTimeout = 2 * time.Second

// Client calls CodeDeploy through the SDK's own client.
type Client struct {
	// Note is told when storing a status takes long, at every attempt after the first burst; nil is nobody.
	Note func(text string)
	// report makes one attempt a call, on a connection of its own: Report counts and times the attempts itself, since
	// the SDK's three give up under four throttles, and one hanging attempt eats the whole time.
	report *api.Client
	// read retries as the SDK does.
	read *api.Client
}

// New returns a client with a bounded configuration (see pkg/awsclient). It calls nobody.
func New(cfg aws.Config) *Client {
	report, read := api.NewFromConfig(awsclient.Once(cfg)), api.NewFromConfig(awsclient.Within(cfg, readTimeout))
	return &Client{report: report, read: read}
}

// Deployment is what GetDeployment tells, as far as a hook needs it.
type Deployment struct {
	Application, Group string
	// Rollback says that CodeDeploy itself created this deployment to take another one back.
	Rollback bool
	// RollsBack says that CodeDeploy takes this one back when it fails.
	RollsBack bool
	// TestListeners and ProductionListeners are listener ARNs; CodeDeploy takes one of each. A deployment group without a
	// test listener has none, and CodeDeploy then skips AfterAllowTestTraffic without a word.
	TestListeners, ProductionListeners []string
}

// Info reads the deployment as CodeDeploy has it. An answer about another one is an error.
func (c *Client) Info(ctx context.Context, id string) (*types.DeploymentInfo, error) {
	out, err := c.read.GetDeployment(ctx, &api.GetDeploymentInput{DeploymentId: &id})
	if err != nil {
		return nil, awsclient.Error(err)
	}
	if out.DeploymentInfo == nil || aws.ToString(out.DeploymentInfo.DeploymentId) != id {
		return nil, errors.New("the answer is not about this deployment")
	}
	return out.DeploymentInfo, nil
}

// Deployment reads the deployment.
func (c *Client) Deployment(ctx context.Context, id string) (Deployment, error) {
	info, err := c.Info(ctx, id)
	if err != nil {
		return Deployment{}, fmt.Errorf("read deployment: %w", err)
	}
	auto := awsclient.Of(info.AutoRollbackConfiguration)
	d := Deployment{
		Application: aws.ToString(info.ApplicationName), Group: aws.ToString(info.DeploymentGroupName),
		Rollback:  info.Creator == types.DeploymentCreatorCodeDeployRollback,
		RollsBack: auto.Enabled && slices.Contains(auto.Events, types.AutoRollbackEventDeploymentFailure),
	}
	for _, pair := range awsclient.Of(info.LoadBalancerInfo).TargetGroupPairInfoList {
		d.TestListeners = append(d.TestListeners, awsclient.Of(pair.TestTrafficRoute).ListenerArns...)
		d.ProductionListeners = append(d.ProductionListeners, awsclient.Of(pair.ProdTrafficRoute).ListenerArns...)
	}
	return d, nil
}

// Target is the ECS service that is deployed to, and how far the deployment is.
type Target struct {
	// ID is "cluster:service".
	ID       string
	Events   []types.LifecycleEvent
	TaskSets []TaskSet
}

// TaskSet is one of the deployment's task sets as CodeDeploy sees it. It is Blue where it served production when the
// deployment began, Green where it is the replacement.
type TaskSet = types.ECSTaskSet

// Original returns the task set that served production when the deployment began, or nil where CodeDeploy
// does not list exactly one.
func (t *Target) Original() *TaskSet { return t.labelled(types.TargetLabelBlue) }

// Replacement returns the task set that the deployment brings, or nil where CodeDeploy does not list exactly one.
func (t *Target) Replacement() *TaskSet { return t.labelled(types.TargetLabelGreen) }

func (t *Target) labelled(label types.TargetLabel) *TaskSet {
	is := func(s TaskSet) bool { return s.TaskSetLabel == label }
	i := slices.IndexFunc(t.TaskSets, is)
	if i < 0 || slices.ContainsFunc(t.TaskSets[i+1:], is) {
		return nil
	}
	return &t.TaskSets[i]
}

// Target reads the one target of an ECS deployment. An answer about another deployment is an error.
func (c *Client) Target(ctx context.Context, deploymentID string) (Target, error) {
	list, err := c.read.ListDeploymentTargets(ctx, &api.ListDeploymentTargetsInput{DeploymentId: &deploymentID})
	if err != nil {
		return Target{}, fmt.Errorf("list deployment targets: %w", awsclient.Error(err))
	}
	if len(list.TargetIds) == 0 {
		return Target{}, errors.New("list deployment targets: there is none")
	}
	out, err := c.read.GetDeploymentTarget(ctx, &api.GetDeploymentTargetInput{
		DeploymentId: &deploymentID, TargetId: &list.TargetIds[0],
	})
	if err != nil {
		return Target{}, fmt.Errorf("read deployment target: %w", awsclient.Error(err))
	}
	if out.DeploymentTarget == nil || out.DeploymentTarget.EcsTarget == nil {
		return Target{}, errors.New("read deployment target: it is not an Amazon ECS service")
	}
	ecs := out.DeploymentTarget.EcsTarget
	if aws.ToString(ecs.DeploymentId) != deploymentID || aws.ToString(ecs.TargetId) != list.TargetIds[0] {
		return Target{}, errors.New("read deployment target: the answer is not about this deployment")
	}
	return Target{ID: list.TargetIds[0], Events: ecs.LifecycleEvents, TaskSets: ecs.TaskSetsInfo}, nil
}

// Shifted is when production's traffic had been shifted, or zero.
func (t Target) Shifted() (at time.Time) {
	for _, e := range t.Events {
		switch name := lifecycle.Name(aws.ToString(e.LifecycleEventName)); {
		case name == lifecycle.AllowTraffic && e.EndTime != nil:
			return *e.EndTime
		case name == lifecycle.AfterAllowTraffic:
			at = aws.ToTime(e.StartTime)
		}
	}
	return at
}

// InProgress returns the lifecycle event that is running: the last one, since CodeDeploy may still list the one before.
func (t Target) InProgress() (lifecycle.Name, bool) {
	for _, e := range slices.Backward(t.Events) {
		if e.Status == types.LifecycleEventStatusInProgress {
			return lifecycle.Name(aws.ToString(e.LifecycleEventName)), true
		}
	}
	return "", false
}
