package aws

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"maps"
	"net/url"
	"reflect"
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
	// Groups are its target groups' targets, by the group's ARN.
	Groups map[string][]Target
}

// Listener is one port and what it forwards to.
type Listener struct {
	ARN string
	// Protocol is HTTP when it is empty.
	Protocol string
	Port     int
	// Forward are the shares of target groups, by ARN.
	Forward map[string]int
	// Rules stand before the default one.
	Rules []Rule
}

// Rule is a listener rule whose condition is a header with one of the values.
type Rule struct {
	ARN, Header string
	Values      []string
	Forward     map[string]int
}

// rule is the ARN of the listener's default rule: that is what CodeDeploy changes.
func (l Listener) rule() string {
	return strings.Replace(l.ARN, ":listener/", ":listener-rule/", 1) + "/0000000000000001"
}

// Target is a target and its health: initial, healthy, unhealthy or draining.
type Target struct {
	Address string
	Port    int
	Health  string
}

// chosen keeps the items with the key that was asked for; all when none was. One that is missing is a fault.
func chosen(items []object, key string, wanted []string, missing string) ([]object, error) {
	if len(wanted) == 0 {
		return items, nil
	}
	var out []object
	for _, w := range wanted {
		i := slices.IndexFunc(items, func(o object) bool { return o[key] == w })
		if i < 0 {
			return nil, fault(missing, "One or more of what was asked for was not found: %.200q", w)
		}
		out = append(out, items[i])
	}
	return out, nil
}

func (s *Server) describeLoadBalancers(c Call) (any, error) {
	all := each(s.LoadBalancers(), func(l LoadBalancer) object {
		return object{
			"LoadBalancerArn": l.ARN, "DNSName": cmp.Or(l.DNS, l.Address), "LoadBalancerName": l.Name, "Scheme": "internal",
			"State": object{"Code": "active"}, "Type": "application", "IpAddressType": "ipv4",
		}
	})
	const missing = "LoadBalancerNotFound"
	found, err := chosen(all, "LoadBalancerArn", listed(c.form, "LoadBalancerArns"), missing)
	if err == nil {
		found, err = chosen(found, "LoadBalancerName", listed(c.form, "Names"), missing)
	}
	return object{"LoadBalancers": found}, err
}

// action is a forward action as AWS shows it: with one group it also stands by itself.
func action(forward map[string]int) []object {
	arns, alone := slices.Sorted(maps.Keys(forward)), ""
	groups := each(arns, func(arn string) object { return object{"TargetGroupArn": arn, "Weight": forward[arn]} })
	if len(arns) == 1 {
		alone = arns[0]
	}
	return []object{{"Type": "forward", "TargetGroupArn": alone, "ForwardConfig": object{"TargetGroups": groups}}}
}

func (s *Server) describeListeners(c Call) (any, error) {
	var all []object
	only, there := c.form.Get("LoadBalancerArn"), false
	for _, b := range s.LoadBalancers() {
		if only != "" && only != b.ARN {
			continue
		}
		there = true
		for _, l := range b.Listeners {
			all = append(all, object{
				"ListenerArn": l.ARN, "LoadBalancerArn": b.ARN, "Port": l.Port, "Protocol": cmp.Or(l.Protocol, "HTTP"),
				"DefaultActions": action(l.Forward),
			})
		}
	}
	if only != "" && !there {
		return nil, fault("LoadBalancerNotFound", "Load balancer '%.200s' not found", only)
	}
	found, err := chosen(all, "ListenerArn", listed(c.form, "ListenerArns"), "ListenerNotFound")
	return object{"Listeners": found}, err
}

