package faults_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/greenlight-ecs/greenlight/pkg/gate"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	built "github.com/greenlight-ecs/greenlight/pkg/programs"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/faults"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// programs is where the real programs are: rehearse, which keeps the tasks and is the built-in releases, and the hooks.
var programs string

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "forgetful-hook" {
		forget(os.Args[2])
		gate.Start(lifecycle.AfterAllowTestTraffic)
		os.Exit(0)
	}
	code, err := withPrograms(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withPrograms(m *testing.M) (int, error) {
	dir, remove, err := built.Build("buildtools/rehearse", "functions/after-allow-test-traffic", "functions/before-allow-traffic",
		"functions/after-allow-traffic")
	if err != nil {
		return 1, err
	}
	defer remove()
	programs = dir
	return m.Run(), nil
}

// forget makes a hook find its suite the first time only.
func forget(file string) {
	if _, err := os.Stat(file); err == nil {
		_ = os.Setenv("SUITE", file+"-is-gone.yaml")
		return
	}
	_ = os.WriteFile(file, nil, 0o600)
}

const taskDefinition = `{"family": "task-trips", "networkMode": "awsvpc", "requiresCompatibilities": ["EC2"], "cpu": "256", "memory": "512",
"containerDefinitions": [{"name": "app", "image": "trips:1.1.0", "essential": true, "memory": 256, "portMappings": [{"containerPort": 8080}],
"dockerLabels": {"greenlight.release": "1.1.0"}}]}`

const appSpec = `version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: <TASK_DEFINITION>
        LoadBalancerInfo: {ContainerName: app, ContainerPort: 8080}
        CapacityProviderStrategy: [{CapacityProvider: p, Weight: 1, Base: 0}]
Hooks:
  - AfterAllowTestTraffic: gate
`

// weak is a suite as they are often written: it looks at statuses, and at nothing else.
const weak = `version: 1
name: weak
readiness: {checks: [health], consecutive: 2, within: 15s}
defaults: {attempts: 2}
checks:
  - {name: health, request: GET /health, expect: {status: 200}}
  - {name: list trips, request: GET /api/trips, expect: {status: 200}}
  - name: life
    steps:
      - {request: POST /api/trips, json: {title: Rome, days: 2}, expect: {status: 201}, capture: {id: $.id}}
      - {request: "GET /api/trips/${id}", expect: {status: 200}}
      - {request: "DELETE /api/trips/${id}", always: true, expect: {status: 204}}
  - {name: report, request: GET /api/report, observe: true, expect: {status: 200}}
`

// campaign scores a suite with the release that the green command serves.
func campaign(t *testing.T, checked, green string, names ...string) faults.Campaign {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"taskdef.json": taskDefinition, "appspec.yaml": appSpec, "smoke.yaml": checked} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, problems := rehearsal.ReadRelease(filepath.Join(dir, "taskdef.json"), filepath.Join(dir, "appspec.yaml"))
	read, wrong := suite.Read(suite.Source{Name: "smoke.yaml", Text: []byte(checked)})
	if all := append(problems, wrong...); len(all.Errors(false)) > 0 {
		t.Fatalf("%v\n%s", all, checked)
	}
	c := faults.Campaign{
		Plan: rehearsal.Plan{
			Release: found, BlueRelease: "1.0.0", Suite: filepath.Join(dir, "smoke.yaml"),
			Blue:  rehearsal.Command{Text: "builtin:good", Builtin: "good"},
			Green: rehearsal.Command{Text: "builtin:" + green, Builtin: green},
			Hooks: map[lifecycle.Name]rehearsal.Hook{lifecycle.AfterAllowTestTraffic: {
				Function: "gate", Dir: dir, Argv: []string{filepath.Join(programs, "after-allow-test-traffic")},
			}},
			Tasks: 2, Speed: 50, FunctionTimeout: 3 * time.Minute, StartTimeout: time.Minute,
			Machine: rehearsal.Machine{Self: filepath.Join(programs, "rehearse"), Path: os.Getenv("PATH"), Home: dir},
		},
		Suite: read, Parallel: 6,
	}
	for _, f := range faults.Faults() {
		if len(names) == 0 || slices.Contains(names, f.Name) {
			c.Faults = append(c.Faults, f)
		}
	}
	return c
}

func run(t *testing.T, c faults.Campaign) (faults.Score, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	return c.Run(ctx, nil)
}

// scored runs a campaign of a good release. A machine that is too slow for the suite's time-outs refuses that release,
// too: then it is tried again.
func scored(t *testing.T, c faults.Campaign) faults.Score {
	t.Helper()
	for left := 3; ; left-- {
		score, err := run(t, c)
		if err == nil {
			return score
		}
		if _, refused := errors.AsType[*faults.ControlError](err); !refused || left == 0 {
			t.Fatal(err)
		}
		t.Logf("once more after: %v", err)
	}
}

// outcomes lists what became of each mutant.
func outcomes(s faults.Score) map[string]faults.Outcome {
	all := map[string]faults.Outcome{}
	for _, f := range s.Findings {
		all[f.Name+", "+f.Where()] = f.Outcome
	}
	return all
}

