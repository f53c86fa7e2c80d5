package elb_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/awsquery"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/elb"
	"github.com/greenlight-ecs/greenlight/pkg/release"
	"github.com/greenlight-ecs/greenlight/pkg/signed"
)

const arns = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:"

func state() elb.State {
	blue, green := arns+"targetgroup/tg1/1", arns+"targetgroup/tg2/2"
	return elb.State{
		ARN: arns + "loadbalancer/app/alb/1", Name: "alb", Address: "127.0.0.1",
		Listeners: []elb.Listener{
			{arns + "listener/app/alb/1/1", 8000, []elb.Weight{{blue, 90}, {green, 10}}},
			{arns + "listener/app/alb/1/2", 8080, []elb.Weight{{blue, 0}, {green, 100}}},
		},
		Groups: []elb.Group{
			{ARN: blue, Name: "tg1", HealthPath: "/", Codes: "200", Interval: 5, Timeout: 2, Threshold: 2, Targets: []elb.Target{{"127.0.0.1", 41, "healthy"}}},
			{ARN: green, Name: "tg2", HealthPath: "/", Targets: []elb.Target{{"127.0.0.1", 42, "initial"}, {"127.0.0.1", 43, "unhealthy"}}},
		},
	}
}

func serve(t *testing.T) (base string, client *signed.Client) {
	t.Helper()
	server := httptest.NewServer(awsquery.Handler{Services: elb.API{State: state}.Services()})
	t.Cleanup(server.Close)
	return server.URL, &signed.Client{
		Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("x", "y", ""),
		Endpoint: func(string) string { return server.URL },
	}
}

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// The hooks' own reader of facts is the client that matters.
func TestAHookFindsTheListenersAndTheirTargets(t *testing.T) {
	_, client := serve(t)
	f := release.Finder{AWS: client}
	l, err := f.Listener(bounded(t), arns+"listener/app/alb/1/2")
	if err != nil || l.URL != "http://127.0.0.1:8080" || l.LoadBalancer != state().ARN {
		t.Errorf("listener = %+v, %v", l, err)
	}
	for group, want := range map[string]bool{"tg1": false, "tg2": true} {
		if got, err := f.Way(bounded(t), arns+"listener/app/alb/1/2"); got.LeadsOnlyTo(group) != want || err != nil {
			t.Errorf("the test listener leads to %v, not only to %s: %v", got.Groups, group, err)
		}
		if got, err := f.Way(bounded(t), arns+"listener/app/alb/1/1"); got.LeadsOnlyTo(group) || err != nil {
			t.Errorf("the weighted production listener leads to %v: %v", got.Groups, err)
		}
	}
	health, err := f.Health(bounded(t), arns+"targetgroup/tg2/2")
	if want := "1 initial (Elb.InitialHealthChecking), 1 unhealthy (Target.FailedHealthChecks)"; health != want || err != nil {
		t.Errorf("health = %q, %v, want %q", health, err, want)
	}
	addresses, err := f.Addresses(bounded(t), state().ARN)
	if err != nil || len(addresses) != 1 || addresses[0] != "127.0.0.1" {
		t.Errorf("addresses = %v, %v", addresses, err)
	}
}

func TestWhatDoesNotExistHasAWSsErrorNames(t *testing.T) {
	_, client := serve(t)
	for _, c := range []struct {
		service             signed.Service
		operation, key, val string
		want                string
	}{
		{signed.LoadBalancing, "DescribeListeners", "ListenerArns.member.1", "arn:none", "ListenerNotFound"},
		{signed.LoadBalancing, "DescribeLoadBalancers", "LoadBalancerArns.member.1", "arn:none", "LoadBalancerNotFound"},
		{signed.LoadBalancing, "DescribeTargetGroups", "Names.member.1", "none", "TargetGroupNotFound"},
		{signed.LoadBalancing, "DescribeTargetHealth", "TargetGroupArn", "arn:none", "TargetGroupNotFound"},
		{signed.LoadBalancing, "DescribeRules", "ListenerArn", "arn:none", "ListenerNotFound"},
		{signed.LoadBalancing, "ModifyListener", "ListenerArn", "arn:none", "InvalidAction"},
		{signed.EC2, "TerminateInstances", "InstanceId.1", "i-1", "InvalidAction"},
	} {
		err := client.Query(bounded(t), c.service, c.operation, url.Values{c.key: {c.val}}, &struct{}{})
		if !signed.IsCode(err, c.want) {
			t.Errorf("%s: %v, want %s", c.operation, err, c.want)
		}
	}
	if _, err := (release.Finder{AWS: client}).Addresses(bounded(t), arns+"loadbalancer/app/other/9"); err == nil || !strings.Contains(err.Error(), "no network interface") {
		t.Errorf("another load balancer's addresses: %v", err)
	}
}

// botocore parses the answers by AWS's own model: what it finds is where AWS has it.
func TestTheAWSCommandLineReadsTheLoadBalancer(t *testing.T) {
	path, err := exec.LookPath("aws")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("aws is not on PATH, and CI must have it")
		}
		t.Skip("SKIPPED: aws is not on PATH; the command line was not tried against the load balancer's stand-in")
	}
	base, _ := serve(t)
	for query, want := range map[string]string{
		"elbv2 describe-rules --listener-arn " + arns + "listener/app/alb/1/1 --query Rules[0].Actions[0].ForwardConfig.TargetGroups[*].Weight": "[90,10]",
		"ec2 describe-network-interfaces --query NetworkInterfaces[*].PrivateIpAddress":                                                         `["127.0.0.1"]`,
	} {
		cmd := exec.CommandContext(bounded(t), path, append(strings.Fields(query), "--output", "json")...)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=y", "AWS_DEFAULT_REGION=eu-west-1", "AWS_ENDPOINT_URL="+base, "AWS_PAGER=")
		out, err := cmd.CombinedOutput()
		var got json.RawMessage
		if err == nil {
			err = json.Unmarshal(out, &got)
		}
		if text := strings.Join(strings.Fields(string(got)), ""); err != nil || text != want {
			t.Errorf("aws %s: %s, %v, want %s", query, out, err, want)
		}
	}
}
