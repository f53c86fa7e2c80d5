package main

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rollout"
)

// goesOn is a deployment that goes on until it is brought back.
type goesOn struct{ back bool }

func (*goesOn) Stages() []string { return []string{"A"} }

func (*goesOn) Begin(context.Context, string, string, string) (string, error) { return "d-1", nil }

func (*goesOn) Latest(context.Context) (string, error) { return "d-1", nil }

func (*goesOn) Previous(context.Context, rollout.State) (string, error) { return "", nil }

func (g *goesOn) Decide(context.Context, rollout.State, bool) error {
	g.back = true
	return nil
}

func (g *goesOn) Look(_ context.Context, id string) (rollout.State, error) {
	if g.back {
		return rollout.State{ID: id, Phase: rollout.RolledBack, Share: -1}, nil
	}
	return rollout.State{ID: id, Phase: rollout.UnderWay, Share: -1}, nil
}

// At a terminal whoever interrupts is asked what is to become of the deployment.
func TestWhoeverInterruptsIsAsked(t *testing.T) {
	for answers, want := range map[string]struct {
		code int
		back bool
		says string
	}{
		"s\n":         {exitNotLive, true, "somebody stopped it at the terminal"},
		"what?\n":     {130, false, "interrupted; the deployment goes on"},
		"":            {130, false, "interrupted; the deployment goes on"},
		"interrupted": {130, false, "greenlight reject --deployment d-1"},
		"f\n":         {130, false, "d-1 goes on without this command"}, // and once more: there is no answer then
	} {
		t.Run(answers, func(t *testing.T) {
			var out bytes.Buffer
			controller, asked := &goesOn{}, 0
			at := surroundings{stdin: strings.NewReader(answers), stdout: &out, stderr: &out, asks: true}
			if answers == "interrupted" { // while it is asked, too
				at.stdin, _ = io.Pipe()
			}
			at.interruptible = func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				asked++
				if asked == 1 || answers == "interrupted" || answers == "f\n" && asked == 3 {
					cancel()
				}
				return ctx, cancel
			}
			d := &deploy{session: session{at: at, controller: controller}, every: time.Millisecond}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if code := d.follow(ctx, "d-1"); code != want.code || controller.back != want.back || !strings.Contains(out.String(), want.says) {
				t.Errorf("code %d, back %t:\n%s", code, controller.back, &out)
			}
		})
	}
}

// A build's log must not be silent for the hour that a hook may take; what is new is told at once, and counts.
func TestWhatIsWaitedForIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		d := &deploy{session: session{at: surroundings{stdout: &out}, controller: &goesOn{}}, every: lookEvery}
		d.began, d.told = time.Now(), time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 99*time.Second)
		defer cancel()
		_, _ = d.look(ctx, "d-1")
		if want := "     30s  waits: under way\n    1m0s  waits: under way\n   1m30s  waits: under way\n"; out.String() != want {
			t.Errorf("%q, want %q", &out, want)
		}
	})
	s := rollout.State{Stages: []rollout.Stage{{Name: "A", Status: "Succeeded"}, {Name: "B", Status: rollout.InProgress}, {Name: "C", Status: rollout.Pending}}}
	if got := under(s); got != "B" {
		t.Errorf("%q is under way", got)
	}
}

// 0 is kept for a revision that serves and stays.
func TestADeploymentThatGoesOnIsNoSuccess(t *testing.T) {
	for want, s := range map[string]rollout.State{
		"UNDER WAY  web:3 has all of the production traffic of trips/web, and d-1 may still roll it back": {Share: 100},
		"UNDER WAY  d-1 goes on":           {Share: 99},
		"ROLLING BACK  web:3: of an alarm": {Share: 100, Phase: rollout.RollingBack},
	} {
		s.ID, s.Of, s.Definition, s.Reason = "d-1", "trips/web", "arn:task-definition/web:3", "of an alarm"
		s.Phase = cmp.Or(s.Phase, rollout.UnderWay)
		if text, code := outcome(s, nil); text != want || code != exitGoesOn {
			t.Errorf("%q, %d, want %q", text, code, want)
		}
	}
}

// What follows a stage that failed is skipped: that stage is not over, as --until means it.
func TestUntilDoesNotEndWhereAStageFailed(t *testing.T) {
	d := &deploy{session: session{controller: rollout.CodeDeploy{}}, until: "AfterAllowTestTraffic"}
	for want, stages := range map[bool][]rollout.Stage{
		true:  {{Name: "AfterAllowTestTraffic", Status: "Succeeded"}, {Name: "BeforeAllowTraffic", Status: rollout.Pending}},
		false: {{Name: "AfterAllowTestTraffic", Status: "Failed"}, {Name: "BeforeAllowTraffic", Status: "Skipped"}},
	} {
		if got := d.enough(rollout.State{Phase: rollout.UnderWay, Stages: stages}); got != want {
			t.Errorf("%v: %t", stages, got)
		}
	}
}
