package pages_test

import (
	"image/color"
	"strings"
	"testing"
)

func TestPagesFollowLightAndDark(t *testing.T) {
	light, dark := color.RGBA{0xf6, 0xf7, 0xf6, 0xff}, color.RGBA{0x12, 0x16, 0x1a, 0xff}
	b := find(t)
	for name, c := range map[string]struct {
		page string
		args []string
		want color.RGBA
	}{
		"rehearsal, light": {rehearsalPage(t, "rolled-back"), []string{"--window-size=1100,3600"}, light},
		"rehearsal, dark":  {rehearsalPage(t, "rolled-back"), []string{"--window-size=1100,3600", "--force-dark-mode"}, dark},
		"report, light":    {reportPage(t, "failing"), []string{"--window-size=1100,2400"}, light},
		"report, dark":     {reportPage(t, "failing"), []string{"--window-size=1100,2400", "--force-dark-mode"}, dark},
		"report, phone":    {reportPage(t, "failing"), []string{"--window-size=360,2800"}, light},
		"watch, wide":      {reportPage(t, "leaking"), []string{"--window-size=1100,2400"}, light},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, map[string]string{"/": c.page})
			// The corner is the page's background: the style sheet is in force, so the policy's hash is right.
			got := color.RGBAModel.Convert(b.screenshot(t, s.URL, c.args...).At(1, 1))
			if got != c.want {
				t.Errorf("the background is %v, want %v: the style sheet is not in force", got, c.want)
			}
		})
	}
}

func TestPagesAreUsedByKeyboard(t *testing.T) {
	b := find(t)
	for name, page := range map[string]string{
		"rehearsal": rehearsalPage(t, "rolled-back"),
		"report":    reportPage(t, "failing"),
	} {
		s := serve(t, map[string]string{"/": page})
		for _, wrong := range b.keys(t, s.URL+"/").byKeyboard() {
			t.Errorf("%s: %s", name, wrong)
		}
	}
}

func TestPagesAreReadable(t *testing.T) {
	b := find(t)
	for name, c := range map[string]struct {
		page  string
		args  []string
		width int
	}{
		"rehearsal, wide, dark":        {rehearsalPage(t, "rolled-back"), []string{"--force-dark-mode"}, 1100},
		"rehearsal, wide, light":       {rehearsalPage(t, "shifted"), nil, 1100},
		"rehearsal, phone, light":      {rehearsalPage(t, "rolled-back"), nil, 360},
		"rehearsal, phone, long words": {rehearsalPage(t, "hostile"), nil, 360},
		"report, wide, dark":           {reportPage(t, "failing"), []string{"--force-dark-mode"}, 1100},
		"report, phone, light":         {reportPage(t, "failing"), nil, 360},
		"watch, wide, light":           {reportPage(t, "leaking"), nil, 1100},
		"watch, phone, dark":           {reportPage(t, "leaking"), []string{"--force-dark-mode"}, 360},
		"report, phone, long words":    {reportPage(t, "hostile"), nil, 360},
	} {
		t.Run(name, func(t *testing.T) {
			got := b.at(t, c.page, c.width, c.args...)
			t.Logf("%+v", got)
			for _, wrong := range got.wrong(c.width) {
				t.Error(wrong)
			}
			if strings.HasPrefix(name, "rehearsal") && got.Charts != 3 { // whose width was compared with the tables'
				t.Errorf("%d charts, want 3", got.Charts)
			}
		})
	}
}
