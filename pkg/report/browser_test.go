package report_test

import (
	"image/color"
	"os"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/internal/browser"
)

func findBrowser(t *testing.T) browser.Browser {
	t.Helper()
	b := browser.Find(t, os.Getenv("CI") == "true")
	b.Keep = os.Getenv("KEEP_SCREENSHOTS")
	return b
}

// What a server under test answered stands in the page. It must stay text, and the page must stay alone.
func TestForeignTextStaysTextInABrowser(t *testing.T) {
	b := findBrowser(t)
	s := browser.Serve(t, map[string]string{"/": render(t, "html", hostile())})
	dom := b.DOM(t, s.URL)
	for _, element := range []string{"<script", "<img", "<title>owned", "<a href=\"javascript"} {
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

// Should a text get out after all, the policy is the second wall: nothing runs, nothing is loaded.
func TestThePolicyStopsWhatGetsIn(t *testing.T) {
	b := findBrowser(t)
	evil := `<script>document.title='owned'</script><img src="/picture"><iframe src="/frame"></iframe>` +
		`<link rel="stylesheet" href="/style"><p style="background:url(/background)">x</p></body>`
	page := render(t, "html", passing())
	s := browser.Serve(t, map[string]string{"/": strings.Replace(page, "</body>", evil, 1)})
	if dom := b.DOM(t, s.URL); strings.Contains(dom, "<title>owned") {
		t.Error("a script ran")
	}
	if others := s.Others(); len(others) > 0 {
		t.Errorf("the page loaded %q", others)
	}
	// The control: without the policy all of it happens, so the test would have seen it.
	open := browser.Serve(t, map[string]string{"/": strings.Replace(browser.WithoutPolicy(page), "</body>", evil, 1)})
	if dom := b.DOM(t, open.URL); !strings.Contains(dom, "<title>owned") || len(open.Others()) < 3 {
		t.Errorf("the test sees nothing: loaded %q without a policy", open.Others())
	}
}

func TestThePageFollowsLightAndDark(t *testing.T) {
	b := findBrowser(t)
	s := browser.Serve(t, map[string]string{"/": render(t, "html", failing())})
	for name, c := range map[string]struct {
		args []string
		want color.RGBA
	}{
		"light": {[]string{"--window-size=1100,2400"}, color.RGBA{0xf6, 0xf7, 0xf6, 0xff}},
		"dark":  {[]string{"--window-size=1100,2400", "--force-dark-mode"}, color.RGBA{0x12, 0x16, 0x1a, 0xff}},
		"phone": {[]string{"--window-size=360,2800"}, color.RGBA{0xf6, 0xf7, 0xf6, 0xff}},
	} {
		t.Run(name, func(t *testing.T) {
			// The corner is the page's background: the style sheet is in force, so the policy's hash is right.
			got := color.RGBAModel.Convert(b.Screenshot(t, s.URL, c.args...).At(1, 1))
			if got != c.want {
				t.Errorf("the background is %v, want %v", got, c.want)
			}
		})
	}
}

func TestThePageIsUsedByKeyboard(t *testing.T) {
	b := findBrowser(t)
	s := browser.Serve(t, map[string]string{"/": render(t, "html", failing())})
	for _, wrong := range b.Keys(t, s.URL+"/").ByKeyboard() {
		t.Error(wrong)
	}
}

func TestThePageIsReadable(t *testing.T) {
	b := findBrowser(t)
	for name, c := range map[string]struct {
		report finding.Report
		args   []string
		width  int
	}{
		"wide, dark":        {failing(), []string{"--force-dark-mode"}, 1100},
		"phone, light":      {failing(), nil, 360},
		"phone, long words": {hostile(), nil, 360},
	} {
		t.Run(name, func(t *testing.T) {
			got := b.At(t, render(t, "html", c.report), c.width, c.args...)
			t.Logf("%+v", got)
			for _, wrong := range got.Wrong(c.width) {
				t.Error(wrong)
			}
		})
	}
}
