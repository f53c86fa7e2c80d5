package rehearsal

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/aws"
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

// watchTime is how long the watch is here.
func (p Plan) watchTime() time.Duration { return p.shortened(p.watched().For) }

// shortened is a time in which AWS's minutes are a watch's.
func (p Plan) shortened(d time.Duration) time.Duration {
	return time.Duration(d.Minutes() * float64(p.WatchMinute))
}

// bakes is how long a step of a shift stays: what is watched meanwhile has to be measured.
func (p Plan) bakes(d time.Duration) time.Duration {
	if p.Watch == nil {
		return p.scaled(d)
	}
	return max(p.scaled(d), p.shortened(d))
}

// EnoughTraffic is how many production requests a second a watch needs, with room: three times what it demands of the
// new release, also where that has a small share for a short while.
func (p Plan) EnoughTraffic() float64 {
	least := p.watchTime().Seconds()
	if steps := p.config().Steps(); p.Native != nil && p.Native.Watches && len(steps) > 1 {
		least = min(least, p.shortened(steps[0].Stays).Seconds()) * float64(steps[0].Percent) / wholeTraffic
	}
	if least <= 0 {
		return 0
	}
	return min(mostTraffic, math.Ceil(3*float64(p.watched().MinRequests)/least))
}

// mostTraffic bounds what a rehearsal sends by itself, in requests a second.
const mostTraffic = 300

// beforeShift waits until as much of the old release was measured as the new one is watched, where it is.
func (r *run) beforeShift(ctx context.Context, p phase) *failure {
	missing := r.plan.watchTime() - time.Since(r.served)
	if p.step > 1 || p.name == lifecycle.TestTrafficShift || r.plan.Traffic == 0 || r.blue.release == "" || missing <= 0 {
		return nil
	}
	r.stream.tell(KindNote, p, "production is measured for %s more first: a watch compares with the old release before",
		missing.Round(time.Millisecond))
	return r.pause(ctx, missing)
}

// seenTask is a task of a side; its name is unique.
type seenTask struct {
	aws.Task
	name string
	side *side
}

// task returns ECS's view of a task, which begins where it is asked for first.
func (s *stage) task(d *side, name string) *seenTask {
	s.seen.Lock()
	defer s.seen.Unlock()
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

// log writes a task's lines to its log stream, the beginning of long ones.
func (s *stage) log(t *seenTask, lines ...string) {
	for i, line := range lines {
		lines[i] = line[:min(len(line), 4*maxText)]
	}
	if s.logGroup != "" {
		s.aws.Log(s.logGroup, s.logPrefix+"/"+t.Container+"/"+t.ID, lines...)
	}
}

// stopped notes that a side's tasks ended because the deployment wanted it, or one of them by itself.
func (s *stage) stopped(d *side, exit *process.Exit, names ...string) {
	s.seen.Lock()
	defer s.seen.Unlock()
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
	s.seen.Lock()
	defer s.seen.Unlock()
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

// alarms are those that the suite watches. Nothing sets them off here.
func (s *stage) alarms() (all []aws.Alarm) {
	for _, name := range s.plan.watched().Alarms {
		all = append(all, aws.Alarm{Name: name, State: "OK", Reason: "in order", Since: s.stream.began})
	}
	return all
}
