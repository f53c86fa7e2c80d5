package watch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	metrics "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/discovery"
	"github.com/greenlight-ecs/greenlight/pkg/parallel"
)

// The bounds of one look.
const (
	lookTime   = 25 * time.Second
	filterTime = 10 * time.Second // for a page of a large log group
	mostPages  = 20               // with matches
	mostEmpty  = 100              // pages in a row: a large log group has many between the matches
	mostTasks  = 1000
	mostShown  = 3
	mostText   = 300
	mostValue  = 1e9 // requests, seconds, targets in a minute
)

// look is one look at a subject.
type look struct {
	Subject
	Measured
	aws aws.Config
	// green says of a task's id whether it is green's; what is neither green's nor blue's is not in it. blue says that
	// there are tasks of blue, many that there are more than are looked at.
	green      map[string]bool
	blue, many bool
}

// Measure asks AWS for all that a subject is judged by. What cannot be read is an error in its place.
func Measure(ctx context.Context, cfg aws.Config, s Subject) Measured {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	l := &look{Subject: s, Measured: Measured{Settled: s.settled(time.Now())}, aws: cfg, green: map[string]bool{}}
	w := s.Suite.Watch
	parallel.Do(
		func() { l.MetricsErr = l.metrics(ctx) },
		func() { l.AlarmsErr = l.alarms(ctx, w.Alarms) },
		func() {
			l.TasksErr = l.tasks(ctx)
			for _, log := range w.Logs {
				lines := Lines{Err: l.TasksErr}
				if l.TasksErr == nil {
					lines = l.lines(ctx, log.Pattern, log.Group)
				}
				l.Logs = append(l.Logs, lines)
			}
		},
	)
	return l.Measured
}

// Read reports whether everything could be read.
func (m Measured) Read() bool {
	return cmp.Or(m.MetricsErr, m.TasksErr, m.AlarmsErr) == nil &&
		!slices.ContainsFunc(m.Logs, func(l Lines) bool { return l.Err != nil })
}

// blank are the minutes of a look, all with a value.
func (l *look) blank(value float64) minutes {
	return slices.Repeat(minutes{value}, l.Minutes()+l.Settled)
}

// end is where the settled minutes end.
func (l *look) end() time.Time { return l.Start.Add(time.Duration(l.Settled) * l.Minute) }

// metrics reads both target groups' metrics.
func (l *look) metrics(ctx context.Context) error {
	if l.Minutes() == 0 {
		return errors.New("there is not one whole minute to be watched")
	}
	var queries []metrics.MetricDataQuery
	found, whole := map[string]minutes{}, map[string]bool{}
	for side, group := range map[string]string{"g": l.GreenTask.TargetGroup, "b": l.BlueTask.TargetGroup} {
		for i, q := range [][2]string{
			{"RequestCount", "Sum"},
			{"HTTPCode_Target_5XX_Count", "Sum"},
			{"TargetConnectionErrorCount", "Sum"},
			{"UnHealthyHostCount", "Maximum"},
			{"TargetResponseTime", "p50"},
			{"TargetResponseTime", "p95"},
			{"TargetResponseTime", "p99"},
			{"HTTPCode_Target_2XX_Count", "Sum"},
			{"HTTPCode_Target_3XX_Count", "Sum"},
			{"HTTPCode_Target_4XX_Count", "Sum"},
		} {
			id := fmt.Sprint(side, i)
			if found[id] = l.blank(-1); q[1] == "Sum" { // CloudWatch does not say 0
				found[id] = l.blank(0)
			}
			if group == "" {
				continue
			}
			queries = append(queries, metrics.MetricDataQuery{Id: &id, MetricStat: &metrics.MetricStat{
				Stat: &q[1], Period: aws.Int32(int32(l.Minute / time.Second)),
				Metric: &metrics.Metric{
					Namespace: aws.String("AWS/ApplicationELB"), MetricName: &q[0],
					Dimensions: []metrics.Dimension{
						{Name: aws.String("TargetGroup"), Value: aws.String(group[strings.LastIndexByte(group, ':')+1:])},
						{Name: aws.String("LoadBalancer"), Value: &l.LoadBalancer},
					},
				},
			}})
		}
	}
	pages := cloudwatch.NewGetMetricDataPaginator(cloudwatch.NewFromConfig(l.aws), &cloudwatch.GetMetricDataInput{
		MetricDataQueries: queries, StartTime: aws.Time(l.before()), EndTime: aws.Time(l.end()),
	})
	for n := 0; pages.HasMorePages(); n++ {
		page, err := pages.NextPage(ctx)
		if n == mostPages {
			err = errors.New("there are too many pages")
		}
		if err != nil {
			return fmt.Errorf("read metrics: %w", awsclient.Error(err))
		}
		for _, r := range page.MetricDataResults {
			whole[aws.ToString(r.Id)] = r.StatusCode == metrics.StatusCodeComplete
			if err := l.put(found[aws.ToString(r.Id)], r); err != nil {
				return fmt.Errorf("read metrics: %w", err)
			}
		}
	}
	for _, q := range queries { // else what is missing would be 0
		if !whole[*q.Id] {
			return fmt.Errorf("read metrics: there is no whole answer for %s", *q.MetricStat.Metric.MetricName)
		}
	}
	for side, m := range map[string]*Metrics{"g": &l.Green, "b": &l.Blue} {
		*m = Metrics{found[side+"0"], found[side+"1"], found[side+"7"], found[side+"3"], [3]minutes{found[side+"4"], found[side+"5"], found[side+"6"]}}
		for i, refused := range found[side+"2"] {
			m.Errors[i] += refused
			m.Good[i] += found[side+"8"][i] + found[side+"9"][i]
		}
	}
	return nil
}

