package gate

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/remote"
	"github.com/greenlight-ecs/greenlight/pkg/secret"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/together"
)

// decide comes to the verdict of an invocation: facts, suite, variables, run.
func (g *Gate) decide(ctx context.Context, in *invocation) Decision {
	if g.SettingsError != nil {
		return misconfigured(g.SettingsError.Error())
	}
	preparing, cancel := context.WithDeadline(ctx, in.budget.prepared)
	defer cancel()
	if err := g.discover(preparing, in); err != nil {
		return misconfigured(err.Error())
	}
	src, err := g.source(preparing, in.facts)
	if err != nil {
		return in.named(misconfigured(err.Error()))
	}
	suite, problems := smoke.Read(src)
	if suite == nil {
		d := in.named(misconfigured(brokenSuite(problems)))
		d.Suite = src.Name
		return d
	}
	job, err := g.job(preparing, in, src, suite)
	if err != nil {
		d := in.named(misconfigured(err.Error()))
		d.Suite, d.SuiteSHA256 = suite.Name(), suite.SHA256()
		return d
	}
	return g.judge(ctx, in, suite, job)
}

// judge runs the suite, and makes a decision of its report.
func (g *Gate) judge(ctx context.Context, in *invocation, suite *smoke.Suite, job planned) Decision {
	var report smoke.Report
	var err error
	led := false
	together.Do(
		func() { report, err = g.run(ctx, in, suite, job.Job) },
		func() { led = !suite.MentionsRelease() && g.listenerProof(ctx, in) },
	)
	if err != nil {
		return in.notReported(err, suite)
	}
	in.notRun(report)
	d := in.decision(report, suite, job.noEvidence)
	d.report = &report
	if g.Settings.ReportBucket != "" {
		d.Link = "s3://" + g.Settings.ReportBucket + "/" + reportKey(in, "html")
	}
	switch {
	case d.Verdict == smoke.Pass && !report.ReleaseProven:
		// A check may mention the release and not have run in this phase.
		led = led || suite.MentionsRelease() && g.listenerProof(ctx, in)
		if !led {
			d.unproven()
		}
	case report.Readiness != nil && report.Readiness.Verdict == smoke.Fail:
		g.explainReadiness(ctx, in, &d)
	}
	return d
}

// run runs the suite here, or has the prober run it inside the VPC.
func (g *Gate) run(ctx context.Context, in *invocation, suite *smoke.Suite, job smoke.Job) (smoke.Report, error) {
	if g.Settings.ProberFunction == "" {
		return suite.Run(ctx, job, in.watch), nil
	}
	prober := remote.Prober{AWS: g.AWS, Function: g.Settings.ProberFunction, Note: in.j.note}
	report, err := prober.Run(ctx, suite, job)
	if err != nil {
		return smoke.Report{}, err
	}
	for i := range report.Checks {
		in.j.check(report.Checks[i])
	}
	for i := range report.Compares {
		in.j.compare(report.Compares[i])
	}
	return report, nil
}

// notReported is the decision when the prober has nothing to say about the release.
func (in *invocation) notReported(err error, suite *smoke.Suite) Decision {
	d := in.named(undecided())
	d.Reason, d.Suite, d.SuiteSHA256 = err.Error(), suite.Name(), suite.SHA256()
	if errors.Is(err, remote.ErrOutlasted) || errors.Is(err, remote.ErrUnusable) {
		d.Blame = smoke.BlameConfig
	}
	return d
}

// named adds what is known of the release to a decision that was made before the suite ran.
func (in *invocation) named(d Decision) Decision {
	d.Release = in.facts.release
	return d
}

// planned is what is to be run.
type planned struct {
	smoke.Job
	// noEvidence is why there is none of an earlier gate, where there should be.
	noEvidence string
}

// job puts together what the run needs. An error is a misconfiguration.
func (g *Gate) job(ctx context.Context, in *invocation, src smoke.Source, suite *smoke.Suite) (planned, error) {
	f := in.facts
	if f.deployment != nil && len(f.deployment.TestListeners) == 0 && f.lifecycleEvent == lifecycle.BeforeAllowTraffic {
		return planned{}, fmt.Errorf("the deployment group %s has no test listener, so nothing can be judged before production traffic: add one to the deployment group", f.deployment.Group)
	}
	if f.test.url == "" {
		return planned{}, errors.New("the test listener's URL is not known: TEST_URL is not set, and the warnings before this line say why it could not be found")
	}
	if f.release == "" && suite.MentionsRelease() {
		return planned{}, errors.New("the suite mentions ${RELEASE}, and nobody says which release this is: stamp it with render-taskdef --release, or set RELEASE")
	}
	var values map[string]smoke.Value
	var err, noEvidence error
	together.Do(func() {
		values, err = secret.Sources{Env: g.Settings.SuiteEnvironment.over(g.Environment), AWS: g.AWS}.Resolve(ctx, suite.References())
	}, func() {
		if f.lifecycleEvent == lifecycle.BeforeAllowTraffic {
			noEvidence = g.evidence(ctx, f)
		}
	})
	if err != nil {
		return planned{}, err
	}
	why, judged := "", noEvidence == nil && !in.rollback.Load()
	if noEvidence != nil && !in.rollback.Load() {
		why = noEvidence.Error()
	}
	job := smoke.Job{
		Suite: src, Values: values, Target: f.test.url, Baseline: f.production.url,
		TargetAddrs: f.test.addresses, BaselineAddrs: f.production.addresses,
		Release: f.release, DeploymentID: in.event.DeploymentID, Phases: phases(f.lifecycleEvent, judged),
	}
	if o := f.definitions.Original; o != nil && o.Bootstrap {
		job.UncomparableBaseline = "production is still served by the stack's placeholder (greenlight.bootstrap=true)"
	}
	return planned{job, why}, nil
}

// brokenSuite is the first problems of a suite as one line; the build's `smoke --validate` shows all.
func brokenSuite(problems diagnostic.List) string {
	const most = 3
	errs := problems.Errors(false).Sorted()
	var lines []string
	for _, p := range errs[:min(most, len(errs))] {
		lines = append(lines, fmt.Sprintf("%s: %s", p.Place, p.Text))
	}
	if more := len(errs) - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more (smoke --validate shows them)", more))
	}
	return "the suite is broken: " + strings.Join(lines, "; ")
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

func (in *invocation) notRun(r smoke.Report) {
	for _, w := range r.Warnings {
		in.j.warn(w)
	}
	for _, n := range r.NotRun {
		in.j.warn(fmt.Sprintf("%s was not run: %s", n.Check, n.Why))
	}
}

// decision is the report as a verdict of the gate.
func (in *invocation) decision(r smoke.Report, suite *smoke.Suite, noEvidence string) Decision {
	d := Decision{
		Verdict: r.Verdict, Blame: r.Blame, Reason: r.Reason,
		InconclusiveAllowed: suite.InconclusiveAllowed(),
		Release:             in.facts.release, Suite: suite.Name(), SuiteSHA256: suite.SHA256(),
	}
	if noEvidence != "" {
		d.Reason = strings.TrimSpace(d.Reason + " (evidence=none: " + noEvidence + "; so the whole suite was run here)")
	}
	return d
}
