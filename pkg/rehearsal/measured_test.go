package rehearsal_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

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
