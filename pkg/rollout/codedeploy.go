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
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/greenlight-ecs/greenlight/pkg/appspec"
	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/console"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

// rollbackAppears is how long after a deployment's end CodeDeploy may take to name the one that rolls it back.
const rollbackAppears = 15 * time.Second

// CodeDeploy is a deployment group of CodeDeploy's. To look at a deployment by its id, neither name is needed.
type CodeDeploy struct {
	*AWS
	Application, Group string
}

// Stages are the lifecycle events.
func (CodeDeploy) Stages() []string { return names(lifecycle.All()) }

func names(stages []lifecycle.Name) (all []string) {
	for _, n := range stages {
		all = append(all, string(n))
	}
	return all
}

// Begin creates a deployment.
func (c CodeDeploy) Begin(ctx context.Context, _, appSpec, description string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, onceTimeout)
	defer cancel()
	out, err := c.onceCodeDeploy.CreateDeployment(ctx, &codedeploy.CreateDeploymentInput{
		ApplicationName: &c.Application, DeploymentGroupName: &c.Group, Description: &description,
		Revision: &types.RevisionLocation{
			RevisionType: types.RevisionLocationTypeAppSpecContent, AppSpecContent: &types.AppSpecContent{Content: &appSpec},
		},
	})
	return aws.ToString(awsclient.Of(out).DeploymentId), begun(err)
}

// Latest returns the newest deployment's id; of a rollback it is that of what was rolled back, which people ask about.
func (c CodeDeploy) Latest(ctx context.Context) (string, error) {
	out, err := c.CodeDeploy.ListDeployments(ctx, &codedeploy.ListDeploymentsInput{
		ApplicationName: &c.Application, DeploymentGroupName: &c.Group,
	})
	if err != nil {
		return "", awsclient.Error(err)
	}
	if len(out.Deployments) == 0 {
		return "", ErrNever
	}
	newest := out.Deployments[0]
	info, err := c.facts.Info(ctx, newest)
	if err == nil && info.Creator == types.DeploymentCreatorCodeDeployRollback {
		newest = cmp.Or(aws.ToString(awsclient.Of(info.RollbackInfo).RollbackTriggeringDeploymentId), newest)
	}
	return newest, err
}

// Look looks at a deployment, and at its rollback.
func (c CodeDeploy) Look(ctx context.Context, id string) (State, error) {
	info, err := c.facts.Info(ctx, id)
	if err != nil {
		return State{}, err
	}
	s := State{
		ID: id, Status: string(info.Status), Share: -1, Began: aws.ToTime(info.CreateTime), Phase: UnderWay,
		Of:   aws.ToString(info.ApplicationName) + "/" + aws.ToString(info.DeploymentGroupName),
		Link: console.Deployment(c.Region, id), Reason: aws.ToString(awsclient.Of(info.ErrorInformation).Message),
	}
	if err := c.revision(ctx, info, &s); err != nil {
		return s, err
	}
	target, err := c.facts.Target(ctx, id)
	if err != nil && !awsclient.IsCode(err, "DeploymentNotStartedException") {
		return s, err
	}
	for _, e := range target.Events {
		s.Stages = append(s.Stages, Stage{aws.ToString(e.LifecycleEventName), string(e.Status)})
	}
	if green := target.Replacement(); green != nil {
		s.Share = green.TrafficWeight
	}
	switch info.Status { //nolint:exhaustive // all others are under way
	case types.DeploymentStatusSucceeded:
		return s, c.serves(ctx, target.ID, &s)
	case types.DeploymentStatusFailed, types.DeploymentStatusStopped:
		return s, c.after(ctx, info, &s)
	case types.DeploymentStatusReady:
		// It is Ready also while the gate of the test phase still judges: there is nothing to approve yet.
		unapproved := awsclient.Of(awsclient.Of(info.BlueGreenDeploymentConfiguration).DeploymentReadyOption).ActionOnTimeout
		if _, judges := target.InProgress(); !judges && unapproved == types.DeploymentReadyActionStopDeployment {
			s.Phase, s.Wait = Waits, &Wait{Ends: "; without it the deployment is stopped"}
		}
	}
	if s.Phase == UnderWay {
		c.asked(ctx, &s)
	}
	return s, nil
}

