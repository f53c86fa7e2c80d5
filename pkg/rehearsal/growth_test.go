package rehearsal_test

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
)

// holds counts what a process holds besides memory.
func holds(t *testing.T) (goroutines, files int) {
	t.Helper()
	list, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return runtime.NumGoroutine(), len(list)
}

// What a rehearsal opened it closes, however it ends: `make bench` repeats this a hundred times.
func TestNothingGrowsOverRehearsals(t *testing.T) {
	once := func(change func(*rehearsal.Plan), want rehearsal.Outcome) {
		h := hold(t, plan(t, func(p *rehearsal.Plan) {
			p.Tasks, p.Speed, p.StartTimeout = 1, 100_000, time.Minute
			change(p)
		}))
		h.end(want)
		h.stop()
	}
	all := func() {
		once(func(*rehearsal.Plan) {}, rehearsal.Shifted)
		once(func(p *rehearsal.Plan) { hookAt(t, p, "Failed", "BeforeAllowTraffic") }, rehearsal.RolledBack)
		once(func(p *rehearsal.Plan) { p.ReadyWait = time.Minute }, rehearsal.Stopped)
	}
	all()
	goroutines, files := holds(t)
	for range 2 {
		all()
	}
	for deadline := time.Now().Add(time.Minute); ; <-time.After(10 * time.Millisecond) {
		g, f := holds(t)
		if g <= goroutines+2 && f <= files+2 {
			return
		}
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("goroutines %d, then %d; files %d, then %d\n%s", goroutines, g, files, f, buf[:runtime.Stack(buf, true)])
		}
	}
}
