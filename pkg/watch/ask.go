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
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
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
	filterTime = 10 * time.Second // one page of a large log group takes its time
	mostPages  = 20
	mostTasks  = 500
	tasksAtATime,
	mostExcerpts, mostText = 100, 3, 300
)

// Client asks AWS.
type Client struct {
	AWS aws.Config
}

// Measure asks AWS for all that a subject is judged by. What cannot be read is an error in its place.
func (c Client) Measure(ctx context.Context, s Subject) Measured {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	m := Measured{Settled: s.settled(time.Now())}
	w := s.Suite.Watch()
	parallel.Do(
		func() { m.MetricsErr = c.metrics(ctx, s, &m) },
		func() {
			if len(w.Alarms) > 0 {
				m.Alarms, m.AlarmsErr = c.alarms(ctx, s, w.Alarms)
			}
		},
		func() {
			var of map[string]bool
			of, m.TasksErr = c.tasks(ctx, s, &m)
			for _, l := range w.Logs {
				lines := Lines{Err: m.TasksErr}
				if m.TasksErr == nil {
					lines = c.lines(ctx, s, m.Settled, l.Pattern, l.Group, of)
				}
				lines.Many = lines.Many || m.ManyTasks
				m.Logs = append(m.Logs, lines)
			}
		},
	)
	return m
}

// Read reports whether everything could be read.
func (m Measured) Read() bool {
	return m.MetricsErr == nil && m.TasksErr == nil && m.AlarmsErr == nil &&
		!slices.ContainsFunc(m.Logs, func(l Lines) bool { return l.Err != nil })
}

// blank are minutes in which nothing was measured, or 0 was where nothing is said.
func blank(n int, value float64) minutes { return slices.Repeat(minutes{value}, n) }

// metrics reads both target groups' metrics of the window, and of as many minutes before.
func (c Client) metrics(ctx context.Context, s Subject, m *Measured) error {
	n := s.Minutes()
	if n == 0 {
		return errors.New("there is not one whole minute to be watched")
	}
	from := s.Start.Add(-time.Duration(n) * s.Minute)
	wanted := []struct{ name, stat string }{
		{"RequestCount", "Sum"}, {"HTTPCode_Target_5XX_Count", "Sum"}, {"TargetConnectionErrorCount", "Sum"},
		{"UnHealthyHostCount", "Maximum"}, {"TargetResponseTime", "p50"}, {"TargetResponseTime", "p95"},
		{"TargetResponseTime", "p99"},
	}
	var queries []cwtypes.MetricDataQuery
	found := map[string]minutes{}
	for side, group := range map[string]string{"g": s.GreenTask.TargetGroup, "b": s.BlueTask.TargetGroup} {
		for i, q := range wanted {
			id := fmt.Sprint(side, i)
			if found[id] = blank(2*n, -1); q.stat == "Sum" {
				found[id] = blank(2*n, 0)
			}
			if group == "" {
				continue
			}
			queries = append(queries, cwtypes.MetricDataQuery{Id: aws.String(id), MetricStat: &cwtypes.MetricStat{
				Metric: &cwtypes.Metric{
					Namespace: aws.String("AWS/ApplicationELB"), MetricName: aws.String(q.name),
					Dimensions: []cwtypes.Dimension{
						{Name: aws.String("TargetGroup"), Value: aws.String(groupDimension(group))},
						{Name: aws.String("LoadBalancer"), Value: aws.String(s.LoadBalancer)},
					},
				},
				Period: aws.Int32(int32(s.Minute / time.Second)), Stat: aws.String(q.stat), //nolint:gosec // at most a minute
			}})
		}
	}
	until := s.Start.Add(time.Duration(m.Settled) * s.Minute)
	pages := cloudwatch.NewGetMetricDataPaginator(cloudwatch.NewFromConfig(c.AWS), &cloudwatch.GetMetricDataInput{
		MetricDataQueries: queries, StartTime: aws.Time(from), EndTime: aws.Time(until),
	})
	for range mostPages {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("read metrics: %w", awsclient.Error(err))
		}
		for _, r := range page.MetricDataResults {
			if err := put(found[aws.ToString(r.Id)], r, from, s.Minute); err != nil {
				return err
			}
		}
		if !pages.HasMorePages() {
			of := func(side string, first, last int) Metrics {
				at := func(i int) minutes { return found[fmt.Sprint(side, i)][first:last] }
				x := Metrics{Requests: at(0), Errors: slices.Clone(at(1)), Unhealthy: at(3), Percentiles: [3]minutes{at(4), at(5), at(6)}}
				for i, v := range at(2) {
					x.Errors[i] += v
				}
				return x
			}
			m.Green, m.Same, m.Earlier = of("g", n, n+m.Settled), of("b", n, n+m.Settled), of("b", 0, n)
			return nil
		}
	}
	return errors.New("read metrics: the answer has too many pages")
}

