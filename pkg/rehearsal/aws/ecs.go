package aws

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// ECS is the prefix of ECS's operations in X-Amz-Target.
const ECS = "AmazonEC2ContainerServiceV20141113"

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
	Family, DesiredStatus, StartedBy string
	ServiceName                      string
	Tasks                            []string
}

// Task is a task of the service. One that has ended has a StopCode, in ECS's words.
type Task struct {
	ID, Definition, StartedBy, Container string
	Started, Stopped                     time.Time
	StopCode, Reason                     string
	Exit                                 int
}

func (t Task) status() string {
	return map[bool]string{true: "RUNNING", false: "STOPPED"}[t.StopCode == ""]
}

func (s *Server) listTasks(in ecsInput) (any, error) {
	if _, err := s.latest(in.Cluster, in.ServiceName); in.ServiceName != "" && err != nil {
		return nil, err
	}
	arns := []string{}
	for _, t := range given(s.Tasks) {
		family, _, _ := strings.Cut(last(t.Definition), ":")
		if t.status() == cmp.Or(in.DesiredStatus, "RUNNING") && (in.Family == "" || in.Family == family) &&
			(in.StartedBy == "" || in.StartedBy == t.StartedBy) {
			arns = append(arns, s.arn("task", last(in.Cluster), t.ID))
		}
	}
	return object{"taskArns": arns}, nil
}

func (s *Server) describeTasks(in ecsInput) (any, error) {
	all := given(s.Tasks)
	return described("tasks", in.Tasks, func(id string) any {
		i := slices.IndexFunc(all, func(t Task) bool { return t.ID == last(id) })
		if i < 0 {
			return nil
		}
		t, arn := all[i], s.arn("task", last(in.Cluster), last(id))
		ended := t.StopCode != ""
		return object{
			"taskArn": arn, "clusterArn": s.arn("cluster", last(in.Cluster)), "taskDefinitionArn": t.Definition,
			"lastStatus": t.status(), "desiredStatus": t.status(), "startedBy": t.StartedBy, "launchType": "FARGATE",
			"createdAt": moment(t.Started), "startedAt": moment(t.Started),
			"stoppingAt": moment(t.Stopped), "stoppedAt": moment(t.Stopped),
			"stopCode": where(ended, t.StopCode), "stoppedReason": where(ended, t.Reason),
			"containers": []object{{
				"name": t.Container, "lastStatus": t.status(), "taskArn": arn, "exitCode": where(ended, t.Exit),
			}},
		}
	})
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
func (s *Server) latest(cluster, name string) (deployment.Deployment, error) {
	for _, d := range s.Book.All() {
		if d.Cluster == last(cluster) && d.Service == last(name) {
			return d, nil
		}
	}
	return deployment.Deployment{}, fault("ServiceNotFoundException", "Service not found.")
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
			"id": t.ID, "taskSetArn": arn, "status": t.Status, "createdAt": moment(t.Created),
			"serviceArn": s.arn("service", d.Cluster, d.Service), "clusterArn": s.arn("cluster", d.Cluster),
			"computedDesiredCount": t.Desired, "pendingCount": max(0, t.Desired-t.Running), "runningCount": t.Running,
			"taskDefinition": t.TaskDefinition,
			"loadBalancers": []object{
				{"targetGroupArn": t.TargetGroupARN, "containerName": t.Container, "containerPort": t.Port},
			},
		})
	}
	return sets
}

func (s *Server) describeServices(in ecsInput) (any, error) {
	for i, name := range in.Services {
		in.Services[i] = s.arn("service", last(in.Cluster), last(name))
	}
	return described("services", in.Services, func(arn string) any {
		d, err := s.latest(in.Cluster, arn)
		return where(err == nil, s.service(d))
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
	d, err := s.latest(in.Cluster, in.Service)
	return object{"taskSets": s.taskSets(d, in.TaskSets), "failures": []object{}}, err
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
	for arn, r := range given(s.Revisions) {
		all[arn] = r
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
