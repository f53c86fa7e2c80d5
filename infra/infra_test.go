// Package infra_test holds what no linter knows of the stacks: which rights a hook may have, that the
// queries, alarms and dashboards name what the hooks really write, that every setting is one that a
// hook reads, that the buildspec runs as it is written. Every rule has mutations that it must catch, so
// that none of them passes because it looks at nothing.
package infra_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// have skips the test, loudly, on a machine without the tool; in CI that is a failure.
func have(t *testing.T, tool string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") != "":
		t.Fatalf("%s is missing: in CI this must be tested", tool)
	default:
		t.Skipf("NOT TESTED: %s is missing; CI has it", tool)
	}
	return ""
}

// within returns the context of a command that must end in time.
func within(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

// TestTheLintLooksAtEachChoice says of what make check lints (buildtools/lint-templates.sh) that nothing was left out.
func TestTheLintLooksAtEachChoice(t *testing.T) {
	t.Parallel()
	for _, with := range []string{"cn-north-1", "us-gov-west-1", "Controller=$1", "CANARY", "LINEAR", "FARGATE", "Controller=both", "Watch=true"} {
		if !strings.Contains(read(t, "../buildtools/lint-templates.sh"), with) {
			t.Errorf("there is no lint with %s", with)
		}
	}
	text := read(t, "../.cfnlintrc")
	for _, want := range []string{"gate.yml", "bluegreen.yml", "us-east-1", "eu-west-1", "cfn-lint-spec.json"} {
		if !strings.Contains(text, want) {
			t.Errorf(".cfnlintrc does not hold %s", want)
		}
	}
}

// TestCfnLintKnowsLifecycleHooks lints a service with hooks as ECS takes them, and one with slips.
func TestCfnLintKnowsLifecycleHooks(t *testing.T) {
	t.Parallel()
	lint := have(t, "cfn-lint")
	dir, text := t.TempDir(), "Resources:\n  Service:\n    Type: AWS::ECS::Service\n    Properties:\n      Cluster: c\n      TaskDefinition: family\n"+
		"      DeploymentConfiguration:\n        Strategy: BLUE_GREEN\n        LifecycleHooks:\n"+
		"          - LifecycleStages: [PRE_PRODUCTION_TRAFFIC_SHIFT]\n            TargetType: PAUSE\n"+
		"            TimeoutConfiguration: {TimeoutInMinutes: 60, Action: ROLLBACK}\n"
	args := []string{"--regions", "eu-west-1", "--format", "parseable", "--template"}
	for name, text := range map[string]string{
		"good": text, "action": strings.ReplaceAll(text, "ROLLBACK}", "BACK}"), "target": strings.ReplaceAll(text, "TargetType", "Target"),
	} {
		args = append(args, filepath.Join(dir, name))
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(within(t, time.Minute), lint, args...) // one start for all: it takes longer than what comes then
	cmd.Dir = ".."
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 2 || strings.Contains(string(out), filepath.Join(dir, "good")) {
		t.Errorf("%v\n%s", err, out)
	}
	for name, want := range map[string]string{"action": "'BACK' is not one of", "target": "'Target' was unexpected"} {
		if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(filepath.Join(dir, name)) + `:.*` + want).Match(out) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// invariant is a rule over the templates. Check returns what breaks it.
type invariant struct {
	check func(all stacks) []string
	// mutations are edits after which check must find something.
	mutations []mutation
}

// mutation is an edit of one file. It must apply, or it proves nothing.
type mutation struct{ file, before, after string }

// hold checks the invariants on the real files, and that each catches its mutations.
func hold(t *testing.T, invariants map[string]invariant) {
	t.Helper()
	for name, inv := range invariants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := load(t)
			for _, problem := range inv.check(all) {
				t.Error(problem)
			}
			if len(inv.mutations) == 0 {
				t.Error("has no mutation: nobody knows whether it looks at anything")
			}
			for _, m := range inv.mutations {
				if found := inv.check(all.mutate(t, m)); len(found) == 0 {
					t.Errorf("does not notice %s with %q in the place of %q", m.file, m.after, m.before)
				}
			}
		})
	}
}

// missing returns what want has and got has not.
func missing(want, got []string) []string {
	var m []string
	for _, w := range want {
		if !slices.Contains(got, w) {
			m = append(m, w)
		}
	}
	return m
}
