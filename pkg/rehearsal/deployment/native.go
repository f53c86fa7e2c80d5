package deployment

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

// The stages of Amazon ECS's own deployments, in order. Those around the shift of production traffic come once for each
// of its steps.
const (
	ReconcileService           = lifecycle.Name("RECONCILE_SERVICE")
	PreScaleUp                 = lifecycle.Name("PRE_SCALE_UP")
	ScaleUp                    = lifecycle.Name("SCALE_UP")
	PostScaleUp                = lifecycle.Name("POST_SCALE_UP")
	TestTrafficShift           = lifecycle.Name(lifecycle.TestTrafficShift)
	PostTestTrafficShift       = lifecycle.Name(lifecycle.PostTestTrafficShift)
	PreProductionTrafficShift  = lifecycle.Name(lifecycle.PreProductionTrafficShift)
	ProductionTrafficShift     = lifecycle.Name(lifecycle.ProductionTrafficShift)
	PostProductionTrafficShift = lifecycle.Name(lifecycle.PostProductionTrafficShift)
	BakeTime                   = lifecycle.Name("BAKE_TIME")
	CleanUp                    = lifecycle.Name("CLEAN_UP")
)

// Stages returns the stages of Amazon ECS's own deployments in order.
func Stages() []lifecycle.Name {
	return []lifecycle.Name{
		ReconcileService, PreScaleUp, ScaleUp, PostScaleUp, TestTrafficShift, PostTestTrafficShift,
		PreProductionTrafficShift, ProductionTrafficShift, PostProductionTrafficShift, BakeTime, CleanUp,
	}
}

// HookStages returns the stages that take a Lambda function.
func HookStages() []lifecycle.Name {
	return slices.DeleteFunc(Stages(),
		func(n lifecycle.Name) bool { return n == ScaleUp || n == BakeTime || n == CleanUp })
}

// PauseStages returns the stages that take a PAUSE hook: not those that come again in a rollback.
func PauseStages() []lifecycle.Name {
	return slices.DeleteFunc(HookStages(),
		func(n lifecycle.Name) bool { return n == TestTrafficShift || n == ProductionTrafficShift })
}

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
		if !e.Started.IsZero() && e.Name != PreProductionTrafficShift {
			last = e.Name
		}
	}
	return last
}

// Offer makes the deployment that the next task definition given to Ask begins; the channel is closed then.
func (b *Book) Offer(begin func(definition string) Deployment) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.offer, b.asked = begin, make(chan struct{})
	return b.asked
}

// Ask begins the deployment that is on offer.
func (b *Book) Ask(definition string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.offer == nil {
		return ErrNotReady
	}
	b.add(b.offer(definition))
	b.offer = nil
	close(b.asked)
	return nil
}

// ParseStrategy reads how one of Amazon ECS's own deployments moves production traffic: blue-green,
// canary:PERCENT,TIME or linear:PERCENT,TIME.
func ParseStrategy(text string) (Config, error) {
	const lowest = 3 // of a linear step
	kind, numbers, _ := strings.Cut(text, ":")
	first, second, _ := strings.Cut(numbers, ",")
	c := Config{Routing: map[string]Routing{"blue-green": AllAtOnce, "canary": Canary, "linear": Linear}[kind]}
	if c.Routing == AllAtOnce && numbers == "" {
		return c, nil
	}
	if c.Routing != Canary && c.Routing != Linear {
		return c, errors.New("want blue-green, canary:PERCENT,TIME or linear:PERCENT,TIME, like canary:10,5m or linear:25,2m")
	}
	var err error
	c.Percent, err = strconv.Atoi(strings.TrimSuffix(first, "%"))
	if err != nil || c.Percent < 1 || c.Percent >= wholePart || c.Routing == Linear && c.Percent < lowest {
		return c, errors.New("the percentage is a whole number from 1 (linear: 3) to 99")
	}
	c.Interval, err = time.ParseDuration(second)
	if err != nil || c.Interval < 0 || c.Interval > 24*time.Hour || c.Interval%time.Minute != 0 {
		return c, errors.New("the bake time of a step is in whole minutes, from 0m to 24h, as Amazon ECS takes it " +
			"(--speed divides it)")
	}
	return c, nil
}

// Strategy is the way of routing as Amazon ECS calls it.
func (c Config) Strategy() string {
	return cmp.Or(map[Routing]string{Canary: "CANARY", Linear: "LINEAR"}[c.Routing], "BLUE_GREEN")
}
