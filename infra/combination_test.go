package infra_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// native and codeDeploy are the values with which Amazon ECS deploys itself, and without; watching is all that is there
// with a watch.
var (
	native, codeDeploy = map[string]string{"Controller": "ecs"}, map[string]string{"Controller": "codedeploy"}
	watching           = map[string]string{"Controller": "both", "Watch": "true"}
)

// combinations are all values of the parameters by which the pipeline is another one, those that no rule refuses, without
// what is optional and with it.
func combinations() []map[string]string {
	var all []map[string]string
	for _, optional := range []map[string]string{{}, {
		"CertificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/1", "ConnectionArn": "arn:aws:codeconnections:eu-west-1:123456789012:connection/1",
		"KeyPairName": "k", "TestCidr": "203.0.113.7/32", "TaskRoleArn": "arn:aws:iam::123456789012:role/task", "NotificationEmail": "me@example.com",
		"Watch": "true",
	}} {
		for _, launch := range []string{"EC2", "FARGATE"} {
			for _, by := range []string{"codedeploy BLUE_GREEN", "ecs BLUE_GREEN", "ecs CANARY", "ecs LINEAR"} {
				controller, strategy, _ := strings.Cut(by, " ")
				values := map[string]string{"LaunchType": launch, "Controller": controller, "Strategy": strategy}
				maps.Copy(values, optional)
				all = append(all, values)
			}
		}
	}
	return all
}

// as is the template with these values of its parameters, and the others at their defaults: what its conditions leave
// out is gone, as it is for CloudFormation.
func (t template) as(values map[string]string) template {
	d := decider{t, values}
	content := maps.Clone(t.content)
	for _, section := range []string{"Resources", "Outputs"} {
		kept := map[string]any{}
		for id, part := range t.section(section) {
			if condition := str(at(part, "Condition")); condition == "" || d.holds(map[string]any{"Condition": condition}) {
				kept[id], _ = d.decided(part)
			}
		}
		content[section] = kept
	}
	t.content = content
	return t
}

// decider decides a template's conditions by the values of its parameters.
type decider struct {
	template
	values map[string]string
}

// text is a value as text; what is known only in an account keeps its name.
func (d decider) text(v any) string {
	if ref, ok := at(v, "Ref").(string); ok {
		if value, given := d.values[ref]; given {
			return value
		}
		if standard, ok := at(d.section("Parameters"), ref, "Default").(string); ok {
			return standard
		}
	}
	if parts, ok := at(v, "Fn::Join", 1).([]any); ok {
		joined := ""
		for _, part := range parts {
			joined += d.text(part)
		}
		return joined
	} else if whole := at(v, "Fn::Join", 1); whole != nil {
		return d.text(whole)
	}
	return str(v)
}

// substituted is the text of a !Sub with its own values, as these values of the parameters decide them.
func (t template) substituted(v any, values map[string]string) string {
	text, d := str(v), decider{t, values}
	parts, _ := at(v, "Fn::Sub", 1).(map[string]any)
	for name, part := range parts {
		value, _ := d.decided(part)
		text = strings.ReplaceAll(text, "${"+name+"}", t.mapped(value))
	}
	return text
}

// mapped is a text, or what a mapping has by constant keys; a !Sub has its own values in it.
func (t template) mapped(v any) string {
	if keys := texts(at(v, "Fn::FindInMap")); len(keys) == 3 {
		return str(at(t.section("Mappings"), keys[0], keys[1], keys[2]))
	}
	if at(v, "Fn::Sub", 1) != nil {
		return t.substituted(v, nil)
	}
	return str(v)
}

func (d decider) holds(condition any) bool {
	m, _ := condition.(map[string]any)
	for name, v := range m {
		switch name {
		case "Condition":
			return d.holds(d.section("Conditions")[str(v)])
		case "Fn::Equals":
			return d.text(at(v, 0)) == d.text(at(v, 1))
		case "Fn::Not":
			return !d.holds(at(v, 0))
		case "Fn::And":
			return !slices.ContainsFunc(list(v), func(c any) bool { return !d.holds(c) })
		case "Fn::Contains":
			return slices.Contains(texts(at(v, 0)), d.text(at(v, 1)))
		case "Fn::EachMemberIn": // of the account's own
			return true
		}
	}
	panic(fmt.Sprintf("the test cannot decide %v", condition))
}

