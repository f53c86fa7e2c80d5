package aws

import (
	"slices"
	"strings"
	"time"

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
	// Alternate is the other target group of the service; Resolved is the one of the two that this revision is behind.
	// Where it is empty, nothing is resolved.
	Alternate, Resolved string
	Port                int
	// Service and Cluster are ARNs.
	Service, Cluster string
	Created          time.Time
}

// loadBalancer is the configuration of what a revision is behind.
func loadBalancer(r ServiceRevision) object {
	rules := object{"testListenerRule": r.TestRule, "productionListenerRule": r.ProductionRule}
	shown := object{"containerName": r.Container, "targetGroupArn": r.TargetGroup, "advancedConfiguration": rules}
	if r.Alternate != "" {
		rules["alternateTargetGroupArn"], shown["containerPort"] = r.Alternate, r.Port
	}
	if r.TestRule == "" {
		delete(rules, "testListenerRule")
	}
	return shown
}

func (s *Server) ecs() map[string]operation {
	all := s.native()
	all["DescribeServices"] = typed(s.describeServices)
	all["DescribeTaskSets"] = typed(s.describeTaskSets)
	all["DescribeTaskDefinition"] = typed(s.describeTaskDefinition)
	all["DescribeServiceRevisions"] = typed(s.describeServiceRevisions)
	return all
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
		if d.Native != nil {
			services = append(services, s.ownService(d))
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
	var all []ServiceRevision
	if s.Revisions != nil {
		all = s.Revisions()
	}
	for _, d := range s.Book.All() {
		if d.Native != nil {
			all = append(all, s.ownRevisions(d)...)
		}
	}
	found, failures := []object{}, []object{}
	for _, arn := range in.Revisions {
		i := slices.IndexFunc(all, func(r ServiceRevision) bool { return r.ARN == arn })
		if i < 0 {
			failures = append(failures, object{"arn": arn, "reason": "MISSING"})
			continue
		}
		shown := object{
			"serviceRevisionArn": arn, "taskDefinition": all[i].TaskDefinition,
			"loadBalancers": []object{loadBalancer(all[i])},
		}
		if resolved := all[i].Resolved; resolved != "" {
			behind := object{"targetGroupArn": resolved, "productionListenerRule": all[i].ProductionRule}
			shown["resolvedConfiguration"] = object{"loadBalancers": []object{behind}}
			shown["containerImages"] = s.containerImages(all[i].TaskDefinition)
			shown["serviceArn"], shown["clusterArn"] = all[i].Service, all[i].Cluster
			shown["createdAt"], shown["launchType"] = moment(all[i].Created), "FARGATE"
		}
		found = append(found, shown)
	}
	return object{"serviceRevisions": found, "failures": failures}, nil
}
