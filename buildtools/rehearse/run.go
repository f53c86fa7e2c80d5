//go:build !windows

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/view"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// world is what main knows of the machine.
type world struct {
	stdout, stderr io.Writer
	// live says that stdout is a terminal on which a line can be drawn again, as wide as width says.
	live, colour     bool
	width            func() int
	lookup           func(name string) (string, bool)
	self, path, home string
}

// run holds the rehearsal; it returns the exit code.
func (o *options) run(ctx context.Context, w world) int {
	problems := append(o.read(w), o.silent(o.plan.Release)...)
	if err := problems.Write(w.stderr, diagnostic.Text, "rehearse"); err != nil {
		return exitSetup
	}
	if len(problems.Errors(false)) > 0 {
		return exitFiles
	}
	printer := &view.Printer{
		Screen: &view.Screen{W: w.stdout, Live: w.live, Width: w.width},
		Colour: w.colour, Quiet: o.quiet, Verbose: o.verbose, Events: lifecycle.All(),
	}
	if o.plan.Native != nil {
		printer.Events = lifecycle.Stages()
	}
	stop := printer.Live()
	result, err := o.plan.Run(ctx, printer.Print)
	stop()
	if err != nil {
		return unheld(ctx.Err(), w.stderr, "rehearse", err)
	}
	printer.Summary(result)
	page := func(w io.Writer) error { return view.WritePage(w, result) }
	err = o.reports.Write(ctx, func(format string) ([]byte, error) { return inFormat(format, result, page) })
	if err != nil {
		return unheld(nil, w.stderr, "rehearse", err)
	}
	if result.Outcome == rehearsal.Shifted {
		return cli.ExitOK
	}
	return exitRolledBack
}

// read reads the release's files into the plan. Everything that is wrong with them is told at once.
func (o *options) read(w world) diagnostic.List {
	found, problems := rehearsal.ReadRelease(o.taskDefinition, o.appSpec)
	o.plan.Release = found
	checked, text, wrong := rehearsal.ReadSuite(o.suite)
	problems = append(problems, wrong...)
	o.plan.SuiteText = text
	if absolute, err := filepath.Abs(o.suite); err == nil {
		o.plan.Suite = absolute
	}
	o.plan.Variables = map[string]string{}
	o.checked = checked
	if checked != nil {
		problems = append(problems, o.suiteProblems(checked)...)
		o.plan.Routes = checked.ReadPaths()
		o.plan.Host, _ = checked.Host()
		o.plan.Watch = checked.Watch
		// Lambda's own environment is the stack's to set; here the user's stands for it, for these names alone.
		for _, reference := range checked.References() {
			value, ok := o.plan.Secrets[reference.ID]
			if !ok {
				value, ok = w.lookup(reference.ID)
			}
			if ok && reference.Kind == suite.ReferenceEnv {
				o.plan.Variables[reference.ID] = value
			}
		}
	}
	o.plan.Machine = rehearsal.Machine{Self: w.self, Path: w.path, Home: w.home}
	if o.plan.Native != nil {
		found.Functions = rehearsal.StageFunctions(o.commands, o.plan.Watch != nil)
		o.plan.Native.Watches = o.plan.Watch != nil && len(o.commands) == 0
	}
	o.plan.Hooks, wrong = rehearsal.Programs{
		Dir: o.hooksDir, Self: w.self, Carried: slices.Collect(maps.Keys(carried())), Commands: o.commands, Path: w.path,
	}.Find(found.Functions)
	problems = slices.Concat(problems, wrong, o.unwatched())
	if !o.ownRate {
		o.plan.Traffic = max(o.plan.Traffic, o.plan.EnoughTraffic())
	}
	if o.plan.Release.ID != "" && o.plan.Release.ID == o.plan.BlueRelease {
		problems = append(problems, problem(diagnostic.Place{Flag: "--blue-release"}, diagnostic.Error,
			"blue and green have the same name: nobody could tell who answered", "--blue-release ID names the old version"))
	}
	return problems.Sorted()
}

