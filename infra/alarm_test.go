package infra_test

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// minute is what came in one minute to the two listeners, and how much of it was answered with 5xx.
type minute struct{ production, failed, tests, testsFailed float64 }

// counted are the metrics that the load balancer makes of a minute with CloudWatch's words for them. No number is no
// data: it reports what is not zero. Each rule of a listener, other than the default one, is evaluated for each
// request to it, up to the one that the request meets.
func (m minute) counted(stack template) map[string]float64 {
	all := map[string]float64{"HTTPCode_Target_5XX_Count": m.failed + m.testsFailed, "RequestCount": m.production + m.tests}
	for listener, requests := range map[string]float64{"${ProductionListener}": m.production, "${TestListener}": m.tests} {
		for _, rule := range stack.rules(listener) {
			all["RuleEvaluations"] += requests
			if meetsAll(rule) {
				break
			}
		}
	}
	for name, v := range all {
		if v == 0 {
			delete(all, name)
		}
	}
	return all
}

// rules are those of a listener, in their order.
func (t template) rules(listener string) []resource {
	all := t.resources("AWS::ElasticLoadBalancingV2::ListenerRule")
	all = slices.DeleteFunc(all, func(r resource) bool { return str(r.properties["ListenerArn"]) != listener })
	slices.SortFunc(all, func(a, b resource) int {
		return cmp.Compare(str(a.properties["Priority"]), str(b.properties["Priority"]))
	})
	return all
}

// meetsAll says that every request meets the rule.
func meetsAll(rule resource) bool {
	conditions := list(rule.properties["Conditions"])
	return len(conditions) == 1 && slices.Equal(texts(at(conditions[0], "PathPatternConfig", "Values")), []string{"/*"})
}

// rings says whether the alarm is in ALARM after the minutes.
func (t template) rings(alarm resource, minutes []minute) (bool, error) {
	names, expression := map[string]string{}, ""
	for _, m := range list(alarm.properties["Metrics"]) {
		names[str(at(m, "Id"))] = str(at(m, "MetricStat", "Metric", "MetricName"))
		expression += str(at(m, "Expression"))
	}
	periods, err := strconv.Atoi(str(alarm.properties["EvaluationPeriods"]))
	if err != nil || periods < 1 || str(alarm.properties["ComparisonOperator"]) != "GreaterThanThreshold" || alarm.properties["DatapointsToAlarm"] != nil {
		return false, fmt.Errorf("the test does not know this kind of alarm: %w", err)
	}
	threshold, err := strconv.ParseFloat(str(alarm.properties["Threshold"]), 64)
	if err != nil {
		return false, err
	}
	breaching := 0
	for _, m := range minutes[max(0, len(minutes)-periods):] {
		counted, values := m.counted(t), map[string]float64{}
		for id, name := range names {
			if v, ok := counted[name]; ok {
				values[id] = v
			}
		}
		v, there, err := evaluate(expression, values)
		if err != nil {
			return false, err
		}
		if there && v > threshold {
			breaching++
		}
	}
	return breaching == periods, nil
}

// evaluate is the part of CloudWatch's metric math that is used: sums and differences of metrics and FILLs. Without
// all of its data there is no value.
func evaluate(expression string, values map[string]float64) (sum float64, there bool, err error) {
	rest, there := "+"+strings.ReplaceAll(expression, " ", ""), true
	operand := regexp.MustCompile(`^([+-])(?:FILL\((\w+),(\d+)\)|(\w+))`)
	for rest != "" {
		m := operand.FindStringSubmatch(rest)
		if m == nil {
			return 0, false, fmt.Errorf("the test does not know the expression %q from %q on", expression, rest)
		}
		v, ok := values[m[2]+m[4]]
		if !ok && m[3] != "" {
			v, err = strconv.ParseFloat(m[3], 64)
			ok = err == nil
		}
		there = there && ok
		if m[1] == "-" {
			v = -v
		}
		sum, rest = sum+v, rest[len(m[0]):]
	}
	return sum, there, err
}

// twice is one minute after the other, both alike.
func twice(m minute) []minute { return []minute{m, m} }

// countsProduction wants the alarm that rolls back to ring for production's errors, and for nothing that is asked of
// the test listener. Which target group answers makes no difference to what is counted, so that the groups may change
// places.
func countsProduction(all stacks) []string {
	problems := all["bluegreen.yml"].as(codeDeploy).countsProduction()
	return append(problems, all["bluegreen.yml"].as(native).countsProduction()...)
}

