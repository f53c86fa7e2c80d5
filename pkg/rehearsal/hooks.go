package rehearsal

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/task"
)

// Programs says where the hooks' programs are.
type Programs struct {
	// Dir holds the binaries, named as the events: "after-allow-test-traffic".
	Dir string
	// Commands replace the binary of an event by a shell command, which gets Path as its PATH.
	Commands map[lifecycle.Name]string
	Path     string
}

// Find returns the program of each function that the AppSpec names, or a stage has. One that is missing is a problem.
func (p Programs) Find(functions map[lifecycle.Name]Function) (map[lifecycle.Name]Hook, diagnostic.List) {
	var problems diagnostic.List
	hooks := map[lifecycle.Name]Hook{}
	for _, event := range slices.Concat(lifecycle.Hookable(), lifecycle.HookStages()) {
		function, named := functions[event]
		command, replaced := p.Commands[event]
		binary, problem := p.binary(event, function)
		switch {
		case !named && replaced:
			problems = append(problems, diagnostic.Problem{
				Place: diagnostic.Place{Flag: "--hook"}, Severity: diagnostic.Warning,
				Text: fmt.Sprintf("%s has no function in the AppSpec, so CodeDeploy would not run it, and the rehearsal does not",
					event),
				Help: fmt.Sprintf("add it to the AppSpec: render-appspec --hook %s=FUNCTION", event),
			})
		case !named:
		case replaced && (function.Binary == "" || problem != nil):
			dir, err := os.Getwd()
			if err != nil {
				dir = "/"
			}
			hooks[event] = Hook{Function: function.Name, Argv: task.Shell(command), Dir: dir, Path: p.Path}
			if missing := p.missing(command); missing != "" {
				problems = append(problems, diagnostic.Problem{
					Place: diagnostic.Place{Flag: "--hook"}, Severity: diagnostic.Error, Cause: diagnostic.File,
					Text: fmt.Sprintf("the command for %s cannot be run: %s", event, missing),
				})
			}
		default:
			if problem != nil {
				problems = append(problems, *problem)
			}
			hooks[event] = binary
		}
	}
	return hooks, problems
}

// StageFunctions are the functions of the stages of one of Amazon ECS's own deployments that have a hook: those of the
// commands, of which each may also be the name of a binary, and without any Greenlight's two.
func StageFunctions(commands map[lifecycle.Name]string) map[lifecycle.Name]Function {
	if len(commands) == 0 {
		commands = map[lifecycle.Name]string{
			lifecycle.PostTestTrafficShift:      Kebab(string(lifecycle.AfterAllowTestTraffic)),
			lifecycle.PreProductionTrafficShift: Kebab(string(lifecycle.BeforeAllowTraffic)),
		}
	}
	functions := map[lifecycle.Name]Function{}
	for stage, command := range commands {
		functions[stage] = Function{
			Name: strings.ToLower(string(stage)), Binary: command, Place: diagnostic.Place{Flag: "--hooks"},
		}
	}
	return functions
}

// binary is a hook that a binary in Dir stands for.
func (p Programs) binary(event lifecycle.Name, function Function) (Hook, *diagnostic.Problem) {
	path := filepath.Join(p.Dir, cmp.Or(function.Binary, Kebab(string(event))))
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	hook := Hook{Function: function.Name, Argv: []string{path}, Dir: filepath.Dir(path)}
	why := "does not exist"
	if info, err := os.Stat(path); err == nil {
		if info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return hook, nil
		}
		why = "is not executable"
	}
	return hook, &diagnostic.Problem{
		Place: function.Place, Cause: diagnostic.File,
		Text: fmt.Sprintf("the hook of %s would be run by %s, which %s", event, path, why),
		Help: fmt.Sprintf("make build builds Greenlight's hooks into bin (--hooks bin); any other: --hook %s=COMMAND", event),
	}
}

// missing says why a command cannot be run, as far as that can be known before it is started: its first word is a path
// or a name, and there is no such program. What a shell knows by itself, a shell is asked.
func (p Programs) missing(command string) string {
	fields := strings.Fields(command)
	switch {
	case len(fields) == 0:
		return "it is empty"
	case strings.ContainsAny(fields[0], "$`\"'\\(){}<>|&;*?[]~#=!"):
		return ""
	case strings.Contains(fields[0], "/"):
		if info, err := os.Stat(fields[0]); err != nil || info.IsDir() {
			return fmt.Sprintf("there is no program %.200q", fields[0])
		}
		return ""
	}
	shell := exec.Command("/bin/sh", "-c", `command -v "$1"`, "sh", fields[0]) //nolint:noctx // ends at once
	shell.Env = []string{"PATH=" + p.Path}
	if shell.Run() != nil {
		return fmt.Sprintf("there is no program %.200q on the PATH", fields[0])
	}
	return ""
}

// Kebab writes an event's name as its binary is called: "after-allow-test-traffic".
func Kebab(name string) string {
	return strings.ToLower(regexp.MustCompile(`\B[A-Z]`).ReplaceAllString(name, "-$0"))
}