// revision reads what is deployed, and by which hooks it is judged. One that is an object in S3 is not read.
func (c CodeDeploy) revision(ctx context.Context, info *types.DeploymentInfo, s *State) error {
	if awsclient.Of(info.Revision).AppSpecContent == nil {
		return nil
	}
	out, err := c.CodeDeploy.GetApplicationRevision(ctx, &codedeploy.GetApplicationRevisionInput{
		ApplicationName: info.ApplicationName,
		Revision: &types.RevisionLocation{
			RevisionType:   types.RevisionLocationTypeAppSpecContent,
			AppSpecContent: &types.AppSpecContent{Sha256: info.Revision.AppSpecContent.Sha256},
		},
	})
	if err != nil {
		return awsclient.Error(err)
	}
	if awsclient.Of(out.Revision).AppSpecContent == nil {
		return errors.New("codedeploy GetApplicationRevision: the answer holds no AppSpec")
	}
	spec, _ := appspec.Read("", aws.ToString(out.Revision.AppSpecContent.Content)) // CodeDeploy has taken it
	s.Definition = spec.TaskDefinition.Text
	for _, h := range spec.Hooks {
		s.Functions = append(s.Functions, appspec.FunctionName(h.Function.Text))
	}
	return nil
}

// service is the service behind a deployment's target.
func (c CodeDeploy) service(target string) Native {
	cluster, service, _ := strings.Cut(target, ":")
	return Native{AWS: c.AWS, Cluster: cluster, Service: service}
}

func primary(set ecstypes.TaskSet) bool { return aws.ToString(set.Status) == "PRIMARY" }

// serves looks for the task set that serves: it is the new one's, or the deployment is no success.
func (c CodeDeploy) serves(ctx context.Context, target string, s *State) error {
	found, err := c.service(target).Describe(ctx)
	if err != nil {
		return fmt.Errorf("CodeDeploy says %s, and which revision serves cannot be looked up: %w", s.Status, err)
	}
	if i := slices.IndexFunc(found.TaskSets, primary); i >= 0 {
		set := found.TaskSets[i]
		serves := aws.ToString(set.TaskDefinition)
		if s.Definition == "" && s.Share == 100 { // it was not read, and all of the traffic is its
			s.Definition = serves
		}
		switch s.Phase, s.Share = Ended, -1; {
		case serves != s.Definition && !strings.HasPrefix(serves, s.Definition+":"): // an AppSpec may name the newest one
			s.Reason = fmt.Sprintf("CodeDeploy says %s, and another revision serves: %s", s.Status, serves)
		case set.RunningCount == 0:
			s.Reason = fmt.Sprintf("CodeDeploy says %s, and no task of the new revision runs", s.Status)
		default:
			s.Phase, s.Share = Live, 100
		}
		return nil
	}
	return fmt.Errorf("CodeDeploy says %s, and no task set of %s serves", s.Status, target)
}

// after tells what follows a failed deployment: its rollback, if there is one.
func (c CodeDeploy) after(ctx context.Context, info *types.DeploymentInfo, s *State) error {
	id := aws.ToString(awsclient.Of(info.RollbackInfo).RollbackDeploymentId)
	automatic := awsclient.Of(info.AutoRollbackConfiguration).Enabled ||
		info.Status == types.DeploymentStatusStopped // whoever stops one says whether it is rolled back
	if s.Phase = Ended; id == "" {
		if automatic && time.Since(aws.ToTime(info.CompleteTime)) < rollbackAppears {
			s.Phase = RollingBack
		}
		return nil
	}
	back, err := c.facts.Info(ctx, id)
	if err != nil {
		return err
	}
	switch over := []types.DeploymentStatus{types.DeploymentStatusFailed, types.DeploymentStatusStopped}; {
	case back.Status == types.DeploymentStatusSucceeded:
		s.Phase, s.Share = RolledBack, 0
	case slices.Contains(over, back.Status):
		s.Reason += fmt.Sprintf("; its rollback %s is %s", id, back.Status)
	default:
		s.Phase = RollingBack
	}
	return nil
}

// Previous returns what the original task set runs.
func (c CodeDeploy) Previous(ctx context.Context, s State) (string, error) {
	target, err := c.facts.Target(ctx, s.ID)
	original := target.Original()
	if err != nil || original == nil {
		return "", err
	}
	found, err := c.service(target.ID).Describe(ctx)
	for _, set := range found.TaskSets {
		if aws.ToString(set.Id) == aws.ToString(original.Identifer) {
			return aws.ToString(set.TaskDefinition), nil
		}
	}
	return "", err
}

// Decide ends the READY_WAIT, or stops the deployment and rolls it back.
func (c CodeDeploy) Decide(ctx context.Context, s State, goOn bool) error {
	ctx, cancel := context.WithTimeout(ctx, onceTimeout)
	defer cancel()
	var err error
	if goOn {
		_, err = c.onceCodeDeploy.ContinueDeployment(ctx, &codedeploy.ContinueDeploymentInput{
			DeploymentId: &s.ID, DeploymentWaitType: types.DeploymentWaitTypeReadyWait,
		})
	} else {
		_, err = c.onceCodeDeploy.StopDeployment(ctx, &codedeploy.StopDeploymentInput{
			DeploymentId: &s.ID, AutoRollbackEnabled: aws.Bool(true),
		})
	}
	return awsclient.Error(err)
}
