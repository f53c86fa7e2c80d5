package aws_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	fake "github.com/greenlight-ecs/greenlight/pkg/rehearsal/aws"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

const arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/task-app:"

func serveECS(t *testing.T) (*ecs.Client, *deployment.Book) {
	t.Helper()
	book := deployment.NewBook()
	book.Add(deployment.New(deployment.Deployment{ID: "d-ABCDEFGHI", Cluster: "cluster", Service: "app", TaskSets: []deployment.TaskSet{
		{ID: "ecs-svc/1", Label: deployment.Blue, Status: "PRIMARY", Desired: 2, Running: 2, TaskDefinition: arn + "1", TargetGroupARN: "arn:tg1", Container: "app", Port: 8080},
		{ID: "ecs-svc/2", Label: deployment.Green, Status: "ACTIVE", Desired: 2, Running: 1, TaskDefinition: arn + "2", TargetGroupARN: "arn:tg2", Container: "app", Port: 8080},
	}}, time.Unix(1_790_000_000, 0)))
	s := &fake.Server{
		Book: book,
		Definitions: func() map[string]json.RawMessage {
			return map[string]json.RawMessage{
				arn + "1": json.RawMessage(`{"taskDefinitionArn":"` + arn + `1","family":"task-app","revision":1,"containerDefinitions":[{"name":"app","image":"app:0.9"}]}`),
				arn + "2": json.RawMessage(`{"taskDefinitionArn":"` + arn + `2","family":"task-app","revision":2,"containerDefinitions":[{"name":"app","dockerLabels":{"greenlight.release":"1.1.0"}}]}`),
			}
		},
		Revisions: func() map[string]json.RawMessage {
			return map[string]json.RawMessage{"arn:given": json.RawMessage(`{"serviceRevisionArn":"arn:given","taskDefinition":"` + arn + `1"}`)}
		},
	}
	return ecs.NewFromConfig(serve(t, s)), book
}

func TestAHookFindsWhatEachTaskSetRuns(t *testing.T) {
	client, _ := serveECS(t)
	sets, err := client.DescribeTaskSets(bounded(t), &ecs.DescribeTaskSetsInput{Cluster: aws.String("cluster"), Service: aws.String("app")})
	if err != nil || len(sets.TaskSets) != 2 {
		t.Fatalf("%+v, %v", sets, err)
	}
	for i, want := range []struct{ id, group, image, release string }{{"ecs-svc/1", "arn:tg1", "app:0.9", ""}, {"ecs-svc/2", "arn:tg2", "", "1.1.0"}} {
		set := sets.TaskSets[i]
		if aws.ToString(set.Id) != want.id || aws.ToString(set.LoadBalancers[0].TargetGroupArn) != want.group || aws.ToString(set.LoadBalancers[0].ContainerName) != "app" {
			t.Errorf("task set %+v, want %+v", set, want)
		}
		out, err := client.DescribeTaskDefinition(bounded(t), &ecs.DescribeTaskDefinitionInput{TaskDefinition: set.TaskDefinition})
		if err != nil {
			t.Fatal(err)
		}
		c := out.TaskDefinition.ContainerDefinitions[0]
		if aws.ToString(out.TaskDefinition.TaskDefinitionArn) != aws.ToString(set.TaskDefinition) || aws.ToString(c.Image) != want.image || c.DockerLabels["greenlight.release"] != want.release {
			t.Errorf("task definition %+v, want %+v", out.TaskDefinition, want)
		}
	}
	one, err := client.DescribeTaskSets(bounded(t), &ecs.DescribeTaskSetsInput{Cluster: aws.String("cluster"), Service: aws.String("app"), TaskSets: []string{"ecs-svc/2"}})
	if err != nil || len(one.TaskSets) != 1 || aws.ToString(one.TaskSets[0].Id) != "ecs-svc/2" {
		t.Errorf("one task set: %+v, %v", one, err)
	}
}

