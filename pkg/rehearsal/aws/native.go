package aws

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// serviceStatus is a deployment's status as ECS calls it.
func serviceStatus(s deployment.Status) string {
	return map[deployment.Status]string{
		deployment.Created: "PENDING", deployment.InProgress: "IN_PROGRESS", deployment.Ready: "IN_PROGRESS",
		deployment.Succeeded: "SUCCESSFUL", deployment.Stopped: "STOPPED", deployment.Failed: "ROLLBACK_FAILED",
		deployment.RollingBack: "ROLLBACK_IN_PROGRESS", deployment.RolledBack: "ROLLBACK_SUCCESSFUL",
	}[s]
}

// own is the latest of ECS's own deployments of the service.
func (s *Server) own(cluster, service string) (deployment.Deployment, error) {
	d, err := s.latest(cluster, service)
	if err == nil && d.Native == nil {
		err = fault("ServiceNotFoundException", "Service not found.")
	}
	return d, err
}

// knownDeployment is one of ECS's own deployments by its ARN.
func (s *Server) knownDeployment(arn string) (deployment.Deployment, error) {
	d, ok := s.Book.Get(arn)
	if !ok || d.Native == nil {
		return d, fault("ServiceDeploymentNotFoundException", "Service deployment %.200s not found.", arn)
	}
	return d, nil
}

// deploymentConfiguration is the service's.
func deploymentConfiguration(d deployment.Deployment) object {
	hooks := each(d.Native.Hooks, func(h deployment.Hook) object {
		return object{
			"targetType": targetType(h), "lifecycleStages": []string{string(h.Stage)},
			"timeoutConfiguration": object{"timeoutInMinutes": int(h.After / time.Minute), "action": h.Action()},
			"hookTargetArn":        where(h.Function != "", h.Function),
		}
	})
	way, share, bake := d.Config.Routing, float64(d.Config.Percent), int(d.Config.Interval/time.Minute)
	canary := object{"canaryPercent": share, "canaryBakeTimeInMinutes": bake}
	linear := object{"stepPercent": share, "stepBakeTimeInMinutes": bake}
	return object{
		"strategy": d.Config.Strategy(), "bakeTimeInMinutes": int(d.TerminationWait / time.Minute), "lifecycleHooks": hooks,
		"canaryConfiguration": where(way == deployment.Canary, canary),
		"linearConfiguration": where(way == deployment.Linear, linear),
		"alarms":              object{"enable": d.Native.Alarm, "rollback": d.Native.Alarm, "alarmNames": alarms(d)},
	}
}

func targetType(h deployment.Hook) string {
	return map[bool]string{true: "PAUSE", false: "AWS_LAMBDA"}[h.Function == ""]
}

func alarms(d deployment.Deployment) []string {
	if d.Native.Alarm {
		return []string{"rehearsal"}
	}
	return []string{}
}

// brief is a deployment as ListServiceDeployments has it.
func (s *Server) brief(d deployment.Deployment) object {
	why := cmp.Or(d.Error, &deployment.Error{})
	return object{
		"serviceDeploymentArn": d.ID, "serviceArn": s.arn("service", d.Cluster, d.Service),
		"clusterArn": s.arn("cluster", d.Cluster), "createdAt": moment(d.Created), "startedAt": moment(d.Started),
		"finishedAt": moment(d.Ended), "status": serviceStatus(d.Status),
		"targetServiceRevisionArn": d.Side(d.Native.Target).ID, "statusReason": where(d.Error != nil, why.Message),
	}
}

func (s *Server) listServiceDeployments(in ecsInput) (any, error) {
	if _, err := s.own(in.Cluster, in.Service); err != nil {
		return nil, err
	}
	list := []object{}
	for _, d := range s.Book.All() {
		if d.Native != nil && (len(in.Status) == 0 || slices.Contains(in.Status, serviceStatus(d.Status))) {
			list = append(list, s.brief(d))
		}
	}
	return object{"serviceDeployments": list}, nil
}

func (s *Server) describeServiceDeployments(in ecsInput) (any, error) {
	return described("serviceDeployments", in.Deployments, func(arn string) any {
		if d, err := s.knownDeployment(arn); err == nil {
			return s.serviceDeployment(d)
		}
		return nil
	})
}

// summary is a service revision of the service.
func summary(t deployment.TaskSet) object {
	return object{
		"arn": t.ID, "requestedTaskCount": t.Desired, "runningTaskCount": t.Running,
		"pendingTaskCount": max(0, t.Desired-t.Running),
	}
}

// weighed is a service revision in a deployment.
func weighed(t deployment.TaskSet) object {
	o := summary(t)
	o["requestedTestTrafficWeight"], o["requestedProductionTrafficWeight"] = t.TestWeight, t.Weight
	return o
}

