package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/faults"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/view"
)

// run scores the suite; it returns the exit code.
func (o *faultOptions) run(ctx context.Context, w world) int {
	problems := o.read(w)
	if len(o.plan.Hooks) == 0 && len(problems.Errors(false)) == 0 {
		problems = append(problems, diagnostic.Problem{
			Place: diagnostic.Place{File: o.appSpec},
			Text:  "names no hook, so nothing would catch a fault",
			Help:  "render-appspec --hook AfterAllowTestTraffic=FUNCTION names one",
		})
	}
	if o.checked != nil && o.checked.AskFor() > 0 {
		problems = append(problems, diagnostic.Problem{
			Place: diagnostic.Place{File: o.checked.Name()}, Text: "asks (inconclusive: ask), and nobody answers here",
			Help: "score it with inconclusive: fail, which is what no answer is",
		})
	}
	if err := problems.Write(w.stderr, diagnostic.Text, "rehearse faults"); err != nil {
		return exitSetup
	}
	if len(problems.Errors(false)) > 0 {
		return exitFiles
	}
	campaign := faults.Campaign{
		Plan: o.plan, Suite: o.checked, Faults: o.faults,
		Routes: o.also, Only: o.only, Readiness: o.readiness, Parallel: o.parallel,
	}
	screen := &view.Screen{W: w.stdout, Live: w.live && !o.quiet, Width: w.width}
	view := &faultView{screen: screen, colour: w.colour, quiet: o.quiet}
	stop := view.begin(*o)
	score, err := campaign.Run(ctx, view.tell)
	stop()
	if control, refused := errors.AsType[*faults.ControlError](err); refused {
		_, _ = fmt.Fprintf(w.stderr, "rehearse faults: %v\n", control)
		_, _ = fmt.Fprintln(w.stderr,
			"  help: a suite can be scored only with a release that passes it; rehearse it without faults first")
		return exitFiles
	}
	if err != nil {
		return unheld(ctx.Err(), w.stderr, "rehearse faults", err)
	}
	view.end(score)
	err = o.reports.Write(ctx, func(format string) ([]byte, error) { return inFormat(format, score, nil) })
	if err != nil {
		return unheld(nil, w.stderr, "rehearse faults", err)
	}
	return exitOf(score)
}

// exitOf is 1 as soon as one fault would have reached production, or a rollback had another reason.
func exitOf(score faults.Score) int {
	unfinished := score.Total == 0
	for _, f := range score.Findings {
		switch f.Outcome {
		case faults.Caught:
		case faults.Unfinished:
			unfinished = true
		default:
			return exitSurvivors
		}
	}
	if unfinished {
		return exitSetup
	}
	return cli.ExitOK
}

func listFaults(w io.Writer) {
	for _, f := range faults.Faults() {
		scope := "each route"
		if f.Scope == faults.WholeRelease {
			scope = "the release"
		}
		_, _ = fmt.Fprintf(w, "%-14s %-12s %s\n", f.Name, scope, f.About)
	}
}