func (t template) countsProduction() []string {
	var problems []string
	for name, tc := range map[string]struct {
		minutes []minute
		rings   bool
	}{
		"a quiet night":                                      {twice(minute{}), false},
		"no deployment, ten errors":                          {twice(minute{production: 400, failed: 10}), false},
		"no deployment, eleven errors":                       {twice(minute{production: 400, failed: 11}), true},
		"no deployment, eleven errors once":                  {[]minute{{production: 400}, {production: 400, failed: 11}}, false},
		"no deployment, all is down":                         {twice(minute{production: 60, failed: 60}), true},
		"the gate asks a release that starts":                {twice(minute{production: 400, tests: 60, testsFailed: 60}), false},
		"the same on a quiet site":                           {twice(minute{tests: 60, testsFailed: 60}), false},
		"the same on a site with little to do":               {twice(minute{production: 3, failed: 3, tests: 60, testsFailed: 60}), false},
		"the gate judges a release that fails in half":       {twice(minute{production: 20, tests: 900, testsFailed: 450}), false},
		"production is down while the gate asks a good one":  {twice(minute{production: 100, failed: 100, tests: 60}), true},
		"production is down while the gate asks one that is": {twice(minute{production: 100, failed: 100, tests: 60, testsFailed: 60}), true},
		"production fails while a release starts":            {twice(minute{production: 400, failed: 11, tests: 60, testsFailed: 60}), true},
		"after the shift, the new release fails":             {twice(minute{production: 300, failed: 40}), true},
		"the same, and somebody looks at port 8080":          {twice(minute{production: 300, failed: 40, tests: 5, testsFailed: 5}), true},
	} {
		switch rings, err := t.rings(t.resource("ServerErrors"), tc.minutes); {
		case err != nil:
			problems = append(problems, err.Error())
		case rings != tc.rings:
			problems = append(problems, fmt.Sprintf("%s: the alarm rings: %t", name, rings))
		}
	}
	return problems
}

// theRuleAnswersNobody wants the rule that counts to be the only one but for Amazon ECS's, the first, and one that no
// request meets; and all that forwards to be what Amazon ECS deploys by, where it does.
func theRuleAnswersNobody(all stacks) []string {
	stack := all["bluegreen.yml"]
	problems := answersNobody(stack.as(codeDeploy).rules("${TestListener}"), "fixed-response")
	if by := stack.as(codeDeploy).rules("${ProductionListener}"); len(by) > 0 {
		problems = append(problems, fmt.Sprintf("%d rules are CodeDeploy's to mind", len(by)))
	}
	production, test := stack.as(native).rules("${ProductionListener}"), stack.as(native).rules("${TestListener}")
	if len(production) != 1 || len(test) != 2 || !meetsAll(production[0]) || !meetsAll(test[1]) {
		return append(problems, fmt.Sprintf("Amazon ECS has %d and %d rules, or not every request meets them", len(production), len(test)))
	}
	return append(problems, answersNobody(test[:1], "forward")...)
}

func answersNobody(rules []resource, action string) []string {
	if len(rules) != 1 {
		return []string{fmt.Sprintf("%d rules count, want one", len(rules))}
	}
	p := rules[0].properties
	hosts := texts(at(p, "Conditions", 0, "HostHeaderConfig", "Values"))
	if len(list(p["Conditions"])) != 1 || len(hosts) != 1 || !strings.HasSuffix(hosts[0], ".invalid") || strings.ContainsAny(hosts[0], "*?") {
		return []string{fmt.Sprintf("a request may meet the rule: %v", p["Conditions"])}
	}
	if kinds := texts(at(p, "Actions", 0, "Type")); !slices.Equal(kinds, []string{action}) {
		return []string{fmt.Sprintf("the rule does %v: a forward would be CodeDeploy's to rewrite, and Amazon ECS wants nothing else", kinds)}
	}
	return nil
}

func TestTheAlarmThatRollsBack(t *testing.T) {
	t.Parallel()
	const f = "bluegreen.yml"
	hold(t, map[string]invariant{
		"counts production's errors": {countsProduction, []mutation{
			{f, `"errors - FILL(rules, 0)"`, "errors"},
			{f, `"errors - FILL(rules, 0)"`, "errors - rules"},
			{f, `"errors - FILL(rules, 0) + FILL(requests, 0)"`, `"errors - FILL(rules, 0)"`},
			{f, "                MetricName: RequestCount\n", "                MetricName: NewConnectionCount\n"},
			{f, "ListenerArn: !Ref TestListener\n      Priority: 1", "ListenerArn: !Ref ProductionListener\n      Priority: 1"},
			{f, "ListenerArn: !Ref TestListener\n      Priority: 1", "ListenerArn: !Ref TestListener\n      Priority: 3"},
			{f, "MetricName: RuleEvaluations", "MetricName: RequestCount"},
			{f, "EvaluationPeriods: 2", "EvaluationPeriods: 1"},
			{f, "Threshold: 10\n", "Threshold: 11\n"},
		}},
		"the rule that counts answers nobody": {theRuleAnswersNobody, []mutation{
			{f, "Values: [greenlight.invalid]", "Values: ['*']"},
			{f, `{Type: fixed-response, FixedResponseConfig: {StatusCode: "404"}}`, "{Type: forward, TargetGroupArn: !Ref TargetGroup1}"},
			{f, `{Type: forward, TargetGroupArn: !Ref TargetGroup1}`, `{Type: fixed-response, FixedResponseConfig: {StatusCode: "404"}}`},
			{f, "  CountTestRequests:\n    Type: AWS::ElasticLoadBalancingV2::ListenerRule", "  CountTestRequests:\n    Type: AWS::ElasticLoadBalancingV2::Listener"},
			{f, "  ProductionRule:\n    Type: AWS::ElasticLoadBalancingV2::ListenerRule\n    Condition: ByECS\n", "  ProductionRule:\n    Type: AWS::ElasticLoadBalancingV2::ListenerRule\n"},
			{f, `{Field: path-pattern, PathPatternConfig: {Values: ["/*"]}}`, `{Field: path-pattern, PathPatternConfig: {Values: ["/api/*"]}}`},
		}},
	})
}
