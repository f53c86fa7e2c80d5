package watch

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metrics "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/discovery"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/aws"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// measuring is a look at a service whose window is over, at an AWS that answers some operations as bend says.
func measuring(t *testing.T, keys string, change func(*Subject, *aws.Server), bend map[string]func(input []byte) string) Measured {
	t.Helper()
	s := watching(t, keys)
	s.Window = After(time.Now().Add(-20*time.Minute), s.Suite.Watch, time.Minute)
	log := discovery.Log{Container: "app", Group: "/ecs/s", Prefix: "p"}
	s.GreenTask.Logs, s.BlueTask.Logs, s.Redactor = []discovery.Log{log}, []discovery.Log{log}, redact.New("hunter2-hunter2")
	book := deployment.NewBook()
	book.Add(deployment.New(deployment.Deployment{ID: "d-1", Cluster: "c", Service: "s"}, time.Now()))
	server := &aws.Server{Region: "eu-west-1", Account: "123456789012", Book: book}
	server.Bend = func(w http.ResponseWriter, _ *http.Request, call aws.Call) bool {
		answer := bend[call.Operation]
		if answer == nil {
			return false
		}
		_, _ = io.WriteString(w, answer(call.Input))
		return true
	}
	if change != nil {
		change(&s, server)
	}
	h := httptest.NewServer(server)
	t.Cleanup(h.Close)
	return Measure(t.Context(), awsclient.Environment{Region: "eu-west-1", AccessKeyID: "A", SecretAccessKey: "s", Endpoint: h.URL}.Config(), s)
}

func TestMetricsComeIntoTheirMinutes(t *testing.T) {
	var since time.Time
	m := measuring(t, "", func(s *Subject, server *aws.Server) {
		since = s.Start
		server.Metrics = func(m aws.Metric, from, _ time.Time) []float64 {
			minute := int(from.Sub(since) / time.Minute)
			green := m.Dimensions["TargetGroup"] == "targetgroup/green/2"
			switch {
			case m.Dimensions["LoadBalancer"] != "app/lb/1" || green == (minute < 0):
			case m.Name == "RequestCount":
				return slices.Repeat([]float64{1}, 10+minute)
			case m.Name == "HTTPCode_Target_5XX_Count" && minute == 3:
				return []float64{1, 1}
			case m.Name == "TargetConnectionErrorCount" && minute == 3 || strings.HasPrefix(m.Name, "HTTPCode_Target_") && m.Name[16] < '5':
				return []float64{1}
			case m.Name == "TargetResponseTime":
				return []float64{0.1, 0.2}
			case m.Name == "UnHealthyHostCount":
				return []float64{0, 2}
			}
			return nil
		}
	}, nil)
	if m.MetricsErr != nil || m.Settled != 10 {
		t.Fatal(m.MetricsErr, m.Settled)
	}
	for i := range 20 {
		in, requests, errors := i >= 10, float64(i), 0.0
		if i == 13 {
			errors = 3
		}
		side, other, latency := m.Blue, m.Green, 200.0
		if in {
			side, other = m.Green, m.Blue
		}
		if side.Requests[i] != requests || side.Good[i] != 3 || side.Errors[i] != errors || side.Percentiles[2][i] != latency || side.Percentiles[0][i] != 100 || side.Unhealthy[i] != 2 {
			t.Errorf("minute %d: %v requests, %v errors, p50 %v, p99 %v", i, side.Requests[i], side.Errors[i], side.Percentiles[0][i], side.Percentiles[2][i])
		}
		if other.Requests[i] != 0 || other.Percentiles[0][i] != -1 || other.Unhealthy[i] != -1 {
			t.Errorf("minute %d of the other side: %v", i, other)
		}
	}
}

