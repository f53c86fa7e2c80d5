package infra_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// deploySpec is what the project runs that deploys with Amazon ECS.
func deploySpec(t *testing.T) template {
	t.Helper()
	return parse(t, "the deploying project's buildspec", str(at(load(t)["bluegreen.yml"].resource("Deploy").properties, "Source", "BuildSpec")))
}

// TestWhatDeploysLooksFirst runs the project with a greenlight that notes what it is asked for.
func TestWhatDeploysLooksFirst(t *testing.T) {
	t.Parallel()
	const service = "ecs-cluster-tripmgmtdemo/pipeline-Service-1"
	verify := "greenlight verify taskdef.json --appspec appspec.yaml --service " + service + "\n"
	diff := "greenlight diff taskdef.json --service " + service + "\n"
	deploy := "greenlight deploy --taskdef taskdef.json --service " + service + " --timeout 120m\n"
	for name, tc := range map[string]struct {
		breaks, sum string
		ok          bool
		calls       string
	}{
		"all is well":                {ok: true, calls: verify + diff + deploy},
		"what is named is not there": {breaks: "verify", calls: verify},
		"nothing can be compared":    {breaks: "diff", calls: verify + diff},
		"rolled back":                {breaks: "deploy", calls: verify + diff + deploy},
		"tools with another sha256":  {sum: strings.Repeat("0", 64)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBuild(t)
			tools, err := archive(map[string][]byte{"greenlight": []byte("#!/bin/sh\necho \"greenlight $*\" >>\"$CALLS\"\n[ \"$1\" != \"$BREAKS\" ]\n")})
			if err != nil {
				t.Fatal(err)
			}
			b.write(t, "tools.tar.gz", string(tools), 0o600)
			b.write(t, "app/taskdef.json", "{}", 0o600)
			b.env["SERVICE"], b.env["DEPLOY_TIMEOUT_MINUTES"], b.env["BREAKS"] = service, "120", tc.breaks
			if b.env["TOOLS_SHA256"] = tc.sum; tc.sum == "" {
				b.env["TOOLS_SHA256"] = fmt.Sprintf("%x", sha256.Sum256(tools))
			}
			ok, out := b.runs(t, deploySpec(t), "install", "build")
			_, calls, _ := strings.Cut(b.calls(t), "tools.tar.gz\n")
			if ok != tc.ok || calls != tc.calls {
				t.Errorf("%t\n%s\nwant %t\n%s\n%s", ok, calls, tc.ok, tc.calls, out)
			}
		})
	}
}

// TestTheToolsAreTakenAlike wants both projects to take the tools in the same way, and what the second one uses to be set.
func TestTheToolsAreTakenAlike(t *testing.T) {
	t.Parallel()
	spec := deploySpec(t)
	got, want := texts(at(spec.section("phases"), "install", "commands")), texts(at(load(t)["buildspec.yml"].section("phases"), "install", "commands"))
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	var set []string
	for _, v := range list(at(load(t)["bluegreen.yml"].resource("Deploy").properties, "Environment", "EnvironmentVariables")) {
		set = append(set, str(at(v, "Name")))
	}
	for _, name := range []string{"SERVICE", "DEPLOY_TIMEOUT_MINUTES", "TOOLS_URI", "TOOLS_SHA256"} {
		if !slices.Contains(set, name) || !strings.Contains(spec.text, name) || len(set) != 4 {
			t.Errorf("%s is not set, or not used: %v", name, set)
		}
	}
	if !strings.Contains(read(t, "../buildtools/package.sh"), "for tool in render-taskdef render-appspec smoke greenlight;") {
		t.Error("greenlight is not packed with the tools")
	}
}
