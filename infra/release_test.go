package infra_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTheExamplesForTerraformAndCDK has the machine's own tools read them: terraform, node, and where aws-cdk-lib is to be
// found (NODE_PATH), the CDK itself, whose template cfn-lint then looks at.
func TestTheExamplesForTerraformAndCDK(t *testing.T) {
	t.Parallel()
	examples := map[string]string{}
	for _, b := range shownIn(t, "README.md") {
		examples[b.kind] = b.text
	}
	dir, sums := t.TempDir(), ""
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, event := range map[string]string{"after-allow-test-traffic": "AfterAllowTestTraffic", "before-allow-traffic": "BeforeAllowTraffic"} {
		write(name+"-arm64.zip", name)
		sums += fmt.Sprintf("%x  %s-arm64.zip\n", sha256.Sum256([]byte(name)), name)
		for kind, text := range examples {
			if (kind == "hcl" || kind == "js") && (!strings.Contains(text, name) || !strings.Contains(text, event)) {
				t.Errorf("the %s names no %s", kind, name)
			}
		}
	}
	write("SHA256SUMS", sums)
	write("iam-policy.json", strings.NewReplacer("ACCOUNT_ID", "123456789012", "REGION", "eu-west-1").Replace(read(t, policyFile)))
	write("main.tf", examples["hcl"])
	write("gate.js", examples["js"])
	run := func(name string, args ...string) (string, error) {
		cmd := exec.CommandContext(within(t, 2*time.Minute), name, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "CDK_OUTDIR="+filepath.Join(dir, "out"), "TF_CLI_CONFIG_FILE="+os.DevNull)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	has := func(name string) bool {
		_, err := exec.LookPath(name)
		if err != nil {
			t.Logf("there is no %s", name)
		}
		return err == nil
	}
	if has("terraform") {
		if out, err := run("terraform", "fmt", "-check", "-diff", "main.tf"); err != nil {
			t.Errorf("terraform: %v\n%s", err, out)
		}
	}
	if !has("node") {
		return
	}
	if out, err := run("node", "--check", "gate.js"); err != nil {
		t.Errorf("node: %v\n%s", err, out)
	}
	if _, err := run("node", "-e", `require.resolve("aws-cdk-lib")`); err != nil {
		t.Log("there is no aws-cdk-lib")
		return
	}
	if out, err := run("node", "gate.js"); err != nil {
		t.Fatalf("synth: %v\n%s", err, out)
	}
	template := filepath.Join(dir, "out", "greenlight-gate-trips.template.json")
	var made struct {
		Resources map[string]struct{ Type string }
	}
	if err := json.Unmarshal([]byte(read(t, template)), &made); err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, r := range made.Resources {
		kinds = append(kinds, r.Type)
	}
	if slices.Sort(kinds); strings.Join(kinds, " ") != "AWS::IAM::Role AWS::Lambda::Function AWS::Lambda::Function AWS::Logs::LogGroup AWS::Logs::LogGroup" {
		t.Errorf("the stack has %v", kinds)
	}
	if has("cfn-lint") {
		if out, err := run("cfn-lint", "--regions", "eu-west-1", "--ignore-checks", "W3005", // the CDK's own DependsOn
			"--template", template); err != nil {
			t.Errorf("cfn-lint: %v\n%s", err, out)
		}
	}
	write("before-allow-traffic-arm64.zip", "another")
	if out, err := run("node", "gate.js"); err == nil || !strings.Contains(out, "is not the release's") {
		t.Errorf("with another function: %v\n%s", err, out)
	}
}
