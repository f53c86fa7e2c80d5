package notify_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/greenlight-ecs/greenlight/pkg/notify"
)

var update = flag.Bool("update", false, "write the goldens")

const (
	codeDeploy = "d-1A2B3C4D5"
	native     = "arn:aws:ecs:eu-west-1:123456789012:service-deployment/trips/web/Dd7kPGdPGVJgAbCd"
	sha        = "7c1f0a9b3d5e2f4a6b8c0d1e2f3a4b5c6d7e8f90"
)

// line is a log line with a verdict's members, as a hook writes it, and others in their place.
func line(t *testing.T, members ...any) notify.Line {
	t.Helper()
	all := map[string]any{
		"level": "error", "event": "verdict", "timestamp": "2026-11-30T10:00:00.000Z", "deployment_id": codeDeploy, "lifecycle_event": "AfterAllowTestTraffic",
		"verdict": "FAIL", "status": "Failed", "blame": "release", "reason": `check "list trips": 0 of 10 attempts passed: GET /api/trips: status: expected 200, got 500`,
		"release": "1.2.0", "suite": "trips", "suite_sha256": "00ff", "checks_passed": 2, "checks_failed": 1, "duration_ms": 612.5, "cluster": "trips", "service": "web",
		"greenlight": "v0.2.0", "mode": "enforce", "target": "http://green", "proof": "check", "judged_by": "this", "baseline": "http://blue",
		"report": "s3://reports/greenlight/d-1A2B3C4D5/AfterAllowTestTraffic.html",
	}
	for i := 0; i < len(members); i += 2 {
		all[members[i].(string)] = members[i+1]
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return notify.Read(string(text))
}

// report is Lambda's own line about an invocation's end.
func report(status, errorType string) notify.Line {
	text, _ := json.Marshal(map[string]any{"time": "2026-11-30T10:00:00.000Z", "type": "platform.report", "record": map[string]string{"requestId": "r", "status": status, "errorType": errorType}})
	return notify.Read(string(text))
}

func beside(t *testing.T) []notify.Line {
	t.Helper()
	return []notify.Line{
		line(t, "event", "check", "check", "version", "verdict", "PASS", "reason", ""),
		line(t, "event", "check", "check", "list trips", "verdict", "FAIL", "reason", "0 of 10 attempts passed: GET /api/trips: status: expected 200, got 500"),
		line(t, "event", "check", "check", "only looked at", "verdict", "FAIL", "observe", true, "reason", "status: expected 200, got 404"),
		line(t, "event", "reported", "outcome", "stored"),
		line(t, "event", "metrics", "Application", "trips", "DeploymentGroup", "unknown"),
	}
}

// Each is all that Slack, Teams, Amazon Q, mail and EventBridge get.
func TestTheForms(t *testing.T) {
	before := line(t, "deployment_id", "d-BEFORE000", "timestamp", "2026-11-29T10:00:00.000Z")
	for name, s := range map[string]notify.Story{
		"held-back":   {Line: line(t), Beside: beside(t)},
		"config":      {Line: line(t, "verdict", "ERROR", "blame", "config", "report", "", "reason", "read the suite s3://suites/x.yaml: s3 GetObject: NoSuchKey: no message")},
		"question":    {Line: line(t, "event", "ask", "deployment_id", native, "verdict", "", "status", "", "blame", "", "until", "2026-11-30T10:30:00Z", "reason", `comparison "report": blue failed 5 of 5 requests, too`)},
		"would-fail":  {Line: line(t, "status", "Succeeded", "mode", "observe", "reason", `WOULD FAIL: check "list trips": status: expected 200, got 500`, "release", sha), Beside: beside(t)},
		"rollback":    {Line: line(t, "status", "Succeeded", "mode", "enforce, rollback", "reason", "WOULD FAIL: readiness: connection refused")},
		"skipped":     {Line: line(t, "status", "Succeeded", "verdict", "SKIPPED", "reason", `SKIPPED by "ann" until 2026-11-30T12:00:00Z because "blue is ill"; it was FAIL: check "list trips"`)},
		"recovered":   {Line: line(t, "status", "Succeeded", "verdict", "PASS", "blame", "none", "lifecycle_event", "BeforeAllowTraffic", "reason", "3 checks passed"), Earlier: []notify.Line{before}},
		"crashed":     {Line: notify.Crash(report("timeout", ""), beside(t))},
		"crash-alone": {Line: notify.Crash(report("error", "Runtime.ExitError"), nil)},
	} {
		t.Run(name, func(t *testing.T) {
			s.Region = "eu-west-1"
			m, told := notify.Compose(s)
			if !told {
				t.Fatal("nobody is told")
			}
			var got bytes.Buffer
			fmt.Fprintf(&got, "== title\n%s\n== subject\n%s\n== mail\n%s", m.Title(), m.Subject(), m.Mail())
			for _, f := range []struct {
				name string
				text []byte
			}{{"slack", m.Slack()}, {"teams", m.Teams()}, {"amazon q", chat(t, m)}, {"event", m.Event()}} {
				fmt.Fprintf(&got, "== %s\n", f.name)
				if err := json.Indent(&got, f.text, "", " "); err != nil {
					t.Fatalf("%s: %v: %s", f.name, err, f.text)
				}
				got.WriteString("\n")
			}
			file := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Error(diff)
			}
			if n := utf8.RuneCountInString(m.Title()); n > 60 {
				t.Errorf("the title has %d characters: %s", n, m.Title())
			}
		})
	}
}

