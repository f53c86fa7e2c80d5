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

// screen tells how a deployment goes on, a line for whatever changes.
type screen struct {
	at         surroundings
	controller rollout.Controller
	began      time.Time
	stages     map[string]string
	share      float64
	phase      rollout.Phase
	wait       rollout.Wait
	// troubled is the last trouble that was told, stopped why this command itself stopped the deployment.
	troubled, stopped string
}

func newScreen(at surroundings, c rollout.Controller) *screen {
	return &screen{at: at, controller: c, began: time.Now(), stages: map[string]string{}}
}

func (s *screen) line(format string, args ...any) {
	say(s.at.stdout, "%8s  %s", time.Since(s.began).Round(time.Second), fmt.Sprintf(format, args...))
}

// show prints what is new.
func (s *screen) show(now rollout.State) {
	s.troubled = ""
	for _, stage := range now.Stages {
		if stage.Status != "Pending" && s.stages[stage.Name] != stage.Status {
			s.stages[stage.Name] = stage.Status
			s.line("%-30s %s", stage.Name, stage.Status)
		}
	}
	if now.Share >= 0 && now.Share != s.share {
		s.share = now.Share
		s.line("production traffic: %g %% for the new revision", now.Share)
	}
	if now.Wait != nil && *now.Wait != s.wait {
		s.line("waits for approval%s", ends(*now.Wait))
		s.line("  greenlight approve --deployment %s --why TEXT", now.ID)
		s.line("  greenlight reject --deployment %s --why TEXT", now.ID)
		s.wait = *now.Wait
	}
	if now.Phase != s.phase && now.Phase == rollout.RollingBack {
		s.line("rolls back: %s", cmp.Or(now.Reason, "AWS does not say why"))
	}
	s.phase = now.Phase
}

// ends says what ends a wait by itself.
func ends(w rollout.Wait) string {
	if w.Until.IsZero() {
		return ""
	}
	return fmt.Sprintf(" until %s; then %s", w.Until.UTC().Format(time.RFC3339), w.Then)
}

// trouble says that AWS does not answer, once for each reason.
func (s *screen) trouble(err error) {
	if err.Error() != s.troubled {
		s.troubled = err.Error()
		say(s.at.stderr, "greenlight: the deployment cannot be seen: %v; trying again", err)
	}
}

// next is what somebody can do who does not follow a deployment any more.
func (s *screen) next(id string) {
	say(s.at.stderr, "look at it:  greenlight status --deployment %s", id)
	say(s.at.stderr, "stop it:     greenlight reject --deployment %s --why TEXT", id)
}

// left says that the deployment goes on.
func (s *screen) left(id string) {
	say(s.at.stderr, "greenlight: interrupted; the deployment goes on")
	s.next(id)
}

// lost says that the deployment cannot be seen any more.
func (s *screen) lost(id string, err error) int {
	say(s.at.stderr, "greenlight: %v", err)
	say(s.at.stderr, "greenlight: how the deployment ends is not known: it may go on")
	s.next(id)
	return exitUnknown
}

// end prints how the deployment ended, or where it is; the last line has the reason. It returns the exit code.
func (s *screen) end(ctx context.Context, a rollout.AWS, now rollout.State, every time.Duration) int {
	ctx, stop := s.at.interruptible(ctx)
	defer stop()
	verdicts := s.verdicts(ctx, a, now, every)
	say(s.at.stdout, "link        %s", now.Link)
	for _, v := range verdicts {
		say(s.at.stdout, "gate        %s", gateLine(v))
		if page := cmp.Or(v.Link, v.Report); page != "" {
			say(s.at.stdout, "report      %s", page)
		}
	}
	now.Reason = cmp.Or(s.stopped, now.Reason)
	text, code := outcome(now, verdicts)
	say(s.at.stdout, "%s", text)
	return code
}

// verdicts reads the gate's verdicts. A failed gate's is waited for.
func (s *screen) verdicts(ctx context.Context, a rollout.AWS, now rollout.State, every time.Duration) []rollout.Verdict {
	for try := 1; ; try++ {
		verdicts, err := a.Verdicts(ctx, now)
		if err != nil {
			say(s.at.stderr, "greenlight: warning: the gate's verdict cannot be read: %v", err)
			return verdicts
		}
		expected := len(now.Functions) > 0 && s.stopped == "" && (now.Phase == rollout.RolledBack || now.Phase == rollout.Ended)
		if !expected || failing(verdicts) != nil || try == verdictTries {
			return verdicts
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return verdicts
		}
	}
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

func gateLine(v rollout.Verdict) string {
	return oneLine(fmt.Sprintf("%s at %s: %s", v.Verdict, v.Event, cmp.Or(v.Reason, "no reason was given")))
}

// outcome is how a deployment ended, or where it is, with the reason, in one line, and the exit code.
func outcome(s rollout.State, verdicts []rollout.Verdict) (string, int) {
	definition := cmp.Or(s.Definition[strings.LastIndex(s.Definition, "/")+1:], "the new revision")
	reason := cmp.Or(s.Reason, "AWS does not say why")
	if v := failing(verdicts); v != nil {
		reason = fmt.Sprintf("%s: %s", v.Event, v.Reason)
	}
	switch reason = oneLine(reason); s.Phase {
	case rollout.Live:
		return fmt.Sprintf("LIVE  %s serves %s", definition, s.Of), 0
	case rollout.RolledBack:
		return fmt.Sprintf("ROLLED BACK  %s does not serve %s: %s", definition, s.Of, reason), exitNotLive
	case rollout.Ended:
		return fmt.Sprintf("NOT LIVE  %s is %s without a rollback, and %s does not serve, or not alone: %s", s.ID, s.Status,
			definition, reason), exitNotLive
	case rollout.Waits:
		return fmt.Sprintf("WAITS  for approval: %s", s.ID), exitWaits
	case rollout.RollingBack:
		return fmt.Sprintf("ROLLING BACK  %s: %s", definition, reason), exitGoesOn
	case rollout.UnderWay:
	}
	if s.Share == 100 {
		return fmt.Sprintf("LIVE  %s has all of the production traffic of %s; the deployment goes on", definition, s.Of), 0
	}
	return fmt.Sprintf("UNDER WAY  %s goes on", s.ID), exitGoesOn
}

// oneLine keeps a foreign text from looking like lines of ours, and from reaching the terminal as an escape code.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }), " ")
}
