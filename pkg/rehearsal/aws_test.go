package rehearsal_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/codedeploy"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
)

// Everything that operators use, through botocore, which takes the answers apart by AWS's own model.
const boto = `
import boto3, botocore.exceptions, sys
c = boto3.client("codedeploy")
id = sys.argv[1]
c.get_waiter("deployment_successful").wait(deploymentId=id)
d = c.get_deployment(deploymentId=id)["deploymentInfo"]
assert (d["status"], d["creator"], d["computePlatform"]) == ("Succeeded", "user", "ECS"), d
assert d["completeTime"] >= d["startTime"] >= d["createTime"], d
assert c.list_deployments(applicationName="rehearsal", deploymentGroupName="rehearsal", includeOnlyStatuses=["Succeeded"])["deployments"] == [id]
targets = c.list_deployment_targets(deploymentId=id)["targetIds"]
assert targets == ["rehearsal:app"], targets
t = c.get_deployment_target(deploymentId=id, targetId=targets[0])["deploymentTarget"]["ecsTarget"]
assert [e["status"] for e in t["lifecycleEvents"]] == ["Succeeded"] * 8, t["lifecycleEvents"]
assert t["taskSetsInfo"][0]["trafficWeight"] == 100.0, t["taskSetsInfo"]
assert d["deploymentConfigName"] == "CodeDeployDefault.ECSAllAtOnce", d
for call, error in ((lambda: c.stop_deployment(deploymentId=id), "DeploymentAlreadyCompletedException"),
                    (lambda: c.continue_deployment(deploymentId=id, deploymentWaitType="READY_WAIT"), "DeploymentAlreadyCompletedException"),
                    (lambda: c.get_deployment(deploymentId="d-ZZZZZZZZZ"), "DeploymentDoesNotExistException")):
    try:
        call()
        raise AssertionError("no " + error)
    except botocore.exceptions.ClientError as e:
        assert e.response["Error"]["Code"] == error, e
e = boto3.client("ecs")
s = e.describe_services(cluster="rehearsal", services=["app"])["services"][0]
assert s["taskSets"][0]["status"] == "PRIMARY" and s["deploymentController"]["type"] == "CODE_DEPLOY", s
l = boto3.client("elbv2")
b = l.describe_load_balancers()["LoadBalancers"][0]
listeners = l.describe_listeners(LoadBalancerArn=b["LoadBalancerArn"])["Listeners"]
assert len(listeners) == 2 and b["DNSName"] == "127.0.0.1", listeners
group = s["taskSets"][0]["loadBalancers"][0]["targetGroupArn"]
health = l.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
assert [h["TargetHealth"]["State"] for h in health] == ["healthy", "healthy"], health
o = boto3.client("s3")
o.put_object(Bucket="b", Key="a/b c.txt", Body=b"hello")
assert o.get_object(Bucket="b", Key="a/b c.txt")["Body"].read() == b"hello"
print("fine")
`

// need finds a program that CI must have.
func need(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		if err = exec.CommandContext(ctx, path, args...).Run(); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s %s does not run, and CI must have it: %v", name, strings.Join(args, " "), err)
	}
	t.Skipf("SKIPPED: %s %s does not run here; the rehearsal was not tried with it", name, strings.Join(args, " "))
	return ""
}

func TestBoto3AndTheCommandLineWorkUnchanged(t *testing.T) {
	t.Parallel()
	python, cli := need(t, "python3", "-c", "import boto3"), need(t, "aws", "--version")
	h := hold(t, plan(t, func(p *rehearsal.Plan) {
		p.Keep = true
		hookAt(t, p, "Succeeded", lifecycle.AfterAllowTestTraffic)
	}))
	h.until("keeping", notes("kept running until Ctrl-C"))
	var line string
	h.until("the command", func(e rehearsal.Event) bool {
		line = e.Text
		return strings.Contains(e.Text, "aws deploy get-deployment")
	})
	_, endpoint, _ := strings.Cut(line, "--endpoint-url ")
	endpoint, _, _ = strings.Cut(endpoint, " ")
	environment := append(os.Environ(), "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=y", "AWS_DEFAULT_REGION=eu-west-1", "AWS_ENDPOINT_URL="+endpoint, "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true")
	for name, args := range map[string][]string{
		"boto3":                       {python, "-c", boto, h.id},
		"aws deploy wait":             {cli, "deploy", "wait", "deployment-successful", "--deployment-id", h.id},
		"the line that --keep prints": {"/bin/sh", "-c", line},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Env = environment
		out, err := cmd.CombinedOutput()
		cancel()
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	// The Go SDK's waiter sees the same.
	waiter := sdk.NewDeploymentSuccessfulWaiter(h.client)
	if err := waiter.Wait(t.Context(), &sdk.GetDeploymentInput{DeploymentId: aws.String(h.id)}, time.Minute); err != nil {
		t.Error(err)
	}
	h.stop()
	h.end(rehearsal.Shifted)
}

// What a deployment left behind is shown as AWS would show it: held against botocore's model, by the script that holds
// every operation of the room aws.
func TestTheAnswersOfARehearsalFitAWSsModel(t *testing.T) {
	python := need(t, "python3", "-c", "import boto3")
	native := nativePlan(t, "linear:25,2m", "bad at 50", lifecycle.PreProductionTrafficShift)
	native.Header = rehearsal.Header{Name: "X-Side", Value: "green"}
	for name, c := range map[string]struct {
		plan  rehearsal.Plan
		calls string
	}{
		"codedeploy": {plan(t, func(p *rehearsal.Plan) { hookAt(t, p, "Failed", lifecycle.AfterAllowTestTraffic) }), `[
			["codedeploy", "GetDeployment", {"deploymentId": "ID"}], ["codedeploy", "ListDeployments", {}],
			["codedeploy", "GetDeploymentTarget", {"deploymentId": "ID", "targetId": "rehearsal:app"}],
			["ecs", "DescribeTaskSets", {"cluster": "rehearsal", "service": "app"}]`},
		"native": {native, `[
			["ecs", "DescribeServiceDeployments", {"serviceDeploymentArns": ["ID"]}],
			["ecs", "ListServiceDeployments", {"cluster": "rehearsal", "service": "app"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := c.plan
			p.Keep = true
			h := hold(t, p)
			h.until("keeping", notes("kept running until Ctrl-C"))
			calls := strings.ReplaceAll(c.calls, "ID", h.id) + `, ["ecs", "DescribeServices", {"cluster": "rehearsal", "services": ["app"]}],
				["ecs", "DescribeTaskDefinition", {"taskDefinition": "task-app"}], ["elbv2", "DescribeRules", {}],
				["elbv2", "DescribeListeners", {}], ["elbv2", "DescribeLoadBalancers", {}]]`
			cmd := exec.CommandContext(t.Context(), python, "aws/testdata/answers.py")
			cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=y", "AWS_DEFAULT_REGION=eu-west-1", "AWS_ENDPOINT_URL="+h.endpoint, "AWS_EC2_METADATA_DISABLED=true")
			cmd.Stdin = strings.NewReader(calls)
			out, err := cmd.CombinedOutput()
			if answered := strings.Count(string(out), "\n"); err != nil || answered < 7 {
				t.Errorf("%v, %d answers:\n%s", err, answered, out)
			}
			h.stop()
			h.end(rehearsal.RolledBack)
		})
	}
}
