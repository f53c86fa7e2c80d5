package prober_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/prober"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

const text = "version: 1\nname: trips\nchecks:\n  - {name: home, request: GET /, expect: {status: 200}}\n"

// asking asks a Lambda that answers with h; the function's end of the room is functions/prober.
func asking(t *testing.T, h http.HandlerFunc) (prober.Client, *suite.Suite, smoke.Job) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	source := suite.Source{Name: "smoke.yaml", Text: []byte(text)}
	checked, problems := suite.Read(source)
	if checked == nil {
		t.Fatal(problems)
	}
	job := smoke.Job{
		Suite: source, Target: smoke.Side{URL: "http://127.0.0.1:1"}, Phases: []finding.Phase{finding.PhaseJudge},
		Values: map[string]suite.Value{"TOKEN": {Text: "hunter2", Secret: true}},
	}
	return prober.Client{Function: "arn:aws:lambda:eu-west-1:1:function:Prober", AWS: awsclient.Environment{Region: "eu-west-1", AccessKeyID: "AKID", SecretAccessKey: "s", Endpoint: server.URL}.Config()}, checked, job
}

func bounded(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// A job may write. Whether it ran cannot be known when an answer is lost, so it is never sent again.
func TestAJobIsSentOnce(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"a server error": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"a reset":        func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		var calls atomic.Int32
		p, checked, job := asking(t, func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			answer(w, r)
		})
		if _, err := p.Run(bounded(t, 20*time.Second), checked, job); err == nil || calls.Load() != 1 {
			t.Errorf("%s: %v after %d calls, want an error after 1", name, err, calls.Load())
		}
	}
}

func TestTheReportIsWantedBeforeTheTimeIsUp(t *testing.T) {
	for limit, kept := range map[time.Duration]time.Duration{time.Minute: 3 * time.Second, 4 * time.Second: time.Second} {
		var got time.Time
		p, checked, job := asking(t, func(w http.ResponseWriter, r *http.Request) {
			var sent smoke.Job
			if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
				t.Error(err)
			}
			got = sent.Deadline
			_ = json.NewEncoder(w).Encode(finding.Report{SuiteSHA256: suiteSHA(t), Verdict: finding.Pass})
		})
		ctx := bounded(t, limit)
		report, err := p.Run(ctx, checked, job)
		deadline, _ := ctx.Deadline()
		if err != nil || report.Verdict != finding.Pass {
			t.Errorf("%v: %+v, %v", limit, report, err)
		}
		if left := deadline.Sub(got); (left - kept).Abs() > 200*time.Millisecond {
			t.Errorf("with %v, the report is wanted %v before the end, want %v", limit, left, kept)
		}
	}
}

func suiteSHA(t *testing.T) string {
	t.Helper()
	checked, _ := suite.Read(suite.Source{Name: "smoke.yaml", Text: []byte(text)})
	return checked.SHA256
}

func TestWhatIsNoReportOfThisSuiteIsAnErrorThatQuotesNothing(t *testing.T) {
	quoted := `{"values":{"TOKEN":{"text":"hunter2"}}}`
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		want   error
		text   string
	}{
		"timed out":       {failed(`{"errorType":"Sandbox.Timedout","errorMessage":"Task timed out after 900.00 seconds"}`), prober.ErrOutlasted, "outlasted"},
		"timed out, old":  {failed(`{"errorMessage":"2026-11-23T02:00:00Z x Task timed out after 900.00 seconds"}`), prober.ErrOutlasted, "outlasted"},
		"panicked":        {failed(`{"errorType":"Runtime.Panic","errorMessage":` + string(quote(quoted)) + `}`), nil, `"Runtime.Panic"`},
		"not allowed":     {refused("AccessDeniedException"), prober.ErrUnusable, "PROBER_FUNCTION"},
		"not there":       {refused("ResourceNotFoundException"), prober.ErrUnusable, "PROBER_FUNCTION"},
		"the job itself":  {says(quoted), nil, "another suite"},
		"an empty object": {says(`{}`), nil, "another suite"},
		"no JSON":         {says(`hunter2`), nil, "no report"},
	} {
		p, checked, job := asking(t, tc.answer)
		_, err := p.Run(bounded(t, 20*time.Second), checked, job)
		if err == nil || !strings.Contains(err.Error(), tc.text) || tc.want != nil && !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, tc.text)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the payload is quoted: %v", name, err)
		}
	}
}

func quote(text string) []byte { b, _ := json.Marshal(text); return b }

func failed(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		_, _ = io.WriteString(w, body)
	}
}

func refused(code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-Errortype", code)
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"Message":"no"}`)
	}
}

func says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
}

func TestServeStopsWhenTheReportIsWanted(t *testing.T) {
	hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(func() { hang.CloseClientConnections(); hang.Close() })
	_, _, job := asking(t, nil)
	job.Target.URL, job.Deadline = hang.URL, time.Now().Add(500*time.Millisecond)
	began := time.Now()
	report, err := prober.Serve(bounded(t, time.Minute), job)
	if err != nil || report.Verdict != finding.Error || report.Blame != finding.BlameConfig || time.Since(began) > 4*time.Second {
		t.Errorf("%s, blame %s, %v after %v", report.Verdict, report.Blame, err, time.Since(began))
	}
}
