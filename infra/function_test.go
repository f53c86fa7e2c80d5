package infra_test

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/gate"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

// hooks are the functions, by the logical id, which is the lifecycle event's name; the last one is there with Watch.
func hooks() []string {
	return []string{string(lifecycle.AfterAllowTestTraffic), string(lifecycle.BeforeAllowTraffic), string(lifecycle.AfterAllowTraffic)}
}

// ownOf are the parts of a hook that are another one's where it watches.
func ownOf(event string) *strings.Replacer {
	if event == string(lifecycle.AfterAllowTraffic) {
		return strings.NewReplacer("${HookRole.Arn}", "${WatchRole.Arn}", "${Evidence}", "${WatchState}")
	}
	return strings.NewReplacer()
}

func hookNames(all stacks) []string {
	var problems []string
	gate := all["gate.yml"]
	longest := regexp.MustCompile(`\{0,(\d+)\}$`).FindStringSubmatch(gate.parameter("NamePrefix", "AllowedPattern"))
	if longest == nil {
		return []string{"the pattern of NamePrefix has no bound"}
	}
	n, _ := strconv.Atoi(longest[1])
	for _, event := range hooks() {
		name := str(gate.resource(event).properties["FunctionName"])
		if name != "CodeDeployHook_${NamePrefix}_"+event {
			problems = append(problems, event+" is called "+name)
		}
		// Lambda's limit for a name.
		if length := len(strings.ReplaceAll(name, "${NamePrefix}", strings.Repeat("x", n+1))); length > 64 {
			problems = append(problems, fmt.Sprintf("%s can have %d characters", name, length))
		}
		if got := str(at(gate.section("Outputs"), event+"Function", "Value")); got != "${"+event+"}" {
			problems = append(problems, fmt.Sprintf("the output %sFunction is %q", event, got))
		}
	}
	return problems
}

func howFunctionsRun(all stacks) []string {
	var problems []string
	gate := all["gate.yml"]
	packages := map[string]string{"AfterAllowTestTraffic": "after-allow-test-traffic", "BeforeAllowTraffic": "before-allow-traffic", "AfterAllowTraffic": "after-allow-traffic", "Prober": "prober", "Notifier": "notifier"}
	for _, f := range gate.resources("AWS::Lambda::Function") {
		say := func(format string, args ...any) { problems = append(problems, f.id+": "+fmt.Sprintf(format, args...)) }
		if got, want := str(f.properties["Code"]), "../dist/"+packages[f.id]+".zip"; got != want {
			say("code is %s, want %s", got, want)
		}
		if str(f.properties["Runtime"]) != "provided.al2023" || str(f.properties["Handler"]) != "bootstrap" {
			say("runs %v %v", f.properties["Runtime"], f.properties["Handler"])
		}
		if str(at(f.properties, "Architectures", 0)) != "${Architecture}" || gate.parameter("Architecture", "Default") != "arm64" {
			say("architecture %v", f.properties["Architectures"])
		}
		if tag := at(f.properties, "Tags", 0); str(at(tag, "Key")) != "greenlight" || str(at(tag, "Value")) != str(at(gate.section("Outputs"), "Version", "Value")) {
			say("its tag is %v", tag)
		}
		logs := gate.resource(strings.Trim(str(at(f.properties, "LoggingConfig", "LogGroup")), "${}"))
		if str(at(f.properties, "LoggingConfig", "LogFormat")) != "JSON" || str(logs.properties["LogGroupName"]) != "/aws/lambda/"+str(f.properties["FunctionName"]) {
			say("logs %v to %v", at(f.properties, "LoggingConfig"), logs.properties["LogGroupName"])
		}
		if logs.properties["RetentionInDays"] == nil {
			say("its log group keeps lines for ever")
		}
		// Lambda drops lines below the level; a line of metrics has the level info.
		if level := str(at(f.properties, "LoggingConfig", "ApplicationLogLevel")); level != "" && level != "DEBUG" && level != "TRACE" {
			say("Lambda drops lines below %s", level)
		}
	}
	if n := len(gate.resources("AWS::Lambda::Function")); n != len(packages) {
		problems = append(problems, fmt.Sprintf("%d functions", n))
	}
	return problems
}