func (s *Server) serviceDeployment(d deployment.Deployment) object {
	isTarget := func(t deployment.TaskSet) bool { return t.Label == d.Native.Target }
	sources := slices.DeleteFunc(slices.Clone(d.TaskSets), isTarget)
	why, original := cmp.Or(d.Error, &deployment.Error{}), cmp.Or(d.Side(deployment.Blue), &deployment.TaskSet{})
	watched := "DISABLED"
	switch {
	case !d.Native.Alarm:
	case why.Code == deployment.CodeAlarm:
		watched = "TRIGGERED"
	case d.Status.Ended():
		watched = "MONITORING_COMPLETE"
	default:
		watched = "MONITORING"
	}
	shown := s.brief(d)
	delete(shown, "targetServiceRevisionArn")
	maps.Copy(shown, object{
		"sourceServiceRevisions": each(sources, weighed), "deploymentConfiguration": deploymentConfiguration(d),
		"targetServiceRevision": weighed(*d.Side(d.Native.Target)), "lifecycleStage": where(d.Stage() != "", d.Stage()),
		"lifecycleHookDetails": each(d.Native.Executions, func(x deployment.Execution) object {
			return object{
				"hookId": x.ID, "targetType": targetType(x.Hook), "targetArn": where(x.Function != "", x.Function),
				"status": x.Status, "expiresAt": moment(x.Expires), "timeoutAction": x.Action(),
			}
		}),
		"rollback": where(!d.Native.RollbackStarted.IsZero(), object{
			"startedAt": moment(d.Native.RollbackStarted), "reason": why.Message,
			"serviceRevisionArn": where(original.ID != "", original.ID),
		}),
		"alarms": object{"status": watched, "alarmNames": alarms(d)},
	})
	return shown
}

func (s *Server) continueServiceDeployment(in ecsInput) (any, error) {
	d, err := s.knownDeployment(in.Deployment)
	if err != nil {
		return nil, err
	}
	x := d.Execution(in.HookID)
	switch {
	case in.Action != "" && in.Action != "CONTINUE" && in.Action != "ROLLBACK":
		return nil, fault("InvalidParameterException", "Invalid action: %.40q. It is CONTINUE or ROLLBACK.", in.Action)
	case x == nil || x.Status != deployment.HookWaits:
		return nil, fault("InvalidParameterException",
			"The service deployment waits for no hook %.100q: only a hook in the status AWAITING_ACTION can be continued.",
			in.HookID)
	}
	status := deployment.HookSucceeded
	if in.Action == "ROLLBACK" {
		status = deployment.HookFailed
		err = s.Book.Stop(d.ID, deployment.Stop{Rollback: true, By: "ContinueServiceDeployment with ROLLBACK"})
	} else {
		err = s.Book.Continue(d.ID, deployment.Wait(in.HookID))
	}
	if err != nil {
		return nil, fault("InvalidParameterException", "The service deployment cannot be continued: %v.", err)
	}
	s.Book.Update(d.ID, func(d *deployment.Deployment) {
		if x := d.Execution(in.HookID); x != nil {
			x.Status = status
		}
	})
	return object{"serviceDeploymentArn": d.ID}, nil
}

func (s *Server) stopServiceDeployment(in ecsInput) (any, error) {
	d, err := s.knownDeployment(in.Deployment)
	if err != nil {
		return nil, err
	}
	stop := deployment.Stop{Rollback: in.StopType != "ABORT", By: "StopServiceDeployment"}
	if s.Book.Stop(d.ID, stop) != nil {
		return nil, fault("ConflictException", "The service deployment is not in progress: it is %s.",
			serviceStatus(d.Status))
	}
	return object{"serviceDeploymentArn": d.ID}, nil
}

func (s *Server) updateService(in ecsInput) (any, error) {
	d, err := s.own(in.Cluster, in.Service)
	if err != nil {
		return nil, err
	}
	arn, _ := s.taskDefinition(cmp.Or(in.TaskDefinition, d.Side(d.Native.Target).TaskDefinition))
	if arn == "" {
		return nil, fault("ClientException", "Unable to describe task definition.")
	}
	// Without a change there is nothing to deploy, and ECS answers with the service as it is.
	if arn != d.Side(d.Native.Target).TaskDefinition || in.ForceNewDeployment {
		if err := s.Book.Ask(arn); err != nil {
			return nil, fault("ClientException",
				"The rehearsal does not wait for an UpdateService: it holds one deployment, which has begun.")
		}
		d, _ = s.latest(in.Cluster, in.Service)
	}
	return object{"service": s.service(d)}, nil
}

// ownService is what a service has that ECS itself deploys.
func (s *Server) ownService(d deployment.Deployment) object {
	deployments := each(d.TaskSets, func(t deployment.TaskSet) object {
		status := map[bool]string{true: "PRIMARY", false: "ACTIVE"}[t.Label == d.Native.Target]
		return object{
			"id": "ecs-svc/" + last(t.ID), "status": status, "taskDefinition": t.TaskDefinition, "desiredCount": t.Desired,
			"runningCount": t.Running, "pendingCount": max(0, t.Desired-t.Running), "createdAt": moment(t.Created),
		}
	})
	return object{
		"deployments": deployments, "currentServiceRevisions": each(d.TaskSets, summary),
		"deploymentController": object{"type": "ECS"}, "deploymentConfiguration": deploymentConfiguration(d),
		"loadBalancers":  []object{loadBalancer(d, d.TaskSets[0])},
		"taskDefinition": d.Side(d.Native.Target).TaskDefinition, "currentServiceDeployment": where(!d.Status.Ended(), d.ID),
	}
}

