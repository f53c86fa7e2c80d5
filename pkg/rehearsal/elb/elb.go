// Package elb answers the calls by which a hook looks at the load balancer: its listeners, their rules
// and weights, its target groups and their targets' health; and EC2's DescribeNetworkInterfaces, which
// tells the private addresses of a load balancer's nodes.
//
// It refuses to change anything: what it tells is a State that somebody else keeps.
package elb

import (
	"context"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/awsquery"
)

// The versions of the two APIs.
const (
	Version    = "2015-12-01"
	EC2Version = "2016-11-15"
)

// State is the load balancer at a moment.
type State struct {
	// ARN ends with "loadbalancer/app/name/id"; Address is its DNS name and its only node's address.
	ARN, Name, Address string
	Listeners          []Listener
	Groups             []Group
}

// Listener is one port and what it forwards to.
type Listener struct {
	ARN     string
	Port    int
	Forward []Weight
}

// Weight is a target group's share in a forward action.
type Weight struct {
	GroupARN string
	Weight   int
}

// Group is a target group.
type Group struct {
	ARN, Name string
	// HealthPath and Codes are the health check's, Interval and Timeout in seconds.
	HealthPath, Codes string
	Interval, Timeout int
	Threshold         int
	Targets           []Target
}

// Target is a target and its health: initial, healthy, unhealthy or draining.
type Target struct {
	Address string
	Port    int
	Health  string
}

// API answers the calls from the State at that moment.
type API struct{ State func() State }

// Services returns the operations of both services.
func (a API) Services() []awsquery.Service {
	return []awsquery.Service{
		{Version: Version, Operations: map[string]awsquery.Operation{
			"DescribeLoadBalancers": a.loadBalancers,
			"DescribeListeners":     a.listeners,
			"DescribeRules":         a.rules,
			"DescribeTargetGroups":  a.targetGroups,
			"DescribeTargetHealth":  a.targetHealth,
		}},
		{Version: EC2Version, Flat: true, Operations: map[string]awsquery.Operation{
			"DescribeNetworkInterfaces": a.interfaces,
		}},
	}
}

// members is a list as the query protocol writes it.
type members[T any] struct {
	Members []T `xml:"member"`
}

func list[T any](name string, items []T) []awsquery.Member {
	return []awsquery.Member{{Name: name, Value: members[T]{items}}}
}

// chosen keeps the items that were asked for; all when none was. One that is missing is a fault.
func chosen[T any](items []T, wanted []string, key func(T) string, missing string) ([]T, error) {
	if len(wanted) == 0 {
		return items, nil
	}
	var out []T
	for _, w := range wanted {
		i := slices.IndexFunc(items, func(t T) bool { return key(t) == w })
		if i < 0 {
			return nil, &awsquery.Fault{Code: missing, Message: fmt.Sprintf("One or more of what was asked for was not found: %.200q", w)}
		}
		out = append(out, items[i])
	}
	return out, nil
}

type loadBalancer struct {
	ARN    string `xml:"LoadBalancerArn"`
	DNS    string `xml:"DNSName"`
	Name   string `xml:"LoadBalancerName"`
	Scheme string `xml:"Scheme"`
	State  string `xml:"State>Code"`
	Type   string `xml:"Type"`
	IP     string `xml:"IpAddressType"`
}

func (a API) loadBalancers(_ context.Context, form awsquery.Form) ([]awsquery.Member, error) {
	s := a.State()
	all := []loadBalancer{{s.ARN, s.Address, s.Name, "internal", "active", "application", "ipv4"}}
	found, err := chosen(all, form.List("LoadBalancerArns"), func(l loadBalancer) string { return l.ARN }, "LoadBalancerNotFound")
	if err == nil {
		found, err = chosen(found, form.List("Names"), func(l loadBalancer) string { return l.Name }, "LoadBalancerNotFound")
	}
	return list("LoadBalancers", found), err
}

