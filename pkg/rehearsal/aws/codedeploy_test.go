package aws_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	fake "github.com/greenlight-ecs/greenlight/pkg/rehearsal/aws"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

const id = "d-ABCDEFGHI"

// world is a CodeDeploy with one deployment, in the middle of AfterAllowTestTraffic.
type world struct {
	book   *deployment.Book
	cfg    aws.Config
	client *sdk.Client
	began  time.Time
}

func newWorld(t *testing.T) world {
	t.Helper()
	w := world{book: deployment.NewBook(), began: time.UnixMilli(1_790_000_000_123)}
	w.book.Add(deployment.New(deployment.Deployment{
		ID: id, Application: "trips", Group: "blue-green", Config: deployment.Configs()[1], ReadyWait: 5 * time.Minute, AutoRollback: true,
		Creator: deployment.ByUser, AppSpec: "version: 0.0", Cluster: "cluster", Service: "tripmgmt",
		ProductionListener: "arn:prod", TestListener: "arn:test", BlueGroup: "tg1", GreenGroup: "tg2",
		TaskSets: []deployment.TaskSet{
			{ID: "ecs-svc/1", Label: deployment.Blue, TargetGroup: "tg1", Status: "PRIMARY", Desired: 2, Running: 2, Weight: 100},
			{ID: "ecs-svc/2", Label: deployment.Green, TargetGroup: "tg2", Status: "ACTIVE", Desired: 2, Running: 1},
		},
	}, w.began))
	w.book.Update(id, func(d *deployment.Deployment) {
		for _, e := range []lifecycle.Name{lifecycle.BeforeInstall, lifecycle.Install, lifecycle.AfterInstall, lifecycle.AllowTestTraffic} {
			d.Begin(e, w.began)
			d.End(e, deployment.EventSucceeded, w.began.Add(time.Second), nil)
		}
		d.Begin(lifecycle.AfterAllowTestTraffic, w.began.Add(2*time.Second))
	})
	w.cfg = serve(t, &fake.Server{Book: w.book})
	w.client = sdk.NewFromConfig(w.cfg)
	return w
}

func TestTheSDKReadsADeployment(t *testing.T) {
	w := newWorld(t)
	out, err := w.client.GetDeployment(bounded(t), &sdk.GetDeploymentInput{DeploymentId: aws.String(id)})
	if err != nil {
		t.Fatal(err)
	}
	d := out.DeploymentInfo
	if d.Status != types.DeploymentStatusInProgress || d.ComputePlatform != types.ComputePlatformEcs || d.Creator != types.DeploymentCreatorUser {
		t.Errorf("status %s, platform %s, creator %s", d.Status, d.ComputePlatform, d.Creator)
	}
	if d.Revision.AppSpecContent.Content != nil || aws.ToString(d.Revision.AppSpecContent.Sha256) == "" {
		t.Errorf("GetDeployment must leave the AppSpec's content out and give its checksum: %+v", d.Revision.AppSpecContent)
	}
	if !d.CreateTime.Equal(w.began) || d.CompleteTime != nil {
		t.Errorf("createTime %v, completeTime %v; want %v and none", d.CreateTime, d.CompleteTime, w.began)
	}
	if wait := d.BlueGreenDeploymentConfiguration.DeploymentReadyOption; wait.ActionOnTimeout != types.DeploymentReadyActionStopDeployment || wait.WaitTimeInMinutes != 5 || !d.AutoRollbackConfiguration.Enabled {
		t.Errorf("ready option %+v, rollback %+v", wait, d.AutoRollbackConfiguration)
	}
	pair := d.LoadBalancerInfo.TargetGroupPairInfoList[0]
	if pair.ProdTrafficRoute.ListenerArns[0] != "arn:prod" || pair.TestTrafficRoute.ListenerArns[0] != "arn:test" || len(pair.TargetGroups) != 2 {
		t.Errorf("load balancer: %+v", pair)
	}
	revision, err := w.client.GetApplicationRevision(bounded(t), &sdk.GetApplicationRevisionInput{ApplicationName: d.ApplicationName, Revision: d.Revision})
	if err != nil {
		t.Fatal(err)
	}
	if got := aws.ToString(revision.Revision.AppSpecContent.Content); got != "version: 0.0" {
		t.Errorf("AppSpec = %q", got)
	}
}

