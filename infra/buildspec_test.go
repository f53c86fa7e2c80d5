package infra_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/greenlight-ecs/greenlight/pkg/programs"
)

// built is where the real tools are.
var built string

func TestMain(m *testing.M) {
	dir, remove, err := programs.Build("buildtools/render-taskdef", "buildtools/render-appspec", "buildtools/smoke", "buildtools/rehearse")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	built = dir
	code := m.Run()
	remove()
	os.Exit(code)
}

// archiveOnce packs the tools as make package does.
var archiveOnce = sync.OnceValues(func() ([]byte, error) {
	all := map[string][]byte{}
	for _, name := range []string{"render-appspec", "render-taskdef", "smoke"} {
		content, err := os.ReadFile(filepath.Join(built, name))
		if err != nil {
			return nil, err
		}
		all[name] = content
	}
	return archive(all)
})

// archive packs tools.
func archive(all map[string][]byte) ([]byte, error) {
	var buf bytes.Buffer
	g, err := gzip.NewWriterLevel(&buf, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	w := tar.NewWriter(g)
	for name, content := range all {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(content); err != nil {
			return nil, err
		}
	}
	err = errors.Join(w.Close(), g.Close())
	return buf.Bytes(), err
}

const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// build is a run of the buildspec on a copy of the application's files.
type build struct {
	dir, app, log string
	env           map[string]string
}

// newBuild prepares the application's repository, the stack's variables, and docker and aws that only note
// what they are asked for.
func newBuild(t *testing.T) *build {
	t.Helper()
	for _, tool := range []string{"bash", "tar", "sha256sum", "cut", "mktemp"} {
		have(t, tool)
	}
	b := &build{dir: t.TempDir()}
	b.app, b.log = filepath.Join(b.dir, "app"), filepath.Join(b.dir, "calls")
	tools, err := archiveOnce()
	if err != nil {
		t.Fatal(err)
	}
	b.write(t, "tools.tar.gz", string(tools), 0o600)
	b.write(t, "bin/docker", `#!/bin/sh
echo "docker $*" >>"$CALLS"
case $1 in
login) cat >/dev/null ;;
build) [ -z "${BREAK_DOCKER:-}" ] ;;
push) touch "$STATE/pushed" ;;
esac
`, 0o755)
	b.write(t, "bin/aws", `#!/bin/sh
echo "aws $*" >>"$CALLS"
case "$1 $2" in
"s3 cp") case $4 in
	s3://*) cp "$STATE/tools.tar.gz" "$5" ;;
	*) cp "$4" "$STATE/published" ;;
	esac ;;
"ecr get-login-password") echo secret ;;
"ecr describe-images")
	[ -f "$STATE/pushed" ] || exit 255
	case $* in *--query*) echo "`+digest+`" ;; esac ;;
*) exit 2 ;;
esac
`, 0o755)
	for _, name := range []string{"taskdef_src.json", "smoke.yaml"} {
		b.write(t, "app/"+name, read(t, "tripmgmt/"+name), 0o600)
	}
	b.write(t, "app/Dockerfile", "FROM public.ecr.aws/docker/library/busybox:1.37\n", 0o600)
	b.write(t, "app/mvnw", "#!/bin/sh\nmkdir -p target/surefire-reports && echo '<testsuite/>' >target/surefire-reports/TEST-a.xml && [ -z \"${BREAK_TESTS:-}\" ]\n", 0o755)
	b.env = map[string]string{
		"CODEBUILD_RESOLVED_SOURCE_VERSION": "4f5e6d7c", "AWS_DEFAULT_REGION": "eu-west-1", "CODEBUILD_BUILD_SUCCEEDING": "1",
		"CALLS": b.log, "STATE": b.dir, "HOME": b.dir, "TMPDIR": b.dir,
		"PATH": filepath.Join(b.dir, "bin") + string(os.PathListSeparator) + os.Getenv("PATH"),
	}
	maps.Copy(b.env, stackVariables(fmt.Sprintf("%x", sha256.Sum256(tools))))
	return b
}

// stackVariables are sample values for what the stack gives to a build.
func stackVariables(sum string) map[string]string {
	return map[string]string{
		"REPOSITORY_URI": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/devops/tripmgmtdemo", "LOG_GROUP": "tripmgmt-demo-ecstask-loggrp",
		"TASK_EXECUTION_ROLE_ARN":       "arn:aws:iam::123456789012:role/tripmgmt-TaskExecutionRole-1",
		"AURORA_PGSQL_RDS_URL":          "db.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com",
		"DB_USERNAME":                   "postgres",
		"DB_SECRET_ARN":                 "arn:aws:secretsmanager:eu-west-1:123456789012:secret:DatabaseSecret-AbCdEf",
		"CONTAINER_NAME":                "cntr-img-tripmgmt",
		"CONTAINER_PORT":                "8080",
		"CAPACITY_PROVIDER":             "capacity-tripmgmt",
		"AFTER_ALLOW_TEST_TRAFFIC_HOOK": "CodeDeployHook_tripmgmt_AfterAllowTestTraffic",
		"BEFORE_ALLOW_TRAFFIC_HOOK":     "CodeDeployHook_tripmgmt_BeforeAllowTraffic",
		"AFTER_ALLOW_TRAFFIC_HOOK":      "CodeDeployHook_tripmgmt_AfterAllowTraffic",
		"SUITE_BUCKET":                  "suites-bucket", "TOOLS_URI": "s3://b/greenlight/x/buildtools-linux-amd64.tar.gz", "TOOLS_SHA256": sum,
	}
}

func (b *build) write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// run runs the phases as CodeBuild does: a command that fails ends its phase; after a failed install or
// pre_build nothing more is run, after a failed build post_build is. It returns whether all succeeded.
func (b *build) run(t *testing.T) (ok bool, output string) {
	t.Helper()
	return b.runs(t, load(t)["buildspec.yml"], "install", "pre_build", "build", "post_build")
}

// runs runs a buildspec that has these phases.
func (b *build) runs(t *testing.T, spec template, phases ...string) (ok bool, output string) {
	t.Helper()
	script := "run() { for f in \"$STATE/$1\"/*; do . \"$f\" || { echo \"failed: $(cat \"$f\")\"; export CODEBUILD_BUILD_SUCCEEDING=0; return 1; }; done; }\n" +
		"run install && run pre_build && { run build; run post_build; }\n[ \"$CODEBUILD_BUILD_SUCCEEDING\" = 1 ]\n"
	for _, phase := range []string{"install", "pre_build", "build", "post_build"} {
		if !slices.Contains(phases, phase) {
			script = strings.Replace(script, "run "+phase, "true", 1)
			continue
		}
		commands := texts(at(spec.section("phases"), phase, "commands"))
		if len(commands) == 0 {
			t.Fatalf("the phase %s does nothing", phase)
		}
		for i, c := range commands {
			b.write(t, fmt.Sprintf("%s/%02d", phase, i), c+"\n", 0o600)
		}
	}
	cmd := exec.CommandContext(within(t, time.Minute), "bash", "-c", script)
	cmd.Dir = b.app
	for name, value := range b.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	own, _ := at(spec.content, "env", "variables").(map[string]any)
	for name, value := range own {
		cmd.Env = append(cmd.Env, name+"="+str(value))
	}
	out, err := cmd.CombinedOutput()
	return err == nil, string(out)
}

func (b *build) calls(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(b.log)
	if err != nil {
		return ""
	}
	return string(text)
}

func (b *build) deployed() []string {
	entries, _ := os.ReadDir(filepath.Join(b.app, "deploy"))
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestTheBuildLeavesWhatIsDeployed(t *testing.T) {
	t.Parallel()
	b := newBuild(t)
	if ok, out := b.run(t); !ok {
		t.Fatalf("the build failed:\n%s\n%s", out, b.calls(t))
	}
	if got := b.deployed(); !slices.Equal(got, []string{"appspec.yaml", "taskdef.json"}) {
		t.Errorf("the artifact is %v", got)
	}
	taskdef, appspec := read(t, filepath.Join(b.app, "deploy/taskdef.json")), read(t, filepath.Join(b.app, "deploy/appspec.yaml"))
	if size := len(taskdef) + len(appspec); size > 16<<10 {
		t.Errorf("the artifact has %d bytes", size)
	}
	var td struct {
		ContainerDefinitions []struct {
			Image        string
			DockerLabels map[string]string
		}
	}
	if err := json.Unmarshal([]byte(taskdef), &td); err != nil {
		t.Fatal(err)
	}
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(read(t, "tripmgmt/smoke.yaml"))))
	c := td.ContainerDefinitions[0]
	if c.Image != b.env["REPOSITORY_URI"]+"@"+digest || c.DockerLabels["greenlight.release"] != "4f5e6d7c" ||
		c.DockerLabels["greenlight.suite"] != "s3://suites-bucket/suites/"+sum+".yaml#sha256="+sum {
		t.Errorf("the container is %+v", c)
	}
	for _, want := range []string{"<TASK_DEFINITION>", "CodeDeployHook_tripmgmt_AfterAllowTestTraffic", "CodeDeployHook_tripmgmt_BeforeAllowTraffic", "AfterAllowTraffic: CodeDeployHook_tripmgmt_AfterAllowTraffic", "capacity-tripmgmt", "8080"} {
		if !strings.Contains(appspec, want) {
			t.Errorf("the AppSpec does not hold %s:\n%s", want, appspec)
		}
	}
	if read(t, filepath.Join(b.dir, "published")) != read(t, "tripmgmt/smoke.yaml") {
		t.Error("what was published is not the suite")
	}
	if calls := b.calls(t); !strings.Contains(calls, "suites/"+sum+".yaml") || !strings.Contains(calls, "docker push "+b.env["REPOSITORY_URI"]+":4f5e6d7c") {
		t.Errorf("calls:\n%s", calls)
	}
}

