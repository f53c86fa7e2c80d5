package infra_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

// onlyWhereItIs wants what is CodeDeploy's only with CodeDeploy, and what is of Amazon ECS's own deployments only with
// those.
func onlyWhereItIs(all stacks) []string {
	var problems []string
	gate := all["gate.yml"]
	rights := func(controller string) []string {
		var actions []string
		for _, s := range gate.statements() {
			if holds(str(gate.resource(s.in).all["Condition"]), controller) || strings.HasPrefix(str(gate.resource(s.in).all["Condition"]), "Has") {
				actions = append(actions, s.actions...)
			}
		}
		return actions
	}
	for controller, want := range map[string][2]bool{"codedeploy": {true, false}, "ecs": {false, true}, "both": {true, true}} {
		got := rights(controller)
		for action, wanted := range map[string]bool{
			"codedeploy:PutLifecycleEventHookExecutionStatus": want[0], "codedeploy:GetDeployment": want[0], "codedeploy:GetDeploymentTarget": want[0],
			"codedeploy:ListDeploymentTargets": want[0], "ecs:DescribeTaskSets": want[0], "sqs:SendMessage": want[0],
			"ecs:DescribeServiceDeployments": want[1], "ecs:DescribeServiceRevisions": want[1],
			"ecs:DescribeServices": true, "ssm:PutParameter": true,
		} {
			if slices.Contains(got, action) != wanted {
				problems = append(problems, fmt.Sprintf("Controller=%s: %s is allowed: %t", controller, action, !wanted))
			}
		}
	}
	for id, condition := range map[string]string{
		"LostInvocations": "ForCodeDeploy", "InvocationLost": "ForCodeDeploy", "ReportFailed": "ForCodeDeploy", "NotReportedQuery": "ForCodeDeploy",
		"GateFailedByGroup": "ForCodeDeploy", "AfterAllowTestTrafficInvocation": "ForCodeDeploy", "BeforeAllowTrafficInvocation": "ForCodeDeploy",
		"GateFailedByService": "ForECS", "InvokeRole": "ForECS", "GateFailed": "", "GateCrashed": "", "AfterAllowTrafficInvocation": "WatchesCodeDeploy",
		"AfterAllowTraffic": "HasWatch", "AfterAllowTrafficLogs": "HasWatch", "WatchRole": "HasWatch", "WatchState": "HasWatch", "WatchFailed": "HasWatch", "WatchQuery": "HasWatch", "WatchOnPolicy": "WatchesCodeDeploy",
	} {
		if got := str(gate.resource(id).all["Condition"]); got != condition {
			problems = append(problems, fmt.Sprintf("%s is there with %q, want %q", id, got, condition))
		}
	}
	if gate.parameter("Controller", "Default") != "codedeploy" || gate.parameter("Watch", "Default") != "false" {
		problems = append(problems, "without a word, another controller is meant than before, or releases are watched")
	}
	for controller := range map[string]bool{"codedeploy": true, "ecs": true, "both": true} {
		for _, watch := range []string{"true", "false"} {
			stack := gate.as(map[string]string{"Controller": controller, "Watch": watch})
			if is := stack.resource("AfterAllowTraffic").kind != ""; is != (watch == "true") {
				problems = append(problems, fmt.Sprintf("Watch=%s: the third function is there: %t", watch, is))
			}
			for _, name := range named(map[string]any{"Resources": stack.section("Resources"), "Outputs": stack.section("Outputs")}) {
				id, _, _ := strings.Cut(name, ".")
				if !strings.HasPrefix(id, "AWS::") && stack.section("Parameters")[id] == nil && stack.resource(id).kind == "" {
					problems = append(problems, fmt.Sprintf("Controller=%s Watch=%s: there is no %s", controller, watch, id))
				}
			}
		}
	}
	return problems
}

// whoInvokes wants Amazon ECS to be allowed to invoke the hooks, and nobody else and nothing else.
func whoInvokes(all stacks) []string {
	role := all["gate.yml"].resource("InvokeRole").properties
	var problems []string
	trust := at(role, "AssumeRolePolicyDocument", "Statement", 0)
	if str(at(trust, "Principal", "Service")) != "ecs.amazonaws.com" || len(list(at(role, "AssumeRolePolicyDocument", "Statement"))) != 1 {
		problems = append(problems, fmt.Sprintf("the role is for %v", trust))
	}
	statements := all["gate.yml"].statements("InvokeRole")
	if len(statements) != 1 || !slices.Equal(statements[0].actions, []string{"lambda:InvokeFunction"}) ||
		!slices.Equal(statements[0].resources, []string{"${AfterAllowTestTraffic.Arn}", "${BeforeAllowTraffic.Arn}", "${AfterAllowTraffic.Arn}"}) {
		problems = append(problems, fmt.Sprintf("the role may %v", statements))
	}
	return problems
}