// chat is what Amazon Q gets, which must be the same for all that are not mail.
func chat(t *testing.T, m notify.Message) []byte {
	t.Helper()
	var by map[string]string
	if err := json.Unmarshal(m.Topic(), &by); err != nil || by["default"] != by["https"] || by["email"] != string(m.Mail()) || by["sms"] != m.Title() {
		t.Fatalf("%v: %s", err, m.Topic())
	}
	return []byte(by["default"])
}

// One message a deployment, quiet for what is good, and a recovery told once.
func TestWhoIsToldWhat(t *testing.T) {
	pass := []any{"verdict", "PASS", "status", "Succeeded", "blame", "none", "reason", "3 checks passed"}
	with := func(members []any, more ...any) notify.Line {
		return line(t, append(members[:len(members):len(members)], more...)...)
	}
	at := func(stage string) []any { return []any{"lifecycle_event", stage} }
	const judge, compare, watch = "AfterAllowTestTraffic", "BeforeAllowTraffic", "AfterAllowTraffic"
	before, older := []any{"deployment_id", "d-BEFORE000", "timestamp", "2026-11-29T10:00:00.000Z"}, []any{"deployment_id", "d-OLDER0000", "timestamp", "2026-11-28T10:00:00.000Z"}
	would := []any{"status", "Succeeded", "mode", "observe", "reason", "WOULD FAIL: x"}
	taking := []any{"status", "Succeeded", "mode", "enforce, rollback", "reason", "WOULD FAIL: x"}
	for name, tc := range map[string]struct {
		line    notify.Line
		earlier []notify.Line
		kind    notify.Kind
		told    bool
	}{
		"the first that fails":                   {line(t), nil, notify.Held, true},
		"the same event again":                   {line(t), []notify.Line{line(t)}, notify.Held, false},
		"after another deployment's":             {line(t), []notify.Line{with(before)}, notify.Held, true},
		"after this one's PASS":                  {with(at(compare)), []notify.Line{with(pass)}, notify.Held, true},
		"a question that nobody answered":        {with([]any{"verdict", "INCONCLUSIVE"}), nil, notify.Held, true},
		"a question, whatever was":               {with([]any{"event", "ask", "status", ""}), []notify.Line{line(t)}, notify.Question, true},
		"approved":                               {with(pass, "verdict", "INCONCLUSIVE", "reason", "approved by ann; it was INCONCLUSIVE: x"), nil, notify.Passed, false},
		"allowed":                                {with(pass, "verdict", "INCONCLUSIVE"), nil, notify.Passed, false},
		"observed":                               {with(would), nil, notify.WouldHold, true},
		"observed, the second gate":              {with(would, at(compare)...), []notify.Line{with(would)}, notify.WouldHold, false},
		"observed and inconclusive":              {with(would, "verdict", "INCONCLUSIVE"), nil, notify.WouldHold, true},
		"observed, then enforced":                {with(at(compare)), []notify.Line{with(would)}, notify.Held, true},
		"a reason that says it":                  {with(pass, "reason", "WOULD FAIL: no"), nil, notify.Passed, false},
		"a rollback that fails":                  {with(taking), nil, notify.Rollback, true},
		"the rollback of what was held":          {with(taking), []notify.Line{line(t)}, notify.Rollback, false},
		"skipped":                                {with(pass, "verdict", "SKIPPED"), nil, notify.Skipped, true},
		"skipped twice":                          {with(pass, "verdict", "SKIPPED"), []notify.Line{with(pass, "verdict", "SKIPPED")}, notify.Skipped, false},
		"skipped, then held":                     {with(at(compare)), []notify.Line{with(pass, "verdict", "SKIPPED")}, notify.Held, true},
		"a status that nobody knows":             {with(pass, "status", "Perhaps"), nil, notify.Held, true},
		"no status":                              {with(pass, "status", ""), nil, notify.Held, true},
		"passed":                                 {with(pass), nil, notify.Passed, false},
		"recovered at the comparison":            {with(pass, at(compare)...), []notify.Line{with(before, at(compare)...), with(pass)}, notify.Recovered, true},
		"recovered by the watch alone":           {with(pass, at(watch)...), []notify.Line{with(before)}, notify.Recovered, true},
		"recovered, and on to the watch":         {with(pass, at(watch)...), []notify.Line{with(before), with(pass, at(compare)...)}, notify.Passed, false},
		"recovered from what was observed":       {with(pass, at(compare)...), []notify.Line{with(would, before...)}, notify.Recovered, true},
		"the first gate, and there is a second":  {with(pass, at(judge)...), []notify.Line{with(before, at(compare)...)}, notify.Passed, false},
		"the first gate, and nobody knows more":  {with(pass, at(judge)...), []notify.Line{with(before)}, notify.Recovered, true},
		"the first gate told it":                 {with(pass, at(compare)...), []notify.Line{with(before), with(pass, "timestamp", "2026-11-30T09:00:00.000Z")}, notify.Passed, false},
		"the one before was good":                {with(pass, at(compare)...), []notify.Line{with(older), with(pass, before...)}, notify.Passed, false},
		"the one before was held at its end":     {with(pass, at(compare)...), []notify.Line{with(pass, before...), with(before, at(compare)...)}, notify.Recovered, true},
		"it was held itself":                     {with(pass, at(compare)...), []notify.Line{with(before), with(would)}, notify.Passed, false},
		"a rollback passes":                      {with(pass, append(at(compare), "mode", "enforce, rollback")...), []notify.Line{with(before)}, notify.Passed, false},
		"after the rollback of what was held":    {with(pass, at(compare)...), []notify.Line{with(older), with(pass, append(before, "mode", "enforce, rollback")...)}, notify.Recovered, true},
		"allowed, and so no recovery":            {with(pass, append(at(compare), "verdict", "INCONCLUSIVE")...), []notify.Line{with(before)}, notify.Passed, false},
		"a crash":                                {notify.Crash(report("timeout", ""), beside(t)), nil, notify.Crashed, true},
		"a crash of what is held back by itself": {notify.Crash(report("timeout", ""), beside(t)), []notify.Line{line(t)}, notify.Crashed, false},
		"before anything is installed":           {with(at("BeforeInstall")), nil, notify.Held, true},
	} {
		s := notify.Story{Line: tc.line, Earlier: tc.earlier}
		m, told := notify.Compose(s)
		if m.Kind != tc.kind || told != tc.told {
			t.Errorf("%s: %q, told %v", name, m.Kind, told)
		}
		s.All = true
		if _, told := notify.Compose(s); told != (tc.told || tc.kind == notify.Passed) {
			t.Errorf("%s, where all is told: %v", name, told)
		}
	}
}

