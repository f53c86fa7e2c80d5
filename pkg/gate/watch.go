package gate

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/discovery"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
	"github.com/greenlight-ecs/greenlight/pkg/version"
	"github.com/greenlight-ecs/greenlight/pkg/watch"
)

const (
	// mostOwnCalls bounds how often a hook of CodeDeploy invokes itself: Lambda takes some 16 calls for an endless loop.
	mostOwnCalls = 12
	// hookTime is how long a watch takes at most: CodeDeploy waits for an hour.
	hookTime = 55 * time.Minute
	// lookAgain is after how long AWS is asked again, at most.
	lookAgain = 30 * time.Second
	// shiftTime is how long CodeDeploy may take to say that traffic was shifted.
	shiftTime = 20 * time.Second

	noWatch = "the suite has no watch: add one, or take the hook away"
)

// idle is why there is nothing to watch, or that there is.
func (g *Gate) idle(in *invocation) decision.Idle {
	r := in.facts.Rollout.Value()
	switch {
	case in.rollback.Load():
		return decision.IdleBecause("a release is being taken back")
	case in.facts.Replacement.Value().Bootstrap && r.First && len(r.Sources) == 0:
		return decision.IdleBecause("the service is being created with the stack's placeholder")
	}
	return decision.Idle{}
}

// watch holds the release to what AWS measures of it. The error is a misconfiguration.
func (g *Gate) watch(ctx context.Context, in *invocation, checked *suite.Suite, s *decision.Seen) error {
	if checked.Watch == nil {
		return errors.New(noWatch)
	}
	if in.stage != nil && in.stage.Stage == lifecycle.PreProductionTrafficShift {
		f := &in.facts
		if s.Idle = decision.Unserved(f.Share, f.Production.Way, f.GreenGroup.Value()); s.Idle != (decision.Idle{}) {
			return nil
		}
	}
	subject, err := in.subject(checked)
	if err != nil {
		return err
	}
	if subject.Redactor, err = g.hidden(ctx, checked); err != nil {
		return err
	}
	green := subject.GreenTask
	s.Target, s.Proof = green.TargetGroup, decision.ByTargetGroup(green.TargetGroup, green.ARN)
	job := smoke.Job{
		Nonce: rand.Text(), Target: smoke.Side{URL: s.Target}, Release: s.Release, DeploymentID: s.Deployment,
		Phases: []finding.Phase{finding.PhaseWatch},
	}
	if g.goOn(ctx, in, checked, s, &job); in.question != nil {
		return nil
	}
	if subject.Window, err = g.window(ctx, in, checked.Watch, job.Before); err != nil {
		return err
	}
	if in.stage != nil && !job.GoOn && subject.Over().After(in.budget.judging) {
		return fmt.Errorf("the watch takes until %s, longer than this call, and nothing can be kept for another one: set "+
			"EVIDENCE_PARAMETER", subject.Over().Format(time.RFC3339))
	}
	s.Run = decision.Ran(checked, job, g.measure(ctx, in, subject, job))
	return nil
}

// hidden knows what the logs of a release that was smoked may hold.
func (g *Gate) hidden(ctx context.Context, checked *suite.Suite) (*redact.Redactor, error) {
	if len(checked.Watch.Logs) == 0 {
		return nil, nil // no text of the release is shown
	}
	values, err := g.values(ctx, checked)
	if err != nil {
		return nil, err
	}
	r, err := checked.Redactor(values)
	return r.With(g.Settings.AWS.Secrets()...), err
}

// subject is what is watched. Without the new release's target group and task definition nothing is.
func (in *invocation) subject(checked *suite.Suite) (watch.Subject, error) {
	f := &in.facts
	r := f.Rollout.Value()
	s := watch.Subject{
		Suite: checked, LoadBalancer: discovery.LoadBalancerOf(f.Production.ARN),
		GreenTask: f.Replacement.Value(), BlueTask: f.Original.Value(),
	}
	s.Cluster, s.Service = in.service()
	switch {
	case s.GreenTask.TargetGroup == "":
		return s, fmt.Errorf("the new release's target group is not known, so nothing can be watched: %w",
			cmp.Or(f.Replacement.Err(), errors.New("its task set has none")))
	case s.GreenTask.TargetGroup == s.BlueTask.TargetGroup:
		return s, errors.New("both releases have one target group, so AWS does not measure them apart")
	case !strings.HasPrefix(s.LoadBalancer, "app/"):
		return s, fmt.Errorf("production's listener %q is not an Application Load Balancer's, and watch reads no other's metrics",
			f.Production.ARN)
	case s.Cluster == "" || s.Service == "":
		return s, errors.New("which service is deployed is not known")
	case s.GreenTask.Bootstrap:
		return s, errors.New("the new release has the label greenlight.bootstrap=true, which is the placeholder's")
	case r.First && len(r.Sources) == 0:
		s.NoBlue = "the service is being created"
	case s.BlueTask.Bootstrap:
		s.NoBlue = "production was served by the stack's placeholder"
	case checked.BaselineOptional:
		s.NoBlue = "baseline: optional"
	}
	return s, nil
}