func TestTasksAreTheirReleases(t *testing.T) {
	task := func(id, definition, code, reason string, ago time.Duration) aws.Task {
		return aws.Task{ID: id, Definition: "arn:task-definition/s:" + definition, Container: "app", StopCode: code, Reason: reason, Exit: 1, Stopped: time.Now().Add(-ago)}
	}
	m := measuring(t, "", func(_ *Subject, server *aws.Server) {
		server.Tasks = func() []aws.Task {
			return []aws.Task{
				task("1", "2", "EssentialContainerExited", "hunter2-hunter2 \x1b[31mexited", time.Minute), task("2", "2", "TaskFailedToStart", "no image", time.Minute),
				task("3", "2", "ServiceSchedulerInitiated", "Task failed container health checks", time.Minute),
				task("4", "2", "EssentialContainerExited", "before the shift", time.Hour), task("5", "1", "EssentialContainerExited", "blue", time.Minute),
				task("6", "2", "UserInitiated", "by ann", time.Minute), task("7", "2", "ServiceSchedulerInitiated", "Scaling activity initiated by (deployment ecs-svc/2)", time.Minute),
				task("8", "2", "SpotInterruption", "spot", time.Minute), task("9", "2", "TerminationNotice", "notice", time.Minute), task("10", "3", "EssentialContainerExited", "nobody's", time.Minute),
				task("11", "2", "InfrastructureHealth", "a host", time.Minute), task("12", "2", "", "", 0),
			}
		}
	}, nil)
	want := `[redacted] \x1b[31mexited; app exited with 1|no image; app exited with 1|Task failed container health checks; app exited with 1`
	if got := strings.Join(m.Stopped, "|"); m.TasksErr != nil || got != want {
		t.Errorf("%v\ngot  %s\nwant %s", m.TasksErr, got, want)
	}
}

// lines are events of CloudWatch Logs, minutes ago.
func lines(events ...[3]any) func([]byte) string {
	return func([]byte) string {
		var all []string
		for _, e := range events {
			text, _ := json.Marshal(map[string]any{"logStreamName": e[0], "timestamp": time.Now().Add(-time.Duration(e[1].(int)) * time.Minute).UnixMilli(), "message": e[2]})
			all = append(all, string(text))
		}
		return `{"events":[` + strings.Join(all, ",") + `]}`
	}
}

// Empty pages are bounded, and what was not read then is said.
func TestEndlessEmptyPagesAreGivenUp(t *testing.T) {
	t.Parallel()
	var pages atomic.Int32
	m := measuring(t, ", logs: [{name: errors, pattern: error}]", nil, map[string]func([]byte) string{"FilterLogEvents": func([]byte) string {
		return fmt.Sprintf(`{"events":[],"nextToken":"%d"}`, pages.Add(1))
	}})
	if l := m.Logs[0]; l.Err != nil || !l.Many || pages.Load() != mostEmpty {
		t.Errorf("%d pages, %+v", pages.Load(), l)
	}
}