func TestAWeakSuiteIsToldWhatItMissesAndTheAdviceWorks(t *testing.T) {
	t.Parallel()
	c := campaign(t, weak, "good", "wrong-version", "500", "latency", "error-200")
	score := scored(t, c)
	const caught, survived = faults.Caught, faults.Survived
	list, create, get, remove, report := "GET /api/trips", "POST /api/trips", "GET /api/trips/${id}", "DELETE /api/trips/${id}", "GET /api/report"
	want := map[string]faults.Outcome{"wrong-version, the whole release": survived}
	for _, route := range []string{list, create, get, remove, report} {
		for _, name := range []string{"500", "error-200"} {
			want[name+", "+route] = caught
		}
		want["latency, "+route] = survived
	}
	for _, name := range []string{"error-200, " + list, "error-200, " + get} {
		want[name] = survived
	}
	for _, name := range []string{"500, ", "error-200, "} {
		want[name+report] = survived // it is only observed
	}
	if d := cmp.Diff(want, outcomes(score)); d != "" {
		t.Errorf("outcomes (-want +got):\n%s", d)
	}
	if score.Total != 16 || score.Caught != 6 || score.Percent != 37 {
		t.Errorf("%d of %d, %d %%", score.Caught, score.Total, score.Percent)
	}

	// All of the advice, followed to the letter, and nothing else: every fault is caught.
	better := weak
	for _, f := range score.Findings {
		switch {
		case f.Outcome == faults.Caught && f.Advice == nil:
		case f.Advice == nil:
			t.Errorf("no advice for %s on %s", f.Name, f.Where())
		default:
			better = follow(t, better, *f.Advice)
		}
	}
	score = scored(t, campaign(t, better, "good", "wrong-version", "500", "latency", "error-200"))
	for what, o := range outcomes(score) {
		if o != faults.Caught {
			t.Errorf("%s: %s, although the advice was followed:\n%s", what, o, better)
		}
	}
	if score.Percent != 100 {
		t.Errorf("%d %%", score.Percent)
	}
}

func TestARouteThatNobodyAsksIsNotMetAndTheAdviceWorks(t *testing.T) {
	t.Parallel()
	c := campaign(t, strings.Replace(weak, "  - {name: report, request: GET /api/report, observe: true, expect: {status: 200}}\n", "", 1), "good", "error-200", "500")
	c.Routes = []faults.Route{{Method: "GET", Path: "/api/report"}}
	c.Only = c.Routes
	score := scored(t, c)
	if len(score.Findings) != 2 || score.Caught != 0 || score.Findings[0].Outcome != faults.Unmet || score.Findings[0].Advice == nil {
		t.Fatalf("%+v", score.Findings)
	}
	c = campaign(t, follow(t, weak, *score.Findings[0].Advice), "good", "error-200", "500")
	c.Only = []faults.Route{{Method: "GET", Path: "/api/report"}}
	if score = scored(t, c); score.Percent != 100 {
		t.Errorf("%d %%: the advice was followed", score.Percent)
	}
}

