package draft_test

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/greenlight-ecs/greenlight/pkg/draft"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/faults"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

var update = flag.Bool("update", false, "write the drafts anew")

// The secrets of the sources in testdata.
const (
	token    = "s3cr3t-token-of-ann"
	session  = "5e55i0n0fAnn"
	password = "hunter2hunter2"
)

// app is an application as many are: some of what it answers is the same each time.
type app struct {
	*httptest.Server
	mu    sync.Mutex
	asked map[string]int
}

func newApp(t *testing.T) *app {
	t.Helper()
	a := &app{asked: map[string]int{}}
	a.Server = httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.Close)
	return a
}

func (a *app) serve(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.asked[r.Method]++
	a.asked[r.Method+" "+r.URL.RequestURI()]++
	n, all := a.asked[r.Method+" "+r.URL.RequestURI()], len(a.asked)
	a.mu.Unlock()
	answer := func(code int, kind, body string) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
	const html, json = "text/html; charset=utf-8", "application/json"
	switch r.Method + " " + strings.TrimPrefix(r.URL.Path, "/v1") { // the base path of the OpenAPI document
	case "GET /":
		answer(200, html, `<!doctype html><title>Trips</title><a href="/trips">all</a> <a class=x href='about'>us</a>
<a href="/logout">bye</a> <a href="/app.js">js</a> <a href="http://elsewhere.example/trips">there</a>`)
	case "GET /health":
		answer(200, json, fmt.Sprintf(`{"status":"ok","healthy":true,"now":%q,"request":%q,"served":%d,"nonce":%q}`,
			time.Now().Format(time.RFC3339), uuid(), all, strings.Repeat("ab", n)))
	case "GET /version":
		w.Header().Set("X-App-Version", "1.1.0")
		answer(200, json, `{"version":"1.1.0","go_version":"1.26"}`)
	case "GET /trips":
		answer(200, json, `{"trips":[{"id":"t-1","to":"Oslo","days":3},{"id":"t-2","to":"Rome","days":2}],"page":{"size":2,"next":null}}`)
	case "GET /trips/t-1":
		answer(200, json, `{"id":"t-1","to":"Oslo","api_token":"`+token+`"}`)
	case "GET /bare":
	case "GET /slow":
		<-time.After(600 * time.Millisecond)
		answer(200, "text/plain", "at last")
	case "GET /about":
		answer(200, "text/plain", "all about trips")
	case "GET /flaky":
		answer(map[bool]int{true: 200, false: 503}[n%2 == 1], json, `{}`)
	case "GET /types":
		answer(200, json, map[bool]string{true: `{"a":"x","b":"x","list":[]}`, false: `{"a":1,"list":[1]}`}[n%2 == 1])
	case "GET /me":
		if r.Header.Get("Authorization") != "Bearer "+token {
			answer(401, json, `{}`)
			return
		}
		answer(200, json, `{"name":"Ann"}`)
	case "POST /trips", "DELETE /trips/t-1":
		answer(201, json, `{"id":"t-3"}`)
	case "GET /openapi.json":
		answer(200, json, `{"openapi":"3.0.3","paths":{"/types":{"get":{"responses":{"200":{}}}}}}`)
	default:
		answer(404, html, "<title>Not here</title>")
	}
}

func uuid() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// drafted is the draft of a source, and what is said of it; env are variables of the environment.
func drafted(t *testing.T, name, source, target string, env map[string]string, unsafe bool) (text, said string) {
	t.Helper()
	d := draft.New()
	d.Unsafe = unsafe
	d.Env = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	d.Tell = func(int, int) {}
	var err error
	if target != "" {
		if d.Target, err = url.Parse(target); err != nil {
			t.Fatal(err)
		}
	}
	if source == "" {
		err = d.Crawl(t.Context())
	} else {
		err = d.Read(name, source)
	}
	if err == nil && d.Target != nil {
		err = d.Observe(t.Context())
	}
	if err != nil {
		return "", "error: " + err.Error() + "\n"
	}
	text, checks, err := d.Suite()
	if err != nil {
		return "", "error: " + err.Error() + "\n"
	}
	s, problems := suite.Read(suite.Source{Name: "draft.yaml", Text: []byte(text)})
	if s == nil || len(problems) > 0 {
		t.Fatalf("the draft is no suite: %v\n%s", problems, text)
	}
	if all, _ := s.Chosen(nil); len(all) != checks {
		t.Errorf("%d checks are said, %d are there", checks, len(all))
	}
	for _, line := range d.Notes(200) {
		said += line + "\n"
	}
	for _, line := range d.LetThrough() {
		said += "let through: " + line + "\n"
	}
	return text, said
}

