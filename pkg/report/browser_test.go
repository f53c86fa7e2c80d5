package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/smoke"
)

// browser runs a real one, without a window: the page is for people, and only a browser knows whether
// it shows them what was meant.
type browser struct{ path string }

func findBrowser(t *testing.T) browser {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return browser{path}
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("no chromium here: CI must look at the page in a browser")
	}
	t.Skip("SKIPPED: no chromium here; the page was NOT looked at in a browser")
	return browser{}
}

func (b browser) run(t *testing.T, url string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args = append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--user-data-dir=" + t.TempDir(),
	}, append(args, url)...)
	cmd := exec.CommandContext(ctx, b.path, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", b.path, err, stderr.String())
	}
	return out
}

func (b browser) dom(t *testing.T, url string, args ...string) string {
	t.Helper()
	return string(b.run(t, url, append(args, "--dump-dom")...))
}

func (b browser) screenshot(t *testing.T, url string, args ...string) image.Image {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.png")
	b.run(t, url, append(args, "--screenshot="+file)...)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if keep := os.Getenv("KEEP_SCREENSHOTS"); keep != "" {
		name := strings.NewReplacer("/", "-", " ", "-").Replace(t.Name()) + ".png"
		if err := os.WriteFile(filepath.Join(keep, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// site serves the page at "/", others beside it, and remembers what was asked for.
type site struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

func serve(t *testing.T, pages map[string]string) *site {
	t.Helper()
	s := &site{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked = append(s.asked, r.URL.Path)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, pages[r.URL.Path])
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *site) others() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, path := range s.asked {
		if path != "/" {
			all = append(all, path)
		}
	}
	return all
}

// What a server under test answered stands in the page. It must stay text, and the page must stay alone.
func TestForeignTextStaysTextInABrowser(t *testing.T) {
	b := findBrowser(t)
	s := serve(t, map[string]string{"/": render(t, "html", hostile())})
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
func TestThePolicyStopsWhatGetsIn(t *testing.T) {
	b := findBrowser(t)
	evil := `<script>document.title='owned'</script><img src="/picture"><iframe src="/frame"></iframe>` +
		`<link rel="stylesheet" href="/style"><p style="background:url(/background)">x</p></body>`
	page := render(t, "html", passing())
	s := serve(t, map[string]string{"/": strings.Replace(page, "</body>", evil, 1)})
	if dom := b.dom(t, s.URL); strings.Contains(dom, "<title>owned") {
		t.Error("a script ran")
	}
	if others := s.others(); len(others) > 0 {
		t.Errorf("the page loaded %q", others)
	}
	// The control: without the policy all of it happens, so the test would have seen it.
	start := strings.Index(page, "<meta http-equiv")
	end := start + strings.Index(page[start:], "\n")
	open := serve(t, map[string]string{"/": strings.Replace(page[:start]+page[end:], "</body>", evil, 1)})
	if dom := b.dom(t, open.URL); !strings.Contains(dom, "<title>owned") || len(open.others()) < 3 {
		t.Errorf("the test sees nothing: loaded %q without a policy", open.others())
	}
}

func TestThePageFollowsLightAndDark(t *testing.T) {
	b := findBrowser(t)
	s := serve(t, map[string]string{"/": render(t, "html", failing())})
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
			got := color.RGBAModel.Convert(b.screenshot(t, s.URL, c.args...).At(1, 1))
			if got != c.want {
				t.Errorf("the background is %v, want %v", got, c.want)
			}
		})
	}
}

// probe is what a script inside the page finds out, with the policy taken off.
const probe = `<script>
const rgb = c => c.match(/[\d.]+/g).map(Number);
const lum = c => { const [r, g, b] = rgb(c).map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4 }); return .2126 * r + .7152 * g + .0722 * b };
const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (rgb(c)[3] !== 0) return c } return 'rgb(255, 255, 255)' };
let contrast = 99, faint = '', outside = [];
for (const e of document.body.querySelectorAll('*')) {
  if (e.closest('script') || e.tagName === 'title') continue;
  if ([...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) {
    const s = getComputedStyle(e), a = lum(e.closest('svg') ? s.fill : s.color), b = lum(behind(e));
    const c = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (c < contrast) { contrast = c; faint = e.outerHTML.slice(0, 80) }
  }
  if (!e.closest('.scroll') && !e.closest('.skip') && e.getBoundingClientRect().right > innerWidth + 1) outside.push(e.outerHTML.slice(0, 80));
}
const focusable = [...document.querySelectorAll('a[href],summary,[tabindex]')].length;
const headings = [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => h.tagName[1]).join('');
top.document.title = JSON.stringify({width: innerWidth, scroll: document.documentElement.scrollWidth, contrast, faint, outside: outside.slice(0, 3), focusable, headings});
</script></body>`

func TestThePageIsReadable(t *testing.T) {
	b := findBrowser(t)
	for name, c := range map[string]struct {
		report smoke.Report
		args   []string
		width  int
	}{
		"wide, dark":        {failing(), []string{"--force-dark-mode"}, 1100},
		"phone, light":      {failing(), nil, 360},
		"phone, long words": {hostile(), nil, 360},
	} {
		t.Run(name, func(t *testing.T) {
			page := render(t, "html", c.report)
			start := strings.Index(page, "<meta http-equiv")
			end := start + strings.Index(page[start:], "\n")
			// A browser's own window is never as narrow as a phone; a frame is.
			inner := serve(t, map[string]string{
				"/":      strings.Replace(page[:start]+page[end:], "</body>", probe, 1),
				"/frame": fmt.Sprintf(`<body style="margin:0"><iframe src="/" width="%d" height="800" style="border:0"></iframe>`, c.width),
			})
			dom := b.dom(t, inner.URL+"/frame", append(c.args, "--window-size=1200,900")...)
			title, _, _ := strings.Cut(dom[strings.Index(dom, "<title>")+len("<title>"):], "</title>")
			var got struct {
				Width, Scroll, Focusable int
				Contrast                 float64
				Faint, Headings          string
				Outside                  []string
			}
			if err := json.Unmarshal([]byte(strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(title)), &got); err != nil {
				t.Fatalf("%v: %s", err, title)
			}
			t.Logf("%+v", got)
			if got.Width != c.width || got.Scroll > got.Width || len(got.Outside) > 0 {
				t.Errorf("the window is %d wide, want %d; the page takes %d; outside: %q", got.Width, c.width, got.Scroll, got.Outside)
			}
			if got.Contrast < 4.5 { // WCAG 2.2, 1.4.3
				t.Errorf("contrast %.2f, want 4.5, at %s", got.Contrast, got.Faint)
			}
			if got.Focusable == 0 {
				t.Error("the keyboard reaches nothing")
			}
			if strings.Count(got.Headings, "1") != 1 || got.Headings[0] != '1' || strings.Contains(got.Headings, "13") {
				t.Errorf("headings %s: want one h1 first, and no level left out", got.Headings)
			}
		})
	}
}
