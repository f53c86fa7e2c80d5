package rehearsal

import (
	"context"
	"fmt"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// listenerChange is how long CodeDeploy takes to change a listener; the new one is in force at once.
const listenerChange = 10 * time.Second

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
	if err := s.serveBlue(ctx); err != nil {
		return Result{}, err
	}
	stopTraffic := startTraffic(ctx, s.production.URL()+"/", p.Traffic)
	r := &run{stage: s, id: deployment.NewID()}
	err = r.deploy(ctx)
	if err == nil && p.Keep {
		s.keep(ctx, r)
	}
	r.result.Traffic = stopTraffic()
	r.summarise()
	return r.result, err
}

// serveBlue puts the old release behind both listeners.
func (s *stage) serveBlue(ctx context.Context) error {
	if err := s.up(ctx, s.blue); err != nil {
		return err
	}
	healthy, cancel := context.WithTimeout(ctx, s.plan.StartTimeout)
	defer cancel()
	if !s.blue.group.WaitHealthy(healthy) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &SetupError{
			What: fmt.Sprintf("wait for blue (--blue %q): GET / on its tasks did not answer below 500 within %s", s.plan.Blue.Text, s.plan.StartTimeout),
			Help: "a rehearsal begins with a release that works",
		}
	}
	s.stream.note(fmt.Sprintf("blue is up: %d tasks of %s (%s)", s.plan.Tasks, s.blue.release, s.plan.Blue.Text))
	s.forward(s.production, 100)
	s.forward(s.test, 100)
	s.stream.note(fmt.Sprintf("production %s, test %s", s.production.URL(), s.test.URL()))
	if s.plan.Traffic > 0 {
		s.stream.note(fmt.Sprintf("traffic: %g production requests a second from now to the end", s.plan.Traffic))
	}
	return nil
}

// keep leaves everything running until the context ends.
func (s *stage) keep(ctx context.Context, r *run) {
	s.stream.note(fmt.Sprintf("kept running until Ctrl-C: production %s, test %s", s.production.URL(), s.test.URL()))
	s.stream.note(fmt.Sprintf("AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x aws deploy get-deployment --deployment-id %s --endpoint-url %s --region %s", r.id, s.endpoint, Region))
	<-ctx.Done()
}

// run is one deployment on the stage.
type run struct {
	*stage
	id     string
	result Result
}

func (r *run) deploy(ctx context.Context) error {
	now := time.Now()
	r.result = Result{
		Release: r.green.release, Baseline: r.blue.release, DeploymentID: r.id,
		Started: r.stream.began, Hooks: []HookResult{},
	}
	r.book.Add(deployment.New(deployment.Deployment{
		ID: r.id, Application: "rehearsal", Group: "rehearsal", Config: "CodeDeployDefault.ECSAllAtOnce",
		Creator: deployment.ByUser, AppSpec: r.plan.deployedAppSpec(),
		Cluster: "rehearsal", Service: r.plan.service(),
		ProductionListener: listenerARN("1"), TestListener: listenerARN("2"),
		BlueGroup: r.blue.group.Name, GreenGroup: r.green.group.Name,
		TaskSets: []deployment.TaskSet{r.taskSet(r.blue, "PRIMARY", 100, now)},
	}, now))
	r.stream.note(fmt.Sprintf("deployment %s begins: %s is to replace %s", r.id, r.green.release, r.blue.release))
	for _, event := range lifecycle.All() {
		failed, err := r.event(ctx, event)
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if failed != nil {
			return r.fail(ctx, failed)
		}
	}
	if r.plan.TerminationWait > 0 {
		r.stream.note(fmt.Sprintf("blue (%s) stays for the termination wait of %s", r.blue.release, r.plan.TerminationWait))
		if err := wait(ctx, r.plan.scaled(r.plan.TerminationWait)); err != nil {
			return err
		}
	}
	r.down(ctx, r.blue)
	r.book.Update(r.id, func(d *deployment.Deployment) {
		d.TaskSets = []deployment.TaskSet{r.taskSet(r.green, "PRIMARY", 100, now)}
		d.Finish(deployment.Succeeded, time.Now(), nil)
	})
	r.stream.note(fmt.Sprintf("blue (%s) is drained and stopped; %s serves", r.blue.release, r.green.release))
	r.result.Outcome = Shifted
	return nil
}

// event runs one lifecycle event.
func (r *run) event(ctx context.Context, name lifecycle.Name) (*failure, error) {
	select {
	case stop := <-r.book.Stopped(r.id):
		return &failure{
			event: name, stop: &stop, reason: "somebody called StopDeployment",
			why: deployment.Error{Code: deployment.CodeManualStop, Message: "The deployment was stopped by user request."},
		}, nil
	default:
	}
	r.book.Update(r.id, func(d *deployment.Deployment) { d.Begin(name, time.Now()) })
	r.stream.send(Event{Kind: KindBegin, Lifecycle: name})
	var failed *failure
	switch name {
	case lifecycle.Install:
		if err := r.install(ctx); err != nil {
			return nil, err
		}
	case lifecycle.AllowTestTraffic:
		r.forward(r.test, 0)
		_ = wait(ctx, r.plan.scaled(listenerChange))
	case lifecycle.AllowTraffic:
		r.shift()
		_ = wait(ctx, r.plan.scaled(listenerChange))
	case lifecycle.BeforeInstall, lifecycle.AfterInstall, lifecycle.AfterAllowTestTraffic, lifecycle.BeforeAllowTraffic, lifecycle.AfterAllowTraffic:
		var result *HookResult
		if result, failed = r.hook(ctx, r.id, name); result != nil {
			r.result.Hooks = append(r.result.Hooks, *result)
		}
	}
	status, text := deployment.EventSucceeded, ""
	var why *deployment.Diagnostics
	if failed != nil {
		status, text, why = deployment.EventFailed, failed.reason, failed.diagnostics
	}
	r.book.Update(r.id, func(d *deployment.Deployment) { d.End(name, status, time.Now(), why) })
	r.stream.send(Event{Kind: KindEnd, Lifecycle: name, Status: status, Text: text})
	return failed, nil
}