// window is the time that is watched: that of an earlier call, where this one goes on.
func (g *Gate) window(ctx context.Context, in *invocation, w *suite.Watch, before json.RawMessage) (watch.Window, error) {
	now, minute := time.Now().UTC(), g.Settings.WatchMinute
	if before == nil && in.event.Call == 0 {
		in.j.note(fmt.Sprintf("watching for %s; all data of a minute are there %d minutes later", w.For, watch.Late))
	}
	if in.stage == nil {
		shifted, err := g.shifted(ctx, in)
		return watch.After(shifted, w, minute), err
	}
	var was watch.Window
	if json.Unmarshal(before, &was) == nil && was.Minute == minute {
		return was, nil
	}
	if in.stage.Stage == lifecycle.PostProductionTrafficShift {
		return watch.After(now, w, minute), nil
	}
	began := in.facts.Rollout.Value().Began
	if began.IsZero() || began.After(now) {
		return watch.Window{}, errors.New("when the deployment began is not known, so neither is since when the new release serves")
	}
	return watch.Before(now, began, w, minute), nil
}

// shifted is when CodeDeploy had shifted production's traffic. It may say so a little late.
func (g *Gate) shifted(ctx context.Context, in *invocation) (time.Time, error) {
	t, err := in.facts.Target.Value(), in.facts.Target.Err()
	for until := time.Now().Add(shiftTime); t.Shifted().IsZero(); t, err = g.CodeDeploy.Target(ctx, in.event.DeploymentID) {
		if !smoke.Pause(ctx, 2*time.Second) || time.Now().After(until) {
			return time.Time{}, fmt.Errorf("CodeDeploy does not say when production's traffic was shifted: %w",
				cmp.Or(err, errors.New("AllowTraffic has no end")))
		}
	}
	return t.Shifted(), nil
}

// measure asks AWS again and again, until the watch is over or another call goes on with it.
func (g *Gate) measure(ctx context.Context, in *invocation, subject watch.Subject, job smoke.Job) finding.Report {
	var report finding.Report
	for {
		m := watch.Measure(ctx, g.AWS, subject)
		r := watch.Judge(subject, m)
		report, report.Duration, report.Greenlight = r.Report, time.Since(subject.Since), version.Number()
		report.Target, report.Release, report.DeploymentID, report.Nonce = job.Target.URL, job.Release, job.DeploymentID, job.Nonce
		if r.Done && (m.Read() || r.Verdict != finding.Inconclusive || time.Now().After(subject.Over().Add(subject.Minute))) {
			for _, c := range report.Checks {
				in.j.check(c)
			}
			return report
		}
		in.j.debug("watched so far: " + r.Reason)
		wait := min(lookAgain, subject.Minute)
		if job.GoOn || time.Until(in.budget.judging) < wait+time.Second {
			break
		}
		smoke.Pause(ctx, wait)
	}
	report.Verdict, report.Blame = finding.Error, finding.BlameGate
	report.Reason = "the watch was not over when this call's time was up: " + report.Reason
	if job.GoOn || in.stage == nil {
		report.Unfinished, _ = json.Marshal(subject.Window) // times
	}
	return report
}

// pause is after how many seconds Amazon ECS calls again.
func (g *Gate) pause(n lifecycle.Name) int {
	if n != lifecycle.AfterAllowTraffic {
		return 1
	}
	return int(max(time.Second, min(lookAgain, g.Settings.WatchMinute/2)) / time.Second)
}

// again invokes this very function to go on: CodeDeploy calls a hook once.
func (g *Gate) again(ctx context.Context, in *invocation) error {
	shifted := in.facts.Target.Value().Shifted()
	switch took := time.Since(shifted); {
	case in.event.Call >= mostOwnCalls:
		return fmt.Errorf("there were %d calls already: give the function more time", in.event.Call+1)
	case took > hookTime && !shifted.IsZero():
		return fmt.Errorf("it took %s already, and CodeDeploy waits for an hour", took.Round(time.Second))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), in.budget.spare(lookTime))
	defer cancel()
	_, err := lambda.NewFromConfig(g.AWS).Invoke(ctx, &lambda.InvokeInput{
		FunctionName: aws.String(g.Settings.FunctionName), InvocationType: types.InvocationTypeEvent, Payload: in.event.Next(),
	})
	return awsclient.Error(err)
}
