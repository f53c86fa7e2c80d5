package smoke

import "github.com/greenlight-ecs/greenlight/pkg/finding"

// Progress tells a watcher of Run what just happened. Only what is new is set.
type Progress struct {
	Phase finding.Phase
	// Done of Total: rounds in a row while ready, checks while judging, pairs of one check while comparing.
	Done, Total int
	Check       *finding.CheckResult
	Compare     *finding.Comparison
	Readiness   *finding.Readiness
	Text        string // one line about what is going on, redacted
}

// tell calls the watcher, from one goroutine at a time.
func (r *runner) tell(p Progress) {
	if r.watch == nil {
		return
	}
	r.telling.Lock()
	defer r.telling.Unlock()
	r.watch(p)
}
