package gate

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/parallel"
	"github.com/greenlight-ecs/greenlight/pkg/prober"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// look collects the witnesses of an invocation: facts, suite, variables, run. It decides nothing. A witness that it
// could not get keeps its zero value, which never counts for the release. The error is a misconfiguration.
func (g *Gate) look(ctx context.Context, in *invocation, s *decision.Seen) error {
	s.Cluster, s.Service = in.service()
	if err := cmp.Or(in.unreadable, g.SettingsError); err != nil {
		return err
	}
	preparing, cancel := context.WithDeadline(ctx, in.budget.prepared)
	defer cancel()
	f, err := g.discover(preparing, in)
	in.facts = f
	s.Cluster, s.Service = in.service()
	s.Step = in.step()
	s.Event, s.Release, s.OldRelease = f.lifecycleEvent, f.release, f.Original.Value().Release
	s.Target = f.test.URL
	if err != nil {
		return err
	}
	if s.Event == lifecycle.BeforeInstall {
		s.Suite, s.SuiteSHA256, s.Ahead = g.ahead(ctx, in)
		return nil
	}
	if s.Event == lifecycle.AfterAllowTraffic {
		if s.Idle = g.idle(in); s.Idle != (decision.Idle{}) {
			return nil
		}
	}
	src, err := g.source(preparing, f)
	if err != nil {
		return err
	}
	s.Suite = src.Name
	checked, problems := suite.Read(src)
	if checked == nil {
		return brokenSuite(problems)
	}
	s.Suite, s.SuiteSHA256 = checked.Name, checked.SHA256
	if s.Event == lifecycle.AfterAllowTraffic {
		return g.watch(ctx, in, checked, s)
	}
	s.Baseline = f.baseline(checked)
	job, err := g.job(preparing, in, src, checked, s)
	if err != nil {
		return err
	}
	g.goOn(preparing, in, checked, s, &job)
	g.judge(ctx, in, checked, job, s)
	return nil
}

// baseline is what serves production and is not the new release, or why there is none.
func (f facts) baseline(checked *suite.Suite) decision.Baseline {
	group, named := f.GreenGroup.Get()
	switch percent, known := f.Share.Get(); {
	case f.creation != "":
		return decision.NoBaseline(f.creation)
	case (smoke.Job{Target: f.test, Baseline: f.production}).OnlyPathsApart(checked):
		return decision.NoBaseline("only the path leads to the new release, and the old one is not asked for another")
	case known && percent == 0 && named && slices.Contains(f.Production.Way.Value().Groups, group):
		return decision.NoBaseline("production's listener already leads to the new release's target group")
	}
	return decision.BaselineAt(f.production.URL, f.Share)
}

// judge runs the suite, and looks for a proof of release beside it.
func (g *Gate) judge(ctx context.Context, in *invocation, checked *suite.Suite, job smoke.Job, s *decision.Seen) {
	if in.question != nil { // the run is over, and somebody was asked
		s.Proof = g.proof(ctx, in)
		return
	}
	var report finding.Report
	var err error
	parallel.Do(
		func() { report, err = g.run(ctx, in, checked, job) },
		func() {
			if !checked.ProvesRelease() || s.OldRelease == s.Release {
				s.Proof = g.proof(ctx, in)
			}
		},
	)
	if err != nil {
		s.Problem = decision.Problem{Blame: finding.BlameGate, Reason: err.Error()}
		if errors.Is(err, prober.ErrOutlasted) || errors.Is(err, prober.ErrUnusable) {
			s.Problem.Blame = finding.BlameConfig
		}
		return
	}
	in.j.warn(report.Warnings...)
	for _, n := range report.NotRun {
		in.j.warn(fmt.Sprintf("%s was not run: %s", n.Check, n.Why))
	}
	in.j.recount(report)
	// A check that expects the release may exist and still not have run in this phase.
	if checked.ProvesRelease() && s.OldRelease != s.Release && !report.ReleaseProven && report.Verdict != finding.Fail {
		s.Proof = g.proof(ctx, in)
	}
	if s.Event == lifecycle.BeforeAllowTraffic && !s.Evidence.Known() {
		report.Reason = strings.TrimSpace(report.Reason + " (evidence=none: " + s.Evidence.Why() +
			"; so the whole suite was run here)")
	}
	if report.Readiness != nil && report.Readiness.Verdict == finding.Fail {
		report.Reason += g.explainReadiness(ctx, in)
	}
	s.Run = decision.Ran(checked, job, report)
}

