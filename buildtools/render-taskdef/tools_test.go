package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
)

// tool finds a program, or skips the test: loudly on a laptop, as a failure in CI.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") == "true":
		t.Fatalf("%s is not on PATH, and CI must have it", name)
	}
	t.Skipf("SKIPPED: %s is not on PATH; CI has it", name)
	return ""
}

// documents renders what the real tools shall take: the application of this repository, and a large document
// with most fields in it.
func documents(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"tripmgmt": filepath.Join(dir, "tripmgmt.json"), "everything": filepath.Join(dir, "everything.json")}
	for _, args := range [][]string{
		{"-o", files["tripmgmt"], "--env-file", "../../infra/tripmgmt/demo.env", "--release", "1.1.0", "../../infra/tripmgmt/taskdef_src.json"},
		{"-o", files["everything"], "testdata/everything.json"},
	} {
		var stderr bytes.Buffer
		if code := run(args, &cli.Run{Stdin: strings.NewReader(""), Stdout: &stderr, Stderr: &stderr}, nil); code != 0 || stderr.Len() > 0 {
			t.Fatalf("render-taskdef %v: exit %d, %s", args, code, &stderr)
		}
	}
	return files
}

func aws(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "aws", append([]string{"ecs", "register-task-definition", "--region", "eu-west-1", "--output", "json"}, args...)...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true")
	return cmd.CombinedOutput()
}

func TestTheAWSCommandLineTakesWhatWasRendered(t *testing.T) {
	t.Parallel()
	tool(t, "aws")
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	for name, file := range documents(t) {
		if out, err := aws(ctx, "--cli-input-json", "file://"+file, "--generate-cli-skeleton", "output"); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	// The control: what is wrong is refused, so that the test above says something.
	wrong := filepath.Join(t.TempDir(), "wrong.json")
	if err := os.WriteFile(wrong, []byte(`{"family": 5, "containerDefinitons": []}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := aws(ctx, "--cli-input-json", "file://"+wrong, "--generate-cli-skeleton", "output"); err == nil {
		t.Errorf("a wrong document was taken: %s", out)
	}
}

func TestMotoRegistersWhatWasRendered(t *testing.T) {
	t.Parallel()
	tool(t, "aws")
	server := tool(t, "moto_server")
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	_ = listener.Close()
	var log bytes.Buffer
	cmd := exec.CommandContext(ctx, server, "-H", "127.0.0.1", "-p", port)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	url := "http://" + address
	await(ctx, t, url)
	for name, file := range documents(t) {
		out, err := aws(ctx, "--endpoint-url", url, "--cli-input-json", "file://"+file)
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
			continue
		}
		var answer struct {
			TaskDefinition struct {
				ContainerDefinitions []struct {
					Name         string
					DockerLabels map[string]string
				}
			}
		}
		if err := json.Unmarshal(out, &answer); err != nil || len(answer.TaskDefinition.ContainerDefinitions) == 0 {
			t.Errorf("%s: registered %s (%v)", name, out, err)
		}
		if name == "tripmgmt" && answer.TaskDefinition.ContainerDefinitions[0].DockerLabels["greenlight.release"] != "1.1.0" {
			t.Errorf("the release label did not arrive: %s", out)
		}
	}
}

// await asks until the server answers.
func await(ctx context.Context, t *testing.T, url string) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s does not answer: %v", url, ctx.Err())
		case <-tick.C:
		}
	}
}
