package rehearsal

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/notify"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/alb"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
	"github.com/greenlight-ecs/greenlight/pkg/version"
)

const (
	// installLimit is how long the replacement task set may take to become healthy.
	installLimit = time.Hour
	// countEvery is how often the number of requests so far is emitted.
	countEvery = 200 * time.Millisecond
)

// Run holds the rehearsal. It returns a Result when the deployment ended, one way or the other; a
// *SetupError when it could not be held; and the context's error, with what is known by then, when it
// was interrupted. When it returns, nothing of it is running any more. Events are handed to emit as
// they happen, one at a time.
func (p Plan) Run(ctx context.Context, emit func(Event)) (Result, error) {
	s, err := newStage(ctx, p, emit)
	if err != nil {
		return Result{}, err
	}
	defer s.close() //nolint:contextcheck // it must end everything also when the context has ended
	if emit != nil {
		defer Every(countEvery, func(at time.Time) {
			s.stream.send(Event{
				At: at, Kind: KindTraffic, Tallies: s.balancer.Log.Tallies(),
				Text: cmp.Or(s.blue.group.Ailing(), s.green.group.Ailing(), s.balancer.Log.Latest()),
			})
		})()
	}
	if err := s.serveBlue(ctx); err != nil {
		return Result{}, err
	}
	s.served = time.Now()
	stopTraffic := startTraffic(ctx, s.production.URL(), p.Host, p.Routes, p.Traffic)
	r := &run{stage: s}
	var by controller = &codeDeploy{run: r}
	if p.Native != nil {
		by = &native{r}
	}
	err = r.deploy(ctx, by)
	if err == nil && p.Keep {
		r.keep(ctx)
	}
	r.result.Traffic = stopTraffic()
	r.summarise()
	return r.result, err
}

// serveBlue puts the old release, where there is one, behind both listeners, and says where everything is.
func (s *stage) serveBlue(ctx context.Context) error {
	if s.blue.release != "" {
		if err := s.up(ctx, s.blue); err != nil {
			return err
		}
		healthy, cancel := context.WithTimeout(ctx, s.plan.StartTimeout)
		defer cancel()
		if !s.blue.group.WaitHealthy(healthy) {
			return cmp.Or(ctx.Err(), error(&SetupError{
				Why: fmt.Sprintf("wait for blue (--blue): timed out: its tasks did not answer GET %s with %s within %s",
					s.plan.Health.Asks(), s.plan.Health.Codes, s.plan.StartTimeout),
				Help: "a rehearsal begins with an old release that works; --health-check says what its tasks are asked",
			}))
		}
		s.stream.note("blue is up: %d tasks of %s (%s)", s.plan.Tasks, s.blue.release, s.plan.Blue.Text)
	}
	s.forward(s.production, 0)
	if s.test != nil {
		s.forward(s.test, 0)
	}
	s.stream.send(Event{Kind: KindNote, Text: s.listeners() + ", AWS " + s.endpoint, Endpoint: s.endpoint})
	if s.plan.Traffic > 0 {
		s.stream.note("traffic: %g production requests a second from now to the end", s.plan.Traffic)
	}
	if w := s.plan.Watch; w != nil {
		s.stream.note("watch: its minutes are shortened to %s (--watch-minute), so that %s take %s",
			s.plan.WatchMinute, w.For, s.plan.watchTime())
	}
	return nil
}

// listeners says where production and, where there is one, the test listener is.
func (s *stage) listeners() string {
	if s.test == nil {
		return "production " + s.production.URL()
	}
	return "production " + s.production.URL() + ", test " + s.test.URL()
}

// Kept begins the note that the rehearsal is over, and that everything goes on running.
const Kept = "kept running until Ctrl-C"

// keep leaves everything running until the context ends.
func (r *run) keep(ctx context.Context) {
	r.stream.note("%s: %s", Kept, r.listeners())
	look := "deploy get-deployment --deployment-id %s"
	if r.plan.Native != nil {
		look = "ecs describe-service-deployments --service-deployment-arns %s"
	}
	r.stream.note("%s", r.awsLine(look, r.id))
	<-ctx.Done()
}

