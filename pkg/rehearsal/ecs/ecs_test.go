package ecs_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/greenlight-ecs/greenlight/pkg/codedeploy"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/awsjson"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/ecs"
	"github.com/greenlight-ecs/greenlight/pkg/release"
	"github.com/greenlight-ecs/greenlight/pkg/signed"
)

const arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/task-app:"

func serve(t *testing.T) (*signed.Client, *deployment.Book, context.Context) {
	t.Helper()
	book := deployment.NewBook()
	book.Add(deployment.New(deployment.Deployment{ID: "d-ABCDEFGHI", Cluster: "cluster", Service: "app", TaskSets: []deployment.TaskSet{
		{ID: "ecs-svc/1", Label: deployment.Blue, Status: "PRIMARY", Desired: 2, Running: 2, TaskDefinition: arn + "1", TargetGroupARN: "arn:tg1", Container: "app", Port: 8080},
		{ID: "ecs-svc/2", Label: deployment.Green, Status: "ACTIVE", Desired: 2, Running: 1, TaskDefinition: arn + "2", TargetGroupARN: "arn:tg2", Container: "app", Port: 8080},
	}}, time.Unix(1_790_000_000, 0)))
	api := ecs.API{Book: book, Region: "eu-west-1", Account: "123456789012", Definitions: map[string]json.RawMessage{
		arn + "1": json.RawMessage(`{"taskDefinitionArn":"` + arn + `1","family":"task-app","revision":1,"containerDefinitions":[{"name":"app","image":"app:0.9"}]}`),
		arn + "2": json.RawMessage(`{"taskDefinitionArn":"` + arn + `2","family":"task-app","revision":2,"containerDefinitions":[{"name":"app","image":"app:latest","dockerLabels":{"greenlight.release":"1.1.0","greenlight.suite":"s3://b/k"}}]}`),
	}}
	server := httptest.NewServer(awsjson.Handler{Services: []awsjson.Service{api.Service()}})
	t.Cleanup(server.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return &signed.Client{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("x", "y", ""), Endpoint: func(string) string { return server.URL }}, book, ctx
}

// The hooks' own reader of facts is the client that matters.
func TestAHookFindsWhatEachTaskSetRuns(t *testing.T) {
	client, _, ctx := serve(t)
	found, err := release.Finder{AWS: client}.TaskDefinitions(ctx, &codedeploy.Target{ID: "cluster:app", TaskSets: []codedeploy.TaskSet{
		{ID: "ecs-svc/1", Label: types.TargetLabelBlue}, {ID: "ecs-svc/2", Label: types.TargetLabelGreen},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if found.Original.Release != "0.9" || found.Original.TargetGroup != "arn:tg1" || found.Replacement.Release != "1.1.0" || found.Replacement.Suite != "s3://b/k" {
		t.Errorf("original %+v, replacement %+v", found.Original, found.Replacement)
	}
}

func TestTheServiceIsItsTaskSets(t *testing.T) {
	client, book, ctx := serve(t)
	describe := func(services ...string) (out struct {
		Services []struct {
			Name     string `json:"serviceName"`
			Running  int    `json:"runningCount"`
			TaskSets []struct {
				Status  string `json:"status"`
				Pending int    `json:"pendingCount"`
				Running int    `json:"runningCount"`
			} `json:"taskSets"`
			Deployments []any `json:"deployments"`
		} `json:"services"`
		Failures []struct{ Reason string } `json:"failures"`
	},
	) {
		t.Helper()
		if err := client.JSON(ctx, signed.ECS, "DescribeServices", map[string]any{"cluster": "cluster", "services": services}, &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	got := describe("arn:aws:ecs:eu-west-1:123456789012:service/cluster/app", "other")
	if len(got.Services) != 1 || got.Services[0].Running != 3 || got.Services[0].TaskSets[1].Pending != 1 || len(got.Services[0].Deployments) != 0 {
		t.Errorf("%+v", got)
	}
	if len(got.Failures) != 1 || got.Failures[0].Reason != "MISSING" {
		t.Errorf("failures %+v", got.Failures)
	}
	// The state is the deployment's, as it changes.
	book.Update("d-ABCDEFGHI", func(d *deployment.Deployment) {
		d.Shift(100)
		d.SetRunning(deployment.Green, 2)
	})
	if got := describe("app").Services[0]; got.TaskSets[1].Status != "PRIMARY" || got.TaskSets[1].Running != 2 {
		t.Errorf("after the shift: %+v", got)
	}
}

func TestWhatDoesNotExistHasAWSsErrorNames(t *testing.T) {
	client, _, ctx := serve(t)
	for operation, c := range map[string]struct {
		in   map[string]any
		want string
	}{
		"DescribeTaskSets":       {map[string]any{"cluster": "cluster", "service": "other"}, "ServiceNotFoundException"},
		"DescribeTaskDefinition": {map[string]any{"taskDefinition": arn + "3"}, "ClientException"},
		"RunTask":                {nil, "UnknownOperationException"},
	} {
		if err := client.JSON(ctx, signed.ECS, operation, c.in, nil); !signed.IsCode(err, c.want) {
			t.Errorf("%s: %v, want %s", operation, err, c.want)
		}
	}
}