func TestAHookOfANativeDeploymentFindsItsRules(t *testing.T) {
	client, book := serveECS(t)
	const revision = "arn:aws:ecs:eu-west-1:123456789012:service-revision/c/s/2"
	book.Add(deployment.Deployment{
		ID: "arn:aws:ecs:eu-west-1:123456789012:service-deployment/c/s/1", Cluster: "c", Service: "s", BlueGroup: "arn:tg1", GreenGroup: "arn:tg2",
		Native:   &deployment.Native{TestRule: "arn:test-rule", ProductionRule: "arn:production-rule"},
		TaskSets: []deployment.TaskSet{{ID: revision, TaskDefinition: arn + "2", TargetGroupARN: "arn:tg2", Container: "app", Port: 80}},
	})
	out, err := client.DescribeServiceRevisions(bounded(t), &ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: []string{revision, "arn:given", "arn:none"}})
	if err != nil || len(out.ServiceRevisions) != 2 || len(out.Failures) != 1 || aws.ToString(out.Failures[0].Arn) != "arn:none" || aws.ToString(out.Failures[0].Reason) != "MISSING" {
		t.Fatalf("%+v, %v", out, err)
	}
	r := out.ServiceRevisions[0]
	if rules := r.LoadBalancers[0].AdvancedConfiguration; aws.ToString(r.TaskDefinition) != arn+"2" || aws.ToString(rules.TestListenerRule) != "arn:test-rule" || aws.ToString(rules.ProductionListenerRule) != "arn:production-rule" ||
		aws.ToString(r.LoadBalancers[0].TargetGroupArn) != "arn:tg1" || aws.ToString(r.ResolvedConfiguration.LoadBalancers[0].TargetGroupArn) != "arn:tg2" {
		t.Errorf("%+v", r)
	}
	if given := out.ServiceRevisions[1]; aws.ToString(given.ServiceRevisionArn) != "arn:given" || aws.ToString(given.TaskDefinition) != arn+"1" {
		t.Errorf("%+v", given)
	}
}

func TestTheServiceIsItsTaskSets(t *testing.T) {
	client, book := serveECS(t)
	describe := func(services ...string) *ecs.DescribeServicesOutput {
		t.Helper()
		out, err := client.DescribeServices(bounded(t), &ecs.DescribeServicesInput{Cluster: aws.String("cluster"), Services: services})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	got := describe("arn:aws:ecs:eu-west-1:123456789012:service/cluster/app", "other")
	if s := got.Services; len(s) != 1 || s[0].RunningCount != 3 || s[0].TaskSets[1].PendingCount != 1 || len(s[0].Deployments) != 0 {
		t.Errorf("%+v", got)
	}
	if len(got.Failures) != 1 || aws.ToString(got.Failures[0].Reason) != "MISSING" {
		t.Errorf("failures %+v", got.Failures)
	}
	// The state is the deployment's, as it changes.
	book.Update("d-ABCDEFGHI", func(d *deployment.Deployment) {
		d.Shift(100)
		d.SetRunning(deployment.Green, 2)
	})
	if set := describe("app").Services[0].TaskSets[1]; aws.ToString(set.Status) != "PRIMARY" || set.RunningCount != 2 {
		t.Errorf("after the shift: %+v", set)
	}
}

func TestWhatECSDoesNotHaveHasAWSsErrorNames(t *testing.T) {
	client, _ := serveECS(t)
	for want, call := range map[string]func() error{
		"ServiceNotFoundException": func() error {
			_, err := client.DescribeTaskSets(bounded(t), &ecs.DescribeTaskSetsInput{Cluster: aws.String("cluster"), Service: aws.String("other")})
			return err
		},
		"ClientException": func() error {
			_, err := client.DescribeTaskDefinition(bounded(t), &ecs.DescribeTaskDefinitionInput{TaskDefinition: aws.String(arn + "3")})
			return err
		},
		"UnknownOperationException": func() error {
			_, err := client.RunTask(bounded(t), &ecs.RunTaskInput{TaskDefinition: aws.String(arn + "2")})
			return err
		},
	} {
		if got := code(t, call()); got != want {
			t.Errorf("%q, want %s", got, want)
		}
	}
}
