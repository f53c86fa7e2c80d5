package functions_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/aws"
)

// way is a way around the gate that was once open: a release that must not pass, and a world that hid it.
type way struct {
	number int
	name   string
	// run invokes the gate that has to be shut, with the function's own binary.
	run            func(t *testing.T, c *cloud) answer
	verdict, blame string
	// reason is a part of the verdict's.
	reason string
}

const (
	previewHeader = "x-preview"
	// mute is a suite that says nothing of the release.
	mute = "version: 1\nname: mute\nreadiness: {consecutive: 2, within: 2s}\nchecks:\n  - {name: list trips, request: GET /trips, expect: {status: 200}}\n"
)

// ways are numbered as they were found.
func ways() []way {
	broken := with("GET /trips", answers(500))
	second := func(first ...string) func(*testing.T, *cloud) answer {
		return func(t *testing.T, c *cloud) answer { return secondGate(t, c, broken, suite{more: compared}, first...) }
	}
	allow := "policy: {inconclusive: allow}\n"
	return []way{
		{1, "only somebody else's hook Succeeded before the last gate", second(), "FAIL", "release", "evidence=none"},
		{2, "the first gate only observed, and would have failed", second("MODE=observe"), "FAIL", "release", "the first gate only observed"},
		{2, "the first gate was skipped", func(t *testing.T, c *cloud) answer {
			c.Values.Put("/skip", `{"release":"1.1","by":"ann","why":"INC-7","expires":"`+time.Now().Add(time.Hour).UTC().Format(time.RFC3339)+`"}`)
			return second("SKIP_PARAMETER=/skip")(t, c)
		}, "FAIL", "release", "overruled: skip"},
		{3, "`TEST_URL` points at production, and the suite does not say which release it wants", func(t *testing.T, c *cloud) answer {
			return invoked(t, c, after, broken, mute, func(d *rollout) []string {
				return []string{"TEST_URL=" + d.blue, "PRODUCTION_URL=" + serve(t, old())}
			})
		}, "ERROR", "config", "release not proven"},
		{4, "`PRODUCTION_URL` is `TEST_URL`, `inconclusive: allow`", func(t *testing.T, c *cloud) answer {
			return invoked(t, c, after, broken, suite{within: "2s", more: allow}.text(), func(d *rollout) []string {
				return []string{"TEST_URL=" + d.green, "PRODUCTION_URL=" + d.green}
			})
		}, "ERROR", "config", "same address"},
		{4, "the same in other words: `localhost`, a slash", func(t *testing.T, c *cloud) answer {
			return invoked(t, c, after, broken, suite{within: "2s", more: allow}.text(), func(d *rollout) []string {
				return []string{"TEST_URL=" + d.green, "PRODUCTION_URL=" + strings.Replace(d.green, "127.0.0.1", "LOCALHOST", 1) + "/"}
			})
		}, "ERROR", "config", "same address"},
		{4, "both listeners of the deployment have one address", func(t *testing.T, c *cloud) answer {
			return invoked(t, c, after, broken, suite{within: "2s", more: allow}.text(), func(d *rollout) []string { d.blue = d.green; return nil })
		}, "ERROR", "config", "same address"},
		{5, "Amazon ECS: production already serves a tenth of the new release", func(t *testing.T, c *cloud) answer {
			return steps(t, c, "PRE_PRODUCTION_TRAFFIC_SHIFT", 10)
		}, "INCONCLUSIVE", "environment", "production already serves the new release (10 %)"},
		{5, "Amazon ECS: production is being shifted", func(t *testing.T, c *cloud) answer {
			return steps(t, c, "PRODUCTION_TRAFFIC_SHIFT", 0.5)
		}, "INCONCLUSIVE", "environment", "production already serves the new release"},
		{6, "Amazon ECS: the suite's own headers lead blue's requests to green", func(t *testing.T, c *cloud) answer {
			return oneListener(t, c)
		}, "ERROR", "config", "same address"},
		{6, "the same, and `TEST_HEADERS` says the header: green is 300 ms slower", func(t *testing.T, c *cloud) answer {
			return oneListener(t, c, `TEST_HEADERS={"X-Preview":"true"}`)
		}, "FAIL", "release", `comparison "report"`},
		{7, "DescribeTaskDefinition answers 200 with `{}`", func(t *testing.T, c *cloud) answer {
			return invoked(t, c, after, broken, suite{}.text(), func(d *rollout) []string { d.undescribed = true; return nil })
		}, "ERROR", "config", "read task definition"},
		{8, "a suite reads the function's credentials", func(t *testing.T, c *cloud) answer {
			stolen := strings.Replace(suite{}.text(), "SMOKE_PIN", "AWS_SECRET_ACCESS_KEY", 1)
			return invoked(t, c, after, with("GET /trips", answers(500)), stolen, nil)
		}, "ERROR", "config", "AWS_SECRET_ACCESS_KEY is not set"},
		{8, "the label names a file of the function's machine", func(t *testing.T, c *cloud) answer {
			return invoked(t, c, after, broken, suite{}.text(), func(d *rollout) []string { d.labels["greenlight.suite"] = "/etc/passwd"; return nil })
		}, "ERROR", "config", "leaves the function's package"},
		{9, "another container has the labels of a lenient suite", func(t *testing.T, c *cloud) answer {
			return invoked(t, c, after, broken, suite{}.text(), func(d *rollout) []string {
				c.Objects.Put("suites/lenient.yaml", "", []byte(mute))
				d.sidecars = []any{map[string]any{"name": "log", "image": "log:1", "dockerLabels": map[string]string{"greenlight.release": release, "greenlight.suite": "s3://suites/lenient.yaml"}}}
				return nil
			})
		}, "FAIL", "release", "list trips"},
		{10, "a check can never fail: a variable inside a JSONPath", func(t *testing.T, c *cloud) answer {
			vacuous := strings.Replace(suite{}.text(), `{request: "DELETE`, `{request: GET /trips, expect: {json: {'$.trips[?@ == "${id}"]': {exists: false}}}}`+"\n      - "+`{request: "DELETE`, 1)
			kept := func(w http.ResponseWriter, _ *http.Request) {
				reply(w, http.StatusOK, map[string][]string{"trips": {"Lisbon", "o-1"}})
			}
			return invoked(t, c, after, with("GET /trips", kept), vacuous, nil)
		}, "FAIL", "release", "does not exist"},
		{10, "a check can never fail: `$.trips.length`", func(t *testing.T, c *cloud) answer {
			vacuous := strings.Replace(suite{}.text(), "{$.trips: {type: array}}", "{$.trips.length: {exists: false}}", 1)
			return invoked(t, c, after, good(), vacuous, nil)
		}, "ERROR", "config", "length"},
		{11, "CodeDeploy takes no status for six seconds", refusedForAWhile, "FAIL", "release", "list trips"},
		{12, "net/http logs a token that the release sends behind its answer", unsolicited, "FAIL", "release", "more came behind"},
		{12, "a secret of 64 KB and a byte", func(t *testing.T, c *cloud) answer {
			c.Values.Put("smoke/token", `{"password":"`+strings.Repeat("k", 64<<10)+`x"}`)
			return invoked(t, c, after, broken, suite{}.text(), nil)
		}, "ERROR", "config", "TOKEN"},
		{13, "`inconclusive: ask`: the tags approve another deployment", func(t *testing.T, _ *cloud) answer {
			a := ask(t)
			a.tag(t, a.d.definition(2), answering("approved", strings.Replace(a.question, "1/", "2/", 1)))
			a.over()
			return a.ends("FAILED", "")
		}, "INCONCLUSIVE", "environment", "nobody approved by 20"},
		{13, "`inconclusive: ask`: `hookDetails` hold another question, and the tags its answer", func(t *testing.T, _ *cloud) answer {
			a := ask(t)
			a.change(false, func(q map[string]any) { q["id"] = "mine" })
			a.tag(t, a.d.definition(2), answering("approved", "mine"))
			return a.ends("FAILED", "")
		}, "INCONCLUSIVE", "environment", "nobody is asked twice"},
		{14, "`watch`: `hookDetails` hold a time in which the new release served nobody yet", func(t *testing.T, _ *cloud) answer {
			n := newNative(t, serve(t, good()), serve(t, old()), watchSuite("watch: {for: 4m}\npolicy: {inconclusive: allow}\n"))
			newWatched(t, n.cloud, n.d, "4m").green.errors = 8
			now := time.Now().UTC()
			forge := func(call int, state *string) {
				if call == 1 {
					*state = strings.ReplaceAll(*state, now.Format("2006-01-02T"), now.AddDate(0, 0, -1).Format("2006-01-02T"))
				}
			}
			a, _ := watchCalls(t, n, "POST_PRODUCTION_TRAFFIC_SHIFT", n.production(100, 0), forge, "EVIDENCE_PARAMETER=/evidence")
			return a
		}, "FAIL", "release", "watch: 5xx: 20 %"},
		{14, "`watch`: whoever may invoke the function says that it is its last call", func(t *testing.T, c *cloud) answer {
			d, payload := c.deploy(watch, serve(t, good()), serve(t, old()), watchSuite("watch: {for: 50m}\n"))
			w := newWatched(t, c, d, "50m")
			w.limit = 8 * time.Second
			a, _ := w.run(strings.TrimSuffix(payload, "}") + `,"GreenlightCall":12}`)
			return reported(t, d, a)
		}, "ERROR", "gate", "there were 13 calls already"},
	}
}

