package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// template returns a task definition template with so many containers and variables in each. ref writes a
// reference in the language of the tool.
func template(containers, variables int, ref func(string) string) []byte {
	type object = map[string]any
	var all []object
	for c := range containers {
		var environment []object
		for v := range variables {
			environment = append(environment, object{
				"name":  fmt.Sprintf("SETTING_%d_%d", c, v),
				"value": fmt.Sprintf("jdbc:postgresql://%s:5432/database_%d", ref("HOST"), v),
			})
		}
		all = append(all, object{
			"name": fmt.Sprintf("container-%d", c), "image": ref("REPOSITORY") + ":1.0." + fmt.Sprint(c),
			"essential": true, "cpu": 64, "memory": 128,
			"portMappings": []object{{"containerPort": 8080 + c, "protocol": "tcp"}},
			"environment":  environment,
			"logConfiguration": object{"logDriver": "awslogs", "options": object{
				"awslogs-group": ref("LOG_GROUP"), "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "app",
			}},
		})
	}
	text, err := json.MarshalIndent(object{
		"family": "bench", "networkMode": "awsvpc", "requiresCompatibilities": []string{"EC2"}, "cpu": "1024", "memory": "4096",
		"executionRoleArn": "arn:aws:iam::123456789012:role/exec", "containerDefinitions": all,
	}, "", "  ")
	if err != nil {
		panic(err) // strings and numbers only
	}
	return text
}

func shell(name string) string { return "${" + name + "}" }

func ecspresso(name string) string { return "{{ must_env `" + name + "` }}" }

// templates writes the inputs: near 5 and 60 KB, and for ecspresso the same with its configuration.
func (b *bench) templates() error {
	for size, shape := range map[string][2]int{"5": {2, 15}, "60": {9, 52}} {
		text := template(shape[0], shape[1], shell)
		b.print("template of %s KB: %d bytes, %d placeholders\n", size, len(text), strings.Count(string(text), "${"))
		config := fmt.Sprintf(`{"region": "eu-west-1", "cluster": "c", "service": "s", "service_definition": "none.json", "task_definition": "ecspresso-taskdef-%s.json"}`, size)
		for name, data := range map[string][]byte{
			"template-" + size + ".json":          text,
			"ecspresso-taskdef-" + size + ".json": template(shape[0], shape[1], ecspresso),
			"ecspresso-" + size + ".json":         []byte(config),
		} {
			if err := os.WriteFile(b.path(name), data, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// sizes prints memory and binaries.
func (b *bench) sizes(ctx context.Context) error {
	for _, size := range []string{"5", "60"} {
		peak, err := b.peakMiB(ctx, b.path("render-taskdef"), "-o", os.DevNull, b.path("template-"+size+".json"))
		if err != nil {
			return err
		}
		b.limit(size+" KB: peak memory, MiB", peak, 8)
	}
	for _, name := range []string{"render-taskdef", "render-appspec"} {
		info, err := os.Stat(b.path(name))
		if err != nil {
			return err
		}
		b.limit(name+": binary, MB", float64(info.Size())/1e6, 6)
	}
	return nil
}

// linearity renders inputs up to the limit of 10 MB, in JSON: valid ones, whose size is refused at the end.
// The time for a megabyte must not grow with the number of them.
func (b *bench) linearity(ctx context.Context) error {
	var programs []program
	sizes := []int{1, 2, 5, 10}
	for _, mb := range sizes {
		name := fmt.Sprintf("%d MB", mb)
		variables := mb * 1_000_000 / 110
		text := template(1, variables, shell)
		for len(text) > mb*1_000_000 {
			variables -= max(1, (len(text)-mb*1_000_000)/130)
			text = template(1, variables, shell)
		}
		if err := os.WriteFile(b.path(name+".json"), text, 0o600); err != nil {
			return err
		}
		programs = append(programs, program{name: name, args: []string{b.path("render-taskdef"), "-o", os.DevNull, b.path(name + ".json")}, fails: true})
	}
	results, err := measure(ctx, programs, 5)
	if err != nil {
		return err
	}
	for i, p := range programs {
		b.print("%-28s %8.1f ms, %.1f ms a MB\n", p.name, results[p.name].wall, results[p.name].wall/float64(sizes[i]))
	}
	b.limit("10 MB: time for a MB over that at 2 MB", results["10 MB"].wall/10/(results["2 MB"].wall/2), 1.5)
	long := b.path("long.json")
	if err := os.WriteFile(long, nil, 0o600); err != nil {
		return err
	}
	if err := os.Truncate(long, 1<<30); err != nil { // a hole: nobody can read it in the time below
		return err
	}
	refused := program{name: "1 GiB", args: []string{"sh", "-c", `"$0" "$1" 2>/dev/null; test $? = 1`, b.path("render-taskdef"), long}}
	results, err = measure(ctx, []program{refused}, 5)
	if err != nil {
		return err
	}
	b.limit("1 GiB: refused unread, ms", results["1 GiB"].wall, 20)
	return nil
}
