package deployment_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

func TestStepsAddUp(t *testing.T) {
	for text, want := range map[string][]int{
		"all-at-once":                    {100},
		"CodeDeployDefault.ECSAllAtOnce": {100},
		"ECSCanary10Percent5Minutes":     {10, 100},
		"canary:99,1m":                   {99, 100},
		"linear:10%,3m":                  {10, 20, 30, 40, 50, 60, 70, 80, 90, 100},
		"linear:40,1m":                   {40, 80, 100},
		"linear:50,48h":                  {50, 100},
	} {
		c, err := deployment.ParseConfig(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []int
		for i, s := range c.Steps() {
			got = append(got, s.Percent)
			if last := i == len(want)-1; last != (s.Stays == 0) {
				t.Errorf("%s: step %d stays %s", text, i, s.Stays)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{"", "canary", "canary:0,5m", "canary:100,5m", "canary:10,30s", "canary:10,90s", "canary:10,49h", "linear:x,1m", "blue"} {
		if c, err := deployment.ParseConfig(text); err == nil {
			t.Errorf("ParseConfig(%q) = %+v, want an error", text, c)
		}
	}
}

// What is accepted moves all the traffic, in growing steps, and has a name that CodeDeploy would take.
func FuzzParseConfig(f *testing.F) {
	for _, seed := range []string{"all-at-once", "canary:10,5m", "linear:33%,2h", "CodeDeployDefault.ECSLinear10PercentEvery1Minutes", "canary:10", "linear:,"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := deployment.ParseConfig(text)
		if err != nil {
			return
		}
		before := 0
		for _, s := range c.Steps() {
			if s.Percent <= before || s.Stays < 0 {
				t.Fatalf("%q: %d %% after %d %%, for %s", text, s.Percent, before, s.Stays)
			}
			before = s.Percent
		}
		if before != 100 || c.Name == "" || len(c.Name) > 100 {
			t.Fatalf("%q: %q ends with %d %%", text, c.Name, before)
		}
	})
}

func TestTheShortFormOfOneOfAWSsIsCalledAsAWSCallsIt(t *testing.T) {
	for text, want := range map[string]string{
		"canary:10,5m": "CodeDeployDefault.ECSCanary10Percent5Minutes", "linear:10,3m": "CodeDeployDefault.ECSLinear10PercentEvery3Minutes",
		"canary:20,5m": "rehearsal-canary-20-percent-5-minutes",
	} {
		if c, err := deployment.ParseConfig(text); err != nil || c.Name != want {
			t.Errorf("%s: %q, %v, want %s", text, c.Name, err, want)
		}
	}
}

const id = "d-ABCDEFGHI"

func book() *deployment.Book {
	b := deployment.NewBook()
	b.Add(deployment.New(deployment.Deployment{ID: id, TaskSets: []deployment.TaskSet{
		{Label: deployment.Blue, Weight: 100, Status: "PRIMARY"}, {Label: deployment.Green, Status: "ACTIVE"},
	}}, time.Unix(0, 0)))
	return b
}

func TestTheShiftMakesGreenPrimaryAtTheEnd(t *testing.T) {
	b := book()
	for _, c := range []struct {
		percent     int
		blue, green string
	}{{10, "PRIMARY", "ACTIVE"}, {100, "ACTIVE", "PRIMARY"}, {0, "PRIMARY", "ACTIVE"}} {
		b.Update(id, func(d *deployment.Deployment) { d.Shift(c.percent) })
		d, _ := b.Get(id)
		blue, green := d.TaskSets[0], d.TaskSets[1]
		if blue.Weight+green.Weight != 100 || green.Weight != float64(c.percent) || blue.Status != c.blue || green.Status != c.green {
			t.Errorf("%d %%: blue %+v, green %+v", c.percent, blue, green)
		}
	}
}

func TestWhatHasEndedStaysAsItIs(t *testing.T) {
	b := book()
	at := time.Unix(100, 0)
	b.Update(id, func(d *deployment.Deployment) {
		d.Begin(lifecycle.BeforeInstall, at)
		d.End(lifecycle.BeforeInstall, deployment.EventSucceeded, at, nil)
		d.End(lifecycle.BeforeInstall, deployment.EventFailed, at, nil)
		d.Begin(lifecycle.Install, at)
		d.Skip(lifecycle.Install)
		d.Finish(deployment.Failed, at, nil)
		d.Finish(deployment.Succeeded, at, nil)
	})
	d, _ := b.Get(id)
	want := []deployment.EventStatus{deployment.EventSucceeded, deployment.EventFailed, deployment.EventSkipped}
	for i, s := range want {
		if d.Events[i].Status != s {
			t.Errorf("%s is %s, want %s", d.Events[i].Name, d.Events[i].Status, s)
		}
	}
	if d.Status != deployment.Failed {
		t.Errorf("the deployment is %s, want Failed", d.Status)
	}
}

func TestACopySharesNothing(t *testing.T) {
	b := book()
	d, _ := b.Get(id)
	d.Events[0].Status, d.TaskSets[0].Weight = deployment.EventFailed, 7
	if again, _ := b.Get(id); again.Events[0].Status != deployment.EventPending || again.TaskSets[0].Weight != 100 {
		t.Errorf("the book changed with a copy: %+v", again)
	}
}

func TestAStopArrivesOnce(t *testing.T) {
	b := book()
	if err := b.Stop(id, deployment.Stop{Alarm: "5xx"}); err != nil {
		t.Fatal(err)
	}
	if err := b.Stop(id, deployment.Stop{Rollback: true}); err != nil {
		t.Fatal(err)
	}
	if stop := <-b.Stopped(id); stop.Alarm != "5xx" || stop.Rollback {
		t.Errorf("stop %+v, want the first one", stop)
	}
	select {
	case stop := <-b.Stopped(id):
		t.Errorf("a second stop arrived: %+v", stop)
	default:
	}
	b.Update(id, func(d *deployment.Deployment) { d.Finish(deployment.Stopped, time.Unix(1, 0), nil) })
	if err := b.Stop(id, deployment.Stop{}); !errors.Is(err, deployment.ErrEnded) {
		t.Errorf("a stop after the end: %v", err)
	}
	if err := b.Continue(id, ""); !errors.Is(err, deployment.ErrEnded) {
		t.Errorf("a go-on after the end: %v", err)
	}
}

func TestAnEventExpectsOneAnswer(t *testing.T) {
	b := book()
	b.Update(id, func(d *deployment.Deployment) { d.Begin(lifecycle.AfterInstall, time.Unix(1, 0)) })
	execution, answer, err := b.Expect(id, lifecycle.AfterInstall)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Expect(id, lifecycle.AfterInstall); err == nil {
		t.Error("a second execution of the same hook was opened")
	}
	if err := b.Answer("d-000000000", execution, deployment.EventSucceeded); !errors.Is(err, deployment.ErrUnknown) {
		t.Errorf("another deployment's answer: %v", err)
	}
	if err := b.Answer(id, execution, deployment.EventSkipped); !errors.Is(err, deployment.ErrStatus) {
		t.Errorf("a status that no hook may give: %v", err)
	}
	if err := b.Answer(id, execution, deployment.EventSucceeded); err != nil || <-answer != deployment.EventSucceeded {
		t.Errorf("the answer: %v", err)
	}
	if err := b.Answer(id, execution, deployment.EventFailed); !errors.Is(err, deployment.ErrAnswered) {
		t.Errorf("a second answer: %v", err)
	}
}
