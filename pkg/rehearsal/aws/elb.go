package aws

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// LoadBalancer is a load balancer at a moment.
type LoadBalancer struct {
	// ARN ends with "loadbalancer/app/name/id"; Address is its only node's private address, and its DNS name where that
	// is empty.
	ARN, Name, Address, DNS string
	Listeners               []Listener
	Groups                  []Group
}

// Listener is one port and what it forwards to.
type Listener struct {
	ARN string
	// Protocol is HTTP when it is empty.
	Protocol string
	Port     int
	Forward  []Weight
	// Rules stand before the default one.
	Rules []Rule
}

// Rule is a listener rule whose condition is a header with one of the values.
type Rule struct {
	ARN, Header string
	Values      []string
	Forward     []Weight
}

// rule is the ARN of the listener's default rule: that is what CodeDeploy changes.
func (l Listener) rule() string {
	return strings.Replace(l.ARN, ":listener/", ":listener-rule/", 1) + "/0000000000000001"
}

// Weight is a target group's share in a forward action.
type Weight struct {
	GroupARN string `xml:"TargetGroupArn"`
	Weight   int    `xml:"Weight"`
}

// Group is a target group.
type Group struct {
	ARN     string
	Targets []Target
}

// Target is a target and its health: initial, healthy, unhealthy or draining.
type Target struct {
	Address string
	Port    int
	Health  string
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
			return nil, fault(missing, "One or more of what was asked for was not found: %.200q", w)
		}
		out = append(out, items[i])
	}
	return out, nil
}

type xmlLoadBalancer struct {
	ARN    string `xml:"LoadBalancerArn"`
	DNS    string `xml:"DNSName"`
	Name   string `xml:"LoadBalancerName"`
	Scheme string `xml:"Scheme"`
	State  string `xml:"State>Code"`
	Type   string `xml:"Type"`
	IP     string `xml:"IpAddressType"`
}

func (s *Server) describeLoadBalancers(form url.Values) (member, error) {
	var all []xmlLoadBalancer
	for _, l := range s.LoadBalancers() {
		all = append(all, xmlLoadBalancer{
			l.ARN, cmp.Or(l.DNS, l.Address), l.Name, "internal", "active", "application",
			"ipv4",
		})
	}
	found, err := chosen(all, listed(form, "LoadBalancerArns"), func(l xmlLoadBalancer) string { return l.ARN },
		"LoadBalancerNotFound")
	if err == nil {
		found, err = chosen(found, listed(form, "Names"), func(l xmlLoadBalancer) string { return l.Name },
			"LoadBalancerNotFound")
	}
	return list("LoadBalancers", found), err
}

type xmlAction struct {
	Type   string `xml:"Type"`
	Order  int    `xml:"Order"`
	ARN    string `xml:"TargetGroupArn,omitempty"`
	Groups struct {
		Groups members[Weight] `xml:"TargetGroups"`
		Sticky bool            `xml:"TargetGroupStickinessConfig>Enabled"`
	} `xml:"ForwardConfig"`
}

// action is a forward action as AWS shows it: with one group it also stands by itself.
func action(forward []Weight) members[xmlAction] {
	out := xmlAction{Type: "forward", Order: 1}
	out.Groups.Groups.Members = forward
	if len(forward) == 1 {
		out.ARN = forward[0].GroupARN
	}
	return members[xmlAction]{[]xmlAction{out}}
}

type xmlListener struct {
	ARN          string             `xml:"ListenerArn"`
	LoadBalancer string             `xml:"LoadBalancerArn"`
	Port         int                `xml:"Port"`
	Protocol     string             `xml:"Protocol"`
	Actions      members[xmlAction] `xml:"DefaultActions"`
}

func (s *Server) describeListeners(form url.Values) (member, error) {
	var all []xmlListener
	only, there := form.Get("LoadBalancerArn"), false
	for _, b := range s.LoadBalancers() {
		if only != "" && only != b.ARN {
			continue
		}
		there = true
		for _, l := range b.Listeners {
			all = append(all, xmlListener{l.ARN, b.ARN, l.Port, cmp.Or(l.Protocol, "HTTP"), action(l.Forward)})
		}
	}
	if only != "" && !there {
		return member{}, fault("LoadBalancerNotFound", "Load balancer '%.200s' not found", only)
	}
	found, err := chosen(all, listed(form, "ListenerArns"), func(l xmlListener) string { return l.ARN },
		"ListenerNotFound")
	return list("Listeners", found), err
}

