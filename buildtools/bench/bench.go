package main

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
)

// bench has what is measured in a folder, and the server that it asks. search is the PATH.
type bench struct {
	*world
	dir, search string
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// build builds the programs as `make package` does, the functions for arm64, too.
func (b *bench) build(ctx context.Context) error {
	functions := []string{"./functions/" + first, "./functions/" + second, "./functions/" + prober}
	tools := []string{
		"./buildtools/bench/floor", "./buildtools/bench/peak",
		"./buildtools/render-taskdef", "./buildtools/smoke", "./buildtools/rehearse",
	}
	for target, packages := range map[string][]string{"": append(tools, functions...), "arm64": functions} {
		args := []string{
			"build", "-trimpath", "-tags", "lambda.norpc", "-ldflags=-s -w -buildid=", "-o", b.path(target) + "/",
		}
		cmd := exec.CommandContext(ctx, "go", append(args, packages...)...)
		cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
		if target != "" {
			cmd.Env = append(cmd.Env, "GOOS=linux", "GOARCH="+target)
		}
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build the programs: %w: %s", err, text)
		}
	}
	return nil
}

func (b *bench) size(function string) thing {
	return thing{function, func(context.Context) (float64, error) {
		info, err := os.Stat(filepath.Join(b.path("arm64"), function))
		if err != nil {
			return 0, err
		}
		return float64(info.Size()) / 1e6, nil
	}}
}

// peak is the most memory that a program of ours has resident.
func (b *bench) peak(name, program string, args ...string) thing {
	return thing{name, func(ctx context.Context) (float64, error) {
		cmd := exec.CommandContext(ctx, b.path("peak"), append([]string{b.path(program)}, args...)...)
		cmd.Env = b.variables()
		out, err := cmd.Output()
		if err != nil {
			return 0, err
		}
		var kib float64
		_, err = fmt.Sscan(string(out), &kib)
		return kib / 1024, err
	}}
}

// rehearsal is what a good one takes beside its hooks, both with the suite of the demo.
func (b *bench) rehearsal(ctx context.Context) (float64, error) {
	report := b.path("rehearsal.json")
	whole, err := command("rehearse", 0, nil, b.path("rehearse"),
		"--taskdef", b.input("taskdef.json", "taskdef.json", nil),
		"--appspec", b.input("appspec.yaml", "appspec.yaml", nil), "--suite", "infra/tripmgmt/smoke.yaml",
		"--blue", "builtin:good", "--green", "builtin:good",
		"--production-port", "0", "--test-port", "0", "--traffic", "50", "--report", "json="+report).do(ctx)
	if err != nil {
		return 0, err
	}
	var found rehearsal.Result
	text, err := os.ReadFile(report)
	if err := cmp.Or(err, json.Unmarshal(text, &found)); err != nil {
		return 0, err
	}
	if len(found.Hooks) != 2 || found.Traffic.Failed != 0 {
		return 0, fmt.Errorf("%d hooks ran, want 2; %d production requests failed", len(found.Hooks), found.Traffic.Failed)
	}
	return (whole - milliseconds(found.Hooks[0].Duration+found.Hooks[1].Duration)) / 1000, nil
}

func (b *bench) variables() []string {
	return []string{
		"REPOSITORY=123456789012.dkr.ecr.eu-west-1.amazonaws.com/app", "LOG_GROUP=app-log", "HOST=db.internal.example",
		"PATH=" + b.search, "HOME=/nonexistent",
	}
}

// jq is the limit beside envsubst | jq: from 1.7 on jq is several times as fast as Debian's.
func (b *bench) jq() float64 {
	version, _ := exec.Command("jq", "--version").Output() //nolint:noctx // ends at once
	if strings.HasPrefix(string(version), "jq-1.6") {
		return 0.25
	}
	return 1
}

//go:embed inputs
var inputs embed.FS

// values are what an input is filled in with.
type values map[string]any

// input writes the file that is made of one of inputs, and returns its path. What cannot be written is seen by what
// reads it.
func (b *bench) input(name, of string, with values) string {
	var text strings.Builder
	if err := template.Must(template.ParseFS(inputs, "inputs/"+of)).Execute(&text, with); err != nil {
		panic(err) // it is ours
	}
	_ = os.WriteFile(b.path(name), []byte(text.String()), 0o600)
	return b.path(name)
}

// template writes a task definition template with so many containers and variables in each, whose references begin
// and end as the tool wants it.
func (b *bench) template(name string, containers, variables int, begin, end string) string {
	return b.input(name, "template.json",
		values{"Containers": containers, "Variables": variables, "Open": begin, "Close": end})
}

// renderers are the programs that can render a template.
func (b *bench) renderers(size string, containers, variables int) []thing {
	file := b.template("template-"+size+".json", containers, variables, "${", "}")
	pipe := command(shell, 0, b.variables(), "sh", "-c", `set -e; envsubst < "$0" | jq .`, file)
	theirs := "ecspresso-taskdef-" + size + ".json"
	b.template(theirs, containers, variables, "{{ must_env `", "` }}")
	config := b.input("ecspresso-"+size+".json", "ecspresso.json", values{"Template": theirs})
	return []thing{
		command(ours, 0, b.variables(), b.path(ours), "-o", "-", file),
		needs("jq", needs("envsubst", pipe)),
		command(ecspresso, 0, b.variables(), "ecspresso", "render", "taskdef", "--config", config),
	}
}

