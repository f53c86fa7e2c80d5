package smoke_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
)

// sessions is an application with a login, which remembers what it was asked.
type sessions struct {
	mu    sync.Mutex
	asked []string
}

func (s *sessions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	times := len(slices.DeleteFunc(slices.Clone(s.asked), func(a string) bool { return a != r.Method+" "+r.URL.Path }))
	_, visited := r.Cookie("visited")
	_, again := r.Cookie("sid")
	switch r.URL.Path {
	case "/login":
		_, _ = io.WriteString(w, `{"token": "t0ken-secret", "lines": "a\nb"}`)
	case "/login-first":
		if again == nil {
			w.WriteHeader(409)
		}
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "1"})
	case "/no":
		w.WriteHeader(403)
	case "/visit":
		http.SetCookie(w, &http.Cookie{Name: "visited", Value: "1"})
		_, _ = fmt.Fprintf(w, `{"again": %t}`, visited == nil)
	case "/once":
		if times > 1 {
			w.WriteHeader(500)
		}
		_, _ = io.WriteString(w, `{"id": "7"}`)
	case "/cookies":
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "2"})
	case "/echo":
		_, _ = io.WriteString(w, r.Header.Get("X"))
	case "/page":
		_, _ = io.WriteString(w, `<script src=/unchanged></script>`)
	case "/app":
		_, _ = io.WriteString(w, `<!doctype html><script src=/app></script>`)
	case "/unchanged":
		w.WriteHeader(304)
	case "/many":
		for i := range 150 {
			_, _ = fmt.Fprintf(w, "<img src=/%d.png>", i)
		}
	}
}

const good = "checks: [{name: a, attempts: 1, request: GET /a, expect: {status: 200}}]\n"

// TestSetupAndTeardownCount: whatever fails of them, the release does not pass, and what they are for is not asked.
func TestSetupAndTeardownCount(t *testing.T) {
	judge, compare := []finding.Phase{finding.PhaseJudge}, []finding.Phase{finding.PhaseCompare}
	both := []finding.Phase{finding.PhaseJudge, finding.PhaseCompare}
	const comparison = "compare: [{name: c, request: GET /c, pairs: 20, warmup: 0}]\n"
	for name, c := range map[string]struct {
		suite       string
		phases      []finding.Phase
		want, never string // the verdict and a piece of the reason; what is not asked
		secret      string // and what is not told
	}{
		"setup":                         {"setup: [{request: POST /no}]\n" + good, judge, `FAIL check "setup"`, "GET /a", ""},
		"setup of a check":              {"setup: {per: check, steps: [{request: POST /no}]}\n" + good, judge, `FAIL check "a": setup: `, "GET /a", ""},
		"teardown":                      {"teardown: [{request: POST /no}]\n" + good, judge, `FAIL check "teardown"`, "", ""},
		"teardown of a check":           {"setup: {per: check, steps: [{request: POST /login}]}\nteardown: [{request: POST /no}]\n" + good, judge, `FAIL check "a": teardown: `, "", ""},
		"nothing is compared behind it": {"teardown: [{request: POST /no}]\n" + good + comparison, both, `FAIL check "teardown"`, "GET /c", ""},
		"setup of compare":              {"setup: [{request: POST /no}]\n" + good + comparison, compare, `FAIL check "setup"`, "GET /c", ""},
		"teardown of compare":           {"teardown: [{request: POST /no}]\n" + good + comparison, compare, `FAIL check "teardown"`, "", ""},
		"each phase begins anew":        {"setup: [{request: POST /login-first}]\n" + good + comparison, both, "PASS", "", ""},
		"a teardown that cannot be sent": {
			"setup: [{request: POST /login, capture: {l: $.lines}}]\nteardown: [{request: POST /x, headers: {X: '${l}'}}]\n" + good, judge,
			`FAIL check "teardown"`, "POST /x", "",
		},
		"an attempt's cookies are its own": {
			"setup: [{request: POST /login-first}]\nchecks: [{name: a, attempts: 3, request: GET /visit, expect: {json: {$.again: false}}}]\n", judge,
			"PASS", "", "",
		},
		"an attempt's captures are its own": {
			"setup: [{request: POST /login, capture: {t: $.token}}]\nchecks: [{name: a, attempts: 2, allowed_failures: 1, steps: [{request: POST /once, expect: {status: 200}, capture: {id: $.id}}, {request: 'DELETE /a/${id}/of/${ATTEMPT}', always: true}]}]\n",
			judge, "PASS", "DELETE /a/7/of/2", "",
		},
		"what setup captures is hidden": {
			"setup: [{request: POST /login, capture: {t: {path: $.token, secret: true}}}]\nchecks: [{name: a, request: GET /echo, headers: {X: '${t}'}, expect: {body: other}}]\n",
			judge, "FAIL", "", "t0ken-secret",
		},
		"an empty segment of a path": {
			"checks: [{name: a, attempts: 1, steps: [{request: GET /page, expect: {status: 200}, capture: {e: {body: '<script()'}}}, {request: 'GET /a/${e}'}]}]\n",
			judge, "FAIL ${e} is empty, and so the path would be another one", "GET /a/", "",
		},
		"the last of a cookie, and a number as a text": {
			"checks: [{name: a, steps: [{request: GET /cookies, expect: {status: 200}, capture: {s: {cookie: sid}, n: {status: true}}}, {request: GET /echo, headers: {X: '${s}'}, expect: {body: '2'}}, {request: GET /echo, headers: {X: '${n}'}, expect: {body: '${n}'}}]}]\n",
			judge, "PASS", "", "",
		},
		"an asset that is not there": {"checks: [{name: a, request: GET /page, expect: {assets: true}}]\n", judge, "FAIL asset /unchanged: expected 2xx, got 304", "", ""},
		"a page in an asset's place": {"checks: [{name: a, request: GET /app, expect: {assets: true}}]\n", judge, "FAIL asset /app: expected 2xx, got a page (text/html) in its place", "", ""},
		"too many assets":            {"checks: [{name: a, request: GET /many, expect: {assets: true}}]\n", judge, "FAIL expected at most 100, got more", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var green sessions
			job := jobFor(t, "version: 1\n"+c.suite, serverFor(t, &green))
			job.Baseline, job.Phases = smoke.Side{URL: serverFor(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))}, c.phases
			r := smoke.ReadAndRun(t.Context(), job, nil)
			verdict, reason, _ := strings.Cut(c.want, " ")
			said, _ := json.Marshal(r)
			if string(r.Verdict) != verdict || !strings.Contains(r.Reason, reason) || slices.Contains(green.asked, c.never) ||
				c.secret != "" && strings.Contains(string(said), c.secret) {
				t.Errorf("%s: %s, want %s\n%q", r.Verdict, r.Reason, c.want, green.asked)
			}
		})
	}
}
