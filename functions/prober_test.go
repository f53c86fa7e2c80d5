package functions_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// lambdaService is Lambda's own API with one function, the prober, which runs as its binary.
type lambdaService struct {
	t      testing.TB
	prober *environment
	limit  time.Duration
	// states are what the function is at the first invocations; then it is Active.
	states []string
	// forge, when set, answers in the prober's place.
	forge http.HandlerFunc

	calls atomic.Int64
	log   atomic.Value
}

func (s *lambdaService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := int(s.calls.Load())
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(w, `{"Configuration":{"State":"`+s.states[max(0, min(n-1, len(s.states)-1))]+`"}}`)
		return
	}
	s.calls.Add(1)
	if n < len(s.states) {
		code, kind := http.StatusConflict, "ResourceConflictException"
		if s.states[n] == "Inactive" {
			code, kind = http.StatusBadGateway, "ResourceNotReadyException"
		}
		w.Header().Set("X-Amzn-Errortype", kind+":http://internal.amazon.com/")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, `{"Type":"User","Message":"The operation cannot be performed at this time. The function is currently `+s.states[n]+`"}`)
		return
	}
	if s.forge != nil {
		s.forge(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("X-Amz-Invocation-Type") != "RequestResponse" || r.URL.Path != "/2015-03-31/functions/Prober/invocations" {
		s.t.Errorf("%s %s, invocation type %q, %v", r.Method, r.URL.Path, r.Header.Get("X-Amz-Invocation-Type"), err)
	}
	a := s.prober.invoke(string(body), s.limit)
	s.log.Store(a.log)
	switch a.kind {
	case "returned":
		_, _ = io.WriteString(w, a.body)
	case "error":
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		_, _ = io.WriteString(w, a.body)
	default:
		timedOut(w, r)
	}
}

// timedOut is what Lambda says of a function that it killed.
func timedOut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X-Amz-Function-Error", "Unhandled")
	_, _ = io.WriteString(w, `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: x Error: Task timed out after 900.00 seconds"}`)
}

// private makes a URL one that only the load balancer's private addresses lead to.
func private(t testing.TB, base string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	return "http://alb.invalid:" + u.Port()
}

func TestTheProberProbesFromInsideTheVPC(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		hook           string
		green, blue    application
		suite          suite
		states         []string
		verdict, blame string
		reason         string
	}{
		"good":                            {after, good(), old(), suite{}, nil, "PASS", "none", ""},
		"500 on one route":                {after, with("GET /trips", answers(500)), old(), suite{}, nil, "FAIL", "release", "list trips"},
		"gzip bomb":                       {after, with("GET /trips", bomb), old(), suite{attempts: 20}, nil, "FAIL", "release", "larger than"},
		"Inactive, then Pending":          {after, good(), old(), suite{}, []string{"Inactive", "Pending"}, "PASS", "none", ""},
		"green against blue":              {before, good(), old(), suite{more: compared}, nil, "PASS", "none", ""},
		"errors that blue does not have":  {before, with("GET /report", answers(500)), old(), suite{more: compared}, nil, "FAIL", "release", `comparison "report"`},
		"a broken suite is told up front": {after, good(), old(), suite{whole: "version: 2\n"}, nil, "ERROR", "config", ":1:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			service := &lambdaService{t: t, prober: start(t, "prober", "http://127.0.0.1:1"), limit: time.Minute, states: tc.states}
			c.Functions = service
			e := start(t, tc.hook, c.url, "PROBER_FUNCTION=Prober")
			d, event := c.deploy(tc.hook, private(t, serve(t, tc.green)), private(t, serve(t, tc.blue)), tc.suite.text())
			a := e.invoke(event, time.Minute)
			v := judged(t, a, d)
			if v.text("verdict") != tc.verdict || v.text("blame") != tc.blame || !strings.Contains(v.text("reason"), tc.reason) {
				t.Errorf("%s, blame %s: %s; want %s, blame %s: …%s…", v.text("verdict"), v.text("blame"), v.text("reason"), tc.verdict, tc.blame, tc.reason)
			}
			if tc.blame != "config" && len(a.lines(t, "check"))+len(a.lines(t, "compare")) == 0 {
				t.Error("the log has no line of what the prober found")
			}
			log, _ := service.log.Load().(string)
			if log != "" {
				t.Errorf("the prober wrote: %.300s", log)
			}
			noSecretIn(t, "the prober's log", log)
			if got := max(service.prober.peakMemory(), e.peakMemory()); got >= 64 {
				t.Errorf("%.1f MiB were resident, want less than 64", got)
			}
			for _, state := range tc.states {
				if !strings.Contains(a.log, "waiting for the prober, which is "+state) {
					t.Errorf("the log does not say that the prober is %s", state)
				}
			}
		})
	}
}