// huge is a template of nearly so many megabytes: a valid one, whose size is refused at the end.
func (b *bench) huge(mb int) thing {
	name := fmt.Sprintf("%d MB", mb)
	return command(name, 5, b.variables(), b.path(ours), "-o", os.DevNull,
		b.template(name+".json", 1, mb*1_000_000/126, "${", "}"))
}

// checks is how many the suites have.
const checks = 200

// suite writes one of n checks of one request each, without patience: the checks alone are measured.
func (b *bench) suite(name string, n int, path string, concurrency int) string {
	return b.input(name+".yaml", "smoke.yaml", values{"Checks": n, "Path": path, "Concurrency": concurrency})
}

func (b *bench) smoke(name string, n int, path string, concurrency int) thing {
	return command(name, 0, nil, b.path("smoke"), "--target", b.url, b.suite(name, n, path, concurrency))
}

func (b *bench) loop(path string, n, concurrency int) thing {
	return command(loop, 0, nil, b.path("floor"), b.url+path, fmt.Sprint(n), fmt.Sprint(concurrency))
}

// peers are the other runners, with the same checks in their own words.
func (b *bench) peers() []thing {
	theirs := func(file string) string { return b.input(file, file, values{"Checks": checks, "URL": b.url}) }
	return []thing{
		command("goss", 0, nil, "goss", "-g", theirs("goss.yaml"), "validate", "--max-concurrent", "8"),
		command("hurl", 0, nil, "hurl", "--test", theirs("many.hurl")),
		command("runn", 0, nil, "runn", "run", theirs("runn.yml")),
	}
}

// The functions, and the things that are held against one another.
const (
	first     = "after-allow-test-traffic"
	second    = "before-allow-traffic"
	prober    = "prober"
	ours      = "render-taskdef"
	shell     = "envsubst | jq"
	ecspresso = "ecspresso"
	node      = "the usual hook in Node.js"
	python    = "the usual hook in Python"
	loop      = "a loop over net/http"
	beside    = "the rehearsal beside its hooks"
	started   = "idle after the start"
	idle      = "idle after an invocation"
	worst     = "the most, with the worst bodies side by side"
	status    = "from the last answer to the stored status, of 20"
)

// table is all that is measured, and all that is promised.
func (b *bench) table() []measurement {
	several := fmt.Sprintf("smoke, %d checks", checks)
	return []measurement{
		{"a template of 5 KB", "ms", 40, b.renderers("5", 2, 15), []limit{{ours, shell, b.jq()}, {ours, ecspresso, 0.35}}},
		{"a template of 60 KB", "ms", 40, b.renderers("60", 9, 52), []limit{{ours, shell, b.jq()}, {ours, ecspresso, 0.35}}},
		{ // a megabyte takes as long among ten as among two, give or take the half
			"templates that grow", "ms", 5,
			[]thing{b.huge(2), b.huge(10)},
			[]limit{{"10 MB", "", 1000}, {"10 MB", "2 MB", 1.5 * 10 / 2}},
		},
		{
			"a renderer's peak memory", "MiB", 1,
			[]thing{
				b.peak("5 KB", ours, "-o", "-", b.path("template-5.json")),
				b.peak("60 KB", ours, "-o", "-", b.path("template-60.json")),
			},
			[]limit{{"5 KB", "", 12}, {"60 KB", "", 12}},
		},

		{
			"cold start, exec to the first request for an invocation", "ms", 20,
			[]thing{b.coldStart(first), b.coldStart(second), b.coldStart(prober), b.nodeHook(), b.pythonHook()},
			[]limit{
				{first, "", 20},
				{second, "", 20},
				{prober, "", 20},
				{first, node, 0.15},
				{second, node, 0.15},
				{first, python, 0.06},
				{second, python, 0.06},
			},
		},
		{
			"functions, unzipped for arm64", "MB", 1,
			[]thing{b.size(first), b.size(second), b.size(prober)},
			[]limit{{first, "", 25}, {second, "", 25}, {prober, "", 25}},
		},
		{
			"resident memory of a hook", "MiB", 1,
			[]thing{b.memory(started, 0, "VmRSS:"), b.memory(idle, 1, "VmRSS:"), b.memory(worst, 3, "VmHWM:")},
			[]limit{{started, "", 32}, {idle, "", 32}, {worst, "", 96}},
		},
		{"the status", "ms", 1, []thing{b.hook(status, b.untilStored)}, []limit{{status, "", 100}}},

		{
			fmt.Sprintf("%d independent checks, 8 at once", checks), "ms", 15,
			append([]thing{b.loop("/health", checks, 8), b.smoke(several, checks, "/health", 8)}, b.peers()...),
			[]limit{{several, loop, 2}, {several, "goss", 0.6}, {several, "hurl", 0.6}, {several, "runn", 0.6}},
		},
		{
			"50 checks of 100 ms, 16 at once", "ms", 7,
			[]thing{b.loop("/slow", 50, 16), b.smoke("smoke", 50, "/slow", 16)},
			[]limit{{"smoke", loop, 1.03}},
		},
		{
			"smoke's peak memory", "MiB", 1,
			[]thing{b.peak(several, "smoke", "--target", b.url, b.suite("peak", checks, "/health", 8))},
			[]limit{{several, "", 16}},
		},

		{"a good rehearsal, two tasks a side", "s", 3, []thing{{beside, b.rehearsal}}, []limit{{beside, "", 2}}},
	}
}
