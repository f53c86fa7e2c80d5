// Package faults scores a smoke suite: it rehearses the new release again and again, each time with one fault in
// it, and tells which faults the suite would have let into production. A fault is put on one route, on every
// route, or into one task, by a front that stands between the load balancer and the tasks.
//
// The judge is the real one: each mutant is a whole rehearsal with the hooks' own binaries, and caught means
// that CodeDeploy rolled it back. It refuses to score anything before the release without a fault was shifted; to
// break two things at once; to touch the load balancer's own health checks, since what ECS finds by itself no
// suite has to find; and to change a suite's clock: faults are tried side by side, not faster.
package faults

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
	"github.com/greenlight-ecs/greenlight/pkg/version"
)

// Campaign is a suite to score, and how.
type Campaign struct {
	// Plan is the rehearsal of the release without a fault.
	Plan  rehearsal.Plan
	Suite *suite.Suite
	// Faults are those to try.
	Faults []Fault
	// Routes are routes to break in addition to those that the suite asks.
	Routes []Route
	// Only, when not empty, are the only routes to break.
	Only []Route
	// Readiness breaks the routes of the readiness checks too: a suite that notices such a fault waits for its whole
	// `within`.
	Readiness bool
	// Parallel is how many faults are tried side by side.
	Parallel int
}

// Outcome is what became of a mutant.
type Outcome string

// The outcomes. The zero value is none of them, and does not count as caught.
const (
	// Caught: the deployment was rolled back after the fault was met.
	Caught Outcome = "caught"
	// Survived: the release was shifted, although the suite met the fault.
	Survived Outcome = "survived"
	// Unmet: the release was shifted, and no request of the suite met the fault.
	Unmet Outcome = "not met"
	// Unsound: the deployment was rolled back, but not for the fault, which no request met.
	Unsound Outcome = "unsound"
	// Unfinished: the rehearsal could not be held to its end.
	Unfinished Outcome = "unfinished"
)

// Mutant is a fault and where it is.
type Mutant struct {
	Fault
	// Route is where a fault of one route is; nil for a fault of the whole release.
	Route *Route `json:"route,omitempty"`
	// Checks are the checks and comparisons that ask the route.
	Checks []string `json:"checks,omitempty"`
}

// Where says where the fault is.
func (m Mutant) Where() string {
	if m.Route == nil {
		return "the whole release"
	}
	return m.Route.String()
}

func (m Mutant) same(other Mutant) bool { return m.Name == other.Name && m.Where() == other.Where() }

// Finding is what became of one mutant.
type Finding struct {
	Mutant
	Outcome Outcome `json:"outcome"`
	// Requests is how many requests met the fault before the deployment's end.
	Requests int64 `json:"requests"`
	// Event and Check say where it was caught; Check is empty when no check was named.
	Event lifecycle.Name `json:"lifecycle_event,omitempty"`
	Check string         `json:"check,omitempty"`
	Why   string         `json:"why,omitempty"`
	// Duration is the rehearsal's.
	Duration time.Duration `json:"duration_ns"`
	// Advice is what to write into the suite; nil for what was caught.
	Advice *Advice `json:"advice,omitempty"`
}

// Score is what a campaign found out.
type Score struct {
	// Greenlight is the version of the program.
	Greenlight  string `json:"greenlight,omitempty"`
	Suite       string `json:"suite"`
	SuiteSHA256 string `json:"suite_sha256"`
	Release     string `json:"release"`
	Baseline    string `json:"baseline"`
	// Caught of Total faults were caught. Percent rounds down: only a suite that catches all has 100.
	Caught  int `json:"caught"`
	Total   int `json:"total"`
	Percent int `json:"percent"`
	// Control is how long the release without a fault took.
	Control  time.Duration `json:"control_ns"`
	Duration time.Duration `json:"duration_ns"`
	Findings []Finding     `json:"findings"`
}

// ControlError says that the release without a fault was not shifted, so that nothing can be scored.
type ControlError struct{ Result rehearsal.Result }

func (e *ControlError) Error() string {
	return fmt.Sprintf("the release without a fault was not shifted (%s in %s): %s", e.Result.Outcome,
		e.Result.FailedEvent, e.Result.Why)
}

// Progress is how far a campaign is.
type Progress struct {
	Done, Total, Survived int
	// Finding is what was just found, or nil.
	Finding *Finding
	// Running are the mutants being tried, the longest first.
	Running []Mutant
}

// Run tries every fault. Progress is told one at a time. The error is a *rehearsal.SetupError, a
// *ControlError, or the context's. Nothing runs any more when it returns.
func (c Campaign) Run(ctx context.Context, tell func(Progress)) (Score, error) {
	began := time.Now()
	standing, err := c.Plan.Stand(ctx, nil)
	if err != nil {
		return Score{}, err
	}
	defer standing.Close() //nolint:contextcheck // the tasks must end also when the context has
	r := &runner{Campaign: c, standing: standing, routes: c.routes(), tell: tell, score: Score{
		Greenlight: version.Number(), Suite: c.Suite.Name, SuiteSHA256: c.Suite.SHA256,
		Release: c.Plan.Release.ID, Baseline: c.Plan.BlueRelease, Findings: []Finding{},
	}}
	r.trials = c.trials(r.routes)
	if r.score.Control, err = r.control(ctx); err == nil {
		err = r.all(ctx)
		r.score.Duration = time.Since(began)
	}
	return r.score, err
}

// learnTimeout bounds a look at a route that the suite does not ask.
const learnTimeout = 5 * time.Second

// runner is a campaign under way.
type runner struct {
	Campaign
	standing *rehearsal.Standing
	routes   []Route
	trials   []Mutant
	samples  map[Route]Sample

	mu      sync.Mutex
	tell    func(Progress)
	running []Mutant
	score   Score
}

// unique leaves out what stands in a list before.
func unique[T comparable](all []T) (once []T) {
	for _, x := range all {
		if !slices.Contains(once, x) {
			once = append(once, x)
		}
	}
	return once
}

func (c Campaign) routes() (all []Route) {
	for _, a := range c.Suite.Requests() {
		if strings.HasPrefix(a.Path, "/") { // a link leads to a route that nobody knows before
			all = append(all, Route{a.Method, a.Path})
		}
	}
	return unique(slices.Concat(all, c.Routes, c.Only))
}

// trials lists the mutants: those that take long come first, so that they end with the others.
func (c Campaign) trials(routes []Route) (all []Mutant) {
	for _, f := range c.Faults {
		if f.Watched() && c.Suite.Watch == nil {
			continue
		}
		if f.Scope == WholeRelease {
			all = append(all, Mutant{Fault: f})
			continue
		}
		for _, r := range routes {
			if !c.wanted(r) {
				continue
			}
			m := Mutant{Fault: f, Route: &r}
			for _, a := range c.Suite.Requests() {
				if r.is(a) {
					m.Checks = append(m.Checks, a.Check)
				}
			}
			m.Checks = unique(m.Checks)
			all = append(all, m)
		}
	}
	short := func(m Mutant) bool { return !m.Waits() }
	return append(slices.DeleteFunc(slices.Clone(all), short), slices.DeleteFunc(all, Mutant.Waits)...)
}

// wanted reports whether a route is to be broken. One that only readiness asks is left out, unless there is no other:
// for each fault there the suite would wait for its whole `within`.
func (c Campaign) wanted(route Route) bool {
	if len(c.Only) > 0 {
		return slices.Contains(c.Only, route)
	}
	all := c.Suite.Requests()
	return c.Readiness || slices.Contains(c.Routes, route) ||
		!slices.ContainsFunc(all, func(a suite.Asked) bool { return a.Ready && route.is(a) }) ||
		!slices.ContainsFunc(all, func(a suite.Asked) bool { return !a.Ready })
}

// rehearse holds one rehearsal of the shared tasks, with or without a fault before green.
func (r *runner) rehearse(ctx context.Context, in Injection) (rehearsal.Result, *Injector, error) {
	in.Routes, in.Green, in.Blue = r.routes, r.standing.Green, r.standing.Blue
	injector, err := Start(ctx, in)
	if err != nil {
		return rehearsal.Result{}, nil, err
	}
	defer injector.Close()
	// Blue stands behind the same kind of front, with nothing broken: one hop more on one side alone would
	// make green the slower one.
	fair, err := Start(ctx, Injection{Green: r.standing.Blue})
	if err != nil {
		return rehearsal.Result{}, injector, err
	}
	defer fair.Close()
	plan := r.Plan
	plan.Blue.Addrs, plan.Green.Addrs = fair.Addrs, injector.Addrs
	plan.Green.Logs = func(write func(task int, line string)) { injector.log.Store(&write) }
	if in.Name == killed {
		plan.Green, plan.KillEvery = r.Plan.Green, plan.WatchMinute // tasks of its own
	}
	plan.ProductionPort, plan.TestPort, plan.TerminationWait, plan.Keep = 0, 0, 0, false
	result, err := plan.Run(ctx, nil)
	return result, injector, err
}

// control rehearses the release without a fault, and learns what its routes answer.
func (r *runner) control(ctx context.Context) (time.Duration, error) {
	r.say(func() {}, nil)
	result, injector, err := r.rehearse(ctx, Injection{})
	if err != nil {
		return 0, err
	}
	if result.Outcome != rehearsal.Shifted {
		return result.Duration, &ControlError{result}
	}
	r.samples = injector.Samples()
	r.learn(ctx)
	return result.Duration, nil
}

// learn asks green what the suite does not ask: routes that are to be broken, and where a version often stands.
func (r *runner) learn(ctx context.Context) {
	client := &http.Client{Timeout: learnTimeout}
	defer client.CloseIdleConnections()
	for _, route := range append(slices.Concat(r.Routes, r.Only), Route{Method: http.MethodGet, Path: "/version"},
		Route{Method: http.MethodGet, Path: "/"}) {
		if _, known := r.samples[route]; known || route.Method != http.MethodGet || route.Variables() > 0 {
			continue
		}
		request, err := http.NewRequestWithContext(ctx, route.Method, "http://"+r.standing.Green[0]+route.Path, http.NoBody)
		if err != nil {
			continue
		}
		if sample, err := fetch(client.Do, request); err == nil {
			r.samples[route] = sample
		}
	}
}

// all tries the mutants, so many side by side.
func (r *runner) all(ctx context.Context) error {
	var side errgroup.Group
	side.SetLimit(max(1, r.Parallel))
	for _, t := range r.trials {
		side.Go(func() error { r.try(ctx, t); return nil }) // once ctx has ended, it does nothing
	}
	_ = side.Wait() // what became of each is a finding
	at := func(f Finding) int { return slices.IndexFunc(r.trials, f.same) }
	slices.SortFunc(r.score.Findings, func(a, b Finding) int { return at(a) - at(b) })
	if r.score.Total = len(r.score.Findings); r.score.Total > 0 {
		r.score.Percent = 100 * r.score.Caught / r.score.Total
	}
	return ctx.Err()
}

func (r *runner) try(ctx context.Context, m Mutant) {
	if ctx.Err() != nil {
		return
	}
	r.say(func() { r.running = append(r.running, m) }, nil)
	result, injector, err := r.rehearse(ctx, Injection{Mutant: m})
	f := Finding{
		Mutant: m, Duration: result.Duration, Event: result.FailedEvent, Check: result.FailedCheck, Why: result.Why,
	}
	if injector != nil {
		f.Requests = injector.Injected() + result.Killed
	}
	switch {
	case ctx.Err() != nil:
		return // interrupted: nothing was found out
	case err != nil:
		f.Outcome, f.Why = Unfinished, err.Error()
	case result.Outcome == rehearsal.Shifted && f.Requests == 0:
		f.Outcome = Unmet
	case result.Outcome == rehearsal.Shifted:
		f.Outcome = Survived
	case f.Requests == 0:
		f.Outcome = Unsound
	default:
		f.Outcome = Caught
	}
	if f.Outcome == Survived || f.Outcome == Unmet {
		f.Advice = r.advise(m, result)
	}
	r.say(func() {
		r.running = slices.DeleteFunc(r.running, f.same)
		if r.score.Findings = append(r.score.Findings, f); f.Outcome == Caught {
			r.score.Caught++
		}
	}, &f)
}

// say changes how far the campaign is while nobody else does, and tells it.
func (r *runner) say(change func(), found *Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
	if r.tell != nil {
		done := len(r.score.Findings)
		r.tell(Progress{done, len(r.trials), done - r.score.Caught, found, slices.Clone(r.running)})
	}
}

// inconclusive reports whether a hook let the release pass without an answer.
func inconclusive(result rehearsal.Result) bool {
	return slices.ContainsFunc(result.Hooks, func(h rehearsal.HookResult) bool {
		return h.Verdict != nil && strings.EqualFold(h.Verdict.Verdict, string(finding.Inconclusive))
	})
}
