package aws

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// CodeDeploy is the prefix of CodeDeploy's operations in X-Amz-Target.
const CodeDeploy = "CodeDeploy_20141006"

// deploys is the name of a rehearsal's application and of its deployment group.
const deploys = "rehearsal"

// deploymentInput is what the operations take in all.
type deploymentInput struct {
	DeploymentID, TargetID, Description string

	TargetIDs   []string               `json:"targetIds"`
	Application string                 `json:"applicationName"`
	Group       string                 `json:"deploymentGroupName"`
	ExecutionID string                 `json:"lifecycleEventHookExecutionId"`
	Status      deployment.EventStatus `json:"status"`
	Statuses    []deployment.Status    `json:"includeOnlyStatuses"`
	Rollback    bool                   `json:"autoRollbackEnabled"`
	Wait        deployment.Wait        `json:"deploymentWaitType"`
	Revision    struct {
		AppSpec struct{ Content, SHA256 string } `json:"appSpecContent"`
	} `json:"revision"`
}

// createDeployment begins the deployment that the rehearsal waits for.
func (s *Server) createDeployment(in deploymentInput) (any, error) {
	content := in.Revision.AppSpec.Content
	named := func(arn string) bool { return strings.Contains(content, arn) }
	switch {
	case in.Application != deploys:
		return nil, fault("ApplicationDoesNotExistException", "No application found for name: %.80s", in.Application)
	case in.Group != deploys:
		return nil, fault("DeploymentGroupDoesNotExistException", "No Deployment Group found for name: %.80s", in.Group)
	case !slices.ContainsFunc(slices.Collect(maps.Keys(s.definitions())), named):
		return nil, fault("InvalidRevisionException", "The AppSpec names no task definition that exists.")
	}
	if s.Book.Ask(content) != nil {
		return nil, fault("DeploymentLimitExceededException", "The Deployment Group '%s' already has an active Deployment: "+
			"the rehearsal holds one deployment, which has begun.", in.Group)
	}
	id := s.Book.All()[0].ID
	s.Book.Update(id, func(d *deployment.Deployment) { d.Description = in.Description })
	return object{"deploymentId": id}, nil
}

// of hands the deployment that a call is about on to its operation.
func (s *Server) of(
	do func(d deployment.Deployment, in deploymentInput) (any, error),
) func(in deploymentInput) (any, error) {
	return func(in deploymentInput) (any, error) {
		id := in.DeploymentID
		d, ok := s.Book.Get(id)
		switch {
		case id == "":
			return nil, fault("DeploymentIdRequiredException", "At least one deployment ID must be specified.")
		case !regexp.MustCompile(`^d-[A-Z0-9]{9}$`).MatchString(id):
			return nil, fault("InvalidDeploymentIdException", "Invalid deployment ID: %.80s", id)
		case !ok:
			return nil, fault("DeploymentDoesNotExistException", "The deployment %.80s could not be found", id)
		}
		return do(d, in)
	}
}

// refused returns a Book's refusal under the name of AWS's error.
func refused(err error) error {
	for reason, f := range map[error][2]string{
		deployment.ErrExecution: {"InvalidLifecycleEventHookExecutionIdException", "A lifecycle event hook is invalid. " +
			"Review the hooks section in your AppSpec file to ensure the lifecycle events and hooks functions are valid."},
		deployment.ErrStatus: {"InvalidLifecycleEventHookExecutionStatusException", "The result of a Lambda validation " +
			"function that verifies a lifecycle event is invalid. It should return Succeeded or Failed."},
		deployment.ErrAnswered: {"LifecycleEventAlreadyCompletedException", "An attempt to return the status of an already " +
			"completed lifecycle event occurred."},
		deployment.ErrEnded: {"DeploymentAlreadyCompletedException", "The deployment is already complete."},
		deployment.ErrNotReady: {"DeploymentIsNotInReadyStateException", "The deployment does not have a status of Ready " +
			"and can't continue yet."},
	} {
		if errors.Is(err, reason) {
			return fault(f[0], "%s", f[1])
		}
	}
	return err
}

