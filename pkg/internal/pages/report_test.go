package pages_test

import (
	"os"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/report"
)

// reportPage is the page of one of pkg/report's samples, whose golden files hold the page that it has to be.
func reportPage(t *testing.T, sample string) string {
	t.Helper()
	var r finding.Report
	read(t, "../../report/testdata/"+sample+".json", &r)
	var page strings.Builder
	if err := report.HTML(&page, r); err != nil {
		t.Fatal(err)
	}
	if want, err := os.ReadFile("../../report/testdata/" + sample + ".html"); err != nil || page.String() != string(want) {
		t.Fatalf("this is not the page of the sample %s: %v", sample, err)
	}
	return page.String()
}

// What a server under test answered stands in the page. It must stay text, and the page must stay alone.
func TestReportForeignTextStaysText(t *testing.T) {
	b := find(t)
	s := serve(t, map[string]string{"/": reportPage(t, "hostile")})
	dom := b.dom(t, s.URL)
	for _, element := range []string{"<script", "<img", "<title>owned", "<a href=\"javascript"} {
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

// Should a text get out after all, the policy is the second wall: nothing runs, nothing is loaded.
func TestReportPolicyStopsWhatGetsIn(t *testing.T) {
	b := find(t)
	evil := `<script>document.title='owned'</script><img src="/picture"><iframe src="/frame"></iframe>` +
		`<link rel="stylesheet" href="/style"><p style="background:url(/background)">x</p></body>`
	page := reportPage(t, "passing")
	s := serve(t, map[string]string{"/": strings.Replace(page, "</body>", evil, 1)})
	if dom := b.dom(t, s.URL); strings.Contains(dom, "<title>owned") {
		t.Error("a script ran")
	}
	if others := s.others(); len(others) > 0 {
		t.Errorf("the page loaded %q", others)
	}
	// The control: without the policy all of it happens, so the test would have seen it.
	open := serve(t, map[string]string{"/": strings.Replace(withoutPolicy(page), "</body>", evil, 1)})
	if dom := b.dom(t, open.URL); !strings.Contains(dom, "<title>owned") || len(open.others()) < 3 {
		t.Errorf("the test sees nothing: loaded %q without a policy", open.others())
	}
}