func TestTheSDKReadsTheTarget(t *testing.T) {
	w := newWorld(t)
	list, err := w.client.ListDeploymentTargets(bounded(t), &sdk.ListDeploymentTargetsInput{DeploymentId: aws.String(id)})
	if err != nil || len(list.TargetIds) != 1 || list.TargetIds[0] != "cluster:tripmgmt" {
		t.Fatalf("targets = %v, %v", list, err)
	}
	one, err := w.client.GetDeploymentTarget(bounded(t), &sdk.GetDeploymentTargetInput{DeploymentId: aws.String(id), TargetId: &list.TargetIds[0]})
	if err != nil {
		t.Fatal(err)
	}
	target := one.DeploymentTarget.EcsTarget
	var names []string
	for _, e := range target.LifecycleEvents {
		names = append(names, aws.ToString(e.LifecycleEventName))
	}
	want := "BeforeInstall Install AfterInstall AllowTestTraffic AfterAllowTestTraffic BeforeAllowTraffic AllowTraffic AfterAllowTraffic"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("events %s", got)
	}
	if e := target.LifecycleEvents[4]; e.Status != types.LifecycleEventStatusInProgress || !e.StartTime.Equal(w.began.Add(2*time.Second)) || e.EndTime != nil {
		t.Errorf("the event in progress: %+v", e)
	}
	green := target.TaskSetsInfo[1]
	if green.TaskSetLabel != types.TargetLabelGreen || aws.ToString(green.TargetGroup.Name) != "tg2" || green.PendingCount != 1 || aws.ToString(green.Identifer) != "ecs-svc/2" {
		t.Errorf("green = %+v", green)
	}
	_, err = w.client.GetDeploymentTarget(bounded(t), &sdk.GetDeploymentTargetInput{DeploymentId: aws.String(id), TargetId: aws.String("other:service")})
	if got := code(t, err); got != "DeploymentTargetDoesNotExistException" {
		t.Errorf("another target: %q", got)
	}
	batch := func(ids []string) (*sdk.BatchGetDeploymentTargetsOutput, error) {
		return w.client.BatchGetDeploymentTargets(bounded(t), &sdk.BatchGetDeploymentTargetsInput{DeploymentId: aws.String(id), TargetIds: ids})
	}
	if all, err := batch(list.TargetIds); err != nil || !reflect.DeepEqual(all.DeploymentTargets, []types.DeploymentTarget{*one.DeploymentTarget}) {
		t.Errorf("a batch: %v, %+v", err, all)
	}
	_, none := batch([]string{})
	_, other := batch([]string{list.TargetIds[0], "other:service"})
	if got := code(t, none) + " " + code(t, other); got != "DeploymentTargetIdRequiredException DeploymentTargetDoesNotExistException" {
		t.Errorf("a batch of none, and with another: %s", got)
	}
}

