package aws_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	fake "github.com/greenlight-ecs/greenlight/pkg/rehearsal/aws"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// A call is a service, an operation and its parameters, as boto3 names them.
type call [3]any

type params map[string]any

// fit makes the calls, and wants every answer to fit botocore's model of the operation. It returns the operations that
// were answered without an error.
func fit(t *testing.T, endpoint string, calls ...call) []string {
	t.Helper()
	if err := exec.CommandContext(bounded(t), "python3", "-c", "import boto3").Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("python3 has no boto3, and CI must have it")
		}
		t.Skip("SKIPPED: python3 has no boto3; the answers were not held against botocore's model")
	}
	input, err := json.Marshal(calls)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(bounded(t), "python3", "testdata/answers.py")
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=y", "AWS_DEFAULT_REGION=eu-west-1", "AWS_ENDPOINT_URL="+endpoint, "AWS_EC2_METADATA_DISABLED=true")
	var out, problems bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &out, &problems
	if err := cmd.Run(); err != nil {
		t.Errorf("%v:\n%s", err, &problems)
	}
	return strings.Fields(out.String())
}

// rich is a server with a deployment of each controller in whatever state has the most to show, and the calls that show
// it: each operation once, and each error that a deployment's state can bring.
func rich(t *testing.T) (*fake.Server, []call) {
	t.Helper()
	at := time.Unix(1_790_000_000, 0)
	book := deployment.NewBook()
	failed := deployment.New(deployment.Deployment{
		ID: "d-ABCDEFGHI", Application: "a", Group: "g", Config: deployment.Configs()[1], Creator: deployment.ByRollback, Description: "d",
		ReadyWait: time.Hour, TerminationWait: time.Hour, AutoRollback: true, AppSpec: "version: 0.0", Cluster: "c", Service: "old",
		ProductionListener: "arn:l1", TestListener: "arn:l2", BlueGroup: "tg1", GreenGroup: "tg2",
		RollbackID: "d-ABCDEFGH0", RollbackOf: "d-ABCDEFGH1", RollbackMessage: "m",
		TaskSets: []deployment.TaskSet{
			{ID: "ecs-svc/1", Label: deployment.Blue, Status: "PRIMARY", Weight: 90, Desired: 2, Running: 1, TargetGroup: "tg1", TargetGroupARN: "arn:tg1", Created: at, TaskDefinition: arn + "1", Container: "app", Port: 80},
			{ID: "ecs-svc/2", Label: deployment.Green, Status: "ACTIVE", Weight: 10, Desired: 2, Running: 2, TargetGroup: "tg2", TargetGroupARN: "arn:tg2", Created: at, TaskDefinition: arn + "2", Container: "app", Port: 80},
		},
	}, at)
	failed.Begin(lifecycle.AfterInstall, at)
	failed.End(lifecycle.AfterInstall, deployment.EventFailed, at, &deployment.Diagnostics{Code: deployment.DiagnosticLate, Script: "f", Message: "m", LogTail: "l"})
	failed.Finish(deployment.Failed, at, &deployment.Error{Code: deployment.CodeTimeout, Message: "m"})
	book.Add(failed)
	running := failed.Clone()
	running.ID = "d-ABCDEFGHJ"
	running = deployment.New(running, at)
	running.Begin(lifecycle.AfterAllowTestTraffic, at)
	book.Add(running)
	execution, _, err := book.Expect(running.ID, lifecycle.AfterAllowTestTraffic)
	if err != nil {
		t.Fatal(err)
	}

	_ = book.Await(running.ID, deployment.ReadyWait)

	native := deployment.Deployment{
		ID: "arn:aws:ecs:eu-west-1:123456789012:service-deployment/c/app/1", Cluster: "c", Service: "app", TerminationWait: time.Hour,
		BlueGroup: "arn:tg1", GreenGroup: "arn:tg2",
		Native: &deployment.Native{
			Target: deployment.Green, TestRule: "arn:r1", ProductionRule: "arn:r2", Alarm: true,
			Hooks: []deployment.Hook{{Stage: lifecycle.PreScaleUp, Function: "arn:f"}, {Stage: lifecycle.PreProductionTrafficShift, HookTimeout: deployment.HookTimeout{After: time.Hour, GoOn: true}}},
		},
		TaskSets: []deployment.TaskSet{
			{ID: "arn:blue", Label: deployment.Blue, Weight: 75, TestWeight: 0, Desired: 2, Running: 1, TargetGroupARN: "arn:tg1", Created: at, TaskDefinition: arn + "1", Container: "app", Port: 80},
			{ID: "arn:green", Label: deployment.Green, Weight: 25, TestWeight: 100, Desired: 2, Running: 2, TargetGroupARN: "arn:tg2", Created: at, TaskDefinition: arn + "2", Container: "app", Port: 80},
		},
	}
	var stages []deployment.Event
	for _, s := range lifecycle.Stages() {
		stages = append(stages, deployment.Event{Name: s, Step: 1})
	}
	calls := []call{
		{"codedeploy", "GetDeployment", params{"deploymentId": failed.ID}},
		{"codedeploy", "GetDeployment", params{"deploymentId": "d-ABCDEFGH9"}},
		{"codedeploy", "ListDeployments", params{"applicationName": "a", "deploymentGroupName": "g"}},
		{"codedeploy", "ListDeployments", params{"applicationName": "none", "deploymentGroupName": "g"}},
		{"codedeploy", "ListDeploymentTargets", params{"deploymentId": failed.ID}},
		{"codedeploy", "GetDeploymentTarget", params{"deploymentId": failed.ID, "targetId": "c:old"}},
		{"codedeploy", "GetDeploymentTarget", params{"deploymentId": failed.ID, "targetId": "other"}},
		{"codedeploy", "BatchGetDeploymentTargets", params{"deploymentId": failed.ID, "targetIds": []string{"c:old"}}},
		{"codedeploy", "GetApplicationRevision", params{"applicationName": "a", "revision": params{"revisionType": "AppSpecContent", "appSpecContent": params{"sha256": "61e3942b5adadc9bea4d6feffc38d6567dff72bd20136aca04f5f20755ede10a"}}}},
		{"codedeploy", "ContinueDeployment", params{"deploymentId": running.ID, "deploymentWaitType": "READY_WAIT"}},
		{"codedeploy", "PutLifecycleEventHookExecutionStatus", params{"deploymentId": running.ID, "lifecycleEventHookExecutionId": execution, "status": "Succeeded"}},
		{"codedeploy", "PutLifecycleEventHookExecutionStatus", params{"deploymentId": running.ID, "lifecycleEventHookExecutionId": execution, "status": "Succeeded"}},
		{"codedeploy", "StopDeployment", params{"deploymentId": running.ID}},
		{"codedeploy", "StopDeployment", params{"deploymentId": failed.ID}},
		{"ecs", "DescribeServices", params{"cluster": "c", "services": []string{"old", "app", "none"}}},
		{"ecs", "DescribeTaskSets", params{"cluster": "c", "service": "old"}},
		{"ecs", "DescribeTaskDefinition", params{"taskDefinition": arn + "1"}},
		{"ecs", "DescribeTaskDefinition", params{"taskDefinition": "none"}},
		{"ecs", "DescribeServiceRevisions", params{"serviceRevisionArns": []string{"arn:blue", "arn:green", "arn:other", "arn:none"}}},
		{"ecs", "RegisterTaskDefinition", params{"family": "task-app", "tags": []any{params{"key": "k", "value": "v"}}, "containerDefinitions": []any{params{"name": "app", "image": "app:3", "portMappings": []any{params{"containerPort": 80}}}}}},
		{"ecs", "ListServiceDeployments", params{"cluster": "c", "service": "app"}},
		{"ecs", "ListServiceDeployments", params{"cluster": "c", "service": "none"}},
		{"ssm", "GetParameter", params{"Name": "/p"}},
		{"ssm", "GetParameter", params{"Name": "/none"}},
		{"ssm", "PutParameter", params{"Name": "/p", "Value": "w", "Overwrite": true}},
		{"ssm", "PutParameter", params{"Name": "/p", "Value": "w"}},
		{"secretsmanager", "GetSecretValue", params{"SecretId": "/p"}},
		{"secretsmanager", "GetSecretValue", params{"SecretId": "/none"}},
		{"elbv2", "DescribeLoadBalancers", params{}},
		{"elbv2", "DescribeLoadBalancers", params{"Names": []string{"none"}}},
		{"elbv2", "DescribeListeners", params{}},
		{"elbv2", "DescribeListeners", params{"ListenerArns": []string{"none"}}},
		{"elbv2", "DescribeRules", params{}},
		{"elbv2", "DescribeRules", params{"RuleArns": []string{"none"}}},
		{"elbv2", "DescribeTargetHealth", params{"TargetGroupArn": green}},
		{"elbv2", "DescribeTargetHealth", params{"TargetGroupArn": "none"}},
		{"ec2", "DescribeNetworkInterfaces", params{}},
	}
	for i, change := range []func(*deployment.Deployment){
		func(d *deployment.Deployment) {}, // pending
		func(d *deployment.Deployment) { // at each stage, with hooks in each state
			for _, s := range lifecycle.Stages() {
				d.Begin(s, at)
			}
			for _, status := range []string{deployment.HookWaits, deployment.HookRuns, deployment.HookSucceeded, deployment.HookFailed, deployment.HookTimedOut} {
				d.Native.Executions = append(d.Native.Executions, deployment.Execution{Hook: d.Native.Hooks[len(d.Native.Executions)%2], ID: status, Status: status, Expires: at})
			}
		},
		func(d *deployment.Deployment) {
			d.Begin(lifecycle.PreScaleUp, at)
			d.RollBack(at, &deployment.Error{Code: deployment.CodeAlarm, Message: "m"})
		},
		func(d *deployment.Deployment) {
			d.RollBack(at, &deployment.Error{Message: "m"})
			d.Finish(deployment.RolledBack, at, &deployment.Error{Message: "m"})
		},
		func(d *deployment.Deployment) { d.Finish(deployment.Stopped, at, &deployment.Error{Message: "m"}) },
		func(d *deployment.Deployment) { d.Finish(deployment.Failed, at, &deployment.Error{Message: "m"}) },
		func(d *deployment.Deployment) { d.Finish(deployment.Succeeded, at, nil) },
		func(d *deployment.Deployment) { d.TaskSets = d.TaskSets[1:] }, // a creation
	} {
		d := native.Clone()
		d.ID = strings.TrimSuffix(d.ID, "1") + string(rune('1'+i))
		d.Config.Routing = []deployment.Routing{deployment.AllAtOnce, deployment.Canary, deployment.Linear}[i%3]
		d = deployment.New(d, at, stages...)
		change(&d)
		book.Add(d)
		calls = append(calls, call{"ecs", "DescribeServiceDeployments", params{"serviceDeploymentArns": []string{d.ID, "arn:none"}}},
			call{"ecs", "StopServiceDeployment", params{"serviceDeploymentArn": d.ID, "stopType": "ABORT"}})
	}
	waiting := strings.TrimSuffix(native.ID, "1") + "2"
	_ = book.Await(waiting, deployment.HookWaits)
	book.Offer(func(string) deployment.Deployment {
		d := native.Clone()
		d.ID += "0"
		return deployment.New(d, at, stages...)
	})
	calls = slices.Insert(calls, len(calls)-12,
		call{"ecs", "ContinueServiceDeployment", params{"serviceDeploymentArn": waiting, "hookId": deployment.HookWaits}},
		call{"ecs", "ContinueServiceDeployment", params{"serviceDeploymentArn": waiting, "hookId": "none", "action": "ROLLBACK"}},
		call{"ecs", "ContinueServiceDeployment", params{"serviceDeploymentArn": "arn:none", "hookId": "none"}},
		call{"ecs", "StopServiceDeployment", params{"serviceDeploymentArn": "arn:none"}},
		call{"ecs", "UpdateService", params{"cluster": "c", "service": "app", "taskDefinition": "task-app:1"}},
		call{"ecs", "UpdateService", params{"cluster": "c", "service": "app", "forceNewDeployment": true}},
		call{"ecs", "UpdateService", params{"cluster": "c", "service": "none"}})
	s := &fake.Server{
		Book: book, LoadBalancers: loadBalancers,
		Definitions: func() map[string]json.RawMessage {
			return map[string]json.RawMessage{
				arn + "1": json.RawMessage(`{"taskDefinitionArn":"` + arn + `1","family":"task-app","revision":1,"status":"ACTIVE","containerDefinitions":[{"name":"app","image":"app:0.9"}]}`),
				arn + "2": json.RawMessage(`{"taskDefinitionArn":"` + arn + `2","family":"task-app","revision":2,"status":"ACTIVE","containerDefinitions":[{"name":"app","image":"app@sha256:00"}]}`),
			}
		},
		Revisions: func() map[string]json.RawMessage {
			return map[string]json.RawMessage{"arn:other": json.RawMessage(`{"serviceRevisionArn":"arn:other","taskDefinition":"` + arn + `2"}`)}
		},
	}
	s.Values.Put("/p", "v")
	return s, calls
}

