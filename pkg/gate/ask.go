package gate

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/greenlight-ecs/greenlight/pkg/approval"
	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/discovery"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/secret"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

const (
	// askEvery is how often an answer is looked for, askAgain after how many seconds Amazon ECS calls again.
	askEvery = 5 * time.Second
	askAgain = 10
)

// question is what somebody is asked about a run that is over. Its id names the moment, too: no answer is older.
type question struct {
	ID    string    `json:"id"`
	Until time.Time `json:"until"`
	// Definition is the ARN of the task definition whose tags are to answer; empty where it is not known yet.
	Definition string `json:"definition"`
	// Share is that of production when it was asked: hookDetails outlast a step, and the next one asks by itself.
	Share float64 `json:"share"`
	// Report is what the run found.
	Report finding.Report `json:"report"`
}

// waits returns the state of an earlier call whose question nobody has answered, or "". Nothing opens by it, so what it
// is asked about is looked at once there is an answer.
func (g *Gate) waits(ctx context.Context, in *invocation) string {
	var was state
	if in.stage == nil || in.unreadable != nil || in.rollback.Load() ||
		json.Unmarshal([]byte(in.stage.Before), &was) != nil || was.Question == nil ||
		was.Question.Share != in.stage.ProductionShare || was.Question.Definition == "" {
		return ""
	}
	left := time.Until(was.Question.Until)
	if left <= 0 || left > suite.MaxAskFor || g.answer(ctx, in, was.Question) != (decision.Answer{}) {
		return ""
	}
	in.j.note("nobody has answered yet; it is asked until " + was.Question.Until.Format(time.RFC3339))
	return in.stage.Before
}

// ask asks somebody what to make of it, where the suite says so: in other calls, for which it returns the state, or in
// this one, as long as that lasts.
func (g *Gate) ask(ctx context.Context, in *invocation, d decision.Decision) (decision.Decision, string) {
	most := d.Asks()
	if most == 0 {
		return d, ""
	}
	answered := func(a decision.Answer) (decision.Decision, string) {
		d.Seen.Answer = a
		return decision.Decide(d.Seen), ""
	}
	rollout, known := in.facts.Rollout.Get()
	switch {
	case in.lost:
		return answered(decision.Unanswered("nobody is asked twice, and what an earlier call asked was lost or changed"))
	case in.stage != nil && (!known || rollout.Lenient):
		return answered(decision.Unanswered("nobody is asked: a lifecycle hook that times out lets the deployment go on, or " +
			"it is not known whether it does: set its action to ROLLBACK, allow ecs:DescribeServiceDeployments"))
	}
	q, before, until := in.question, "", in.budget.judging
	if q == nil {
		q, before = g.question(ctx, in, d, most)
	} else {
		before = in.stage.Before
	}
	if before != "" || q.Until.Before(until) {
		until = q.Until
	}
	for {
		a := g.answer(ctx, in, q)
		left := time.Until(until)
		switch {
		case a != (decision.Answer{}):
			return answered(a)
		case left <= 0 || ctx.Err() != nil:
			return answered(decision.Unanswered("nobody approved by " + until.UTC().Format(time.RFC3339)))
		case before != "":
			return d, before
		}
		smoke.Pause(ctx, min(left, askEvery))
	}
}

// question asks: it logs the question, and returns it with the state for other calls where there can be any.
func (g *Gate) question(
	ctx context.Context, in *invocation, d decision.Decision, most time.Duration,
) (q *question, before string) {
	now := time.Now().UTC()
	q = &question{
		ID:    fmt.Sprintf("%s/%s/%s", path.Base(d.Seen.Deployment), d.Seen.Event, now.Format(timestamp)),
		Until: now.Add(most), Report: *d.Seen.Run.Report(),
	}
	g.answer(ctx, in, q) // there is none yet; it says whether there can be one
	q.Report.Checks, q.Report.Compares = slices.Clone(q.Report.Checks), slices.Clone(q.Report.Compares)
	for i := range q.Report.Checks {
		q.Report.Checks[i].Latencies, q.Report.Checks[i].Findings = nil, nil
	}
	for i := range q.Report.Compares {
		q.Report.Compares[i].Green, q.Report.Compares[i].Blue = nil, nil
	}
	if in.stage != nil && g.Settings.EvidenceParameter != "" {
		q.Share = in.stage.ProductionShare
		before = g.hold(ctx, in, d.Seen, state{Question: q})
	}
	if before == "" && in.budget.judging.Before(q.Until) {
		q.Until = in.budget.judging.UTC()
		in.j.warn(fmt.Sprintf("ask_for is %s, and this call, which cannot go on in another one, ends before", most))
	}
	link := g.link(in, d)
	in.j.asks(q, d, link)
	g.upload(ctx, in, d, link)
	return q, before
}