// awsLine is a command that a person can paste to look at the deployment, or to act on it.
func (s *stage) awsLine(format string, args ...any) string {
	return fmt.Sprintf("AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x aws %s --endpoint-url %s --region %s",
		fmt.Sprintf(format, args...), s.endpoint, Region)
}

// run is one deployment on the stage.
type run struct {
	*stage
	result Result
	// told are the lines of which messages were made.
	told []notify.Line
}

// controller is what CodeDeploy and Amazon ECS do, each in its own way, with the same task sets, listeners and hooks.
type controller interface {
	// begin creates the deployment, and returns what it goes through.
	begin(ctx context.Context) []phase
	// fail ends a deployment that failed or was stopped, and rolls it back where the controller would.
	fail(ctx context.Context, f *failure) Outcome
}

// phase is a part of a deployment: a lifecycle event of CodeDeploy's, a stage of Amazon ECS's, or, without a name,
// what happens between them.
type phase struct {
	name lifecycle.Name
	// step is that of a shift with several; rollback says that traffic goes back.
	step     int
	rollback bool
	// do does what the phase is there for, its hooks among it.
	do func(ctx context.Context, p phase) *failure
	// skipped, where it is not empty, says why the phase is passed over.
	skipped string
}

func (r *run) deploy(ctx context.Context, by controller) error {
	r.result = Result{
		Greenlight: version.Number(), Image: r.plan.Release.Image, Suite: r.stream.clean(r.plan.Suite),
		SuiteSHA256: fmt.Sprintf("%x", sha256.Sum256(r.plan.SuiteText)),
		Release:     r.green.release, Baseline: r.blue.release, Started: r.stream.began, Hooks: []HookResult{},
	}
	phases := by.begin(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.result.DeploymentID = r.id
	r.stream.note("deployment %s begins: %s is to replace %s", r.id, r.green.release, cmp.Or(r.blue.release, "nothing"))
	defer Every(alarmInterval, func(time.Time) {
		if why := r.alarmed(); why != "" { // one that has stopped or ended is not stopped again
			_ = r.book.Stop(r.id, deployment.Stop{Rollback: !r.plan.NoRollback, Alarm: why})
		}
	})()
	if r.plan.KillEvery > 0 {
		defer Every(r.plan.KillEvery, func(time.Time) {
			if set := r.green.set.Load(); r.production.Weights()[1].Share > 0 && set.Kill() {
				r.result.Killed++ // nobody reads it before the end
			}
		})()
	}
	for _, p := range phases {
		failed := r.phase(ctx, p)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case failed == nil:
			continue
		case failed.err != nil:
			return failed.err
		}
		r.result.FailedEvent, r.result.FailedStep = cmp.Or(failed.event, p.name), p.step
		r.result.Why, r.result.FailedCheck = r.stream.line(failed.reason), failed.check
		r.result.Outcome = by.fail(ctx, failed)
		return ctx.Err()
	}
	r.result.Outcome = Shifted
	return ctx.Err()
}

// offer returns once the deployment has begun: somebody calls for it, as the hints say, or the rehearsal does itself.
func (r *run) offer(
	ctx context.Context, begin func(definition string) deployment.Deployment, definition string, hints ...string,
) {
	asked := r.book.Offer(begin)
	if !r.plan.AwaitUpdate {
		_ = r.book.Ask(definition) // it is on offer
		return
	}
	for _, hint := range hints {
		r.stream.note("%s", hint)
	}
	select {
	case <-asked:
	case <-ctx.Done():
	}
}

// move sends a percentage of a listener's traffic to green, and notes that in a deployment. There may be no test
// listener.
func (r *run) move(id string, l *alb.Listener, percent int) {
	if l == nil {
		return
	}
	r.forward(l, percent)
	r.book.Update(id, func(d *deployment.Deployment) {
		if l == r.test {
			d.ShiftTest(percent)
		} else {
			d.Shift(percent)
		}
	})
}

