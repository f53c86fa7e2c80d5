//go:build !windows

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/faults"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/view"
)

// run scores the suite; it returns the exit code.
func (o *faultOptions) run(ctx context.Context, w world) int {
	problems := o.read(w)
	if len(o.plan.Hooks) == 0 && len(problems.Errors(false)) == 0 {
		problems = append(problems, problem(diagnostic.Place{File: o.appSpec}, diagnostic.Error,
			"names no hook, so nothing would catch a fault",
			"render-appspec --hook AfterAllowTestTraffic=FUNCTION names one"))
	}
	watched := func(f faults.Fault) bool { return f.Watched() }
	if o.checked != nil && o.checked.Watch == nil && len(o.names) > 0 && slices.ContainsFunc(o.faults, watched) {
		problems = append(problems, problem(diagnostic.Place{File: o.checked.Name}, diagnostic.Error,
			"has no watch, and only a watch can see one of these faults", "add one: watch: {for: 10m}"))
	}
	if o.checked != nil && o.checked.AskFor > 0 {
		problems = append(problems, problem(diagnostic.Place{File: o.checked.Name}, diagnostic.Error,
			"asks (inconclusive: ask), and nobody answers here", "score it with inconclusive: fail, which is what no answer is"))
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
	code := map[bool]int{true: exitSetup, false: cli.ExitOK}[score.Total == 0]
	for _, f := range score.Findings {
		switch f.Outcome {
		case faults.Caught:
		case faults.Unfinished:
			code = exitSetup
		default:
			return exitSurvivors
		}
	}
	return code
}

func listFaults(w io.Writer) {
	for _, f := range faults.Faults() {
		scope := "each route"
		if f.Scope == faults.WholeRelease {
			scope = "the release"
		}
		_, _ = fmt.Fprintf(w, "%-18s %-12s %s\n", f.Name, scope, f.About)
	}
}

const (
	// exitSurvivors says that the suite would let a fault into production.
	exitSurvivors = 1
	// faultSpeed compresses CodeDeploy's own waits to nothing: there is nothing to see in them.
	faultSpeed = 1000
	// mostParallel bounds the rehearsals side by side: most of them only wait for a time-out.
	mostParallel, parallelPerCPU = 64, 4
)

// faultOptions are the flags of rehearse faults, those of a rehearsal among them.
type faultOptions struct {
	options
	names           []string
	also, only      []faults.Route
	readiness, list bool
	parallel        int
	faults          []faults.Fault
}

func faultsCommand(w world) *cli.Command {
	o := faultOptions{
		options:  options{formats: []string{"json"}},
		parallel: min(mostParallel, parallelPerCPU*runtime.NumCPU()),
	}
	flags := o.releaseFlags()
	maps.Copy(flags, cli.Flags{
		"fault": &o.names, "route": route(&o.also), "only": route(&o.only), "readiness": &o.readiness,
		"parallel": &o.parallel, "list": &o.list, "report": &o.reportFlags, "quiet": &o.quiet,
	})
	c := cli.Described(help, "faults", flags)
	c.Do = func(ctx context.Context, args []string) (int, error) {
		if o.list && len(args) == 0 {
			listFaults(w.stdout)
			return cli.ExitOK, nil
		}
		if err := o.complete(c, args, w.lookup); err != nil {
			return 0, err
		}
		return o.run(ctx, w), nil
	}
	return c
}

// complete checks the flags and takes them apart.
func (o *faultOptions) complete(c *cli.Command, args []string, lookup func(string) (string, bool)) error {
	o.plan.Speed, o.traffic = faultSpeed, "0"
	if err := o.options.complete(c, args, lookup); err != nil {
		return err
	}
	if o.parallel < 1 || o.parallel > mostParallel {
		return cli.Usagef("--parallel %d: between 1 and %d", o.parallel, mostParallel)
	}
	var known []string
	for _, f := range faults.Faults() {
		known = append(known, f.Name)
		if len(o.names) == 0 || slices.Contains(o.names, f.Name) {
			o.faults = append(o.faults, f)
		}
	}
	for _, name := range o.names {
		if !slices.Contains(known, name) {
			return cli.Usagef("--fault: there is no such fault; %s", nearest(name, known, "there are "))
		}
	}
	return nil
}

// route reads a route into all.
func route(all *[]faults.Route) func(text string) error {
	return func(text string) error {
		method, path, ok := strings.Cut(text, " ")
		if !ok {
			method, path = "GET", text
		}
		if !strings.HasPrefix(path, "/") || method != strings.ToUpper(method) || strings.ContainsAny(path, " ?#") {
			return errors.New("want a method and a path without a query: 'GET /api/trips', 'DELETE /api/trips/${id}'")
		}
		*all = append(*all, faults.Route{Method: method, Path: path})
		return nil
	}
}

// faultView tells a campaign to a person.
type faultView struct {
	screen *view.Screen
	colour bool
	quiet  bool

	mu    sync.Mutex
	began time.Time
	last  faults.Progress
}

const (
	red, green, yellow, bold, dim = "31", "32", "33", "1", "2"
	// faultWidth is that of the longest fault's name.
	faultWidth, routeWidth = 18, 26
)

func (v *faultView) paint(code, text string) string { return view.Paint(v.colour, code, text) }

// begin says what is to come and keeps telling how far it is until the returned function is called.
func (v *faultView) begin(o faultOptions) (stop func()) {
	v.began = time.Now()
	if !v.quiet {
		v.screen.Print(fmt.Sprintf("first %s without a fault, then each fault by itself, %d side by side\n",
			o.plan.Release.ID, o.parallel))
	}
	return v.screen.Keep(func(time.Time) string { return v.status() })
}

// status is the line that moves: how far it is, and what takes so long.
func (v *faultView) status() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	p, since := v.last, time.Since(v.began)
	if v.quiet && !v.screen.Live {
		return ""
	}
	text := fmt.Sprintf("%7.1fs  ", since.Seconds())
	if v.screen.Live {
		text = fmt.Sprintf("%s %5.1fs  ", view.Spinner(since), since.Seconds())
	}
	if p.Done == 0 && len(p.Running) == 0 {
		return text + "the release without a fault"
	}
	if v.screen.Live {
		text += view.Bar(p.Done, p.Total, 12) + "  "
	}
	text += fmt.Sprintf("%d of %d", p.Done, p.Total)
	if p.Survived > 0 {
		text += v.paint(red, fmt.Sprintf(", %d not caught", p.Survived))
	}
	if len(p.Running) > 0 {
		oldest := p.Running[0]
		text += v.paint(dim, fmt.Sprintf("  %d under way (%s, %s)", len(p.Running), oldest.Name, oldest.Where()))
	}
	return text
}

