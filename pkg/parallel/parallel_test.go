package parallel_test

import (
	"sync/atomic"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/parallel"
)

func TestAPanicReachesTheCallerWhenAllHaveEnded(t *testing.T) {
	var ended atomic.Int32
	defer func() {
		p, ok := recover().(*parallel.Panic)
		if !ok || p.Value != "boom" || len(p.Stack) == 0 {
			t.Errorf("recovered %v, want boom with its stack", p)
		}
		if ended.Load() != 2 {
			t.Errorf("%d of the others ended, want 2", ended.Load())
		}
	}()
	parallel.Do(
		func() { ended.Add(1) },
		func() { panic("boom") },
		func() { ended.Add(1) },
	)
	t.Error("Do returned")
}
