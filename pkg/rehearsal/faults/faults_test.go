package faults_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/faults"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/task"
)

// oneTask is one task of a release that says its version; it counts nothing and keeps nothing.
func oneTask(t *testing.T, version string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		_, _ = io.WriteString(w, `{"version":"`+version+`","path":"`+r.URL.Path+`"}`)
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

var broken = faults.Route{Method: "GET", Path: "/broken"}

// start puts a fault before two green tasks; the routes known are GET /broken and DELETE /broken.
func start(t *testing.T, name string) *faults.Injector {
	t.Helper()
	var f faults.Fault
	for _, one := range faults.Faults() {
		if one.Name == name {
			f = one
		}
	}
	if f.Name != name {
		t.Fatalf("no fault %q", name)
	}
	i, err := faults.Start(t.Context(), faults.Injection{
		Mutant: faults.Mutant{Fault: f, Route: &broken}, Routes: []faults.Route{broken, {Method: "DELETE", Path: "/broken"}, {Method: "GET", Path: "/orders/${id}"}},
		Green: []string{oneTask(t, "new"), oneTask(t, "new")}, Blue: []string{oneTask(t, "old")},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
	return i
}

type answer struct {
	status int
	header http.Header
	body   string
	err    error
	took   time.Duration
}

// ask asks once on a connection of its own, without following or unpacking anything. It gives up, with
// context.Canceled, when the header takes longer than the limit, or the body.
func ask(t *testing.T, addr, method, path string, limit time.Duration, header ...string) answer {
	t.Helper()
	return patientlyAsk(t, addr, method, path, limit, limit, header...)
}

// patientlyAsk is ask with one limit for the header and one for the body.
func patientlyAsk(t *testing.T, addr, method, path string, first, rest time.Duration, header ...string) answer {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	timer := time.AfterFunc(first, cancel)
	defer timer.Stop()
	request, err := http.NewRequestWithContext(ctx, method, "http://"+addr+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	began := time.Now()
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return answer{err: err, took: time.Since(began)}
	}
	defer func() { _ = response.Body.Close() }()
	timer.Reset(rest)
	body, err := io.ReadAll(io.LimitReader(response.Body, 2<<20))
	return answer{response.StatusCode, response.Header, string(body), err, time.Since(began)}
}

func TestEachFaultIsWhatItSays(t *testing.T) {
	const patient, short = time.Minute, 300 * time.Millisecond
	for name, c := range map[string]struct {
		header, body time.Duration // how long the test waits for each
		want         func(a answer) bool
	}{
		"hang":      {short, short, func(a answer) bool { return errors.Is(a.err, context.Canceled) && a.status == 0 }},
		"drip":      {patient, short, func(a answer) bool { return errors.Is(a.err, context.Canceled) && a.status == 200 }},
		"latency":   {patient, patient, func(a answer) bool { return a.err == nil && a.status == 200 && a.took >= 3*time.Second }},
		"500":       {patient, patient, func(a answer) bool { return a.err == nil && a.status == 500 }},
		"reset":     {patient, patient, func(a answer) bool { return errors.Is(a.err, syscall.ECONNRESET) }},
		"truncated": {patient, patient, func(a answer) bool { return a.status == 200 && a.body != "" && errors.Is(a.err, io.ErrUnexpectedEOF) }},
		"endless":   {patient, patient, func(a answer) bool { return a.status == 200 && len(a.body) == 2<<20 }},
		"redirect":  {patient, patient, func(a answer) bool { return a.status == 302 && a.header.Get("Location") == "/__login" }},
		"error-200": {patient, patient, func(a answer) bool { return a.status == 200 && strings.Contains(a.body, `"error"`) }},
		"gzip-bomb": {patient, patient, func(a answer) bool {
			z, err := gzip.NewReader(strings.NewReader(a.body))
			if err != nil || len(a.body) > 1<<20 {
				return false
			}
			n, err := io.Copy(io.Discard, z)
			return err == nil && n == 256<<20
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := start(t, name)
			a := patientlyAsk(t, i.Addrs[0], "GET", "/broken", c.header, c.body)
			if !c.want(a) {
				t.Errorf("got %d %q after %s, %v", a.status, a.body[:min(len(a.body), 100)], a.took, a.err)
			}
			// Everything else works, the login page of the redirect too, and is not counted.
			for _, path := range []string{"/", "/broken/too"} {
				if b := ask(t, i.Addrs[0], "GET", path, patient); b.status != 200 || !strings.Contains(b.body, `"path":"`+path+`"`) {
					t.Errorf("GET %s: %d %q %v", path, b.status, b.body, b.err)
				}
			}
			if b := ask(t, i.Addrs[0], "DELETE", "/broken", patient); b.status != 204 {
				t.Errorf("DELETE of the same path: %d %v", b.status, b.err)
			}
			if b := ask(t, i.Addrs[1], "GET", "/broken", patient, "User-Agent", "ELB-HealthChecker/2.0"); b.status != 200 || !strings.Contains(b.body, "new") {
				t.Errorf("a health check: %d %q %v", b.status, b.body, b.err)
			}
			if n := i.Injected(); n != 1 {
				t.Errorf("%d requests are said to have met the fault, want 1", n)
			}
		})
	}
}

func TestFaultsOfTheWholeRelease(t *testing.T) {
	for name, c := range map[string]struct {
		// broken says whether the nth request (from 0), which reaches task n mod 2, is broken.
		broken func(n int) bool
		is     func(a answer) bool
	}{
		"wrong-version": {func(int) bool { return true }, func(a answer) bool { return strings.Contains(a.body, "old") }},
		"one-old-task":  {func(n int) bool { return n%2 == 0 }, func(a answer) bool { return strings.Contains(a.body, "old") }},
		"one-bad-task":  {func(n int) bool { return n%2 == 0 }, func(a answer) bool { return a.status == 500 }},
		"errors":        {func(n int) bool { return n%10 == 9 }, func(a answer) bool { return a.status == 500 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := start(t, name)
			want := int64(0)
			for n := range 20 {
				a := ask(t, i.Addrs[n%2], "GET", "/any", 10*time.Second)
				if a.err != nil || c.is(a) != c.broken(n) {
					t.Errorf("request %d: %d %q %v", n, a.status, a.body, a.err)
				}
				if c.broken(n) {
					want++
				}
			}
			if got := i.Injected(); got != want {
				t.Errorf("%d requests are said to have met the fault, want %d", got, want)
			}
		})
	}
}

func TestEveryFaultIsTested(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range faults.Faults() {
		if seen[f.Name] || f.About == "" || f.Scope == "" {
			t.Errorf("fault %q: twice, or without its text or scope", f.Name)
		}
		seen[f.Name] = true
	}
	if len(seen) != 17 {
		t.Errorf("%d faults; the tests know 17", len(seen))
	}
}

func TestWithoutAFaultAnswersAreRemembered(t *testing.T) {
	i := start(t, "")
	ask(t, i.Addrs[0], "GET", "/orders/7", time.Minute)
	ask(t, i.Addrs[0], "GET", "/broken", time.Minute, "User-Agent", "ELB-HealthChecker/2.0")
	got := i.Samples()
	s, ok := got[faults.Route{Method: "GET", Path: "/orders/${id}"}]
	if len(got) != 1 || !ok || s.Status != 200 || !strings.Contains(string(s.Body), "/orders/7") {
		t.Errorf("remembered: %v", got)
	}
	if i.Injected() != 0 {
		t.Error("something was broken")
	}
}

func TestARequestBelongsToTheRouteWithTheFewestVariables(t *testing.T) {
	routes := []faults.Route{
		{Method: "GET", Path: "/trips/${id}"},
		{Method: "GET", Path: "/trips/none"},
		{Method: "GET", Path: "/trips/t-${id}.json"},
		{Method: "POST", Path: "/trips"},
	}
	for name, c := range map[string]struct{ method, path, want string }{
		"a variable":                {"GET", "/trips/7", "GET /trips/${id}"},
		"the literal one wins":      {"GET", "/trips/none", "GET /trips/none"},
		"a part of a segment":       {"GET", "/trips/t-7.txt", "GET /trips/${id}"},
		"another method":            {"DELETE", "/trips/7", ""},
		"a variable is one segment": {"GET", "/trips/7/days", ""},
		"no variable, no segment":   {"POST", "/trips/", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := faults.Pick(routes, c.method, c.path)
			if ok != (c.want != "") || ok && got.String() != c.want {
				t.Errorf("%s %s belongs to %q, want %q", c.method, c.path, got, c.want)
			}
		})
	}
}

// What only a watch sees must be invisible to everybody else: production's traffic meets it, and no request of a suite.
func TestALeakIsMetByProductionsTrafficAlone(t *testing.T) {
	i := start(t, "leak-in-production")
	statuses := func(agent string) (n int) {
		for range 60 {
			if a := ask(t, i.Addrs[0], "GET", "/broken", time.Minute, "User-Agent", agent); a.status == 500 {
				n++
			}
		}
		return n
	}
	if n := statuses("greenlight-smoke/devel"); n != 0 || i.Injected() != 0 {
		t.Errorf("%d of a suite's requests failed, %d were counted", n, i.Injected())
	}
	if n := statuses(task.TrafficAgent); n != 11 || i.Injected() != 11 {
		t.Errorf("%d of production's 60 requests failed, %d were counted, want 11", n, i.Injected())
	}
}