// decided returns the value without its !Ifs; false where it is no value.
func (d decider) decided(v any) (any, bool) {
	switch x := v.(type) {
	case map[string]any:
		if ref, _ := x["Ref"].(string); ref == "AWS::NoValue" {
			return nil, false
		}
		if choice, ok := x["Fn::If"].([]any); ok {
			if d.holds(map[string]any{"Condition": choice[0]}) {
				return d.decided(choice[1])
			}
			return d.decided(choice[2])
		}
		m := map[string]any{}
		for key, value := range x {
			if kept, ok := d.decided(value); ok {
				m[key] = kept
			}
		}
		return m, true
	case []any:
		l := []any{}
		for _, value := range x {
			if kept, ok := d.decided(value); ok {
				l = append(l, kept)
			}
		}
		return l, true
	}
	return v, true
}

// refused says which of the template's rules these values break.
func (t template) refused(values map[string]string) []string {
	d := decider{t, values}
	var broken []string
	for name, rule := range t.section("Rules") {
		if when := at(rule, "RuleCondition"); when != nil && !d.holds(when) {
			continue
		}
		for _, a := range list(at(rule, "Assertions")) {
			if !d.holds(at(a, "Assert")) {
				broken = append(broken, name)
			}
		}
	}
	return broken
}

var placeholder = regexp.MustCompile(`\$\{([A-Za-z0-9:]+)(\.[A-Za-z0-9.]+)?\}`)

// named are the names that a value refers to.
func named(v any) []string {
	var names []string
	walk(v, func(m map[string]any) {
		if ref, ok := m["Ref"].(string); ok {
			names = append(names, ref)
		}
		if id, ok := at(m, "Fn::GetAtt", 0).(string); ok {
			names = append(names, id+"."+str(at(m, "Fn::GetAtt", 1)))
		}
		text, own := str(m["Fn::Sub"]), map[string]any{}
		if parts, ok := m["Fn::Sub"].([]any); ok {
			text = str(parts[0])
			own, _ = parts[1].(map[string]any)
		}
		for _, p := range placeholder.FindAllStringSubmatch(text, -1) {
			if own[p[1]] == nil {
				names = append(names, p[1]+p[2])
			}
		}
		if m["Type"] != nil && m["Properties"] != nil {
			names = append(names, texts(m["DependsOn"])...)
		}
	})
	return names
}

// wholeAs wants everything that the stack refers to to be there, whatever is chosen; and the nested gate to be given what
// it needs, and to have the outputs that are asked for.
func wholeAs(all stacks) []string {
	var problems []string
	for _, values := range combinations() {
		say := func(format string, args ...any) {
			problems = append(problems, fmt.Sprintf("%v: ", values)+fmt.Sprintf(format, args...))
		}
		stack := all["bluegreen.yml"].as(values)
		given := map[string]string{}
		parameters, _ := stack.resource("Gate").properties["Parameters"].(map[string]any)
		for name, v := range parameters {
			given[name] = decider{all["bluegreen.yml"], values}.text(v)
		}
		if broken := all["gate.yml"].refused(given); len(broken) > 0 {
			say("the gate's rules %v refuse %v", broken, given)
		}
		if broken := all["bluegreen.yml"].refused(values); len(broken) > 0 {
			say("is refused by %v", broken)
		}
		outputs := all["gate.yml"].as(given).section("Outputs")
		for _, name := range named(map[string]any{"Resources": stack.section("Resources"), "Outputs": stack.section("Outputs")}) {
			id, attribute, _ := strings.Cut(name, ".")
			output, nested := strings.CutPrefix(attribute, "Outputs.")
			switch {
			case strings.HasPrefix(id, "AWS::"), stack.section("Parameters")[id] != nil:
			case stack.resource(id).kind == "":
				say("there is no %s", id)
			case nested && outputs[output] == nil:
				say("the gate has no output %s", output)
			}
		}
	}
	return problems
}

