package functions_test

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

const hooksLog = "/aws/lambda/CodeDeployHook_trips_AfterAllowTestTraffic"

// office is what takes events and messages: EventBridge, SNS and a webhook.
type office struct {
	url string

	mu                       sync.Mutex
	events, mails, posts     []map[string]any
	sends                    int
	refuses                  bool
	webhook                  http.HandlerFunc
	subjects                 []string
	redirected, told, before int
}

func newOffice(t testing.TB) *office {
	t.Helper()
	o := &office{webhook: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }}
	server := httptest.NewServer(o)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	o.url = server.URL
	return o
}

func object(text string) (o map[string]any) {
	_ = json.Unmarshal([]byte(text), &o)
	return o
}

func (o *office) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	o.mu.Lock()
	defer o.mu.Unlock()
	switch form, _ := url.ParseQuery(string(body)); {
	case strings.HasPrefix(r.URL.Path, "/services/"):
		o.sends++
		o.posts = append(o.posts, object(string(body)))
		func() {
			webhook := o.webhook
			o.mu.Unlock()
			defer o.mu.Lock()
			webhook(w, r)
		}()
	case r.URL.Path == "/elsewhere":
		o.redirected++
	case o.refuses:
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"__type":"AccessDeniedException","message":"not authorized"}`)
	case r.Header.Get("X-Amz-Target") == "AWSEvents.PutEvents":
		var in struct{ Entries []map[string]any }
		_ = json.Unmarshal(body, &in)
		o.events = append(o.events, in.Entries...)
		if strings.Contains(string(body), "d-throttled") {
			_, _ = io.WriteString(w, `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"ThrottlingException","ErrorMessage":"slow"}]}`)
			return
		}
		_, _ = io.WriteString(w, `{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}`)
	case form.Get("Action") == "Publish":
		o.mails = append(o.mails, object(form.Get("Message")))
		o.subjects = append(o.subjects, form.Get("Subject"))
		_, _ = io.WriteString(w, `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`)
	default:
		w.WriteHeader(http.StatusBadRequest)
	}
}

// new returns the details of new events, and how many new messages went to the topic and to the webhook.
func (o *office) new() (details []map[string]any, mails, posts int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.events[o.before:] {
		details = append(details, object(e["Detail"].(string)))
	}
	mails, posts = len(o.mails)-o.told, o.sends-o.redirected
	o.before, o.told, o.sends, o.redirected = len(o.events), len(o.mails), 0, 0
	return details, mails, posts
}

// reading starts the notifier, which reads the log of a cloud and sends to an office.
func reading(t testing.TB, c *cloud, o *office, variables ...string) *environment {
	t.Helper()
	c.Values.Put("/greenlight/webhook", "slack+"+o.url+"/services/T0/B0/verysecretpath")
	return start(t, "notifier", c.url, append([]string{
		"AWS_ENDPOINT_URL_SNS=" + o.url, "AWS_ENDPOINT_URL_EVENTBRIDGE=" + o.url, "NOTIFICATION_TOPIC_ARN=arn:aws:sns:eu-west-1:123456789012:news",
		"WEBHOOK=ssm:/greenlight/webhook", "LOG_GROUPS=" + hooksLog + ",/aws/lambda/CodeDeployHook_trips_BeforeAllowTraffic", "METRICS_NAMESPACE=Greenlight/trips",
	}, variables...)...)
}

// system is one of Lambda's own lines about an invocation.
func system(kind, request, status string) string {
	text, _ := json.Marshal(map[string]any{"time": time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"), "type": "platform." + kind, "record": map[string]any{"requestId": request, "status": status}})
	return string(text)
}

// handed is what CloudWatch Logs invokes a function with.
func handed(group, stream string, messages ...string) string {
	var events []map[string]any
	for _, m := range messages {
		events = append(events, map[string]any{"id": "1", "timestamp": time.Now().Add(10 * time.Millisecond).UnixMilli(), "message": m})
	}
	text, _ := json.Marshal(map[string]any{"messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": group, "logStream": stream, "subscriptionFilters": []string{"x"}, "logEvents": events})
	return zipped(text)
}

func zipped(text []byte) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(text)
	_ = z.Close()
	out, _ := json.Marshal(map[string]any{"awslogs": map[string]any{"data": b.Bytes()}})
	return string(out)
}

var stream = struct {
	sync.Mutex
	n int
}{}

// logs puts an invocation's lines into the log, as Lambda does, and returns what the notifier is invoked with.
func (c *cloud) logs(lines, status string, again ...string) string {
	stream.Lock()
	stream.n++
	n := stream.n
	stream.Unlock()
	request, name := cmp.Or(append(again, fmt.Sprintf("0000-%d", n))...), fmt.Sprintf("2026/11/30/[$LATEST]%d", n)
	end := system("report", request, status)
	c.Log(hooksLog, name, system("start", "0000", ""), `{"event":"verdict","verdict":"FAIL","status":"Failed","deployment_id":"d-000000000","timestamp":"2020"}`, system("report", "0000", "success"))
	c.Log(hooksLog, name, system("start", request, ""))
	c.Log(hooksLog, name, strings.Split(strings.TrimSpace(lines), "\n")...)
	c.Log(hooksLog, name, end, system("start", "0001", ""), `{"event":"verdict","verdict":"FAIL","status":"Failed","deployment_id":"d-000000001","timestamp":"2030"}`)
	return handed(hooksLog, name, end)
}

func (e *environment) ok(payload string) answer {
	e.t.Helper()
	a := e.invoke(payload, time.Minute)
	if a.kind != "returned" || a.body != "null" {
		e.t.Fatalf("%s: %s\n%s", a.kind, a.body, a.log)
	}
	return a
}

// What real hooks log, of either controller, is told as it should be: once.
func TestTheNotifierTellsWhatTheHooksLog(t *testing.T) {
	t.Parallel()
	c, o := newCloud(t), newOffice(t)
	n := reading(t, c, o)
	first, second := start(t, after, c.url, "REPORT_BUCKET=reports"), start(t, before, c.url)
	told := func(what, payload string, events, messages int) map[string]any {
		t.Helper()
		a := n.ok(payload)
		details, mails, posts := o.new()
		if len(details) != events || mails != messages || posts != messages || len(a.lines(t, "notify")) != events+2*messages {
			t.Fatalf("%s: %d events, %d and %d messages\n%s", what, len(details), mails, posts, a.log)
		}
		for _, l := range a.lines(t, "notify") {
			if l.text("outcome") != "sent" || l["NotifyFailed"] != 0.0 {
				t.Errorf("%s: %v", what, l)
			}
		}
		if events == 0 {
			return nil
		}
		return details[0]
	}

	d, event := c.deploy(after, serve(t, with("GET /trips", answers(500))), serve(t, old()), suite{}.text())
	failed := first.invoke(event, time.Minute)
	e := told("held back", c.logs(failed.log, "success"), 1, 1)
	v := failed.verdict(t)
	for name, want := range map[string]any{
		"verdict": "FAIL", "status": "Failed", "release": release, "deployment_id": d.id, "schema": 1.0, "outcome": "stored", "reason": v["reason"], "greenlight": v["greenlight"],
		"console":     "https://console.aws.amazon.com/codesuite/codedeploy/deployments/" + d.id + "?region=eu-west-1",
		"link":        "https://console.aws.amazon.com/s3/object/reports?region=eu-west-1&prefix=greenlight%2F" + d.id + "%2FAfterAllowTestTraffic.html",
		"application": failed.lines(t, "metrics")[0]["Application"], "deployment_group": failed.lines(t, "metrics")[0]["DeploymentGroup"],
	} {
		if e[name] != want || want == nil {
			t.Errorf("%s is %v, want %v", name, e[name], want)
		}
	}
	if v["link"] != e["link"] {
		t.Errorf("the verdict line links %v", v["link"])
	}
	if chat := object(o.mails[0]["default"].(string)); chat["source"] != "custom" || !strings.Contains(fmt.Sprint(chat), "expected") || !strings.Contains(o.subjects[0], "held back") || o.events[0]["Source"] != "greenlight" || o.events[0]["DetailType"] != "Greenlight Verdict" {
		t.Errorf("%v %v", chat, o.subjects)
	}
	if blocks := fmt.Sprint(o.posts[0]["blocks"]); !strings.Contains(blocks, "plain_text") || !strings.Contains(blocks, "status --deployment "+d.id) {
		t.Errorf("Slack got %s", blocks)
	}
	told("the same once more", c.logs(strings.ReplaceAll(failed.log, v.text("timestamp"), time.Now().UTC().Format("2006-01-02T15:04:05.000Z")), "success"), 1, 0)

	_, event = c.deploy(after, serve(t, good()), serve(t, old()), suite{}.text())
	passed := first.invoke(event, time.Minute)
	told("passed", c.logs(passed.log, "success"), 1, 0)
	_, event = c.deploy(before, serve(t, good()), serve(t, old()), suite{}.text())
	told("the second gate", c.logs(second.invoke(event, time.Minute).log, "success"), 1, 0)

	lines := strings.Split(passed.log, "\n")
	told("a hook that crashed", c.logs(lines[0], "timeout", "abc-1"), 1, 1)
	told("its next attempt", c.logs(lines[0], "timeout", "abc-1"), 1, 0)
	told("another one", c.logs(lines[0], "error", "abc-2"), 1, 1)
	if e := told("one that said nothing", c.logs("", "error"), 1, 1); !strings.HasPrefix(fmt.Sprint(e["log"]), hooksLog+" 2026/") || !strings.Contains(fmt.Sprint(o.mails[len(o.mails)-1]["email"]), "Log: "+hooksLog) {
		t.Errorf("which hook it was is not said: %v", e)
	}
	told("one that goes on in another call", c.logs(lines[0], "success"), 0, 0)
	told("none of ours", handed(hooksLog, "x", `{"event":"check"}`, "text", "{}", ""), 0, 0)

	a := ask(t)
	text, _ := os.ReadFile(a.e.log)
	question := ""
	for l := range strings.Lines(string(text)) {
		if strings.Contains(l, `"event":"ask"`) {
			question = strings.TrimSpace(l)
		}
	}
	c.Log(hooksLog, "asking", append([]string{system("start", "1", "")}, strings.Split(strings.TrimSpace(string(text)), "\n")...)...)
	told("a question", handed(hooksLog, "asking", question), 0, 1)
	if mail := fmt.Sprint(o.mails[len(o.mails)-1]["email"]); !strings.Contains(mail, "Next: greenlight approve --deployment "+a.arn("service-deployment", "/1")+" --why TEXT") {
		t.Errorf("it asks %s", mail)
	}
	a.over()
	ended := a.ends("FAILED", "nobody approved by 20")
	if len(ended.lines(t, "reported")) != 0 {
		t.Error("a native hook reports")
	}
	if e := told("nobody answered", c.logs(ended.log, "success"), 1, 1); e["service"] != "trips" || e["console"] == "" {
		t.Errorf("%v", e)
	}
}

// A service that was held back has recovered when its next release passes the comparison, and not before.
func TestTheNotifierKnowsTheService(t *testing.T) {
	t.Parallel()
	c, o := newCloud(t), newOffice(t)
	n := reading(t, c, o, "NOTIFY=held-back")
	verdict := func(deployment, stage, verdict, status, at string) string {
		return fmt.Sprintf(`{"event":"verdict","deployment_id":%q,"lifecycle_event":%q,"verdict":%q,"status":%q,"timestamp":"2026-11-30T%s","cluster":"c","service":"s","mode":"enforce","reason":"x"}`, deployment, stage, verdict, status, at)
	}
	for i, tc := range []struct {
		line     string
		messages int
	}{
		{verdict("d-1", "BeforeAllowTraffic", "FAIL", "Failed", "01"), 1},
		{strings.Replace(verdict("d-9", "BeforeAllowTraffic", "PASS", "Succeeded", "02"), `"s"`, `"another"`, 1), 0},
		{strings.Replace(verdict("d-2", "BeforeAllowTraffic", "PASS", "Succeeded", "03"), "enforce", "enforce, rollback", 1), 0},
		{verdict("d-3", "AfterAllowTestTraffic", "PASS", "Succeeded", "04"), 0},
		{verdict("d-3", "BeforeAllowTraffic", "PASS", "Succeeded", "05"), 1},
		{verdict("d-3", "AfterAllowTraffic", "PASS", "Succeeded", "06"), 0},
		{verdict("d-4", "BeforeAllowTraffic", "PASS", "Succeeded", "07"), 0},
		{verdict("d-5", "BeforeAllowTraffic", "SKIPPED", "Succeeded", "08"), 1},
	} {
		a := n.ok(c.logs(tc.line, "success"))
		if details, mails, posts := o.new(); len(details) != 1 || mails != tc.messages || posts != tc.messages {
			t.Errorf("line %d: %d events, %d and %d messages\n%s", i, len(details), mails, posts, a.log)
		}
	}
	if !strings.Contains(o.subjects[1], "recovered") {
		t.Error(o.subjects)
	}
}

// However long a name a release gives itself, in whatever order a millisecond's lines are shown, and however many
// empty pages the log has: people are told.
func TestTheNotifierMissesNothing(t *testing.T) {
	t.Parallel()
	c, o := newCloud(t), newOffice(t)
	n := reading(t, c, o)
	hook := start(t, after, c.url, "RELEASE="+strings.Repeat("x", 70_000))
	_, event := c.deploy(after, serve(t, with("GET /trips", answers(500))), serve(t, old()), suite{}.text())
	n.ok(c.logs(hook.invoke(event, time.Minute).log, "success"))
	if details, mails, posts := o.new(); len(details) != 1 || mails != 1 || posts != 1 {
		t.Errorf("a long name: %d events, %d and %d messages", len(details), mails, posts)
	}

	end, verdict := system("report", "7", "success"), `{"event":"verdict","verdict":"FAIL","status":"Failed","deployment_id":"d-7","timestamp":"2026"}`
	c.Log(hooksLog, "late", system("start", "7", ""), end, verdict, system("start", "8", ""), strings.Replace(verdict, "d-7", "d-8", 1))
	n.ok(handed(hooksLog, "late", end))
	if details, mails, _ := o.new(); len(details) != 1 || mails != 1 || details[0]["deployment_id"] != "d-7" {
		t.Errorf("behind the report: %v, %d messages", details, mails)
	}

	page := 0
	c.mu.Lock()
	c.answers = map[string]func([]byte) string{"FilterLogEvents": func(input []byte) string {
		if page++; strings.Contains(string(input), "logStreamNames") {
			text, _ := json.Marshal(map[string]any{"events": []map[string]any{{"message": verdict}, {"message": end}}})
			return string(text)
		}
		return fmt.Sprintf(`{"events":[],"nextToken":%q}`, strings.Repeat("x", max(0, 60-page)))
	}}
	c.mu.Unlock()
	a := n.ok(handed(hooksLog, "late", end))
	if details, mails, _ := o.new(); len(details) != 1 || mails != 1 || strings.Contains(a.log, `"NotifyFailed":1`) {
		t.Errorf("empty pages: %d events, %d messages\n%s", len(details), mails, a.log)
	}
}

// A webhook that is ill holds up neither the topic nor the event, and is told where the alarm sees it; its URL never is.
func TestAWebhookThatIsIll(t *testing.T) {
	t.Parallel()
	answers := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	var tries int
	for name, tc := range map[string]struct {
		webhook http.HandlerFunc
		secret  string
		posts   int
		reason  string
	}{
		"it hangs":      {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "", 1, "does not answer within 5s"},
		"it is ill":     {answers(500), "", 3, "the webhook answers 500 Internal Server Error"},
		"it is busy":    {answers(429), "", 3, "the webhook answers 429 Too Many Requests"},
		"it knows none": {answers(404), "", 1, "the webhook answers 404 Not Found"},
		"it recovers": {func(w http.ResponseWriter, _ *http.Request) {
			if tries++; tries == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}, "", 2, ""},
		"it redirects": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, "", 1, "the webhook answers 307 Temporary Redirect"},
		"a huge answer": {func(w http.ResponseWriter, _ *http.Request) {
			for range 1 << 12 {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}, "", 1, ""},
		"it breaks off":       {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "", 1, "cannot be reached, breaks off"},
		"not https":           {nil, "http://hooks.slack.com/services/verysecretpath", 0, "is not https"},
		"nobody's":            {nil, "https://example.com/services/verysecretpath", 0, "begin its URL with slack+https:// or teams+https://"},
		"nearly Slack's":      {nil, "https://hooks.slack.com.example.com/verysecretpath", 0, "begin its URL with"},
		"nearly Slack's, too": {nil, "https://evilhooks.slack.com/verysecretpath", 0, "begin its URL with"},
		"no URL":              {nil, "verysecretpath", 0, "holds no URL"},
		"gone":                {nil, "none", 0, "read the webhook's URL: variable WEBHOOK: ssm GetParameter"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, o := newCloud(t), newOffice(t)
			n := reading(t, c, o)
			if tc.webhook != nil {
				o.mu.Lock()
				o.webhook = tc.webhook
				o.mu.Unlock()
			}
			switch tc.secret {
			case "":
			case "none":
				c.Values.Delete("/greenlight/webhook")
			default:
				c.Values.Put("/greenlight/webhook", tc.secret)
			}
			a := n.ok(c.logs(`{"event":"verdict","verdict":"FAIL","status":"Failed","deployment_id":"d-1","timestamp":"2026"}`, "success"))
			o.mu.Lock()
			if o.redirected != 0 {
				t.Error("a redirect was followed")
			}
			o.mu.Unlock()
			if details, mails, posts := o.new(); len(details) != 1 || mails != 1 || posts != tc.posts {
				t.Errorf("%d events, %d messages, %d attempts", len(details), mails, posts)
			}
			if strings.Contains(a.log, "verysecretpath") || strings.Contains(a.log, "127.0.0.1") {
				t.Errorf("its URL is in the log: %s", a.log)
			}
			for _, l := range a.lines(t, "notify") {
				failed := l.text("to") == "webhook" && tc.reason != ""
				if (l["NotifyFailed"] == 1.0) != failed || failed && !strings.Contains(l.text("reason"), tc.reason) {
					t.Errorf("%v", l)
				}
			}
		})
	}
}

// The webhook's URL is where a suite's secrets are, and says by its host or its beginning whose it is.
func TestWhereTheWebhooksURLIs(t *testing.T) {
	t.Parallel()
	for reference, want := range map[string]string{
		"ssm:/greenlight/webhook": "blocks", "arn:aws:ssm:eu-west-1:123456789012:parameter/greenlight/webhook": "blocks", "secretsmanager:greenlight/hook#url": "attachments",
		"secretsmanager:greenlight/hook#other": "", "secretsmanager:greenlight/hook": "", "https://hooks.slack.com/verysecretpath": "", "arn:x": "", "env:HOME": "", "x": "",
	} {
		c, o := newCloud(t), newOffice(t)
		n := reading(t, c, o, "WEBHOOK="+reference)
		c.Values.Put("arn:aws:ssm:eu-west-1:123456789012:parameter/greenlight/webhook", "slack+"+o.url+"/services/verysecretpath")
		c.Values.Put("greenlight/hook", `{"url":"teams+`+o.url+`/services/verysecretpath"}`)
		a := n.ok(c.logs(`{"event":"verdict","verdict":"FAIL","status":"Failed","deployment_id":"d-1","timestamp":"2026"}`, "success"))
		if _, mails, posts := o.new(); mails != 1 || (posts == 1) != (want != "") || posts == 1 && o.posts[0][want] == nil || (want == "") != strings.Contains(a.log, `"NotifyFailed":1`) {
			t.Errorf("%s: %d messages, %d posts, %v\n%s", reference, mails, posts, o.posts, a.log)
		}
		if strings.Contains(a.log, "verysecretpath") {
			t.Errorf("%s: its URL is in the log: %s", reference, a.log)
		}
	}
}

// Where EventBridge and the topic refuse, the webhook is told, and where the log is, nothing is made up.
func TestANotifierThatMayNotSend(t *testing.T) {
	t.Parallel()
	c, o := newCloud(t), newOffice(t)
	n := reading(t, c, o)
	a := n.ok(c.logs(`{"event":"verdict","verdict":"FAIL","status":"Failed","deployment_id":"d-throttled","timestamp":"2026"}`, "success"))
	if _, mails, _ := o.new(); mails != 1 || strings.Count(a.log, `"NotifyFailed":1`) != 1 || !strings.Contains(a.log, "eventbridge PutEvents: ThrottlingException") {
		t.Errorf("%d messages\n%s", mails, a.log)
	}
	o.mu.Lock()
	o.refuses = true
	o.mu.Unlock()
	a = n.ok(c.logs(`{"event":"verdict","verdict":"FAIL","status":"Failed","deployment_id":"d-1","timestamp":"2026"}`, "success"))
	if _, _, posts := o.new(); posts != 1 || strings.Count(a.log, `"NotifyFailed":1`) != 2 || !strings.Contains(a.log, "eventbridge PutEvents") || !strings.Contains(a.log, "sns Publish") {
		t.Errorf("%d posts\n%s", posts, a.log)
	}
	for _, l := range a.lines(t, "notify") {
		if emf := fmt.Sprint(l["_aws"]); !strings.Contains(emf, "Dimensions:[[FunctionName]] Metrics:[map[Name:NotifyFailed Unit:Count]] Namespace:Greenlight/trips") || l["FunctionName"] == "" {
			t.Errorf("the metric is %v", l)
		}
	}
	a = n.ok(handed(hooksLog, "nowhere", system("report", "1", "timeout")))
	if details, mails, _ := o.new(); len(details)+mails != 0 || !strings.Contains(a.log, `"NotifyFailed":1`) || !strings.Contains(a.log, "the log does not show the line") {
		t.Errorf("%d events, %d messages: %s", len(details), mails, a.log)
	}
}

// What is no log is an error, and nothing breaks.
func TestWhatIsHandedToTheNotifier(t *testing.T) {
	t.Parallel()
	c, o := newCloud(t), newOffice(t)
	n := reading(t, c, o)
	bomb := zipped(make([]byte, 1<<28))
	for name, payload := range map[string]string{
		"nothing": "", "no JSON": "x", "another event": `{"DeploymentId":"d-1"}`, "no base64": `{"awslogs":{"data":"%%"}}`, "no gzip": `{"awslogs":{"data":"aGVsbG8="}}`,
		"half": `{"awslogs":{"data":"H4sIAAAAAAAA"}}`, "gzip of no JSON": zipped([]byte("hello")), "a bomb": bomb, "a list": zipped([]byte("[]")),
	} {
		if a := n.invoke(payload, time.Minute); a.kind != "error" || !strings.Contains(a.body, "read what CloudWatch Logs sent") || strings.Contains(a.body, "panic") {
			t.Errorf("%s: %s: %.300s", name, a.kind, a.body)
		}
	}
	if peak := n.peakMemory(); peak > 128 {
		t.Errorf("it took %.0f MiB", peak)
	}
	n.ok(zipped([]byte(`{"messageType":"CONTROL_MESSAGE","logEvents":[{"id":"","timestamp":1,"message":"CWL CONTROL MESSAGE: Checking health of destination"}]}`)))
	if details, mails, posts := o.new(); len(details)+mails+posts != 0 {
		t.Error("somebody is told")
	}
}

// EventBridge's and SNS's own rules, as moto has them: the event reaches a rule for it, and the message a subscriber.
func TestTheNotifierWithMoto(t *testing.T) {
	t.Parallel()
	server, err := exec.LookPath("moto_server")
	if _, missing := exec.LookPath("aws"); err != nil || missing != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("moto_server or aws is missing: in CI this must be tested")
		}
		t.Skip("NOT TESTED: moto_server or aws is missing; CI has them")
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, server, "-H", "127.0.0.1", "-p", "0")
	cmd.WaitDelay = 5 * time.Second
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); _ = cmd.Wait() })
	moto := "" // it says so once it listens
	for lines := bufio.NewScanner(said); moto == "" && lines.Scan(); {
		_, moto, _ = strings.Cut(lines.Text(), "Running on ")
	}
	go func() { _, _ = io.Copy(io.Discard, said) }()
	aws := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "aws", append(args, "--output", "text", "--endpoint-url", moto)...)
		cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+moto, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_DEFAULT_REGION=eu-west-1", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("aws %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	got := make(chan map[string]any, 1)
	subscriber := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		if o := object(string(text)); o["Type"] == "Notification" {
			got <- o
		}
	}))
	defer subscriber.Close()
	topic := aws("sns", "create-topic", "--name", "news", "--query", "TopicArn")
	aws("sns", "subscribe", "--topic-arn", topic, "--protocol", "http", "--notification-endpoint", subscriber.URL)
	queue := aws("sqs", "create-queue", "--queue-name", "verdicts", "--query", "QueueUrl")
	aws("events", "put-rule", "--name", "held-back", "--event-pattern", eventPattern(t))
	aws("events", "put-targets", "--rule", "held-back", "--targets", "Id=1,Arn=arn:aws:sqs:eu-west-1:123456789012:verdicts")

	c := newCloud(t)
	n := start(t, "notifier", c.url, "AWS_ENDPOINT_URL_SNS="+moto, "AWS_ENDPOINT_URL_EVENTBRIDGE="+moto, "NOTIFICATION_TOPIC_ARN="+topic, "LOG_GROUPS="+hooksLog)
	hook := start(t, after, c.url)
	_, event := c.deploy(after, serve(t, with("GET /trips", answers(500))), serve(t, old()), suite{}.text())
	a := n.ok(c.logs(hook.invoke(event, time.Minute).log, "success"))
	if strings.Count(a.log, `"outcome":"sent"`) != 2 {
		t.Fatal(a.log)
	}
	o := <-got
	if chat := object(o["Message"].(string)); chat["source"] != "custom" || !strings.Contains(fmt.Sprint(o["Subject"]), "held back") {
		t.Errorf("the subscriber got %v", o)
	}
	taken := object(aws("sqs", "receive-message", "--queue-url", queue, "--wait-time-seconds", "5", "--query", "Messages[0].Body"))
	if detail, _ := taken["detail"].(map[string]any); taken["detail-type"] != "Greenlight Verdict" || taken["source"] != "greenlight" || detail["verdict"] != "FAIL" {
		t.Errorf("the queue got %v", taken)
	}
}

// eventPattern is the one that the README shows.
func eventPattern(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "<!-- event pattern -->\n```json\n")
	pattern, _, ok := strings.Cut(rest, "```")
	if !ok || !json.Valid([]byte(pattern)) {
		t.Fatalf("%s shows no pattern: %q", readme, pattern)
	}
	return pattern
}