// revision is what one of ECS's own deployments moves from or to.
func (s *Server) revision(d deployment.Deployment, t deployment.TaskSet) object {
	behind := object{"targetGroupArn": t.TargetGroupARN, "productionListenerRule": d.Native.ProductionRule}
	return object{
		"serviceRevisionArn": t.ID, "serviceArn": s.arn("service", d.Cluster, d.Service),
		"clusterArn": s.arn("cluster", d.Cluster), "taskDefinition": t.TaskDefinition, "launchType": "FARGATE",
		"createdAt": moment(t.Created), "containerImages": s.containerImages(t.TaskDefinition),
		"loadBalancers":         []object{loadBalancer(d, t)},
		"resolvedConfiguration": object{"loadBalancers": []object{behind}},
	}
}

// loadBalancer is the configuration of what a revision is behind. Of the service's two target groups the first is the
// one it was created with.
func loadBalancer(d deployment.Deployment, t deployment.TaskSet) object {
	return object{
		"containerName": t.Container, "containerPort": t.Port, "targetGroupArn": d.BlueGroup,
		"advancedConfiguration": object{
			"productionListenerRule": d.Native.ProductionRule, "alternateTargetGroupArn": d.GreenGroup,
			"testListenerRule": where(d.Native.TestRule != "", d.Native.TestRule),
		},
	}
}

// containerImages are those of a task definition; the digest of an image that nobody pulled is one of its name.
func (s *Server) containerImages(definition string) []object {
	type container struct{ Name, Image string }
	var read struct {
		Containers []container `json:"containerDefinitions"`
	}
	_, text := s.taskDefinition(definition)
	_ = json.Unmarshal(text, &read) // of one that is not known there are none
	return each(read.Containers, func(c container) object {
		_, digest, pinned := strings.Cut(c.Image, "@")
		if !pinned {
			digest = fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(c.Image)))
		}
		return object{"containerName": c.Name, "image": c.Image, "imageDigest": digest}
	})
}

// definitions are those that are given and those that were registered.
func (s *Server) definitions() map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	maps.Copy(all, given(s.Definitions))
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(all, s.registered)
	return all
}

// taskDefinition finds a task definition by its ARN, "family:revision", or a family, of which it is the newest.
func (s *Server) taskDefinition(name string) (arn string, text json.RawMessage) {
	newest := 0
	for a, definition := range s.definitions() {
		family, number, _ := strings.Cut(last(a), ":")
		if name == a || name == last(a) {
			return a, definition
		}
		if revision, _ := strconv.Atoi(number); name == family && revision > newest {
			newest, arn, text = revision, a, definition
		}
	}
	return arn, text
}

// registerTaskDefinition keeps a task definition as the family's next revision.
func (s *Server) registerTaskDefinition(definition object) (any, error) {
	family, _ := definition["family"].(string)
	containers, _ := definition["containerDefinitions"].([]any)
	if family == "" || len(containers) == 0 {
		return nil, fault("ClientException", "A task definition has a family and container definitions.")
	}
	newest, _ := s.taskDefinition(family)
	_, number, _ := strings.Cut(last(newest), ":")
	revision, _ := strconv.Atoi(number) // of a new family there is none
	revision++
	arn := s.arn("task-definition", fmt.Sprintf("%s:%d", family, revision))
	tags, _ := definition["tags"].([]any)
	delete(definition, "tags")
	definition["taskDefinitionArn"], definition["revision"], definition["status"] = arn, revision, "ACTIVE"
	text, _ := json.Marshal(definition) // it was JSON
	s.mu.Lock()
	defer s.mu.Unlock()
	put(&s.registered, arn, text)
	s.tag(arn, tags)
	return object{"taskDefinition": definition, "tags": s.tags[arn]}, nil
}

// tag adds tags; the caller holds the lock.
func (s *Server) tag(arn string, tags []any) {
	key := func(t any) any { m, _ := t.(map[string]any); return m["key"] }
	for _, t := range tags {
		kept := slices.DeleteFunc(s.tags[arn], func(old any) bool { return key(old) == key(t) })
		put(&s.tags, arn, append(kept, t))
	}
}

func (s *Server) tagResource(in ecsInput) (any, error) {
	if arn, _ := s.taskDefinition(in.Resource); arn != in.Resource || arn == "" {
		return nil, fault("InvalidParameterException", "The specified resource is not a task definition of the rehearsal.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tag(in.Resource, in.Tags)
	return object{}, nil
}
