package taskdef_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/greenlight-ecs/greenlight/pkg/taskdef"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// A template of what runs renders what runs: each $ stays, and only what is one release's is gone.
func TestATemplateOfWhatRunsRendersWhatRuns(t *testing.T) {
	const running = `{"taskDefinition": {"family": "f", "memory": "512", "revision": 7, "status": "ACTIVE", "containerDefinitions": [
		{"name": "a", "image": "a:1", "command": ["sh", "-c", "exec $JAVA ${X:-y} $$ $1"], "environment": [{"name": "P", "value": "5$"}],
		 "dockerLabels": {"greenlight.release": "1", "k": "${v}"}},
		{"name": "b", "image": "b:1"}],
		"volumes": [{"name": "v", "host": {"sourcePath": "/$home"}}]}, "tags": [{"key": "aws:cloudformation:stack-name", "value": "x"}]}`
	made, problems := taskdef.Template("running", running, "a", func(string) bool { return false })
	if len(problems) > 0 || len(made.Hidden) > 0 || made.Image != "a:1" {
		t.Fatalf("problems %v, hidden %v, image %q", problems, made.Hidden, made.Image)
	}
	doc, problems := template.Reader{}.Read("t.json", string(made.Root.JSON()))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	latest := func(name string) (string, bool) { return "a:1", name == "ECR_LATEST_IMAGE_URL" }
	r, problems := taskdef.Request{Expander: template.Expander{Doc: doc, Lookup: latest}}.Render()
	if wrong := problems.Errors(false); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	const want = `{"family":"f","memory":"512","containerDefinitions":[{"name":"a","image":"a:1","command":["sh","-c","exec $JAVA ${X:-y} $$ $1"],` +
		`"environment":[{"name":"P","value":"5$"}],"dockerLabels":{"k":"${v}"}},{"name":"b","image":"b:1"}],"volumes":[{"name":"v","host":{"sourcePath":"/$home"}}]}`
	if diff := cmp.Diff(want, string(r.Root.Compact())); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// What looks like a secret does not stay in the template, wherever it stands.
func TestNoSecretStaysInATemplate(t *testing.T) {
	for where, c := range map[string]struct{ container, hidden string }{
		"environment by name":  {`"environment": [{"name": "DB_PASSWORD", "value": "hunter2"}]`, "DB_PASSWORD_ARN"},
		"environment by look":  {`"environment": [{"name": "HOOK", "value": "looks hunter2"}]`, "HOOK_ARN"},
		"environment by URL":   {`"environment": [{"name": "DB", "value": "postgres://u:hunter2@db/x"}]`, "DB_ARN"},
		"a word of a command":  {`"command": ["app", "--api-token=hunter2"]`, "CONTAINERDEFINITIONS_0_COMMAND_1"},
		"the word behind one":  {`"entryPoint": ["app", "--password", "hunter2", "-v"]`, "CONTAINERDEFINITIONS_0_ENTRYPOINT_2"},
		"a script":             {`"command": ["sh", "-c", "TOKEN=hunter2 app run"]`, "CONTAINERDEFINITIONS_0_COMMAND_2"},
		"a script's URL":       {`"healthCheck": {"command": ["CMD-SHELL", "psql postgres://u:hunter2@db/x"]}`, "CONTAINERDEFINITIONS_0_HEALTHCHECK_COMMAND_1"},
		"an option of the log": {`"logConfiguration": {"logDriver": "splunk", "options": {"splunk-token": "hunter2"}}`, "CONTAINERDEFINITIONS_0_LOGCONFIGURATION_OPTIONS_SPLUNK_TOKEN"},
		"a label":              {`"dockerLabels": {"com.x.API_KEY": "hunter2"}`, "CONTAINERDEFINITIONS_0_DOCKERLABELS_COM_X_API_KEY"},
	} {
		made, problems := taskdef.Template("running", `{"family": "f", "containerDefinitions": [{"name": "a", "image": "a:1", `+c.container+`}]}`, "a",
			func(value string) bool { return strings.HasPrefix(value, "looks ") })
		if len(problems) > 0 {
			t.Fatalf("%s: %v", where, problems)
		}
		text := string(made.Root.Compact())
		if made.Hidden[c.hidden] == "" || len(made.Hidden) != 1 || strings.Contains(text, "hunter2") || !strings.Contains(text, `"${`+c.hidden+`}"`) {
			t.Errorf("%s: hidden %v, template %s", where, made.Hidden, text)
		}
		if reference := strings.HasPrefix(where, "environment"); reference != strings.Contains(text, `"executionRoleArn":"${TASK_EXECUTION_ROLE_ARN}"`) {
			t.Errorf("%s: template %s", where, text)
		}
	}
	kept := `"environment":[{"name":"COMMIT","value":"looks long"},{"name":"ROLE","value":"arn:aws:iam::1:role/looks"},{"name":"TOKEN_URL","value":"https://x/token"}]`
	made, _ := taskdef.Template("running", `{"family": "f", "containerDefinitions": [{"name": "a", "image": "a:1", `+kept+`}]}`, "a",
		func(value string) bool { return strings.Contains(value, "looks") })
	if text := string(made.Root.Compact()); !strings.Contains(text, kept) || len(made.Hidden) > 0 {
		t.Errorf("hidden %v, template %s", made.Hidden, text)
	}
}