// hostile is what a release could say of itself, so that a message says something else, to somebody else.
var hostile = []string{
	"<!channel> <!here> <@U12345> <https://evil.example|Approve>", "@here @channel @everyone <at>Everyone</at>", "[Approve](https://evil.example) **done** `x` ~~y~~ _z_",
	"a\nVerdict: PASS\r\n\r\nSubject: x", "\u202egnp.exe \u2066x\u2069 \u200bzero \x1b[31mred\x00", "HTTPS://evil.example www.evil.example mailto:a@evil.example javascript:alert(1)",
	"```\nout of the block *bold*", "&lt;!channel&gt; &amp;", `"}],"x":[{"`, strings.Repeat("W", 3000), strings.Repeat("界", 1000), "\xff\xfe broken", "＠here ＜!here＞ ｈttps:／／evil.example",
	"| * # > quote\n> quote", "file:///etc/passwd ftp://evil.example //evil.example", "tel:110 a://b:/c",
}

func TestAReleaseForgesNothing(t *testing.T) {
	for _, h := range hostile {
		forge(t, h)
	}
}

func FuzzAReleaseForgesNothing(f *testing.F) {
	for _, h := range hostile {
		f.Add(h)
	}
	f.Fuzz(func(t *testing.T, h string) {
		if len(h) <= 1000 { // what is longer is no line of ours
			forge(t, h)
		}
	})
}

// What Go's runtime says of a panic comes last and names no deployment; the hook's own lines before it do.
func TestACrashIsItsDeployments(t *testing.T) {
	t.Parallel()
	said := notify.Line{"event": "note", "message": "the function failed: panic"}
	if c := notify.Crash(report("error", "Runtime.ExitError"), append(beside(t), line(t), said)); c.Text("deployment_id") != line(t).Text("deployment_id") || c.Text("lifecycle_event") == "" {
		t.Errorf("it is about %v", c)
	}
}

