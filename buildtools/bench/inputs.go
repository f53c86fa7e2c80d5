package main

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

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
	path := filepath.Join(b.dir, name)
	_ = os.WriteFile(path, []byte(text.String()), 0o600)
	return path
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
