package alb_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/alb"
)

// What an application logs of each health check is told apart from what somebody wants to read, with any logger.
func TestALineAboutAHealthCheckIsKnown(t *testing.T) {
	for line, want := range map[string][2]bool{ // of a check of /, of one of /up
		`127.0.0.1 - - [30/Nov/2026 19:31:42] "GET / HTTP/1.1" 200 -`:   {true, false},
		`127.0.0.1 - - [30/Nov/2026 19:31:42] "GET /up HTTP/1.1" 503 -`: {false, true},
		`GET /up 200 1.3 ms - 12`:                                       {false, true},
		`{"level":"info","req":{"method":"GET","url":"/up"}}`:           {false, true},
		`level=info method=GET path=/up status=200`:                     {false, true},
		`Started GET "/up" for 127.0.0.1`:                               {false, true},
		`GET /up?full=1 200`:                                            {false, true},
		`10.0.0.1 "ELB-HealthChecker/2.0" served`:                       {true, true},
		`GET /upload 200`:                                               {false, false},
		`GET /api/up 200`:                                               {false, false},
		`mapped [/up] onto the handler`:                                 {false, false},
		`step 3 / 10`:                                                   {false, false},
		`GET /up 500: connection to the database was refused`:           {false, false},
		`GET / failed: ELB-HealthChecker is not allowed`:                {false, false},
		`Error: cannot find module, required by GET / and /up`:          {false, false},
	} {
		for i, path := range []string{"", "/up"} {
			if got := (alb.HealthCheck{Path: path}).Logged()(line); got != want[i] {
				t.Errorf("checked at %q, %s: %v", path, line, got)
			}
		}
	}
}

// What came last is told: of a target that is not healthy its answer to the check, and the listener's last request.
func TestWhatCameLastIsTold(t *testing.T) {
	w := newWorld(t)
	ill := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	t.Cleanup(ill.Close)
	g := w.Group("g", alb.HealthCheck{Path: "/up", Interval: 5 * time.Millisecond, Timeout: time.Second, Threshold: 2})
	g.Register(w.ctx, "blue/1", "1", strings.TrimPrefix(ill.URL, "http://"))
	says := func(want string) {
		t.Helper()
		for g.Ailing() != want && w.ctx.Err() == nil {
			<-time.After(time.Millisecond)
		}
		if got := g.Ailing(); got != want {
			t.Errorf("says %q, want %q", got, want)
		}
	}
	says("GET /up of blue/1 was answered with 503")
	ill.Close()
	says("GET /up of blue/1 was not answered")
	healthy := w.group(t, "green", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	if got := healthy.Ailing() + w.Log.Latest(); got != "" {
		t.Errorf("says %q", got)
	}
	w.listener.Forward(alb.Weight{Group: healthy, Share: 100})
	w.get(t, "/tea?token=hunter2")
	if got := w.Log.Latest(); got != "GET /tea was answered with 418" {
		t.Errorf("says %q", got)
	}
}
