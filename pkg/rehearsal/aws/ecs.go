package aws

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// ECS is the prefix of ECS's operations in X-Amz-Target.
const ECS = "AmazonEC2ContainerServiceV20141113"

// ServiceRevision is what one of ECS's own deployments moves from or to.
type ServiceRevision struct {
	// ARN is the revision's, TaskDefinition what it runs.
	ARN, TaskDefinition string
	// Container is behind the load balancer, whose target group and listener rules are given by ARN.
	Container, TargetGroup   string
	TestRule, ProductionRule string
}

func (s *Server) ecs() map[string]operation {
	return map[string]operation{
		"DescribeServices":         typed(s.describeServices),
		"DescribeTaskSets":         typed(s.describeTaskSets),
		"DescribeTaskDefinition":   typed(s.describeTaskDefinition),
		"DescribeServiceRevisions": typed(s.describeServiceRevisions),
	}
}

// ecsInput is what the operations take in all.
type ecsInput struct {
	Cluster, Service, TaskDefinition string
	Services, TaskSets               []string
	Revisions                        []string `json:"serviceRevisionArns"`
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
	services, failures := []object{}, []object{}
	for _, name := range in.Services {
		d, ok := s.latest(in.Cluster, name)
		if !ok {
			failures = append(failures, object{"arn": s.arn("service", last(in.Cluster), last(name)), "reason": "MISSING"})
			continue
		}
		desired, running := 0, 0
		for _, t := range d.TaskSets {
			desired, running = max(desired, t.Desired), running+t.Running
		}
		services = append(services, object{
			"serviceArn": s.arn("service", d.Cluster, d.Service), "serviceName": d.Service,
			"clusterArn": s.arn("cluster", d.Cluster),
			"status":     "ACTIVE", "desiredCount": desired, "runningCount": running, "taskSets": s.taskSets(d, nil),
			"deployments": []object{}, "deploymentController": object{"type": "CODE_DEPLOY"},
		})
	}
	return object{"services": services, "failures": failures}, nil
}

func (s *Server) describeTaskSets(in ecsInput) (any, error) {
	d, ok := s.latest(in.Cluster, in.Service)
	if !ok {
		return nil, fault("ServiceNotFoundException", "Service not found.")
	}
	return object{"taskSets": s.taskSets(d, in.TaskSets), "failures": []object{}}, nil
}

// describeTaskDefinition takes an ARN, "family:revision", or a family, whose second revision is the newest.
func (s *Server) describeTaskDefinition(in ecsInput) (any, error) {
	for arn, definition := range s.Definitions() {
		family, revision, _ := strings.Cut(last(arn), ":")
		if in.TaskDefinition == arn || in.TaskDefinition == last(arn) || in.TaskDefinition == family && revision == "2" {
			return object{"taskDefinition": json.RawMessage(definition), "tags": []object{}}, nil
		}
	}
	return nil, fault("ClientException", "Unable to describe task definition.")
}

func (s *Server) describeServiceRevisions(in ecsInput) (any, error) {
	var all []ServiceRevision
	if s.Revisions != nil {
		all = s.Revisions()
	}
	found, failures := []object{}, []object{}
	for _, arn := range in.Revisions {
		i := slices.IndexFunc(all, func(r ServiceRevision) bool { return r.ARN == arn })
		if i < 0 {
			failures = append(failures, object{"arn": arn, "reason": "MISSING"})
			continue
		}
		found = append(found, object{
			"serviceRevisionArn": arn, "taskDefinition": all[i].TaskDefinition,
			"loadBalancers": []object{{
				"containerName": all[i].Container, "targetGroupArn": all[i].TargetGroup,
				"advancedConfiguration": object{
					"testListenerRule":       all[i].TestRule,
					"productionListenerRule": all[i].ProductionRule,
				},
			}},
		})
	}
	return object{"serviceRevisions": found, "failures": failures}, nil
}
