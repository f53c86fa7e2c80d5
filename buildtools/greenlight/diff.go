package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/rollout"
	"github.com/greenlight-ecs/greenlight/pkg/taskdef"
)

type diff struct {
	session
	taskdef, family, format string
	exitCode                bool
}

func diffCommand(at surroundings) *cli.Command {
	d := &diff{session: session{at: at}, format: string(diagnostic.Text)}
	return does("diff", cli.Flags{
		"service": &d.service, "family": &d.family, "format": &d.format, "exit-code": &d.exitCode,
	}, d.wrong, at.until(d.run))
}

// wrong says what is wrong with the arguments.
func (d *diff) wrong(_ *cli.Command, args []string) error {
	d.taskdef = strings.Join(args, " ")
	return cmp.Or(
		cli.When(len(args) != 1, "want one TASKDEF, as render-taskdef writes it"),
		cli.When(d.service != "" && d.family != "", "--service and --family exclude each other"),
		knownFormat(d.format),
		d.choose(false),
	)
}

func (d *diff) run(ctx context.Context) int {
	text, problems := d.read(d.taskdef)
	if len(problems) > 0 {
		return d.refused(problems)
	}
	task, problems := readTask(d.taskdef, text)
	if len(problems) > 0 {
		return d.refused(problems)
	}
	family := cmp.Or(d.family, task.Family)
	if family == "" && d.service == "" {
		return d.refused(diagnostic.List{{Place: task.Place, Text: "family is missing", Help: "give --service or --family"}})
	}
	running, old, err := d.running(ctx, family)
	if err != nil {
		return d.failed(exitUnknown, "%v", err)
	}
	all, problems := taskdef.Differences(old, d.taskdef, text)
	if len(problems) > 0 {
		return d.refused(problems)
	}
	if err := d.print(running, all); err != nil {
		return d.failed(exitUnknown, "write stdout: %v", err)
	}
	if d.exitCode && len(all) > 0 {
		return exitDiffers
	}
	return 0
}

func (d *diff) refused(problems diagnostic.List) int {
	_ = problems.Write(d.at.stderr, diagnostic.Format(d.format), "greenlight")
	return exitRefused
}

// running reads the task definition to compare with; both are "" where there is none.
func (d *diff) running(ctx context.Context, family string) (arn, text string, err error) {
	if err = d.connect(ctx); err != nil {
		return "", "", err
	}
	if arn = family; d.service != "" {
		arn, err = d.controller.(rollout.Native).Running(ctx) //nolint:forcetypeassert // a service's
	}
	if err != nil || arn == "" {
		return "", "", err
	}
	if text, err = d.aws.Definition(ctx, arn); text == "" {
		return "", "", err
	}
	var found struct {
		TaskDefinition struct{ TaskDefinitionARN string }
	}
	if err = json.Unmarshal([]byte(text), &found); err != nil {
		return "", "", fmt.Errorf("ecs DescribeTaskDefinition: the answer is not JSON: %w", err)
	}
	return found.TaskDefinition.TaskDefinitionARN, text, nil
}

// row is a difference as JSON.
type row struct {
	Path string `json:"path"`
	diagnostic.Place
	Old json.RawMessage `json:"old"`
	New json.RawMessage `json:"new"`
}

// print prints the differences. Lines for people and for GitHub say the same.
func (d *diff) print(running string, all []taskdef.Difference) error {
	if diagnostic.Format(d.format) == diagnostic.JSON {
		out := struct {
			Running     string `json:"running"`
			Differences []row  `json:"differences"`
		}{running, []row{}}
		value := func(text string) json.RawMessage { return json.RawMessage(cmp.Or(text, "null")) }
		for _, x := range all {
			out.Differences = append(out.Differences, row{x.Path, x.Place, value(x.Old), value(x.New)})
		}
		return diagnostic.WriteJSON(d.at.stdout, out)
	}
	shown := cmp.Or(running[strings.LastIndex(running, "/")+1:], "nothing yet")
	if d.service != "" {
		shown += ", which runs in " + d.service
	}
	var notes diagnostic.List
	text := line(map[bool]string{true: "no difference to ", false: "compared with "}[len(all) == 0] + shown)
	for _, x := range all {
		what := worded(x)
		text += line(what)
		notes = append(notes, diagnostic.Problem{Place: x.Place, Severity: diagnostic.Notice, Text: what})
	}
	if f := diagnostic.Format(d.format); f != diagnostic.Text {
		return notes.Write(d.at.stdout, f, "greenlight")
	}
	_, err := io.WriteString(d.at.stdout, text)
	return err
}

// worded is a difference in one line.
func worded(x taskdef.Difference) string {
	switch {
	case x.Old == "":
		return "+ " + x.Path + "  " + x.New
	case x.New == "":
		return "- " + x.Path + "  " + x.Old
	}
	return "~ " + x.Path + "  " + x.Old + " -> " + x.New
}

// readTask reads a rendered task definition. What has no containers is none.
func readTask(name, text string) (taskdef.Task, diagnostic.List) {
	task, problems := taskdef.Read(name, text)
	if len(task.Containers) == 0 && len(problems) == 0 {
		problems = problem(task.Place, "there are no containers: is this what render-taskdef wrote?")
	}
	return task, problems
}
