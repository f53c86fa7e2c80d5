package appspec_test

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/greenlight-ecs/greenlight/pkg/appspec"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/taskdef"
)

func value(s string) appspec.Value { return appspec.Value{Text: s} }

func full(name string) appspec.Spec {
	return appspec.Spec{
		TaskDefinition: value(appspec.Placeholder), Container: value(name), Port: value("8080"), PlatformVersion: value("LATEST"),
		Network:   &appspec.Network{Subnets: []appspec.Value{value("subnet-1")}, SecurityGroups: []appspec.Value{value(name)}, AssignPublicIP: value("DISABLED")},
		Providers: []appspec.Provider{{Name: value(name), Weight: value("1"), Base: value("0")}, {Name: value("b")}},
		Hooks:     []appspec.Hook{{Event: value("BeforeInstall"), Function: value(name)}, {Event: value("AfterAllowTestTraffic"), Function: value("f")}},
	}
}

// bare is a spec without places, for comparison.
func bare(s appspec.Spec) appspec.Spec {
	strip := func(v *appspec.Value) { v.Place = diagnostic.Place{} }
	s.Place = diagnostic.Place{}
	for _, v := range []*appspec.Value{&s.TaskDefinition, &s.Container, &s.Port, &s.PlatformVersion} {
		strip(v)
	}
	if s.Network != nil {
		n := *s.Network
		n.Place = diagnostic.Place{}
		strip(&n.AssignPublicIP)
		for i := range n.Subnets {
			strip(&n.Subnets[i])
		}
		for i := range n.SecurityGroups {
			strip(&n.SecurityGroups[i])
		}
		s.Network = &n
	}
	for i := range s.Providers {
		strip(&s.Providers[i].Name)
		strip(&s.Providers[i].Weight)
		strip(&s.Providers[i].Base)
	}
	for i := range s.Hooks {
		strip(&s.Hooks[i].Event)
		strip(&s.Hooks[i].Function)
	}
	return s
}

// FuzzWriteAndRead: what is written as YAML and as JSON reads back as what it was, here and by other readers.
func FuzzWriteAndRead(f *testing.F) {
	for _, name := range []string{"web", "on", "1.0", "a: b", "- x", "#", "<TASK_DEFINITION>", "ü\n", "'", `"`, "x:", "null", "~", "0x1", "2026-01-01", "&a", "*a", "!!str", " x ", "\\", "{", "1_0", "12e3", "=", "<<"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if strings.ToValidUTF8(name, "") != name || strings.ContainsRune(name, 0) || name == "" {
			return
		}
		s := full(name)
		for file, text := range map[string][]byte{"a.yaml": s.YAML(), "a.json": s.JSON()} {
			got, problems := appspec.Read(file, string(text))
			if diff := cmp.Diff(s, bare(got)); diff != "" || len(problems) > 0 {
				t.Errorf("%s\n%s: %v %s", text, file, problems, diff)
			}
		}
		var fromYAML, fromJSON, again any
		if err := yaml.Unmarshal(s.YAML(), &fromYAML); err != nil {
			t.Fatalf("%v\n%s", err, s.YAML())
		}
		asJSON, _ := json.Marshal(fromYAML) // numbers become alike
		err1, err2 := json.Unmarshal(asJSON, &again), json.Unmarshal(s.JSON(), &fromJSON)
		if err1 != nil || err2 != nil || !reflect.DeepEqual(again, fromJSON) {
			t.Errorf("YAML and JSON differ (%v, %v):\n%s\n%s", err1, err2, s.YAML(), s.JSON())
		}
	})
}

// FuzzRead: nothing panics, and what passes Read and Check has all that CodeDeploy needs.
func FuzzRead(f *testing.F) {
	f.Add(string(full("web").YAML()), true)
	f.Add(string(full("web").JSON()), false)
	f.Add("version: 0.0\nResources: []\nHooks: [{}]", true)
	task := taskdef.Task{Family: "app", Containers: []taskdef.Container{{Name: "web", Ports: []taskdef.Port{{Number: 8080}}}}}
	f.Fuzz(func(t *testing.T, text string, isYAML bool) {
		name := "a.json"
		if isYAML {
			name = "a.yaml"
		}
		s, problems := appspec.Read(name, text)
		problems = append(problems, s.Check(&task)...)
		if len(problems.Errors(false)) > 0 {
			return
		}
		if s.TaskDefinition.Text == "" || s.Container.Text != "web" || s.Port.Text != "8080" {
			t.Errorf("%q passes as %+v", text, s)
		}
		for _, h := range s.Hooks {
			if h.Function.Text == "" {
				t.Errorf("%q passes with the hook %+v", text, h)
			}
		}
	})
}

func TestFunctionName(t *testing.T) {
	for function, want := range map[string]string{
		"f": "f", "f:live": "f", "arn:aws:lambda:eu-west-1:123456789012:function:f": "f", "arn:aws:lambda:eu-west-1:123456789012:function:f:3": "f",
	} {
		if got := appspec.FunctionName(function); got != want {
			t.Errorf("FunctionName(%q) = %q, want %q", function, got, want)
		}
	}
}

func ExampleSpec_YAML() {
	s := appspec.Spec{
		TaskDefinition: appspec.Value{Text: appspec.Placeholder},
		Container:      appspec.Value{Text: "web"}, Port: appspec.Value{Text: "8080"},
		Hooks: []appspec.Hook{{Event: appspec.Value{Text: "AfterAllowTestTraffic"}, Function: appspec.Value{Text: "CodeDeployHook_web"}}},
	}
	_, _ = os.Stdout.Write(s.YAML())
	// Output:
	// version: 0.0
	// Resources:
	//   - TargetService:
	//       Type: AWS::ECS::Service
	//       Properties:
	//         TaskDefinition: <TASK_DEFINITION>
	//         LoadBalancerInfo:
	//           ContainerName: web
	//           ContainerPort: 8080
	// Hooks:
	//   - AfterAllowTestTraffic: CodeDeployHook_web
}