// phase runs one phase. One that an interrupt cuts off does not end.
func (r *run) phase(ctx context.Context, p phase) *failure {
	if failed := r.pause(ctx, 0); failed != nil {
		return failed
	}
	if p.skipped != "" {
		if _, ok := r.plan.Hooks[p.name]; ok {
			r.stream.send(Event{Kind: KindWarning, Lifecycle: p.name, Text: p.skipped})
		}
		r.book.Update(r.id, func(d *deployment.Deployment) { d.Skip(p.name) })
		r.stream.send(Event{Kind: KindEnd, Lifecycle: p.name, Status: deployment.EventSkipped, Text: p.skipped})
		return nil
	}
	if p.name == "" {
		return p.do(ctx, p)
	}
	r.book.Update(r.id, func(d *deployment.Deployment) { d.Begin(p.name, time.Now()) })
	r.stream.tell(KindBegin, p, "")
	failed := p.do(ctx, p)
	if ctx.Err() != nil || failed != nil && failed.err != nil {
		return failed
	}
	status, text := deployment.EventSucceeded, ""
	var why *deployment.Diagnostics
	switch {
	case failed != nil:
		status, text, why = deployment.EventFailed, failed.reason, failed.diagnostics
	case r.plan.idle(p.name):
		text = NoHook
	}
	r.book.Update(r.id, func(d *deployment.Deployment) { d.End(p.name, status, time.Now(), why) })
	r.stream.send(Event{Kind: KindEnd, Lifecycle: p.name, Step: p.step, Status: status, Text: text})
	return failed
}

// install starts the replacement task set and waits until its tasks are healthy: an hour, which --speed
// divides, but never less than a task may take to start. Tasks that were started elsewhere are used as they are.
func (r *run) install(ctx context.Context, _ phase) *failure {
	if err := r.up(ctx, r.green); err != nil {
		return &failure{err: err}
	}
	now := time.Now()
	r.book.Update(r.id, func(d *deployment.Deployment) {
		if d.Side(deployment.Green) == nil {
			d.TaskSets = append(d.TaskSets, r.taskSet(r.green, "ACTIVE", 0, now))
		}
		d.SetRunning(deployment.Green, r.green.set.Load().Running())
	})
	r.stream.note("green is up: %d tasks of %s (%s)", r.plan.Tasks, r.green.release, r.plan.Green.Text)
	if len(r.green.command.Addrs) > 0 {
		return nil
	}
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	healthy := make(chan struct{})
	go func() {
		if r.green.group.WaitHealthy(watching) {
			close(healthy)
		}
	}()
	who := "the replacement task set did not become healthy within CodeDeploy's hour"
	if r.plan.Native != nil {
		who = "the new service revision did not become healthy within the hour that a rehearsal gives it"
	}
	text := fmt.Sprintf("timed out: %s (compressed by --speed %g): its tasks did not answer GET %s with %s", who,
		r.plan.Speed, r.plan.Health.Asks(), r.plan.Health.Codes)
	return r.await(ctx, max(r.plan.StartTimeout, r.plan.scaled(installLimit)), healthy, &failure{
		reason:      text,
		why:         deployment.Error{Code: deployment.CodeTimeout, Message: deployment.TextUnhealthy},
		diagnostics: &deployment.Diagnostics{Code: deployment.DiagnosticOther, Message: text},
	})
}

// summarise fills in what the stage knows at the end.
func (r *run) summarise() {
	r.result.Duration = time.Since(r.stream.began)
	r.result.Requests = r.balancer.Log.Tallies()
	r.result.AccessLog = r.balancer.Log.Entries()
	r.result.Missed = r.aws.Values.Missed()
	d, _ := r.book.Get(r.id)
	for _, e := range d.Events {
		event := LifecycleEvent{Event: e}
		switch {
		case e.Diagnostics != nil:
			event.Message = e.Diagnostics.Message
		case e.Status == deployment.EventSucceeded && r.plan.idle(e.Name):
			event.Message = NoHook
		}
		r.result.Lifecycle = append(r.result.Lifecycle, event)
	}
	r.stream.mu.Lock()
	defer r.stream.mu.Unlock()
	r.result.Timeline, r.result.LinesDropped = r.stream.kept, r.stream.dropped
	r.result.Shifts = []Shift{}
	for _, e := range r.stream.kept {
		if e.Kind == KindShift {
			r.result.Shifts = append(r.result.Shifts, Shift{
				At: e.At, Since: e.Since, Listener: e.Listener, Green: e.Weights[r.green.release],
			})
		}
	}
}
