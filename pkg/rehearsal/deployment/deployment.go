// Package deployment is one deployment of an Amazon ECS service, by CodeDeploy or by ECS itself, as a value: its
// lifecycle events or stages in AWS's order with their statuses, times and diagnostics, its task sets, and what it may
// become next. A Book keeps those of one rehearsal and is where the API and the rehearsal meet.
//
// It opens no socket, starts no process and reads no clock: whoever changes a deployment says when.
package deployment

import (
	"cmp"
	"slices"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

// EventStatus is how far a lifecycle event has come.
type EventStatus string

// The statuses of a lifecycle event. A hook may report only Succeeded and Failed.
const (
	EventPending    EventStatus = "Pending"
	EventInProgress EventStatus = "InProgress"
	EventSucceeded  EventStatus = "Succeeded"
	EventFailed     EventStatus = "Failed"
	EventSkipped    EventStatus = "Skipped"
)

// Status is how far a deployment has come.
type Status string

// The statuses of a deployment.
const (
	Created    Status = "Created"
	InProgress Status = "InProgress"
	Ready      Status = "Ready"
	Succeeded  Status = "Succeeded"
	Failed     Status = "Failed"
	Stopped    Status = "Stopped"
	// RollingBack and RolledBack are those of Amazon ECS's own deployments only: CodeDeploy rolls back by another one.
	RollingBack Status = "RollingBack"
	RolledBack  Status = "RolledBack"
)

// Known reports whether CodeDeploy has such a status; Queued and Baking are statuses that a rehearsal's
// deployments never have.
func (s Status) Known() bool {
	return slices.Contains([]Status{Created, InProgress, Ready, Succeeded, Failed, Stopped, "Queued", "Baking"}, s)
}

// Ended reports whether nothing more will happen to a deployment in this status.
func (s Status) Ended() bool { return s == Succeeded || s == Failed || s == Stopped || s == RolledBack }

// Wait is a pause that ContinueDeployment ends, in AWS's words.
type Wait string

// The waits.
const (
	ReadyWait       Wait = "READY_WAIT"
	TerminationWait Wait = "TERMINATION_WAIT"
)

// The creators of a deployment.
const (
	ByUser     = "user"
	ByRollback = "codeDeployRollback"
)

// Codes of an Error and of Diagnostics.
const (
	CodeHookFailed   = "HOOK_EXECUTION_FAILURE"
	CodeTimeout      = "TIMEOUT"
	CodeManualStop   = "MANUAL_STOP"
	CodeAlarm        = "ALARM_ACTIVE"
	DiagnosticFailed = "ScriptFailed"
	DiagnosticLate   = "ScriptTimedOut"
	DiagnosticOther  = "UnknownError"
)

// Texts that CodeDeploy shows, word for word, so that people find them when they search.
const (
	TextHookFailed = "The deployment failed because one or more of the lifecycle event validation functions failed."
	TextStopped    = "The deployment was stopped by user request."
	TextAlarm      = "One or more alarms have been activated according to the Amazon CloudWatch metrics you " +
		"selected, and the affected deployments have been stopped."
	TextUnhealthy = "The deployment timed out while waiting for the replacement task set to become healthy. This " +
		"time out period is 60 minutes."
	TextNotReady = "The deployment was stopped because traffic rerouting was not started before the end of the " +
		"wait period."
	TextHookLate = "The deployment timed out while waiting for a status callback. CodeDeploy expects a status " +
		"callback within one hour after a deployment hook is invoked."
)

// Error is why a deployment failed.
type Error struct{ Code, Message string }

// Diagnostics is what a failed event says about itself. LogTail is at most 4 KB.
type Diagnostics struct{ Code, Script, Message, LogTail string }

// Event is one lifecycle event of a deployment, or a stage of one of Amazon ECS's own.
type Event struct {
	Name lifecycle.Name `json:"name"`
	// Step is the step of the shift of production traffic, from 1; 0 where the shift has one step only.
	Step int `json:"step,omitempty"`
	// Rollback says that traffic goes back in it.
	Rollback    bool         `json:"rollback,omitempty"`
	Status      EventStatus  `json:"status"`
	Started     time.Time    `json:"started,omitzero"`
	Ended       time.Time    `json:"ended,omitzero"`
	Diagnostics *Diagnostics `json:"-"`
}

// TaskSetLabel says which side a task set is on.
type TaskSetLabel string

// The labels: the task set that serves when the deployment begins is Blue.
const (
	Blue  TaskSetLabel = "Blue"
	Green TaskSetLabel = "Green"
)

// TaskSet is one of the two task sets of a deployment.
type TaskSet struct {
	// ID is "ecs-svc/" and a number; that of a service revision is its ARN.
	ID          string
	Label       TaskSetLabel
	Release     string
	TargetGroup string
	// TargetGroupARN, TaskDefinition (an ARN), Container and Port are what ECS says about the task set.
	TargetGroupARN, TaskDefinition, Container string
	Port                                      int
	// Status is PRIMARY, ACTIVE or DRAINING.
	Status           string
	Desired, Running int
	// Weight is the share of production traffic, in percent, and TestWeight that of test traffic.
	Weight, TestWeight float64
	Created            time.Time
}

// Deployment is one deployment. It is a value: copies made by a Book share nothing.
type Deployment struct {
	ID                      string
	Application, Group      string
	Config                  Config
	Creator, Description    string
	Status                  Status
	Created, Started, Ended time.Time
	// ReadyWait is how long the deployment waits for ContinueDeployment before traffic moves; zero does not
	// wait. TerminationWait is how long the original task set stays after the shift.
	ReadyWait, TerminationWait time.Duration
	// Waiting is what it waits for now, or empty.
	Waiting Wait
	// AutoRollback rolls back what fails or what an alarm stops.
	AutoRollback bool
	// AppSpec is the AppSpec's text, as CodeDeploy got it.
	AppSpec string
	// Cluster and Service name the target; its id is "cluster:service".
	Cluster, Service string
	// ProductionListener and TestListener are ARNs; without a test listener the latter is empty.
	ProductionListener, TestListener string
	// BlueGroup and GreenGroup name the target groups.
	BlueGroup, GreenGroup string
	Events                []Event
	TaskSets              []TaskSet
	Error                 *Error
	// RollbackID is the deployment that rolled this one back, RollbackOf the one that this one rolls back.
	RollbackID, RollbackOf, RollbackMessage string
	// Native is set for one of Amazon ECS's own deployments.
	Native *Native
}

// New returns d with these events pending; without any they are CodeDeploy's eight.
func New(d Deployment, now time.Time, events ...Event) Deployment {
	d.Status, d.Created, d.Events = Created, now, slices.Clone(events)
	if len(events) == 0 {
		for _, name := range lifecycle.All() {
			d.Events = append(d.Events, Event{Name: name})
		}
	}
	for i := range d.Events {
		d.Events[i].Status = EventPending
	}
	return d
}

// Clone returns a copy that shares nothing with d.
func (d Deployment) Clone() Deployment {
	d.Events, d.TaskSets = slices.Clone(d.Events), slices.Clone(d.TaskSets)
	for i := range d.Events {
		if diagnostics := d.Events[i].Diagnostics; diagnostics != nil {
			d.Events[i].Diagnostics = new(*diagnostics)
		}
	}
	if d.Error != nil {
		d.Error = new(*d.Error)
	}
	if d.Native != nil {
		d.Native = new(*d.Native)
		d.Native.Hooks, d.Native.Executions = slices.Clone(d.Native.Hooks), slices.Clone(d.Native.Executions)
	}
	return d
}

// TargetID is the id of the only target of an ECS deployment.
func (d Deployment) TargetID() string { return d.Cluster + ":" + d.Service }

// Event returns the event with the name, or nil. Of several with one name it is that under way, else the next one.
func (d *Deployment) Event(name lifecycle.Name) *Event {
	for _, status := range []EventStatus{EventInProgress, EventPending, ""} {
		i := slices.IndexFunc(d.Events, func(e Event) bool { return e.Name == name && (e.Status == status || status == "") })
		if i >= 0 {
			return &d.Events[i]
		}
	}
	return nil
}

// Begin marks the event as in progress, and with it the deployment.
func (d *Deployment) Begin(name lifecycle.Name, now time.Time) {
	if d.Status == Created {
		d.Status, d.Started = InProgress, now
	}
	if e := d.Event(name); e != nil {
		e.Status, e.Started = EventInProgress, now
	}
}

// End gives the event its final status. An event that has ended keeps the status it has.
func (d *Deployment) End(name lifecycle.Name, status EventStatus, now time.Time, why *Diagnostics) {
	e := d.Event(name)
	if e == nil || (e.Status != EventInProgress && e.Status != EventPending) {
		return
	}
	e.Status, e.Ended, e.Diagnostics = status, now, why
	if e.Started.IsZero() && status != EventSkipped {
		e.Started = now
	}
}

// Finish gives the deployment its final status and skips the events that never began.
func (d *Deployment) Finish(status Status, now time.Time, why *Error) {
	if d.Status.Ended() {
		return
	}
	d.Status, d.Ended, d.Error, d.Waiting = status, now, why, ""
	d.skipRest(now)
}

// RollBack begins the rollback of one of Amazon ECS's own deployments, which goes through these stages again.
func (d *Deployment) RollBack(now time.Time, why *Error, stages ...lifecycle.Name) {
	d.Status, d.Error, d.Native.RollbackStarted = RollingBack, why, now
	d.skipRest(now)
	for _, name := range stages {
		d.Events = append(d.Events, Event{Name: name, Rollback: true, Status: EventPending})
	}
}

// skipRest gives the events that have not ended their statuses.
func (d *Deployment) skipRest(now time.Time) {
	for i := range d.Events {
		switch e := &d.Events[i]; e.Status { //nolint:exhaustive // the others have ended
		case EventPending:
			e.Status = EventSkipped
		case EventInProgress:
			e.Status, e.Ended = EventFailed, now
		}
	}
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