// answer looks for the answer to a question; one that cannot be read is none, and said in the log.
func (g *Gate) answer(ctx context.Context, in *invocation, q *question) decision.Answer {
	ctx, cancel := context.WithTimeout(ctx, in.budget.spare(lookTime))
	defer cancel()
	found := in.facts.Replacement
	definition, known := found.Get()
	if target, ok := in.facts.Target.Get(); ok && !known && q.Definition == "" {
		_, found = discovery.Finder{AWS: g.AWS}.TaskDefinitions(ctx, target)
		definition, _ = found.Get()
	}
	q.Definition = cmp.Or(q.Definition, definition.ARN)
	tags, err := map[string]string(nil), cmp.Or(found.Err(), errors.New("the new release's task definition is not known"))
	if q.Definition != "" {
		tags, err = approval.Tags(ctx, ecs.NewFromConfig(g.AWS), q.Definition)
	}
	if err != nil && err.Error() != in.unread {
		in.unread = err.Error()
		in.j.warn("no answer can be read: " + in.unread)
	}
	return decision.AnswerIn(tags, q.ID)
}

// keepTime bounds storing the verdict for the second gate. It is stored before the status, since the second gate may
// ask for it right after that.
const keepTime = 2 * time.Second

// evidence is what the first gate left for this deployment. It is kept in the parameter EVIDENCE_PARAMETER, which
// the hooks' role may write and nobody else should: whoever may write it may approve a deployment, like whoever
// may write SKIP_PARAMETER. That CodeDeploy shows the first event as Succeeded is not evidence: any function may have
// reported that.
//
// It serves a later step of a native deployment, too: that everything was compared when production was the old
// release's. What was measured then is not compared with anew: pairs are made so that a disturbance meets both sides.
func (g *Gate) evidence(
	ctx context.Context, s decision.Seen, read func(text string, s decision.Seen) decision.Evidence,
) decision.Evidence {
	name := g.Settings.EvidenceParameter
	if name == "" {
		return decision.NoEvidence("EVIDENCE_PARAMETER is not set")
	}
	ctx, cancel := context.WithTimeout(ctx, evidenceTime)
	defer cancel()
	text, err := secret.Sources{AWS: &g.AWS}.Parameter(ctx, name)
	if err != nil {
		return decision.NoEvidence(err.Error())
	}
	return read(text, s)
}

// keep leaves the first gate's verdict for the second one, and that one's for the next step of a native deployment.
// One that cannot be kept costs the time to run the suite again, or a comparison.
func (g *Gate) keep(ctx context.Context, in *invocation, d decision.Decision) {
	steps := in.stage != nil && d.Seen.Event == lifecycle.BeforeAllowTraffic
	if g.Settings.EvidenceParameter == "" || d.Seen.Deployment == "" ||
		d.Seen.Event != lifecycle.AfterAllowTestTraffic && !steps {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), in.budget.spare(keepTime))
	defer cancel()
	text, err := d.Record(time.Now())
	if err == nil {
		// Other runs go on by their checksums; where these cannot be read, they start anew.
		kept, _ := secret.Sources{AWS: &g.AWS}.Parameter(ctx, g.Settings.EvidenceParameter)
		_, sums, _ := strings.Cut(kept, "\n")
		err = g.write(ctx, decision.KeepSum(text+"\n"+sums, in.sum, ""))
	}
	if err != nil {
		in.j.warn("keep the verdict for the second gate: " + err.Error())
	}
}