// run runs the suite here, or has the prober run it inside the VPC.
func (g *Gate) run(ctx context.Context, in *invocation, checked *suite.Suite, job smoke.Job) (finding.Report, error) {
	if g.Settings.ProberFunction == "" {
		return smoke.Run(ctx, checked, job, in.watch), nil
	}
	inside := prober.Client{AWS: g.AWS, Function: g.Settings.ProberFunction, Note: in.j.note}
	report, err := inside.Run(ctx, checked, job)
	if err != nil {
		return finding.Report{}, err
	}
	for _, c := range report.Checks {
		in.j.check(c)
	}
	for _, c := range report.Compares {
		in.j.compare(c)
	}
	return report, nil
}

// job puts together what the run needs, and looks for the first gate's evidence. An error is a misconfiguration.
func (g *Gate) job(
	ctx context.Context, in *invocation, src suite.Source, checked *suite.Suite, s *decision.Seen,
) (smoke.Job, error) {
	f := in.facts
	if d, ok := f.Deployment.Get(); ok && len(d.TestListeners) == 0 && f.lifecycleEvent == lifecycle.BeforeAllowTraffic {
		return smoke.Job{}, fmt.Errorf("the deployment group %s has no test listener, so nothing can be judged before "+
			"production traffic: add one to the deployment group", d.Group)
	}
	if f.test.URL == "" {
		return smoke.Job{}, errors.New("the test listener's URL is not known: TEST_URL is not set, and the warnings " +
			"before this line say why it could not be found")
	}
	if f.release == "" && checked.MentionsRelease() {
		return smoke.Job{}, errors.New("the suite mentions ${RELEASE}, but the release is not known: stamp it " +
			"with render-taskdef --release, or set RELEASE")
	}
	var values map[string]suite.Value
	var err error
	parallel.Do(func() {
		values, err = g.values(ctx, checked)
	}, func() {
		switch {
		case f.lifecycleEvent != lifecycle.BeforeAllowTraffic:
		case in.stage != nil && f.Share.Value() > 0: // a step that moves production on: everything is judged again
			s.Evidence = decision.NoEvidence("production already serves the new release")
			s.Compared = g.evidence(ctx, *s, decision.ComparedIn)
		default:
			s.Evidence = g.evidence(ctx, *s, decision.EvidenceIn)
		}
	})
	if err != nil {
		return smoke.Job{}, err
	}
	job := smoke.Job{
		Suite: src, Values: values, Nonce: rand.Text(), Hidden: g.Settings.AWS.Secrets(),
		Target: f.test, Baseline: f.production, NoBaseline: s.Baseline.Why(),
		Release: f.release, DeploymentID: in.event.DeploymentID,
		Phases: phases(f.lifecycleEvent, s.Evidence.Known() && !in.rollback.Load()),
	}
	if job.Baseline.URL = s.Baseline.URL(); job.Baseline.URL == "" {
		job.Baseline = smoke.Side{}
	}
	switch placeholder := f.Replacement.Value().Bootstrap; {
	case placeholder && !f.Rollout.Value().First:
		return smoke.Job{}, errors.New("the new release has the label greenlight.bootstrap=true, which is the " +
			"placeholder's: the next release would not be compared with it")
	case f.Original.Value().Bootstrap:
		job.UncomparableBaseline = "production is still served by the stack's placeholder (greenlight.bootstrap=true)"
	case f.creation != "":
		job.UncomparableBaseline = f.creation
	case placeholder:
		job.UncomparableBaseline = "the service is being created with the stack's placeholder"
	case s.Compared.Known():
		job.UncomparableBaseline = s.Baseline.Why() + "; an earlier step compared"
	}
	if why := smoke.OneAddress(ctx, checked, job); why != "" {
		return smoke.Job{}, errors.New(why +
			": correct TEST_URL or PRODUCTION_URL, or say which headers lead to the new release only (TEST_HEADERS)")
	}
	return job, nil
}

func misconfigured(reason string) decision.Problem {
	return decision.Problem{Blame: finding.BlameConfig, Reason: reason}
}

// brokenSuite is the first problems of a suite on one line; `smoke --validate` shows all of them.
func brokenSuite(problems diagnostic.List) error {
	const most = 3
	errs := problems.Errors(false).Sorted()
	var lines []string
	for _, p := range errs[:min(most, len(errs))] {
		lines = append(lines, fmt.Sprintf("%s: %s", p.Place, p.Text))
	}
	if more := len(errs) - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more (smoke --validate shows them)", more))
	}
	return errors.New("the suite is broken: " + strings.Join(lines, "; "))
}

// watch logs what the run finds as it finds it.
func (in *invocation) watch(p smoke.Progress) {
	switch {
	case p.Check != nil:
		in.j.check(*p.Check)
	case p.Compare != nil:
		in.j.compare(*p.Compare)
	case p.Text != "":
		in.j.debug(p.Text)
	}
}
