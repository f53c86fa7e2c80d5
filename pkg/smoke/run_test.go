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

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

func TestABrokenJobIsAnErrorAndNoCrash(t *testing.T) {
	for name, change := range map[string]func(*Job){
		"no target":       func(j *Job) { j.Target.URL = "" },
		"target path":     func(j *Job) { j.Target.URL = "http://green/x" },
		"no such port":    func(j *Job) { j.Target.URL = "http://green:99999" },
		"an empty port":   func(j *Job) { j.Target.URL = "http://green:" },
		"baseline":        func(j *Job) { j.Baseline.URL = "ftp://blue" },
		"no phases":       func(j *Job) { j.Phases = nil },
		"unknown phase":   func(j *Job) { j.Phases = []finding.Phase{"judged"} },
		"tags of nothing": func(j *Job) { j.Tags = []string{"none"} },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, status(200), nil, func(n *network) {
				expectReport(t, n.run(n.t.Context(), home, change), finding.Error, finding.BlameConfig, "")
			})
		})
	}
	r := ReadAndRun(t.Context(), Job{Suite: suite.Source{Name: "s.yaml", Text: []byte("checks: 1")}}, nil)
	expectReport(t, r, finding.Error, finding.BlameConfig, "the suite is wrong: s.yaml:1:1")
}

func TestAPanicIsTheGatesFault(t *testing.T) {
	inBubble(t, status(200), nil, func(n *network) {
		r := &runner{job: Job{Target: Side{URL: "http://green"}, Phases: []finding.Phase{finding.PhaseJudge}}, started: time.Now(), dial: n.dial}
		r.suite, _ = suite.Read(suite.Source{Name: "s", Text: []byte(home)})
		r.watch = func(Progress) { panic("the watcher broke") }
		expectReport(t, r.run(n.t.Context()), finding.Error, finding.BlameGate, "the watcher broke")
	})
}

func TestAJobAndAReportSurviveJSON(t *testing.T) {
	inBubble(t, status(500), status(200), func(n *network) {
		var job Job
		r := n.run(n.t.Context(), oneRoute, func(j *Job) {
			j.Values = map[string]suite.Value{"A": {Text: "b", Secret: true}}
			job = *j
		})
		var job2 Job
		var r2 finding.Report
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
		r := n.run(n.t.Context(), home, func(j *Job) { j.Target.Addrs = addrs })
		expectReport(n.t, r, finding.Fail, finding.BlameRelease, "got 500")
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
		r := n.run(n.t.Context(), suite, func(j *Job) { j.Phases = []finding.Phase{finding.PhaseJudge} })
		expectReport(n.t, r, finding.Pass, finding.BlameNone, "")
	})
	if conns["close"] != 8 || conns[""] != 2 {
		t.Errorf("%v, want 8 on connections that are closed and 2 on one that is kept", conns)
	}
}

func TestTheWatcherIsToldWhatHappens(t *testing.T) {
	inBubble(t, routes(status(500)), nil, func(n *network) {
		src := suite.Source{Name: "s", Text: []byte(oneRoute)}
		suite, _ := suite.Read(src)
		var told []string
		r := &runner{suite: suite, job: Job{Suite: src, Target: Side{URL: "http://green"}, Phases: []finding.Phase{finding.PhaseReady, finding.PhaseJudge}}, started: time.Now(), dial: n.dial}
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
		r := n.run(n.t.Context(), suite, func(j *Job) { j.Target.Addrs = addrs })
		expectReport(n.t, r, finding.Fail, finding.BlameRelease, `check "route"`)
	})
}

func TestWarningsOfTheSuiteAreInTheReport(t *testing.T) {
	r := ReadAndRun(t.Context(), Job{
		Suite:  suite.Source{Name: "s.yaml", Text: []byte("version: 1\nchecks:\n  - {name: a, request: /, expect: {status: 200, body: {matches: \"x*\"}}}\n")},
		Target: Side{URL: "http://127.0.0.1:1"}, Phases: []finding.Phase{finding.PhaseJudge},
	}, nil)
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "s.yaml:3:56: the pattern finds the empty text") {
		t.Errorf("warnings %q", r.Warnings)
	}
}