func TestWithoutAWatchNoHookIsNamed(t *testing.T) {
	t.Parallel()
	b := newBuild(t)
	delete(b.env, "AFTER_ALLOW_TRAFFIC_HOOK")
	if ok, out := b.run(t); !ok {
		t.Fatalf("the build failed:\n%s", out)
	}
	if appspec := read(t, filepath.Join(b.app, "deploy/appspec.yaml")); strings.Contains(appspec, "AfterAllowTraffic") || !strings.Contains(appspec, "BeforeAllowTraffic") {
		t.Errorf("the AppSpec is\n%s", appspec)
	}
}

func TestABuildThatFailsDeploysNothing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil func(t *testing.T, b *build)
		// never is what must not have been called.
		never []string
	}{
		"tools with another sha256":   {func(_ *testing.T, b *build) { b.env["TOOLS_SHA256"] = strings.Repeat("0", 64) }, []string{"docker", "aws ecr"}},
		"broken suite":                {func(t *testing.T, b *build) { b.write(t, "app/smoke.yaml", "version: 1\nname: x\nchecks: []\n", 0o600) }, []string{"docker", "s3 cp --only-show-errors smoke.bundle.yaml"}},
		"no release":                  {func(_ *testing.T, b *build) { b.env["CODEBUILD_RESOLVED_SOURCE_VERSION"] = "" }, []string{"docker"}},
		"its own tests fail":          {func(_ *testing.T, b *build) { b.env["BREAK_TESTS"] = "1" }, []string{"docker build", "docker push", "smoke.bundle.yaml"}},
		"image does not build":        {func(_ *testing.T, b *build) { b.env["BREAK_DOCKER"] = "1" }, []string{"docker push", "smoke.bundle.yaml"}},
		"variable unset":              {func(_ *testing.T, b *build) { delete(b.env, "DB_SECRET_ARN") }, nil},
		"container that is not there": {func(_ *testing.T, b *build) { b.env["CONTAINER_NAME"] = "web" }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBuild(t)
			tc.spoil(t, b)
			ok, out := b.run(t)
			if ok || slices.Contains(b.deployed(), "appspec.yaml") {
				t.Errorf("the build succeeded, or left %v:\n%s", b.deployed(), out)
			}
			for _, never := range tc.never {
				if strings.Contains(b.calls(t), never) {
					t.Errorf("called %s:\n%s", never, b.calls(t))
				}
			}
		})
	}
}

