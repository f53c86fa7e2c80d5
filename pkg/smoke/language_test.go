package smoke_test

import (
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
)

// shop keeps items, sessions and what it was asked, as an application does.
type shop struct {
	mu     sync.Mutex
	asked  []string
	logins int
	items  map[int]bool
	seen   map[string]bool
	stuck  bool // a DELETE deletes nothing
}

func (s *shop) handler() http.Handler {
	mux := http.NewServeMux()
	say := func(w http.ResponseWriter, status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("POST /items", func(w http.ResponseWriter, r *http.Request) {
		var sent map[string]any
		_ = json.NewDecoder(r.Body).Decode(&sent)
		id := len(s.items) + 1
		s.items[id] = true
		say(w, 201, map[string]any{"id": fmt.Sprint(id), "num": id, "sent": sent, "next": fmt.Sprintf("/items/%d?full=1", id)})
	})
	mux.HandleFunc("GET /items", func(w http.ResponseWriter, _ *http.Request) {
		all := []any{}
		for _, id := range slices.Sorted(maps.Keys(s.items)) {
			all = append(all, map[string]any{"id": fmt.Sprint(id), "num": id, "it's": "x"})
		}
		say(w, 200, map[string]any{"items": all, "user": map[string]any{"name": "smoke", "city": map[string]any{"name": "Rome", "zip": "01234"}}})
	})
	mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) {
		say(w, 200, map[string]any{"id": r.PathValue("id"), "full": r.FormValue("full")})
	})
	mux.HandleFunc("DELETE /items/{id}", func(w http.ResponseWriter, r *http.Request) {
		var id int
		if _, _ = fmt.Sscan(r.PathValue("id"), &id); !s.stuck {
			delete(s.items, id)
		}
		w.WriteHeader(204)
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, _ *http.Request) {
		s.logins++
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: fmt.Sprintf("session-%d", s.logins), Secure: true})
		say(w, 200, map[string]any{"token": fmt.Sprintf("token-%d", s.logins)})
	})
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, r *http.Request) {
		sid, _ := r.Cookie("sid")
		if sid == nil || strings.TrimPrefix(sid.Value, "session-") != strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer token-") {
			w.WriteHeader(401)
			return
		}
		say(w, 200, map[string]any{"ok": true})
	})
	mux.HandleFunc("GET /visit", func(w http.ResponseWriter, r *http.Request) {
		_, err := r.Cookie("seen")
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
		if r.FormValue("wall") != "" && err != nil {
			http.Redirect(w, r, r.URL.RequestURI(), http.StatusFound)
			return
		}
		say(w, 200, map[string]any{"again": err == nil})
	})
	mux.HandleFunc("PUT /unique/{id}", func(w http.ResponseWriter, r *http.Request) {
		if s.seen[r.PathValue("id")] {
			w.WriteHeader(409)
		}
		s.seen[r.PathValue("id")] = true
	})
	mux.HandleFunc("GET /host", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) })
	mux.HandleFunc("GET /away", func(w http.ResponseWriter, _ *http.Request) {
		say(w, 200, map[string]any{"next": "http://evil.invalid/x"})
	})
	mux.HandleFunc("GET /latin", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=ISO-8859-1")
		_, _ = w.Write([]byte("{\"name\":\"Zo\xe9\"}"))
	})
	mux.HandleFunc("GET /mark", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "\ufeff{\"ok\":true}") })
	mux.HandleFunc("GET /plain", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<p>no asset of ours <script src="https://cdn.invalid/x.js"></script>`)
	})
	mux.HandleFunc("GET /endless", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: hello\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.Method+" "+r.URL.RequestURI())
		if r.URL.Path != "/endless" {
			defer s.mu.Unlock()
		} else {
			s.mu.Unlock()
		}
		mux.ServeHTTP(w, r)
	})
}

const create = `request: POST /items, json: {title: x}, expect: {status: 201}`

// TestTheLanguage runs suites against the shop. Want is the verdict and a piece of its reason.
func TestTheLanguage(t *testing.T) {
	for name, c := range map[string]struct{ suite, want, never string }{
		"a variable in a path": {`checks: [{name: a, steps: [{` + create + `, capture: {id: $.id}}, {request: "DELETE /items/${id}"},
			{request: GET /items, expect: {json: {'$.items[?@.id == "${id}"]': {exists: false}}}}]}]`, "PASS", ""},
		"what is not deleted is seen": {`checks: [{name: stuck, steps: [{` + create + `, capture: {id: $.id}}, {request: "DELETE /items/${id}"},
			{request: GET /items, expect: {json: {"$.items[?@.id == '${id}']": {exists: false}}}}]}]`, "FAIL expected does not exist, got", ""},
		"a number in a path": {`checks: [{name: a, steps: [{` + create + `, capture: {n: $.num}}, {request: GET /items,
			expect: {json: {'$.items[?@.num == "${n}"]': {length: 1}, '$.items[?@.num == ${n}].id': "1", '$.items[?search(@.id, "^${n}$")]': {length: 1}}}}]}]`, "PASS", ""},
		"a text is not taken for absent where there is the number": {`checks: [{name: a, steps: [{` + create + `, capture: {id: $.id}},
			{request: GET /items, expect: {json: {'$.items[?@.num == "${id}"]': {exists: false}}}}]}]`, "FAIL nothing is equal, but 1 would be", ""},
		"nor a number where there is the text": {`checks: [{name: a, steps: [{` + create + `, capture: {n: $.num}},
			{request: GET /items, expect: {json: {'$.items[?@.id == "${n}"]': {exists: false}}}}]}]`, "FAIL nothing is equal, but 1 would be", ""},
		"what differs may be absent": {`checks: [{name: a, steps: [{` + create + `, capture: {id: $.id}},
			{request: GET /items, expect: {json: {'$.items[?@.id != "${id}"]': {exists: false}}}}]}]`, "PASS", ""},
		"a name in a path": {`variables: {K: it's, N: "0"}
checks: [{name: a, steps: [{` + create + `}, {request: GET /items, expect: {json: {"$.items[${N}]['${K}']": x, "$.items[0].${K}": x}}}]}]`, "PASS", ""},
		"a pattern is taken literally": {`variables: {P: "1|."}
checks: [{name: a, steps: [{` + create + `}, {request: GET /items, expect: {json: {'$.items[?match(@.id, "${P}")]': {exists: true}}}}]}]`, "FAIL got nothing there", ""},
		"an empty variable finds nothing": {`variables: {P: ""}
checks: [{name: a, request: GET /items, expect: {json: {'$.items[?search(@.id, "${P}")]': {exists: false}}}}]`, "FAIL ${P} is empty", ""},
		"a captured number stays one": {`variables: {K: title}
checks: [{name: a, steps: [{` + create + `, capture: {n: $.num}}, {request: POST /items, json: {parent: "${n}", "${K}": "n${n}"},
			expect: {status: 201, json: {$.sent.parent: "${n}", $.sent: {contains: {"${K}": n1}}, $.sent.title: {matches: "^n${n}$"}}}}]}]`, "PASS", ""},
		"a captured number is no text": {`checks: [{name: a, steps: [{` + create + `, capture: {n: $.num}},
			{request: "GET /items/${n}", expect: {json: {$.id: "${n}"}}}]}]`, `FAIL json $.id: expected 1, got "1"`, ""},
		"in a header a number is its digits": {`checks: [{name: a, steps: [{` + create + `, capture: {n: $.num, len: {header: content-length}}},
			{request: "GET /items/${n}", expect: {body: {contains: '"${n}"'}}}]}]`, "PASS", ""},
		"a link": {`checks: [{name: a, steps: [{` + create + `, capture: {next: $.next}}, {request: "GET ${next}", expect: {json: {$.full: "1"}}}]}]`, "PASS", ""},
		"a link as a segment": {
			`checks: [{name: a, steps: [{` + create + `, capture: {next: $.next}}, {request: "GET /${next}"}]}]`,
			"ERROR write ${next} alone to follow it", "",
		},
		"a link that leads away": {
			`checks: [{name: a, steps: [{request: GET /away, expect: {status: 200}, capture: {next: $.next}}, {request: "GET ${next}"}]}]`,
			"FAIL leads away from the target", "",
		},
		"cookies within an attempt": {`checks: [{name: a, attempts: 3, steps: [{request: GET /visit, expect: {json: {$.again: false}}},
			{request: GET /visit, expect: {json: {$.again: true}}}]}]`, "PASS", ""},
		"cookies over a redirect":        {`checks: [{name: a, request: GET /visit?wall=1, expect: {json: {$.again: true}}}]`, "PASS", ""},
		"an attempt has its own id":      {`checks: [{name: a, attempts: 4, request: "PUT /unique/${UUID}", expect: {status: 200}}]`, "PASS", ""},
		"what attempts share is refused": {`checks: [{name: a, attempts: 2, request: "PUT /unique/x", expect: {status: 200}}]`, "FAIL expected 200, got 409", ""},
		"side, time and number": {`checks: [{name: a, attempts: 1, request: "GET /items/${SIDE}-${ATTEMPT}?full=${NOW}",
			expect: {json: {$.id: "green-${ATTEMPT}", $.full: {matches: "^20..-..-..T..:..:..Z$"}}}}]`, "PASS", ""},
		"a list of expectations": {
			`checks: [{name: a, request: GET /items, expect: {body: [{contains: items}, {contains: nowhere}]}}]`,
			`FAIL expected contains "nowhere"`, "",
		},
		"some members of an object": {`checks: [{name: a, request: GET /items, expect: {json: {$.user: {contains: {city: {name: Rome}}}}}}]`, "PASS", ""},
		"other members":             {`checks: [{name: a, request: GET /items, expect: {json: {$.user: {contains: {city: {name: Oslo}}}}}}]`, "FAIL", ""},
		"a host for one check": {`checks: [{name: a, request: GET /host, host: shop.example, expect: {body: shop.example}},
			{name: b, request: GET /host, expect: {body: {contains: 127.0.0.1}}}]`, "PASS", ""},
		"a charset":         {`checks: [{name: a, request: GET /latin, expect: {json: {$.name: Zoé}, body: {contains: é}}}]`, "PASS", ""},
		"a byte order mark": {`checks: [{name: a, request: GET /mark, expect: {json: {$.ok: true}, body: '{"ok":true}'}}]`, "PASS", ""},
		"no asset at all":   {`checks: [{name: a, request: GET /plain, expect: {assets: true}}]`, "FAIL a stylesheet, script or image of this origin, got none", ""},
		"a stream's status": {`checks: [{name: a, request: GET /endless, timeout: 1s, expect: {status: 200}}]`, "PASS", ""},
		"a stream's event":  {`checks: [{name: a, request: GET /endless, timeout: 1s, expect: {body: {contains: hello}}}]`, "PASS", ""},
		"a stream's next event": {
			`checks: [{name: a, attempts: 1, request: GET /endless, timeout: 300ms, expect: {events: 2, body: {contains: hello}}}]`,
			"FAIL no whole answer within 300ms", "",
		},
		"setup is for all, once": {`setup: [{request: POST /login, capture: {token: {path: $.token, secret: true}}}]
checks: [{name: a, request: GET /me, headers: {Authorization: "Bearer ${token}"}, expect: {status: 200}},
	{name: b, request: GET /me, headers: {Authorization: "Bearer ${token}"}, expect: {json: {$.ok: true}}}]
teardown: [{request: PUT /unique/teardown, headers: {X: "${token}"}}]`, "PASS 2 checks passed", "token-1"},
		"a setup that fails": {`setup: [{request: POST /login, expect: {status: 201}}]
checks: [{name: a, request: GET /items, expect: {status: 200}}]
teardown: [{request: PUT /unique/teardown}]`, `FAIL check "setup": 1 of 1 attempts failed: step 1, POST /login: status: expected 201, got 200`, ""},
		"a teardown that fails": {`setup: [{request: POST /login}]
checks: [{name: a, request: GET /items, expect: {status: 200}}]
teardown: [{request: GET /nowhere}]`, `FAIL check "teardown"`, ""},
		"a setup of each check": {`setup: {per: check, steps: [{request: POST /login, capture: {token: $.token}}]}
checks: [{name: a, request: GET /me, headers: {Authorization: "Bearer ${token}"}, expect: {status: 200}},
	{name: b, after: a, request: GET /me, headers: {Authorization: "Bearer token-2"}, expect: {status: 200}}]`, "PASS", ""},
		"a cookie is a secret": {
			`checks: [{name: a, steps: [{request: POST /login, capture: {sid: {cookie: sid}}}, {request: "GET /items/${sid}", expect: {json: {$.id: other}}}]}]`,
			"FAIL", "session-1",
		},
		"order": {`checks: [{name: first, request: PUT /unique/x, expect: {status: 200}}, {name: second, after: first, request: PUT /unique/x, expect: {status: 409}}]`, "PASS", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &shop{items: map[int]bool{}, seen: map[string]bool{}, stuck: strings.Contains(c.suite, "name: stuck")}
			r := judged(t, "version: 1\n"+c.suite, s.handler())
			verdict, reason, _ := strings.Cut(c.want, " ")
			if got, _ := json.Marshal(r); string(r.Verdict) != verdict || !strings.Contains(r.Reason, reason) ||
				c.never != "" && strings.Contains(string(got), c.never) {
				t.Errorf("%s: %s, want %s\n%s\n%q", r.Verdict, r.Reason, c.want, got, s.asked)
			}
			if strings.Contains(c.suite, "teardown:") && !slices.ContainsFunc(s.asked, func(a string) bool {
				return a == "PUT /unique/teardown" || a == "GET /nowhere"
			}) {
				t.Errorf("no teardown: %q", s.asked)
			}
			if strings.HasPrefix(name, "setup is for all") && s.logins != 1 {
				t.Errorf("%d logins", s.logins)
			}
		})
	}
}

// TestCompareHasASessionOnEachSide: the token of one side is not the other's.
func TestCompareHasASessionOnEachSide(t *testing.T) {
	t.Parallel()
	const text = `version: 1
setup: [{request: POST /login, capture: {token: {path: $.token, secret: true}}}]
checks: [{name: a, request: GET /items, expect: {status: 200}}]
compare: [{request: GET /me, headers: {Authorization: "Bearer ${token}"}, pairs: 20, warmup: 1}]
`
	green, blue := &shop{items: map[int]bool{}}, &shop{items: map[int]bool{}, logins: 40}
	job := jobFor(t, text, serverFor(t, green.handler()))
	job.Baseline = smoke.Side{URL: serverFor(t, blue.handler())}
	job.Phases = []finding.Phase{finding.PhaseJudge, finding.PhaseCompare}
	r := smoke.ReadAndRun(t.Context(), job, nil)
	if r.Verdict != finding.Pass || len(r.Compares) != 1 || r.Compares[0].BlueErrors != 0 || green.logins != 2 || blue.logins != 41 {
		t.Errorf("%s: %s: %+v; %d and %d logins", r.Verdict, r.Reason, r.Compares, green.logins, blue.logins)
	}
	// A login that production refuses is nobody's fault but the environment's.
	job.Baseline.URL = serverFor(t, answer("no", "Status", "500"))
	if r := smoke.ReadAndRun(t.Context(), job, nil); r.Verdict != finding.Inconclusive || r.Blame != finding.BlameEnvironment ||
		!strings.Contains(r.Reason, "setup did not hold on the old release") {
		t.Errorf("%s (%s): %s", r.Verdict, r.Blame, r.Reason)
	}
}

func TestAReleaseWithALineBreakIsRefused(t *testing.T) {
	job := jobFor(t, "version: 1\nchecks: [{name: a, request: GET /, expect: {body: '${RELEASE}'}}]", serverFor(t, answer("1.1.0")))
	job.Release = "1.1.0\n"
	if r := smoke.ReadAndRun(t.Context(), job, nil); r.Verdict != finding.Error || r.Blame != finding.BlameConfig ||
		!strings.Contains(r.Reason, "line breaks") {
		t.Errorf("%s (%s): %s", r.Verdict, r.Blame, r.Reason)
	}
}

// TestHTTP2 asks a server that speaks HTTP/2 without TLS, and gRPC's health over it.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, r.Proto)
			return
		}
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		status, serving := "0", byte(1)
		switch service := string(body[min(7, len(body)):]); {
		case r.URL.Path != "/grpc.health.v1.Health/Check" || r.Header.Get("Te") != "trailers":
			status = "12"
		case service == "down":
			serving = 2
		case service != "":
			status = "5"
		}
		if status == "0" {
			_, _ = w.Write(append(binary.BigEndian.AppendUint32([]byte{0}, 2), 0x08, serving))
		}
		w.Header().Set("Grpc-Status", status)
	}))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	for check, want := range map[string]string{
		`{name: a, request: GET /, http: 2, expect: {body: HTTP/2.0}}`: "PASS",
		`{name: a, request: GET /, expect: {body: HTTP/1.1}}`:          "PASS",
		`{name: a, grpc_health: ""}`:                                   "PASS",
		`{name: a, grpc_health: down}`:                                 "FAIL grpc health: expected SERVING, got NOT_SERVING",
		`{name: a, grpc_health: other}`:                                "FAIL got grpc-status 5",
	} {
		r := smoke.ReadAndRun(t.Context(), jobFor(t, "version: 1\nchecks: ["+check+"]", s.URL), nil)
		if verdict, reason, _ := strings.Cut(want, " "); string(r.Verdict) != verdict || !strings.Contains(r.Reason, reason) {
			t.Errorf("%s: %s: %s, want %s", check, r.Verdict, r.Reason, want)
		}
	}
}

func TestACertificateIsGoodForSomeDays(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(answer("ok"))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	left := int(time.Until(s.Certificate().NotAfter).Hours() / 24)
	for days, want := range map[int]finding.Verdict{min(left, 1000): finding.Pass, 1: finding.Pass} {
		text := fmt.Sprintf("version: 1\ntls: {ca: ca.pem, server_name: example.com}\nchecks: [{name: a, request: GET /, expect: {certificate_days: %[1]d}}, {name: b, request: GET /, http: 2, expect: {certificate_days: %[1]d}}]", days)
		job := smoke.Job{Target: smoke.Side{URL: s.URL}, Phases: []finding.Phase{finding.PhaseJudge}}
		job.Suite.Text, job.Suite.Files = []byte(text), map[string][]byte{"ca.pem": certificate(s)}
		if r := smoke.ReadAndRun(t.Context(), job, nil); r.Verdict != want {
			t.Errorf("%d days: %s: %s", days, r.Verdict, r.Reason)
		}
	}
	r := judged(t, "version: 1\nchecks: [{name: a, request: GET /, expect: {certificate_days: 1}}]", answer("ok"))
	if r.Verdict != finding.Fail || !strings.Contains(r.Reason, "the target is not https") {
		t.Errorf("%s: %s", r.Verdict, r.Reason)
	}
}

func certificate(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}
