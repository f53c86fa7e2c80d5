package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/compare"
)

// template returns a task definition template with so many containers and variables in each. ref is a
// reference in the language of the tool.
func template(containers, variables int, ref string) string {
	type object = map[string]any
	var all []object
	for c := range containers {
		var environment []object
		for v := range variables {
			environment = append(environment, object{
				"name":  fmt.Sprintf("SETTING_%d_%d", c, v),
				"value": fmt.Sprintf("jdbc:postgresql://"+ref+":5432/database_%d", "HOST", v),
			})
		}
		all = append(all, object{
			"name": fmt.Sprintf("container-%d", c), "image": fmt.Sprintf(ref+":1.0.%d", "REPOSITORY", c),
			"essential": true, "cpu": 64, "memory": 128,
			"portMappings": []object{{"containerPort": 8080 + c, "protocol": "tcp"}},
			"environment":  environment,
			"logConfiguration": object{"logDriver": "awslogs", "options": object{
				"awslogs-group": fmt.Sprintf(ref, "LOG_GROUP"), "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "app",
			}},
		})
	}
	text, err := json.MarshalIndent(object{
		"family": "bench", "networkMode": "awsvpc", "requiresCompatibilities": []string{"EC2"},
		"cpu": "1024", "memory": "4096",
		"executionRoleArn": "arn:aws:iam::123456789012:role/exec", "containerDefinitions": all,
	}, "", "  ")
	if err != nil {
		panic(err) // strings and numbers only
	}
	return string(text)
}

// templates writes those of 5 and 60 KB, and for ecspresso the same with its configuration.
func (b *bench) templates() error {
	for size, shape := range map[string][2]int{"5": {2, 15}, "60": {9, 52}} {
		b.write("template-"+size+".json", template(shape[0], shape[1], "${%s}"))
		b.write("ecspresso-taskdef-"+size+".json", template(shape[0], shape[1], "{{ must_env `%s` }}"))
		b.write("ecspresso-"+size+".json", `{"region": "eu-west-1", "cluster": "c", "service": "s",
			"service_definition": "none.json", "task_definition": "ecspresso-taskdef-`+size+`.json"}`)
	}
	_, err := os.Stat(b.path("ecspresso-60.json"))
	return err
}

func (b *bench) rendered(size string) []string {
	return []string{"-o", "-", b.path("template-" + size + ".json")}
}

// renderers are the programs that can render a template.
func (b *bench) renderers(size string) []thing {
	pipe := command(shell, 0, b.variables(), "sh", "-c", `set -e; envsubst < "$0" | jq .`,
		b.path("template-"+size+".json"))
	return []thing{
		command(ours, 0, b.variables(), append([]string{b.path(ours)}, b.rendered(size)...)...),
		needs("jq", needs("envsubst", pipe)),
		command(ecspresso, 0, b.variables(), "ecspresso", "render", "taskdef",
			"--config", b.path("ecspresso-"+size+".json")),
	}
}

// huge is a template of nearly so many megabytes: a valid one, whose size is refused at the end.
func (b *bench) huge(mb int) thing {
	return b.refused(fmt.Sprintf("%d MB", mb), 5, fmt.Sprintf("%d.json", mb), template(1, mb*1_000_000/126, "${%s}"))
}

// refused is a template that ends in an error.
func (b *bench) refused(name string, exit int, file, text string) thing {
	return command(name, exit, b.variables(), b.path(ours), "-o", os.DevNull, b.write(file, text))
}

// items is a list in YAML of as many values as fit into so many kilobytes.
func (b *bench) items(kb int) thing {
	text := "a: [" + strings.Repeat("x,", kb*498) + "]"
	return b.refused(fmt.Sprintf("%d KB of YAML", kb), 5, fmt.Sprintf("items-%d.yaml", kb), text)
}

// checks is how many the suites have.
const checks = 200

