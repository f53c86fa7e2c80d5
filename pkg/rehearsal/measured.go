package rehearsal

import (
	"cmp"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/aws"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/lambda"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/process"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// logging is the log configuration of the container that the load balancer reaches, and where awslogs writes its lines;
// without awslogs there is no group.
func (p Plan) logging() (configuration json.RawMessage, group, prefix string) {
	var definition struct {
		Containers []struct {
			Name             string
			LogConfiguration json.RawMessage
		} `json:"containerDefinitions"`
	}
	_ = json.Unmarshal(p.Release.TaskDefinition, &definition) // without one there is no container
	for _, c := range definition.Containers {
		var driver struct {
			LogDriver string
			Options   map[string]string
		}
		if c.Name == p.Release.Container && json.Unmarshal(c.LogConfiguration, &driver) == nil && driver.LogDriver == "awslogs" {
			return c.LogConfiguration, driver.Options["awslogs-group"], driver.Options["awslogs-stream-prefix"]
		}
	}
	return nil, "", ""
}

// watched is the suite's watch, with nothing in it where there is none.
func (p Plan) watched() suite.Watch { return *cmp.Or(p.Watch, &suite.Watch{}) }

// seen are the tasks as Amazon ECS shows them, in the order in which they began.
type seen struct {
	mu    sync.Mutex
	tasks []*seenTask
}

// seenTask is a task of a side; its name is unique.
type seenTask struct {
	aws.Task
	name string
	side *side
}

// task returns ECS's view of a task, which begins where it is asked for first.
func (s *stage) task(d *side, name string) *seenTask {
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	for _, t := range s.seen.tasks {
		if t.name == name {
			return t
		}
	}
	id := strings.ReplaceAll(lambda.UUID(), "-", "")
	t := &seenTask{name: name, side: d, Task: aws.Task{ID: id, Container: s.plan.Release.Container, Started: time.Now()}}
	s.seen.tasks = append(s.seen.tasks, t)
	s.log(t)
	return t
}

// log writes a task's lines to its log stream.
func (s *stage) log(t *seenTask, lines ...string) {
	if s.logGroup != "" {
		s.aws.Log(s.logGroup, s.logPrefix+"/"+t.Container+"/"+t.ID, lines...)
	}
}

// stopped notes that a side's tasks ended because the deployment wanted it, or one of them by itself.
func (s *stage) stopped(d *side, exit *process.Exit, names ...string) {
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	for _, t := range s.seen.tasks {
		switch {
		case t.side != d || t.StopCode != "" || exit != nil && !slices.Contains(names, t.name):
			continue
		case exit == nil:
			t.StopCode, t.Reason = "ServiceSchedulerInitiated", "Scaling activity initiated by (deployment "+s.id+")"
		default:
			t.StopCode, t.Reason, t.Exit = "EssentialContainerExited", "Essential container in task exited", exit.Code
		}
		t.Stopped = time.Now()
	}
}

// tasks are those of both sides, for the ECS API.
func (s *stage) tasks() (all []aws.Task) {
	d, _ := s.book.Get(s.id)
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	for _, t := range s.seen.tasks {
		shown := t.Task
		shown.Definition = s.plan.definitionARN(t.side.label)
		if set := d.Side(t.side.label); set != nil {
			shown.Definition, shown.StartedBy = cmp.Or(set.TaskDefinition, shown.Definition), "ecs-svc/"+path.Base(set.ID)
		}
		all = append(all, shown)
	}
	return all
}

// metrics are what the target groups measured, for CloudWatch's API.
func (s *stage) metrics(m aws.Metric, from, to time.Time) []float64 {
	for _, d := range []*side{s.blue, s.green} {
		_, group, _ := strings.Cut(targetGroupARN(d.group.Name), "elasticloadbalancing:"+Region+":"+Account+":")
		if m.Namespace == "AWS/ApplicationELB" && len(m.Dimensions) == 2 && m.Dimensions["TargetGroup"] == group &&
			m.Dimensions["LoadBalancer"] == loadBalancer {
			return d.group.Samples(m.Name, from, to)
		}
	}
	return nil
}

// alarms are the deployment's own and those that the suite watches. Nothing sets these off here.
func (s *stage) alarms() []aws.Alarm {
	all := []aws.Alarm{}
	d, _ := s.book.Get(s.id)
	for _, name := range s.plan.watched().Alarms {
		all = append(all, aws.Alarm{Name: name, State: "OK", Reason: "a rehearsal's alarms are in order", Since: s.stream.began})
	}
	if s.plan.Alarm.set() {
		own := aws.Alarm{Name: "rehearsal", State: "OK", Since: s.stream.began}
		if d.Error != nil && d.Error.Code == deployment.CodeAlarm {
			own.State, own.Since = "ALARM", d.Ended
		}
		all = append(all, own)
	}
	return all
}
