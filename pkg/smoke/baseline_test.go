package smoke

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

const comparing = "version: 1\nreadiness: {consecutive: 1, within: 10s}\nchecks:\n  - {name: home, request: GET /, attempts: 1, expect: {status: 200}}\n" +
	"compare:\n  - {name: report, request: GET /report, pairs: 20, warmup: 0, expect: {status: 200}}\n"

func allPhases(j *Job) {
	j.Phases = []finding.Phase{finding.PhaseReady, finding.PhaseJudge, finding.PhaseCompare}
}

func TestOneAddressInManyWords(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{"http://a.example", "http://A.example:80/", true},
		{"http://a.example.:8080", "http://a.example:8080", true},
		{"https://a.example", "https://a.example:443", true},
		{"http://a.example:443", "https://a.example", true}, // one port, whatever is spoken there
		{"http://localhost:8080", "http://127.0.0.1:8080", true},
		{"http://127.0.0.2:8080", "http://[::1]:8080", true},
		{"http://0.0.0.0:8080", "http://app.localhost:8080", true},
		{"http://[::ffff:10.0.0.7]:80", "http://10.0.0.7", true},
		{"http://[0:0::7]:80", "http://[::7]", true},
		{"http://a.example:08080", "http://a.example:8080", true},
		{"http://a.example:80", "http://a.example:8080", false},
		{"http://a.example", "http://b.example", false},
		{"http://10.0.0.7", "http://10.0.0.8", false},
		{"", "", false},
		{"::", "::", false},
	} {
		if got := SameAddress(tc.a, tc.b); got != tc.same {
			t.Errorf("%s and %s: %v, want %v", tc.a, tc.b, got, tc.same)
		}
	}
}

// Green compared with green passes for ever, and shares all its faults with itself: who runs a gate is told.
func TestOneAddressForBothSidesIsTold(t *testing.T) {
	apart := map[string]string{"x-preview": "1"}
	for name, tc := range map[string]struct {
		suite  string
		change func(*Job)
		one    bool
	}{
		"two hosts":                   {comparing, func(*Job) {}, false},
		"the same":                    {comparing, func(j *Job) { j.Baseline.URL = "http://GREEN:80/" }, true},
		"the same, and headers apart": {comparing, func(j *Job) { j.Baseline.URL, j.Target.Headers = j.Target.URL, apart }, false},
		"other nodes":                 {comparing, func(j *Job) { j.Target.Addrs, j.Baseline.Addrs = []string{"green:80"}, []string{"blue:80"} }, false},
		"a node of both":              {comparing, func(j *Job) { j.Target.Addrs, j.Baseline.Addrs = []string{"green:80", "blue:80"}, []string{"blue:80"} }, true},
		"one name, nodes apart": {comparing, func(j *Job) {
			j.Baseline.URL, j.Target.Addrs, j.Baseline.Addrs = j.Target.URL, []string{"green:80"}, []string{"blue:80"}
		}, false},
		"no baseline":                      {comparing, func(j *Job) { j.Baseline.URL = "" }, false},
		"two names of one address":         {comparing, func(j *Job) { j.Target.URL, j.Baseline.URL = "http://one.localhost:80", "http://127.0.0.1:80" }, true},
		"two names of one address, a host": {"host: trips.example\n" + comparing, func(j *Job) { j.Target.URL, j.Baseline.URL = "http://localhost:80", "http://[::1]:80" }, true},
	} {
		suite, _ := suite.Read(suite.Source{Name: "s", Text: []byte(tc.suite)})
		job := Job{Target: Side{URL: "http://green"}, Baseline: Side{URL: "http://blue"}}
		tc.change(&job)
		if got := OneAddress(t.Context(), suite, job); (got != "") != tc.one {
			t.Errorf("%s: %q", name, got)
		}
	}
	inBubble(t, status(200), nil, func(n *network) {
		r := n.run(n.t.Context(), comparing, func(j *Job) { allPhases(j); j.Baseline.URL = j.Target.URL })
		if r.Verdict != finding.Pass || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "is compared with itself") {
			t.Errorf("%s, warnings %q", r.Verdict, r.Warnings)
		}
	})
}

// Where the suite says the Host header, two names for one address are one release.
func TestTwoNamesOfOneAddressAreOneWhereTheSuiteSaysTheHost(t *testing.T) {
	names, err := net.DefaultResolver.LookupHost(t.Context(), "localhost")
	if err != nil || len(names) == 0 {
		t.Skip("localhost has no address here")
	}
	if a, b := lookedUp(t.Context(), "http://localhost:81"), lookedUp(t.Context(), "http://"+net.JoinHostPort(names[0], "81")); !overlap(a, b) {
		t.Errorf("%v and %v", a, b)
	}
	if a, b := lookedUp(t.Context(), "http://localhost:81"), lookedUp(t.Context(), "http://localhost:82"); overlap(a, b) {
		t.Errorf("another port is another listener: %v and %v", a, b)
	}
	if got := lookedUp(t.Context(), "http://no-such-host.invalid"); len(got) != 0 {
		t.Errorf("a name that nobody knows has %v", got)
	}
}