func (v *faultView) tell(p faults.Progress) {
	v.mu.Lock()
	v.last = p
	v.mu.Unlock()
	if p.Finding == nil || v.quiet {
		return
	}
	f := *p.Finding
	mark, what, _ := became(f)
	colour := map[string]string{"✓": green, "✗": red, "?": yellow}[mark]
	line := fmt.Sprintf("%7.1fs  %s %-*s %-*s %s", f.Duration.Seconds(), v.paint(colour, mark), faultWidth, f.Name,
		routeWidth, f.Where(), what)
	v.screen.Print(view.Cut(line, v.screen.Columns()) + "\n")
}

// became says what became of a fault: its mark, what is told as it is found out, and what beside the advice.
func became(f faults.Finding) (mark, now, end string) {
	switch f.Outcome {
	case faults.Caught:
		if f.Check != "" {
			return "✓", "caught by " + f.Check, ""
		}
		return "✓", f.Why, ""
	case faults.Unmet:
		return "✗", "shifted; no request met it", "reaches production, and no request of the suite meets it"
	case faults.Unsound:
		return "✗", "rolled back, though no request met it: " + f.Why, "was rolled back for another reason: " + f.Why
	case faults.Unfinished:
		return "?", string(f.Outcome) + ": " + f.Why, "was not tried to its end: " + f.Why
	case faults.Survived:
	}
	return "✗", fmt.Sprintf("shifted; %d requests met it", f.Requests), "reaches production"
}

// end prints the score, and for each fault that was not caught what to write into the suite.
func (v *faultView) end(s faults.Score) {
	var b strings.Builder
	colour := green
	if s.Caught < s.Total {
		colour = red
	}
	fmt.Fprintf(&b, "\n%s  %s catches %d of %d faults of %s (%s)\n",
		v.paint(colour+";"+bold, fmt.Sprintf("SCORE %d %%", s.Percent)),
		s.Suite, s.Caught, s.Total, s.Release, s.Duration.Round(100*time.Millisecond))
	for _, group := range grouped(s.Findings) {
		v.survivors(&b, group)
	}
	v.screen.Print(b.String())
}

// grouped puts the findings together that were not caught and for which the advice is the same.
func grouped(findings []faults.Finding) (groups [][]faults.Finding) {
	key := func(f faults.Finding) string {
		if f.Advice == nil {
			return f.Name + f.Where()
		}
		return f.Advice.Check + fmt.Sprint(f.Advice.Step) + f.Advice.YAML
	}
	for _, f := range findings {
		i := slices.IndexFunc(groups, func(g []faults.Finding) bool { return key(g[0]) == key(f) })
		switch {
		case f.Outcome == faults.Caught:
		case i < 0:
			groups = append(groups, []faults.Finding{f})
		default:
			groups[i] = append(groups[i], f)
		}
	}
	return groups
}

func (v *faultView) survivors(b *strings.Builder, group []faults.Finding) {
	width := v.screen.Columns()
	b.WriteByte('\n')
	for _, f := range group {
		_, _, how := became(f)
		line := fmt.Sprintf("%s %s on %s: %s; %s", v.paint(red, "✗"), v.paint(bold, f.Name), f.Where(), f.About, how)
		b.WriteString(view.Wrap(line, width, 2) + "\n")
	}
	a := group[0].Advice
	if a == nil {
		return
	}
	where := "add to the suite"
	if a.Check != "" {
		where = fmt.Sprintf("in the check %q", a.Check)
		if a.Step > 0 {
			where = fmt.Sprintf("in step %d of %q", a.Step, a.Check)
		}
		where += " (" + a.Place.String() + ")"
	}
	b.WriteString(view.Wrap(fmt.Sprintf("  %s; %s:", a.Text, where), width, 2) + "\n")
	for line := range strings.Lines(a.YAML) {
		b.WriteString("      " + line)
	}
}
