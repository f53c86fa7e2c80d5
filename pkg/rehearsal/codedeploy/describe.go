package codedeploy

import (
	"context"
	"fmt"
	"slices"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/awsjson"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// The JSON shapes of CodeDeploy's model, as far as an ECS deployment fills them.

type appSpecContent struct {
	Content *string `json:"content"`
	SHA256  string  `json:"sha256"`
}

type revision struct {
	Type           string          `json:"revisionType"`
	AppSpecContent *appSpecContent `json:"appSpecContent,omitempty"`
}

type errorInformation struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type rollbackInfo struct {
	RollbackID string `json:"rollbackDeploymentId,omitempty"`
	Triggering string `json:"rollbackTriggeringDeploymentId,omitempty"`
	Message    string `json:"rollbackMessage,omitempty"`
}

type named struct {
	Name string `json:"name"`
}

type route struct {
	ListenerARNs []string `json:"listenerArns"`
}

type targetGroupPair struct {
	TargetGroups []named `json:"targetGroups"`
	Production   *route  `json:"prodTrafficRoute,omitempty"`
	Test         *route  `json:"testTrafficRoute,omitempty"`
}

type loadBalancerInfo struct {
	Pairs []targetGroupPair `json:"targetGroupPairInfoList"`
}

type style struct {
	Type   string `json:"deploymentType"`
	Option string `json:"deploymentOption"`
}

type overview struct {
	Pending    int `json:"Pending"`
	InProgress int `json:"InProgress"`
	Succeeded  int `json:"Succeeded"`
	Failed     int `json:"Failed"`
	Skipped    int `json:"Skipped"`
	Ready      int `json:"Ready"`
}

type deploymentInfo struct {
	Application  string            `json:"applicationName"`
	Group        string            `json:"deploymentGroupName"`
	Config       string            `json:"deploymentConfigName"`
	ID           string            `json:"deploymentId"`
	Revision     revision          `json:"revision"`
	Status       deployment.Status `json:"status"`
	Error        *errorInformation `json:"errorInformation,omitempty"`
	Created      awsjson.Time      `json:"createTime"`
	Started      awsjson.Time      `json:"startTime"`
	Completed    awsjson.Time      `json:"completeTime"`
	Overview     overview          `json:"deploymentOverview"`
	Description  string            `json:"description,omitempty"`
	Creator      string            `json:"creator"`
	Style        style             `json:"deploymentStyle"`
	LoadBalancer loadBalancerInfo  `json:"loadBalancerInfo"`
	BlueGreen    blueGreen         `json:"blueGreenDeploymentConfiguration"`
	AutoRollback autoRollback      `json:"autoRollbackConfiguration"`
	Rollback     *rollbackInfo     `json:"rollbackInfo,omitempty"`
	Platform     string            `json:"computePlatform"`
	Messages     []string          `json:"deploymentStatusMessages"`
}

func describe(d deployment.Deployment) deploymentInfo {
	info := deploymentInfo{
		Application: d.Application, Group: d.Group, Config: d.Config.Name, ID: d.ID,
		// CodeDeploy always leaves the content out here (SDK, GetDeployment's doc comment).
		Revision: revision{Type: "AppSpecContent", AppSpecContent: &appSpecContent{SHA256: sha(d.AppSpec)}},
		Status:   d.Status, Description: d.Description, Creator: d.Creator,
		Created: awsjson.Time(d.Created), Started: awsjson.Time(d.Started), Completed: awsjson.Time(d.Ended),
		Style:    style{"BLUE_GREEN", "WITH_TRAFFIC_CONTROL"},
		Platform: "ECS", Messages: []string{},
	}
	if d.Error != nil {
		info.Error = &errorInformation{d.Error.Code, d.Error.Message}
	}
	if d.RollbackID != "" || d.RollbackOf != "" {
		info.Rollback = &rollbackInfo{d.RollbackID, d.RollbackOf, d.RollbackMessage}
	}
	info.LoadBalancer, info.BlueGreen, info.AutoRollback = pairOf(d), blueGreenOf(d), autoRollbackOf(d)
	switch targetStatus(d) {
	case "Pending":
		info.Overview.Pending = 1
	case "Succeeded":
		info.Overview.Succeeded = 1
	case "Failed":
		info.Overview.Failed = 1
	case "Ready":
		info.Overview.Ready = 1
	case "Skipped":
		info.Overview.Skipped = 1
	default:
		info.Overview.InProgress = 1
	}
	return info
}

func pairOf(d deployment.Deployment) loadBalancerInfo {
	pair := targetGroupPair{TargetGroups: []named{{d.BlueGroup}, {d.GreenGroup}}, Production: &route{[]string{d.ProductionListener}}}
	if d.TestListener != "" {
		pair.Test = &route{[]string{d.TestListener}}
	}
	return loadBalancerInfo{[]targetGroupPair{pair}}
}

// targetStatus is the status of the deployment's only target.
func targetStatus(d deployment.Deployment) string {
	switch d.Status {
	case deployment.Created:
		return "Pending"
	case deployment.Stopped:
		return "Skipped"
	case deployment.InProgress, deployment.Ready, deployment.Succeeded, deployment.Failed:
	}
	return string(d.Status)
}

type diagnostics struct {
	Code    string `json:"errorCode"`
	Script  string `json:"scriptName"`
	Message string `json:"message"`
	LogTail string `json:"logTail"`
}

type lifecycleEvent struct {
	Name        lifecycle.Name         `json:"lifecycleEventName"`
	Diagnostics *diagnostics           `json:"diagnostics,omitempty"`
	Started     awsjson.Time           `json:"startTime"`
	Ended       awsjson.Time           `json:"endTime"`
	Status      deployment.EventStatus `json:"status"`
}

type taskSet struct {
	ID          string                  `json:"identifer"` // so spelt in AWS's model
	Desired     int                     `json:"desiredCount"`
	Pending     int                     `json:"pendingCount"`
	Running     int                     `json:"runningCount"`
	Status      string                  `json:"status"`
	Weight      float64                 `json:"trafficWeight"`
	TargetGroup named                   `json:"targetGroup"`
	Label       deployment.TaskSetLabel `json:"taskSetLabel"`
}

type ecsTarget struct {
	DeploymentID string           `json:"deploymentId"`
	TargetID     string           `json:"targetId"`
	TargetARN    string           `json:"targetArn"`
	Updated      awsjson.Time     `json:"lastUpdatedAt"`
	Events       []lifecycleEvent `json:"lifecycleEvents"`
	Status       string           `json:"status"`
	TaskSets     []taskSet        `json:"taskSetsInfo"`
}

type deploymentTarget struct {
	Type string    `json:"deploymentTargetType"`
	ECS  ecsTarget `json:"ecsTarget"`
}

func (a API) target(d deployment.Deployment) deploymentTarget {
	t := ecsTarget{
		DeploymentID: d.ID, TargetID: d.TargetID(), Status: targetStatus(d), Updated: awsjson.Time(d.Created),
		TargetARN: fmt.Sprintf("arn:aws:ecs:%s:%s:service/%s/%s", a.Region, a.Account, d.Cluster, d.Service),
	}
	for _, e := range d.Events {
		event := lifecycleEvent{Name: e.Name, Started: awsjson.Time(e.Started), Ended: awsjson.Time(e.Ended), Status: e.Status}
		if e.Diagnostics != nil {
			event.Diagnostics = &diagnostics{e.Diagnostics.Code, e.Diagnostics.Script, e.Diagnostics.Message, e.Diagnostics.LogTail}
		}
		t.Events = append(t.Events, event)
		if !e.Started.IsZero() {
			t.Updated = awsjson.Time(e.Started)
		}
		if !e.Ended.IsZero() {
			t.Updated = awsjson.Time(e.Ended)
		}
	}
	for _, s := range d.TaskSets {
		t.TaskSets = append(t.TaskSets, taskSet{
			ID: s.ID, Desired: s.Desired, Pending: max(0, s.Desired-s.Running), Running: s.Running,
			Status: s.Status, Weight: s.Weight, TargetGroup: named{s.TargetGroup}, Label: s.Label,
		})
	}
	return deploymentTarget{Type: "ECSTarget", ECS: t}
}

type deploymentInput struct {
	DeploymentID string `json:"deploymentId"`
	TargetID     string `json:"targetId"`
}

type getDeploymentOutput struct {
	Info deploymentInfo `json:"deploymentInfo"`
}

func (a API) getDeployment(_ context.Context, in deploymentInput) (getDeploymentOutput, error) {
	d, err := a.find(in.DeploymentID)
	if err != nil {
		return getDeploymentOutput{}, err
	}
	return getDeploymentOutput{describe(d)}, nil
}

type listDeploymentsInput struct {
	Application string              `json:"applicationName"`
	Group       string              `json:"deploymentGroupName"`
	Statuses    []deployment.Status `json:"includeOnlyStatuses"`
}

type listDeploymentsOutput struct {
	IDs []string `json:"deployments"`
}

func (a API) listDeployments(_ context.Context, in listDeploymentsInput) (listDeploymentsOutput, error) {
	out := listDeploymentsOutput{IDs: []string{}}
	// Both names or none (SDK, ListDeployments' doc comment).
	if in.Application != "" || in.Group != "" {
		if _, err := a.group(in.Application, in.Group); err != nil {
			return out, err
		}
	}
	for _, status := range in.Statuses {
		if !status.Known() {
			return out, &awsjson.Fault{Type: "InvalidDeploymentStatusException", Message: fmt.Sprintf("Invalid deployment status: %.40s", status)}
		}
	}
	for _, d := range a.Book.All() {
		if (in.Application == "" || in.Application == d.Application) &&
			(in.Group == "" || in.Group == d.Group) &&
			(len(in.Statuses) == 0 || slices.Contains(in.Statuses, d.Status)) {
			out.IDs = append(out.IDs, d.ID)
		}
	}
	return out, nil
}

type getTargetOutput struct {
	Target deploymentTarget `json:"deploymentTarget"`
}

func (a API) getDeploymentTarget(_ context.Context, in deploymentInput) (getTargetOutput, error) {
	d, err := a.find(in.DeploymentID)
	switch {
	case err != nil:
		return getTargetOutput{}, err
	case in.TargetID == "":
		return getTargetOutput{}, &awsjson.Fault{Type: "DeploymentTargetIdRequiredException", Message: "A deployment target ID was not provided."}
	case in.TargetID != d.TargetID():
		return getTargetOutput{}, &awsjson.Fault{
			Type:    "DeploymentTargetDoesNotExistException",
			Message: fmt.Sprintf("The provided target ID does not belong to the attempted deployment: %.80s", in.TargetID),
		}
	}
	return getTargetOutput{a.target(d)}, nil
}

type listTargetsOutput struct {
	IDs []string `json:"targetIds"`
}

func (a API) listDeploymentTargets(_ context.Context, in deploymentInput) (listTargetsOutput, error) {
	d, err := a.find(in.DeploymentID)
	if err != nil {
		return listTargetsOutput{}, err
	}
	return listTargetsOutput{[]string{d.TargetID()}}, nil
}