func TestLinesAreTheirReleases(t *testing.T) {
	const logs = ", logs: [{name: errors, pattern: error}]"
	two := func(_ *Subject, server *aws.Server) {
		server.Tasks = func() []aws.Task {
			return []aws.Task{{ID: "g1", Definition: "arn:task-definition/s:2"}, {ID: "b1", Definition: "arn:task-definition/s:1"}}
		}
	}
	found := lines([3]any{"p/app/g1", 15, "it is hunter2-hunter2"}, [3]any{"p/app/g1", 14, "x\ny"}, [3]any{"p/app/g1", 25, "smoked"}, [3]any{"p/app/b1", 25, "blue"}, [3]any{"p/app/b1", 15, "blue"}, [3]any{"p/app/other", 15, "nobody's"})
	m := measuring(t, logs, two, map[string]func([]byte) string{"FilterLogEvents": func(input []byte) string {
		if !strings.Contains(string(input), `"logGroupName":"/ecs/s"`) || !strings.Contains(string(input), `"logStreamNamePrefix":"p/app/"`) || !strings.Contains(string(input), `"filterPattern":"error"`) {
			t.Errorf("asked %s", input)
		}
		return found(input)
	}})
	l := m.Logs[0]
	if l.Err != nil || l.Many || l.Green[10:].sum() != 2 || l.Blue[:10].sum() != 1 || l.Blue[10:].sum() != 1 || strings.Join(l.Excerpts, "|") != "it is [redacted]|x y" {
		t.Errorf("%+v", l)
	}
	m = measuring(t, logs, func(_ *Subject, server *aws.Server) {
		server.Tasks = func() []aws.Task { return []aws.Task{{ID: "g1", Definition: "arn:task-definition/s:2"}} }
	}, map[string]func([]byte) string{"FilterLogEvents": found})
	if l := m.Logs[0]; l.Blue != nil || l.Green[10:].sum() != 2 {
		t.Errorf("blue has no task, and %+v", l)
	}
	pages, match := 0, lines([3]any{"p/app/g1", 15, "it"})
	m = measuring(t, logs, two, map[string]func([]byte) string{"FilterLogEvents": func(input []byte) string {
		pages++
		return strings.TrimSuffix(match(input), "}") + fmt.Sprintf(`,"nextToken":"%d"}`, pages)
	}})
	if !m.Logs[0].Many || pages != mostPages || m.Logs[0].Green[10:].sum() != mostPages {
		t.Errorf("%d pages, %+v", pages, m.Logs[0])
	}
	pages = 0
	m = measuring(t, logs, two, map[string]func([]byte) string{"FilterLogEvents": func(input []byte) string {
		if pages++; pages > mostPages+10 {
			return match(input)
		}
		return fmt.Sprintf(`{"events":[],"nextToken":"%d"}`, pages)
	}})
	if l := m.Logs[0]; l.Err != nil || l.Many || pages != mostPages+11 || l.Green[10:].sum() != 1 {
		t.Errorf("a match behind 30 empty pages: %d pages, %+v", pages, l)
	}
	for name, tc := range map[string]struct {
		keys   string
		change func(*Subject)
		err    string
		blue   bool
	}{
		"blue logs with another prefix": {logs, func(s *Subject) { s.BlueTask.Logs = []discovery.Log{{Container: "app", Group: "/ecs/s", Prefix: "q"}} }, "", false},
		"there is no blue":              {logs, func(s *Subject) { s.BlueTask = discovery.TaskDefinition{} }, "", false},
		"no stream prefix":              {logs, func(s *Subject) { s.GreenTask.Logs[0].Prefix = "" }, "awslogs-stream-prefix", false},
		"another container's":           {logs, func(s *Subject) { s.GreenTask.Container = "web" }, "awslogs-stream-prefix", false},
		"a group of nobody's":           {", logs: [{name: errors, pattern: error, group: /x}]", func(*Subject) {}, `"/x"`, false},
		"a group by its name":           {", logs: [{name: errors, pattern: error, group: /ecs/s}]", func(s *Subject) { s.GreenTask.Container = "web" }, "", true},
	} {
		m := measuring(t, tc.keys, func(s *Subject, server *aws.Server) { two(s, server); tc.change(s) }, map[string]func([]byte) string{"FilterLogEvents": found})
		if l := m.Logs[0]; (l.Err == nil) != (tc.err == "") || l.Err != nil && !strings.Contains(l.Err.Error(), tc.err) || (l.Blue != nil) != tc.blue {
			t.Errorf("%s: %+v", name, l)
		}
	}
}

