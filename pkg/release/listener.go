package release

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
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
			LoadBalancerARN string `xml:"LoadBalancerArn"`
			Port            int    `xml:"Port"`
			Protocol        string `xml:"Protocol"`
		} `xml:"DescribeListenersResult>Listeners>member"`
	}
	if err := f.AWS.Query(ctx, signed.LoadBalancing, "DescribeListeners", url.Values{"ListenerArns.member.1": {arn}}, &listeners); err != nil {
		return Listener{}, fmt.Errorf("read listener: %w", err)
	}
	if len(listeners.Listeners) == 0 {
		return Listener{}, errors.New("read listener: there is none")
	}
	l := listeners.Listeners[0]
	var balancers struct {
		LoadBalancers []struct {
			DNSName string `xml:"DNSName"`
		} `xml:"DescribeLoadBalancersResult>LoadBalancers>member"`
	}
	if err := f.AWS.Query(ctx, signed.LoadBalancing, "DescribeLoadBalancers", url.Values{"LoadBalancerArns.member.1": {l.LoadBalancerARN}}, &balancers); err != nil {
		return Listener{}, fmt.Errorf("read load balancer: %w", err)
	}
	if len(balancers.LoadBalancers) == 0 || balancers.LoadBalancers[0].DNSName == "" {
		return Listener{}, errors.New("read load balancer: it has no DNS name")
	}
	scheme := "http"
	if l.Protocol == "HTTPS" || l.Protocol == "TLS" {
		scheme = "https"
	}
	host := net.JoinHostPort(balancers.LoadBalancers[0].DNSName, strconv.Itoa(l.Port))
	return Listener{ARN: arn, URL: scheme + "://" + host, LoadBalancer: l.LoadBalancerARN}, nil
}

// LeadsOnlyTo reports whether everything that the listener forwards goes to the target group: no rule
// has a weight for another one. Since 2022 CodeDeploy leaves the other group of the pair in a weighted
// forward with weight 0, which counts as not there.
func (f Finder) LeadsOnlyTo(ctx context.Context, listenerARN, targetGroup string) (bool, error) {
	type group struct {
		ARN    string `xml:"TargetGroupArn"`
		Weight *int   `xml:"Weight"`
	}
	var out struct {
		Rules []struct {
			Actions []struct {
				Type   string  `xml:"Type"`
				ARN    string  `xml:"TargetGroupArn"`
				Groups []group `xml:"ForwardConfig>TargetGroups>member"`
			} `xml:"Actions>member"`
		} `xml:"DescribeRulesResult>Rules>member"`
	}
	if err := f.AWS.Query(ctx, signed.LoadBalancing, "DescribeRules", url.Values{"ListenerArn": {listenerARN}}, &out); err != nil {
		return false, fmt.Errorf("read listener rules: %w", err)
	}
	forwards := 0
	for _, r := range out.Rules {
		for _, a := range r.Actions {
			if a.Type != "forward" {
				continue
			}
			groups := a.Groups
			if len(groups) == 0 {
				groups = []group{{ARN: a.ARN}}
			}
			for _, g := range groups {
				if g.Weight != nil && *g.Weight == 0 {
					continue
				}
				if targetGroupName(g.ARN) != targetGroup {
					return false, nil
				}
				forwards++
			}
		}
	}
	return forwards > 0, nil
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