// suite writes one of checks of one request each, without patience: the checks alone are measured.
func (b *bench) suite(name string, n int, path, more string) string {
	var t strings.Builder
	fmt.Fprintf(&t, "version: 1\nname: bench\nreadiness: {consecutive: 1}\n%sdefaults: {attempts: 1}\nchecks:\n", more)
	for i := range n {
		fmt.Fprintf(&t, `  - name: check %d
    request: GET %s?n=%d
    expect: {status: 200, headers: {X-Service: trips}, json: {$.status: ok}}
`, i, path, i)
	}
	return b.write(name+".yaml", t.String())
}

func (b *bench) smoke(name string, n int, path, more string) thing {
	return command(name, 0, nil, b.path("smoke"), "--target", b.url, b.suite(name, n, path, more))
}

func (b *bench) loop(path string, n, concurrency int) thing {
	return command(loop, 0, nil, b.path("floor"), b.url+path, fmt.Sprint(n), fmt.Sprint(concurrency))
}

// peers are the other runners, with the same checks in their own words.
func (b *bench) peers() []thing {
	var goss, hurl, runn strings.Builder
	goss.WriteString("http:\n")
	fmt.Fprintf(&runn, "runners:\n  req: %s\nsteps:\n", b.url)
	for i := range checks {
		fmt.Fprintf(&goss, `  %s/health?n=%d:
    status: 200
    headers: ["X-Service: trips"]
    body: {gjson: {status: ok}}
`, b.url, i)
		fmt.Fprintf(&hurl, `GET %s/health?n=%d
HTTP 200
X-Service: trips
[Asserts]
jsonpath "$.status" == "ok"

`, b.url, i)
		fmt.Fprintf(&runn, `  - req: {"/health?n=%d": {get: {}}}
    test: current.res.status == 200 && current.res.body.status == "ok" && current.res.headers["X-Service"][0] == "trips"
`, i)
	}
	return []thing{
		command("goss", 0, nil, "goss", "-g", b.write("goss.yaml", goss.String()), "validate", "--max-concurrent", "8"),
		command("hurl", 0, nil, "hurl", "--test", b.write("many.hurl", hurl.String())),
		command("runn", 0, nil, "runn", "run", b.write("runn.yml", runn.String())),
	}
}

// simulated is the share of suites that fail, in percent, where one check's green side is worse as the
// scenario says. The seed is fixed.
func simulated(name string, runs int, s scenario) thing {
	return thing{name, func(context.Context) (float64, error) { return 100 * s.failRate(runs, 20261123), nil }}
}

// falseAlarms are suites whose sides are equal.
func (b *bench) falseAlarms() (all []thing) {
	for _, sigma := range []float64{0.3, 0.9} {
		for _, pairs := range []int{100, 40, 20} {
			name := fmt.Sprintf("sigma %.1f, %d pairs", sigma, pairs)
			all = append(all, simulated(name, 2000, scenario{sigma: sigma, pairs: pairs}))
		}
	}
	return all
}

func (b *bench) falseAlarmLimits() (all []limit) {
	for _, t := range b.falseAlarms() {
		all = append(all, limit{t.name, "", 100 * compare.Alpha})
	}
	return all
}

// found has no limits: how much is found follows from the rules and the number of pairs.
func (b *bench) found() (all []thing) {
	for _, fault := range []struct {
		name  string
		worse scenario
	}{
		{"25 % slower", scenario{shift: 1.25}},
		{"60 % slower", scenario{shift: 1.6}},
		{"twice as slow", scenario{shift: 2}},
		{"5 % errors", scenario{errors: 0.05}},
		{"8 % errors or hangs", scenario{errors: 0.08}},
		{"8 % are 2 s late", scenario{stalls: 0.08}},
	} {
		worlds := []scenario{{sigma: 0.3, pairs: 100}, {sigma: 0.9, pairs: 100}, {sigma: 0.3, pairs: 300}}
		for _, in := range worlds {
			s := fault.worse
			s.sigma, s.pairs = in.sigma, in.pairs
			all = append(all, simulated(fmt.Sprintf("%s, sigma %.1f, %d pairs", fault.name, s.sigma, s.pairs), 400, s))
		}
	}
	return all
}
