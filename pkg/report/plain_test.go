package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/report"
)

func TestAComparisonIsToldInALineForEverybody(t *testing.T) {
	for want, c := range map[string]finding.Comparison{
		"search is 51× slower: 153 ms, before 3 ms":                                 {Verdict: finding.Fail, GreenP50: 153 * ms, BlueP50: 3 * ms},
		"search is 2.1× slower: 1.26 s, before 600 ms":                              {Verdict: finding.Fail, GreenP50: 1260 * ms, BlueP50: 600 * ms, GreenErrors: 3},
		"search is 6.1× slower: 6.1 ms, before 1 ms":                                {Verdict: finding.Pass, GreenP50: 6100 * time.Microsecond, BlueP50: ms},
		"search is as fast as before: 81 ms, before 80 ms":                          {Verdict: finding.Pass, GreenP50: 81 * ms, BlueP50: 80 * ms, GreenP95: 900 * ms, BlueP95: 90 * ms},
		"search is 2.0× faster: 40 ms, before 80 ms":                                {Verdict: finding.Pass, GreenP50: 40 * ms, BlueP50: 80 * ms},
		"one answer in twenty of search is 10× slower: 900 ms, before 90 ms":        {Verdict: finding.Fail, GreenP50: 81 * ms, BlueP50: 80 * ms, GreenP95: 900 * ms, BlueP95: 90 * ms},
		"search fails: 12 answers of the new version went wrong, of the old one 1":  {Verdict: finding.Fail, GreenP50: 81 * ms, BlueP50: 80 * ms, GreenErrors: 12, BlueErrors: 1},
		"search fails: 1 answer of the new version went wrong, of the old one 0":    {Verdict: finding.Fail, BlueP50: 80 * ms, GreenErrors: 1},
		"search: production answers wrongly":                                        {Verdict: finding.Pass, GreenP50: 81 * ms, Reason: "production answers wrongly"},
		"search could not be compared":                                              {Verdict: finding.Error, GreenP50: 81 * ms},
		"search is 1.2× slower: 96 ms, before 80 ms, but that is not certain":       {Verdict: finding.Inconclusive, GreenP50: 96 * ms, BlueP50: 80 * ms},
		"search is as fast as before: 80 ms, before 80 ms, but that is not certain": {GreenP50: 80 * ms, BlueP50: 80 * ms},
	} {
		c.Check = "search"
		if got := report.Plain(c); got != want {
			t.Errorf("%+v is %q, want %q", c, got, want)
		}
	}
}

// Each format begins a comparison with that line, and the page folds the statistics behind it.
func TestTheLineForEverybodyComesFirst(t *testing.T) {
	plain := report.Plain(failing().Compares[0])
	for format, before := range map[string]string{
		"text": "compare failed: ", "junit": `<failure message="`, "md": "| `", "html": "<span class=\"verdict\">FAIL</span></h3>\n<p class=\"plain\">",
	} {
		if text := render(t, format, failing()); !strings.Contains(text, before+plain) {
			t.Errorf("%s does not begin with %q", format, before+plain)
		}
	}
	page := render(t, "html", failing())
	_, article, _ := strings.Cut(page, `<p class="plain">`)
	article, _, _ = strings.Cut(article, "</article>")
	shown, folded, _ := strings.Cut(article, "<details><summary>Statistics")
	if strings.Count(shown, "<svg") != 2 || strings.Contains(shown, "shift (t)") || !strings.Contains(folded, "shift (t)") || !strings.Contains(folded, "<table") {
		t.Errorf("want two pictures, and statistics folded:\n%s", article)
	}
}

func TestAWatchIsShownWithItsMinutes(t *testing.T) {
	page := render(t, "html", leaking())
	for _, want := range []string{
		"<h2>Watched under production’s traffic</h2>", "p95 is 2.8× higher: 280 ms, before 100 ms", "5xx is 5.0× higher: 0.1 %, before 0.02 %",
		"log errors: nothing was measured of the new version", "Blue: the minutes before, from 01:50:00 UTC on.", ">02:00:00<", ">02:10:00 UTC<",
		`<td data-label="what">alarm orders-latency</td>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(page, "<h2>All checks") || strings.Contains(render(t, "html", failing()), "Watched") {
		t.Error("a watch is shown among the checks, or where there is none")
	}
	// Of ten minutes one of blue's was not measured.
	if _, picture, _ := strings.Cut(page, "from 01:50"); strings.Count(page[:len(page)-len(picture)], "l3 3-3 3-3-3z") != 9 {
		t.Error("not each minute that was measured is shown, or one that was not")
	}
	if text := render(t, "junit", leaking()); !strings.Contains(text, `<testsuite name="tripmgmt watch" tests="4" failures="2" errors="1"`) {
		t.Errorf("JUnit is\n%s", text)
	}
	if text := render(t, "text", leaking()); !strings.Contains(text, "failed: watch: p95: watched for 10m0s\n   = median of 10 minutes") {
		t.Errorf("the terminal says\n%s", text)
	}
}
