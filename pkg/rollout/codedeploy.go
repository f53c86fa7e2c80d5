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
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/greenlight-ecs/greenlight/pkg/appspec"
	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

// ErrUnclear says that a deployment may have begun, or not.
var ErrUnclear = errors.New("it is not known whether a deployment has begun")

// CodeDeploy is a deployment group of CodeDeploy's. To look at a deployment by its id, neither name is needed.
type CodeDeploy struct {
	AWS
	Application, Group string
}

// Stages are the lifecycle events.
func (CodeDeploy) Stages() (all []string) {
	for _, n := range lifecycle.All() {
		all = append(all, string(n))
	}
	return all
}

// Begin creates a deployment.
func (c CodeDeploy) Begin(ctx context.Context, o Order) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, onceTimeout)
	defer cancel()
	out, err := c.onceCodeDeploy.CreateDeployment(ctx, &codedeploy.CreateDeploymentInput{
		ApplicationName: &c.Application, DeploymentGroupName: &c.Group, Description: &o.Description,
		Revision: &types.RevisionLocation{
			RevisionType: types.RevisionLocationTypeAppSpecContent, AppSpecContent: &types.AppSpecContent{Content: &o.AppSpec},
		},
	})
	switch {
	case err != nil && awsclient.Unclear(err):
		return "", fmt.Errorf("%w: %w", ErrUnclear, awsclient.Error(err))
	case err != nil:
		return "", awsclient.Error(err)
	}
	return aws.ToString(out.DeploymentId), nil
}

// Latest returns the newest deployment's id.
func (c CodeDeploy) Latest(ctx context.Context) (string, error) {
	out, err := c.CodeDeploy.ListDeployments(ctx, &codedeploy.ListDeploymentsInput{
		ApplicationName: &c.Application, DeploymentGroupName: &c.Group,
	})
	switch {
	case err != nil:
		return "", awsclient.Error(err)
	case len(out.Deployments) == 0:
		return "", fmt.Errorf("%s/%s was never deployed", c.Application, c.Group)
	}
	newest := out.Deployments[0]
	info, err := c.read(ctx, newest)
	if err == nil && info.RollbackInfo != nil && info.Creator == types.DeploymentCreatorCodeDeployRollback {
		// What people ask about is the deployment that was rolled back.
		return cmp.Or(aws.ToString(info.RollbackInfo.RollbackTriggeringDeploymentId), newest), nil
	}
	return newest, err
}

func (c CodeDeploy) read(ctx context.Context, id string) (*types.DeploymentInfo, error) {
	out, err := c.CodeDeploy.GetDeployment(ctx, &codedeploy.GetDeploymentInput{DeploymentId: &id})
	if err != nil {
		return nil, awsclient.Error(err)
	}
	if out.DeploymentInfo == nil || aws.ToString(out.DeploymentInfo.DeploymentId) != id {
		return nil, errors.New("codedeploy GetDeployment: the answer is not about this deployment")
	}
	return out.DeploymentInfo, nil
}

// Look looks at a deployment, and at its rollback.
func (c CodeDeploy) Look(ctx context.Context, id string) (State, error) {
	info, err := c.read(ctx, id)
	if err != nil {
		return State{}, err
	}
	s := State{
		ID: id, Status: string(info.Status), Share: -1, Began: aws.ToTime(info.CreateTime), Phase: UnderWay,
		Of:   aws.ToString(info.ApplicationName) + "/" + aws.ToString(info.DeploymentGroupName),
		Link: c.console("/codesuite/codedeploy/deployments/%s", id),
	}
	if info.ErrorInformation != nil {
		s.Reason = aws.ToString(info.ErrorInformation.Message)
	}
	if err := c.revision(ctx, info, &s); err != nil {
		return s, err
	}
	target, err := c.target(ctx, id, &s)
	if err != nil {
		return s, err
	}
	switch info.Status {
	case types.DeploymentStatusSucceeded:
		s.Phase, err = c.serves(ctx, target, &s)
	case types.DeploymentStatusFailed, types.DeploymentStatusStopped:
		s.Phase, err = c.after(ctx, info, &s)
	case types.DeploymentStatusReady:
		c.ready(info, &s)
	}
	return s, err
}

