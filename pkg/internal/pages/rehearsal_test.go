package pages_test

import (
	"encoding/json"
	"image/color"
	"os"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/view"
)

// rehearsalPage is the page of one of pkg/rehearsal/view's samples.
func rehearsalPage(t *testing.T, sample string) string {
	t.Helper()
	var r rehearsal.Result
	read(t, "../../rehearsal/view/testdata/"+sample+".json", &r)
	var page strings.Builder
	if err := view.WritePage(&page, r); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestRehearsalForeignTextStaysText(t *testing.T) {
	b := find(t)
	s := serve(t, map[string]string{"/": rehearsalPage(t, "hostile")})
	dom := b.dom(t, s.URL)
	for _, element := range []string{"<script", "<img", "<title>owned"} {
		if strings.Contains(strings.ToLower(dom), element) {
			t.Errorf("the page has an element %s", element)
		}
	}
	if !strings.Contains(dom, "&lt;img src=x onerror=") {
		t.Errorf("the text is not shown at all:\n%.2000s", dom)
	}
	if others := s.others(); len(others) > 0 {
		t.Errorf("the page asked for %q", others)
	}
}

func TestRehearsalPolicyStopsWhatGetsIn(t *testing.T) {
	b := find(t)
	evil := `<script>document.title='owned'</script><img src="/picture"><p style="background:url(/background)">x</p></body>`
	s := serve(t, map[string]string{"/": strings.Replace(rehearsalPage(t, "shifted"), "</body>", evil, 1)})
	if dom := b.dom(t, s.URL); strings.Contains(dom, "<title>owned") || len(s.others()) > 0 {
		t.Errorf("a script ran, or the page loaded %q", s.others())
	}
}

func TestRehearsalFollowsLightAndDark(t *testing.T) {
	b := find(t)
	s := serve(t, map[string]string{"/": rehearsalPage(t, "rolled-back")})
	for name, c := range map[string]struct {
		args []string
		want color.RGBA
	}{
		"light": {[]string{"--window-size=1100,3600"}, color.RGBA{0xf6, 0xf7, 0xf6, 0xff}},
		"dark":  {[]string{"--window-size=1100,3600", "--force-dark-mode"}, color.RGBA{0x12, 0x16, 0x1a, 0xff}},
	} {
		t.Run(name, func(t *testing.T) {
			got := color.RGBAModel.Convert(b.screenshot(t, s.URL, c.args...).At(1, 1))
			if got != c.want {
				t.Errorf("the background is %v, want %v: the style sheet is not in force", got, c.want)
			}
		})
	}
}

func TestRehearsalIsUsedByKeyboard(t *testing.T) {
	b := find(t)
	s := serve(t, map[string]string{"/": rehearsalPage(t, "rolled-back")})
	for _, wrong := range b.keys(t, s.URL+"/").byKeyboard() {
		t.Error(wrong)
	}
}

func TestRehearsalIsReadable(t *testing.T) {
	b := find(t)
	for name, c := range map[string]struct {
		result string
		args   []string
		width  int
	}{
		"wide, dark":        {"rolled-back", []string{"--force-dark-mode"}, 1100},
		"wide, light":       {"shifted", nil, 1100},
		"phone, light":      {"rolled-back", nil, 360},
		"phone, long words": {"hostile", nil, 360},
	} {
		t.Run(name, func(t *testing.T) {
			got := b.at(t, rehearsalPage(t, c.result), c.width, c.args...)
			t.Logf("%+v", got)
			for _, wrong := range got.wrong(c.width) {
				t.Error(wrong)
			}
		})
	}
}