// What leads to green is sent there with every request, and to blue never, whatever the suite says.
func TestWhatLeadsToTheTargetIsSentThereOnly(t *testing.T) {
	suite := strings.Replace(comparing, "readiness:", "defaults: {headers: {x-preview: \"suite\", x-amzn-ecs-blue-green-test: \"1\", X-Team: a}}\nreadiness:", 1)
	see := func(side string, want, strays string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("X-Preview") + r.Header.Get("X-Lead"); got != want || r.Header.Get("X-Amzn-Ecs-Blue-Green-Test") != strays || r.Header.Get("X-Team") != "a" {
				t.Errorf("%s was sent %v", side, r.Header)
			}
		}
	}
	inBubble(t, see("green", "yes2", "1"), see("blue", "", ""), func(n *network) {
		r := n.run(n.t.Context(), suite, func(j *Job) {
			allPhases(j)
			j.Target.Headers = map[string]string{"X-PREVIEW": "yes", "x-lead": "2"}
		})
		expectReport(t, r, finding.Pass, finding.BlameNone, "1 comparison passed")
	})
	for name, value := range map[string]string{
		"": "x", "a b": "x", "Host": "x", "content-length": "1", "Connection": "close", "X-A": "a\r\nX-B: b",
		"Trailer": "x", // net/http would leave it out without a word
	} {
		inBubble(t, status(200), nil, func(n *network) {
			r := n.run(n.t.Context(), home, func(j *Job) { j.Target.Headers = map[string]string{name: value} })
			expectReport(t, r, finding.Error, finding.BlameConfig, "a header that leads to the target: ")
		})
	}
}

func TestWhyThereIsNoBaselineIsTold(t *testing.T) {
	inBubble(t, status(200), nil, func(n *network) {
		r := n.run(n.t.Context(), comparing, func(j *Job) { allPhases(j); j.NoBaseline = "production already serves the new release (10 %)" })
		expectReport(t, r, finding.Inconclusive, finding.BlameEnvironment, "there is no old release to compare with: production already serves the new release (10 %); and the suite requires one")
		if len(r.NotRun) != 1 || !strings.Contains(r.NotRun[0].Why, "(10 %)") {
			t.Errorf("not run: %v", r.NotRun)
		}
	})
}

// A release that repairs a dead production gets through, where the suite does not insist on a comparison.
func TestADeadProductionIsNoBaselineWhereThatIsOptional(t *testing.T) {
	const optional = comparing + "policy: {baseline: optional}\n"
	sometimes := func() http.HandlerFunc {
		var n atomic.Int64
		return func(w http.ResponseWriter, _ *http.Request) {
			if n.Add(1) != 3 {
				w.WriteHeader(503)
			}
		}
	}
	for name, tc := range map[string]struct {
		suite   string
		blue    http.HandlerFunc
		verdict finding.Verdict
		reason  string
	}{
		"503 for everything, optional":  {optional, status(503), finding.Pass, "1 check passed"},
		"503 for everything, required":  {comparing, status(503), finding.Inconclusive, "blue answered GET /report: status: expected 200, got 503"},
		"it answers now and then":       {optional, sometimes(), finding.Inconclusive, "blue answered GET /report: status: expected 200, got 503"},
		"it has no such route":          {optional, status(404), finding.Pass, "1 comparison passed"},
		"it answers 500, required":      {comparing, status(500), finding.Pass, "1 comparison passed"},
		"nobody is listening, optional": {optional, nil, finding.Pass, "1 check passed"},
	} {
		inBubble(t, status(200), tc.blue, func(n *network) {
			r := n.run(n.t.Context(), tc.suite, func(j *Job) { allPhases(j); j.Baseline.URL = "http://blue" })
			if r.Verdict != tc.verdict || !strings.Contains(r.Reason, tc.reason) {
				t.Errorf("%s: %s: %s", name, r.Verdict, r.Reason)
			}
			if strings.Contains(tc.reason, "comparison passed") {
				if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "production answers wrongly") {
					t.Errorf("%s: %q", name, r.Warnings)
				}
			} else if tc.verdict == finding.Pass && (len(r.NotRun) != 1 || !strings.Contains(r.NotRun[0].Why, "does not answer")) {
				t.Errorf("%s: not run %v", name, r.NotRun)
			}
		})
	}
}

// Reasons say what came, for both sides.
func TestReasonsSayWhatCame(t *testing.T) {
	inBubble(t, routes(status(503)), routes(status(500)), func(n *network) {
		r := n.run(n.t.Context(), oneRoute, nil)
		expectReport(t, r, finding.Inconclusive, finding.BlameEnvironment, "what was left of 1m0s: GET /route: status: expected 200, got 503")
	})
	broken := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/report" {
			w.WriteHeader(503)
		}
	}
	inBubble(t, broken, status(200), func(n *network) {
		expectReport(t, n.run(n.t.Context(), comparing, allPhases), finding.Fail, finding.BlameRelease, "; green answered GET /report: status: expected 200, got 503")
	})
	// Over a real network the address is told.
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := nobody.Addr().String()
	_ = nobody.Close()
	r := ReadAndRun(t.Context(), Job{Suite: suite.Source{Name: "s", Text: []byte(strings.Replace(home, "checks:", "readiness: {consecutive: 1, within: 100ms}\nchecks:", 1))}, Target: Side{URL: "http://" + address}, Phases: []finding.Phase{finding.PhaseReady}}, nil)
	expectReport(t, r, finding.Fail, finding.BlameRelease, "dial "+address+": connection refused")
}