func TestARetriedBuildTakesTheImageThatIsThere(t *testing.T) {
	t.Parallel()
	b := newBuild(t)
	b.write(t, "pushed", "", 0o600)
	if ok, out := b.run(t); !ok || strings.Contains(b.calls(t), "docker build") || strings.Contains(b.calls(t), "docker push") {
		t.Errorf("%t\n%s\n%s", ok, out, b.calls(t))
	}
}

func TestTheTestReportsAreFound(t *testing.T) {
	t.Parallel()
	spec := load(t)["buildspec.yml"]
	files := texts(at(spec.section("reports"), "tests", "files"))
	if !slices.Contains(files, "target/surefire-reports/TEST-*.xml") || str(at(spec.section("reports"), "tests", "file-format")) != "JUNITXML" {
		t.Errorf("reports: %v", files)
	}
}

// variablesOfBuilds wants what the buildspec and the application's template use to be set by the stack, and the
// reverse.
func variablesOfBuilds(all stacks) []string {
	var set, problems []string
	for _, v := range list(at(all["bluegreen.yml"].as(map[string]string{"Watch": "true"}).resource("Build").properties, "Environment", "EnvironmentVariables")) {
		set = append(set, str(at(v, "Name")))
	}
	code := "" // without its comments
	var scalars func(n *yaml.Node)
	scalars = func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode {
			code += n.Value + "\n"
		}
		for _, c := range n.Content {
			scalars(c)
		}
	}
	scalars(all["buildspec.yml"].node)
	taskdef, err := os.ReadFile("tripmgmt/taskdef_src.json")
	if err != nil {
		return []string{err.Error()}
	}
	var used []string
	for _, m := range regexp.MustCompile(`\$\{?([A-Z][A-Z0-9_]+)`).FindAllStringSubmatch(code+string(taskdef), -1) {
		used = append(used, m[1])
	}
	// CodeBuild's own, and what the buildspec itself sets.
	known := []string{"AWS_DEFAULT_REGION", "PATH", "CODEBUILD_RESOLVED_SOURCE_VERSION", "CODEBUILD_BUILD_SUCCEEDING"}
	for _, m := range regexp.MustCompile(`(?m)^export ([A-Z_0-9]+)=`).FindAllStringSubmatch(code, -1) {
		known = append(known, m[1])
	}
	own, _ := at(all["buildspec.yml"].content, "env", "variables").(map[string]any)
	known = slices.AppendSeq(known, maps.Keys(own))
	for _, name := range missing(used, append(known, set...)) {
		problems = append(problems, "nobody sets "+name)
	}
	for _, name := range missing(set, used) {
		problems = append(problems, "the stack sets "+name+", which nobody uses")
	}
	for _, name := range slices.Collect(maps.Keys(stackVariables(""))) {
		if !slices.Contains(set, name) {
			problems = append(problems, "the tests set "+name+", the stack does not")
		}
		if !strings.Contains(all["buildspec.yml"].text[:strings.Index(all["buildspec.yml"].text, "version:")], name) {
			problems = append(problems, "the buildspec's head does not name "+name)
		}
	}
	return problems
}

