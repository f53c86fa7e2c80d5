package smoke

import (
	"context"
	"math"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
)

const compared = "version: 1\nreadiness: {consecutive: 1}\nchecks:\n  - {name: home, request: GET /, attempts: 1, expect: {status: 200}}\n" +
	"compare:\n  - {name: report, request: GET /report, pairs: 40, warmup: 4, expect: {status: 200}, p95: 800ms}\n"

func slow(d time.Duration) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/report" {
			<-time.After(d)
		}
	}
}

func failing(of int32) http.HandlerFunc {
	var asked atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/report" && asked.Add(1)%of == 0 {
			w.WriteHeader(500)
		}
	}
}

func TestCompare(t *testing.T) {
	var asked atomic.Int32
	for name, c := range map[string]struct {
		green, blue http.HandlerFunc
		v           finding.Verdict
		b           finding.Blame
		reason      string
	}{
		"the same":    {slow(50 * time.Millisecond), slow(50 * time.Millisecond), finding.Pass, finding.BlameNone, "1 comparison passed"},
		"slower":      {slow(100 * time.Millisecond), slow(50 * time.Millisecond), finding.Fail, finding.BlameRelease, `comparison "report"`},
		"better":      {slow(10 * time.Millisecond), slow(300 * time.Millisecond), finding.Pass, finding.BlameNone, ""},
		"errors":      {failing(3), slow(0), finding.Fail, finding.BlameRelease, ""},
		"blue errors": {slow(0), failing(4), finding.Pass, finding.BlameNone, ""},
		"right, but not to the end, where blue is wrong": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/report" && asked.Add(1) > 26 {
				w.WriteHeader(500)
			}
		}, failing(1), finding.Inconclusive, finding.BlameEnvironment, "green failed"},
		"nothing valid":  {failing(1), failing(1), finding.Inconclusive, finding.BlameEnvironment, ""},
		"over the bound": {slow(810 * time.Millisecond), slow(790 * time.Millisecond), finding.Fail, finding.BlameRelease, "p95"},
		"both over":      {slow(900 * time.Millisecond), slow(900 * time.Millisecond), finding.Pass, finding.BlameNone, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, c.green, c.blue, func(n *network) {
				r := n.run(n.t.Context(), compared, func(j *Job) { j.Phases = []finding.Phase{finding.PhaseCompare, finding.PhaseReady, finding.PhaseJudge} })
				expectReport(t, r, c.v, c.b, c.reason)
				if len(r.Compares) != 1 {
					t.Errorf("%d comparisons", len(r.Compares))
				}
			})
		})
	}
}

// Both sides are asked at the same times, over a time: what disturbs both counts for neither.
func TestCompareAsksBothSidesAtTheSameTimes(t *testing.T) {
	var mu sync.Mutex
	at := map[string][]time.Time{}
	note := func(side string) http.HandlerFunc {
		return func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/report" {
				mu.Lock()
				defer mu.Unlock()
				at[side] = append(at[side], time.Now())
			}
		}
	}
	inBubble(t, note("green"), note("blue"), func(n *network) {
		n.run(n.t.Context(), compared, func(j *Job) { j.Phases = []finding.Phase{finding.PhaseReady, finding.PhaseCompare} })
	})
	green, blue := at["green"], at["blue"]
	if len(green) != 44 || len(blue) != 44 {
		t.Fatalf("%d and %d requests, want 4 that warm up and 40", len(green), len(blue))
	}
	if took := green[43].Sub(green[4]); took < 3500*time.Millisecond || took > 4100*time.Millisecond {
		t.Errorf("40 pairs took %s, want 4s", took)
	}
	steps := map[time.Duration]bool{}
	for i := 4; i < 44; i++ {
		if apart := green[i].Sub(blue[i]); apart.Abs() > 5*time.Millisecond {
			t.Errorf("pair %d: %s apart", i, apart)
		}
		steps[green[i].Sub(green[i-1]).Round(5*time.Millisecond)] = true
	}
	if len(steps) < 10 {
		t.Error("the pairs are made in step, and so could meet the same moment of something periodic every time")
	}
}

// A release that is only cold gets warm while it is measured; one that is slow does not.
func TestAColdReleaseIsMeasuredAgain(t *testing.T) {
	decays := func(to time.Duration) http.HandlerFunc {
		var asked atomic.Int64
		return func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/report" {
				n := float64(asked.Add(1))
				<-time.After(to + time.Duration(200*math.Exp(-n/60)*float64(time.Millisecond)))
			}
		}
	}
	for name, c := range map[string]struct {
		green  http.HandlerFunc
		within time.Duration
		v      finding.Verdict
		reason string
	}{
		"cold":          {decays(50 * time.Millisecond), time.Minute, finding.Pass, "was still getting faster"},
		"cold and slow": {decays(150 * time.Millisecond), time.Minute, finding.Fail, "no longer gets faster"},
	} {
		inBubble(t, c.green, slow(50*time.Millisecond), func(n *network) {
			ctx, cancel := context.WithTimeout(n.t.Context(), c.within)
			defer cancel()
			r := n.run(ctx, compared, func(j *Job) { j.Phases = []finding.Phase{finding.PhaseReady, finding.PhaseCompare} })
			if r.Verdict != c.v || !strings.Contains(r.Compares[0].Reason, c.reason) {
				n.t.Errorf("%s: %s, %s", name, r.Verdict, r.Compares[0].Reason)
			}
		})
	}
}

