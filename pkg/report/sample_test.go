package report_test

import (
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
)

const ms = time.Millisecond

func at(line, col int) diagnostic.Place {
	return diagnostic.Place{File: "smoke.yaml", Line: line, Col: col}
}

// source is the suite that the samples quote.
const source = `version: 1
name: tripmgmt
checks:
  - name: health
    request: GET /health
    expect: {status: 200, json: {$.status: ok}}
  - name: order flow
    steps:
      - request: POST /orders
        json: {sku: A-1, qty: 2}
        expect: {status: 201, json: {$.status: created}}
`

func passing() finding.Report {
	return finding.Report{
		Greenlight: "v0.2.0", Suite: "tripmgmt", SuiteSHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		Target: "http://127.0.0.1:8080", Release: "1.4.2", DeploymentID: "d-1",
		Verdict: finding.Pass, Blame: finding.BlameNone, Reason: "2 checks held", ReleaseProven: true,
		Started: time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC), Duration: 1234 * ms,
		Readiness: &finding.Readiness{Verdict: finding.Pass, Rounds: 20, Consecutive: 20, Waited: 310 * ms},
		Checks: []finding.CheckResult{
			{Check: "health", Place: at(4, 5), Verdict: finding.Pass, Attempts: 5, Duration: 21 * ms},
			{Check: "order flow", Place: at(7, 5), Verdict: finding.Pass, Attempts: 1, Duration: 85 * ms},
		},
	}
}

func failing() finding.Report {
	r := passing()
	r.Baseline = "http://127.0.0.1:8000"
	r.Verdict, r.Blame, r.ReleaseProven = finding.Fail, finding.BlameRelease, false
	r.Reason = "health: status 503, want 200"
	r.Readiness.Relapses = 2
	r.Duration = 14*time.Second + 230*ms
	r.Checks = []finding.CheckResult{
		{Check: "home", Place: at(2, 5), Verdict: finding.Pass, Attempts: 5, Duration: 12 * ms},
		{
			Check: "health", Place: at(4, 5), Verdict: finding.Fail, Blame: finding.BlameRelease, Attempts: 5, Failures: 5,
			Duration: 2100 * ms, Reason: "status 503, want 200",
			Findings: []finding.Finding{
				{Place: at(6, 14), Request: "GET /health", Attempt: 1, Subject: "status", Expected: "200", Got: "503", Count: 5, Excerpt: "{\"status\":\"down\",\n \"db\":\"connection refused\"}"},
				{Place: at(6, 33), Request: "GET /health", Attempt: 1, Subject: "json $.status", Expected: "ok", Got: "down", Count: 5},
			},
		},
		{
			Check: "order flow", Place: at(7, 5), Verdict: finding.Error, Blame: finding.BlameConfig, Attempts: 1, Failures: 1,
			Duration: 95 * ms, Reason: "certificate does not verify: x509: unknown authority",
			Findings: []finding.Finding{{Place: at(9, 9), Request: "POST /orders", Step: 1, Attempt: 1, Subject: "certificate", Expected: "one that verifies", Got: "x509: certificate signed by unknown authority", Count: 1}},
		},
		{Check: "search", Place: at(4, 5), Verdict: finding.Inconclusive, Blame: finding.BlameEnvironment, Attempts: 5, Failures: 5, Duration: 5 * time.Second, Reason: "blue answers 502 too, for 4m0s"},
		{Check: "new banner", Place: at(4, 5), Verdict: finding.Fail, Observe: true, Attempts: 5, Failures: 1, Duration: 20 * ms, Reason: "status 404, want 200"},
	}
	green, blue := latencies(100, 2.1), latencies(100, 1)
	r.Compares = []finding.Comparison{
		{
			Check: "report", Place: at(4, 5), Verdict: finding.Fail, Blame: finding.BlameRelease, Pairs: 99, GreenErrors: 1,
			GreenP50: 168 * ms, GreenP95: 420 * ms, BlueP50: 80 * ms, BlueP95: 190 * ms,
			Reason:     "2.1× slower: 168ms, before 80ms, and no longer gets faster after 50s",
			Statistics: "n=99, limit 0.01 for the suite, shift (t) p=1.1e-12, corrected 3.2e-12",
			Green:      green, Blue: blue,
		},
		{
			Check: "list", Place: at(4, 5), Verdict: finding.Pass, Pairs: 100, GreenP50: 81 * ms, GreenP95: 191 * ms, BlueP50: 80 * ms, BlueP95: 190 * ms,
			Reason: "no worse than blue: median 81ms against 80ms, p95 191ms against 190ms, errors 0 against 0, n=100",
			Green:  latencies(100, 1.01), Blue: blue,
		},
	}
	r.NotRun = []finding.NotRun{{Check: "export", Why: "no time left: 30s of the budget are kept for reporting"}}
	r.Warnings = []string{"the release could not be discovered: access denied"}
	return r
}