func (s *Server) describeRules(c Call) (any, error) {
	var all []object
	for _, b := range s.LoadBalancers() {
		for _, l := range b.Listeners {
			if want := c.form.Get("ListenerArn"); want != "" && want != l.ARN {
				continue
			}
			for i, r := range l.Rules {
				condition := object{"HttpHeaderName": r.Header, "Values": r.Values}
				all = append(all, object{
					"RuleArn": r.ARN, "Priority": i + 1, "Actions": action(r.Forward), "IsDefault": false,
					"Conditions": []object{{"Field": "http-header", "HttpHeaderConfig": condition}},
				})
			}
			all = append(all, object{
				"RuleArn": l.rule(), "Priority": "default", "Actions": action(l.Forward), "IsDefault": true,
				"Conditions": []object{},
			})
		}
	}
	if len(all) == 0 {
		return nil, fault("ListenerNotFound", "One or more listeners not found")
	}
	found, err := chosen(all, "RuleArn", listed(c.form, "RuleArns"), "RuleNotFound")
	return object{"Rules": found}, err
}

func (s *Server) describeTargetHealth(c Call) (any, error) {
	want, groups := c.form.Get("TargetGroupArn"), map[string][]Target{}
	for _, b := range s.LoadBalancers() {
		maps.Copy(groups, b.Groups)
	}
	targets, ok := groups[want]
	if !ok {
		return nil, fault("TargetGroupNotFound", "Target group '%.200s' not found", want)
	}
	why := map[string][2]string{
		"initial":   {"Elb.InitialHealthChecking", "Initial health checks in progress"},
		"unhealthy": {"Target.FailedHealthChecks", "Health checks failed"},
		"draining":  {"Target.DeregistrationInProgress", "Target deregistration is in progress"},
	}
	return object{"TargetHealthDescriptions": each(targets, func(t Target) object {
		health := object{"State": t.Health, "Reason": why[t.Health][0], "Description": why[t.Health][1]}
		return object{"Target": object{"Id": t.Address, "Port": t.Port}, "TargetHealth": health}
	})}, nil
}

// describeNetworkInterfaces shows each load balancer's only node. It applies only the filter description, by which the
// nodes of a load balancer are found, and ignores all others.
func (s *Server) describeNetworkInterfaces(c Call) (any, error) {
	var found []object
	for n, b := range s.LoadBalancers() {
		_, name, _ := strings.Cut(b.ARN, ":loadbalancer/")
		found = append(found, object{
			"networkInterfaceId": fmt.Sprintf("eni-%017d", n+1), "description": "ELB " + name, "status": "in-use",
			"privateIpAddress": b.Address,
		})
	}
	for i := 1; c.form.Has(fmt.Sprintf("Filter.%d.Name", i)); i++ {
		values := listed(c.form, fmt.Sprintf("Filter.%d.Value", i))
		if c.form.Get(fmt.Sprintf("Filter.%d.Name", i)) == "description" {
			found = slices.DeleteFunc(found, func(o object) bool {
				return !slices.Contains(values, fmt.Sprint(o["description"]))
			})
		}
	}
	return object{"networkInterfaceSet": found}, nil
}

// The versions by which the query APIs at one address are told apart.
const (
	elbVersion = "2015-12-01"
	ec2Version = "2016-11-15"
	stsVersion = "2011-06-15"
)

// listed returns the values of "name.member.1" and so on; EC2 leaves "member" out.
func listed(form url.Values, name string) []string {
	var out []string
	for _, infix := range []string{".member.", "."} {
		for i := 1; form.Has(name + infix + strconv.Itoa(i)); i++ {
			out = append(out, form.Get(name+infix+strconv.Itoa(i)))
		}
	}
	return out
}

// xmlText is a value as the query protocols write it: item is what a list's elements are called, and an empty member of
// an object is left out.
func xmlText(value any, item string) string {
	var b strings.Builder
	element := func(name string, v any) { fmt.Fprintf(&b, "<%[1]s>%[2]s</%[1]s>", name, xmlText(v, item)) }
	switch v := value.(type) {
	case object:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if v[name] != "" {
				element(name, v[name])
			}
		}
	case []object, []string:
		for _, x := range reflect.ValueOf(v).Seq2() {
			element(item, x.Interface())
		}
	default:
		_ = xml.EscapeText(&b, fmt.Append(nil, v))
	}
	return b.String()
}