// invoked runs one gate on a deployment that prepare may bend; it returns the settings.
func invoked(t *testing.T, c *cloud, hook string, a application, suite string, prepare func(*rollout) []string) answer {
	t.Helper()
	d, event := c.deploy(hook, serve(t, a), serve(t, old()), suite)
	var variables []string
	if prepare != nil {
		variables = prepare(d)
	}
	return reported(t, d, start(t, hook, c.url, variables...).invoke(event, time.Minute))
}

// reported holds that CodeDeploy was told once, and what the verdict says.
func reported(t *testing.T, d *rollout, a answer) answer {
	t.Helper()
	if stored := d.statuses(); len(stored) != 1 || stored[0].status != a.verdict(t).text("status") {
		t.Errorf("stored %v, want one %s", stored, a.verdict(t).text("status"))
	}
	return a
}

// secondGate runs the last gate after a first one with these settings; without any there was none of ours.
func secondGate(t *testing.T, c *cloud, a application, s suite, first ...string) answer {
	t.Helper()
	const keeps = "EVIDENCE_PARAMETER=/evidence"
	d, event := c.deploy(after, serve(t, a), serve(t, old()), s.text())
	if len(first) > 0 {
		if v := start(t, after, c.url, append(first, keeps)...).invoke(event, time.Minute).verdict(t); v.text("status") != "Succeeded" {
			t.Errorf("the first gate was not overruled: %s", v.text("reason"))
		}
	}
	return reported(t, d, start(t, before, c.url, keeps).invoke(c.advance(d), time.Minute))
}