func TestAnAnswerAboutSomethingElseIsAnError(t *testing.T) {
	l := &look{Subject: watching(t, ""), Measured: Measured{Settled: 10}}
	at := func(minutes time.Duration) []time.Time { return []time.Time{l.Start.Add(minutes * time.Minute)} }
	for name, tc := range map[string]struct {
		into   minutes
		result metrics.MetricDataResult
		ok     bool
	}{
		"the first":       {l.blank(0), metrics.MetricDataResult{Timestamps: at(-10), Values: []float64{1}}, true},
		"the last":        {l.blank(0), metrics.MetricDataResult{Timestamps: at(9), Values: []float64{1}, StatusCode: "Complete"}, true},
		"too early":       {l.blank(0), metrics.MetricDataResult{Timestamps: []time.Time{l.Start.Add(-10*time.Minute - time.Second)}, Values: []float64{1}}, false},
		"too late":        {l.blank(0), metrics.MetricDataResult{Timestamps: at(10), Values: []float64{1}}, false},
		"no value":        {l.blank(0), metrics.MetricDataResult{Timestamps: at(0)}, false},
		"not a number":    {l.blank(0), metrics.MetricDataResult{Timestamps: at(0), Values: []float64{math.NaN()}}, false},
		"less than none":  {l.blank(0), metrics.MetricDataResult{Timestamps: at(0), Values: []float64{-1}}, false},
		"endless":         {l.blank(0), metrics.MetricDataResult{Timestamps: at(0), Values: []float64{math.Inf(1)}}, false},
		"not allowed":     {l.blank(0), metrics.MetricDataResult{StatusCode: "Forbidden"}, false},
		"nobody's metric": {nil, metrics.MetricDataResult{}, false},
	} {
		if err := l.put(tc.into, tc.result); (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What cannot be read is an error where it is missing, and nowhere else.
func TestWhatCannotBeRead(t *testing.T) {
	var mu sync.Mutex
	next := 0
	endless := func([]byte) string {
		mu.Lock()
		defer mu.Unlock()
		next++
		return fmt.Sprintf(`{"taskArns":[%s],"nextToken":"%d"}`, strings.TrimSuffix(strings.Repeat(`"arn:aws:ecs:eu-west-1:1:task/c/1",`, 100), ","), next)
	}
	const keys = ", alarms: [slow], logs: [{name: errors, pattern: error}]"
	m := measuring(t, keys, nil, map[string]func([]byte) string{"ListTasks": endless, "DescribeTasks": func([]byte) string { return "{}" }, "FilterLogEvents": lines()})
	if !m.Logs[0].Many || !m.ManyTasks || next > 2*mostTasks/100+2 || m.TasksErr != nil || m.MetricsErr != nil || m.AlarmsErr != nil || !m.Read() {
		t.Errorf("%d pages of tasks, many %v: %v", next, m.ManyTasks, m)
	}
	next = 0
	m = measuring(t, keys, nil, map[string]func([]byte) string{"ListTasks": endless, "DescribeTasks": func([]byte) string { return `{"failures":[{"arn":"arn:1","reason":"MISSING"}]}` }})
	if m.TasksErr == nil || m.TasksErr.Error() != "read tasks: arn:1: MISSING" {
		t.Error(m.TasksErr)
	}
	m = measuring(t, keys, nil, map[string]func([]byte) string{"ListTasks": func([]byte) string { return "[" }})
	if m.TasksErr == nil || m.Logs[0].Err == nil || m.MetricsErr != nil || m.Read() {
		t.Errorf("%+v", m)
	}
	m = measuring(t, keys, nil, map[string]func([]byte) string{"GetMetricData": func([]byte) string { return "[" }, "DescribeAlarms": func([]byte) string { return "[" }})
	if m.TasksErr != nil || m.MetricsErr == nil || m.AlarmsErr == nil || m.Read() {
		t.Errorf("%+v", m)
	}
	for _, status := range []cbor.String{"", "PartialData"} {
		m = measuring(t, "", func(_ *Subject, s *aws.Server) {
			s.Bend = func(w http.ResponseWriter, _ *http.Request, call aws.Call) bool {
				if call.Operation != "GetMetricData" {
					return false
				}
				w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
				_, _ = w.Write(cbor.Encode(cbor.Map{"MetricDataResults": cbor.List{cbor.Map{"Id": cbor.String("g0"), "StatusCode": status}}}))
				return true
			}
		}, nil)
		if m.MetricsErr == nil || !strings.Contains(m.MetricsErr.Error(), "no whole answer") {
			t.Errorf("%s: %v", status, m.MetricsErr)
		}
	}
	m = measuring(t, "", func(s *Subject, _ *aws.Server) { s.Until = s.Start }, nil)
	if m.MetricsErr == nil || Judge(watching(t, ""), m).Checks[0].Verdict == "PASS" {
		t.Error("no minute at all, and no error")
	}
	m = measuring(t, keys, func(s *Subject, server *aws.Server) {
		server.Alarms = func() []aws.Alarm {
			return []aws.Alarm{{Name: "slow", State: "ALARM", Reason: "hunter2-hunter2\n1", Since: s.Start}}
		}
	}, nil)
	if got := m.Alarms["slow"].Reason; got != "[redacted] 1" {
		t.Errorf("an alarm's reason: %q", got)
	}
	if m := measuring(t, "", nil, nil); !m.Read() {
		t.Errorf("%+v", m)
	}
}
