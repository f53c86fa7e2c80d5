package rehearsal_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	sdk "github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

const logging = `{"family":"task-app","containerDefinitions":[{"name":"other"},{"name":"app","logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"/ecs/app","awslogs-stream-prefix":"web"}}}]}`

// What a watch asks AWS for, as the SDK's own clients ask for it while the deployment runs.
func TestAWSMeasuresBothReleases(t *testing.T) {
	t.Parallel()
	h := hold(t, plan(t, func(p *rehearsal.Plan) {
		p.Release.TaskDefinition, p.Speed, p.Traffic, p.Keep = []byte(logging), 50, 200, true
		p.Watch = &suite.Watch{For: time.Minute, Alarms: []string{"orders-latency"}}
		p.Green = rehearsal.Command{Text: "dies", Argv: []string{"/bin/sh", "-c", `echo "up $RELEASE"; "$0" __builtin good "" & sleep 3; kill $!; echo ERROR out of memory >&2; exit 3`, keeper}}
	}))
	h.until("its end", notes("kept running until"))
	h.until("a task's end", notes("ended by itself: exit status 3"))
	ctx, cfg := t.Context(), aws.Config{Region: rehearsal.Region, BaseEndpoint: &h.endpoint, Credentials: credentials.NewStaticCredentialsProvider("x", "y", "")}
	client := ecs.NewFromConfig(cfg)
	listed, err := client.ListTasks(ctx, &ecs.ListTasksInput{Cluster: aws.String("rehearsal"), ServiceName: aws.String("app"), DesiredStatus: types.DesiredStatusStopped})
	if err != nil {
		t.Fatal(err)
	}
	stopped, err := client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String("rehearsal"), Tasks: listed.TaskArns})
	if err != nil {
		t.Fatal(err)
	}
	ends, died := map[string]bool{}, ""
	for _, task := range stopped.Tasks {
		code, revision := int32(0), aws.ToString(task.TaskDefinitionArn)
		if c := task.Containers[0].ExitCode; c != nil {
			code = *c
		}
		if code == 3 {
			died = aws.ToString(task.TaskArn)
			died = died[strings.LastIndex(died, "/")+1:]
		}
		ends[string(task.StopCode)+" "+revision[len(revision)-1:]] = true
	}
	if len(ends) != 2 || !ends["EssentialContainerExited 2"] || !ends["ServiceSchedulerInitiated 1"] {
		t.Errorf("stopped tasks by code and revision: %v, want green's by themselves and blue's by the deployment", ends)
	}
	logs := cloudwatchlogs.NewFromConfig(cfg)
	found, err := logs.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/ecs/app"), LogStreamNames: []string{"web/app/" + died}})
	if err != nil || len(found.Events) != 2 || aws.ToString(found.Events[0].Message) != "up 1.1.0" || aws.ToString(found.Events[1].Message) != "ERROR out of memory" {
		t.Errorf("the task's log: %+v, %v", found, err)
	}
	for group, name := range map[string]string{"targetgroup/rehearsal-tg1/0000000000000001": "blue", "targetgroup/rehearsal-tg2/0000000000000001": "green"} {
		if n := sum(ctx, t, cloudwatch.NewFromConfig(cfg), group, "RequestCount"); n == 0 {
			t.Errorf("%s: no request was counted", name)
		}
	}
	alarms, err := cloudwatch.NewFromConfig(cfg).DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{"orders-latency"}})
	if err != nil || len(alarms.MetricAlarms) != 1 || alarms.MetricAlarms[0].StateValue != cwtypes.StateValueOk {
		t.Errorf("%+v, %v", alarms, err)
	}
	h.stop()
	<-h.done
}