// choices wants each choice to make what it is about, and nothing else.
func choices(all stacks) []string {
	var problems []string
	stack := all["bluegreen.yml"]
	for _, tc := range []struct {
		name, value string
		there, gone []string
	}{
		{"Controller", "codedeploy", []string{"Application", "DeploymentGroup", "CodeDeployRole"}, []string{"ProductionRule", "TestRule", "LoadBalancerRole", "Deploy", "DeployRole"}},
		{"Controller", "ecs", []string{"ProductionRule", "TestRule", "LoadBalancerRole", "Deploy", "DeployRole"}, []string{"Application", "DeploymentGroup", "CodeDeployRole", "CodeDeployActionPolicy"}},
		{"LaunchType", "EC2", []string{"Instances", "LaunchTemplate", "CapacityProvider", "InstanceRole"}, nil},
		{"LaunchType", "FARGATE", nil, []string{"Instances", "LaunchTemplate", "CapacityProvider", "InstanceRole", "InstanceProfile", "InstanceSecurityGroup"}},
	} {
		decided := stack.as(map[string]string{tc.name: tc.value})
		for _, id := range slices.Concat(tc.there, tc.gone, []string{"Service", "Cluster", "LoadBalancer", "TargetGroup1", "TargetGroup2", "Database", "TaskExecutionRole", "TaskLogs", "Gate", "Pipeline"}) {
			if is, want := decided.resource(id).kind != "", !slices.Contains(tc.gone, id); is != want {
				problems = append(problems, fmt.Sprintf("%s=%s: %s is there: %t", tc.name, tc.value, id, is))
			}
		}
	}
	for _, tc := range []struct {
		values map[string]string
		broken string
	}{
		{map[string]string{"Strategy": "CANARY"}, "[WhatIsOfECS]"},
		{map[string]string{"Strategy": "LINEAR", "Controller": "ecs"}, "[]"},
		{map[string]string{"ApprovalWaitMinutes": "5"}, "[]"},
		{map[string]string{"ApprovalWaitMinutes": "5", "Controller": "ecs"}, "[WhatIsOfCodeDeploy]"},
		{map[string]string{"MaxInstances": "2", "MaxTasks": "4"}, "[TasksFitTwoInstances]"},
		{map[string]string{"MaxInstances": "2", "MaxTasks": "4", "LaunchType": "FARGATE"}, "[]"},
	} {
		if got := fmt.Sprint(stack.refused(tc.values)); got != tc.broken {
			problems = append(problems, fmt.Sprintf("%v is refused by %s, want %s", tc.values, got, tc.broken))
		}
	}
	for name, want := range map[string]string{"Controller": "codedeploy", "LaunchType": "EC2", "Strategy": "BLUE_GREEN"} {
		if got := stack.parameter(name, "Default"); got != want {
			problems = append(problems, fmt.Sprintf("without a word, %s is %s", name, got))
		}
	}
	return problems
}

// onFargate wants a service on Fargate to have what that needs: its provider, sizes, and a way to images and secrets.
func onFargate(all stacks) []string {
	var problems []string
	for launch, want := range map[string]string{
		"EC2":     "[${CapacityProvider}] ${CapacityProvider} ${CapacityProvider} DISABLED ${LaunchType}  ",
		"FARGATE": "[FARGATE] FARGATE FARGATE ENABLED ${LaunchType} 256 512",
	} {
		stack := all["bluegreen.yml"].as(map[string]string{"LaunchType": launch})
		service, task := stack.resource("Service").properties, stack.resource("BootstrapTask").properties
		environment := ""
		for _, v := range list(at(stack.resource("Build").properties, "Environment", "EnvironmentVariables")) {
			if str(at(v, "Name")) == "CAPACITY_PROVIDER" {
				environment = str(at(v, "Value"))
			}
		}
		providers := slices.DeleteFunc(texts(stack.resource("CapacityProviders").properties["CapacityProviders"]), func(p string) bool { return p == "FARGATE" && launch == "EC2" })
		got := fmt.Sprint(providers, " ", str(at(service, "CapacityProviderStrategy", 0, "CapacityProvider")), " ", environment, " ",
			str(at(service, "NetworkConfiguration", "AwsvpcConfiguration", "AssignPublicIp")), " ", str(at(task, "RequiresCompatibilities", 0)), " ", str(task["Cpu"]), " ", str(task["Memory"]))
		if got != want {
			problems = append(problems, fmt.Sprintf("%s: %q, want %q", launch, got, want))
		}
	}
	return problems
}