type xmlRule struct {
	ARN        string                `xml:"RuleArn"`
	Priority   string                `xml:"Priority"`
	Conditions members[xmlCondition] `xml:"Conditions"`
	Actions    members[xmlAction]    `xml:"Actions"`
	Default    bool                  `xml:"IsDefault"`
}

type xmlCondition struct {
	Field  string          `xml:"Field"`
	Header string          `xml:"HttpHeaderConfig>HttpHeaderName"`
	Values members[string] `xml:"HttpHeaderConfig>Values"`
}

func (s *Server) describeRules(form url.Values) (member, error) {
	var all []xmlRule
	for _, b := range s.LoadBalancers() {
		for _, l := range b.Listeners {
			if want := form.Get("ListenerArn"); want == "" || want == l.ARN {
				for i, r := range l.Rules {
					condition := xmlCondition{"http-header", r.Header, members[string]{r.Values}}
					all = append(all, xmlRule{
						ARN: r.ARN, Priority: strconv.Itoa(i + 1), Actions: action(r.Forward),
						Conditions: members[xmlCondition]{[]xmlCondition{condition}},
					})
				}
				all = append(all, xmlRule{ARN: l.rule(), Priority: "default", Actions: action(l.Forward), Default: true})
			}
		}
	}
	if len(all) == 0 {
		return member{}, fault("ListenerNotFound", "One or more listeners not found")
	}
	found, err := chosen(all, listed(form, "RuleArns"), func(r xmlRule) string { return r.ARN }, "RuleNotFound")
	return list("Rules", found), err
}

type xmlHealth struct {
	Address     string `xml:"Target>Id"`
	Port        int    `xml:"Target>Port"`
	State       string `xml:"TargetHealth>State"`
	Reason      string `xml:"TargetHealth>Reason,omitempty"`
	Description string `xml:"TargetHealth>Description,omitempty"`
}

func (s *Server) describeTargetHealth(form url.Values) (member, error) {
	var groups []Group
	for _, b := range s.LoadBalancers() {
		groups = append(groups, b.Groups...)
	}
	want := form.Get("TargetGroupArn")
	i := slices.IndexFunc(groups, func(g Group) bool { return g.ARN == want })
	if i < 0 {
		return member{}, fault("TargetGroupNotFound", "Target group '%.200s' not found", want)
	}
	why := map[string][2]string{
		"initial":   {"Elb.InitialHealthChecking", "Initial health checks in progress"},
		"unhealthy": {"Target.FailedHealthChecks", "Health checks failed"},
		"draining":  {"Target.DeregistrationInProgress", "Target deregistration is in progress"},
	}
	var all []xmlHealth
	for _, t := range groups[i].Targets {
		all = append(all, xmlHealth{t.Address, t.Port, t.Health, why[t.Health][0], why[t.Health][1]})
	}
	return list("TargetHealthDescriptions", all), nil
}

type xmlInterface struct {
	ID          string `xml:"networkInterfaceId"`
	Description string `xml:"description"`
	Status      string `xml:"status"`
	Address     string `xml:"privateIpAddress"`
}

// describeNetworkInterfaces shows each load balancer's only node. It applies only the filter description, by which the
// nodes of a load balancer are found, and ignores all others.
func (s *Server) describeNetworkInterfaces(form url.Values) (member, error) {
	type set struct {
		Items []xmlInterface `xml:"item"`
	}
	var found set
	for n, b := range s.LoadBalancers() {
		_, name, _ := strings.Cut(b.ARN, ":loadbalancer/")
		found.Items = append(found.Items, xmlInterface{fmt.Sprintf("eni-%017d", n+1), "ELB " + name, "in-use", b.Address})
	}
	for i := 1; form.Has(fmt.Sprintf("Filter.%d.Name", i)); i++ {
		if form.Get(fmt.Sprintf("Filter.%d.Name", i)) == "description" {
			values := listed(form, fmt.Sprintf("Filter.%d.Value", i))
			found.Items = slices.DeleteFunc(found.Items,
				func(x xmlInterface) bool { return !slices.Contains(values, x.Description) })
		}
	}
	return member{"networkInterfaceSet", found}, nil
}