// steps is a native deployment in which the new release, 60 ms slower, already has a share of production.
func steps(t *testing.T, c *cloud, stage string, share float64) answer {
	t.Helper()
	slow := around(slowly("/report", func(int64) time.Duration { return 60 * time.Millisecond }))
	e := start(t, before, c.url, settings(t, frugal()+compared, serve(t, slow), serve(t, slow))...)
	return e.invoke(nativeEvent(stage, fmt.Sprintf(`,"productionTrafficWeights":{"arn:green":%g,"arn:blue":%g}`, share, 100-share)), time.Minute)
}

func nativeEvent(stage, weights string) string {
	return fmt.Sprintf(`{"executionId":"x","lifecycleStage":%q,"resourceArn":"arn:aws:ecs:eu-west-1:123456789012:service-deployment/c/s/1",`+
		`"executionDetails":{"serviceArn":"arn:s","targetServiceRevisionArn":"arn:green"%s}}`, stage, weights)
}

// oneListener is a native deployment whose test rule asks for a header on the production listener, which the suite sends.
func oneListener(t *testing.T, c *cloud, variables ...string) answer {
	t.Helper()
	g, b := around(slowly("/report", func(int64) time.Duration { return 300 * time.Millisecond })).handler(), old().handler()
	url := handle(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(previewHeader) == "true" {
			g.ServeHTTP(w, r)
			return
		}
		b.ServeHTTP(w, r)
	}))
	s := strings.Replace(frugal(), `headers: {X-Pin: "${PIN}"}`, `headers: {X-Pin: "${PIN}", `+previewHeader+`: "true"}`, 1) +
		strings.Replace(compared, "pairs: 40", "pairs: 20", 1)
	e := start(t, before, c.url, append(settings(t, s, url, url), variables...)...)
	return e.invoke(nativeEvent("PRE_PRODUCTION_TRAFFIC_SHIFT", `,"productionTrafficWeights":{"arn:green":0,"arn:blue":100}`), time.Minute)
}

// refusedForAWhile is a CodeDeploy that answers 500 longer than a burst of attempts takes. The suite writes: it must not be
// run again.
func refusedForAWhile(t *testing.T, c *cloud) answer {
	t.Helper()
	var orders atomic.Int64
	a := with("GET /trips", answers(500))
	a.around = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				orders.Add(1)
			}
			next.ServeHTTP(w, r)
		})
	}
	d, event := c.deploy(after, serve(t, a), serve(t, old()), suite{}.text())
	began := time.Now()
	d.put = func(int) *aws.Fault {
		if time.Since(began) < 6*time.Second {
			return &aws.Fault{Code: "InternalFailure", Status: http.StatusInternalServerError}
		}
		return nil
	}
	result := reported(t, d, start(t, after, c.url).invoke(event, 2*time.Minute))
	if orders.Load() != 1 || result.kind != "returned" {
		t.Errorf("%d orders were written, and the function %s: what was judged is judged again", orders.Load(), result.kind)
	}
	return result
}

