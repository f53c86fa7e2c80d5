package smoke

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestABrokenJobIsAnErrorAndNoCrash(t *testing.T) {
	for name, change := range map[string]func(*Job){
		"no target":       func(j *Job) { j.Target = "" },
		"target path":     func(j *Job) { j.Target = "http://green/x" },
		"no such port":    func(j *Job) { j.Target = "http://green:99999" },
		"an empty port":   func(j *Job) { j.Target = "http://green:" },
		"baseline":        func(j *Job) { j.Baseline = "ftp://blue" },
		"no phases":       func(j *Job) { j.Phases = nil },
		"unknown phase":   func(j *Job) { j.Phases = []Phase{"judged"} },
		"tags of nothing": func(j *Job) { j.Tags = []string{"none"} },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, status(200), nil, func(n *network) {
				expectReport(t, n.run(n.t.Context(), home, change), Error, BlameConfig, "")
			})
		})
	}
	r := Run(t.Context(), Job{Suite: Source{Name: "s.yaml", Text: []byte("checks: 1")}}, nil)
	expectReport(t, r, Error, BlameConfig, "the suite is wrong: s.yaml:1:1")
}

func TestAPanicIsTheGatesFault(t *testing.T) {
	inBubble(t, status(200), nil, func(n *network) {
		r := &runner{job: Job{Target: "http://green", Phases: []Phase{PhaseJudge}}, started: time.Now(), dial: n.dial}
		r.suite, _ = Read(Source{Name: "s", Text: []byte(home)})
		r.watch = func(Progress) { panic("the watcher broke") }
		expectReport(t, r.run(n.t.Context()), Error, BlameGate, "the watcher broke")
	})
}

func TestAJobAndAReportSurviveJSON(t *testing.T) {
	inBubble(t, status(500), status(200), func(n *network) {
		var job Job
		r := n.run(n.t.Context(), oneRoute, func(j *Job) {
			j.Values = map[string]Value{"A": {Text: "b", Secret: true}}
			job = *j
		})
		var job2 Job
		var r2 Report
		throughJSON(n.t, job, &job2)
		throughJSON(n.t, r, &r2)
		if d := cmp.Diff(job, job2); d != "" {
			t.Errorf("the job changes: %s", d)
		}
		if d := cmp.Diff(r, r2, cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(0)); d != "" {
			t.Errorf("the report changes: %s", d)
		}
	})
}

func TestEveryAddressOfTheTargetIsAsked(t *testing.T) {
	inBubble(t, nil, nil, func(n *network) {
		var asked [3]atomic.Int32
		var addrs []string
		for i := range asked {
			host := fmt.Sprintf("10.0.0.%d", i)
			n.serve(host, func(w http.ResponseWriter, r *http.Request) {
				asked[i].Add(1)
				if i == 2 && r.Host == "green" {
					w.WriteHeader(500)
				}
			})
			addrs = append(addrs, host+":80")
		}
		r := n.run(n.t.Context(), home, func(j *Job) { j.TargetAddrs = addrs })
		expectReport(n.t, r, Fail, BlameRelease, "got 500")
		for i := range asked {
			if asked[i].Load() == 0 {
				t.Errorf("address %d was never asked", i)
			}
		}
	})
}

func TestFourAttemptsInFiveHaveAConnectionOfTheirOwn(t *testing.T) {
	var mu sync.Mutex
	conns := map[string]int{}
	inBubble(t, nil, nil, func(n *network) {
		n.serve("green", func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			conns[r.Header.Get("Connection")]++
			mu.Unlock()
		})
		suite := strings.Replace(home, "    request: GET /\n", "    request: GET /\n    attempts: 10\n", 1)
		r := n.run(n.t.Context(), suite, func(j *Job) { j.Phases = []Phase{PhaseJudge} })
		expectReport(n.t, r, Pass, BlameNone, "")
	})
	if conns["close"] != 8 || conns[""] != 2 {
		t.Errorf("%v, want 8 on connections that are closed and 2 on one that is kept", conns)
	}
}

func TestTheWatcherIsToldWhatHappens(t *testing.T) {
	inBubble(t, routes(status(500)), nil, func(n *network) {
		src := Source{Name: "s", Text: []byte(oneRoute)}
		suite, _ := Read(src)
		var told []string
		r := &runner{suite: suite, job: Job{Suite: src, Target: "http://green", Phases: []Phase{PhaseReady, PhaseJudge}}, started: time.Now(), dial: n.dial}
		r.watch = func(p Progress) {
			text := fmt.Sprintf("%s %d/%d", p.Phase, p.Done, p.Total)
			if p.Check != nil {
				text += " " + string(p.Check.Verdict)
			}
			told = append(told, text)
		}
		r.run(n.t.Context())
		got := strings.Join(told, ", ")
		if !strings.HasPrefix(got, "ready 1/2, ready 2/2, judge 1/2") || !strings.Contains(got, "FAIL") || !strings.Contains(got, "judge 2/2") {
			t.Errorf("told %s", got)
		}
	})
}