func (g *Gate) write(ctx context.Context, text string) error {
	_, err := ssm.NewFromConfig(g.AWS).PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String(g.Settings.EvidenceParameter), Value: aws.String(text),
		Type: types.ParameterTypeString, Overwrite: aws.Bool(true),
	})
	return awsclient.Error(err)
}

const (
	// mostCalls bounds how often a run goes on, whoever says how often it did.
	mostCalls = 1000
	// mostState bounds what is handed to Amazon ECS, in bytes.
	mostState = 64 << 10
)

// state is a run that goes on in another call. It travels in hookDetails, which whoever may change the service may
// write, too; its checksum is kept in EVIDENCE_PARAMETER, which only the hooks may: what was forged, or is about
// another deployment, stage, suite, release or address, does not fit, and the run starts anew.
type state struct {
	Calls int             `json:"calls"`
	Run   json.RawMessage `json:"run"`
	// Question is set where the run is over, and somebody is asked what to make of it.
	Question *question `json:"question,omitempty"`
}

// checksum is that of a state of this run.
func (in *invocation) checksum(s decision.Seen, text string) string {
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%q", []string{
		s.Deployment, string(in.stage.Stage), fmt.Sprint(in.stage.ProductionShare), s.SuiteSHA256, s.Release, s.Target, text,
	})))
}

// goOn gives a job of a native deployment what an earlier call of this very run found. Where that asked somebody, the
// run is over, and seen.
func (g *Gate) goOn(ctx context.Context, in *invocation, checked *suite.Suite, s *decision.Seen, job *smoke.Job) {
	if in.stage == nil || g.Settings.EvidenceParameter == "" {
		return
	}
	var was state
	if json.Unmarshal([]byte(in.stage.Before), &was) == nil {
		text, err := secret.Sources{AWS: &g.AWS}.Parameter(ctx, g.Settings.EvidenceParameter)
		if sum := in.checksum(*s, in.stage.Before); err == nil && decision.KeptSum(text, sum) {
			job.Before, in.question, in.sum = was.Run, was.Question, sum
		} else {
			in.lost = was.Question != nil && was.Question.Share == in.stage.ProductionShare
			in.j.warn("what an earlier call is said to have found is not what this run's last one kept: it starts anew")
		}
	}
	in.calls = was.Calls + 1
	job.GoOn = in.calls < mostCalls
	if in.question != nil {
		report := in.question.Report
		report.Nonce = job.Nonce
		in.j.recount(report)
		s.Run = decision.Ran(checked, *job, report)
	}
}

// later returns the state that another call goes on with, once its checksum is kept; "" where this call has to end with
// a verdict.
func (g *Gate) later(ctx context.Context, in *invocation, d *decision.Decision) string {
	report := d.Seen.Run.Report()
	if report == nil || report.Unfinished == nil || d.Verdict != finding.Error || in.rollback.Load() {
		return ""
	}
	if in.stage == nil {
		if err := g.again(ctx, in); err != nil {
			d.Reason += "; go on in another call: " + err.Error()
			return ""
		}
		return string(report.Unfinished)
	}
	return g.hold(ctx, in, d.Seen, state{Calls: in.calls, Run: report.Unfinished})
}

// hold returns a state as text, once its checksum is kept; "" where nobody could go on with it.
func (g *Gate) hold(ctx context.Context, in *invocation, seen decision.Seen, s state) string {
	text, err := json.Marshal(s)
	if err != nil || len(text) > mostState {
		in.j.warn("what was found so far is too much to go on with in another call")
		return ""
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), in.budget.spare(keepTime))
	defer cancel()
	kept, err := secret.Sources{AWS: &g.AWS}.Parameter(ctx, g.Settings.EvidenceParameter)
	if err == nil {
		err = g.write(ctx, decision.KeepSum(kept, in.sum, in.checksum(seen, string(text))))
	}
	if err != nil {
		in.j.warn("go on in another call: " + err.Error())
		return ""
	}
	return string(text)
}
