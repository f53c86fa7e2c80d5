package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/approval"
	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/notify"
	"github.com/greenlight-ecs/greenlight/pkg/rollout"
	"github.com/greenlight-ecs/greenlight/pkg/taskdef"
)

// answerTries is how often, a second apart, it is looked whether a gate that asks has taken an answer.
const answerTries = 60

// look is what status, approve and reject look at.
type look struct {
	session
	why string
	now rollout.State
}

// command makes a command that looks at a deployment, the newest one where none is named, before it does anything.
func (l *look) command(name string, flags cli.Flags, do func(context.Context) int) *cli.Command {
	flags["deployment"] = &l.deployment
	return does(name, l.flags(flags), l.wrong, func(ctx context.Context) int {
		ctx, stop := l.at.interruptible(ctx)
		defer stop()
		if err := l.find(ctx); err != nil {
			return l.failed(exitUnknown, "%v", err)
		}
		return do(ctx)
	})
}

// wrong says what is wrong with the flags.
func (l *look) wrong(c *cli.Command, args []string) error {
	silent := c.Name != "status" && strings.TrimSpace(l.why) == ""
	return cmp.Or(
		cli.When(len(args) > 0, noArguments),
		l.choose(true),
		cli.When(silent, "--why is missing: the reason, for whoever asks later"),
	)
}

// find finds the deployment, and how it is.
func (l *look) find(ctx context.Context) error {
	err := l.connect(ctx)
	if err == nil && l.deployment == "" {
		l.deployment, err = l.controller.Latest(ctx)
	}
	if err == nil {
		l.now, err = l.controller.Look(ctx, l.deployment)
	}
	return err
}

func statusCommand(at surroundings) *cli.Command {
	l := &look{session: session{at: at}}
	return l.command("status", cli.Flags{}, l.status)
}

func (l *look) status(ctx context.Context) int {
	say(l.at.stdout, "deployment  %s of %s", l.now.ID, l.now.Of)
	say(l.at.stdout, "revision    %s", cmp.Or(l.now.Definition, "not known"))
	say(l.at.stdout, "status      %s (%s) %s", l.now.Phase, l.now.Status, l.now.Reason)
	l.show(l.now)
	if !l.now.Phase.Over() && l.now.Definition != "" {
		if err := l.changes(ctx); err != nil {
			l.warn("warning: what the revision changes cannot be read: %v", err)
		}
	}
	kept, _, err := l.aws.Kept(ctx, l.now)
	if err != nil {
		l.warn("warning: whether somebody decided cannot be read: %v", err)
	}
	say(l.at.stdout, "decision    %s", cmp.Or(kept, "none is stored"))
	return l.end(ctx, l.now, 0)
}

// changes prints what the new revision changes.
func (l *look) changes(ctx context.Context) error {
	before, err := l.controller.Previous(ctx, l.now)
	if err != nil || before == "" {
		return err
	}
	old, err1 := l.aws.Definition(ctx, before)
	text, err2 := l.aws.Definition(ctx, l.now.Definition)
	if err := cmp.Or(err1, err2); err != nil {
		return err
	}
	all, problems := taskdef.Differences(old, l.now.Definition, text)
	if len(problems) > 0 {
		return errors.New("a task definition cannot be read")
	}
	say(l.at.stdout, "changes     %d, compared with %s", len(all), before[strings.LastIndex(before, "/")+1:])
	for _, x := range all {
		say(l.at.stdout, "  %s", worded(x))
	}
	return nil
}

// decideCommand is the command of a decision, approve or reject.
func decideCommand(at surroundings, name string) *cli.Command {
	l := &look{session: session{at: at}}
	return l.command(name, cli.Flags{"why": &l.why}, func(ctx context.Context) int { return l.decide(ctx, name == "approve") })
}

// decide decides, where there is something to decide.
func (l *look) decide(ctx context.Context, goOn bool) int {
	if l.now.Phase.Over() || l.now.Phase == rollout.RollingBack {
		return l.tooLate(ctx, exitNotLive, l.now)
	}
	if goOn && l.now.Wait == nil {
		return l.tooLate(ctx, exitRefused, l.now)
	}
	who, err := l.aws.Who(ctx)
	if err != nil && goOn {
		return l.failed(exitUnknown, "nobody approves without a name: %v", err)
	}
	decision := map[bool]string{true: approval.Approved, false: approval.Rejected}[goOn] + " by " +
		cmp.Or(who, "somebody whom STS did not name") + " at " + time.Now().UTC().Format(time.RFC3339)
	if w := l.now.Wait; w != nil && w.Question != "" {
		return l.answer(ctx, decision)
	}
	if err := l.controller.Decide(ctx, l.now, goOn); err != nil {
		return l.refused(ctx, err)
	}
	say(l.at.stdout, "%s  %s: %s", l.now.ID, decision, l.why)
	if err := l.aws.Keep(ctx, l.now, decision, l.why); err != nil {
		l.warn("warning: it is decided, and who decided could not be stored: %v", err)
	}
	return 0
}