// operations are those that the server answers, as its code has them; S3 and Lambda have no table.
func operations(t *testing.T) (all []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"([A-Z][A-Za-z]+)"\]? ?[:=]\s+(?:typed\(|[sv]\.[a-z]\w+[,}\n])`).FindAllStringSubmatch(string(text), -1) {
			all = append(all, m[1])
		}
	}
	slices.Sort(all)
	return all
}

func TestEveryAnswerFitsAWSsModel(t *testing.T) {
	t.Parallel()
	s, calls := rich(t)
	answered := fit(t, *serve(t, s).BaseEndpoint, calls...)
	// What begins a deployment, and what somebody asks who follows and decides.
	book, definition := deployment.NewBook(), arn+"1"
	book.Offer(func(text string) deployment.Deployment {
		return deployment.New(deployment.Deployment{ID: deployment.NewID(), Application: "rehearsal", Group: "rehearsal", AppSpec: text}, time.Now())
	})
	begins := &fake.Server{
		Book: book, Definitions: s.Definitions,
		Metrics: func(fake.Metric, time.Time, time.Time) []float64 { return []float64{1} },
		Alarms:  func() []fake.Alarm { return []fake.Alarm{{Name: "a", State: "OK", Since: time.Now()}} },
		Tasks: func() []fake.Task {
			return []fake.Task{{ID: "1", Definition: definition, Started: time.Now()}, {ID: "2", Started: time.Now(), Stopped: time.Now(), StopCode: "SpotInterruption", Reason: "r"}}
		},
	}
	begins.Log("/aws/lambda/f", "s", `{"event":"verdict"}`)
	create := func(application, group, definition string) call {
		return call{"codedeploy", "CreateDeployment", params{"applicationName": application, "deploymentGroupName": group, "revision": params{
			"revisionType": "AppSpecContent", "appSpecContent": params{"content": "TaskDefinition: " + definition},
		}}}
	}
	answered = append(answered, fit(t, *serve(t, begins).BaseEndpoint,
		create("none", "rehearsal", definition), create("rehearsal", "none", definition), create("rehearsal", "rehearsal", "none"),
		create("rehearsal", "rehearsal", definition), create("rehearsal", "rehearsal", definition),
		call{"ecs", "TagResource", params{"resourceArn": definition, "tags": []any{params{"key": "k", "value": "v"}}}},
		call{"ecs", "TagResource", params{"resourceArn": "none", "tags": []any{}}},
		call{"ecs", "DescribeTaskDefinition", params{"taskDefinition": definition}},
		call{"logs", "FilterLogEvents", params{"logGroupName": "/aws/lambda/f", "filterPattern": `{ $.event = "verdict" }`}},
		call{"logs", "FilterLogEvents", params{"logGroupName": "none"}},
		call{"sts", "GetCallerIdentity", params{}},
		call{"cloudwatch", "DescribeAlarms", params{}}, call{"cloudwatch", "GetMetricData", params{"StartTime": 1_790_000_000, "EndTime": 1_790_000_060, "MetricDataQueries": []any{
			params{"Id": "a", "MetricStat": params{"Metric": params{"Namespace": "N", "MetricName": "M"}, "Period": 60, "Stat": "Sum"}},
		}}},
		call{"ecs", "ListTasks", params{"cluster": "c", "serviceName": "none"}}, call{"ecs", "ListTasks", params{"desiredStatus": "STOPPED"}},
		call{"ecs", "DescribeTasks", params{"tasks": []string{"1", "2", "none"}}})...)
	var names []string
	for _, a := range answered {
		_, name, _ := strings.Cut(a, ".")
		names = append(names, name)
	}
	want := operations(t)
	if len(want) < 25 {
		t.Fatalf("the code shows %d operations only: %q", len(want), want)
	}
	for _, name := range want {
		if !slices.Contains(names, name) {
			t.Errorf("%s was never answered: call it", name)
		}
	}
}