func (s *Server) putStatus(d deployment.Deployment, in deploymentInput) (any, error) {
	err := refused(s.Book.Answer(d.ID, in.ExecutionID, in.Status))
	return object{"lifecycleEventHookExecutionId": in.ExecutionID}, err
}

func (s *Server) stopDeployment(d deployment.Deployment, in deploymentInput) (any, error) {
	err := refused(s.Book.Stop(d.ID, deployment.Stop{Rollback: in.Rollback}))
	return object{"status": "Pending", "statusMessage": "Stop is in progress."}, err
}

func (s *Server) continueDeployment(d deployment.Deployment, in deploymentInput) (any, error) {
	if !slices.Contains([]deployment.Wait{"", deployment.ReadyWait, deployment.TerminationWait}, in.Wait) {
		return nil, fault("InvalidDeploymentWaitTypeException", "The wait type is invalid: %.80s", in.Wait)
	}
	return object{}, refused(s.Book.Continue(d.ID, in.Wait))
}

func checksum(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

// appSpec is a revision as CodeDeploy shows it: GetDeployment always leaves the content out (SDK, GetDeployment's
// doc comment), GetApplicationRevision is where it can be read.
func appSpec(text string, content any) object {
	return object{
		"revisionType":   "AppSpecContent",
		"appSpecContent": object{"content": content, "sha256": checksum(text)},
	}
}

func (s *Server) getApplicationRevision(in deploymentInput) (any, error) {
	if err := s.known(in.Application); err != nil {
		return nil, err
	}
	if in.Revision.AppSpec.SHA256 == "" {
		return nil, fault("InvalidRevisionException", "The revision was specified in an invalid format.")
	}
	for _, d := range s.Book.All() {
		if d.Application == in.Application && checksum(d.AppSpec) == in.Revision.AppSpec.SHA256 {
			return object{"applicationName": d.Application, "revision": appSpec(d.AppSpec, d.AppSpec)}, nil
		}
	}
	return nil, fault("RevisionDoesNotExistException", "The named revision does not exist with the user or AWS account.")
}

// known returns a fault for an application that has no deployment.
func (s *Server) known(application string) error {
	switch {
	case application == "":
		return fault("ApplicationNameRequiredException", "An application name must be specified")
	case !slices.ContainsFunc(s.Book.All(), func(d deployment.Deployment) bool { return d.Application == application }):
		return fault("ApplicationDoesNotExistException", "No application found for name: %.80s", application)
	}
	return nil
}

func (s *Server) listDeployments(in deploymentInput) (any, error) {
	every := in.Application == "" && in.Group == "" // both names or none (SDK, ListDeployments' doc comment)
	if err := s.known(in.Application); err != nil && !every {
		return nil, err
	}
	if in.Group == "" && !every {
		return nil, fault("DeploymentGroupNameRequiredException", "The deployment group name was not specified.")
	}
	for _, status := range in.Statuses {
		if !status.Known() {
			return nil, fault("InvalidDeploymentStatusException", "Invalid deployment status: %.40s", status)
		}
	}
	ids, group := []string{}, every
	for _, d := range s.Book.All() {
		if every || d.Application == in.Application && d.Group == in.Group {
			group = true
			if len(in.Statuses) == 0 || slices.Contains(in.Statuses, d.Status) {
				ids = append(ids, d.ID)
			}
		}
	}
	if !group {
		return nil, fault("DeploymentGroupDoesNotExistException", "No Deployment Group found for name: %.80s", in.Group)
	}
	return object{"deployments": ids}, nil
}

func (s *Server) getDeployment(d deployment.Deployment, _ deploymentInput) (any, error) {
	why := cmp.Or(d.Error, &deployment.Error{})
	pair := object{
		"targetGroups":     []object{{"name": d.BlueGroup}, {"name": d.GreenGroup}},
		"prodTrafficRoute": object{"listenerArns": []string{d.ProductionListener}},
		"testTrafficRoute": where(d.TestListener != "", object{"listenerArns": []string{d.TestListener}}),
	}
	ready := map[bool]string{true: "STOP_DEPLOYMENT", false: "CONTINUE_DEPLOYMENT"}[d.ReadyWait > 0]
	events := []string{}
	if d.AutoRollback {
		events = []string{"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"}
	}
	return object{"deploymentInfo": object{
		"applicationName": d.Application, "deploymentGroupName": d.Group, "deploymentConfigName": d.Config.Name,
		"deploymentId": d.ID, "description": where(d.Description != "", d.Description),
		"revision": appSpec(d.AppSpec, nil), "status": d.Status, "creator": d.Creator, "computePlatform": "ECS",
		"createTime": moment(d.Created), "startTime": moment(d.Started), "completeTime": moment(d.Ended),
		"deploymentStyle":           object{"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
		"loadBalancerInfo":          object{"targetGroupPairInfoList": []object{pair}},
		"autoRollbackConfiguration": object{"enabled": d.AutoRollback, "events": events},
		"blueGreenDeploymentConfiguration": object{
			"terminateBlueInstancesOnDeploymentSuccess": object{
				"action": "TERMINATE", "terminationWaitTimeInMinutes": int(d.TerminationWait / time.Minute),
			},
			"deploymentReadyOption": object{"actionOnTimeout": ready, "waitTimeInMinutes": int(d.ReadyWait / time.Minute)},
		},
		"errorInformation": where(d.Error != nil, object{"code": why.Code, "message": why.Message}),
		"rollbackInfo": where(d.RollbackID != "" || d.RollbackOf != "", object{
			"rollbackDeploymentId": d.RollbackID, "rollbackTriggeringDeploymentId": d.RollbackOf,
			"rollbackMessage": d.RollbackMessage,
		}),
	}}, nil
}

func (s *Server) listDeploymentTargets(d deployment.Deployment, _ deploymentInput) (any, error) {
	return object{"targetIds": []string{d.TargetID()}}, nil
}

func (s *Server) getDeploymentTarget(d deployment.Deployment, in deploymentInput) (any, error) {
	target, err := s.target(d, in.TargetID)
	return object{"deploymentTarget": target}, err
}

func (s *Server) batchGetDeploymentTargets(d deployment.Deployment, in deploymentInput) (any, error) {
	if len(in.TargetIDs) == 0 {
		in.TargetIDs = []string{""} // which is refused
	}
	var all []object
	for _, id := range in.TargetIDs {
		target, err := s.target(d, id)
		if err != nil {
			return nil, err
		}
		all = append(all, target)
	}
	return object{"deploymentTargets": all}, nil
}

// target is the one target of a deployment.
func (s *Server) target(d deployment.Deployment, id string) (object, error) {
	switch {
	case id == "":
		return nil, fault("DeploymentTargetIdRequiredException", "A deployment target ID was not provided.")
	case id != d.TargetID():
		return nil, fault("DeploymentTargetDoesNotExistException",
			"The provided target ID does not belong to the attempted deployment: %.80s", id)
	}
	status := map[deployment.Status]string{deployment.Created: "Pending", deployment.Stopped: "Skipped"}
	events := each(d.Events, func(e deployment.Event) object {
		x := cmp.Or(e.Diagnostics, &deployment.Diagnostics{})
		return object{
			"lifecycleEventName": e.Name, "startTime": moment(e.Started), "endTime": moment(e.Ended), "status": e.Status,
			"diagnostics": where(e.Diagnostics != nil, object{
				"errorCode": x.Code, "scriptName": x.Script, "message": x.Message, "logTail": x.LogTail,
			}),
		}
	})
	sets := each(d.TaskSets, func(t deployment.TaskSet) object {
		return object{
			"identifer":    t.ID, // so spelt in AWS's model
			"desiredCount": t.Desired, "pendingCount": max(0, t.Desired-t.Running), "runningCount": t.Running,
			"status": t.Status, "trafficWeight": t.Weight, "targetGroup": object{"name": t.TargetGroup},
			"taskSetLabel": t.Label,
		}
	})
	return object{"deploymentTargetType": "ECSTarget", "ecsTarget": object{
		"deploymentId": d.ID, "targetId": d.TargetID(), "targetArn": s.arn("service", d.Cluster, d.Service),
		"status": cmp.Or(status[d.Status], string(d.Status)), "lifecycleEvents": events, "taskSetsInfo": sets,
	}}, nil
}