// put puts the values of an answer into their minutes.
func put(into minutes, r cwtypes.MetricDataResult, from time.Time, minute time.Duration) error {
	if into == nil || r.StatusCode != "" && r.StatusCode != cwtypes.StatusCodeComplete &&
		r.StatusCode != cwtypes.StatusCodePartialData || len(r.Values) != len(r.Timestamps) {
		return fmt.Errorf("read metrics: the answer for %.60q is %.60q, and not one value for each minute",
			aws.ToString(r.Id), r.StatusCode)
	}
	for i, at := range r.Timestamps {
		n := int(at.Sub(from) / minute)
		if at.Before(from) || n >= len(into) {
			return errors.New("read metrics: the answer is about another time")
		}
		if into[n] = r.Values[i]; strings.ContainsAny(aws.ToString(r.Id), "456") {
			into[n] *= 1000 // seconds
		}
	}
	return nil
}

// groupDimension is "targetgroup/name/id" of a target group's ARN.
func groupDimension(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }

// alarms reads the states of alarms by their names. One that CloudWatch does not know is not among them.
func (c Client) alarms(ctx context.Context, s Subject, names []string) (map[string]Alarm, error) {
	out, err := cloudwatch.NewFromConfig(c.AWS).DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
		AlarmNames: names, AlarmTypes: []cwtypes.AlarmType{cwtypes.AlarmTypeMetricAlarm, cwtypes.AlarmTypeCompositeAlarm},
		MaxRecords: aws.Int32(100),
	})
	if err != nil {
		return nil, fmt.Errorf("read alarms: %w", awsclient.Error(err))
	}
	found := map[string]Alarm{}
	add := func(name, reason *string, state cwtypes.StateValue, at ...*time.Time) {
		found[aws.ToString(name)] = Alarm{
			string(state), s.Redactor.Line(aws.ToString(reason), mostText), aws.ToTime(cmp.Or(at...)),
		}
	}
	for _, a := range out.MetricAlarms {
		add(a.AlarmName, a.StateReason, a.StateValue, a.StateTransitionedTimestamp, a.StateUpdatedTimestamp)
	}
	for _, a := range out.CompositeAlarms {
		add(a.AlarmName, a.StateReason, a.StateValue, a.StateTransitionedTimestamp, a.StateUpdatedTimestamp)
	}
	return found, nil
}

// tasks reads the service's tasks: those of green that stopped without having been asked to, and by the task's id
// whether it is green's; what is neither green's nor blue's is not in it.
func (c Client) tasks(ctx context.Context, s Subject, m *Measured) (map[string]bool, error) {
	api := ecs.NewFromConfig(c.AWS)
	var arns []string
	for _, status := range []types.DesiredStatus{types.DesiredStatusRunning, types.DesiredStatusStopped} {
		pages := ecs.NewListTasksPaginator(api, &ecs.ListTasksInput{
			Cluster: aws.String(s.Cluster), ServiceName: aws.String(s.Service), DesiredStatus: status,
		})
		for first := len(arns); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("list tasks: %w", awsclient.Error(err))
			}
			if arns = append(arns, page.TaskArns...); len(arns) >= first+mostTasks && pages.HasMorePages() {
				m.ManyTasks = true
				break
			}
		}
	}
	of := map[string]bool{}
	for some := range slices.Chunk(arns, tasksAtATime) {
		out, err := api.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String(s.Cluster), Tasks: some})
		if err != nil {
			return nil, fmt.Errorf("read tasks: %w", awsclient.Error(err))
		}
		for _, t := range out.Tasks {
			arn, definition := aws.ToString(t.TaskArn), aws.ToString(t.TaskDefinitionArn)
			green := definition == s.GreenTask.ARN
			if green || definition == s.BlueTask.ARN {
				of[arn[strings.LastIndexByte(arn, '/')+1:]] = green
			}
			if at := aws.ToTime(cmp.Or(t.StoppingAt, t.StoppedAt)); green && !at.Before(s.Since) && unasked(t) {
				m.Stopped = append(m.Stopped, Stopped{at, s.Redactor.Line(why(t), mostText)})
			}
		}
	}
	slices.SortFunc(m.Stopped, func(a, b Stopped) int { return a.At.Compare(b.At) })
	return of, nil
}

