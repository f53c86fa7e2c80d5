// Package watch holds a release to what AWS measured of it under production's traffic: the load balancer's metrics of
// both target groups, tasks that stopped, lines of logs, alarms.
//
// Measure asks AWS, Judge says what it means; nothing else is kept between two looks. The room sends the release no
// request and moves no traffic. It never takes what was not measured for good: few requests, missing data and what
// could not be read are never PASS.
package watch

import (
	"slices"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/discovery"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// Late is after how many minutes all of CloudWatch's data of a minute are there.
const Late = 3

// Window is the time that is watched: tasks and alarms from Since on, metrics in the whole minutes from Start to Until.
// A minute is shorter than 60 s only where a watch is rehearsed.
type Window struct {
	Since  time.Time     `json:"since"`
	Start  time.Time     `json:"start"`
	Until  time.Time     `json:"until"`
	Minute time.Duration `json:"minute_ns"`
}

// After is the window that begins with the first whole minute after a moment.
func After(since time.Time, w *suite.Watch, minute time.Duration) Window {
	start := whole(since.Add(minute-1), minute)
	return Window{since, start, start.Add(length(w, minute)), minute}
}

// Before is the window that ended with the last whole minute before now, and began no sooner than began.
func Before(now, began time.Time, w *suite.Watch, minute time.Duration) Window {
	until := whole(now, minute)
	since := slices.MaxFunc([]time.Time{until.Add(-length(w, minute)), began}, time.Time.Compare)
	return Window{since, whole(since.Add(minute-1), minute), until, minute}
}

func whole(t time.Time, minute time.Duration) time.Time {
	return time.Unix(0, t.UnixNano()/int64(minute)*int64(minute)).UTC()
}

func length(w *suite.Watch, minute time.Duration) time.Duration {
	return (w.For + time.Minute - 1) / time.Minute * minute
}

// Minutes is how many there are.
func (w Window) Minutes() int { return max(0, int(w.Until.Sub(w.Start)/w.Minute)) }

// Over is when everything can be known.
func (w Window) Over() time.Time { return w.Until.Add(Late * w.Minute) }

// settled is how many minutes can be judged at a moment.
func (w Window) settled(now time.Time) int {
	return min(w.Minutes(), max(0, int(now.Sub(w.Start)/w.Minute)-Late))
}

// before is where as many minutes begin as there are in the window, right before it.
func (w Window) before() time.Time { return w.Start.Add(-time.Duration(w.Minutes()) * w.Minute) }

// Subject is what is watched.
type Subject struct {
	Window
	Suite            *suite.Suite
	Cluster, Service string
	// LoadBalancer is CloudWatch's name of it: "app/name/id".
	LoadBalancer string
	// GreenTask and BlueTask are what the two releases run, with their target groups; blue's is empty where there is none.
	GreenTask, BlueTask discovery.TaskDefinition
	// NoBlue says why it is no fault where nothing can be compared, or is empty.
	NoBlue   string
	Redactor *redact.Redactor
}

// minutes are the values of one thing, -1 where nothing was measured: for each minute before the window, and for each
// settled minute in it.
type minutes []float64

// Metrics are a target group's. Errors are answers of 5xx, and connections that no target took; Good are other answers.
type Metrics struct {
	Requests, Errors, Good, Unhealthy minutes
	// Percentiles are p50, p95 and p99, in milliseconds.
	Percentiles [3]minutes
}

// Lines are those that a pattern found in the logs of both releases; Blue is nil where blue's are elsewhere. Many says
// that there were more.
type Lines struct {
	Green, Blue minutes
	Excerpts    []string
	Many        bool
	Err         error
}

// Alarm is the state of one.
type Alarm struct {
	State, Reason string
	Since         time.Time
}

// Measured is what AWS said at one moment, when so many minutes were settled.
type Measured struct {
	Settled     int
	Green, Blue Metrics
	MetricsErr  error
	// Stopped is why tasks of green stopped; ManyTasks says that there were more tasks than are looked at.
	Stopped   []string
	ManyTasks bool
	TasksErr  error
	Logs      []Lines
	Alarms    map[string]Alarm
	AlarmsErr error
}

// Result is what a look comes to, without what a report says of the job. Done says that nothing that comes later can
// change it.
type Result struct {
	finding.Report
	Done bool
}