func TestAProberThatSaysNothingIsNoPass(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		forge          http.HandlerFunc
		blame, reason  string
		notInTheReason string
	}{
		"it times out":           {timedOut, "config", "the suite outlasted the function", ""},
		"it fails":               {functionError(`{"errorType":"Runtime.ExitError","errorMessage":"the payload was {}"}`), "gate", "Runtime.ExitError", "payload"},
		"an error of no shape":   {functionError(`boom`), "gate", "the function ended with an error", ""},
		"another suite's report": {says(`{"suite":"other","suite_sha256":"00","verdict":"PASS"}`), "gate", "another suite", ""},
		"no report":              {says(`"PASS"`), "gate", "no report", ""},
		"nothing":                {says(``), "gate", "no report", ""},
		"there is no prober":     {nil, "config", "correct PROBER_FUNCTION", ""},
		"it never answers":       {hang, "gate", "did not answer in the time", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			c.Functions = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if tc.forge == nil {
					w.Header().Set("X-Amzn-Errortype", "ResourceNotFoundException")
					w.WriteHeader(http.StatusNotFound)
					_, _ = io.WriteString(w, `{"Message":"Function not found"}`)
					return
				}
				tc.forge(w, r)
			})
			e := start(t, after, c.url, "PROBER_FUNCTION=Prober")
			d, event := c.deploy(after, serve(t, good()), serve(t, old()), suite{}.text())
			limit := time.Minute
			if name == "it never answers" {
				limit = 10 * time.Second
			}
			v := judged(t, e.invoke(event, limit), d)
			if v.text("verdict") != "ERROR" || v.text("blame") != tc.blame || !strings.Contains(v.text("reason"), tc.reason) {
				t.Errorf("%s, blame %s: %s; want ERROR, blame %s: …%s…", v.text("verdict"), v.text("blame"), v.text("reason"), tc.blame, tc.reason)
			}
			if tc.notInTheReason != "" && strings.Contains(v.text("reason"), tc.notInTheReason) {
				t.Errorf("the reason quotes what may quote the payload: %s", v.text("reason"))
			}
		})
	}
}

func functionError(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		_, _ = io.WriteString(w, body)
	}
}

func says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
}

// TestTheProberItselfStopsInTime gives it a suite that outlasts it: it returns what it has, and names
// what is missing, before Lambda ends it.
func TestTheProberItselfStopsInTime(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	service := &lambdaService{t: t, prober: start(t, "prober", "http://127.0.0.1:1"), limit: 8 * time.Second}
	c.Functions = service
	e := start(t, after, c.url, "PROBER_FUNCTION=Prober")
	d, event := c.deploy(after, serve(t, with("GET /trips", hang)), serve(t, old()), suite{timeout: "5m"}.text())
	v := judged(t, e.invoke(event, 3*time.Minute), d)
	if v.text("verdict") != "ERROR" || v.text("blame") != "config" || !strings.Contains(v.text("reason"), "list trips") {
		t.Errorf("%s, blame %s: %s", v.text("verdict"), v.text("blame"), v.text("reason"))
	}
}

func TestTheProberRefusesWhatIsNoJob(t *testing.T) {
	t.Parallel()
	e := start(t, "prober", "http://127.0.0.1:1")
	for _, payload := range []string{`{}`, `{"suite":{"name":"x","text":"e30="},"target":"http://127.0.0.1:1","phases":["judge"]}`, `{"suite":7}`, `null`, `{"values":{"T":{"text":"` + "hunter2" + `","secret":true}},"suite":"x"}`} {
		a := e.invoke(payload, 20*time.Second)
		if a.kind == "returned" && !strings.Contains(a.body, `"verdict":"ERROR"`) || a.kind != "returned" && a.kind != "error" {
			t.Errorf("%s: %s %s, want an error", payload, a.kind, a.body)
		}
		if strings.Contains(a.log+a.body, "hunter2") {
			t.Errorf("%s: the payload is told: %s %s", payload, a.log, a.body)
		}
	}
}

// A prober that does not know the load balancer's addresses would look up its public name, which hardly leads anywhere
// from inside the VPC; the release must not be blamed for that.
func TestAProberWithoutTheLoadBalancersAddresses(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.Functions = &lambdaService{t: t, prober: start(t, "prober", "http://127.0.0.1:1"), limit: time.Minute}
	c.answers = map[string]func([]byte) string{"DescribeNetworkInterfaces": func([]byte) string {
		return `<DescribeNetworkInterfacesResponse><networkInterfaceSet/></DescribeNetworkInterfacesResponse>`
	}}
	e := start(t, after, c.url, "PROBER_FUNCTION=Prober")
	d, event := c.deploy(after, private(t, serve(t, good())), private(t, serve(t, old())), suite{}.text())
	v := judged(t, e.invoke(event, time.Minute), d)
	const want = "the load balancer's addresses, by which the prober reaches it, are not known: "
	if v.text("verdict") != "ERROR" || v.text("blame") != "config" || !strings.Contains(v.text("reason"), want) {
		t.Errorf("%s, blame %s: %s", v.text("verdict"), v.text("blame"), v.text("reason"))
	}
}