// unsolicited is a release that sends more than it was asked for: a body behind a 204, with what it was sent in it.
func unsolicited(t *testing.T, c *cloud) answer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go chatter(conn)
		}
	}()
	const chatty = `version: 1
name: chatty
variables:
  TOKEN: {secretsmanager: smoke/token, key: password}
defaults: {headers: {Authorization: "Bearer ${TOKEN}"}}
readiness: {consecutive: 1, within: 2s}
checks:
  - {name: delete, request: DELETE /orders/7, attempts: 3, expect: {status: 204}}
  - {name: answers late, request: GET /report, attempts: 1, expect: {status: 201}}
`
	d, event := c.deploy(after, "http://"+l.Addr().String(), serve(t, old()), chatty)
	return reported(t, d, start(t, after, c.url).invoke(event, time.Minute))
}

// chatter answers every request on a connection, and DELETE with more than an answer.
func chatter(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		answer := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
		if r.Method == http.MethodDelete {
			answer = "HTTP/1.1 204 No Content\r\n\r\n{\"you_sent\":" + fmt.Sprintf("%q", leak(r)) + "}\n"
		}
		if _, err := io.WriteString(conn, answer); err != nil {
			return
		}
	}
}

// TestWaysAroundTheGate runs every way that was found, and holds the README's list of them against it.
func TestWaysAroundTheGate(t *testing.T) {
	t.Parallel()
	all := ways()
	results := make([]line, len(all))
	t.Run("ways", func(t *testing.T) {
		for i, w := range all {
			t.Run(fmt.Sprintf("%d %s", w.number, w.name), func(t *testing.T) {
				t.Parallel()
				a := w.run(t, newCloud(t))
				v := a.verdict(t)
				t.Logf("%s, blame %s: %s", v.text("verdict"), v.text("blame"), v.text("reason"))
				if v.text("verdict") != w.verdict || v.text("blame") != w.blame || v.text("status") != "Failed" || !strings.Contains(v.text("reason"), w.reason) {
					t.Errorf("%s, blame %s, status %s: %s\nwant %s, blame %s: …%s…", v.text("verdict"), v.text("blame"), v.text("status"), v.text("reason"), w.verdict, w.blame, w.reason)
				}
				noSecretIn(t, "log", a.log)
				noSecretIn(t, "answer", a.body)
				if strings.Contains(a.log, "root:x:") {
					t.Errorf("the log quotes a file of the machine's: %s", a.log)
				}
				results[i] = v
			})
		}
	})
	if !t.Failed() && !partly(results) {
		var b strings.Builder
		b.WriteString("\n| way around the gate | verdict | blame | told |\n| --- | --- | --- | --- |\n")
		for i, w := range all {
			fmt.Fprintf(&b, "| %d. %s | %s | %s | %s |\n", w.number, w.name, results[i].text("verdict"), results[i].text("blame"), results[i].text("status"))
		}
		checkSection(t, "ways", b.String()+"\n")
	}
}

func partly(results []line) bool {
	for _, r := range results {
		if r == nil {
			return true
		}
	}
	return false
}

// TestASuiteBesideItsFunction reads a suite and its authority from the package, and from nowhere else.
func TestASuiteBesideItsFunction(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	e := start(t, after, c.url, "SUITE=smoke.yaml", "LAMBDA_TASK_ROOT="+t.TempDir())
	d, event := c.deploy(after, serve(t, good()), serve(t, old()), "")
	if v := judged(t, e.invoke(event, time.Minute), d); v.text("verdict") != "ERROR" || !strings.Contains(v.text("reason"), "smoke.yaml") {
		t.Errorf("a suite that is not there: %s", v.text("reason"))
	}
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "smoke.yaml"), []byte(suite{}.text()), 0o600); err != nil {
		t.Fatal(err)
	}
	e = start(t, after, c.url, "SUITE=smoke.yaml", "LAMBDA_TASK_ROOT="+root)
	d, event = c.deploy(after, serve(t, good()), serve(t, old()), "")
	if v := judged(t, e.invoke(event, time.Minute), d); v.text("verdict") != "PASS" {
		t.Errorf("a suite in the package: %s", v.text("reason"))
	}
}
