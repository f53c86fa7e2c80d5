package release

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/signed"
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
	var listeners struct {
		Listeners []struct {
			ARN             string `xml:"ListenerArn"`
			LoadBalancerARN string `xml:"LoadBalancerArn"`
			Port            int    `xml:"Port"`
			Protocol        string `xml:"Protocol"`
		} `xml:"DescribeListenersResult>Listeners>member"`
	}
	if err := f.AWS.Query(ctx, signed.LoadBalancing, "DescribeListeners", url.Values{"ListenerArns.member.1": {arn}}, &listeners); err != nil {
		return Listener{}, fmt.Errorf("read listener: %w", err)
	}
	if len(listeners.Listeners) != 1 || another(listeners.Listeners[0].ARN, arn) {
		return Listener{}, errors.New("read listener: the answer is not about this listener")
	}
	l := listeners.Listeners[0]
	var balancers struct {
		LoadBalancers []struct {
			ARN     string `xml:"LoadBalancerArn"`
			DNSName string `xml:"DNSName"`
		} `xml:"DescribeLoadBalancersResult>LoadBalancers>member"`
	}
	if err := f.AWS.Query(ctx, signed.LoadBalancing, "DescribeLoadBalancers", url.Values{"LoadBalancerArns.member.1": {l.LoadBalancerARN}}, &balancers); err != nil {
		return Listener{}, fmt.Errorf("read load balancer: %w", err)
	}
	if len(balancers.LoadBalancers) != 1 || another(balancers.LoadBalancers[0].ARN, l.LoadBalancerARN) {
		return Listener{}, errors.New("read load balancer: the answer is not about the listener's")
	}
	if balancers.LoadBalancers[0].DNSName == "" {
		return Listener{}, errors.New("read load balancer: it has no DNS name")
	}
	scheme := "http"
	if l.Protocol == "HTTPS" || l.Protocol == "TLS" {
		scheme = "https"
	}
	host := net.JoinHostPort(balancers.LoadBalancers[0].DNSName, strconv.Itoa(l.Port))
	return Listener{ARN: arn, URL: scheme + "://" + host, LoadBalancer: l.LoadBalancerARN}, nil
}

// another reports whether an answer says that it is about something else than was asked for.
func another(got, asked string) bool { return got != "" && got != asked }

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
	for _, g := range w.Groups {
		if g != targetGroup {
			return false
		}
	}
	return targetGroup != "" && len(w.Groups) > 0
}

type rule struct {
	ARN     string `xml:"RuleArn"`
	Actions []struct {
		Type   string `xml:"Type"`
		ARN    string `xml:"TargetGroupArn"`
		Groups []struct {
			ARN    string `xml:"TargetGroupArn"`
			Weight *int   `xml:"Weight"`
		} `xml:"ForwardConfig>TargetGroups>member"`
	} `xml:"Actions>member"`
	Conditions []struct {
		Field  string   `xml:"Field"`
		Header string   `xml:"HttpHeaderConfig>HttpHeaderName"`
		Values []string `xml:"HttpHeaderConfig>Values>member"`
		// Patterns are a path's or a host's.
		Patterns []string `xml:"Values>member"`
	} `xml:"Conditions>member"`
}

// Way reads where a listener, or one rule, leads to. All rules of a listener count together.
func (f Finder) Way(ctx context.Context, arn string) (Way, error) {
	var out struct {
		Rules []rule `xml:"DescribeRulesResult>Rules>member"`
	}
	single := ListenerOf(arn) != arn
	in := url.Values{"ListenerArn": {arn}}
	if single {
		in = url.Values{"RuleArns.member.1": {arn}}
	}
	if err := f.AWS.Query(ctx, signed.LoadBalancing, "DescribeRules", in, &out); err != nil {
		return Way{}, fmt.Errorf("read listener rules: %w", err)
	}
	var w Way
	for _, r := range out.Rules {
		if single && another(r.ARN, arn) || another(ListenerOf(r.ARN), ListenerOf(arn)) {
			return Way{}, errors.New("read listener rules: the answer is about another listener")
		}
		w.Groups = append(w.Groups, r.groups()...)
		if single {
			w.read(r)
		}
	}
	return w, nil
}

// groups lists the names of the target groups that the rule gives a share to.
func (r rule) groups() []string {
	var out []string
	for _, a := range r.Actions {
		if a.Type != "forward" {
			continue
		}
		if len(a.Groups) == 0 {
			out = append(out, targetGroupName(a.ARN))
		}
		for _, g := range a.Groups {
			if g.Weight == nil || *g.Weight != 0 {
				out = append(out, targetGroupName(g.ARN))
			}
		}
	}
	return out
}

// read takes the rule's conditions. A header's value with a wildcard in it cannot be sent as it stands.
func (w *Way) read(r rule) {
	for _, c := range r.Conditions {
		if slices.Contains(c.Patterns, "*") || c.Field == "path-pattern" && slices.Contains(c.Patterns, "/*") {
			continue // every request satisfies it
		}
		value := ""
		for _, v := range c.Values {
			if value == "" && !strings.ContainsAny(v, "*?") {
				value = v
			}
		}
		if c.Field != "http-header" || c.Header == "" || value == "" {
			w.Other = append(w.Other, c.Field)
			continue
		}
		if w.Headers == nil {
			w.Headers = map[string]string{}
		}
		w.Headers[c.Header] = value
	}
}

// Health is how many targets of a target group are in which state, in words: "1 healthy, 1 unhealthy
// (Target.FailedHealthChecks)".
// DescribeTargetHealth wants the group's ARN, which the task set has.
func (f Finder) Health(ctx context.Context, targetGroupARN string) (string, error) {
	var out struct {
		Targets []struct {
			State  string `xml:"TargetHealth>State"`
			Reason string `xml:"TargetHealth>Reason"`
		} `xml:"DescribeTargetHealthResult>TargetHealthDescriptions>member"`
	}
	if err := f.AWS.Query(ctx, signed.LoadBalancing, "DescribeTargetHealth", url.Values{"TargetGroupArn": {targetGroupARN}}, &out); err != nil {
		return "", fmt.Errorf("read target health: %w", err)
	}
	if len(out.Targets) == 0 {
		return "no targets", nil
	}
	var order []string
	count := map[string]int{}
	for _, t := range out.Targets {
		state := t.State
		if t.Reason != "" {
			state += " (" + t.Reason + ")"
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