type tuple struct {
	ARN    string `xml:"TargetGroupArn"`
	Weight int    `xml:"Weight"`
}

type action struct {
	Type   string `xml:"Type"`
	Order  int    `xml:"Order"`
	ARN    string `xml:"TargetGroupArn,omitempty"`
	Groups struct {
		Groups members[tuple] `xml:"TargetGroups"`
		Sticky bool           `xml:"TargetGroupStickinessConfig>Enabled"`
	} `xml:"ForwardConfig"`
}

// forward is the action as AWS shows it: with one group it also stands by itself.
func forward(l Listener) members[action] {
	out := action{Type: "forward", Order: 1}
	for _, w := range l.Forward {
		out.Groups.Groups.Members = append(out.Groups.Groups.Members, tuple{w.GroupARN, w.Weight})
	}
	if len(l.Forward) == 1 {
		out.ARN = l.Forward[0].GroupARN
	}
	return members[action]{[]action{out}}
}

type listener struct {
	ARN          string          `xml:"ListenerArn"`
	LoadBalancer string          `xml:"LoadBalancerArn"`
	Port         int             `xml:"Port"`
	Protocol     string          `xml:"Protocol"`
	Actions      members[action] `xml:"DefaultActions"`
}

func (a API) listeners(_ context.Context, form awsquery.Form) ([]awsquery.Member, error) {
	s := a.State()
	if lb := form.Get("LoadBalancerArn"); lb != "" && lb != s.ARN {
		return nil, &awsquery.Fault{Code: "LoadBalancerNotFound", Message: fmt.Sprintf("Load balancer '%.200s' not found", lb)}
	}
	var all []listener
	for _, l := range s.Listeners {
		all = append(all, listener{l.ARN, s.ARN, l.Port, "HTTP", forward(l)})
	}
	found, err := chosen(all, form.List("ListenerArns"), func(l listener) string { return l.ARN }, "ListenerNotFound")
	return list("Listeners", found), err
}

type rule struct {
	ARN        string          `xml:"RuleArn"`
	Priority   string          `xml:"Priority"`
	Conditions members[string] `xml:"Conditions"`
	Actions    members[action] `xml:"Actions"`
	Default    bool            `xml:"IsDefault"`
}

// rules shows a listener's only rule, the default one: that is what CodeDeploy changes.
func (a API) rules(_ context.Context, form awsquery.Form) ([]awsquery.Member, error) {
	var all []rule
	for _, l := range a.State().Listeners {
		if want := form.Get("ListenerArn"); want == "" || want == l.ARN {
			all = append(all, rule{ARN: strings.Replace(l.ARN, ":listener/", ":listener-rule/", 1) + "/0000000000000001", Priority: "default", Actions: forward(l), Default: true})
		}
	}
	if len(all) == 0 {
		return nil, &awsquery.Fault{Code: "ListenerNotFound", Message: "One or more listeners not found"}
	}
	found, err := chosen(all, form.List("RuleArns"), func(r rule) string { return r.ARN }, "RuleNotFound")
	return list("Rules", found), err
}

type targetGroup struct {
	ARN           string          `xml:"TargetGroupArn"`
	Name          string          `xml:"TargetGroupName"`
	Protocol      string          `xml:"Protocol"`
	TargetType    string          `xml:"TargetType"`
	HealthPath    string          `xml:"HealthCheckPath"`
	Codes         string          `xml:"Matcher>HttpCode"`
	Interval      int             `xml:"HealthCheckIntervalSeconds"`
	Timeout       int             `xml:"HealthCheckTimeoutSeconds"`
	Healthy       int             `xml:"HealthyThresholdCount"`
	Unhealthy     int             `xml:"UnhealthyThresholdCount"`
	LoadBalancers members[string] `xml:"LoadBalancerArns"`
}