// unasked reports whether a task stopped by itself: not for a deployment, a scaling, a person, or since AWS wants its
// machine. The service's scheduler also stops what fails its health checks.
func unasked(t types.Task) bool {
	switch t.StopCode {
	case types.TaskStopCodeUserInitiated, types.TaskStopCodeSpotInterruption, types.TaskStopCodeTerminationNotice,
		types.TaskStopCodeInfrastructureHealth:
		return false
	case types.TaskStopCodeServiceSchedulerInitiated:
		return strings.Contains(aws.ToString(t.StoppedReason), "failed")
	}
	return t.StopCode != "" || aws.ToString(t.StoppedReason) != ""
}

func why(t types.Task) string {
	text := cmp.Or(aws.ToString(t.StoppedReason), string(t.StopCode))
	for _, c := range t.Containers {
		if c.ExitCode != nil {
			text += fmt.Sprintf("; %s exited with %d", aws.ToString(c.Name), *c.ExitCode)
		}
		if c.Reason != nil {
			text += " (" + *c.Reason + ")"
		}
	}
	return text
}

// lines counts what a pattern finds in the logs of both releases' tasks. The stream of a task is
// "prefix/container/task".
func (c Client) lines(
	ctx context.Context, s Subject, settled int, pattern, group string, of map[string]bool,
) Lines {
	n := s.Minutes()
	found := Lines{Green: blank(settled, 0), Same: blank(settled, 0), Earlier: blank(n, 0)}
	log, err := logOf(s.GreenTask, group)
	if err != nil {
		return Lines{Err: err}
	}
	prefix := log.Prefix + "/" + log.Container + "/"
	from := s.Start.Add(-time.Duration(n) * s.Minute)
	until := s.Start.Add(time.Duration(settled) * s.Minute)
	api := cloudwatchlogs.NewFromConfig(awsclient.Within(c.AWS, filterTime))
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(api, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: aws.String(log.Group), LogStreamNamePrefix: aws.String(prefix), FilterPattern: aws.String(pattern),
		StartTime: aws.Int64(from.UnixMilli()), EndTime: aws.Int64(until.UnixMilli() - 1),
	})
	for range mostPages {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return Lines{Err: fmt.Errorf("read logs: %w", awsclient.Error(err))}
		}
		for _, e := range page.Events {
			at := int(time.UnixMilli(aws.ToInt64(e.Timestamp)).Sub(from) / s.Minute)
			green, known := of[strings.TrimPrefix(aws.ToString(e.LogStreamName), prefix)]
			switch {
			case !known || at < 0 || at >= n+settled || green && at < n:
			case green:
				found.Green[at-n]++
				if len(found.Excerpts) < mostExcerpts {
					found.Excerpts = append(found.Excerpts, s.Redactor.Line(aws.ToString(e.Message), mostText))
				}
			case at < n:
				found.Earlier[at]++
			default:
				found.Same[at-n]++
			}
		}
		if !pages.HasMorePages() {
			return found
		}
	}
	found.Many = true
	return found
}

// logOf is where the container behind the load balancer writes to, or the one that writes to the group.
func logOf(d discovery.TaskDefinition, group string) (discovery.Log, error) {
	for _, l := range d.Logs {
		if (group == "" && l.Container == d.Container || l.Group == group) && l.Prefix != "" {
			return l, nil
		}
	}
	if group == "" {
		return discovery.Log{}, fmt.Errorf("the container %s does not log by awslogs with an awslogs-stream-prefix", d.Container)
	}
	return discovery.Log{}, fmt.Errorf("no container logs into %.200q by awslogs with an awslogs-stream-prefix", group)
}
