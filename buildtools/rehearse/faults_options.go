package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/command"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/outfile"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/faults"
)

const (
	// exitSurvivors says that the suite would let a fault into production.
	exitSurvivors = 1
	// faultSpeed compresses CodeDeploy's own waits to nothing: there is nothing to see in them.
	faultSpeed = 1000
	// mostParallel bounds the rehearsals side by side: most of them only wait for a time-out.
	mostParallel, parallelPerCPU = 64, 4
)

func faultSpec() command.Spec {
	return command.Spec{
		Name:      "rehearse faults",
		Arguments: "[flags]",
		About: `Scores a smoke suite: rehearses the new release again and again, each time with one fault put in front of
its tasks, and tells which faults the suite would let into production, and what to write into it.
A fault is caught when the hooks' real binaries make CodeDeploy roll the release back. First the release
without a fault has to be shifted. Both releases' tasks are started once; no clock of the suite is changed, so
a suite that waits two minutes for readiness takes a little more than that.`,
		Example: `rehearse faults --taskdef taskdef.json --appspec appspec.yaml --suite smoke.yaml --blue builtin:good --green builtin:good
rehearse faults --taskdef taskdef.json --appspec appspec.yaml --suite smoke.yaml --blue builtin:good --green builtin:good \
    --fault error-200 --fault redirect --route 'GET /api/report' --report json=score.json
rehearse faults --list`,
		Exit: `0 every fault was caught
1 a fault would have reached production
2 the command line is wrong
3 the rehearsals could not be held: a port, a binary, a command
4 the release's files are wrong, or the release without a fault is not shifted
130 interrupted`,
	}
}

// faultOptions are the flags of rehearse faults, those of a rehearsal among them.
type faultOptions struct {
	options
	names, routes, onlyRoutes []string
	readiness, list           bool
	parallel                  int

	faults     []faults.Fault
	also, only []faults.Route
}

// parse reads the command line into o. Whatever it returns is for the user.
func (o *faultOptions) parse(args []string, stdout io.Writer) error {
	s := faultSpec()
	f := s.Flags()
	f.String(&o.taskDefinition, "taskdef", "", "the release's task definition, as render-taskdef writes it (`FILE`)")
	f.String(&o.appSpec, "appspec", "", "its AppSpec, which says which hooks run (`FILE`)")
	f.String(&o.suite, "suite", "", "the smoke suite to score (`FILE`)")
	f.String(&o.blue, "blue", "", "`CMD` that serves the old version on $PORT, or builtin:NAME")
	f.String(&o.green, "green", "", "`CMD` that serves the new version, which must pass the suite, or builtin:NAME")
	f.String(&o.blueRelease, "blue-release", "", "the old version's `ID`, its RELEASE (default 1.0.0 for a built-in one, else blue)")
	f.List(&o.names, "fault", "try this fault only (`NAME`); repeatable; --list shows them")
	f.List(&o.routes, "route", "break this route too, whether the suite asks it or not (`'GET /path'`); repeatable")
	f.List(&o.onlyRoutes, "only", "break this route only (`'GET /path'`, as the suite writes it); repeatable")
	f.Switch(&o.readiness, "readiness", "break the routes of the readiness checks too; each takes the suite's whole within")
	f.Int(&o.parallel, "parallel", min(mostParallel, parallelPerCPU*runtime.NumCPU()), "`N` faults side by side (default 4 for each processor)")
	f.Switch(&o.list, "list", "list the faults, and try none")
	f.Int(&o.plan.Tasks, "tasks", defaultTasks, "`N` tasks per task set")
	f.String(&o.healthCheck, "health-check", "", "`PATH[=CODES]` of the target groups' health check (default: / with anything below 500)")
	f.String(&o.hooksDir, "hooks", "", "`DIR` with the hooks' binaries (default: beside rehearse)")
	f.List(&o.hooks, "hook", "`EVENT=COMMAND` runs another program for an event's hook; repeatable")
	f.List(&o.secrets, "secret", "`REF=VALUE` that Secrets Manager or SSM would answer; repeatable")
	f.Duration(&o.plan.FunctionTimeout, "function-timeout", defaultFunctionTimeout, "the `TIME` that Lambda allows a hook")
	f.Duration(&o.plan.StartTimeout, "start-timeout", defaultStartTimeout, "the `TIME` that a task may take to open its port")
	f.List(&o.reports, "report", "json=`FILE` writes the score; repeatable")
	f.Switch(&o.quiet, "quiet", "print the score and the survivors only")
	f.Short("q", "quiet")
	if err := s.Parse(f, args, stdout); err != nil {
		return err
	}
	if len(f.Args()) > 0 {
		return command.Usagef("unexpected argument %.100q; everything is a flag here", f.Args()[0])
	}
	if o.list {
		return nil
	}
	return o.complete()
}