// revision reads what is deployed, and by which hooks it is judged.
func (c CodeDeploy) revision(ctx context.Context, info *types.DeploymentInfo, s *State) error {
	if info.Revision == nil || info.Revision.AppSpecContent == nil {
		return nil // an S3 object, as CodePipeline makes it
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
	if out.Revision != nil && out.Revision.AppSpecContent != nil {
		spec, _ := appspec.Read("", aws.ToString(out.Revision.AppSpecContent.Content)) // CodeDeploy has taken it
		s.Definition = spec.TaskDefinition.Text
		for _, h := range spec.Hooks {
			s.Functions = append(s.Functions, appspec.FunctionName(h.Function.Text))
		}
	}
	return nil
}

// target reads the lifecycle events and the weights.
func (c CodeDeploy) target(ctx context.Context, id string, s *State) (string, error) {
	list, err := c.CodeDeploy.ListDeploymentTargets(ctx, &codedeploy.ListDeploymentTargetsInput{DeploymentId: &id})
	switch {
	case awsclient.IsCode(err, "DeploymentNotStartedException"):
		return "", nil
	case err != nil:
		return "", awsclient.Error(err)
	case len(list.TargetIds) == 0:
		return "", nil
	}
	target := list.TargetIds[0]
	out, err := c.CodeDeploy.GetDeploymentTarget(ctx, &codedeploy.GetDeploymentTargetInput{DeploymentId: &id, TargetId: &target})
	if err != nil {
		return target, awsclient.Error(err)
	}
	if out.DeploymentTarget == nil || out.DeploymentTarget.EcsTarget == nil {
		return target, errors.New("codedeploy GetDeploymentTarget: it is not an Amazon ECS service")
	}
	for _, e := range out.DeploymentTarget.EcsTarget.LifecycleEvents {
		s.Stages = append(s.Stages, Stage{aws.ToString(e.LifecycleEventName), string(e.Status)})
		if e.Diagnostics != nil && e.Status == types.LifecycleEventStatusFailed {
			s.Reason = strings.TrimSpace(aws.ToString(e.LifecycleEventName) + ": " + cmp.Or(aws.ToString(e.Diagnostics.Message), s.Reason))
		}
	}
	for _, set := range out.DeploymentTarget.EcsTarget.TaskSetsInfo {
		if set.TaskSetLabel == types.TargetLabelGreen {
			s.Share = set.TrafficWeight
		}
	}
	return target, nil
}

// ready notes that a deployment that is Ready waits for approval. It is Ready also while the gate of the test phase still
// judges: there is nothing to approve yet.
func (c CodeDeploy) ready(info *types.DeploymentInfo, s *State) {
	option := info.BlueGreenDeploymentConfiguration
	if option == nil || option.DeploymentReadyOption == nil ||
		option.DeploymentReadyOption.ActionOnTimeout != types.DeploymentReadyActionStopDeployment {
		return
	}
	judging := slices.ContainsFunc(s.Stages, func(e Stage) bool { return e.Status == inProgress })
	if judging {
		return
	}
	s.Phase, s.Wait = Waits, &Wait{Then: "it is stopped"}
}

// serves looks for the task set that serves: it is the new one's, or the deployment is no success.
func (c CodeDeploy) serves(ctx context.Context, target string, s *State) (Phase, error) {
	cluster, service, _ := strings.Cut(target, ":")
	out, err := c.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &cluster, Services: []string{service}})
	if err != nil {
		return UnderWay, fmt.Errorf("CodeDeploy says %s, and which revision serves cannot be looked up: %w", s.Status, awsclient.Error(err))
	}
	for _, found := range out.Services {
		i := slices.IndexFunc(found.TaskSets, func(t ecstypes.TaskSet) bool { return aws.ToString(t.Status) == "PRIMARY" })
		if i < 0 {
			continue
		}
		serves := aws.ToString(found.TaskSets[i].TaskDefinition)
		if s.Definition == "" && s.Share == 100 { // the revision is an S3 object, and all of the traffic is its
			s.Definition = serves
		}
		if serves != s.Definition {
			s.Reason = fmt.Sprintf("CodeDeploy says %s, and %s serves, not %s", s.Status, short(serves), short(s.Definition))
			return Ended, nil
		}
		s.Share = 100
		return Live, nil
	}
	return UnderWay, fmt.Errorf("CodeDeploy says %s, and no task set of %s serves", s.Status, target)
}

// after tells what follows a failed deployment: its rollback, if there is one.
func (c CodeDeploy) after(ctx context.Context, info *types.DeploymentInfo, s *State) (Phase, error) {
	if info.RollbackInfo != nil {
		s.Rollback = aws.ToString(info.RollbackInfo.RollbackDeploymentId)
	}
	if s.Rollback == "" {
		// CodeDeploy names the rollback some seconds after the end.
		expected := info.AutoRollbackConfiguration != nil && info.AutoRollbackConfiguration.Enabled
		if expected && time.Since(aws.ToTime(info.CompleteTime)) < rollbackAppears {
			return RollingBack, nil
		}
		return Ended, nil
	}
	back, err := c.read(ctx, s.Rollback)
	if err != nil {
		return RollingBack, err
	}
	switch back.Status {
	case types.DeploymentStatusSucceeded:
		s.Share = 0
		return RolledBack, nil
	case types.DeploymentStatusFailed, types.DeploymentStatusStopped:
		s.Reason += fmt.Sprintf("; its rollback %s is %s", s.Rollback, back.Status)
		return Ended, nil
	}
	return RollingBack, nil
}

// rollbackAppears is how long after a deployment's end its rollback is waited for.
const rollbackAppears = 15 * time.Second

// Continue ends the READY_WAIT.
func (c CodeDeploy) Continue(ctx context.Context, s State) error {
	ctx, cancel := context.WithTimeout(ctx, onceTimeout)
	defer cancel()
	_, err := c.onceCodeDeploy.ContinueDeployment(ctx, &codedeploy.ContinueDeploymentInput{
		DeploymentId: &s.ID, DeploymentWaitType: types.DeploymentWaitTypeReadyWait,
	})
	return awsclient.Error(err)
}

// Back stops the deployment, and rolls it back.
func (c CodeDeploy) Back(ctx context.Context, s State) error {
	ctx, cancel := context.WithTimeout(ctx, onceTimeout)
	defer cancel()
	_, err := c.onceCodeDeploy.StopDeployment(ctx, &codedeploy.StopDeploymentInput{
		DeploymentId: &s.ID, AutoRollbackEnabled: aws.Bool(true),
	})
	return awsclient.Error(err)
}

// short is an ARN's last part: "family:3".
func short(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }
