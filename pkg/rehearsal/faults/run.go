package faults

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
)

// learnTimeout bounds a look at a route that the suite does not ask.
const learnTimeout = 5 * time.Second

// runner is a campaign under way.
type runner struct {
	Campaign
	standing *rehearsal.Standing
	routes   []Route
	trials   []trial
	samples  map[Route]Sample

	mu       sync.Mutex
	tell     func(Progress)
	running  []Mutant
	findings []Finding
	survived int
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
	plan.ProductionPort, plan.TestPort, plan.Traffic, plan.TerminationWait, plan.Keep = 0, 0, 0, 0, false
	result, err := plan.Run(ctx, nil)
	return result, injector, err
}

// control rehearses the release without a fault, and learns what its routes answer.
func (r *runner) control(ctx context.Context) (time.Duration, error) {
	r.say(nil)
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
	queue := make(chan trial)
	var workers sync.WaitGroup
	for range max(1, min(r.Parallel, len(r.trials))) {
		workers.Go(func() {
			for t := range queue {
				r.try(ctx, t)
			}
		})
	}
	for _, t := range r.trials {
		queue <- t // once ctx has ended, try does nothing
	}
	close(queue)
	workers.Wait()
	at := func(f Finding) int {
		return slices.IndexFunc(r.trials, func(t trial) bool { return t.same(f.Mutant) })
	}
	slices.SortFunc(r.findings, func(a, b Finding) int { return at(a) - at(b) })
	return ctx.Err()
}

func (r *runner) try(ctx context.Context, t trial) {
	if ctx.Err() != nil {
		return
	}
	r.begin(t.Mutant)
	in := Injection{Fault: t.fault}
	if t.Route != nil {
		in.Route = *t.Route
	}
	result, injector, err := r.rehearse(ctx, in)
	f := Finding{
		Mutant: t.Mutant, Duration: result.Duration, Event: result.FailedEvent, Check: result.FailedCheck,
		Why: result.Why,
	}
	if injector != nil {
		f.Requests = injector.Injected()
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
		f.Advice = r.advise(t, result)
	}
	r.end(f)
}

func (r *runner) begin(m Mutant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = append(r.running, m)
	r.say(nil)
}

func (r *runner) end(f Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = slices.DeleteFunc(r.running, f.same)
	r.findings = append(r.findings, f)
	if f.Outcome != Caught {
		r.survived++
	}
	r.say(&f)
}

// say tells the progress; mu is held, or nothing runs yet.
func (r *runner) say(f *Finding) {
	if r.tell != nil {
		r.tell(Progress{
			Done: len(r.findings), Total: len(r.trials), Survived: r.survived, Finding: f,
			Running: slices.Clone(r.running),
		})
	}
}

// inconclusive reports whether a hook let the release pass without an answer.
func inconclusive(result rehearsal.Result) bool {
	return slices.ContainsFunc(result.Hooks, func(h rehearsal.HookResult) bool {
		return h.Verdict != nil && strings.EqualFold(h.Verdict.Verdict, string(finding.Inconclusive))
	})
}
