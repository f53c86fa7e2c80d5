package discovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
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
	// Groups are the names of the target groups that it forwards to, ARNs their ARNs. A weight of 0 counts as not there:
	// since 2022 CodeDeploy leaves the other group of the pair in a weighted forward with weight 0.
	Groups, ARNs []string
	// Headers and Query are what a single rule asks of a request, a value for each; Hosts and Paths are patterns, one of
	// which has to fit. All are empty for a whole listener.
	Headers, Query map[string]string
	Hosts, Paths   []string
	// Cannot says why no request of ours is led to a release by a single rule, or is empty.
	Cannot string
	// Rule is its ARN.
	Rule string
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
	rules, err := f.rules(ctx, arn, in)
	w := Way{Rule: arn}
	for _, r := range rules {
		if single && another(r.RuleArn, arn) {
			return Way{}, errors.New("read listener rules: the answer is about another rule")
		}
		w.forwards(r)
		if single {
			w.read(r)
		}
	}
	return w, err
}

// Before reads the rules that come before one on the same listener, and so get the requests that satisfy both.
func (f Finder) Before(ctx context.Context, rule string) ([]Way, error) {
	listener := ListenerOf(rule)
	rules, err := f.rules(ctx, listener, &elasticloadbalancingv2.DescribeRulesInput{ListenerArn: aws.String(listener)})
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(rules, func(r types.Rule) bool { return aws.ToString(r.RuleArn) == rule })
	if i < 0 {
		return nil, errors.New("read listener rules: the listener does not have the rule")
	}
	var before []Way
	for _, r := range rules {
		if priority(r) < priority(rules[i]) {
			w := Way{Rule: aws.ToString(r.RuleArn)}
			w.forwards(r)
			w.read(r)
			before = append(before, w)
		}
	}
	return before, nil
}

// priority is a rule's; the default rule, which has a word there, comes last.
func priority(r types.Rule) int {
	n, err := strconv.Atoi(aws.ToString(r.Priority))
	if err != nil {
		return math.MaxInt
	}
	return n
}

// rules reads rules, all of which belong to the listener.
func (f Finder) rules(
	ctx context.Context, arn string, in *elasticloadbalancingv2.DescribeRulesInput,
) ([]types.Rule, error) {
	const most = 400 // what AWS gives at once; a listener has 100 rules unless somebody asked for more
	in.PageSize = aws.Int32(most)
	out, err := elasticloadbalancingv2.NewFromConfig(f.AWS).DescribeRules(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("read listener rules: %w", awsclient.Error(err))
	}
	if aws.ToString(out.NextMarker) != "" {
		return nil, fmt.Errorf("read listener rules: the listener has more than %d", most)
	}
	for _, r := range out.Rules {
		if another(aws.String(ListenerOf(aws.ToString(r.RuleArn))), ListenerOf(arn)) {
			return nil, errors.New("read listener rules: the answer is about another listener")
		}
	}
	return out.Rules, nil
}

// forwards notes the target groups that the rule gives a share to.
func (w *Way) forwards(r types.Rule) {
	for _, a := range r.Actions {
		if a.Type != types.ActionTypeEnumForward {
			continue
		}
		all := []types.TargetGroupTuple{{TargetGroupArn: a.TargetGroupArn}}
		if a.ForwardConfig != nil && len(a.ForwardConfig.TargetGroups) > 0 {
			all = a.ForwardConfig.TargetGroups
		}
		for _, g := range all {
			if g.Weight == nil || *g.Weight != 0 {
				arn := aws.ToString(g.TargetGroupArn)
				w.Groups, w.ARNs = append(w.Groups, targetGroupName(arn)), append(w.ARNs, arn)
			}
		}
	}
}

