package deployment

import (
	"cmp"
	"slices"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

// Native is what one of Amazon ECS's own deployments has beside what one of CodeDeploy's has.
type Native struct {
	// Target is the side that the deployment is for: Green, and Blue for the one that brought the old release.
	Target TaskSetLabel
	// TestRule and ProductionRule are listener rules by ARN; the first is empty where there is no test traffic.
	TestRule, ProductionRule string
	Hooks                    []Hook
	// Executions are the hooks of the stage under way.
	Executions []Execution
	Alarm      bool
	// RollbackStarted is when the rollback began.
	RollbackStarted time.Time
}

// Hook is a lifecycle hook of a service: a Lambda function, or, without one, a PAUSE.
type Hook struct {
	Function string
	Stage    lifecycle.Name
	HookTimeout
}

// HookTimeout is how long a hook may take, and what ECS does then: it goes on, or rolls back.
type HookTimeout struct {
	After time.Duration
	GoOn  bool
}

// Action is the time-out's action in AWS's words.
func (t HookTimeout) Action() string {
	if t.GoOn {
		return "CONTINUE"
	}
	return "ROLLBACK"
}

// The statuses of a hook's execution.
const (
	HookWaits     = "AWAITING_ACTION"
	HookRuns      = "IN_PROGRESS"
	HookSucceeded = "SUCCEEDED"
	HookFailed    = "FAILED"
	HookTimedOut  = "TIMED_OUT"
)

// Execution is a hook of the stage under way.
type Execution struct {
	Hook
	ID, Status string
	Expires    time.Time
}

// Execution returns the hook's execution with the id, or nil.
func (d *Deployment) Execution(id string) *Execution {
	if d.Native == nil {
		return nil
	}
	i := slices.IndexFunc(d.Native.Executions, func(x Execution) bool { return x.ID == id })
	if i < 0 {
		return nil
	}
	return &d.Native.Executions[i]
}

// Side returns the deployment's task set of a side, or nil.
func (d *Deployment) Side(label TaskSetLabel) *TaskSet {
	if i := slices.IndexFunc(d.TaskSets, func(t TaskSet) bool { return t.Label == label }); i >= 0 {
		return &d.TaskSets[i]
	}
	return nil
}

// Stage is the last stage that began, as DescribeServiceDeployments has it: its enumeration lacks
// PRE_PRODUCTION_TRAFFIC_SHIFT, in which the deployment is still at the stage before.
func (d *Deployment) Stage() (last lifecycle.Name) {
	for _, e := range d.Events {
		if !e.Started.IsZero() && e.Name != lifecycle.PreProductionTrafficShift {
			last = e.Name
		}
	}
	return last
}

// Strategy is the way of routing as Amazon ECS calls it.
func (c Config) Strategy() string {
	return cmp.Or(map[Routing]string{Canary: "CANARY", Linear: "LINEAR"}[c.Routing], "BLUE_GREEN")
}