// complete checks the flags and takes them apart.
func (o *faultOptions) complete() error {
	for _, need := range []struct{ flag, value string }{
		{"taskdef", o.taskDefinition}, {"appspec", o.appSpec}, {"suite", o.suite}, {"blue", o.blue}, {"green", o.green},
	} {
		if strings.TrimSpace(need.value) == "" {
			return command.Usagef("--%s is missing", need.flag)
		}
	}
	switch {
	case o.plan.Tasks < 1 || o.plan.Tasks > 50:
		return command.Usagef("--tasks %d: between 1 and 50", o.plan.Tasks)
	case o.parallel < 1 || o.parallel > mostParallel:
		return command.Usagef("--parallel %d: between 1 and %d", o.parallel, mostParallel)
	case o.plan.FunctionTimeout <= 0:
		return command.Usagef("--function-timeout %s: above 0", o.plan.FunctionTimeout)
	case o.plan.StartTimeout <= 0:
		return command.Usagef("--start-timeout %s: above 0", o.plan.StartTimeout)
	}
	o.plan.Speed, o.traffic = faultSpeed, "0"
	if err := o.chosen(); err != nil {
		return err
	}
	for _, r := range o.reports {
		if !strings.HasPrefix(r, "json=") {
			return command.Usagef("--report %.200q: json=FILE", r)
		}
	}
	return o.values()
}

// chosen finds the faults and routes that the flags name.
func (o *faultOptions) chosen() (err error) {
	o.faults = faults.Faults()
	if len(o.names) > 0 {
		o.faults = nil
	}
	var known []string
	for _, f := range faults.Faults() {
		known = append(known, f.Name)
	}
	for _, name := range o.names {
		f, ok := faults.Find(name)
		if !ok {
			help := "there are " + strings.Join(known, ", ")
			if near, found := diagnostic.Nearest(name, known); found {
				help = "did you mean " + near + "?"
			}
			return command.Usagef("--fault %.80q: there is no such fault; %s", name, help)
		}
		o.faults = append(o.faults, f)
	}
	if o.also, err = parseRoutes("route", o.routes); err != nil {
		return err
	}
	o.only, err = parseRoutes("only", o.onlyRoutes)
	return err
}

func parseRoutes(flag string, texts []string) ([]faults.Route, error) {
	var all []faults.Route
	for _, t := range texts {
		method, path, ok := strings.Cut(t, " ")
		if !ok {
			method, path = "GET", t
		}
		if !strings.HasPrefix(path, "/") || method != strings.ToUpper(method) || strings.ContainsAny(path, " ?#") {
			return nil, command.Usagef("--%s %.200q: a method and a path without a query: 'GET /api/trips', 'DELETE /api/trips/${id}'", flag, t)
		}
		all = append(all, faults.Route{Method: method, Path: path})
	}
	return all, nil
}

// writeScore writes the reports that were asked for.
func (o *faultOptions) writeScore(score faults.Score) error {
	for _, asked := range o.reports {
		_, file, _ := strings.Cut(asked, "=")
		data, err := json.MarshalIndent(score, "", "  ")
		if err != nil {
			return fmt.Errorf("write report: %w", err)
		}
		if err := outfile.Write(file, append(data, '\n')); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	return nil
}
