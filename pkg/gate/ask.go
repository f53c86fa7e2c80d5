package gate

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/greenlight-ecs/greenlight/pkg/approval"
	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/discovery"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
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
		select {
		case <-time.After(min(left, askEvery)):
		case <-ctx.Done():
		}
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
	in.j.asks(q, d.Reason, link)
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