// A host that holds the release is another virtual host: blue would be asked for what it cannot have.
func TestBlueIsNotAskedWhereTheHostMentionsTheRelease(t *testing.T) {
	const suite = "host: \"v${RELEASE}.example\"\n" + oneRoute
	inBubble(t, routes(status(503)), func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("blue was asked %s", r.URL)
	}, func(n *network) {
		expectReport(t, n.run(n.t.Context(), suite, byAddress), finding.Fail, finding.BlameRelease, `check "route": 4 of 4`)
	})
	inBubble(t, status(503), func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("blue was asked %s", r.URL)
	}, func(n *network) {
		expectReport(t, n.run(n.t.Context(), "host: \"v${RELEASE}.example\"\n"+comparing[:strings.Index(comparing, "compare:")], byAddress), finding.Fail, finding.BlameRelease, "not ready")
	})
}

// What this machine cannot do says nothing about the release.
func TestALimitOfOurOwnIsNotTheReleases(t *testing.T) {
	own := func(errno syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 1, 7), Port: 80}, Err: os.NewSyscallError("connect", errno)}
	}
	run := func(n *network, text string, failing func(dialled int64) error) finding.Report {
		suite, _ := suite.Read(suite.Source{Name: "s", Text: []byte(text)})
		var dialled atomic.Int64
		r := &runner{
			suite: suite, started: time.Now(),
			job: Job{Target: Side{URL: "http://green"}, Release: "1.1.0", Phases: []finding.Phase{finding.PhaseReady, finding.PhaseJudge}},
			dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
				if err := failing(dialled.Add(1)); err != nil {
					return nil, err
				}
				return n.dial(ctx, network, addr)
			},
		}
		return r.run(n.t.Context())
	}
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.ENETUNREACH, syscall.ENOBUFS, syscall.ENOMEM, syscall.EPERM} {
		inBubble(t, status(200), nil, func(n *network) {
			r := run(n, oneRoute, func(int64) error { return own(errno) })
			expectReport(t, r, finding.Error, finding.BlameConfig, "the release was not asked: dial 10.0.1.7:80: "+errno.Error())
		})
		inBubble(t, status(200), nil, func(n *network) {
			r := run(n, oneRoute, func(dialled int64) error {
				if dialled > 3 { // Readiness takes two; whether a check dials again depends on the idle connections.
					return own(errno)
				}
				return nil
			})
			expectReport(t, r, finding.Error, finding.BlameConfig, `": the gate's own machine or network has a limit, the release was not asked`)
		})
	}
	// Readiness may outlast it.
	inBubble(t, status(200), nil, func(n *network) {
		r := run(n, oneRoute, func(dialled int64) error {
			if dialled == 1 {
				return own(syscall.EMFILE)
			}
			return nil
		})
		expectReport(t, r, finding.Pass, finding.BlameNone, "2 checks passed")
	})
	for _, errno := range []syscall.Errno{syscall.ECONNREFUSED, syscall.EHOSTUNREACH} {
		inBubble(t, status(200), nil, func(n *network) {
			r := run(n, oneRoute, func(int64) error { return own(errno) })
			expectReport(t, r, finding.Fail, finding.BlameRelease, "dial 10.0.1.7:80: "+errno.Error())
		})
	}
}

// What is hidden is hidden in every text, also where the suite does not know that it is a secret.
func TestHiddenTextsAreNowhere(t *testing.T) {
	const own = "wJalrXUtnFEMI/K7MDENG"
	echo := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(500)
		_, _ = io.WriteString(w, "sent "+r.Header.Get("X-Leak")+" and "+url.QueryEscape(r.Header.Get("X-Leak")))
	}
	suite := strings.Replace(home, "checks:", "variables: {X: \""+own+"\"}\nreadiness: {consecutive: 1, within: 1s}\ndefaults: {headers: {X-Leak: \"${X}\"}}\nchecks:", 1)
	inBubble(t, echo, nil, func(n *network) {
		r := n.run(n.t.Context(), suite, func(j *Job) { j.Hidden = []string{own}; j.Phases = []finding.Phase{finding.PhaseJudge} })
		var again finding.Report
		throughJSON(t, r, &again)
		if text := fmt.Sprintf("%+v", again); strings.Contains(text, own) || strings.Contains(text, url.QueryEscape(own)) || !strings.Contains(text, "sent [redacted]") {
			t.Errorf("it is shown: %s", text)
		}
		var job Job
		throughJSON(t, Job{Hidden: []string{own}}, &job)
		if len(job.Hidden) > 0 {
			t.Error("it leaves the process")
		}
	})
}
