package main

import (
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
		b.Say("template of %s KB: %d bytes, %d placeholders", size, len(text), strings.Count(string(text), "${"))
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

// megabytes is the largest template of one container that is not larger than so many megabytes.
func megabytes(mb int) []byte {
	variables := mb * 1_000_000 / 110
	text := template(1, variables, shell)
	for len(text) > mb*1_000_000 {
		variables -= max(1, (len(text)-mb*1_000_000)/130)
		text = template(1, variables, shell)
	}
	return text
}
