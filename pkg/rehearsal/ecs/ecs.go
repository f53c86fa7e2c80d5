// Package ecs answers the calls by which a hook learns which task definition each task set runs:
// DescribeServices, DescribeTaskSets and DescribeTaskDefinition, from the state in a deployment.Book.
//
// It refuses everything else that ECS can do.
package ecs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/awsjson"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// Target is the prefix of ECS's operations in X-Amz-Target.
const Target = "AmazonEC2ContainerServiceV20141113"

// API answers ECS's calls.
type API struct {
	Book            *deployment.Book
	Region, Account string
	// Definitions are the task definitions as JSON, by ARN.
	Definitions map[string]json.RawMessage
}

// Service returns the operations.
func (a API) Service() awsjson.Service {
	return awsjson.Service{Target: Target, Operations: map[string]awsjson.Operation{
		"DescribeServices":       awsjson.Typed(a.describeServices),
		"DescribeTaskSets":       awsjson.Typed(a.describeTaskSets),
		"DescribeTaskDefinition": awsjson.Typed(a.describeTaskDefinition),
	}}
}

type input struct {
	Cluster        string   `json:"cluster"`
	Service        string   `json:"service"`
	Services       []string `json:"services"`
	TaskSets       []string `json:"taskSets"`
	TaskDefinition string   `json:"taskDefinition"`
}

type loadBalancer struct {
	TargetGroupARN string `json:"targetGroupArn"`
	Container      string `json:"containerName"`
	Port           int    `json:"containerPort"`
}

type scale struct {
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

type taskSet struct {
	ID             string         `json:"id"`
	ARN            string         `json:"taskSetArn"`
	ServiceARN     string         `json:"serviceArn"`
	ClusterARN     string         `json:"clusterArn"`
	Status         string         `json:"status"`
	TaskDefinition string         `json:"taskDefinition"`
	Desired        int            `json:"computedDesiredCount"`
	Pending        int            `json:"pendingCount"`
	Running        int            `json:"runningCount"`
	Created        awsjson.Time   `json:"createdAt"`
	LoadBalancers  []loadBalancer `json:"loadBalancers"`
	Scale          scale          `json:"scale"`
	Stability      string         `json:"stabilityStatus"`
	ExternalID     string         `json:"externalId,omitempty"`
}

type service struct {
	ARN         string    `json:"serviceArn"`
	Name        string    `json:"serviceName"`
	ClusterARN  string    `json:"clusterArn"`
	Status      string    `json:"status"`
	Desired     int       `json:"desiredCount"`
	Running     int       `json:"runningCount"`
	Deployments []string  `json:"deployments"` // always empty for a CODE_DEPLOY service
	TaskSets    []taskSet `json:"taskSets"`
	Controller  struct {
		Type string `json:"type"`
	} `json:"deploymentController"`
}

// failure is what ECS answers for one that is missing among several.
type failure struct {
	ARN    string `json:"arn"`
	Reason string `json:"reason"`
}

// latest returns the newest deployment of the cluster and service; both are names or ARNs.
func (a API) latest(cluster, name string) (deployment.Deployment, bool) {
	cluster, name = last(cluster), last(name)
	for _, d := range a.Book.All() {
		if d.Cluster == cluster && d.Service == name {
			return d, true
		}
	}
	return deployment.Deployment{}, false
}

func last(arn string) string { return arn[strings.LastIndexAny(arn, "/")+1:] }

func (a API) arn(kind string, parts ...string) string {
	return fmt.Sprintf("arn:aws:ecs:%s:%s:%s/%s", a.Region, a.Account, kind, strings.Join(parts, "/"))
}

func (a API) taskSets(d deployment.Deployment) []taskSet {
	sets := []taskSet{}
	for _, s := range d.TaskSets {
		sets = append(sets, taskSet{
			ID: s.ID, Status: s.Status, TaskDefinition: s.TaskDefinition, Created: awsjson.Time(s.Created),
			ARN:        a.arn("task-set", d.Cluster, d.Service, s.ID),
			ServiceARN: a.arn("service", d.Cluster, d.Service), ClusterARN: a.arn("cluster", d.Cluster),
			Desired: s.Desired, Pending: max(0, s.Desired-s.Running), Running: s.Running,
			LoadBalancers: []loadBalancer{{s.TargetGroupARN, s.Container, s.Port}},
			Scale:         scale{100, "PERCENT"}, Stability: "STEADY_STATE", ExternalID: d.ID,
		})
	}
	return sets
}

type servicesOutput struct {
	Services []service `json:"services"`
	Failures []failure `json:"failures"`
}

func (a API) describeServices(_ context.Context, in input) (servicesOutput, error) {
	out := servicesOutput{Services: []service{}, Failures: []failure{}}
	for _, name := range in.Services {
		d, ok := a.latest(in.Cluster, name)
		if !ok {
			out.Failures = append(out.Failures, failure{a.arn("service", last(in.Cluster), last(name)), "MISSING"})
			continue
		}
		s := service{
			ARN: a.arn("service", d.Cluster, d.Service), Name: d.Service, ClusterARN: a.arn("cluster", d.Cluster),
			Status: "ACTIVE", Deployments: []string{}, TaskSets: a.taskSets(d),
		}
		s.Controller.Type = "CODE_DEPLOY"
		for _, set := range s.TaskSets {
			s.Desired, s.Running = max(s.Desired, set.Desired), s.Running+set.Running
		}
		out.Services = append(out.Services, s)
	}
	return out, nil
}

type taskSetsOutput struct {
	TaskSets []taskSet `json:"taskSets"`
	Failures []failure `json:"failures"`
}

func (a API) describeTaskSets(_ context.Context, in input) (taskSetsOutput, error) {
	d, ok := a.latest(in.Cluster, in.Service)
	if !ok {
		return taskSetsOutput{}, &awsjson.Fault{Type: "ServiceNotFoundException", Message: "Service not found."}
	}
	out := taskSetsOutput{TaskSets: a.taskSets(d), Failures: []failure{}}
	if len(in.TaskSets) > 0 {
		out.TaskSets = slices.DeleteFunc(out.TaskSets, func(s taskSet) bool {
			return !slices.Contains(in.TaskSets, s.ID) && !slices.Contains(in.TaskSets, s.ARN)
		})
	}
	return out, nil
}

type definitionOutput struct {
	TaskDefinition json.RawMessage `json:"taskDefinition"`
	Tags           []string        `json:"tags"`
}

func (a API) describeTaskDefinition(_ context.Context, in input) (definitionOutput, error) {
	for arn, definition := range a.Definitions {
		family, _, _ := strings.Cut(last(arn), ":")
		if in.TaskDefinition == arn || in.TaskDefinition == last(arn) || in.TaskDefinition == family && strings.HasSuffix(arn, ":2") {
			return definitionOutput{definition, []string{}}, nil
		}
	}
	return definitionOutput{}, &awsjson.Fault{Type: "ClientException", Message: "Unable to describe task definition."}
}