// put puts the values of an answer into their minutes.
func (l *look) put(into minutes, r metrics.MetricDataResult) error {
	if into == nil || r.StatusCode == metrics.StatusCodeForbidden || r.StatusCode == metrics.StatusCodeInternalError ||
		len(r.Values) != len(r.Timestamps) {
		return fmt.Errorf("the answer for %.60q is %.60q", aws.ToString(r.Id), r.StatusCode)
	}
	for i, at := range r.Timestamps {
		n := int(at.Sub(l.before()) / l.Minute)
		if at.Before(l.before()) || n >= len(into) {
			return errors.New("the answer is about another time")
		}
		if !(r.Values[i] >= 0 && r.Values[i] < mostValue) {
			return fmt.Errorf("the answer for %.60q holds %g", aws.ToString(r.Id), r.Values[i])
		}
		if into[n] = r.Values[i]; strings.ContainsAny(aws.ToString(r.Id), "456") {
			into[n] *= 1000 // seconds
		}
	}
	return nil
}

// alarms reads the states of alarms by their names. One that CloudWatch does not know is not among them.
func (l *look) alarms(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	out, err := cloudwatch.NewFromConfig(l.aws).DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
		AlarmNames: names, AlarmTypes: []metrics.AlarmType{metrics.AlarmTypeMetricAlarm, metrics.AlarmTypeCompositeAlarm},
		MaxRecords: aws.Int32(100),
	})
	if err != nil {
		return fmt.Errorf("read alarms: %w", awsclient.Error(err))
	}
	l.Alarms = map[string]Alarm{}
	add := func(name, reason *string, state metrics.StateValue, at *time.Time) {
		l.Alarms[aws.ToString(name)] = Alarm{string(state), l.Redactor.Line(aws.ToString(reason), mostText), aws.ToTime(at)}
	}
	for _, a := range out.MetricAlarms {
		add(a.AlarmName, a.StateReason, a.StateValue, cmp.Or(a.StateTransitionedTimestamp, a.StateUpdatedTimestamp))
	}
	for _, a := range out.CompositeAlarms {
		add(a.AlarmName, a.StateReason, a.StateValue, cmp.Or(a.StateTransitionedTimestamp, a.StateUpdatedTimestamp))
	}
	return nil
}

