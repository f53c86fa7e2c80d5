package view_test

import (
	"errors"
	"image/color"
	"os"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/internal/browser"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
)

func findBrowser(t *testing.T) browser.Browser {
	t.Helper()
	b := browser.Find(t, os.Getenv("CI") == "true")
	b.Keep = os.Getenv("KEEP_SCREENSHOTS")
	return b
}

func TestThePageSaysWhatHappenedAndWhy(t *testing.T) {
	for name, c := range map[string]struct {
		result rehearsal.Result
		want   []string
		not    []string
	}{
		"shifted": {shifted(t), []string{
			`<div class="hero PASS">`, ">SHIFTED</h1>", "1.1.0 serves production, 1.0.0 is gone.",
			"Production: 240 requests, 150 answered by 1.0.0, 90 by 1.1.0. 150 were this rehearsal&#39;s traffic, of which 0 failed.",
			`<rect class="ok"`, `<rect class="new"`, "60 pairs, p95 2.5 ms (blue 2.4)", "Latency of list trips: 5 requests",
		}, []string{`<rect class="bad"`, `class="crosses"`}},
		"rolled back": {rolledBack(t), []string{
			`<div class="hero FAIL">`, ">ROLLED BACK</h1>", "1.0.0 serves production as before; 1.1.0 never did.",
			"status: expected 200, got 500", `<rect class="bad"`, `class="crosses"`, "What did not pass", "no such table",
			"d-ABCDEFGH2", "green/1 | log line 39",
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

func TestTheWritersErrorIsTold(t *testing.T) {
	if err := pageTo(full{}, t); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}

func TestForeignTextStaysTextInABrowser(t *testing.T) {
	b := findBrowser(t)
	s := browser.Serve(t, map[string]string{"/": render(t, hostile(t))})
	dom := b.DOM(t, s.URL)
	for _, element := range []string{"<script", "<img", "<title>owned"} {
		if strings.Contains(strings.ToLower(dom), element) {
			t.Errorf("the page has an element %s", element)
		}
	}
	if !strings.Contains(dom, "&lt;img src=x onerror=") {
		t.Errorf("the text is not shown at all:\n%.2000s", dom)
	}
	if others := s.Others(); len(others) > 0 {
		t.Errorf("the page asked for %q", others)
	}
}

func TestThePolicyStopsWhatGetsIn(t *testing.T) {
	b := findBrowser(t)
	evil := `<script>document.title='owned'</script><img src="/picture"><p style="background:url(/background)">x</p></body>`
	s := browser.Serve(t, map[string]string{"/": strings.Replace(render(t, shifted(t)), "</body>", evil, 1)})
	if dom := b.DOM(t, s.URL); strings.Contains(dom, "<title>owned") || len(s.Others()) > 0 {
		t.Errorf("a script ran, or the page loaded %q", s.Others())
	}
}

func TestThePageFollowsLightAndDark(t *testing.T) {
	b := findBrowser(t)
	s := browser.Serve(t, map[string]string{"/": render(t, rolledBack(t))})
	for name, c := range map[string]struct {
		args []string
		want color.RGBA
	}{
		"light": {[]string{"--window-size=1100,3600"}, color.RGBA{0xf6, 0xf7, 0xf6, 0xff}},
		"dark":  {[]string{"--window-size=1100,3600", "--force-dark-mode"}, color.RGBA{0x12, 0x16, 0x1a, 0xff}},
	} {
		t.Run(name, func(t *testing.T) {
			got := color.RGBAModel.Convert(b.Screenshot(t, s.URL, c.args...).At(1, 1))
			if got != c.want {
				t.Errorf("the background is %v, want %v: the style sheet is not in force", got, c.want)
			}
		})
	}
}

func TestThePageIsUsedByKeyboard(t *testing.T) {
	b := findBrowser(t)
	s := browser.Serve(t, map[string]string{"/": render(t, rolledBack(t))})
	for _, wrong := range b.Keys(t, s.URL+"/").ByKeyboard() {
		t.Error(wrong)
	}
}

func TestThePageIsReadable(t *testing.T) {
	b := findBrowser(t)
	for name, c := range map[string]struct {
		result rehearsal.Result
		args   []string
		width  int
	}{
		"wide, dark":        {rolledBack(t), []string{"--force-dark-mode"}, 1100},
		"wide, light":       {shifted(t), nil, 1100},
		"phone, light":      {rolledBack(t), nil, 360},
		"phone, long words": {hostile(t), nil, 360},
	} {
		t.Run(name, func(t *testing.T) {
			got := b.At(t, render(t, c.result), c.width, c.args...)
			t.Logf("%+v", got)
			for _, wrong := range got.Wrong(c.width) {
				t.Error(wrong)
			}
		})
	}
}
