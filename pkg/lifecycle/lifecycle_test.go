package lifecycle_test

import (
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

func TestEveryHookableEventIsALifecycleEvent(t *testing.T) {
	var hookable []lifecycle.Name
	for _, n := range lifecycle.All() {
		if n.TakesHook() {
			hookable = append(hookable, n)
		}
	}
	if len(hookable) != 5 || len(lifecycle.All()) != 8 {
		t.Errorf("%d of %d lifecycle events take hooks, want 5 of 8", len(hookable), len(lifecycle.All()))
	}
}