// tasks reads the service's tasks: whose each is, and why those of green stopped that nobody had asked to.
func (l *look) tasks(ctx context.Context) error {
	api := ecs.NewFromConfig(l.aws)
	var arns []string
	for _, status := range []types.DesiredStatus{types.DesiredStatusStopped, types.DesiredStatusRunning} {
		pages := ecs.NewListTasksPaginator(api, &ecs.ListTasksInput{Cluster: &l.Cluster, ServiceName: &l.Service, DesiredStatus: status})
		for pages.HasMorePages() && !l.many {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return fmt.Errorf("list tasks: %w", awsclient.Error(err))
			}
			arns = append(arns, page.TaskArns...)
			l.many = len(arns) > mostTasks
		}
		if status == types.DesiredStatusStopped {
			l.ManyTasks = l.many
		}
	}
	for some := range slices.Chunk(arns, 100) {
		out, err := api.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &l.Cluster, Tasks: some})
		if err != nil {
			return fmt.Errorf("read tasks: %w", awsclient.Error(err))
		}
		if len(out.Failures) > 0 { // why it stopped, nobody would know
			return fmt.Errorf("read tasks: %.200s: %.100s", aws.ToString(out.Failures[0].Arn), aws.ToString(out.Failures[0].Reason))
		}
		for _, t := range out.Tasks {
			arn, definition := aws.ToString(t.TaskArn), aws.ToString(t.TaskDefinitionArn)
			green := definition == l.GreenTask.ARN
			if green || definition == l.BlueTask.ARN {
				l.green[arn[strings.LastIndexByte(arn, '/')+1:]], l.blue = green, l.blue || !green
			}
			if at := aws.ToTime(cmp.Or(t.StoppingAt, t.StoppedAt)); green && !at.Before(l.Since) && unasked(t) {
				l.Stopped = append(l.Stopped, l.Redactor.Line(why(t), mostText))
			}
		}
	}
	return nil
}

// unasked reports whether a task stopped by itself: not for a deployment, a scaling, a person, or since AWS wants its
// machine. The service's scheduler also stops what fails its health checks.
func unasked(t types.Task) bool {
	if t.StopCode == types.TaskStopCodeServiceSchedulerInitiated {
		return strings.Contains(aws.ToString(t.StoppedReason), "failed")
	}
	return (t.StopCode != "" || t.StoppedReason != nil) && !slices.Contains([]types.TaskStopCode{
		types.TaskStopCodeUserInitiated, types.TaskStopCodeSpotInterruption, types.TaskStopCodeTerminationNotice,
		types.TaskStopCodeInfrastructureHealth,
	}, t.StopCode)
}

func why(t types.Task) string {
	text := cmp.Or(aws.ToString(t.StoppedReason), string(t.StopCode))
	for _, c := range t.Containers {
		if c.ExitCode != nil {
			text += fmt.Sprintf("; %s exited with %d %s", aws.ToString(c.Name), *c.ExitCode, aws.ToString(c.Reason))
		}
	}
	return text
}

// lines counts what a pattern finds in the logs of both releases' tasks.
func (l *look) lines(ctx context.Context, pattern, group string) Lines {
	n := slices.IndexFunc(l.GreenTask.Logs, func(d discovery.Log) bool {
		return (group == "" && d.Container == l.GreenTask.Container || d.Group == group) && d.Prefix != ""
	})
	if n < 0 {
		return Lines{Err: fmt.Errorf("no container, or not that behind the load balancer, logs by awslogs with an "+
			"awslogs-stream-prefix into %.200q", cmp.Or(group, "a group"))}
	}
	log, found := l.GreenTask.Logs[n], Lines{Green: l.blank(0), Many: l.many}
	if l.blue && slices.Contains(l.BlueTask.Logs, log) {
		found.Blue = l.blank(0)
	}
	prefix := log.Prefix + "/" + log.Container + "/" // and the task's id
	api := cloudwatchlogs.NewFromConfig(awsclient.Within(l.aws, filterTime))
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(api, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: &log.Group, LogStreamNamePrefix: &prefix, FilterPattern: &pattern,
		StartTime: aws.Int64(l.before().UnixMilli()), EndTime: aws.Int64(l.end().UnixMilli() - 1),
	})
	full, empty := 0, 0
	for pages.HasMorePages() {
		if full == mostPages || empty == mostEmpty {
			found.Many = true
			break
		}
		page, err := pages.NextPage(ctx)
		if err != nil {
			return Lines{Err: fmt.Errorf("read logs: %w", awsclient.Error(err))}
		}
		if empty++; len(page.Events) > 0 {
			full, empty = full+1, 0
		}
		for _, e := range page.Events {
			at := int(time.UnixMilli(aws.ToInt64(e.Timestamp)).Sub(l.before()) / l.Minute)
			green, known := l.green[strings.TrimPrefix(aws.ToString(e.LogStreamName), prefix)]
			switch {
			case !known || at < 0 || at >= len(found.Green):
			case !green && found.Blue == nil:
			case !green:
				found.Blue[at]++
			default:
				if found.Green[at]++; at >= l.Minutes() && len(found.Excerpts) < mostShown {
					found.Excerpts = append(found.Excerpts, l.Redactor.Line(aws.ToString(e.Message), mostText))
				}
			}
		}
	}
	return found
}
