package codedeploy

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/awsjson"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// Applications and deployment groups exist as far as deployments name them.

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

type applicationInput struct {
	Application  string   `json:"applicationName"`
	Applications []string `json:"applicationNames"`
}

type applicationInfo struct {
	ID       string       `json:"applicationId"`
	Name     string       `json:"applicationName"`
	Created  awsjson.Time `json:"createTime"`
	Platform string       `json:"computePlatform"`
}

// application finds the oldest deployment of an application.
func (a API) application(name string) (applicationInfo, error) {
	if name == "" {
		return applicationInfo{}, &awsjson.Fault{Type: "ApplicationNameRequiredException", Message: "An application name must be specified"}
	}
	for _, d := range slices.Backward(a.Book.All()) {
		if d.Application == name {
			return applicationInfo{"00000000-0000-0000-0000-000000000001", name, awsjson.Time(d.Created), "ECS"}, nil
		}
	}
	return applicationInfo{}, &awsjson.Fault{Type: "ApplicationDoesNotExistException", Message: fmt.Sprintf("No application found for name: %.80s", name)}
}

type listApplicationsOutput struct {
	Applications []string `json:"applications"`
}

func (a API) listApplications(context.Context, struct{}) (listApplicationsOutput, error) {
	out := listApplicationsOutput{Applications: []string{}}
	for _, d := range a.Book.All() {
		out.Applications = append(out.Applications, d.Application)
	}
	slices.Sort(out.Applications)
	out.Applications = slices.Compact(out.Applications)
	return out, nil
}

type getApplicationOutput struct {
	Application applicationInfo `json:"application"`
}

func (a API) getApplication(_ context.Context, in applicationInput) (getApplicationOutput, error) {
	info, err := a.application(in.Application)
	return getApplicationOutput{info}, err
}

type batchApplicationsOutput struct {
	Infos []applicationInfo `json:"applicationsInfo"`
}

func (a API) batchGetApplications(_ context.Context, in applicationInput) (batchApplicationsOutput, error) {
	out := batchApplicationsOutput{Infos: []applicationInfo{}}
	for _, name := range in.Applications {
		info, err := a.application(name)
		if err != nil {
			return out, err
		}
		out.Infos = append(out.Infos, info)
	}
	return out, nil
}

type groupInput struct {
	Application string   `json:"applicationName"`
	Group       string   `json:"deploymentGroupName"`
	Groups      []string `json:"deploymentGroupNames"`
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
	if _, err := a.application(application); err != nil {
		return groupInfo{}, err
	}
	if name == "" {
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

type batchGroupsOutput struct {
	Infos []groupInfo `json:"deploymentGroupsInfo"`
}

func (a API) batchGetDeploymentGroups(_ context.Context, in groupInput) (batchGroupsOutput, error) {
	out := batchGroupsOutput{Infos: []groupInfo{}}
	for _, name := range in.Groups {
		info, err := a.group(in.Application, name)
		if err != nil {
			return out, err
		}
		out.Infos = append(out.Infos, info)
	}
	return out, nil
}

type listGroupsOutput struct {
	Application string   `json:"applicationName"`
	Groups      []string `json:"deploymentGroups"`
}

func (a API) listDeploymentGroups(_ context.Context, in applicationInput) (listGroupsOutput, error) {
	out := listGroupsOutput{Application: in.Application, Groups: []string{}}
	if _, err := a.application(in.Application); err != nil {
		return out, err
	}
	for _, d := range a.Book.All() {
		if d.Application == in.Application && !slices.Contains(out.Groups, d.Group) {
			out.Groups = append(out.Groups, d.Group)
		}
	}
	return out, nil
}

// configs are AWS's own and those that a deployment uses.
func (a API) configs() []deployment.Config {
	all := deployment.Configs()
	for _, d := range a.Book.All() {
		if d.Config.Name != "" && !slices.ContainsFunc(all, func(c deployment.Config) bool { return c.Name == d.Config.Name }) {
			all = append(all, d.Config)
		}
	}
	return all
}

type listConfigsOutput struct {
	Names []string `json:"deploymentConfigsList"`
}

func (a API) listDeploymentConfigs(context.Context, struct{}) (listConfigsOutput, error) {
	out := listConfigsOutput{}
	for _, c := range a.configs() {
		out.Names = append(out.Names, c.Name)
	}
	return out, nil
}

type configInput struct {
	Name string `json:"deploymentConfigName"`
}

type canary struct {
	Percent int `json:"canaryPercentage"`
	Minutes int `json:"canaryInterval"`
}

type linear struct {
	Percent int `json:"linearPercentage"`
	Minutes int `json:"linearInterval"`
}

type routing struct {
	Type   deployment.Routing `json:"type"`
	Canary *canary            `json:"timeBasedCanary,omitempty"`
	Linear *linear            `json:"timeBasedLinear,omitempty"`
}

type configInfo struct {
	Name     string  `json:"deploymentConfigName"`
	Platform string  `json:"computePlatform"`
	Routing  routing `json:"trafficRoutingConfig"`
}

type configOutput struct {
	Info configInfo `json:"deploymentConfigInfo"`
}

func (a API) getDeploymentConfig(_ context.Context, in configInput) (configOutput, error) {
	if in.Name == "" {
		return configOutput{}, &awsjson.Fault{Type: "DeploymentConfigNameRequiredException", Message: "The deployment configuration name was not specified."}
	}
	for _, c := range a.configs() {
		if c.Name != in.Name {
			continue
		}
		info := configInfo{Name: c.Name, Platform: "ECS", Routing: routing{Type: c.Routing}}
		switch c.Routing {
		case deployment.Canary:
			info.Routing.Canary = &canary{c.Percent, int(c.Interval / time.Minute)}
		case deployment.Linear:
			info.Routing.Linear = &linear{c.Percent, int(c.Interval / time.Minute)}
		case deployment.AllAtOnce:
		}
		return configOutput{info}, nil
	}
	return configOutput{}, &awsjson.Fault{Type: "DeploymentConfigDoesNotExistException", Message: fmt.Sprintf("No Deployment Configuration found for name: %.80s", in.Name)}
}
