package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
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
	text := template(1, mb*1_000_000/126, "${%s}")
	return command(fmt.Sprintf("%d MB", mb), 5, b.variables(), b.path(ours), "-o", os.DevNull,
		b.write(fmt.Sprintf("%d.json", mb), text))
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