func TestAPasswordInATargetIsNotShown(t *testing.T) {
	for _, target := range []string{"http://me:pa55word@host", "http://me:pa55word @host", "ftp://me:pa55word@host"} {
		r := ReadAndRun(t.Context(), Job{Suite: suite.Source{Name: "s", Text: []byte(home)}, Target: Side{URL: target}, Phases: []finding.Phase{finding.PhaseJudge}}, nil)
		data, err := json.Marshal(r)
		if err != nil || r.Verdict != finding.Error || r.Blame != finding.BlameConfig || strings.Contains(string(data), "pa55word") {
			t.Errorf("%s: %s", r.Verdict, data)
		}
	}
}

// broken returns a suite whose named check makes the gate itself panic.
func broken(t *testing.T, text, name string) *suite.Suite {
	t.Helper()
	suite, problems := suite.Read(suite.Source{Name: "s", Text: []byte(text)})
	if suite == nil {
		t.Fatal(problems)
	}
	checks, _ := suite.Chosen(nil)
	for _, c := range checks {
		if c.Name == name {
			c.Steps[0] = nil
		}
	}
	return suite
}

func TestAPanicInARoundOfReadinessIsNoRightAnswer(t *testing.T) {
	inBubble(t, status(200), nil, func(n *network) {
		suite := broken(n.t, strings.Replace(home, "checks:", "readiness: {checks: [home]}\nchecks:", 1), "home")
		r := &runner{suite: suite, job: Job{Target: Side{URL: "http://green"}, Phases: []finding.Phase{finding.PhaseReady}}, started: time.Now(), dial: n.dial}
		expectReport(n.t, r.run(n.t.Context()), finding.Error, finding.BlameGate, "")
	})
}

func TestAPanicKeepsNoSlotFromTheOthers(t *testing.T) {
	blip := until(5*time.Second, status(503), status(200))
	inBubble(t, routes(blip), routes(blip), func(n *network) {
		suite := broken(n.t, "version: 1\npolicy: {concurrency: 1}\nchecks:\n"+
			"  - {name: route, request: GET /route, expect: {status: 200}}\n  - {name: broken, request: GET /, expect: {status: 200}}\n", "broken")
		r := &runner{suite: suite, job: Job{Target: Side{URL: "http://green"}, Baseline: Side{URL: "http://blue"}, Phases: []finding.Phase{finding.PhaseJudge}}, started: time.Now(), dial: n.dial}
		got := r.run(n.t.Context())
		expectReport(n.t, got, finding.Error, finding.BlameGate, "the gate itself broke")
		if len(got.Checks) != 1 || got.Checks[0].Verdict != finding.Pass {
			n.t.Errorf("checks: %+v", got.Checks)
		}
	})
}

func TestWhatWasPlannedAndDidNotRunIsNeverAPass(t *testing.T) {
	suite, _ := suite.Read(suite.Source{Name: "s", Text: []byte(compared)})
	for _, p := range []finding.Phase{finding.PhaseReady, finding.PhaseJudge, finding.PhaseCompare} {
		r := &runner{suite: suite, job: Job{Target: Side{URL: "http://green"}, Phases: []finding.Phase{p}}, started: time.Now(), blue: &side{}}
		_ = r.choose()
		expectReport(t, r.finish(t.Context()), finding.Error, finding.BlameGate, "planned")
	}
	r := &runner{suite: suite}
	expectReport(t, r.finish(t.Context()), finding.Error, finding.BlameGate, "nothing was tested")
	j := &judgement{check: suite.ReadinessChecks()[0], made: 1}
	if b, _ := j.verdict(r); verdictOf(b) != finding.Error || b != finding.BlameGate {
		t.Errorf("a check that asserted nothing: %s (%s)", verdictOf(b), b)
	}
}

func TestAPartThatDoesNotStopIsLeftBehind(t *testing.T) {
	inBubble(t, status(200), nil, func(n *network) {
		suite, _ := suite.Read(suite.Source{Name: "s", Text: []byte(home)})
		hung := make(chan struct{})
		r := &runner{suite: suite, job: Job{Target: Side{URL: "http://green"}, Phases: []finding.Phase{finding.PhaseJudge}}, started: time.Now(), dial: n.dial}
		r.watch = func(Progress) { <-hung }
		ctx, cancel := context.WithTimeout(n.t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		expectReport(n.t, r.run(ctx), finding.Error, finding.BlameGate, "did not stop when it timed out")
		if took := time.Since(start); took != time.Second+lastGrace {
			n.t.Errorf("took %s", took)
		}
		close(hung)
	})
}
