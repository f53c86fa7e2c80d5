package pages_test

import (
	"encoding/json"
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
