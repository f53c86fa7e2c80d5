package aws_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	fake "github.com/greenlight-ecs/greenlight/pkg/rehearsal/aws"
)

func stat(id, name, statistic string, period int32) types.MetricDataQuery {
	return types.MetricDataQuery{Id: aws.String(id), MetricStat: &types.MetricStat{
		Metric: &types.Metric{Namespace: aws.String("AWS/ApplicationELB"), MetricName: aws.String(name), Dimensions: []types.Dimension{
			{Name: aws.String("TargetGroup"), Value: aws.String("targetgroup/green/1")},
		}},
		Period: aws.Int32(period), Stat: aws.String(statistic),
	}}
}

func TestCloudWatchAnswersForEachPeriodWithSamples(t *testing.T) {
	start := time.Date(2026, 11, 30, 12, 0, 1, 0, time.UTC)
	client := cloudwatch.NewFromConfig(serve(t, &fake.Server{Metrics: func(m fake.Metric, from, to time.Time) []float64 {
		switch {
		case m.Namespace != "AWS/ApplicationELB" || m.Dimensions["TargetGroup"] != "targetgroup/green/1" || to.Sub(from) != 2*time.Second || from.Second()%2 != 0:
			t.Errorf("asked for %+v from %s to %s", m, from, to)
		case m.Name == "TargetResponseTime" && from.Second() == 2:
			return []float64{0.4, 0.1, 0.3, 0.2}
		case m.Name == "RequestCount":
			return []float64{1, 1, 1}
		}
		return nil
	}}))
	ask := func(scan types.ScanBy) []types.MetricDataResult {
		t.Helper()
		queries := []types.MetricDataQuery{stat("requests", "RequestCount", "Sum", 2)}
		for id, s := range map[string]string{"p50": "p50", "p99": "p99", "mean": "Average", "least": "Minimum", "most": "Maximum", "n": "SampleCount"} {
			queries = append(queries, stat(id, "TargetResponseTime", s, 2))
		}
		out, err := client.GetMetricData(bounded(t), &cloudwatch.GetMetricDataInput{
			StartTime: aws.Time(start), EndTime: aws.Time(start.Add(5 * time.Second)), ScanBy: scan, MetricDataQueries: queries,
		})
		if err != nil {
			t.Fatal(err)
		}
		return out.MetricDataResults
	}
	for _, r := range ask(types.ScanByTimestampAscending) {
		want := map[string]float64{"p50": 0.2, "p99": 0.4, "mean": 0.25, "least": 0.1, "most": 0.4, "n": 4, "requests": 3}[aws.ToString(r.Id)]
		if r.StatusCode != types.StatusCodeComplete || r.Values[0] != want {
			t.Errorf("%s: %+v, want %g", aws.ToString(r.Id), r, want)
		}
		times := []time.Time{start.Add(time.Second)}
		if *r.Id == "requests" {
			times = []time.Time{start.Add(-time.Second), start.Add(time.Second), start.Add(3 * time.Second)}
		}
		if !slices.EqualFunc(r.Timestamps, times, time.Time.Equal) {
			t.Errorf("%s: at %s, want %s", *r.Id, r.Timestamps, times)
		}
	}
	if newest := ask("")[0].Timestamps[0]; !newest.Equal(start.Add(3 * time.Second)) {
		t.Errorf("the first one is %s: the newest comes first where nobody asks for another order", newest)
	}
	expression := types.MetricDataQuery{Id: aws.String("e"), Expression: aws.String("1+1")}
	for name, queries := range map[string][]types.MetricDataQuery{
		"none": nil, "expression": {expression}, "statistic": {stat("a", "A", "p", 2)}, "id": {stat("A", "A", "Sum", 2)}, "period": {stat("a", "A", "Sum", 0)},
	} {
		if _, err := client.GetMetricData(bounded(t), &cloudwatch.GetMetricDataInput{StartTime: aws.Time(start), EndTime: aws.Time(start.Add(time.Second)), MetricDataQueries: queries}); queries != nil && code(t, err) != "ValidationError" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := client.ListMetrics(bounded(t), &cloudwatch.ListMetricsInput{}); code(t, err) != "UnknownOperationException" {
		t.Errorf("an operation that is not answered: %v", err)
	}
}

func TestCloudWatchTellsAlarms(t *testing.T) {
	since := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	client := cloudwatch.NewFromConfig(serve(t, &fake.Server{Alarms: func() []fake.Alarm {
		return []fake.Alarm{{Name: "latency", State: "ALARM", Reason: "too slow", Since: since}, {Name: "other", State: "OK", Since: since}}
	}}))
	out, err := client.DescribeAlarms(bounded(t), &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{"latency", "none"}})
	if err != nil || len(out.MetricAlarms) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	if a := out.MetricAlarms[0]; aws.ToString(a.AlarmName) != "latency" || a.StateValue != types.StateValueAlarm || aws.ToString(a.StateReason) != "too slow" ||
		!aws.ToTime(a.StateTransitionedTimestamp).Equal(since) {
		t.Errorf("%+v", a)
	}
	if out, err := client.DescribeAlarms(bounded(t), &cloudwatch.DescribeAlarmsInput{}); err != nil || len(out.MetricAlarms) != 2 {
		t.Errorf("all: %+v, %v", out, err)
	}
}

