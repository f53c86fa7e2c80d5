package aws

import (
	"maps"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// ECS is the prefix of ECS's operations in X-Amz-Target.
const ECS = "AmazonEC2ContainerServiceV20141113"

func (s *Server) ecs() map[string]operation {
	return map[string]operation{
		"ContinueServiceDeployment":  typed(s.continueServiceDeployment),
		"DescribeServiceDeployments": typed(s.describeServiceDeployments),
		"DescribeServiceRevisions":   typed(s.describeServiceRevisions),
		"DescribeServices":           typed(s.describeServices),
		"DescribeTaskDefinition":     typed(s.describeTaskDefinition),
		"DescribeTaskSets":           typed(s.describeTaskSets),
		"ListServiceDeployments":     typed(s.listServiceDeployments),
		"RegisterTaskDefinition":     typed(s.registerTaskDefinition),
		"StopServiceDeployment":      typed(s.stopServiceDeployment),
		"TagResource":                typed(s.tagResource),
		"UpdateService":              typed(s.updateService),
	}
}

// ecsInput is what most of the operations take in all.
type ecsInput struct {
	Cluster, Service, TaskDefinition string
	Services, TaskSets, Status       []string
	ForceNewDeployment               bool
	Tags                             []any
	Resource                         string   `json:"resourceArn"`
	Deployment                       string   `json:"serviceDeploymentArn"`
	Deployments                      []string `json:"serviceDeploymentArns"`
	Revisions                        []string `json:"serviceRevisionArns"`
	HookID, Action, StopType         string
}

// described answers under the member's name with what show knows of each ARN; nil is a failure.
func described(member string, arns []string, show func(arn string) any) (any, error) {
	found, failures := []any{}, []object{}
	for _, arn := range arns {
		if shown := show(arn); shown != nil {
			found = append(found, shown)
		} else {
			failures = append(failures, object{"arn": arn, "reason": "MISSING"})
		}
	}
	return object{member: found, "failures": failures}, nil
}

// latest returns the newest deployment of the cluster and service; both are names or ARNs.
func (s *Server) latest(cluster, name string) (deployment.Deployment, bool) {
	cluster, name = last(cluster), last(name)
	for _, d := range s.Book.All() {
		if d.Cluster == cluster && d.Service == name {
			return d, true
		}
	}
	return deployment.Deployment{}, false
}

func last(arn string) string { return arn[strings.LastIndexAny(arn, "/")+1:] }

func (s *Server) taskSets(d deployment.Deployment, wanted []string) []object {
	sets := []object{}
	for _, t := range d.TaskSets {
		arn := s.arn("task-set", d.Cluster, d.Service, t.ID)
		if len(wanted) > 0 && !slices.Contains(wanted, t.ID) && !slices.Contains(wanted, arn) {
			continue
		}
		sets = append(sets, object{
			"id": t.ID, "taskSetArn": arn, "externalId": d.ID, "status": t.Status, "createdAt": moment(t.Created),
			"serviceArn": s.arn("service", d.Cluster, d.Service), "clusterArn": s.arn("cluster", d.Cluster),
			"computedDesiredCount": t.Desired, "pendingCount": max(0, t.Desired-t.Running), "runningCount": t.Running,
			"taskDefinition": t.TaskDefinition, "stabilityStatus": "STEADY_STATE",
			"scale": object{"value": 100, "unit": "PERCENT"},
			"loadBalancers": []object{{
				"targetGroupArn": t.TargetGroupARN, "containerName": t.Container,
				"containerPort": t.Port,
			}},
		})
	}
	return sets
}

func (s *Server) describeServices(in ecsInput) (any, error) {
	for i, name := range in.Services {
		in.Services[i] = s.arn("service", last(in.Cluster), last(name))
	}
	return described("services", in.Services, func(arn string) any {
		if d, ok := s.latest(in.Cluster, arn); ok {
			return s.service(d)
		}
		return nil
	})
}

// service is a service as DescribeServices has it.
func (s *Server) service(d deployment.Deployment) object {
	desired, running := 0, 0
	for _, t := range d.TaskSets {
		desired, running = max(desired, t.Desired), running+t.Running
	}
	shown := object{
		"serviceArn": s.arn("service", d.Cluster, d.Service), "serviceName": d.Service,
		"clusterArn": s.arn("cluster", d.Cluster), "status": "ACTIVE", "schedulingStrategy": "REPLICA",
		"desiredCount": desired, "runningCount": running, "pendingCount": max(0, desired-running),
	}
	if d.Native != nil {
		maps.Copy(shown, s.ownService(d))
	} else {
		shown["taskSets"], shown["deployments"] = s.taskSets(d, nil), []object{}
		shown["deploymentController"] = object{"type": "CODE_DEPLOY"}
	}
	return shown
}

func (s *Server) describeTaskSets(in ecsInput) (any, error) {
	d, ok := s.latest(in.Cluster, in.Service)
	if !ok {
		return nil, fault("ServiceNotFoundException", "Service not found.")
	}
	return object{"taskSets": s.taskSets(d, in.TaskSets), "failures": []object{}}, nil
}

func (s *Server) describeTaskDefinition(in ecsInput) (any, error) {
	arn, definition := s.taskDefinition(in.TaskDefinition)
	if arn == "" {
		return nil, fault("ClientException", "Unable to describe task definition.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return object{"taskDefinition": definition, "tags": append([]any{}, s.tags[arn]...)}, nil
}

func (s *Server) describeServiceRevisions(in ecsInput) (any, error) {
	all := map[string]any{}
	if s.Revisions != nil {
		for arn, r := range s.Revisions() {
			all[arn] = r
		}
	}
	for _, d := range s.Book.All() {
		for _, t := range d.TaskSets {
			if d.Native != nil {
				all[t.ID] = s.revision(d, t)
			}
		}
	}
	return described("serviceRevisions", in.Revisions, func(arn string) any { return all[arn] })
}
