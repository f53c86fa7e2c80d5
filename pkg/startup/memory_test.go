package startup_test

import (
	"runtime/debug"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/startup"
)

func TestALimitThatSomebodySetStands(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	startup.LimitMemory()
	if got := debug.SetMemoryLimit(-1); got > 32<<20 {
		t.Errorf("the limit is %d, want one", got)
	}
	debug.SetMemoryLimit(1 << 30)
	startup.LimitMemory()
	if got := debug.SetMemoryLimit(-1); got != 1<<30 {
		t.Errorf("the limit is %d, want the one that was set", got)
	}
}
