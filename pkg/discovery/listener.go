package discovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
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
	api := elb.NewFromConfig(f.AWS)
	listeners, err := api.DescribeListeners(ctx, &elb.DescribeListenersInput{ListenerArns: []string{arn}})
	if err != nil {
		return Listener{}, fmt.Errorf("read listener: %w", awsclient.Error(err))
	}
	if len(listeners.Listeners) != 1 || another(listeners.Listeners[0].ListenerArn, arn) {
		return Listener{}, errors.New("read listener: the answer is not about this listener")
	}
	l := listeners.Listeners[0]
	balancer := aws.ToString(l.LoadBalancerArn)
	balancers, err := api.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{LoadBalancerArns: []string{balancer}})
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

// LoadBalancerOf is CloudWatch's name of the load balancer of a listener, or of a rule of one: "app/name/id".
func LoadBalancerOf(arn string) string {
	_, rest, _ := strings.Cut(ListenerOf(arn), ":listener/")
	return rest[:max(0, strings.LastIndexByte(rest, '/'))]
}

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
	in := &elb.DescribeRulesInput{ListenerArn: aws.String(arn)}
	if single {
		in = &elb.DescribeRulesInput{RuleArns: []string{arn}}
	}
	rules, err := f.rules(ctx, in, ListenerOf(arn))
	if err != nil {
		return Way{}, err
	}
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
	return w, nil
}

// rules reads rules of a listener, page by page.
func (f Finder) rules(ctx context.Context, in *elb.DescribeRulesInput, listener string) ([]types.Rule, error) {
	var all []types.Rule
	pages := elb.NewDescribeRulesPaginator(elb.NewFromConfig(f.AWS), in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read listener rules: %w", awsclient.Error(err))
		}
		all = append(all, page.Rules...)
	}
	if slices.ContainsFunc(all, func(r types.Rule) bool { return ListenerOf(aws.ToString(r.RuleArn)) != listener }) {
		return nil, errors.New("read listener rules: the answer is about another listener")
	}
	return all, nil
}

// Earlier returns a rule of the same listener that comes before the way's own and may take what is sent on it: it does
// not lead to the target group only, and neither its hosts nor its paths certainly refuse that. "" where there is none,
// or the way is a whole listener's.
func (f Finder) Earlier(ctx context.Context, w Way, targetGroup string) (string, error) {
	listener := ListenerOf(w.Rule)
	if listener == w.Rule {
		return "", nil
	}
	rules, err := f.rules(ctx, &elb.DescribeRulesInput{ListenerArn: aws.String(listener)}, listener)
	own := slices.IndexFunc(rules, func(r types.Rule) bool { return aws.ToString(r.RuleArn) == w.Rule })
	if err == nil && own < 0 {
		err = errors.New("read listener rules: the test traffic's rule is not among its listener's")
	}
	if err != nil {
		return "", err
	}
	for i, r := range rules {
		var first Way
		first.forwards(r)
		first.read(r)
		if i != own && priority(r) <= priority(rules[own]) && !first.LeadsOnlyTo(targetGroup) &&
			!nobodys(first.Hosts) && !apart(first.Hosts, w.Hosts) && !apart(first.Paths, w.Paths) {
			return aws.ToString(r.RuleArn), nil
		}
	}
	return "", nil
}

// nobodys reports whether all hosts are below .invalid, where there are none: such a rule only counts what comes.
func nobodys(hosts []string) bool {
	return len(hosts) > 0 &&
		!slices.ContainsFunc(hosts, func(h string) bool { return !strings.HasSuffix(strings.ToLower(h), ".invalid") })
}

// priority is a rule's place in the order of its listener; a rule that does not say it comes first.
func priority(r types.Rule) int {
	if n, err := strconv.Atoi(aws.ToString(r.Priority)); err == nil || aws.ToString(r.Priority) != "default" {
		return n
	}
	return math.MaxInt
}