// leaking is a release that was right in all that was asked of it, and went wrong under production's traffic.
func leaking() finding.Report {
	r := passing()
	r.Verdict, r.Blame, r.Duration = finding.Fail, finding.BlameRelease, 10*time.Minute
	r.Reason = "watch: p95: 3.1× blue's"
	r.Checks = []finding.CheckResult{
		{Check: "watch: 5xx", Verdict: finding.Pass, Attempts: 10, Duration: 10 * time.Minute, Reason: "0.1% of 4,000 requests, blue 0.1% of 36,000"},
		{Check: "watch: p95", Verdict: finding.Fail, Blame: finding.BlameRelease, Attempts: 10, Failures: 1, Duration: 10 * time.Minute, Reason: "median of 10 minutes 310 ms, blue's 100 ms (p=0.0002)"},
		{
			Check: "watch: tasks", Verdict: finding.Fail, Blame: finding.BlameRelease, Attempts: 10, Failures: 1, Duration: 10 * time.Minute, Reason: "1 task stopped, at most 0 may",
			Findings: []finding.Finding{{Request: "watch", Subject: "tasks", Expected: "none", Got: "OutOfMemoryError: container killed due to memory usage (exit code 137)", Attempt: 1, Count: 1}},
		},
		{Check: "watch: alarm orders-latency", Verdict: finding.Inconclusive, Blame: finding.BlameEnvironment, Attempts: 10, Duration: 10 * time.Minute, Reason: "INSUFFICIENT_DATA"},
	}
	start := r.Started
	r.Series = []finding.Series{
		{Name: "p95", Unit: "ms", Start: start, BlueStart: start, Step: time.Minute, Green: []float64{102, 110, 140, 190, 250, 310, 390, 480, 610, 700}, Blue: []float64{99, 101, -1, 104, 98, 100, 97, 103, 102, 99}},
		{Name: "5xx", Unit: "%", Start: start, BlueStart: start.Add(-10 * time.Minute), Step: time.Minute, Green: []float64{0, 0, 0.4, 0, 0, 0, 0, 0.6, 0, 0}, Blue: []float64{0, 0.2, 0, 0, 0, 0, 0, 0, 0, 0}},
		{Name: "log errors", Unit: "a minute", Start: start, BlueStart: start, Step: time.Minute, Green: []float64{-1, -1}, Blue: []float64{1, 2}},
	}
	return r
}

// latencies are n values around 80 ms times factor, the same on every machine.
func latencies(n int, factor float64) []time.Duration {
	all := make([]time.Duration, n)
	state := uint32(7)
	for i := range all {
		state = state*1664525 + 1013904223
		u := float64(state>>8) / (1 << 24)
		all[i] = time.Duration(factor * float64(50*ms+time.Duration(u*u*u*150*float64(ms))+time.Duration(i%7)*4*ms))
	}
	return all
}

func inconclusive(allowed bool) finding.Report {
	r := passing()
	r.Verdict, r.Blame, r.InconclusiveAllowed = finding.Inconclusive, finding.BlameEnvironment, allowed
	r.Reason = "search: blue answers 502 too, for 4m0s"
	r.Checks[1] = finding.CheckResult{Check: "search", Place: at(4, 5), Verdict: finding.Inconclusive, Blame: finding.BlameEnvironment, Attempts: 5, Failures: 5, Reason: "blue answers 502 too, for 4m0s"}
	return r
}

// evil tries to get out of every format at once.
const evil = "\x1b[31m\r\n</script></code></pre><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">" +
	"]]>`````|\"'&amp;<!-- \u202e @everyone [x](javascript:alert(1)) ::error::owned \x00\xff"

func hostile() finding.Report {
	place := diagnostic.Place{File: evil, Line: 1, Col: 1}
	return finding.Report{
		Suite: evil, SuiteSHA256: evil, Target: evil, Baseline: evil, Release: evil, DeploymentID: evil,
		Verdict: evil, Blame: evil, Reason: evil + strings.Repeat("unbreakable", 50),
		Readiness: &finding.Readiness{Verdict: evil, Reason: evil},
		Checks: []finding.CheckResult{{
			Check: evil, Place: place, Verdict: finding.Fail, Blame: evil, Attempts: 1, Failures: 1, Reason: evil,
			Findings: []finding.Finding{{Place: place, Request: evil, Subject: evil, Expected: evil, Got: evil, Excerpt: evil, Count: 2, Attempt: 1}},
		}},
		Series:   []finding.Series{{Name: evil, Unit: evil, Green: []float64{1, 2, -1}, Blue: []float64{-1, 3}}},
		Compares: []finding.Comparison{{Check: evil, Place: place, Verdict: evil, Reason: evil, Green: latencies(30, 1), Blue: latencies(30, 1)}},
		NotRun:   []finding.NotRun{{Check: evil, Why: evil}},
		Warnings: []string{evil},
	}
}
