package rehearsal

import (
	"cmp"
	"fmt"
	"os"
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

// shellWords are what a shell knows by itself.
const shellWords = "exec exit cd eval . : true false echo printf kill trap ulimit umask while until for if case set " +
	"export unset read test wait"

// missing says why a command cannot be run, as far as that can be known before it is started: its first word is a path
// or a name, and there is no such program.
func (p Programs) missing(command string) string {
	fields := strings.Fields(command)
	if len(fields) == 0 {
		return "it is empty"
	}
	word := fields[0]
	if strings.ContainsAny(word, "$`\"'\\(){}<>|&;*?[]~#=!") {
		return ""
	}
	if strings.Contains(word, "/") {
		if info, err := os.Stat(word); err != nil || info.IsDir() {
			return fmt.Sprintf("there is no program %.200q", word)
		}
		return ""
	}
	if slices.Contains(strings.Fields(shellWords), word) {
		return ""
	}
	for _, dir := range filepath.SplitList(p.Path) {
		if info, err := os.Stat(filepath.Join(dir, word)); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return ""
		}
	}
	return fmt.Sprintf("there is no program %.200q on the PATH", word)
}

// Kebab writes an event's name as its binary is called: "after-allow-test-traffic".
func Kebab(name string) string {
	return strings.ToLower(regexp.MustCompile(`\B[A-Z]`).ReplaceAllString(name, "-$0"))
}