// A balancer that shares out connections, not requests, as one for TCP does.
func TestOneBadTaskOfFourIsSeenThroughABalancerOfConnections(t *testing.T) {
	inBubble(t, nil, nil, func(n *network) {
		var addrs []string
		for i := range 4 {
			host := fmt.Sprintf("10.0.0.%d", i)
			n.serve(host, func(w http.ResponseWriter, r *http.Request) {
				if i == 3 && r.URL.Path == "/route" {
					w.WriteHeader(500)
				}
			})
			addrs = append(addrs, host+":80")
		}
		suite := "version: 1\nchecks:\n  - {name: route, request: GET /route, expect: {status: 200}}\n"
		r := n.run(n.t.Context(), suite, func(j *Job) { j.TargetAddrs = addrs })
		expectReport(n.t, r, Fail, BlameRelease, `check "route"`)
	})
}

func TestWarningsOfTheSuiteAreInTheReport(t *testing.T) {
	r := Run(t.Context(), Job{
		Suite:  Source{Name: "s.yaml", Text: []byte("version: 1\nchecks:\n  - {name: a, request: /, expect: {status: 200, body: {matches: \"x*\"}}}\n")},
		Target: "http://127.0.0.1:1", Phases: []Phase{PhaseJudge},
	}, nil)
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "s.yaml:3:56: the pattern finds the empty text") {
		t.Errorf("warnings %q", r.Warnings)
	}
}

func TestAPasswordInATargetIsNotShown(t *testing.T) {
	for _, target := range []string{"http://me:pa55word@host", "http://me:pa55word @host", "ftp://me:pa55word@host"} {
		r := Run(t.Context(), Job{Suite: Source{Name: "s", Text: []byte(home)}, Target: target, Phases: []Phase{PhaseJudge}}, nil)
		data, err := json.Marshal(r)
		if err != nil || r.Verdict != Error || r.Blame != BlameConfig || strings.Contains(string(data), "pa55word") {
			t.Errorf("%s: %s", r.Verdict, data)
		}
	}
}

// broken returns a suite whose named check makes the gate itself panic.
func broken(t *testing.T, text, name string) *Suite {
	t.Helper()
	suite, problems := Read(Source{Name: "s", Text: []byte(text)})
	if suite == nil {
		t.Fatal(problems)
	}
	for i := range suite.checks {
		if suite.checks[i].name == name {
			suite.checks[i].steps[0].expect.body = &rule{{kind: opContains}}
		}
	}
	return suite
}

func TestAPanicInARoundOfReadinessIsNoRightAnswer(t *testing.T) {
	inBubble(t, status(200), nil, func(n *network) {
		suite := broken(n.t, strings.Replace(home, "checks:", "readiness: {checks: [home]}\nchecks:", 1), "home")
		r := &runner{suite: suite, job: Job{Target: "http://green", Phases: []Phase{PhaseReady}}, started: time.Now(), dial: n.dial}
		expectReport(n.t, r.run(n.t.Context()), Error, BlameGate, "")
	})
}

func TestAPanicKeepsNoSlotFromTheOthers(t *testing.T) {
	blip := until(5*time.Second, status(503), status(200))
	inBubble(t, routes(blip), routes(blip), func(n *network) {
		suite := broken(n.t, "version: 1\npolicy: {concurrency: 1}\nchecks:\n"+
			"  - {name: route, request: GET /route, expect: {status: 200}}\n  - {name: broken, request: GET /, expect: {status: 200}}\n", "broken")
		r := &runner{suite: suite, job: Job{Target: "http://green", Baseline: "http://blue", Phases: []Phase{PhaseJudge}}, started: time.Now(), dial: n.dial}
		got := r.run(n.t.Context())
		expectReport(n.t, got, Error, BlameGate, "the gate itself broke")
		if len(got.Checks) != 1 || got.Checks[0].Verdict != Pass {
			n.t.Errorf("checks: %+v", got.Checks)
		}
	})
}

func TestWhatWasPlannedAndDidNotRunIsNeverAPass(t *testing.T) {
	suite, _ := Read(Source{Name: "s", Text: []byte(compared)})
	for _, p := range []Phase{PhaseReady, PhaseJudge, PhaseCompare} {
		r := &runner{suite: suite, job: Job{Target: "http://green", Phases: []Phase{p}}, started: time.Now(), blue: &side{}}
		r.choose()
		expectReport(t, r.finish(), Error, BlameGate, "planned")
	}
	r := &runner{suite: suite}
	expectReport(t, r.finish(), Error, BlameGate, "nothing was tested")
	j := &judgement{check: &suite.checks[0], made: 1}
	if v, b, _ := j.verdict(r); v != Error || b != BlameGate {
		t.Errorf("a check that asserted nothing: %s (%s)", v, b)
	}
}

func TestAPartThatDoesNotStopIsLeftBehind(t *testing.T) {
	inBubble(t, status(200), nil, func(n *network) {
		suite, _ := Read(Source{Name: "s", Text: []byte(home)})
		hung := make(chan struct{})
		r := &runner{suite: suite, job: Job{Target: "http://green", Phases: []Phase{PhaseJudge}}, started: time.Now(), dial: n.dial}
		r.watch = func(Progress) { <-hung }
		ctx, cancel := context.WithTimeout(n.t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		expectReport(n.t, r.run(ctx), Error, BlameGate, "did not stop when its time was up")
		if took := time.Since(start); took != time.Second+lastGrace {
			n.t.Errorf("took %s", took)
		}
		close(hung)
	})
}
