package aws_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	fake "github.com/greenlight-ecs/greenlight/pkg/rehearsal/aws"
)

const (
	arns = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:"
	blue = arns + "targetgroup/tg1/1"
	// green is behind the second load balancer.
	green = arns + "targetgroup/tg2/2"
)

// balancers is a server with two load balancers, of which the first has both listeners.
func balancers(t *testing.T) aws.Config {
	t.Helper()
	return serve(t, &fake.Server{LoadBalancers: loadBalancers})
}

// loadBalancers are two, of which the first has both listeners and a rule for a header.
func loadBalancers() []fake.LoadBalancer {
	return []fake.LoadBalancer{{
		ARN: arns + "loadbalancer/app/alb/1", Name: "alb", Address: "127.0.0.1",
		Listeners: []fake.Listener{
			{ARN: arns + "listener/app/alb/1/1", Port: 8000, Forward: map[string]int{blue: 90, green: 10}},
			{
				ARN: arns + "listener/app/alb/1/2", Port: 8080, Protocol: "HTTPS", Forward: map[string]int{green: 100},
				Rules: []fake.Rule{{ARN: arns + "listener-rule/app/alb/1/2/2", Header: "X-Side", Values: []string{"green"}, Forward: map[string]int{green: 100}}},
			},
		},
		Groups: map[string][]fake.Target{blue: {{Address: "127.0.0.1", Port: 41, Health: "healthy"}}},
	}, {
		ARN: arns + "loadbalancer/app/other/2", Name: "other", Address: "127.0.0.2",
		Groups: map[string][]fake.Target{green: {
			{Address: "127.0.0.1", Port: 42, Health: "initial"}, {Address: "127.0.0.1", Port: 43, Health: "unhealthy"}, {Address: "127.0.0.1", Port: 44, Health: "draining"},
		}},
	}}
}

func TestAHookFindsTheListenersAndTheirTargets(t *testing.T) {
	client := elb.NewFromConfig(balancers(t))
	listeners, err := client.DescribeListeners(bounded(t), &elb.DescribeListenersInput{ListenerArns: []string{arns + "listener/app/alb/1/2"}})
	if err != nil || len(listeners.Listeners) != 1 {
		t.Fatalf("%+v, %v", listeners, err)
	}
	l := listeners.Listeners[0]
	if aws.ToInt32(l.Port) != 8080 || l.Protocol != "HTTPS" || aws.ToString(l.LoadBalancerArn) != arns+"loadbalancer/app/alb/1" || aws.ToString(l.DefaultActions[0].TargetGroupArn) != green {
		t.Errorf("listener %+v", l)
	}
	of, err := client.DescribeListeners(bounded(t), &elb.DescribeListenersInput{LoadBalancerArn: l.LoadBalancerArn})
	if err != nil || len(of.Listeners) != 2 {
		t.Errorf("a load balancer's listeners: %+v, %v", of, err)
	}
	found, err := client.DescribeLoadBalancers(bounded(t), &elb.DescribeLoadBalancersInput{LoadBalancerArns: []string{*l.LoadBalancerArn}})
	if err != nil || len(found.LoadBalancers) != 1 || aws.ToString(found.LoadBalancers[0].DNSName) != "127.0.0.1" {
		t.Errorf("load balancer %+v, %v", found, err)
	}
	// By its listener, by its own ARN: the same rule.
	by, err := client.DescribeRules(bounded(t), &elb.DescribeRulesInput{ListenerArn: aws.String(arns + "listener/app/alb/1/1")})
	if err != nil || len(by.Rules) != 1 || !strings.HasPrefix(*by.Rules[0].RuleArn, arns+"listener-rule/app/alb/1/1/") {
		t.Fatalf("rules %+v, %v", by, err)
	}
	rules, err := client.DescribeRules(bounded(t), &elb.DescribeRulesInput{RuleArns: []string{*by.Rules[0].RuleArn}})
	if err != nil || len(rules.Rules) != 1 {
		t.Fatalf("rules %+v, %v", rules, err)
	}
	groups := rules.Rules[0].Actions[0].ForwardConfig.TargetGroups
	if len(groups) != 2 || aws.ToString(groups[0].TargetGroupArn) != blue || aws.ToInt32(groups[0].Weight) != 90 || aws.ToInt32(groups[1].Weight) != 10 {
		t.Errorf("weights %+v", groups)
	}
	health, err := client.DescribeTargetHealth(bounded(t), &elb.DescribeTargetHealthInput{TargetGroupArn: aws.String(green)})
	if err != nil {
		t.Fatal(err)
	}
	var states []string
	for _, h := range health.TargetHealthDescriptions {
		states = append(states, string(h.TargetHealth.State)+" "+string(h.TargetHealth.Reason))
	}
	if want := []string{"initial Elb.InitialHealthChecking", "unhealthy Target.FailedHealthChecks", "draining Target.DeregistrationInProgress"}; !slices.Equal(states, want) {
		t.Errorf("health %q, want %q", states, want)
	}
}