// Who comes while a service stands still waits, however few of our own requests do.
func TestAPauseIsMetAsUsersMeetIt(t *testing.T) {
	began := time.Now()
	pauses := func(_ http.ResponseWriter, r *http.Request) {
		if in := time.Since(began) % (2 * time.Second); r.URL.Path == "/report" && in < time.Second {
			<-time.After(time.Second - in)
		}
	}
	inBubble(t, pauses, slow(0), func(n *network) {
		began = time.Now().Add(-time.Second) // it does not begin with a pause, which would stretch the block
		r := n.run(n.t.Context(), compared, func(j *Job) { j.Phases = []finding.Phase{finding.PhaseReady, finding.PhaseCompare} })
		late := 0
		for _, d := range r.Compares[0].Green[:40] {
			if d > 100*time.Millisecond {
				late++
			}
		}
		if r.Verdict != finding.Fail || late < 14 || late > 22 {
			n.t.Errorf("%s, %d of 40 late, want about half: %s", r.Verdict, late, r.Reason)
		}
	})
}

// Half a block is not judged, however many pairs it has.
func TestABlockThatIsCutShortIsNoPass(t *testing.T) {
	inBubble(t, slow(0), slow(0), func(n *network) {
		ctx, cancel := context.WithTimeout(n.t.Context(), 3*time.Second)
		defer cancel()
		r := n.run(ctx, compared, func(j *Job) { j.Phases = []finding.Phase{finding.PhaseReady, finding.PhaseCompare} })
		expectReport(n.t, r, finding.Error, finding.BlameConfig, "cut short: 1 of 1 comparisons were not measured")
	})
}

func TestNoBaseline(t *testing.T) {
	all := func(j *Job) { j.Phases = append(j.Phases, finding.PhaseCompare) }
	inBubble(t, status(200), nil, func(n *network) {
		expectReport(t, n.run(n.t.Context(), compared, all), finding.Inconclusive, finding.BlameEnvironment, "no old release")
		r := n.run(n.t.Context(), compared+"policy: {baseline: optional}\n", all)
		expectReport(t, r, finding.Pass, finding.BlameNone, "")
		if len(r.NotRun) != 1 {
			t.Errorf("not run: %v", r.NotRun)
		}
		r = n.run(n.t.Context(), compared, func(j *Job) { all(j); j.UncomparableBaseline = "it is a bootstrap task" })
		expectReport(t, r, finding.Pass, finding.BlameNone, "")
		if len(r.NotRun) != 1 || !strings.Contains(r.NotRun[0].Why, "bootstrap") {
			t.Errorf("not run: %v", r.NotRun)
		}
	})
}

func TestWarmUpPairsAreThrownAway(t *testing.T) {
	// Green's first answers are slow, as they are before its caches are warm.
	var asked atomic.Int32
	green := func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/report" && asked.Add(1) <= 4 {
			<-time.After(3 * time.Second)
		}
	}
	inBubble(t, green, slow(0), func(n *network) {
		r := n.run(n.t.Context(), compared, func(j *Job) { j.Phases = []finding.Phase{finding.PhaseCompare} })
		expectReport(n.t, r, finding.Pass, finding.BlameNone, "")
		if c := r.Compares[0]; len(c.Green) != 40 || c.GreenP95 != 0 {
			t.Errorf("%d latencies, p95 %s; want 40 and none of the slow ones", len(c.Green), c.GreenP95)
		}
	})
}

func TestASideThatHangsDoesNotTakeAllTheTime(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/report" {
			<-r.Context().Done()
		}
	}
	suite := strings.NewReplacer("pairs: 40", "pairs: 100", "warmup: 4", "warmup: 20").Replace(compared)
	for name, c := range map[string]struct {
		green, blue http.HandlerFunc
		v           finding.Verdict
	}{
		"green": {hang, slow(0), finding.Fail},
		"blue":  {slow(0), hang, finding.Inconclusive},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, c.green, c.blue, func(n *network) {
				start := time.Now()
				r := n.run(n.t.Context(), suite, func(j *Job) { j.Phases = []finding.Phase{finding.PhaseCompare} })
				if took := time.Since(start); r.Verdict != c.v || took > 40*time.Second {
					t.Errorf("%s after %s, want %s when 5 pairs of warm-up and 20 that are measured were tried", r.Verdict, took, c.v)
				}
			})
		})
	}
}