func TestVariablesOfBuilds(t *testing.T) {
	t.Parallel()
	hold(t, map[string]invariant{"variables": {variablesOfBuilds, []mutation{
		{"bluegreen.yml", "{Name: CAPACITY_PROVIDER,", "{Name: CAPACITY,"},
		{"bluegreen.yml", "          - {Name: DB_SECRET_ARN, Value: !Ref DatabaseSecret}\n", ""},
		{"buildspec.yml", "export DIGEST=", "DIGEST="},
		{"buildspec.yml", "        ${AFTER_ALLOW_TRAFFIC_HOOK:+--hook \"AfterAllowTraffic=$AFTER_ALLOW_TRAFFIC_HOOK\"}\n", ""},
	}}})
}

// TestThePlaceholderAnswersTheHealthCheck runs the command of the bootstrap task, with a web server that only
// tells what it would serve.
func TestThePlaceholderAnswersTheHealthCheck(t *testing.T) {
	t.Parallel()
	have(t, "sh")
	container := at(load(t)["bluegreen.yml"].resource("BootstrapTask").properties, "ContainerDefinitions", 0)
	command := texts(at(container, "Command"))
	for path, file := range map[string]string{"/": "/index.html", "/health": "/health", "/management/health": "/management/health", "/up/": "/up/index.html"} {
		t.Run(strings.Trim(path, "/"), func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "httpd"), []byte("#!/bin/sh\necho \"$@\"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			args := slices.Clone(command[1:])
			args[1] = strings.ReplaceAll(args[1], "/tmp/www", dir+"/www")
			for i := range args {
				args[i] = strings.NewReplacer("${HealthCheckPath}", path, "${ContainerPort}", "8081").Replace(args[i])
			}
			cmd := exec.CommandContext(within(t, 10*time.Second), command[0], args...)
			cmd.Env = []string{"PATH=" + dir + string(os.PathListSeparator) + os.Getenv("PATH")}
			out, err := cmd.CombinedOutput()
			if err != nil || string(out) != "-f -p 8081 -h "+dir+"/www\n" {
				t.Errorf("%v: %s", err, out)
			}
			if text := read(t, dir+"/www"+file); !strings.Contains(text, "No release yet") {
				t.Errorf("%s holds %q", file, text)
			}
		})
	}
}