func TestAHookFindsTheLoadBalancersAddresses(t *testing.T) {
	client := ec2.NewFromConfig(balancers(t))
	for description, want := range map[string]string{"ELB app/alb/1": "127.0.0.1", "ELB app/other/2": "127.0.0.2", "ELB app/none/9": ""} {
		out, err := client.DescribeNetworkInterfaces(bounded(t), &ec2.DescribeNetworkInterfacesInput{Filters: []ec2types.Filter{
			{Name: aws.String("description"), Values: []string{description}}, {Name: aws.String("status"), Values: []string{"in-use"}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, i := range out.NetworkInterfaces {
			got = append(got, aws.ToString(i.PrivateIpAddress))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", description, got, want)
		}
	}
	_, err := client.TerminateInstances(bounded(t), &ec2.TerminateInstancesInput{InstanceIds: []string{"i-1"}})
	if got := code(t, err); got != "InvalidAction" {
		t.Errorf("TerminateInstances: %q", got)
	}
}

func TestWhatALoadBalancerDoesNotHaveHasAWSsErrorNames(t *testing.T) {
	client := elb.NewFromConfig(balancers(t))
	none := aws.String("arn:none")
	for name, c := range map[string]struct {
		call func() error
		want string
	}{
		"listeners": {func() error {
			_, err := client.DescribeListeners(bounded(t), &elb.DescribeListenersInput{ListenerArns: []string{*none}})
			return err
		}, "ListenerNotFound"},
		"a load balancer's listeners": {func() error {
			_, err := client.DescribeListeners(bounded(t), &elb.DescribeListenersInput{LoadBalancerArn: none})
			return err
		}, "LoadBalancerNotFound"},
		"load balancers": {func() error {
			_, err := client.DescribeLoadBalancers(bounded(t), &elb.DescribeLoadBalancersInput{LoadBalancerArns: []string{*none}})
			return err
		}, "LoadBalancerNotFound"},
		"load balancers by name": {func() error {
			_, err := client.DescribeLoadBalancers(bounded(t), &elb.DescribeLoadBalancersInput{Names: []string{"none"}})
			return err
		}, "LoadBalancerNotFound"},
		"health": {func() error {
			_, err := client.DescribeTargetHealth(bounded(t), &elb.DescribeTargetHealthInput{TargetGroupArn: none})
			return err
		}, "TargetGroupNotFound"},
		"rules": {func() error {
			_, err := client.DescribeRules(bounded(t), &elb.DescribeRulesInput{ListenerArn: none})
			return err
		}, "ListenerNotFound"},
		"a rule": {func() error {
			_, err := client.DescribeRules(bounded(t), &elb.DescribeRulesInput{RuleArns: []string{*none}})
			return err
		}, "RuleNotFound"},
		"a change": {func() error {
			_, err := client.ModifyListener(bounded(t), &elb.ModifyListenerInput{ListenerArn: none})
			return err
		}, "InvalidAction"},
	} {
		if got := code(t, c.call()); got != c.want {
			t.Errorf("%s: %q, want %s", name, got, c.want)
		}
	}
}

// botocore parses the answers by AWS's own model: what it finds is where AWS has it.
func TestTheAWSCommandLineReadsTheLoadBalancer(t *testing.T) {
	t.Parallel()
	run := commandLine(t, balancers(t))
	for query, want := range map[string]string{
		"elbv2 describe-rules --listener-arn " + arns + "listener/app/alb/1/1 --query Rules[0].Actions[0].ForwardConfig.TargetGroups[*].Weight": "[90,10]",
		"ec2 describe-network-interfaces --query NetworkInterfaces[*].PrivateIpAddress":                                                         `["127.0.0.1","127.0.0.2"]`,
	} {
		out, err := run(append(strings.Fields(query), "--output", "json")...)
		var got json.RawMessage
		if err == nil {
			err = json.Unmarshal([]byte(out), &got)
		}
		if text := strings.Join(strings.Fields(string(got)), ""); err != nil || text != want {
			t.Errorf("aws %s: %s, %v, want %s", query, out, err, want)
		}
	}
}
