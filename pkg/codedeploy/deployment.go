package codedeploy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

// Deployment is what GetDeployment tells, as far as a hook needs it.
type Deployment struct {
	ID          string
	Application string
	Group       string
	// Rollback says that CodeDeploy itself created this deployment to take another one back.
	Rollback bool
	// TestListeners and ProductionListeners are listener ARNs; CodeDeploy takes one of each. A
	// deployment group without a test listener has none, and CodeDeploy then skips
	// AfterAllowTestTraffic without a word.
	TestListeners, ProductionListeners []string
	// TargetGroups are the names of the pair.
	TargetGroups []string
	// Revision says where the AppSpec is. CodeDeploy never returns its text here.
	Revision *types.RevisionLocation
}

// Deployment reads the deployment.
func (c *Client) Deployment(ctx context.Context, id string) (Deployment, error) {
	out, err := c.read.GetDeployment(ctx, &api.GetDeploymentInput{DeploymentId: aws.String(id)})
	if err != nil {
		return Deployment{}, fmt.Errorf("read deployment: %w", err)
	}
	info := out.DeploymentInfo
	if info == nil {
		return Deployment{}, errors.New("read deployment: the answer is empty")
	}
	d := Deployment{
		ID:          id,
		Application: aws.ToString(info.ApplicationName),
		Group:       aws.ToString(info.DeploymentGroupName),
		Rollback:    info.Creator == types.DeploymentCreatorCodeDeployRollback,
		Revision:    info.Revision,
	}
	if info.LoadBalancerInfo != nil {
		for _, pair := range info.LoadBalancerInfo.TargetGroupPairInfoList {
			if pair.TestTrafficRoute != nil {
				d.TestListeners = append(d.TestListeners, pair.TestTrafficRoute.ListenerArns...)
			}
			if pair.ProdTrafficRoute != nil {
				d.ProductionListeners = append(d.ProductionListeners, pair.ProdTrafficRoute.ListenerArns...)
			}
			for _, group := range pair.TargetGroups {
				d.TargetGroups = append(d.TargetGroups, aws.ToString(group.Name))
			}
		}
	}
	return d, nil
}

// Target is the ECS service that is deployed to, and how far the deployment is.
type Target struct {
	// Service is the service's ARN, ID is "cluster:service".
	Service, ID string
	Events      []LifecycleEvent
	TaskSets    []TaskSet
}

// LifecycleEvent is one lifecycle event of the deployment.
type LifecycleEvent struct {
	Name lifecycle.Name
	// Status is CodeDeploy's: Pending, InProgress, Succeeded, Failed, Skipped, Unknown.
	Status string
	Start  time.Time
}

// TaskSet is one of the deployment's task sets as CodeDeploy sees it.
type TaskSet struct {
	ID, Status, TargetGroup string
	// Original says whether it is the one that served production when the deployment began (Blue);
	// otherwise it is the replacement (Green).
	Original bool
	// TrafficWeight is its share of production traffic in per cent.
	TrafficWeight float64
}

// Target reads the one target of an ECS deployment.
func (c *Client) Target(ctx context.Context, deploymentID string) (Target, error) {
	list, err := c.read.ListDeploymentTargets(ctx, &api.ListDeploymentTargetsInput{DeploymentId: aws.String(deploymentID)})
	if err != nil {
		return Target{}, fmt.Errorf("list deployment targets: %w", err)
	}
	if len(list.TargetIds) == 0 {
		return Target{}, errors.New("list deployment targets: there is none")
	}
	out, err := c.read.GetDeploymentTarget(ctx, &api.GetDeploymentTargetInput{
		DeploymentId: aws.String(deploymentID), TargetId: aws.String(list.TargetIds[0]),
	})
	if err != nil {
		return Target{}, fmt.Errorf("read deployment target: %w", err)
	}
	if out.DeploymentTarget == nil || out.DeploymentTarget.EcsTarget == nil {
		return Target{}, errors.New("read deployment target: it is not an Amazon ECS service")
	}
	ecs := out.DeploymentTarget.EcsTarget
	t := Target{Service: aws.ToString(ecs.TargetArn), ID: aws.ToString(ecs.TargetId)}
	for _, e := range ecs.LifecycleEvents {
		t.Events = append(t.Events, LifecycleEvent{
			Name: lifecycle.Name(aws.ToString(e.LifecycleEventName)), Status: string(e.Status), Start: aws.ToTime(e.StartTime),
		})
	}
	for _, s := range ecs.TaskSetsInfo {
		set := TaskSet{
			ID: aws.ToString(s.Identifer), Status: aws.ToString(s.Status),
			Original: s.TaskSetLabel == types.TargetLabelBlue, TrafficWeight: s.TrafficWeight,
		}
		if s.TargetGroup != nil {
			set.TargetGroup = aws.ToString(s.TargetGroup.Name)
		}
		t.TaskSets = append(t.TaskSets, set)
	}
	return t, nil
}

// InProgress returns the lifecycle event that is running, which is the one that a hook was invoked for.
func (t Target) InProgress() (lifecycle.Name, bool) {
	for _, e := range t.Events {
		if e.Status == string(types.LifecycleEventStatusInProgress) {
			return e.Name, true
		}
	}
	return "", false
}

// Status returns CodeDeploy's status of a lifecycle event, or "" when the event is not listed.
func (t Target) Status(n lifecycle.Name) string {
	for _, e := range t.Events {
		if e.Name == n {
			return e.Status
		}
	}
	return ""
}

// ErrInS3 says that the AppSpec is an object in S3, which is not CodeDeploy's to return.
type ErrInS3 struct{ Bucket, Key string }

func (e *ErrInS3) Error() string {
	return fmt.Sprintf("read AppSpec: it is in s3://%s/%s", e.Bucket, e.Key)
}

// AppSpec reads the text of the deployment's AppSpec. GetDeployment leaves it empty, so it comes from
// GetApplicationRevision; for a revision in S3 the error is *ErrInS3.
func (c *Client) AppSpec(ctx context.Context, d Deployment) ([]byte, error) {
	switch {
	case d.Revision == nil:
		return nil, errors.New("read AppSpec: the deployment names no revision")
	case d.Revision.S3Location != nil:
		return nil, &ErrInS3{aws.ToString(d.Revision.S3Location.Bucket), aws.ToString(d.Revision.S3Location.Key)}
	}
	out, err := c.read.GetApplicationRevision(ctx, &api.GetApplicationRevisionInput{
		ApplicationName: aws.String(d.Application), Revision: d.Revision,
	})
	if err != nil {
		return nil, fmt.Errorf("read AppSpec: %w", err)
	}
	if r := out.Revision; r != nil && r.AppSpecContent != nil && aws.ToString(r.AppSpecContent.Content) != "" {
		return []byte(*r.AppSpecContent.Content), nil
	}
	return nil, errors.New("read AppSpec: the answer holds no text")
}