// suiteProblems are about a suite that is right by itself, and does not fit the release or this machine.
func (o *options) suiteProblems(checked *suite.Suite) diagnostic.List {
	var problems diagnostic.List
	if host, place := checked.Host(); host != "" {
		problems = append(problems, problem(place, diagnostic.Warning,
			fmt.Sprintf("the suite is for the host %.100q: every request here goes to 127.0.0.1 under that name", host),
			"a server that knows only another name refuses them; without host: the name is that of the listener"))
	}
	reference, place := o.plan.Release.SuiteReference, o.plan.Release.Place
	_, sum, hashed := strings.Cut(reference, "#sha256=")
	if hashed && !strings.EqualFold(sum, checked.SHA256) {
		p := problem(place, diagnostic.Warning,
			fmt.Sprintf("the label greenlight.suite names a suite with the checksum %.64q, and --suite %s has %s", sum, o.suite,
				checked.SHA256),
			"the release is judged by the suite that its label names: give that one, or render the task definition again")
		p.Cause = diagnostic.Rule
		if o.plan.Discover {
			p.Severity = diagnostic.Error
		}
		problems = append(problems, p)
	}
	if o.plan.Discover && !strings.HasPrefix(reference, "s3://") && !strings.HasPrefix(reference, "ssm:") {
		problems = append(problems, problem(place, diagnostic.Warning,
			"the task definition does not say where its suite is: the hooks ask for GET / alone, not for what --suite holds",
			"render-taskdef --suite s3://BUCKET/KEY#sha256=… stamps the label greenlight.suite"))
	}
	return problems
}

func problem(at diagnostic.Place, severity diagnostic.Severity, text, help string) diagnostic.Problem {
	return diagnostic.Problem{Place: at, Severity: severity, Text: text, Help: help}
}

// unwatched warns of a watch that no hook makes; nothing is measured for it then.
func (o *options) unwatched() diagnostic.List {
	event := lifecycle.AfterAllowTraffic
	if o.plan.Native != nil {
		event = lifecycle.PostProductionTrafficShift
	}
	if _, ok := o.plan.Hooks[event]; ok || o.plan.Watch == nil || len(o.plan.Hooks) == 0 {
		return nil
	}
	o.plan.Watch = nil
	return diagnostic.List{problem(diagnostic.Place{File: o.suite}, diagnostic.Warning,
		fmt.Sprintf("has a watch, and nothing watches: there is no hook at %s", event),
		fmt.Sprintf("name the third function there: --hook %s=FUNCTION", event))}
}

// silent warns of what CodeDeploy passes over without a word: a hook, or that there is none.
func (o *options) silent(found rehearsal.Release) diagnostic.List {
	f, ok := found.Functions[lifecycle.AfterAllowTestTraffic]
	switch {
	case o.plan.Native == nil && found.AppSpec != "" && len(found.Functions) == 0:
		return diagnostic.List{problem(diagnostic.Place{File: o.appSpec}, diagnostic.Warning,
			"names no hook: nothing runs the suite, and nothing judges the release",
			"render-appspec --hook AfterAllowTestTraffic=FUNCTION names one")}
	case ok && o.plan.NoTestListener:
		return diagnostic.List{problem(f.Place, diagnostic.Warning,
			f.Name+" would never run: without a test listener CodeDeploy skips AfterAllowTestTraffic, and says nothing",
			"give the deployment group a test listener (TestTrafficRoute)")}
	}
	return nil
}

// unheld tells why nothing was rehearsed, or told, and what to do; it returns the exit code. Cut says that somebody
// interrupted it.
func unheld(cut error, w io.Writer, name string, err error) int {
	setup, ok := errors.AsType[*rehearsal.SetupError](err)
	switch {
	case ok:
		_, _ = fmt.Fprintf(w, "rehearse: %v\n", setup)
		for _, line := range setup.Log {
			_, _ = fmt.Fprintf(w, "  | %s\n", line)
		}
		if setup.Help != "" {
			_, _ = fmt.Fprintf(w, "  help: %s\n", setup.Help)
		}
	case cut != nil:
		_, _ = fmt.Fprintf(w, "%s: interrupted; everything was stopped\n", name)
		return cli.ExitInterrupted
	default:
		_, _ = fmt.Fprintf(w, "%s: %v\n", name, err)
	}
	return exitSetup
}

// inFormat is a value as JSON, or the page.
func inFormat(format string, value any, page func(io.Writer) error) ([]byte, error) {
	if format == "html" {
		var b bytes.Buffer
		err := page(&b)
		return b.Bytes(), err
	}
	data, err := json.MarshalIndent(value, "", "  ")
	return append(data, '\n'), err
}
