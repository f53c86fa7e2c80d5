package codedeploy

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/awsjson"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// A deployment group exists as far as deployments name it.

type terminate struct {
	Action  string `json:"action"`
	Minutes int    `json:"terminationWaitTimeInMinutes"`
}

type ready struct {
	Action  string `json:"actionOnTimeout"`
	Minutes int    `json:"waitTimeInMinutes"`
}

type blueGreen struct {
	Terminate terminate `json:"terminateBlueInstancesOnDeploymentSuccess"`
	Ready     ready     `json:"deploymentReadyOption"`
}

func blueGreenOf(d deployment.Deployment) blueGreen {
	b := blueGreen{Terminate: terminate{"TERMINATE", int(d.TerminationWait / time.Minute)}, Ready: ready{Action: "CONTINUE_DEPLOYMENT"}}
	if d.ReadyWait > 0 {
		b.Ready = ready{"STOP_DEPLOYMENT", int(d.ReadyWait / time.Minute)}
	}
	return b
}

type autoRollback struct {
	Enabled bool     `json:"enabled"`
	Events  []string `json:"events"`
}

func autoRollbackOf(d deployment.Deployment) autoRollback {
	if !d.AutoRollback {
		return autoRollback{Events: []string{}}
	}
	return autoRollback{true, []string{"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"}}
}

type groupInput struct {
	Application string `json:"applicationName"`
	Group       string `json:"deploymentGroupName"`
}

type lastDeployment struct {
	ID      string            `json:"deploymentId"`
	Status  deployment.Status `json:"status"`
	Ended   awsjson.Time      `json:"endTime"`
	Created awsjson.Time      `json:"createTime"`
}

type ecsService struct {
	Service string `json:"serviceName"`
	Cluster string `json:"clusterName"`
}

type alarms struct {
	Enabled bool    `json:"enabled"`
	Alarms  []named `json:"alarms"`
}

type groupInfo struct {
	Application  string           `json:"applicationName"`
	ID           string           `json:"deploymentGroupId"`
	Name         string           `json:"deploymentGroupName"`
	Config       string           `json:"deploymentConfigName"`
	Role         string           `json:"serviceRoleArn"`
	Style        style            `json:"deploymentStyle"`
	BlueGreen    blueGreen        `json:"blueGreenDeploymentConfiguration"`
	LoadBalancer loadBalancerInfo `json:"loadBalancerInfo"`
	AutoRollback autoRollback     `json:"autoRollbackConfiguration"`
	Alarms       alarms           `json:"alarmConfiguration"`
	Successful   *lastDeployment  `json:"lastSuccessfulDeployment,omitempty"`
	Attempted    *lastDeployment  `json:"lastAttemptedDeployment,omitempty"`
	Platform     string           `json:"computePlatform"`
	Services     []ecsService     `json:"ecsServices"`
}

// group puts a deployment group together from its deployments, the newest first.
func (a API) group(application, name string) (groupInfo, error) {
	switch {
	case application == "":
		return groupInfo{}, &awsjson.Fault{Type: "ApplicationNameRequiredException", Message: "An application name must be specified"}
	case !slices.ContainsFunc(a.Book.All(), func(d deployment.Deployment) bool { return d.Application == application }):
		return groupInfo{}, &awsjson.Fault{Type: "ApplicationDoesNotExistException", Message: fmt.Sprintf("No application found for name: %.80s", application)}
	case name == "":
		return groupInfo{}, &awsjson.Fault{Type: "DeploymentGroupNameRequiredException", Message: "The deployment group name was not specified."}
	}
	var info *groupInfo
	for _, d := range a.Book.All() {
		if d.Application != application || d.Group != name {
			continue
		}
		last := &lastDeployment{d.ID, d.Status, awsjson.Time(d.Ended), awsjson.Time(d.Created)}
		if info == nil {
			info = &groupInfo{
				Application: application, Name: name, ID: "00000000-0000-0000-0000-000000000002", Config: d.Config.Name,
				Role: fmt.Sprintf("arn:aws:iam::%s:role/rehearsal", a.Account), Style: style{"BLUE_GREEN", "WITH_TRAFFIC_CONTROL"},
				BlueGreen: blueGreenOf(d), LoadBalancer: pairOf(d), AutoRollback: autoRollbackOf(d),
				Alarms: alarms{Enabled: len(d.Alarms) > 0, Alarms: []named{}}, Attempted: last,
				Platform: "ECS", Services: []ecsService{{d.Service, d.Cluster}},
			}
			for _, alarm := range d.Alarms {
				info.Alarms.Alarms = append(info.Alarms.Alarms, named{alarm})
			}
		}
		if info.Successful == nil && d.Status == deployment.Succeeded {
			info.Successful = last
		}
	}
	if info == nil {
		return groupInfo{}, &awsjson.Fault{Type: "DeploymentGroupDoesNotExistException", Message: fmt.Sprintf("No Deployment Group found for name: %.80s", name)}
	}
	return *info, nil
}

type getGroupOutput struct {
	Info groupInfo `json:"deploymentGroupInfo"`
}

func (a API) getDeploymentGroup(_ context.Context, in groupInput) (getGroupOutput, error) {
	info, err := a.group(in.Application, in.Group)
	return getGroupOutput{info}, err
}