// output is the text of an output, with what is there with Watch, and ARNs in the place of the stack's references.
func (t template) output(name string) string {
	return strings.NewReplacer(
		"${AfterAllowTestTraffic.Arn}", "arn:aws:lambda:eu-west-1:123456789012:function:CodeDeployHook_trips_AfterAllowTestTraffic",
		"${BeforeAllowTraffic.Arn}", "arn:aws:lambda:eu-west-1:123456789012:function:CodeDeployHook_trips_BeforeAllowTraffic",
		"${InvokeRole.Arn}", "arn:aws:iam::123456789012:role/trips-InvokeRole",
		"${AfterAllowTraffic.Arn}", "arn:aws:lambda:eu-west-1:123456789012:function:CodeDeployHook_trips_AfterAllowTraffic",
		"${AfterAllowTraffic}", "CodeDeployHook_trips_AfterAllowTraffic", "${AfterAllowTestTraffic}", "CodeDeployHook_trips_AfterAllowTestTraffic", "${BeforeAllowTraffic}", "CodeDeployHook_trips_BeforeAllowTraffic",
	).Replace(t.substituted(at(t.section("Outputs"), name, "Value"), watching))
}

// readyLines wants the three outputs to say the same: which function at which time.
func readyLines(all stacks) []string {
	gate := all["gate.yml"]
	const function = "arn:aws:lambda:eu-west-1:123456789012:function:CodeDeployHook_trips_"
	want := fmt.Sprint([][]string{
		{function + "AfterAllowTestTraffic", "arn:aws:iam::123456789012:role/trips-InvokeRole", "PRE_SCALE_UP POST_TEST_TRAFFIC_SHIFT", "60 ROLLBACK"},
		{function + "BeforeAllowTraffic", "arn:aws:iam::123456789012:role/trips-InvokeRole", "PRE_PRODUCTION_TRAFFIC_SHIFT", "60 ROLLBACK"},
		{function + "AfterAllowTraffic", "arn:aws:iam::123456789012:role/trips-InvokeRole", "PRE_SCALE_UP PRE_PRODUCTION_TRAFFIC_SHIFT POST_PRODUCTION_TRAFFIC_SHIFT", "60 ROLLBACK"},
	})
	var problems []string
	var lines struct {
		LifecycleHooks []struct {
			HookTargetArn        string   `yaml:"HookTargetArn"`
			RoleArn              string   `yaml:"RoleArn"`
			LifecycleStages      []string `yaml:"LifecycleStages"`
			TimeoutConfiguration struct {
				TimeoutInMinutes int    `yaml:"TimeoutInMinutes"`
				Action           string `yaml:"Action"`
			} `yaml:"TimeoutConfiguration"`
		} `yaml:"LifecycleHooks"`
	}
	err := yaml.Unmarshal([]byte(gate.output("ServiceHooks")), &lines)
	var got [][]string
	for _, h := range lines.LifecycleHooks {
		got = append(got, []string{h.HookTargetArn, h.RoleArn, strings.Join(h.LifecycleStages, " "), fmt.Sprint(h.TimeoutConfiguration.TimeoutInMinutes, " ", h.TimeoutConfiguration.Action)})
	}
	if err != nil || fmt.Sprint(got) != want {
		problems = append(problems, fmt.Sprintf("CloudFormation's lines: %v\n%v, want\n%v", err, got, want))
	}
	// JSON's names are the same with a small letter, and encoding/json does not look at that.
	err = json.Unmarshal([]byte(gate.output("ServiceHooksJson")), &lines.LifecycleHooks)
	got = nil
	for _, h := range lines.LifecycleHooks {
		got = append(got, []string{h.HookTargetArn, h.RoleArn, strings.Join(h.LifecycleStages, " "), fmt.Sprint(h.TimeoutConfiguration.TimeoutInMinutes, " ", h.TimeoutConfiguration.Action)})
	}
	if err != nil || fmt.Sprint(got) != want {
		problems = append(problems, fmt.Sprintf("the JSON: %v\n%v, want\n%v", err, got, want))
	}
	if text := gate.output("AppSpecHooks"); text != "Hooks:\n  - AfterAllowTestTraffic: CodeDeployHook_trips_AfterAllowTestTraffic\n  - BeforeAllowTraffic: CodeDeployHook_trips_BeforeAllowTraffic\n  - AfterAllowTraffic: CodeDeployHook_trips_AfterAllowTraffic" {
		problems = append(problems, "the AppSpec's lines: "+text)
	}
	for _, name := range []string{"AppSpecHooks", "ServiceHooks", "ServiceHooksJson"} {
		if text := gate.substituted(at(gate.section("Outputs"), name, "Value"), nil); strings.Contains(text, "AfterAllowTraffic") || strings.Contains(text, "${Watching}") {
			problems = append(problems, "without a watch: "+text)
		}
	}
	return problems
}