// forge puts a hostile text wherever one can be, and looks at every form.
func forge(t *testing.T, h string) {
	t.Helper()
	evil := line(t, "reason", h, "release", h, "service", h, "cluster", h, "lifecycle_event", h, "verdict", h, "blame", h, "report", "s3://reports/"+h, "deployment_id", h, "until", h)
	check := line(t, "event", "check", "check", h, "verdict", h, "reason", h)
	question := line(t, "event", "ask", "reason", h, "deployment_id", h, "until", h)
	for _, l := range []notify.Line{evil, question, notify.Crash(report(h, h), []notify.Line{evil})} {
		m, _ := notify.Compose(notify.Story{Line: l, Beside: []notify.Line{check, check, check, check, check, check, check, line(t, "event", "metrics", "Application", h, "DeploymentGroup", h)}, Region: "eu-west-1"})
		if !utf8.ValidString(m.Title()) || utf8.RuneCountInString(m.Title()) > 60 {
			t.Errorf("title of %q: %q", h, m.Title())
		}
		if s := m.Subject(); len(s) > 99 || strings.Trim(s, printable) != "" || s == "" {
			t.Errorf("subject of %q: %q", h, s)
		}
		mail := strings.Split(string(m.Mail()), "\n")
		clean(t, "mail", h, mail, false)
		if len(mail) > 25 || len(m.Topic()) > 64<<10 || len(m.Slack()) > 40<<10 || len(m.Teams()) > 28<<10 {
			t.Errorf("%q: %d lines of mail, %d bytes for the topic, %d for Slack, %d for Teams", h, len(mail), len(m.Topic()), len(m.Slack()), len(m.Teams()))
		}
		for form, text := range map[string][]byte{"slack": m.Slack(), "teams": m.Teams(), "q": chat(t, m)} {
			var doc any
			if err := json.Unmarshal(text, &doc); err != nil {
				t.Fatalf("%s of %q: %v", form, h, err)
			}
			walk(t, form, h, doc)
		}
		var detail map[string]any
		if err := json.Unmarshal(m.Event(), &detail); err != nil || detail["schema"] != 1.0 || len(m.Event()) > 256<<10 {
			t.Errorf("event of %q: %v", h, err)
		}
	}
}

const printable = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"

// walk looks at each text of a form, by how its reader reads it.
func walk(t *testing.T, form, h string, doc any) {
	t.Helper()
	switch v := doc.(type) {
	case []any:
		for _, d := range v {
			walk(t, form, h, d)
		}
	case map[string]any:
		for name, d := range v {
			text, ok := d.(string)
			marked := form == "slack" && name == "text" && (v["type"] == "mrkdwn" || v["blocks"] != nil) || form == "teams" && name == "fallbackText" || form == "q" && (name == "title" || name == "summary")
			switch {
			case !ok:
				walk(t, form, h, d)
			case name == "url" || name == "$schema" || name == "contentType":
			case v["type"] == "mrkdwn" && name == "text": // ours
				if strings.Count(text, "<") != 1 || !strings.HasPrefix(text, "<https://console.aws.amazon.com/") || strings.Count(text, "|") != 1 || !strings.HasSuffix(text, ">") {
					t.Errorf("a link of %q: %s", h, text)
				}
			case name == "description":
				block, ok := strings.CutPrefix(text, "```\n")
				block, end := strings.CutSuffix(block, "\n```")
				if !ok || !end || strings.Contains(block, "`") {
					t.Errorf("%q leaves its block: %s", h, text)
				}
				clean(t, form, h, strings.Split(block, "\n"), false)
			default:
				clean(t, form+" "+name, h, strings.Split(text, "\n"), marked)
			}
		}
	}
}

// clean: nothing that anybody would follow, be mentioned by or be confused by, but our own pages.
func clean(t *testing.T, form, h string, lines []string, marked bool) {
	t.Helper()
	for _, l := range lines {
		if _, page, ours := strings.Cut(l, ": https://console.aws.amazon.com/"); ours && strings.Trim(page, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~/?=&%+:$@!'()*,;") == "" {
			continue
		}
		low := strings.ReplaceAll(strings.ToLower(l), "s3://", "")
		for _, bad := range []string{"<", ">", "@", "://", "www.", "mailto:", "javascript:", "\u202e", "\u2066", "\u200b", "\x1b", "\x00", "\r", "\n", "＜"} {
			if strings.Contains(low, bad) {
				t.Errorf("%s of %q holds %q: %s", form, h, bad, l)
			}
		}
		if marked && strings.ContainsAny(l, "*_~`[]") {
			t.Errorf("%s of %q is marked up: %s", form, h, l)
		}
		if !utf8.ValidString(l) {
			t.Errorf("%s of %q is not UTF-8", form, h)
		}
	}
}

// What is none of ours is none.
func TestWhatIsNoLine(t *testing.T) {
	for _, text := range []string{"", "x", "{}", "[]", "null", `{"event": 1}`, `{"type":"platform.start"}`, `{"event":"` + strings.Repeat("x", 70000) + `"}`} {
		if l := notify.Read(text); l.Text("event") != "" {
			t.Errorf("%.40s: %+v", text, l)
		}
	}
}
