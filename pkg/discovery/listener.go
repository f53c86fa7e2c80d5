package discovery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
)

// Listener is one listener of the load balancer: a way in for test or production traffic.
type Listener struct {
	ARN string
	// URL is its base URL, by the load balancer's DNS name: "http://alb-1.eu-west-1.elb.amazonaws.com:8080".
	URL string
	// LoadBalancer is the load balancer's ARN.
	LoadBalancer string
}

// Listener reads a listener and the load balancer that it belongs to.
func (f Finder) Listener(ctx context.Context, arn string) (Listener, error) {
	api := elasticloadbalancingv2.NewFromConfig(f.AWS)
	listeners, err := api.DescribeListeners(ctx,
		&elasticloadbalancingv2.DescribeListenersInput{ListenerArns: []string{arn}})
	if err != nil {
		return Listener{}, fmt.Errorf("read listener: %w", awsclient.Error(err))
	}
	if len(listeners.Listeners) != 1 || another(listeners.Listeners[0].ListenerArn, arn) {
		return Listener{}, errors.New("read listener: the answer is not about this listener")
	}
	l := listeners.Listeners[0]
	balancer := aws.ToString(l.LoadBalancerArn)
	balancers, err := api.DescribeLoadBalancers(ctx,
		&elasticloadbalancingv2.DescribeLoadBalancersInput{LoadBalancerArns: []string{balancer}})
	if err != nil {
		return Listener{}, fmt.Errorf("read load balancer: %w", awsclient.Error(err))
	}
	if len(balancers.LoadBalancers) != 1 || another(balancers.LoadBalancers[0].LoadBalancerArn, balancer) {
		return Listener{}, errors.New("read load balancer: the answer is not about the listener's")
	}
	name := aws.ToString(balancers.LoadBalancers[0].DNSName)
	if name == "" {
		return Listener{}, errors.New("read load balancer: it has no DNS name")
	}
	scheme := "http"
	if l.Protocol == types.ProtocolEnumHttps || l.Protocol == types.ProtocolEnumTls {
		scheme = "https"
	}
	host := net.JoinHostPort(name, strconv.Itoa(int(aws.ToInt32(l.Port))))
	return Listener{ARN: arn, URL: scheme + "://" + host, LoadBalancer: balancer}, nil
}

// another reports whether an answer says that it is about something else than was asked for.
func another(got *string, asked string) bool { return aws.ToString(got) != "" && *got != asked }

// Way is what a listener, or one rule of it, does with requests.
type Way struct {
	// Groups are the names of the target groups that it forwards to. A weight of 0 counts as not there: since
	// 2022 CodeDeploy leaves the other group of the pair in a weighted forward with weight 0.
	Groups []string
	// Headers are what a single rule asks for, a value for each; nil for a whole listener.
	Headers map[string]string
	// Other names conditions of a single rule that no header satisfies: "host-header", "path-pattern".
	Other []string
}

// LeadsOnlyTo reports whether all that is forwarded goes to the target group.
func (w Way) LeadsOnlyTo(targetGroup string) bool {
	another := func(g string) bool { return g != targetGroup }
	return targetGroup != "" && len(w.Groups) > 0 && !slices.ContainsFunc(w.Groups, another)
}

// Way reads where a listener, or one rule, leads to. All rules of a listener count together.
func (f Finder) Way(ctx context.Context, arn string) (Way, error) {
	single := ListenerOf(arn) != arn
	in := &elasticloadbalancingv2.DescribeRulesInput{ListenerArn: aws.String(arn)}
	if single {
		in = &elasticloadbalancingv2.DescribeRulesInput{RuleArns: []string{arn}}
	}
	out, err := elasticloadbalancingv2.NewFromConfig(f.AWS).DescribeRules(ctx, in)
	if err != nil {
		return Way{}, fmt.Errorf("read listener rules: %w", awsclient.Error(err))
	}
	var w Way
	for _, r := range out.Rules {
		if single && another(r.RuleArn, arn) || another(aws.String(ListenerOf(aws.ToString(r.RuleArn))), ListenerOf(arn)) {
			return Way{}, errors.New("read listener rules: the answer is about another listener")
		}
		w.Groups = append(w.Groups, groups(r)...)
		if single {
			w.read(r)
		}
	}
	return w, nil
}

// groups lists the names of the target groups that the rule gives a share to.
func groups(r types.Rule) []string {
	var out []string
	for _, a := range r.Actions {
		if a.Type != types.ActionTypeEnumForward {
			continue
		}
		if a.ForwardConfig == nil || len(a.ForwardConfig.TargetGroups) == 0 {
			out = append(out, targetGroupName(aws.ToString(a.TargetGroupArn)))
			continue
		}
		for _, g := range a.ForwardConfig.TargetGroups {
			if g.Weight == nil || *g.Weight != 0 {
				out = append(out, targetGroupName(aws.ToString(g.TargetGroupArn)))
			}
		}
	}
	return out
}

// read takes the rule's conditions. A header's value with a wildcard in it cannot be sent as it stands.
func (w *Way) read(r types.Rule) {
	for _, c := range r.Conditions {
		field := aws.ToString(c.Field)
		if slices.Contains(c.Values, "*") || field == "path-pattern" && slices.Contains(c.Values, "/*") {
			continue // every request satisfies it
		}
		var header types.HttpHeaderConditionConfig
		if c.HttpHeaderConfig != nil {
			header = *c.HttpHeaderConfig
		}
		name := aws.ToString(header.HttpHeaderName)
		i := slices.IndexFunc(header.Values, func(v string) bool { return v != "" && !strings.ContainsAny(v, "*?") })
		if field != "http-header" || name == "" || i < 0 {
			w.Other = append(w.Other, field)
			continue
		}
		if w.Headers == nil {
			w.Headers = map[string]string{}
		}
		w.Headers[name] = header.Values[i]
	}
}

// Health is how many targets of a target group are in which state, in words: "1 healthy, 1 unhealthy
// (Target.FailedHealthChecks)".
// DescribeTargetHealth wants the group's ARN, which the task set has.
func (f Finder) Health(ctx context.Context, targetGroupARN string) (string, error) {
	in := &elasticloadbalancingv2.DescribeTargetHealthInput{TargetGroupArn: aws.String(targetGroupARN)}
	out, err := elasticloadbalancingv2.NewFromConfig(f.AWS).DescribeTargetHealth(ctx, in)
	if err != nil {
		return "", fmt.Errorf("read target health: %w", awsclient.Error(err))
	}
	if len(out.TargetHealthDescriptions) == 0 {
		return "no targets", nil
	}
	var order []string
	count := map[string]int{}
	for _, t := range out.TargetHealthDescriptions {
		state := "unknown"
		if h := t.TargetHealth; h != nil {
			state = string(h.State)
			if h.Reason != "" {
				state += " (" + string(h.Reason) + ")"
			}
		}
		if count[state] == 0 {
			order = append(order, state)
		}
		count[state]++
	}
	for i, state := range order {
		order[i] = strconv.Itoa(count[state]) + " " + state
	}
	return strings.Join(order, ", "), nil
}

// targetGroupName returns "name" of "arn:aws:elasticloadbalancing:…:targetgroup/name/id".
func targetGroupName(arn string) string {
	_, rest, ok := strings.Cut(arn, ":targetgroup/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}
