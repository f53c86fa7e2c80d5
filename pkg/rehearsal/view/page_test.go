package view_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/view"
)

func TestThePageSaysWhatHappenedAndWhy(t *testing.T) {
	for name, c := range map[string]struct {
		result rehearsal.Result
		want   []string
		not    []string
	}{
		"shifted": {shifted(t), []string{
			`<div class="hero PASS">`, ">SHIFTED</h1>", "1.1.0 serves production, 1.0.0 is gone.",
			"Production: 240 requests, 150 answered by 1.0.0, 90 by 1.1.0. 150 were this rehearsal&#39;s traffic, of which 0 failed.",
			`<rect class="ok"`, `<rect class="new"`, "60 pairs, p95 2.5 ms (blue 2.4)",
			"<dt>Suite</dt><dd>test/smoke.yaml</dd>", "<dd>" + strings.Repeat("0123456789abcdef", 4) + "</dd>",
			"<dt>Image</dt><dd>123456789012.dkr.ecr.eu-west-1.amazonaws.com/trips:1.1.0</dd>", "<dt>Greenlight</dt><dd>v0.2.0</dd>",
			`<tspan class="name">BeforeInstall</tspan> no hook</text>`, `<tspan class="name">Install</tspan> Succeeded, 200ms</text>`,
			`data-label="status"><span class="verdict">no hook</span>`, `data-label="what">no hook</td>`,
		}, []string{`<rect class="bad"`, `class="crosses"`, "4µs", ">Succeeded: no hook", "messages", "been told"}},
		"rolled back": {rolledBack(t), []string{
			`<div class="hero FAIL">`, ">ROLLED BACK</h1>", "1.0.0 serves production as before; 1.1.0 never did.",
			"status: expected 200, got 500", `<rect class="bad"`, `class="crosses"`, "What did not pass", "no such table",
			"d-ABCDEFGH2", "green/1 | log line 39",
			`<li><a href="#messages">`, "<details><summary>Greenlight: trips 1.1.0 held back: list trips</summary>", "\nNext: greenlight status --deployment d-ABCDEFGH1\n",
			"  &#34;text&#34;: &#34;to Slack&#34;\n", "&#34;to Teams&#34;", "&#34;to Amazon Q&#34;", "&#34;to EventBridge&#34;",
		}, []string{"SHIFTED"}},
		"without an outcome": {rehearsal.Result{}, []string{`<div class="hero ERROR">`, ">UNFINISHED</h1>", "did not come to an end"}, []string{"PASS", "<svg"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := render(t, c.result)
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("the page lacks %q", want)
				}
			}
			for _, not := range c.not {
				if strings.Contains(got[strings.Index(got, "<body>"):], not) {
					t.Errorf("the page has %q", not)
				}
			}
		})
	}
}

// A hook that fails may give that as its reason, too.
func TestAFailureIsNeverCalledNoHook(t *testing.T) {
	r := rolledBack(t)
	r.Lifecycle[4].Message = rehearsal.NoHook
	r.Timeline = []rehearsal.Event{{Kind: rehearsal.KindEnd, Lifecycle: lifecycle.AfterAllowTestTraffic, Status: deployment.EventFailed, Text: rehearsal.NoHook}}
	page := render(t, r)
	for _, want := range []string{`<tspan class="name">AfterAllowTestTraffic</tspan> Failed, 200ms</text>`, ">Failed: no hook</td>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	var b bytes.Buffer
	p := &view.Printer{Screen: &view.Screen{W: &b}, Events: lifecycle.All()}
	p.Print(r.Timeline[0])
	p.Summary(r)
	if got := b.String(); !strings.Contains(got, "Failed: no hook\n") || !strings.Contains(got, "✗ AfterAllowTestTraffic") {
		t.Errorf("the terminal says\n%s", got)
	}
}

func TestTheTerminalSaysThatThereIsNoHook(t *testing.T) {
	r := shifted(t)
	var b bytes.Buffer
	p := &view.Printer{Screen: &view.Screen{W: &b}, Events: lifecycle.All()}
	for _, e := range r.Timeline {
		p.Print(e)
	}
	p.Summary(r)
	for _, want := range []string{"BeforeInstall          no hook\n", "Install                Succeeded\n", "  – BeforeInstall  ✓ Install 0.2s  – AfterInstall  ✓ AllowTestTraffic 0.2s"} {
		if !strings.Contains(strings.ReplaceAll(b.String(), "events    ", ""), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func TestTheTerminalSaysInShortWhatPeopleWouldHaveBeenTold(t *testing.T) {
	for name, c := range map[string]struct {
		result rehearsal.Result
		want   bool
	}{"rolled back": {rolledBack(t), true}, "shifted": {shifted(t), false}} {
		var b bytes.Buffer
		(&view.Printer{Screen: &view.Screen{W: &b}}).Summary(c.result)
		want := "  message     trips 1.1.0 held back: list trips\n              list trips FAIL: 5 of 5 attempts failed\n              Whose fault: the release's\n  traffic"
		if got := b.String(); strings.Contains(got, want) != c.want || strings.Contains(got, "Next:") {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}

func TestTheWritersErrorIsTold(t *testing.T) {
	if err := pageTo(full{}, t); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}

var update = flag.Bool("update", false, "rewrite the golden files")

// The samples stand in testdata, too, for the tests that look at the page in a browser (pkg/internal/pages). What was
// written to a file makes the same page.
func TestTheSamplesInFilesMakeTheSamePages(t *testing.T) {
	for name, r := range map[string]rehearsal.Result{"shifted": shifted(t), "rolled-back": rolledBack(t), "hostile": hostile(t)} {
		file := "testdata/" + name + ".json"
		if *update {
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var got rehearsal.Result
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if render(t, got) != render(t, r) {
			t.Errorf("%s makes another page than the sample; -update rewrites it", file)
		}
	}
}
