// Package pages_test looks at our pages, a suite's report and a rehearsal's, in a real browser without a window: a page
// is for people, and only a browser knows whether it shows them what was meant.
//
// It refuses to be silent: without a browser a test is skipped with a word, and fails where one is required.
package pages_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"image"
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
)

// patience is how long one look at a page may take.
const patience = time.Minute

// browser is a browser of this machine.
type browser struct {
	path string
	// keep is a folder in which screenshots are kept, named after their tests; empty keeps none.
	keep string
}

// find returns the machine's browser. Without one the test is skipped, or fails in CI.
func find(t *testing.T) browser {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return browser{path: path, keep: os.Getenv("KEEP_SCREENSHOTS")}
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("no chromium here: CI must look at the page in a browser")
	}
	t.Skip("SKIPPED: no chromium here; the page was NOT looked at in a browser")
	return browser{}
}

// arguments start a browser without a window that asks nobody for anything.
func arguments(folder string) []string {
	return []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--user-data-dir=" + folder,
	}
}

func (b browser) run(t testing.TB, url string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	args = append(arguments(t.TempDir()), append(args, url)...)
	cmd := exec.CommandContext(ctx, b.path, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", b.path, err, stderr.String())
	}
	return out
}

// dom returns the page as the browser has it once it was loaded.
func (b browser) dom(t testing.TB, url string, args ...string) string {
	t.Helper()
	return string(b.run(t, url, append(args, "--dump-dom")...))
}

// screenshot returns what the browser shows.
func (b browser) screenshot(t testing.TB, url string, args ...string) image.Image {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.png")
	b.run(t, url, append(args, "--screenshot="+file)...)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if b.keep != "" {
		name := strings.NewReplacer("/", "-", " ", "-").Replace(t.Name()) + ".png"
		if err := os.WriteFile(filepath.Join(b.keep, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// site serves pages, by path, and remembers what was asked for.
type site struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

// serve serves the pages until the test ends.
func serve(t testing.TB, pages map[string]string) *site {
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

// others are the paths that were asked for beside the first page.
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

// look is what a browser says of a page.
type look struct {
	// Width is the window's, Scroll the page's: a reader must not have to scroll sideways.
	Width, Scroll int
	// Outside are elements that reach beyond the window, other than in a .scroll.
	Outside []string
	// Contrast is the lowest of a text and what is behind it, Faint the element (WCAG 2.2, 1.4.3: 4.5).
	Contrast float64
	Faint    string
	// Focusable counts what the keyboard reaches; Headings are the levels in their order: "1223".
	Focusable int
	Headings  string
	// Charts counts those that stand alone; Stacked says that each cell of a table has a line of its own.
	Charts  int
	Stacked bool
}

// script finds out what a look says, with the policy taken off.
const script = `<script>
const rgb = c => c.match(/[\d.]+/g).map(Number);
const lum = c => { const [r, g, b] = rgb(c).map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4 }); return .2126 * r + .7152 * g + .0722 * b };
const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (rgb(c)[3] !== 0) return c } return 'rgb(255, 255, 255)' };
let contrast = 99, faint = '', outside = [];
for (const fold of document.querySelectorAll('details')) fold.open = true;
const narrow = innerWidth <= 480; // where a table has to show all of its columns, each behind its heading
for (const cell of document.querySelectorAll('td')) {
  if (narrow && !getComputedStyle(cell, '::before').content.startsWith('"')) outside.push('no heading: ' + cell.outerHTML.slice(0, 80));
}
for (const e of document.body.querySelectorAll('*')) {
  if (e.closest('script') || e.tagName === 'title') continue;
  if ([...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) {
    const s = getComputedStyle(e), a = lum(e.closest('svg') ? s.fill : s.color), b = lum(behind(e));
    const c = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (c < contrast) { contrast = c; faint = e.outerHTML.slice(0, 80) }
  }
  if ((narrow || !e.closest('.scroll')) && !e.closest('thead') && !e.closest('.skip') && e.getBoundingClientRect().right > innerWidth + 1) outside.push(e.outerHTML.slice(0, 80));
}
for (const e of document.body.querySelectorAll('*')) { // and nothing is to be moved sideways in a frame of its own
  if (narrow && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== 'visible') outside.push('scrolls: ' + e.outerHTML.slice(0, 80));
}
const wide = e => e.getBoundingClientRect().width, table = Math.max(0, ...[...document.querySelectorAll('main>section>.scroll>table, main>section>section>.scroll>table')].map(wide));
for (const chart of document.querySelectorAll('figure>svg.plot')) {
  if (table > 0 && Math.abs(wide(chart) - table) > 1) outside.push('a chart ' + wide(chart) + ' wide beside a table of ' + table + ': ' + chart.outerHTML.slice(0, 80));
}
const charts = document.querySelectorAll('figure>svg.plot').length, stacked = [...document.querySelectorAll('td')].filter(cell => cell.getBoundingClientRect().width > 0 && getComputedStyle(cell).display !== 'grid').length === 0;
const focusable = [...document.querySelectorAll('a[href],summary,[tabindex]')].length;
const headings = [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => h.tagName[1]).join('');
top.document.title = JSON.stringify({width: innerWidth, scroll: document.documentElement.scrollWidth, contrast, faint, outside: outside.slice(0, 3), focusable, headings, charts, stacked});
</script></body>`

// at looks at the page in a window so wide, which may be as narrow as a phone: a browser's own window
// never is, a frame can be.
func (b browser) at(t testing.TB, page string, width int, args ...string) look {
	t.Helper()
	s := serve(t, map[string]string{
		"/":      strings.Replace(withoutPolicy(page), "</body>", script, 1),
		"/frame": fmt.Sprintf(`<body style="margin:0"><iframe src="/" width="%d" height="800" style="border:0"></iframe>`, width),
	})
	text := b.dom(t, s.URL+"/frame", append(args, "--window-size=1200,900")...)
	_, title, _ := strings.Cut(text, "<title>")
	title, _, _ = strings.Cut(title, "</title>")
	var seen look
	if err := json.Unmarshal([]byte(html.UnescapeString(title)), &seen); err != nil {
		t.Fatalf("%v: %s", err, title)
	}
	return seen
}

// wrong says what is wrong with the look of a page at that width; nothing when it can be read.
func (l look) wrong(width int) []string {
	var all []string
	if l.Width != width || l.Scroll > l.Width || len(l.Outside) > 0 {
		all = append(all, fmt.Sprintf("the window is %d wide, want %d; the page takes %d; outside: %q", l.Width, width, l.Scroll, l.Outside))
	}
	if l.Contrast < 4.5 {
		all = append(all, fmt.Sprintf("contrast %.2f, want 4.5, at %s", l.Contrast, l.Faint))
	}
	if l.Stacked != (width <= 480) {
		all = append(all, fmt.Sprintf("the rows of the tables are stacked: %v at %d", l.Stacked, width))
	}
	if l.Focusable == 0 {
		all = append(all, "the keyboard reaches nothing")
	}
	skips := strings.Contains(l.Headings, "13") || strings.Contains(l.Headings, "14") || strings.Contains(l.Headings, "24")
	if strings.Count(l.Headings, "1") != 1 || l.Headings[0] != '1' || skips {
		all = append(all, fmt.Sprintf("headings %s: want one h1 first, and no level left out", l.Headings))
	}
	return all
}

// withoutPolicy takes the content security policy out of a page, so that a test's script can run in it.
func withoutPolicy(page string) string {
	start := strings.Index(page, "<meta http-equiv")
	if start < 0 {
		return page
	}
	return page[:start] + page[start+strings.Index(page[start:], "\n"):]
}
