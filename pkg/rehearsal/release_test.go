package rehearsal_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
)

const (
	taskDefinition = `{
  "family": "task-app",
  "networkMode": "awsvpc",
  "cpu": "256",
  "memory": "512",
  "executionRoleArn": "arn:aws:iam::123456789012:role/ecsTaskExecutionRole",
  "containerDefinitions": [
    {"name": "log", "image": "log:9", "essential": false, "dockerLabels": {"greenlight.release": "9", "greenlight.suite": "ssm:/other"}},
    {"name": "app", "image": "IMAGE", "essential": true, "portMappings": [{"containerPort": 8080}], "dockerLabels": LABELS}
  ]
}`
	appSpec = `version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: <TASK_DEFINITION>
        LoadBalancerInfo: {ContainerName: app, ContainerPort: 8080}
Hooks:
  - AfterAllowTestTraffic: arn:aws:lambda:eu-west-1:123456789012:function:gate:live
`
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheReleaseIsCalledAsTheHooksWillCallIt(t *testing.T) {
	spec := write(t, "appspec.yaml", appSpec)
	for name, c := range map[string]struct{ image, labels, id, suite, problem string }{
		"label":           {"repo/app:latest", `{"greenlight.release": "1.1.0", "greenlight.suite": "s3://b/k#sha256=00"}`, "1.1.0", "s3://b/k#sha256=00", ""},
		"tag":             {"repo:5000/app:1.2.0", `{}`, "1.2.0", "", ""},
		"tag and digest":  {"repo/app:1.2.0@sha256:" + strings.Repeat("a", 64), `{}`, "1.2.0", "", ""},
		"digest alone":    {"repo/app@sha256:" + strings.Repeat("a", 64), `{}`, "", "", "the release has no name"},
		"registry's port": {"repo:5000/app", `{}`, "", "", "the release has no name"},
	} {
		t.Run(name, func(t *testing.T) {
			task := write(t, "taskdef.json", strings.NewReplacer("IMAGE", c.image, "LABELS", c.labels).Replace(taskDefinition))
			r, problems := rehearsal.ReadRelease(task, spec)
			var text strings.Builder
			for _, p := range problems.Errors(false) {
				text.WriteString(p.Text + "\n")
			}
			if r.ID != c.id || r.SuiteReference != c.suite || (c.problem == "") != (text.Len() == 0) || !strings.Contains(text.String(), c.problem) {
				t.Errorf("id %q, suite %q, problems %q; want %q, %q, %q", r.ID, r.SuiteReference, &text, c.id, c.suite, c.problem)
			}
			if c.problem == "" {
				f := r.Functions[lifecycle.AfterAllowTestTraffic]
				if r.Family != "task-app" || r.Container != "app" || r.Port != 8080 || r.Place.Line != 9 || f.Name != "gate" || f.Place.Line != 9 {
					t.Errorf("release %+v", r)
				}
			}
		})
	}
}

func TestAFileThatCannotBeReadIsAProblemWithItsName(t *testing.T) {
	_, problems := rehearsal.ReadRelease("/nonexistent/taskdef.json", "/nonexistent/appspec.yaml")
	if len(problems) != 2 || problems[0].File != "/nonexistent/appspec.yaml" || problems[0].Text != "read: no such file or directory" {
		t.Errorf("problems %+v", problems)
	}
	if suite, text, problems := rehearsal.ReadSuite("/nonexistent/smoke.yaml"); suite != nil || text != nil || len(problems) != 1 {
		t.Errorf("suite %v, %q, %+v", suite, text, problems)
	}
}

func TestASuiteBringsItsFiles(t *testing.T) {
	path := write(t, "smoke.yaml", "version: 1\nname: s\ntls: {ca: ca.pem}\nchecks:\n  - {name: home, request: GET /, expect: {status: 200}}\n")
	if suite, _, problems := rehearsal.ReadSuite(path); suite != nil && len(problems.Errors(false)) == 0 {
		t.Errorf("a suite without its CA was taken: %+v", problems)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "ca.pem"), []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, text, problems := rehearsal.ReadSuite(path)
	if !strings.HasPrefix(string(text), "version: 1") || len(problems) == 0 || !strings.Contains(problems[0].Text, "certificate") {
		t.Errorf("problems %+v", problems)
	}
}