// The suite that newcomers read and copy must not let through what it is easy to overlook. With all faults
// `rehearse faults` takes two minutes for it.
func TestTheDemosSuiteLooksAtWhatAnswersHold(t *testing.T) {
	t.Parallel()
	checked, err := os.ReadFile("../../../infra/tripmgmt/smoke.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c := campaign(t, string(checked), "good", "error-200", "redirect")
	last := c.Plan.Hooks[lifecycle.AfterAllowTestTraffic]
	last.Function, last.Argv = "last-gate", []string{filepath.Join(programs, "before-allow-traffic")}
	c.Plan.Hooks[lifecycle.BeforeAllowTraffic] = last
	c.Plan.Release.AppSpec += "  - BeforeAllowTraffic: last-gate\n"
	score := scored(t, c)
	for _, f := range score.Findings {
		// A rollback in which the fault had no part says nothing of the suite: this machine was too slow for its
		// time-outs. It is tried again.
		for tries := 3; f.Outcome == faults.Unsound && tries > 0; tries-- {
			again := c
			again.Faults = slices.DeleteFunc(slices.Clone(c.Faults), func(x faults.Fault) bool { return x.Name != f.Name })
			again.Only, again.Parallel = []faults.Route{*f.Route}, 1
			f = scored(t, again).Findings[0]
		}
		if f.Outcome != faults.Caught {
			t.Errorf("%s, %s: %s: %s", f.Name, f.Where(), f.Outcome, f.Why)
		}
	}
	if score.Total != 12 {
		t.Errorf("%d faults on 6 routes, want 12", score.Total)
	}
}

// A rollback for another reason says nothing about the fault: it must not count as caught.
func TestARollbackWithoutTheFaultIsUnsound(t *testing.T) {
	t.Parallel()
	c := campaign(t, weak, "good", "500")
	c.Only = []faults.Route{{Method: "GET", Path: "/nobody/asks"}}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	hook := c.Plan.Hooks[lifecycle.AfterAllowTestTraffic]
	hook.Argv = []string{self, "forgetful-hook", filepath.Join(t.TempDir(), "seen")}
	c.Plan.Hooks[lifecycle.AfterAllowTestTraffic] = hook
	score := scored(t, c)
	if len(score.Findings) != 1 || score.Findings[0].Outcome != faults.Unsound || score.Caught != 0 || score.Percent != 0 {
		t.Errorf("%+v", score)
	}
}

func TestNothingIsScoredWhenTheReleaseItselfFails(t *testing.T) {
	t.Parallel()
	_, err := run(t, campaign(t, weak, "500"))
	control, ok := errors.AsType[*faults.ControlError](err)
	if !ok || control.Result.Outcome != rehearsal.RolledBack || !strings.Contains(err.Error(), "list trips") {
		t.Errorf("got %v, want the control's failure with the check", err)
	}
	_, err = run(t, campaign(t, weak, "crash"))
	if _, ok := errors.AsType[*rehearsal.SetupError](err); !ok {
		t.Errorf("got %v, want that green could not be started", err)
	}
}

func TestAnInterruptedCampaignHasNoScoreToTrust(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := campaign(t, weak, "good", "hang")
	_, err := c.Run(ctx, func(p faults.Progress) {
		if len(p.Running) > 0 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// follow puts an advice into a suite, as a person would: the keys go into the check or step that it names,
// new checks are appended.
func follow(t *testing.T, checked string, a faults.Advice) string {
	t.Helper()
	whole, add := map[string]any{}, map[string]any{}
	for text, into := range map[string]*map[string]any{checked: &whole, a.YAML: &add} {
		if err := yaml.NewDecoder(strings.NewReader(text)).Decode(into); err != nil && !errors.Is(err, io.EOF) {
			t.Fatalf("%v\n%s", err, text)
		}
	}
	place := whole
	if a.Check != "" {
		place = nil
		for _, list := range []string{"checks", "compare"} {
			entries, _ := whole[list].([]any)
			for _, e := range entries {
				if check := e.(map[string]any); check["name"] == a.Check {
					place = check
					if a.Step > 0 {
						place = check["steps"].([]any)[a.Step-1].(map[string]any)
					}
				}
			}
		}
		if place == nil {
			t.Fatalf("there is no check %q", a.Check)
		}
	}
	merge(place, add)
	text, err := yaml.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func merge(into, add map[string]any) {
	for key, value := range add {
		switch value := value.(type) {
		case map[string]any:
			if inner, ok := into[key].(map[string]any); ok {
				merge(inner, value)
				continue
			}
		case []any:
			inner, ok := into[key].([]any)
			_, objects := value[0].(map[string]any)
			if ok && objects {
				if !slices.ContainsFunc(inner, func(e any) bool { return cmp.Equal(e, value[0]) }) {
					into[key] = append(inner, value...)
				}
				continue
			}
		}
		into[key] = value
	}
}

// What meets production's users alone is caught by a watch, and by the part of it that is there for that. A suite
// without a watch is not held to it.
func TestAWatchCatchesWhatOnlyUsersMeet(t *testing.T) {
	t.Parallel()
	names := []string{"leak-in-production", "log-errors", "task-killed"}
	if score := scored(t, campaign(t, weak, "good", append(names, "500")...)); slices.ContainsFunc(score.Findings, func(f faults.Finding) bool { return f.Name != "500" }) {
		t.Errorf("%v: nobody watches", outcomes(score))
	}
	c := campaign(t, weak+"watch: {for: 3m, min_requests: 20, min_shift: 1s, logs: [{name: errors, pattern: '{ $.level = \"error\" }'}]}\n", "good", names...)
	c.Plan.Release.TaskDefinition = []byte(strings.Replace(taskDefinition, `"dockerLabels"`, `"logConfiguration": {"logDriver": "awslogs",
		"options": {"awslogs-group": "/ecs/trips", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "web"}}, "dockerLabels"`, 1))
	c.Plan.Hooks[lifecycle.AfterAllowTraffic] = rehearsal.Hook{Function: "watch", Dir: c.Plan.Machine.Home, Argv: []string{filepath.Join(programs, "after-allow-traffic")}}
	c.Plan.Watch, c.Plan.WatchMinute = c.Suite.Watch, time.Second
	c.Plan.Traffic = c.Plan.EnoughTraffic()
	score := scored(t, c)
	want := map[string]string{"leak-in-production": "watch: 5xx", "log-errors": "watch: log errors", "task-killed": "watch: (tasks|5xx)"}
	for _, f := range score.Findings {
		if f.Outcome != faults.Caught || f.Event != lifecycle.AfterAllowTraffic || !regexp.MustCompile(want[f.Name]).MatchString(f.Check) || f.Requests == 0 {
			t.Errorf("%s: %+v", f.Name, f)
		}
	}
	if len(score.Findings) != 3 {
		t.Errorf("%d findings", len(score.Findings))
	}
}