// answer answers the gate that asks, where nobody did, and waits for what it makes of the answer.
func (l *look) answer(ctx context.Context, decision string) int {
	switch kept, answered, err := l.aws.Kept(ctx, l.now); {
	case err != nil:
		return l.failed(exitUnknown, "nothing was decided: whether somebody else did cannot be read: %v", err)
	case answered:
		return l.failed(exitNotLive, "somebody was faster: %s", kept)
	}
	if err := l.aws.Keep(ctx, l.now, decision, l.why); err != nil {
		return l.refused(ctx, err)
	}
	say(l.at.stdout, "%s  %s: %s; waiting for the gate", l.now.ID, decision, l.why)
	asked := l.now.Wait.Question[strings.LastIndex(l.now.Wait.Question, "/")+1:] // when, as the log's lines say it
	for range answerTries {
		verdicts, err := l.aws.Verdicts(ctx, l.now)
		for _, said := range verdicts {
			if err != nil || said.Text("timestamp") <= asked {
				continue
			}
			if !strings.HasPrefix(said.Text("reason"), approval.Text(decision)) {
				return l.failed(exitNotLive, "too late, or somebody was faster: the gate says %s", said.Text("reason"))
			}
			l.gate(said)
			return 0
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return l.unknown(ctx.Err())
		}
	}
	return l.unknown(errors.New("the decision is stored, and the gate does not answer"))
}

// refused tells why a decision came to nothing: somebody else was faster, the deployment ended meanwhile, or AWS
// refused it.
func (l *look) refused(ctx context.Context, err error) int {
	if awsclient.Unclear(err) {
		return l.unknown(err)
	}
	now, second := l.controller.Look(ctx, l.now.ID)
	if second == nil && (now.Phase != l.now.Phase || !reflect.DeepEqual(now.Wait, l.now.Wait)) {
		return l.tooLate(ctx, exitNotLive, now)
	}
	return l.failed(exitRefused, "nothing was decided: %v", err)
}

func (l *look) unknown(err error) int {
	l.warn("it is not known whether it is decided; look with: greenlight status --deployment %s", l.now.ID)
	return l.failed(exitUnknown, "%v", err)
}

// tooLate says that there is nothing to decide any more, and who decided, as far as that is known.
func (l *look) tooLate(ctx context.Context, code int, s rollout.State) int {
	text, _ := outcome(s, nil)
	l.warn("there is nothing to decide (any more): %s", text)
	if s.Unread != nil {
		l.warn("whether a gate asks is not known, its log cannot be read: %v", s.Unread)
	}
	if kept, _, err := l.aws.Kept(ctx, s); err == nil && kept != "" {
		l.warn("the last decision: %s", kept)
	}
	return code
}

// verdictTries is how often a failed gate's verdict is looked for: CloudWatch Logs shows a line some seconds late.
const verdictTries = 4

// once prints a line that was not printed before.
func (s *session) once(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(s.seen, text) {
		s.seen = append(s.seen, text)
		s.line(text)
	}
}

// line prints a line, and when.
func (s *session) line(text string) {
	if s.told = time.Now(); !s.began.IsZero() {
		text = fmt.Sprintf("%6s  %s", s.told.Sub(s.began).Round(time.Second), text)
	}
	say(s.at.stdout, "  %s", text)
}

// show prints what is new.
func (s *session) show(now rollout.State) {
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

// next is what somebody can do who does not follow a deployment any more.
func (s *session) next(id string) {
	say(s.at.stderr, "look at it:  greenlight status --deployment %s", id)
	say(s.at.stderr, "stop it:     greenlight reject --deployment %s --why TEXT", id)
}

// lost says that the deployment cannot be seen any more.
func (s *session) lost(id string, err error) int {
	s.warn("%v", err)
	s.warn("how the deployment ends is not known: it may go on")
	s.next(id)
	return exitUnknown
}

// end prints how the deployment ended, or where it is; the last line has the reason. It returns the exit code. A failed
// gate's verdict is waited for, unless every is 0.
func (s *session) end(ctx context.Context, now rollout.State, every time.Duration) int {
	ctx, stop := s.at.interruptible(ctx)
	defer stop()
	mayBeLate := every > 0 && s.stopped == "" && now.Phase.Over() && now.Phase != rollout.Live && len(now.Functions) > 0
	var verdicts []notify.Line
	for try := 1; ; try++ {
		var err error
		if verdicts, err = s.aws.Verdicts(ctx, now); err != nil {
			s.warn("warning: the gate's verdict cannot be read: %v", err)
		}
		if err != nil || !mayBeLate || failing(verdicts) != nil || try == verdictTries {
			break
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
		}
	}
	for _, v := range verdicts {
		s.gate(v)
		if page := v.Text("report"); page != "" {
			say(s.at.stdout, "report      %s", page)
		}
	}
	say(s.at.stdout, "link        %s", now.Link)
	now.Reason = cmp.Or(s.stopped, now.Reason)
	text, code := outcome(now, failing(verdicts))
	say(s.at.stdout, "%s", text)
	return code
}

// gate prints a verdict.
func (s *session) gate(v notify.Line) {
	say(s.at.stdout, "gate        %s at %s: %s", v.Text("verdict"), v.Text("lifecycle_event"), v.Text("reason"))
}

// failing is the last verdict that shut the gate.
func failing(verdicts []notify.Line) notify.Line {
	for _, v := range slices.Backward(verdicts) {
		if v.Text("status") == "Failed" {
			return v
		}
	}
	return nil
}

// outcome is how a deployment ended, or where it is, with the reason, in one line, and the exit code.
func outcome(s rollout.State, gate notify.Line) (string, int) {
	definition := cmp.Or(s.Definition[strings.LastIndex(s.Definition, "/")+1:], "the new revision")
	reason := cmp.Or(s.Reason, "AWS does not say why")
	if gate != nil {
		reason = gate.Text("lifecycle_event") + ": " + gate.Text("reason")
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