// apart reports whether certainly no text fits a pattern of both: what stands before the first wildcard differs, or what
// stands behind the last one.
func apart(some, others []string) bool {
	ends := func(pattern string) (head, tail string) {
		parts := strings.Split(strings.ReplaceAll(strings.ToLower(pattern), "?", "*"), "*")
		return parts[0], parts[len(parts)-1]
	}
	for _, a := range some {
		for _, b := range others {
			headA, tailA := ends(a)
			headB, tailB := ends(b)
			if (strings.HasPrefix(headA, headB) || strings.HasPrefix(headB, headA)) &&
				(strings.HasSuffix(tailA, tailB) || strings.HasSuffix(tailB, tailA)) {
				return false
			}
		}
	}
	return len(some) > 0 && len(others) > 0
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
		patterns := slices.Concat(c.Values, awsclient.Of(c.HostHeaderConfig).Values, awsclient.Of(c.PathPatternConfig).Values)
		slices.Sort(patterns) // AWS says them twice
		patterns = slices.Compact(patterns)
		switch field := aws.ToString(c.Field); {
		case field == "http-header" && c.HttpHeaderConfig != nil && len(c.HttpHeaderConfig.Values) > 0:
			name := http.CanonicalHeaderKey(aws.ToString(c.HttpHeaderConfig.HttpHeaderName)) // its case says nothing
			w.Headers = w.want(w.Headers, name, c.HttpHeaderConfig.Values[0])
		case field == "query-string" && c.QueryStringConfig != nil && len(c.QueryStringConfig.Values) > 0:
			first := c.QueryStringConfig.Values[0]
			w.Query = w.want(w.Query, aws.ToString(first.Key), aws.ToString(first.Value))
		case slices.Contains(patterns, "*"), field == "path-pattern" && slices.Contains(patterns, "/*"):
		case field == "host-header" && len(patterns) > 0 && len(c.RegexValues) == 0:
			w.Hosts = patterns
		case field == "path-pattern" && len(patterns) > 0 && len(c.RegexValues) == 0:
			w.Paths = patterns
		default:
			w.cannot("no request of a suite can satisfy its condition " + field)
		}
	}
}

func (w *Way) cannot(why string) {
	w.Cannot = cmp.Or(w.Cannot, "the listener rule "+w.Rule+" leads to no release: "+why)
}

// want notes a value that satisfies a condition; for a wildcard in it stands what it may stand for.
func (w *Way) want(known map[string]string, name, value string) map[string]string {
	value = strings.NewReplacer("*", "x", "?", "x").Replace(value)
	was, twice := known[name]
	if name == "" || value == "" || twice && was != value {
		w.cannot(fmt.Sprintf("it asks for two values of %.100q, or for none", name))
		return known
	}
	if known == nil {
		known = map[string]string{}
	}
	known[name] = value
	return known
}

// Health is how many targets of a target group are in which state, in words: "1 healthy, 1 unhealthy
// (Target.FailedHealthChecks)".
// DescribeTargetHealth wants the group's ARN, which the task set has.
func (f Finder) Health(ctx context.Context, targetGroupARN string) (string, error) {
	out, err := elb.NewFromConfig(f.AWS).DescribeTargetHealth(ctx,
		&elb.DescribeTargetHealthInput{TargetGroupArn: aws.String(targetGroupARN)})
	if err != nil {
		return "", fmt.Errorf("read target health: %w", awsclient.Error(err))
	}
	if len(out.TargetHealthDescriptions) == 0 {
		return "no targets", nil
	}
	var order []string
	count := map[string]int{}
	for _, t := range out.TargetHealthDescriptions {
		h := awsclient.Of(t.TargetHealth)
		state := cmp.Or(string(h.State), "unknown")
		if h.Reason != "" {
			state += " (" + string(h.Reason) + ")"
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

// Serves reports whether any target gets requests, by what Health said of them.
func Serves(health string) bool { return strings.Contains(health, " healthy") }

// targetGroupName returns "name" of "arn:aws:elasticloadbalancing:…:targetgroup/name/id".
func targetGroupName(arn string) string {
	_, rest, _ := strings.Cut(arn, ":targetgroup/")
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// Addresses returns the private addresses of the load balancer's nodes, one in each zone. Its DNS name
// resolves to public ones, also inside the VPC, where a rule between security groups does not fit
// them. The nodes' network interfaces are known by their description: "ELB app/name/id".
func (f Finder) Addresses(ctx context.Context, loadBalancerARN string) ([]string, error) {
	_, name, ok := strings.Cut(loadBalancerARN, ":loadbalancer/")
	if !ok {
		return nil, fmt.Errorf("find the load balancer's addresses: %.200q is not a load balancer's ARN", loadBalancerARN)
	}
	in := &ec2.DescribeNetworkInterfacesInput{Filters: []ec2types.Filter{
		{Name: aws.String("description"), Values: []string{"ELB " + name}},
		{Name: aws.String("status"), Values: []string{"in-use"}},
	}}
	out, err := ec2.NewFromConfig(f.AWS).DescribeNetworkInterfaces(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("find the load balancer's addresses: %w", awsclient.Error(err))
	}
	var addresses []string
	for _, i := range out.NetworkInterfaces {
		address := aws.ToString(i.PrivateIpAddress)
		if aws.ToString(i.Description) == "ELB "+name && net.ParseIP(address) != nil {
			addresses = append(addresses, address)
		}
	}
	if len(addresses) == 0 {
		return nil, fmt.Errorf("find the load balancer's addresses: no network interface has the description %q", "ELB "+name)
	}
	return addresses, nil
}