// read takes what the rule does beside forwarding, and its conditions: all of them have to be satisfied.
func (w *Way) read(r types.Rule) {
	for _, a := range r.Actions {
		if a.Type != types.ActionTypeEnumForward && a.Type != types.ActionTypeEnumJwtValidation {
			w.cannot("it does not forward what asks for it, but has the action " + string(a.Type))
		}
	}
	for _, c := range r.Conditions {
		switch field := aws.ToString(c.Field); {
		case field == "http-header" && c.HttpHeaderConfig != nil && len(c.HttpHeaderConfig.Values) > 0:
			w.Headers = w.want(w.Headers, aws.ToString(c.HttpHeaderConfig.HttpHeaderName), c.HttpHeaderConfig.Values)
		case field == "query-string" && c.QueryStringConfig != nil && len(c.QueryStringConfig.Values) > 0:
			first := c.QueryStringConfig.Values[0]
			w.Query = w.want(w.Query, aws.ToString(first.Key), []string{aws.ToString(first.Value)})
		case field == "host-header" && len(patterns(c)) > 0:
			w.Hosts = unlessAny(patterns(c))
		case field == "path-pattern" && len(patterns(c)) > 0:
			w.Paths = unlessAny(patterns(c))
		default:
			w.cannot("no request of a suite can satisfy its condition " + field)
		}
	}
}

func (w *Way) cannot(why string) {
	w.Cannot = cmp.Or(w.Cannot, "the listener rule "+w.Rule+" leads to no release: "+why)
}

// want notes a value that satisfies a condition: one without a wildcard, or what a wildcard may stand for.
func (w *Way) want(known map[string]string, name string, values []string) map[string]string {
	value := strings.NewReplacer("*", "x", "?", "x").Replace(values[0])
	for _, v := range slices.Backward(values) {
		if !strings.ContainsAny(v, "*?") {
			value = v
		}
	}
	was, twice := "", false
	for other := range known { // in whatever case it is written
		if strings.EqualFold(other, name) {
			was, twice = known[other], true
		}
	}
	switch {
	case name == "" || value == "":
		w.cannot("it asks for a value without a name, or for a name without a value")
	case twice && was != value && !slices.Contains(values, was):
		w.cannot(fmt.Sprintf("it asks for two values of %.100q", name))
	case !twice:
		if known == nil {
			known = map[string]string{}
		}
		known[name] = value
	}
	return known
}

// patterns are those of a condition on the host or the path, in the new place or the old one.
func patterns(c types.RuleCondition) []string {
	switch {
	case c.HostHeaderConfig != nil:
		return c.HostHeaderConfig.Values
	case c.PathPatternConfig != nil:
		return c.PathPatternConfig.Values
	}
	return c.Values
}

// unlessAny returns no patterns where one of them fits everything.
func unlessAny(patterns []string) []string {
	if slices.Contains(patterns, "*") || slices.Contains(patterns, "/*") {
		return nil
	}
	return patterns
}

// Health is how many targets of a target group are in which state, in words: "1 healthy, 1 unhealthy
// (Target.FailedHealthChecks)".
// DescribeTargetHealth wants the group's ARN, which the task set has.
func (f Finder) Health(ctx context.Context, targetGroupARN string) (string, error) {
	text, _, err := f.Targets(ctx, targetGroupARN)
	return text, err
}

// Targets is Health, and how many of the targets get requests.
func (f Finder) Targets(ctx context.Context, targetGroupARN string) (health string, healthy int, err error) {
	in := &elasticloadbalancingv2.DescribeTargetHealthInput{TargetGroupArn: aws.String(targetGroupARN)}
	out, err := elasticloadbalancingv2.NewFromConfig(f.AWS).DescribeTargetHealth(ctx, in)
	if err != nil {
		return "", 0, fmt.Errorf("read target health: %w", awsclient.Error(err))
	}
	if len(out.TargetHealthDescriptions) == 0 {
		return "no targets", 0, nil
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
	return strings.Join(order, ", "), count[string(types.TargetHealthStateEnumHealthy)], nil
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