// allTexts is a value written out, with what is referred to as in !Sub.
func allTexts(v any) string {
	switch x := v.(type) {
	case map[string]any:
		if text := str(x); text != "" {
			return text
		}
		all := ""
		for _, key := range slices.Sorted(maps.Keys(x)) {
			all += key + ": " + allTexts(x[key]) + "\n"
		}
		return all
	case []any:
		all := ""
		for _, e := range x {
			all += "- " + allTexts(e) + "\n"
		}
		return all
	}
	return str(v)
}

func howHooksAreInvoked(all stacks) []string {
	var problems []string
	gate := all["gate.yml"]
	for _, event := range hooks() {
		f := gate.resource(event)
		say := func(format string, args ...any) { problems = append(problems, event+": "+fmt.Sprintf(format, args...)) }
		if got := str(f.properties["Timeout"]); got != "840" {
			say("timeout %s", got)
		}
		for _, key := range []string{"Role", "Timeout", "Environment", "MemorySize"} {
			if got, want := allTexts(f.properties[key]), ownOf(event).Replace(allTexts(gate.resource(hooks()[0]).properties[key])); got != want || want == "" {
				say("%s is not what the other hook has", key)
			}
		}
		c := gate.resource(event + "Invocation").properties
		if str(c["FunctionName"]) != "${"+event+"}" || str(c["MaximumRetryAttempts"]) != "2" || str(c["MaximumEventAgeInSeconds"]) != "3600" {
			say("is invoked by %v", c)
		}
		if queue := str(at(c, "DestinationConfig", "OnFailure", "Destination")); queue != "${LostInvocations.Arn}" {
			say("what it could not answer goes to %q", queue)
		}
	}
	prober, _ := strconv.Atoi(str(gate.resource("Prober").properties["Timeout"]))
	if prober <= 0 || prober > 840-30 {
		problems = append(problems, fmt.Sprintf("the prober may take %d s, longer than a hook waits", prober))
	}
	return problems
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	hold(t, map[string]invariant{
		"names": {hookNames, []mutation{
			{"gate.yml", "FunctionName: !Sub CodeDeployHook_${NamePrefix}_BeforeAllowTraffic", "FunctionName: !Sub CodeDeployHook-${NamePrefix}-BeforeAllowTraffic"},
			{"gate.yml", "[A-Za-z][A-Za-z0-9-]{0,23}", "[A-Za-z][A-Za-z0-9-]{0,63}"},
			{"gate.yml", "    Value: !Ref BeforeAllowTraffic\n", "    Value: !Ref AfterAllowTestTraffic\n"},
		}},
		"packages, runtime and logs": {howFunctionsRun, []mutation{
			{"gate.yml", "Runtime: provided.al2023", "Runtime: provided.al2"},
			{"gate.yml", "Code: ../dist/before-allow-traffic.zip", "Code: ../dist/after-allow-test-traffic.zip"},
			{"gate.yml", "Tags: [{Key: greenlight, Value: !FindInMap [Greenlight, Build, Version]}]", "Tags: [{Key: greenlight, Value: 1.0.0}]"},
			{"gate.yml", "      RetentionInDays: !Ref LogRetentionDays\n", ""},
			{"gate.yml", "ApplicationLogLevel: DEBUG", "ApplicationLogLevel: WARN"},
			{"gate.yml", "LogFormat: JSON", "LogFormat: Text"},
		}},
		"time, retries and what was lost": {howHooksAreInvoked, []mutation{
			{"gate.yml", "Timeout: 840", "Timeout: 900"},
			{"gate.yml", "MaximumEventAgeInSeconds: 3600", "MaximumEventAgeInSeconds: 21600"},
			{"gate.yml", "MaximumRetryAttempts: 2", "MaximumRetryAttempts: 0"},
			{"gate.yml", "      DestinationConfig: {OnFailure: {Destination: !GetAtt LostInvocations.Arn}}\n", ""},
			{"gate.yml", "Timeout: 780", "Timeout: 840"},
			{"gate.yml", "REPORT_RESERVE: 30s", "REPORT_RESERVE: 60s"},
			{"gate.yml", "Role: !GetAtt WatchRole.Arn", "Role: !GetAtt HookRole.Arn"},
			{"gate.yml", "EVIDENCE_PARAMETER: !Ref WatchState", "EVIDENCE_PARAMETER: !Ref Evidence"},
			{"gate.yml", "FunctionName: !Ref AfterAllowTraffic\n", "FunctionName: !Ref BeforeAllowTraffic\n"},
		}},
	})
}

