package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rollout"
)

// verdictTries is how often a failed gate's verdict is looked for: CloudWatch Logs shows a line some seconds late.
const verdictTries = 4

// once prints a line that was not printed before.
func (s *session) once(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if s.seen[text] {
		return
	}
	s.seen[text] = true
	if !s.began.IsZero() {
		text = fmt.Sprintf("%6s  %s", time.Since(s.began).Round(time.Second), text)
	}
	say(s.at.stdout, "  %s", text)
}

// show prints what is new.
func (s *session) show(now rollout.State) {
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	for _, stage := range now.Stages {
		if stage.Status != rollout.Pending {
			s.once("%-30s %s", stage.Name, stage.Status)
		}
	}
	if now.Share > 0 {
		s.once("production traffic: %g %% for the new revision", now.Share)
	}
	if w := now.Wait; w != nil {
		s.once("waits for approval%s", w.Ends)
		s.once("  greenlight approve --deployment %s --why TEXT", now.ID)
		s.once("  greenlight reject --deployment %s --why TEXT", now.ID)
	}
	if now.Unread != nil {
		s.once("whether the gate asks for approval is not known: %v", now.Unread)
	}
	if now.Phase == rollout.RollingBack {
		s.once("rolls back: %s", cmp.Or(now.Reason, "AWS does not say why"))
	}
}

// trouble says that AWS does not answer, once for each reason.
func (s *session) trouble(err error) {
	s.once("cannot be seen, and is looked at again: %v", err)
}

// next is what somebody can do who does not follow a deployment any more.
func (s *session) next(id string) {
	say(s.at.stderr, "look at it:  greenlight status --deployment %s", id)
	say(s.at.stderr, "stop it:     greenlight reject --deployment %s --why TEXT", id)
}

// lost says that the deployment cannot be seen any more.
func (s *session) lost(id string, err error) int {
	say(s.at.stderr, "greenlight: %v", err)
	say(s.at.stderr, "greenlight: how the deployment ends is not known: it may go on")
	s.next(id)
	return exitUnknown
}

// end prints how the deployment ended, or where it is; the last line has the reason. It returns the exit code. A failed
// gate's verdict is waited for, unless every is 0.
func (s *session) end(ctx context.Context, now rollout.State, every time.Duration) int {
	ctx, stop := s.at.interruptible(ctx)
	defer stop()
	var verdicts []rollout.Verdict
	for try := range verdictTries {
		var err error
		if verdicts, err = s.aws.Verdicts(ctx, now); err != nil {
			say(s.at.stderr, "greenlight: warning: the gate's verdict cannot be read: %v", err)
			break
		}
		failed := now.Phase.Over() && now.Phase != rollout.Live
		if !failed || every == 0 || s.stopped != "" || len(now.Functions) == 0 || failing(verdicts) != nil ||
			try == verdictTries-1 {
			break
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
		}
	}
	for _, v := range verdicts {
		say(s.at.stdout, "gate        %s at %s: %s", v.Verdict, v.Event, v.Reason)
		if page := cmp.Or(v.Link, v.Report); page != "" {
			say(s.at.stdout, "report      %s", page)
		}
	}
	say(s.at.stdout, "link        %s", now.Link)
	now.Reason = cmp.Or(s.stopped, now.Reason)
	text, code := outcome(now, failing(verdicts))
	say(s.at.stdout, "%s", text)
	return code
}

// failing is the last verdict that shut the gate.
func failing(verdicts []rollout.Verdict) *rollout.Verdict {
	for _, v := range slices.Backward(verdicts) {
		if v.Status == "Failed" {
			return &v
		}
	}
	return nil
}

// outcome is how a deployment ended, or where it is, with the reason, in one line, and the exit code.
func outcome(s rollout.State, gate *rollout.Verdict) (string, int) {
	definition := cmp.Or(s.Definition[strings.LastIndex(s.Definition, "/")+1:], "the new revision")
	reason := cmp.Or(s.Reason, "AWS does not say why")
	if gate != nil {
		reason = gate.Event + ": " + gate.Reason
	}
	switch s.Phase {
	case rollout.Live:
		return fmt.Sprintf("LIVE  %s serves %s", definition, s.Of), 0
	case rollout.RolledBack:
		return fmt.Sprintf("ROLLED BACK  %s does not serve %s: %s", definition, s.Of, reason), exitNotLive
	case rollout.Ended:
		return fmt.Sprintf("NOT LIVE  %s is %s without a rollback, and %s does not serve, or not alone: %s", s.ID, s.Status,
			definition, reason), exitNotLive
	case rollout.Waits:
		return "WAITS  for approval: " + s.ID, exitWaits
	case rollout.RollingBack:
		return fmt.Sprintf("ROLLING BACK  %s: %s", definition, reason), exitGoesOn
	case rollout.UnderWay:
	}
	if s.Share == 100 {
		return fmt.Sprintf("UNDER WAY  %s has all of the production traffic of %s, and %s may still roll it back", definition,
			s.Of, s.ID), exitGoesOn
	}
	return "UNDER WAY  " + s.ID + " goes on", exitGoesOn
}
