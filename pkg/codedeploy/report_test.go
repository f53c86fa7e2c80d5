package codedeploy_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/codedeploy"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle/payload"
)

var event = payload.Event{DeploymentID: "d-1A2B3C4D5", HookExecutionID: "eyJlbmNyeXB0ZWQiOiJ4In0="}

// server answers the n-th call (from 1) with answers[n-1], and every later one with the last.
type server struct {
	answers []string
	mu      sync.Mutex
	stored  []string
	calls   int
}

const (
	ok       = `200 {"lifecycleEventHookExecutionId":"x"}`
	throttle = `400 {"__type":"ThrottlingException","message":"Rate exceeded"}`
	broken   = `500 {"__type":"InternalFailure"}`
	already  = `400 {"__type":"LifecycleEventAlreadyCompletedException"}`
	denied   = `400 {"__type":"AccessDeniedException","Message":"not authorized"}`
	hang     = `hang`
	reset    = `reset`
	garbled  = `200 {`
)

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var in struct{ DeploymentID, LifecycleEventHookExecutionID, Status string }
	_ = json.Unmarshal(body, &in)
	s.mu.Lock()
	s.calls++
	answer := s.answers[min(s.calls, len(s.answers))-1]
	if strings.HasPrefix(answer, "200") {
		s.stored = append(s.stored, in.Status+" "+in.DeploymentID+" "+in.LifecycleEventHookExecutionID)
	}
	s.mu.Unlock()
	switch answer {
	case hang:
		<-r.Context().Done()
		return
	case reset:
		panic(http.ErrAbortHandler)
	}
	code, text, _ := strings.Cut(answer, " ")
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(map[string]int{"200": 200, "400": 400, "500": 500}[code])
	_, _ = io.WriteString(w, text)
}

func start(t *testing.T, answers ...string) (*codedeploy.Client, *server) {
	t.Helper()
	s := &server{answers: answers}
	h := httptest.NewServer(s)
	t.Cleanup(h.CloseClientConnections)
	t.Cleanup(h.Close)
	return codedeploy.New(awsclient.Environment{Region: "eu-west-1", AccessKeyID: "AKID", SecretAccessKey: "s", Endpoint: h.URL}.Config()), s
}

func TestReport(t *testing.T) {
	for name, tc := range map[string]struct {
		answers []string
		outcome codedeploy.Outcome
		calls   int
	}{
		"at once":                         {[]string{ok}, codedeploy.Stored, 1},
		"five throttles":                  {[]string{throttle, throttle, throttle, throttle, throttle, ok}, codedeploy.Stored, 6},
		"four server errors":              {[]string{broken, broken, broken, broken, ok}, codedeploy.Stored, 5},
		"a reset":                         {[]string{reset, ok}, codedeploy.Stored, 2},
		"a hang":                          {[]string{hang, ok}, codedeploy.Stored, 2},
		"somebody was here before":        {[]string{already}, codedeploy.AlreadyCompleted, 1},
		"the answer was lost":             {[]string{garbled, already}, codedeploy.AlreadyCompleted, 2},
		"permission comes late":           {[]string{denied, denied, ok}, codedeploy.Stored, 3},
		"somebody else answers first":     {[]string{`400 <html>proxy</html>`, `400 {}`, ok}, codedeploy.Stored, 3},
		"a clock that is wrong":           {[]string{`400 {"__type":"RequestExpired"}`, ok}, codedeploy.Stored, 2},
		"no such deployment":              {[]string{`400 {"__type":"DeploymentDoesNotExistException"}`}, codedeploy.NotStored, 1},
		"another account's deployment id": {[]string{`400 {"__type":"InvalidDeploymentIdException"}`}, codedeploy.NotStored, 1},
		"no such hook execution":          {[]string{`400 {"__type":"InvalidLifecycleEventHookExecutionIdException"}`}, codedeploy.NotStored, 1},
		"wrong platform":                  {[]string{`400 {"__type":"UnsupportedActionForDeploymentTypeException"}`}, codedeploy.NotStored, 1},
		"bad status":                      {[]string{`400 {"__type":"InvalidLifecycleEventHookExecutionStatusException"}`}, codedeploy.NotStored, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, s := start(t, tc.answers...)
			got := c.Report(t.Context(), event, lifecycle.Failed, time.Now().Add(8*time.Second))
			if got.Outcome != tc.outcome || got.Attempts != tc.calls || s.calls != tc.calls {
				t.Errorf("%s after %d attempts and %d calls (%v), want %s after %d", got.Outcome, got.Attempts, s.calls, got.Err, tc.outcome, tc.calls)
			}
			if (got.Err != nil) != (tc.outcome == codedeploy.NotStored) {
				t.Errorf("error %v with outcome %s", got.Err, got.Outcome)
			}
			if tc.outcome == codedeploy.Stored {
				if want := "Failed d-1A2B3C4D5 eyJlbmNyeXB0ZWQiOiJ4In0="; len(s.stored) != 1 || s.stored[0] != want {
					t.Errorf("stored %q, want [%q]", s.stored, want)
				}
			}
		})
	}
}

// A second is left for the log and the answer, whatever goes wrong, and no fault costs all the attempts.
func TestACodeDeployThatIsDownForGoodLeavesASecond(t *testing.T) {
	for name, answer := range map[string]string{"hangs": hang, "throttles": throttle} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, s := start(t, answer)
			deadline := time.Now().Add(4 * time.Second)
			got := c.Report(t.Context(), event, lifecycle.Failed, deadline)
			if left := time.Until(deadline); left < 900*time.Millisecond {
				t.Errorf("%v left, want 1s", left)
			}
			s.mu.Lock()
			calls := s.calls
			s.mu.Unlock()
			lost := got.Attempts - calls // The deadline may end the last one on its way.
			if got.Outcome != codedeploy.NotStored || got.Err == nil || got.Attempts < 3 || lost < 0 || lost > 1 {
				t.Errorf("%s after %d attempts and %d calls (%v), want failed after at least 3", got.Outcome, got.Attempts, calls, got.Err)
			}
		})
	}
}

func TestACancelledRunIsReportedAllTheSame(t *testing.T) {
	c, s := start(t, ok)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := c.Report(ctx, event, lifecycle.Failed, time.Now().Add(-time.Second)); got.Outcome != codedeploy.Stored || s.calls != 1 {
		t.Errorf("%+v after %d calls, want stored after 1", got, s.calls)
	}
}