func TestControllers(t *testing.T) {
	t.Parallel()
	hold(t, map[string]invariant{
		"only where it is": {onlyWhereItIs, []mutation{
			{"gate.yml", "  NativePolicy:\n    Type: AWS::IAM::Policy\n    Condition: ForECS\n", "  NativePolicy:\n    Type: AWS::IAM::Policy\n"},
			{"gate.yml", "  CodeDeployPolicy:\n    Type: AWS::IAM::Policy\n    Condition: ForCodeDeploy\n", "  CodeDeployPolicy:\n    Type: AWS::IAM::Policy\n    Condition: ForECS\n"},
			{"gate.yml", "Condition: ForECS\n    Properties:\n      Description: Lets", "Properties:\n      Description: Lets"},
			{"gate.yml", "Default: codedeploy", "Default: both"},
			{"gate.yml", "    Default: \"false\"\n", "    Default: \"true\"\n"},
			{"gate.yml", `, !If [HasWatch, !Ref AfterAllowTrafficLogs, !Ref "AWS::NoValue"]]`, `, !Ref AfterAllowTrafficLogs]`},
			{"gate.yml", `WatchAlarm: !If [HasWatch,`, `WatchAlarm: !If [ForCodeDeploy,`},
			{"gate.yml", "  AfterAllowTrafficFunction:\n    Condition: HasWatch\n", "  AfterAllowTrafficFunction:\n"},
			{"gate.yml", "  HasWatch: !Equals", "  HasWatch: !Not [!Equals [!Ref Watch, x]]\n  Other: !Equals"},
		}},
		"who invokes": {whoInvokes, []mutation{
			{"gate.yml", "Principal: {Service: ecs.amazonaws.com}", "Principal: {Service: ecs-tasks.amazonaws.com}"},
			{"gate.yml", "Resource: [!GetAtt AfterAllowTestTraffic.Arn, !GetAtt BeforeAllowTraffic.Arn, ", "Resource: [!GetAtt Prober.Arn, "},
		}},
		"ready lines": {readyLines, []mutation{
			{"gate.yml", "LifecycleStages: [PRE_PRODUCTION_TRAFFIC_SHIFT]", "LifecycleStages: [PRODUCTION_TRAFFIC_SHIFT]"},
			{"gate.yml", `"roleArn": "${InvokeRole.Arn}"`, `"roleArn": "${HookRole.Arn}"`},
			{"gate.yml", "- BeforeAllowTraffic: ${BeforeAllowTraffic}", "- BeforeAllowTraffic: ${AfterAllowTestTraffic}"},
			{"gate.yml", "LifecycleStages: [PRE_SCALE_UP, PRE_PRODUCTION_TRAFFIC_SHIFT, POST_PRODUCTION_TRAFFIC_SHIFT]", "LifecycleStages: [POST_PRODUCTION_TRAFFIC_SHIFT]"},
			{"gate.yml", `"lifecycleStages": ["PRE_SCALE_UP", "PRE_PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"]`, `"lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"]`},
			{"gate.yml", `Watching: !If [HasWatch, !Sub "\n  - AfterAllowTraffic: ${AfterAllowTraffic}", ""]`, `Watching: ""`},
			{"gate.yml", `Watching: !If [HasWatch, !Sub "\n  - AfterAllowTraffic`, `Watching: !If [ForCodeDeploy, !Sub "\n  - AfterAllowTraffic`},
		}},
	})
}

// TestTheReadyLinesAreTaken has cfn-lint read a service with the lines of the output, and the AWS command line the
// JSON.
func TestTheReadyLinesAreTaken(t *testing.T) {
	t.Parallel()
	gate := load(t)["gate.yml"]
	name := filepath.Join(t.TempDir(), "service.yml")
	text := "Resources:\n  Service:\n    Type: AWS::ECS::Service\n    Properties:\n      Cluster: c\n      TaskDefinition: family\n" +
		"      DeploymentConfiguration:\n        Strategy: BLUE_GREEN\n        " + strings.ReplaceAll(gate.output("ServiceHooks"), "\n", "\n        ") + "\n"
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// W3010 and the like are of no concern: the ARNs are samples.
	cmd := exec.CommandContext(within(t, time.Minute), have(t, "cfn-lint"), "--regions", "eu-west-1", "--template", name)
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, text)
	}
	for json, want := range map[string]string{
		gate.output("ServiceHooksJson"): "Could not connect", // after it has looked at all parameters
		strings.Replace(gate.output("ServiceHooksJson"), "timeoutInMinutes", "minutes", 1): "minutes",
	} {
		cmd = exec.CommandContext(within(t, time.Minute), have(t, "aws"), "--endpoint-url", "http://127.0.0.1:1", "ecs", "update-service",
			"--cluster", "c", "--service", "s", "--deployment-configuration", `{"strategy": "BLUE_GREEN", "lifecycleHooks": `+json+`}`)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_DEFAULT_REGION=eu-west-1", "AWS_MAX_ATTEMPTS=1")
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%v\n%s", err, out)
		}
	}
}