// Each archive in testdata is a source with what is drafted of it; # flags: unasked, unsafe, env NAME=VALUE.
func TestSourcesBecomeSuites(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a := newApp(t)
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source, flags := archive.Files[0], string(archive.Comment)
			env, target := map[string]string{}, a.URL
			for line := range strings.Lines(flags) {
				if name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "# env "), "="); ok {
					env[name] = value
				}
			}
			if strings.Contains(flags, "# unasked") {
				target = ""
			}
			unsafe := strings.Contains(flags, "# unsafe")
			text, said := drafted(t, source.Name, string(source.Data), target, env, unsafe)
			for _, secret := range []string{token, session, password} {
				if strings.Contains(text+said, secret) {
					t.Errorf("tells the secret %s:\n%s%s", secret, text, said)
				}
			}
			if writes := a.asked["POST"] + a.asked["PUT"] + a.asked["DELETE"]; writes > 0 && !unsafe {
				t.Errorf("sent %d requests that may change something", writes)
			}
			// How long an answer takes is this machine's.
			text = regexp.MustCompile(`(?m)^defaults: .*\n`).ReplaceAllString(text, "")
			said = regexp.MustCompile(`(?m)^let through: latency .*\n`).ReplaceAllString(said, "")
			want := []txtar.File{source, {Name: "draft", Data: []byte(text)}, {Name: "said", Data: []byte(said)}}
			got := txtar.Format(&txtar.Archive{Comment: archive.Comment, Files: want})
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			} else if before, _ := os.ReadFile(file); !bytes.Equal(before, got) {
				t.Errorf("drafts something else now:\n%s", got)
			}
			if target != "" && text != "" {
				passes(t, a.URL, text, env)
			}
		})
	}
}

// passes runs the draft as a suite, unless it needs a variable that nobody has.
func passes(t *testing.T, target, text string, env map[string]string) {
	t.Helper()
	values := map[string]suite.Value{}
	for name, value := range env {
		values[name] = suite.Value{Text: value}
	}
	s, _ := suite.Read(suite.Source{Text: []byte(text)})
	for _, ref := range s.References() {
		if _, ok := values[ref.Name]; !ok {
			return // there is a check that could not be asked
		}
	}
	r := verdict(t, target, text, values)
	if r.Verdict != finding.Pass {
		t.Errorf("the draft of a good release does not pass: %s\n%s", cmp.Or(r.Reason, string(r.Verdict)), text)
	}
}

// verdict is what the draft says of a release, without waiting for readiness.
func verdict(t *testing.T, target, text string, values map[string]suite.Value) finding.Report {
	t.Helper()
	return smoke.ReadAndRun(t.Context(), smoke.Job{
		Suite: suite.Source{Name: "draft.yaml", Text: []byte(text)}, Values: values, Target: smoke.Side{URL: target},
		Release: "1.1.0", Phases: []finding.Phase{finding.PhaseJudge},
	}, nil)
}

// TestWhatIsSaidOfFaultsIsTrue holds what a draft says of faults against the faults themselves, put before the same
// application. Those that make a client wait are left to the time-outs, which have tests of their own.
func TestWhatIsSaidOfFaultsIsTrue(t *testing.T) {
	a := newApp(t)
	for path, let := range map[string]string{"/health": "", "/": "", "/about": "", "/bare": "error-200 redirect"} {
		text, said := drafted(t, "curls.sh", "curl "+path, a.URL, nil, false)
		for _, fault := range faults.Faults() {
			if fault.Waits() {
				continue
			}
			route := faults.Route{Method: "GET", Path: path}
			i, err := faults.Start(t.Context(), faults.Injection{
				Mutant: faults.Mutant{Fault: fault, Route: &route}, Routes: []faults.Route{route},
				Green: []string{strings.TrimPrefix(a.URL, "http://")},
			})
			if err != nil {
				t.Fatal(err)
			}
			through := verdict(t, "http://"+i.Addrs[0], text, nil).Verdict == finding.Pass
			i.Close()
			if want := strings.Contains(let, fault.Name); through != want || strings.Contains(said, fault.Name+" on GET "+path) != want {
				t.Errorf("GET %s: let %s through: %v, want %v; the draft says\n%s", path, fault.Name, through, want, said)
			}
		}
	}
}