func TestLogsAreFiltered(t *testing.T) {
	s := &fake.Server{}
	client := cloudwatchlogs.NewFromConfig(serve(t, s))
	before := time.Now()
	s.Log("/ecs/app", "app/web/1", `{"level":"error","status":500,"user":{"name":"ann"}}`, "GET /ok 200", "ERROR Exception at line 7", "say \"hi\" to ERROR")
	s.Log("/ecs/app", "app/web/2", "WARN slow", `{"level":"info","status":200}`)
	ask := func(in cloudwatchlogs.FilterLogEventsInput) (found []string, err error) {
		in.LogGroupName = aws.String("/ecs/app")
		for pages := cloudwatchlogs.NewFilterLogEventsPaginator(client, &in); pages.HasMorePages(); {
			out, err := pages.NextPage(bounded(t))
			if err != nil {
				return nil, err
			}
			for _, e := range out.Events {
				found = append(found, aws.ToString(e.Message)[:4])
			}
		}
		return found, nil
	}
	all := []string{`{"le`, "GET ", "ERRO", "say ", "WARN", `{"le`}
	for text, want := range map[string][]string{
		"": all, "ERROR": {"ERRO", "say "}, "ERROR -Exception": {"say "}, "?WARN ?GET": {"GET ", "WARN"}, "ERROR ?WARN": {"ERRO", "say "},
		`"\"level\":\"error\""`: {`{"le`}, `"at line"`: {"ERRO"}, "error": {`{"le`}, `"ok 2"`: {"GET "}, `-"ok 2" -ERROR -level`: {"WARN"},
		`{ $.level = "error" }`: {`{"le`}, `{$.status>=500}`: {`{"le`}, `{ $.status = 200 }`: {`{"le`}, `{ $.level != "info" && $.status < 501 }`: {`{"le`},
		`{ ($.user.name = "ann" || $.status = 7) && $.level = "error" }`: {`{"le`}, `{ $.none = "x" }`: nil,
	} {
		if got, err := ask(cloudwatchlogs.FilterLogEventsInput{FilterPattern: aws.String(text)}); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{`"level":"error"`, "foo-bar", "{ $.a }", "{ $.a = ", `{ ($.a = "b" }`, "{}", `{ $.level = "*" }`, `{ @.a == "b" }`, "[a, b]", "%x%", `{ $.a > "b" }`} {
		if _, err := ask(cloudwatchlogs.FilterLogEventsInput{FilterPattern: aws.String(text)}); code(t, err) != "InvalidParameterException" {
			t.Errorf("%s: %v, want it refused", text, err)
		}
	}
	for name, c := range map[string]struct {
		in   cloudwatchlogs.FilterLogEventsInput
		want []string
	}{
		"pages":        {cloudwatchlogs.FilterLogEventsInput{Limit: aws.Int32(2)}, all},
		"streams":      {cloudwatchlogs.FilterLogEventsInput{LogStreamNames: []string{"app/web/2"}}, all[4:]},
		"prefix":       {cloudwatchlogs.FilterLogEventsInput{LogStreamNamePrefix: aws.String("app/web/1")}, all[:4]},
		"too early":    {cloudwatchlogs.FilterLogEventsInput{EndTime: aws.Int64(before.UnixMilli() - 1)}, nil},
		"in the range": {cloudwatchlogs.FilterLogEventsInput{StartTime: aws.Int64(before.UnixMilli()), EndTime: aws.Int64(time.Now().UnixMilli())}, all},
		"too late":     {cloudwatchlogs.FilterLogEventsInput{StartTime: aws.Int64(time.Now().Add(time.Second).UnixMilli())}, nil},
	} {
		if got, err := ask(c.in); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
	if _, err := ask(cloudwatchlogs.FilterLogEventsInput{LogStreamNames: []string{"none"}}); code(t, err) != "ResourceNotFoundException" {
		t.Errorf("a stream that does not exist: %v", err)
	}
	// The oldest lines go.
	s.Log("/ecs/app", "app/web/3", make([]string, 50_000)...)
	if got, err := ask(cloudwatchlogs.FilterLogEventsInput{FilterPattern: aws.String("WARN")}); err != nil || got != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestStoppedTasksSayWhy(t *testing.T) {
	at := time.Unix(1_790_000_000, 0)
	_, book := serveECS(t)
	client := ecs.NewFromConfig(serve(t, &fake.Server{Book: book, Tasks: func() []fake.Task {
		return []fake.Task{
			{ID: "1", Definition: arn + "2", StartedBy: "ecs-svc/2", Container: "app", Started: at},
			{ID: "2", Definition: arn + "2", StartedBy: "ecs-svc/2", Container: "app", Started: at, Stopped: at.Add(time.Minute), StopCode: "EssentialContainerExited", Reason: "Essential container in task exited", Exit: 137},
		}
	}}))
	list := func(in ecs.ListTasksInput) []string {
		t.Helper()
		in.Cluster = aws.String("cluster")
		out, err := client.ListTasks(bounded(t), &in)
		if err != nil {
			t.Fatal(err)
		}
		return out.TaskArns
	}
	stopped := list(ecs.ListTasksInput{ServiceName: aws.String("app"), DesiredStatus: ecstypes.DesiredStatusStopped})
	if len(stopped) != 1 || len(list(ecs.ListTasksInput{})) != 1 || len(list(ecs.ListTasksInput{Family: aws.String("other")})) != 0 || len(list(ecs.ListTasksInput{StartedBy: aws.String("x")})) != 0 {
		t.Fatalf("stopped %q", stopped)
	}
	out, err := client.DescribeTasks(bounded(t), &ecs.DescribeTasksInput{Cluster: aws.String("cluster"), Tasks: append(stopped, "none")})
	if err != nil || len(out.Tasks) != 1 || len(out.Failures) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	if got := out.Tasks[0]; got.StopCode != ecstypes.TaskStopCodeEssentialContainerExited || aws.ToInt32(got.Containers[0].ExitCode) != 137 || aws.ToString(got.TaskDefinitionArn) != arn+"2" ||
		!aws.ToTime(got.StoppedAt).Equal(at.Add(time.Minute)) || aws.ToString(got.StoppedReason) == "" || aws.ToString(got.LastStatus) != "STOPPED" {
		t.Errorf("%+v", got)
	}
	if _, err := client.ListTasks(bounded(t), &ecs.ListTasksInput{Cluster: aws.String("cluster"), ServiceName: aws.String("none")}); code(t, err) != "ServiceNotFoundException" {
		t.Errorf("%v", err)
	}
}