func TestAHookAnswersOnce(t *testing.T) {
	w := newWorld(t)
	execution, answer, err := w.book.Expect(id, lifecycle.AfterAllowTestTraffic)
	if err != nil {
		t.Fatal(err)
	}
	put := func(id, execution string, status types.LifecycleEventStatus) string {
		_, err := w.client.PutLifecycleEventHookExecutionStatus(bounded(t), &sdk.PutLifecycleEventHookExecutionStatusInput{
			DeploymentId: aws.String(id), LifecycleEventHookExecutionId: aws.String(execution), Status: status,
		})
		return code(t, err)
	}
	for _, c := range []struct{ name, id, execution, status, want string }{
		{"no id", "", execution, "Succeeded", "DeploymentIdRequiredException"},
		{"malformed id", "d-1", execution, "Succeeded", "InvalidDeploymentIdException"},
		{"unknown id", "d-ZZZZZZZZZ", execution, "Succeeded", "DeploymentDoesNotExistException"},
		{"unknown execution", id, "nonsense", "Succeeded", "InvalidLifecycleEventHookExecutionIdException"},
		{"a status that a hook may not report", id, execution, "Pending", "InvalidLifecycleEventHookExecutionStatusException"},
		{"the first answer", id, execution, "Failed", ""},
		{"the second answer", id, execution, "Succeeded", "LifecycleEventAlreadyCompletedException"},
	} {
		if got := put(c.id, c.execution, types.LifecycleEventStatus(c.status)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if got := <-answer; got != deployment.EventFailed {
		t.Errorf("the answer is %s: the first one must win", got)
	}
}

func TestAnAnswerAfterTheEndIsRefused(t *testing.T) {
	w := newWorld(t)
	execution, _, err := w.book.Expect(id, lifecycle.AfterAllowTestTraffic)
	if err != nil {
		t.Fatal(err)
	}
	w.book.Update(id, func(d *deployment.Deployment) {
		d.End(lifecycle.AfterAllowTestTraffic, deployment.EventFailed, w.began, nil)
	})
	_, err = w.client.PutLifecycleEventHookExecutionStatus(bounded(t), &sdk.PutLifecycleEventHookExecutionStatusInput{
		DeploymentId: aws.String(id), LifecycleEventHookExecutionId: aws.String(execution), Status: types.LifecycleEventStatusSucceeded,
	})
	if got := code(t, err); got != "LifecycleEventAlreadyCompletedException" {
		t.Errorf("got %q", got)
	}
}

func TestStopAndContinue(t *testing.T) {
	w := newWorld(t)
	_, err := w.client.ContinueDeployment(bounded(t), &sdk.ContinueDeploymentInput{DeploymentId: aws.String(id)})
	if got := code(t, err); got != "DeploymentIsNotInReadyStateException" {
		t.Errorf("continue of a deployment that does not wait: %q", got)
	}
	goOn := w.book.Await(id, deployment.ReadyWait)
	if d, _ := w.book.Get(id); d.Status != deployment.Ready {
		t.Errorf("status %s, want Ready", d.Status)
	}
	_, err = w.client.ContinueDeployment(bounded(t), &sdk.ContinueDeploymentInput{DeploymentId: aws.String(id), DeploymentWaitType: types.DeploymentWaitTypeTerminationWait})
	if got := code(t, err); got != "DeploymentIsNotInReadyStateException" {
		t.Errorf("continue of another wait: %q", got)
	}
	_, err = w.client.ContinueDeployment(bounded(t), &sdk.ContinueDeploymentInput{DeploymentId: aws.String(id), DeploymentWaitType: "LUNCH"})
	if got := code(t, err); got != "InvalidDeploymentWaitTypeException" {
		t.Errorf("continue of no wait: %q", got)
	}
	if _, err := w.client.ContinueDeployment(bounded(t), &sdk.ContinueDeploymentInput{DeploymentId: aws.String(id), DeploymentWaitType: types.DeploymentWaitTypeReadyWait}); err != nil {
		t.Error(err)
	}
	select {
	case <-goOn:
	default:
		t.Error("the wait goes on")
	}
	if d, _ := w.book.Get(id); d.Status != deployment.InProgress {
		t.Errorf("status %s after the wait, want InProgress", d.Status)
	}
	if _, err := w.client.StopDeployment(bounded(t), &sdk.StopDeploymentInput{DeploymentId: aws.String(id), AutoRollbackEnabled: aws.Bool(true)}); err != nil {
		t.Error(err)
	}
	if stop := <-w.book.Stopped(id); !stop.Rollback {
		t.Error("the rollback was forgotten")
	}
	w.book.Update(id, func(d *deployment.Deployment) { d.Finish(deployment.Stopped, w.began, nil) })
	_, err = w.client.StopDeployment(bounded(t), &sdk.StopDeploymentInput{DeploymentId: aws.String(id)})
	if got := code(t, err); got != "DeploymentAlreadyCompletedException" {
		t.Errorf("stop after the end: %q", got)
	}
}

func TestTheSDKListsDeployments(t *testing.T) {
	w := newWorld(t)
	list, err := w.client.ListDeployments(bounded(t), &sdk.ListDeploymentsInput{
		ApplicationName: aws.String("trips"), DeploymentGroupName: aws.String("blue-green"), IncludeOnlyStatuses: []types.DeploymentStatus{types.DeploymentStatusInProgress},
	})
	if err != nil || len(list.Deployments) != 1 || list.Deployments[0] != id {
		t.Errorf("deployments %+v, %v", list, err)
	}
	for name, call := range map[string]func() error{
		"ApplicationDoesNotExistException": func() error {
			_, err := w.client.ListDeployments(bounded(t), &sdk.ListDeploymentsInput{ApplicationName: aws.String("none"), DeploymentGroupName: aws.String("blue-green")})
			return err
		},
		"DeploymentGroupDoesNotExistException": func() error {
			_, err := w.client.ListDeployments(bounded(t), &sdk.ListDeploymentsInput{ApplicationName: aws.String("trips"), DeploymentGroupName: aws.String("none")})
			return err
		},
		"DeploymentGroupNameRequiredException": func() error {
			_, err := w.client.ListDeployments(bounded(t), &sdk.ListDeploymentsInput{ApplicationName: aws.String("trips")})
			return err
		},
		"ApplicationNameRequiredException": func() error {
			_, err := w.client.ListDeployments(bounded(t), &sdk.ListDeploymentsInput{DeploymentGroupName: aws.String("blue-green")})
			return err
		},
		"InvalidDeploymentStatusException": func() error {
			_, err := w.client.ListDeployments(bounded(t), &sdk.ListDeploymentsInput{IncludeOnlyStatuses: []types.DeploymentStatus{"Done"}})
			return err
		},
	} {
		if got := code(t, call()); got != name {
			t.Errorf("%q, want %s", got, name)
		}
	}
}

func TestWhatTheRehearsalDoesNotKnowItRefuses(t *testing.T) {
	w := newWorld(t)
	_, err := w.client.DeleteApplication(bounded(t), &sdk.DeleteApplicationInput{ApplicationName: aws.String("trips")})
	if got := code(t, err); got != "UnknownOperationException" {
		t.Errorf("got %q", got)
	}
}

func TestTheWaiterOfTheSDKSeesTheEnd(t *testing.T) {
	w := newWorld(t)
	w.book.Update(id, func(d *deployment.Deployment) { d.Finish(deployment.Succeeded, w.began, nil) })
	waiter := sdk.NewDeploymentSuccessfulWaiter(w.client)
	if err := waiter.Wait(bounded(t), &sdk.GetDeploymentInput{DeploymentId: aws.String(id)}, 20*time.Second); err != nil {
		t.Error(err)
	}
}

// The aws command line, as an operator would use it.
func TestTheAWSCommandLineReadsADeployment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run := commandLine(t, w.cfg)
	out, err := run("deploy", "get-deployment", "--deployment-id", id)
	var shown struct {
		Info struct {
			Status string `json:"status"`
		} `json:"deploymentInfo"`
	}
	if jsonErr := json.Unmarshal([]byte(out), &shown); err != nil || jsonErr != nil || shown.Info.Status != "InProgress" {
		t.Errorf("get-deployment: %v, %v\n%s", err, jsonErr, out)
	}
	out, err = run("deploy", "get-deployment-target", "--deployment-id", id, "--target-id", "cluster:tripmgmt", "--query", "deploymentTarget.ecsTarget.lifecycleEvents[4].status", "--output", "text")
	if err != nil || strings.TrimSpace(out) != "InProgress" {
		t.Errorf("get-deployment-target: %v\n%s", err, out)
	}
	out, err = run("deploy", "get-deployment", "--deployment-id", "d-ZZZZZZZZZ")
	if err == nil || !strings.Contains(out, "DeploymentDoesNotExistException") {
		t.Errorf("get-deployment of an unknown id: %v\n%s", err, out)
	}
}