func (r *run) install(ctx context.Context) error {
	if err := r.up(ctx, r.green); err != nil {
		return err
	}
	now := time.Now()
	r.book.Update(r.id, func(d *deployment.Deployment) {
		d.TaskSets = append(d.TaskSets, r.taskSet(r.green, "ACTIVE", 0, now))
	})
	r.stream.note(fmt.Sprintf("green is up: %d tasks of %s (%s)", r.plan.Tasks, r.green.release, r.plan.Green.Text))
	return nil
}

// shift moves the production traffic.
func (r *run) shift() {
	r.forward(r.production, 0)
	r.book.Update(r.id, func(d *deployment.Deployment) {
		for i := range d.TaskSets {
			t := &d.TaskSets[i]
			t.Weight, t.Status = 0, "ACTIVE"
			if t.Label == deployment.Green {
				t.Weight, t.Status = 100, "PRIMARY"
			}
		}
	})
}

// fail ends the deployment and, where CodeDeploy would, rolls it back.
func (r *run) fail(ctx context.Context, f *failure) error {
	r.result.Why, r.result.FailedEvent, r.result.FailedCheck = r.stream.redactor.Line(f.reason, maxText), f.event, f.check
	status := deployment.Failed
	if f.stop != nil {
		status = deployment.Stopped
	}
	r.book.Update(r.id, func(d *deployment.Deployment) { d.Finish(status, time.Now(), &f.why) })
	if f.stop != nil && !f.stop.Rollback {
		r.stream.note("stopped without a rollback: both task sets stay as they are")
		r.result.Outcome = Stopped
		return nil
	}
	r.rollBack(ctx, f)
	r.result.Outcome = RolledBack
	return ctx.Err()
}

// rollBack is a deployment of its own, as CodeDeploy makes it: it sends both listeners' traffic back to
// the original task set and stops the replacement. Whether AWS runs hooks in it is not documented
// (November 2026); here it does not.
func (r *run) rollBack(ctx context.Context, f *failure) {
	now := time.Now()
	failed, _ := r.book.Get(r.id)
	back := failed.Clone()
	back.ID, back.Creator, back.Error = deployment.NewID(), deployment.ByRollback, nil
	back.RollbackOf, back.RollbackMessage = r.id, fmt.Sprintf("Deployment %s will be rolled back because it failed or was stopped.", r.id)
	back.Description = fmt.Sprintf("Rollback of deployment %s", r.id)
	back.Started, back.Ended = time.Time{}, time.Time{}
	back = deployment.New(back, now)
	r.book.Add(back)
	r.book.Update(r.id, func(d *deployment.Deployment) {
		d.RollbackID, d.RollbackMessage = back.ID, fmt.Sprintf("Deployment %s was rolled back by deployment %s.", r.id, back.ID)
	})
	r.result.RollbackID = back.ID
	r.stream.send(Event{Kind: KindRollback, Text: fmt.Sprintf("deployment %s failed in %s; %s (creator codeDeployRollback) puts %s back", r.id, f.event, back.ID, r.blue.release)})
	step := func(name lifecycle.Name, do func()) {
		r.book.Update(back.ID, func(d *deployment.Deployment) { d.Begin(name, time.Now()) })
		do()
		r.book.Update(back.ID, func(d *deployment.Deployment) { d.End(name, deployment.EventSucceeded, time.Now(), nil) })
	}
	step(lifecycle.AllowTestTraffic, func() { r.forward(r.test, 100) })
	step(lifecycle.AllowTraffic, func() { r.forward(r.production, 100) })
	running := r.green.set != nil
	r.down(ctx, r.green)
	r.book.Update(back.ID, func(d *deployment.Deployment) {
		d.TaskSets = []deployment.TaskSet{r.taskSet(r.blue, "PRIMARY", 100, now)}
		d.Finish(deployment.Succeeded, time.Now(), nil)
	})
	if running {
		r.stream.note(fmt.Sprintf("green (%s) is drained and stopped", r.green.release))
	}
}

// summarise fills in what the stage knows at the end.
func (r *run) summarise() {
	r.result.Duration = time.Since(r.stream.began)
	r.result.Requests = r.balancer.Log.Tallies()
	r.result.AccessLog = r.balancer.Log.Entries()
	r.result.Missed = r.secrets.Missed()
	d, _ := r.book.Get(r.id)
	for _, e := range d.Events {
		event := LifecycleEvent{Name: e.Name, Status: e.Status, Started: e.Started, Ended: e.Ended}
		if e.Diagnostics != nil {
			event.Message = e.Diagnostics.Message
		}
		r.result.Lifecycle = append(r.result.Lifecycle, event)
	}
	r.stream.mu.Lock()
	defer r.stream.mu.Unlock()
	r.result.Timeline, r.result.LinesDropped = r.stream.kept, r.stream.dropped
	r.result.Shifts = []Shift{}
	for _, e := range r.stream.kept {
		if e.Kind == KindShift {
			r.result.Shifts = append(r.result.Shifts, Shift{At: e.At, Since: e.Since, Listener: e.Listener, Green: e.Weights[r.green.release]})
		}
	}
}