func TestCombinations(t *testing.T) {
	t.Parallel()
	const f = "bluegreen.yml"
	hold(t, map[string]invariant{
		"whole": {wholeAs, []mutation{
			{f, "RoleArn: !GetAtt LoadBalancerRole.Arn", "RoleArn: !GetAtt CodeDeployRole.Arn"},
			{f, "CapacityProvider: !If [OnEC2, !Ref CapacityProvider, FARGATE], Weight: 1}]", "CapacityProvider: !Ref CapacityProvider, Weight: 1}]"},
			{f, "DependsOn: [ProductionListener, TestListener, CapacityProviders]", "DependsOn: [ProductionListener, TestListener, TestRule]"},
			{f, `!If [ByECS, "", !Ref Application]`, "!Ref Application"},
			{f, `DeploymentGroupName: !If [ByECS, "", !Sub "deploygrp-${NamePrefix}-demo"]`, `DeploymentGroupName: ""`},
			{f, "        Controller: !Ref Controller\n", ""},
			{f, "        Watch: !Ref Watch\n", ""},
			{f, "- !If [HasWatch, {Name: AFTER_ALLOW_TRAFFIC_HOOK, Value: !GetAtt Gate.Outputs.AfterAllowTrafficFunction}, !Ref \"AWS::NoValue\"]", "- {Name: AFTER_ALLOW_TRAFFIC_HOOK, Value: !GetAtt Gate.Outputs.AfterAllowTrafficFunction}"},
			{"gate.yml", "  InvokeRoleArn:\n    Condition: ForECS", "  InvokeRoleArn:\n    Condition: ForCodeDeploy"},
			{f, "!If [ByECS, [!GetAtt Build.Arn, !GetAtt Deploy.Arn], [!GetAtt Build.Arn]]", "[!GetAtt Build.Arn, !GetAtt Deploy.Arn]"},
		}},
		"choices": {choices, []mutation{
			{f, "  Deploy:\n    Type: AWS::CodeBuild::Project\n    Condition: ByECS\n", "  Deploy:\n    Type: AWS::CodeBuild::Project\n"},
			{f, "  Instances:\n    Type: AWS::AutoScaling::AutoScalingGroup\n    Condition: OnEC2\n", "  Instances:\n    Type: AWS::AutoScaling::AutoScalingGroup\n"},
			{f, "Assert: !Equals [!Ref Strategy, BLUE_GREEN]", "Assert: !Equals [!Ref Strategy, !Ref Strategy]"},
			{f, `Assert: !Equals [!Ref ApprovalWaitMinutes, "0"]`, `Assert: !Equals [!Ref ApprovalWaitMinutes, "5"]`},
			{f, `!And [!Equals [!Ref MaxInstances, "2"], !Equals [!Ref LaunchType, EC2]]`, `!Equals [!Ref MaxInstances, "2"]`},
			{f, "    Default: codedeploy\n", "    Default: ecs\n"},
		}},
		"on Fargate": {onFargate, []mutation{
			{f, "AssignPublicIp: !If [OnEC2, DISABLED, ENABLED]", "AssignPublicIp: DISABLED"},
			{f, `Cpu: !If [OnEC2, !Ref "AWS::NoValue", "256"]`, `Cpu: "256"`},
			{f, "{Name: CAPACITY_PROVIDER, Value: !If [OnEC2, !Ref CapacityProvider, FARGATE]}", "{Name: CAPACITY_PROVIDER, Value: !If [OnEC2, FARGATE, FARGATE]}"},
			{f, "CapacityProviders: !If [OnEC2, [!Ref CapacityProvider, FARGATE], [FARGATE]]", "CapacityProviders: []"},
		}},
	})
}