func (a API) targetGroups(_ context.Context, form awsquery.Form) ([]awsquery.Member, error) {
	s := a.State()
	if lb := form.Get("LoadBalancerArn"); lb != "" && lb != s.ARN {
		return nil, &awsquery.Fault{Code: "LoadBalancerNotFound", Message: fmt.Sprintf("Load balancer '%.200s' not found", lb)}
	}
	var all []targetGroup
	for _, g := range s.Groups {
		shown := targetGroup{
			ARN: g.ARN, Name: g.Name, Protocol: "HTTP", TargetType: "ip", HealthPath: g.HealthPath, Codes: g.Codes,
			Interval: g.Interval, Timeout: g.Timeout, Healthy: g.Threshold, Unhealthy: g.Threshold,
		}
		if s.uses(g.ARN) {
			shown.LoadBalancers.Members = []string{s.ARN}
		}
		all = append(all, shown)
	}
	found, err := chosen(all, form.List("TargetGroupArns"), func(g targetGroup) string { return g.ARN }, "TargetGroupNotFound")
	if err == nil {
		found, err = chosen(found, form.List("Names"), func(g targetGroup) string { return g.Name }, "TargetGroupNotFound")
	}
	return list("TargetGroups", found), err
}

// uses reports whether a listener forwards to the group, with whatever weight.
func (s State) uses(group string) bool {
	return slices.ContainsFunc(s.Listeners, func(l Listener) bool {
		return slices.ContainsFunc(l.Forward, func(w Weight) bool { return w.GroupARN == group })
	})
}

type health struct {
	XMLName     xml.Name `xml:"member"`
	Address     string   `xml:"Target>Id"`
	Port        int      `xml:"Target>Port"`
	State       string   `xml:"TargetHealth>State"`
	Reason      string   `xml:"TargetHealth>Reason,omitempty"`
	Description string   `xml:"TargetHealth>Description,omitempty"`
}

func (a API) targetHealth(_ context.Context, form awsquery.Form) ([]awsquery.Member, error) {
	groups, want := a.State().Groups, form.Get("TargetGroupArn")
	i := slices.IndexFunc(groups, func(g Group) bool { return g.ARN == want })
	if i < 0 {
		return nil, &awsquery.Fault{Code: "TargetGroupNotFound", Message: fmt.Sprintf("Target group '%.200s' not found", want)}
	}
	var all []health
	for _, t := range groups[i].Targets {
		h := health{Address: t.Address, Port: t.Port, State: t.Health}
		switch t.Health {
		case "initial":
			h.Reason, h.Description = "Elb.InitialHealthChecking", "Initial health checks in progress"
		case "unhealthy":
			h.Reason, h.Description = "Target.FailedHealthChecks", "Health checks failed"
		case "draining":
			h.Reason, h.Description = "Target.DeregistrationInProgress", "Target deregistration is in progress"
		}
		all = append(all, h)
	}
	return list("TargetHealthDescriptions", all), nil
}

type networkInterface struct {
	ID          string `xml:"networkInterfaceId"`
	Description string `xml:"description"`
	Status      string `xml:"status"`
	Address     string `xml:"privateIpAddress"`
}

// interfaces shows the load balancer's only node. Of the filters it knows description, which is how the
// nodes of a load balancer are found; any other matches.
func (a API) interfaces(_ context.Context, form awsquery.Form) ([]awsquery.Member, error) {
	s := a.State()
	_, name, _ := strings.Cut(s.ARN, ":loadbalancer/")
	type set struct {
		Items []networkInterface `xml:"item"`
	}
	found := set{[]networkInterface{{"eni-00000000000000001", "ELB " + name, "in-use", s.Address}}}
	for i := 1; ; i++ {
		filter := form.Get(fmt.Sprintf("Filter.%d.Name", i))
		if filter == "" {
			break
		}
		if values := form.List(fmt.Sprintf("Filter.%d.Value", i)); filter == "description" && !slices.Contains(values, "ELB "+name) {
			found.Items = nil
		}
	}
	return []awsquery.Member{{Name: "networkInterfaceSet", Value: found}}, nil
}