// variables returns the environment variables that a struct's fields are read from.
func variables(s reflect.Type) []string {
	var all []string
	for i := range s.NumField() {
		f := s.Field(i)
		if name, _, _ := strings.Cut(f.Tag.Get("env"), ","); name != "" {
			all = append(all, name)
		} else if f.Type.Kind() == reflect.Struct {
			all = append(all, variables(f.Type)...)
		}
	}
	return all
}

// everyVariableIsASetting wants the hooks to be given what they read, but for what Lambda and the SDK
// give, and nothing else.
func everyVariableIsASetting(all stacks) []string {
	var wanted, problems []string
	for _, name := range variables(reflect.TypeFor[gate.Settings]()) {
		// CloudWatch has no shorter minute: another one is for rehearsals.
		if !strings.HasPrefix(name, "AWS_") && !strings.HasPrefix(name, "LAMBDA_") && name != "WATCH_MINUTE" {
			wanted = append(wanted, name)
		}
	}
	if len(wanted) < 10 {
		problems = append(problems, fmt.Sprintf("only %v are settings", wanted))
	}
	for _, event := range hooks() {
		set, _ := at(all["gate.yml"].resource(event).properties, "Environment", "Variables").(map[string]any)
		got := slices.Sorted(maps.Keys(set))
		for _, name := range missing(wanted, got) {
			problems = append(problems, event+" is not given "+name)
		}
		for _, name := range missing(got, wanted) {
			problems = append(problems, event+" is given "+name+", which it does not read")
		}
	}
	return problems
}

func TestEveryVariableIsASettingAndTheReverse(t *testing.T) {
	t.Parallel()
	hold(t, map[string]invariant{"environment": {everyVariableIsASetting, []mutation{
		{"gate.yml", "LOG_LEVEL:", "LOGLEVEL:"},
		{"gate.yml", "          MODE: !Ref Mode\n", ""},
		{"gate.yml", "          MODE: !Ref Mode\n", "          MODE: !Ref Mode\n          DEBUG: \"1\"\n"},
	}}})
}

// TestTheSettingsThatTheStackMakesAreTaken reads the environment of both hooks as the code does, with
// the parameters' defaults, and with every parameter set.
func TestTheSettingsThatTheStackMakesAreTaken(t *testing.T) {
	t.Parallel()
	stack := load(t)["gate.yml"]
	for name, values := range map[string]map[string]string{
		"defaults": {},
		"all set": {
			"Suite": "s3://b/k", "TestUrl": "http://alb.example:8080", "ProductionUrl": "https://alb.example", "Release": "1.1", "Mode": "observe",
			"VpcId": "vpc-0123456789abcdef0", "SkipParameter": "/greenlight/skip", "ReportBucket": "reports", "LogLevel": "debug", "SuiteEnvironment": `{"A":"b"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, event := range hooks() {
				env := stack.environment(event, values)
				s, err := gate.ReadSettings(t.Context(), lookup(env))
				if err != nil {
					t.Errorf("%s with %v: %v", event, env, err)
				}
				if name == "all set" && (s.Mode != gate.Observe || s.SuiteEnvironment["A"] != "b" || s.ProberFunction == "" || s.MetricsNamespace != "Greenlight/tripmgmt") {
					t.Errorf("%s: settings %+v", event, s)
				}
			}
		})
	}
}

type lookup map[string]string

func (l lookup) Lookup(name string) (string, bool) { v, ok := l[name]; return v, ok }

// environment resolves a function's variables as CloudFormation would.
func (t template) environment(function string, values map[string]string) map[string]string {
	value := func(parameter string) string {
		if v, ok := values[parameter]; ok {
			return v
		}
		if t.section("Parameters")[parameter] == nil {
			return parameter // a resource: its name
		}
		return t.parameter(parameter, "Default")
	}
	condition := map[string]string{"HasProber": "VpcId"}
	env := map[string]string{}
	set, _ := at(t.resource(function).properties, "Environment", "Variables").(map[string]any)
	for name, v := range set {
		if choice, ok := at(v, "Fn::If").([]any); ok {
			parameter := condition[str(choice[0])]
			if parameter == "" {
				parameter = strings.TrimPrefix(str(choice[0]), "Has")
			}
			if value(parameter) == "" {
				continue
			}
			v = choice[1]
		}
		env[name] = regexp.MustCompile(`\$\{(\w+)\}`).ReplaceAllStringFunc(str(v), func(ref string) string { return value(strings.Trim(ref, "${}")) })
	}
	return env
}