// sum is a metric's sum since an hour.
func sum(ctx context.Context, t *testing.T, client *cloudwatch.Client, group, metric string) (n float64) {
	t.Helper()
	out, err := client.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(time.Now().Add(-time.Hour)), EndTime: aws.Time(time.Now().Add(time.Minute)),
		MetricDataQueries: []cwtypes.MetricDataQuery{{Id: aws.String("m"), MetricStat: &cwtypes.MetricStat{
			Metric: &cwtypes.Metric{Namespace: aws.String("AWS/ApplicationELB"), MetricName: &metric, Dimensions: []cwtypes.Dimension{
				{Name: aws.String("TargetGroup"), Value: &group}, {Name: aws.String("LoadBalancer"), Value: aws.String("app/rehearsal/0000000000000001")},
			}},
			Period: aws.Int32(2), Stat: aws.String("Sum"),
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range out.MetricDataResults[0].Values {
		n += v
	}
	return n
}

// A hook that needs longer than one call invokes itself, and the deployment waits for the last one's answer.
func TestAHookInvokesItself(t *testing.T) {
	t.Parallel()
	r := hold(t, plan(t, func(p *rehearsal.Plan) {
		p.Watch, p.WatchMinute = &suite.Watch{For: time.Minute, MinRequests: 50}, 2*time.Second
		hookAt(t, p, "Again", lifecycle.AfterAllowTraffic)
	})).end(rehearsal.Shifted)
	said := ""
	for _, e := range r.Timeline {
		said += e.Text + "\n"
	}
	for _, want := range []string{"call 2, a minute is 2s", "its minutes are shortened to 2s (--watch-minute), so that 1m0s take 2s"} {
		if !strings.Contains(said, want) {
			t.Errorf("nobody says %q:\n%s", want, said)
		}
	}
	shifted := r.Shifts[slices.IndexFunc(r.Shifts, func(s rehearsal.Shift) bool { return s.Listener == "production" && s.Green == 100 })]
	if served := shifted.At.Sub(r.Started); served < 2*time.Second {
		t.Errorf("production was shifted %s after it began: the old release was measured for less than a watch", served)
	}
	unharmed(t, r)
}

// A hook that looks once a minute only is at work in between.
func TestAWatchingHookMayDoNothingForAMinute(t *testing.T) {
	t.Parallel()
	hold(t, plan(t, func(p *rehearsal.Plan) {
		p.Watch, p.WatchMinute, p.Speed, p.Traffic = &suite.Watch{For: time.Minute}, 2*time.Second, 10_000, 0
		hookAt(t, p, "Sleep", lifecycle.AfterAllowTraffic)
	})).end(rehearsal.Shifted)
}

// The watch's hook is asked before the second step of a shift, beside the one that compares, and after the last; where it
// refuses, the old release serves again.
func TestAWatchEndsADeploymentWhileTheOldReleaseStands(t *testing.T) {
	for name, run := range map[string]func(t *testing.T) rehearsal.Result{
		"CodeDeploy": func(t *testing.T) rehearsal.Result {
			t.Helper()
			return hold(t, plan(t, func(p *rehearsal.Plan) { hookAt(t, p, "Failed", lifecycle.AfterAllowTraffic) })).end(rehearsal.RolledBack)
		},
		"ECS": func(t *testing.T) rehearsal.Result {
			t.Helper()
			p := nativePlan(t, "blue-green", "FAILED", lifecycle.PostProductionTrafficShift)
			return hold(t, p).end(rehearsal.RolledBack)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t)
			if got := production(r); !slices.Equal(got, []int{0, 100, 0}) {
				t.Errorf("shares %v, want 0, 100, 0", got)
			}
			unharmed(t, r)
		})
	}
	t.Run("each step", func(t *testing.T) {
		t.Parallel()
		p := nativePlan(t, "canary:10,1m", "SUCCEEDED", lifecycle.PostProductionTrafficShift, lifecycle.PreProductionTrafficShift)
		p.Native.Watches = true
		r := hold(t, p).end(rehearsal.Shifted)
		var asked []string
		for _, h := range r.Hooks {
			asked = append(asked, fmt.Sprint(h.Event, h.Step))
		}
		same(t, asked, []string{
			"PRE_PRODUCTION_TRAFFIC_SHIFT1", "PRE_PRODUCTION_TRAFFIC_SHIFT1", "PRE_PRODUCTION_TRAFFIC_SHIFT2",
			"PRE_PRODUCTION_TRAFFIC_SHIFT2", "POST_PRODUCTION_TRAFFIC_SHIFT0",
		})
	})
}

func TestAWatchGetsEnoughTraffic(t *testing.T) {
	native := func(watches bool) rehearsal.Plan {
		p := nativePlan(t, "canary:10,5m", "SUCCEEDED")
		p.Native.Watches = watches
		return p
	}
	for name, c := range map[string]struct {
		plan  rehearsal.Plan
		watch *suite.Watch
		want  float64
	}{
		"no watch":     {plan(t, nil), nil, 0},
		"ten minutes":  {plan(t, nil), &suite.Watch{For: 10 * time.Minute, MinRequests: 50}, 8},
		"one minute":   {plan(t, nil), &suite.Watch{For: time.Minute, MinRequests: 50}, 75},
		"a small step": {native(true), &suite.Watch{For: 10 * time.Minute, MinRequests: 50}, 150},
		"after it":     {native(false), &suite.Watch{For: 10 * time.Minute, MinRequests: 50}, 8},
		"bounded":      {plan(t, nil), &suite.Watch{For: time.Minute, MinRequests: 5000}, 300},
	} {
		c.plan.Watch, c.plan.WatchMinute = c.watch, 2*time.Second
		if got := c.plan.EnoughTraffic(); got != c.want {
			t.Errorf("%s: %g requests a second, want %g", name, got, c.want)
		}
	}
}

// A task that is killed is one that stopped by itself, once it serves production and not before.
func TestTasksAreKilledUnderProductionsTraffic(t *testing.T) {
	t.Parallel()
	h := hold(t, plan(t, func(p *rehearsal.Plan) {
		p.KillEvery, p.Speed, p.TerminationWait = 200*time.Millisecond, 50, time.Hour
	}))
	h.until("the shift", func(e rehearsal.Event) bool {
		if strings.Contains(e.Text, "ended by itself") {
			t.Error("a task was killed before it served production")
		}
		return e.Listener == "production" && e.Weights["1.1.0"] == 100
	})
	h.until("a kill", notes("ended by itself: signal: killed; ECS starts another"))
	if _, err := h.client.ContinueDeployment(t.Context(), &sdk.ContinueDeploymentInput{DeploymentId: &h.id}); err != nil {
		h.until("the wait", notes("stays for the termination wait"))
		if _, err := h.client.ContinueDeployment(t.Context(), &sdk.ContinueDeploymentInput{DeploymentId: &h.id}); err != nil {
			t.Fatal(err)
		}
	}
	if r := h.end(rehearsal.Shifted); r.Killed == 0 {
		t.Error("no kill was counted")
	}
}

// A task that is served elsewhere has a log, too.
func TestAFrontWritesIntoItsTasksLog(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	h := hold(t, plan(t, func(p *rehearsal.Plan) {
		p.Release.TaskDefinition, p.Keep = []byte(logging), true
		p.Green = rehearsal.Command{Text: "served", Addrs: []string{strings.TrimPrefix(server.URL, "http://")}, Logs: func(write func(int, string)) {
			write(0, "ERROR of a front")
		}}
	}))
	h.until("its end", notes("kept running until"))
	logs := cloudwatchlogs.New(cloudwatchlogs.Options{Region: rehearsal.Region, BaseEndpoint: &h.endpoint, Credentials: aws.AnonymousCredentials{}})
	found, err := logs.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/ecs/app"), FilterPattern: aws.String("ERROR")})
	if err != nil || len(found.Events) != 1 || !strings.HasPrefix(aws.ToString(found.Events[0].LogStreamName), "web/app/") {
		t.Errorf("%+v, %v", found, err)
	}
	h.stop()
	<-h.done
}
