package rehearsal

import (
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

func TestAnEventThatIsThereForAHookAloneMayHaveNone(t *testing.T) {
	hooks := map[lifecycle.Name]Hook{lifecycle.AfterAllowTestTraffic: {}, lifecycle.PostTestTrafficShift: {}}
	p := Plan{Hooks: hooks, Native: &Native{Pauses: []lifecycle.Name{lifecycle.PostScaleUp}}}
	for event, want := range map[lifecycle.Name]bool{
		lifecycle.BeforeInstall: true, lifecycle.AfterAllowTraffic: true, lifecycle.PreScaleUp: true, lifecycle.PreProductionTrafficShift: true,
		lifecycle.AfterAllowTestTraffic: false, lifecycle.PostTestTrafficShift: false, // it has one
		lifecycle.PostScaleUp: false, // somebody was waited for
		lifecycle.Install:     false, lifecycle.AllowTraffic: false, lifecycle.ScaleUp: false, lifecycle.TestTrafficShift: false,
		lifecycle.ProductionTrafficShift: false, lifecycle.BakeTime: false, lifecycle.CleanUp: false, "": false, // more happens in these
	} {
		if got := p.idle(event); got != want {
			t.Errorf("%s: %v, want %v", event, got, want)
		}
	}
	if Idle(deployment.EventFailed, NoHook) || Idle(deployment.EventSucceeded, "") || !Idle(deployment.EventSucceeded, NoHook) {
		t.Error("only what succeeded can have had no hook")
	}
}