// TestAQuickAnswerMayNotBecomeASlowOne: a time-out notices it, and what answers slowly gets none.
func TestAQuickAnswerMayNotBecomeASlowOne(t *testing.T) {
	a := newApp(t)
	const timeout, latency = "defaults: {timeout: 2s}", "let through: latency on GET "
	if text, said := drafted(t, "curls.sh", "curl /slow", a.URL, nil, false); strings.Contains(text, timeout) || !strings.Contains(said, latency) {
		t.Errorf("a slow answer:\n%s%s", text, said)
	}
	for try := 0; ; try++ { // this machine may be slow itself
		text, said := drafted(t, "curls.sh", "curl /health", a.URL, nil, false)
		if strings.Contains(text, timeout) && !strings.Contains(said, latency) {
			return
		}
		if try == 10 {
			t.Fatalf("a quick answer:\n%s%s", text, said)
		}
	}
}

// TestHostileSourcesEnd: each is read to an end, and nothing of it leads anywhere else.
func TestHostileSourcesEnd(t *testing.T) {
	a := newApp(t)
	deep := strings.Repeat(`{"item":[`, 400) + strings.Repeat(`]}`, 400)
	many := strings.Repeat("curl /trips?n={{n}}&m=\n", 3)
	for i := range 600 {
		many += fmt.Sprintf("curl /trips?n=%d\n", i)
	}
	for name, c := range map[string]struct{ source, says string }{
		"circle":  {`{"openapi":"3.1.0","paths":{"/a":{"$ref":"#/paths/~1a"},"/trips":{"get":{"responses":{"200":{"$ref":"#/x"}}}}},"x":{"$ref":"#/x"}}`, "refers to itself too often"},
		"allOf":   {`{"openapi":"3.1.0","paths":{"/trips":{"get":{"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/s"}}}}}}}},"s":{"allOf":[{"$ref":"#/s"},{"$ref":"#/s"},{"$ref":"#/s"},{"$ref":"#/s"}]}}`, "refers to itself too often"},
		"outside": {`{"openapi":"3.1.0","paths":{"/a":{"$ref":"` + a.URL + `/openapi.json"},"/trips":{"get":{"parameters":[{"$ref":"file:///etc/passwd"}]}}}}`, "not followed"},
		"deep":    {`{"info":{},"item":[` + deep + `]}`, "nothing is left to check"},
		"many":    {many, "more than 500 operations"},
		"lines":   {"curl '/a\nb'\ncurl '/${'\ncurl /trips -H 'A: x\ny' -H ' : b'\ncurl /health", "no suite can ask it"},
		"names":   {`{"info":{"name":"a\n- b: ${x}"},"item":[{"name":"\u001b[31m${RELEASE}","request":"/health"},{"name":"x","request":{"url":"/trips","header":[{"key":"Host","value":"elsewhere"}]}}]}`, "no suite can ask it"},
		"empty":   {" \n", "empty"},
		"swagger": {"swagger: '2.0'", "neither OpenAPI 3"},
	} {
		t.Run(name, func(t *testing.T) {
			text, said := drafted(t, "source.yaml", c.source, a.URL, nil, false)
			if !strings.Contains(said, c.says) {
				t.Errorf("says\n%s, want …%s…\n%s", said, c.says, text)
			}
		})
	}
	if a.asked["GET /openapi.json"] > 0 {
		t.Error("a reference was followed")
	}
}

// BenchmarkDraft is a draft of an OpenAPI document of 100 operations.
func BenchmarkDraft(b *testing.B) {
	var doc strings.Builder
	doc.WriteString("openapi: 3.0.3\npaths:\n")
	for i := range 100 {
		fmt.Fprintf(&doc, "  /trips/%d:\n    get:\n      summary: trip %d\n      responses: {'200': {description: one}}\n", i, i)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"id":"`+r.URL.Path+`","to":"Oslo","days":3,"stops":[{"at":"Bergen"}]}`)
	}))
	defer server.Close()
	for b.Loop() {
		d := draft.New()
		d.Target, _ = url.Parse(server.URL)
		d.Env, d.Tell = func(string) (string, bool) { return "", false }, func(int, int) {}
		if err := cmp.Or(d.Read("openapi.yaml", doc.String()), d.Observe(b.Context())); err != nil {
			b.Fatal(err)
		}
		if _, checks, err := d.Suite(); err != nil || checks != 100 {
			b.Fatal(checks, err, d.Notes(500))
		}
		d.LetThrough()
	}
}
