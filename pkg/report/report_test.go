package report_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/report"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestEveryFormatIsAsItWas(t *testing.T) {
	reports := map[string]finding.Report{
		"passing":      passing(),
		"failing":      failing(),
		"inconclusive": inconclusive(false),
		"allowed":      inconclusive(true),
		"hostile":      hostile(),
		"leaking":      leaking(),
		"empty":        {},
	}
	for name, r := range reports {
		for _, format := range formats() {
			t.Run(name+"/"+format, func(t *testing.T) { golden(t, name+"."+format, render(t, format, r)) })
		}
	}
	colored := report.Terminal{Color: true, Width: 60, Source: []byte(source)}
	golden(t, "colored.text", terminal(t, colored, failing()))
	golden(t, "quoted.text", terminal(t, report.Terminal{Width: 100, Source: []byte(source), Quiet: true}, failing()))
}

// formats are all that a report can be written in.
func formats() []string { return []string{"text", "junit", "json", "md", "html"} }

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; -update rewrites it):\n%s", path, diff)
	}
}

func render(t testing.TB, format string, r finding.Report) string {
	t.Helper()
	w, ok := report.ByName(format)
	if !ok {
		t.Fatalf("no format %s", format)
	}
	var b strings.Builder
	if err := w(&b, r); err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	return b.String()
}

func terminal(t testing.TB, w report.Terminal, r finding.Report) string {
	t.Helper()
	var b strings.Builder
	if err := w.Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAnUnknownFormatIsNone(t *testing.T) {
	for _, name := range []string{"", "HTML", "yaml"} {
		if _, ok := report.ByName(name); ok {
			t.Errorf("ByName(%q) finds a writer", name)
		}
	}
}

// A verdict that nobody set must not look like a pass, wherever it stands.
func TestNoVerdictIsShownAsAnError(t *testing.T) {
	r := passing()
	r.Verdict = ""
	for format, want := range map[string]string{
		"text": "ERROR tripmgmt", "md": "## ERROR: ", "html": `<h1>ERROR`, "junit": `errors="1"`,
	} {
		if got := render(t, format, r); !strings.Contains(got, want) {
			t.Errorf("%s does not show %q:\n%s", format, want, got)
		}
	}
}

func TestAWriterThatFailsIsToldOf(t *testing.T) {
	for _, format := range formats() {
		w, _ := report.ByName(format)
		if err := w(fullDisk{}, failing()); !errors.Is(err, errFull) {
			t.Errorf("%s: %v, want %v", format, err, errFull)
		}
	}
}

var errFull = errors.New("no space left")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

// What a server sends cannot start a line, carry an escape code or turn the direction of writing.
func TestTextsCannotLeaveTheirLine(t *testing.T) {
	for name, text := range map[string]string{
		"text":    terminal(t, report.Terminal{Source: []byte(evil)}, hostile()),
		"md":      render(t, "md", hostile()),
		"html":    render(t, "html", hostile()),
		"colored": strings.NewReplacer("\x1b[0m", "", "\x1b[1m", "", "\x1b[2m", "", "\x1b[31m", "", "\x1b[32m", "", "\x1b[33m", "", "\x1b[35m", "", "\x1b[1;35m", "").Replace(terminal(t, report.Terminal{Color: true}, hostile())),
	} {
		for _, r := range text {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%s holds %U", name, r)
				break
			}
		}
		for _, l := range strings.Split(text, "\n") {
			if strings.HasPrefix(strings.TrimSpace(l), "::error::") || strings.HasPrefix(strings.TrimSpace(l), "</script>") && name != "text" && name != "colored" && !inFence(text, l) {
				t.Errorf("%s: a text began a line: %q", name, l)
			}
		}
	}
}

// inFence reports whether a line stands in a fenced block of Markdown, where it is no markup.
func inFence(text, l string) bool {
	before, _, _ := strings.Cut(text, "\n"+l+"\n")
	return strings.Count(before+"\n", "\n``````\n")%2 == 1
}

func TestJSONReadsBackAsTheSameReport(t *testing.T) {
	var got finding.Report
	if err := json.Unmarshal([]byte(render(t, "json", failing())), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(failing(), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// junit is what a reader such as CodeBuild takes from the file.
type junit struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Errors   int `xml:"errors,attr"`
	Skipped  int `xml:"skipped,attr"`
	Suites   []struct {
		Name  string `xml:"name,attr"`
		Cases []struct {
			Name    string    `xml:"name,attr"`
			Time    float64   `xml:"time,attr"`
			Failure *struct{} `xml:"failure"`
			Error   *struct{} `xml:"error"`
			Skipped *struct{} `xml:"skipped"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

func readJUnit(t *testing.T, r finding.Report) junit {
	t.Helper()
	var j junit
	if err := xml.Unmarshal([]byte(render(t, "junit", r)), &j); err != nil {
		t.Fatal(err)
	}
	return j
}

func TestJUnitTellsFailuresErrorsAndSkippedApart(t *testing.T) {
	got := map[string]string{}
	for _, s := range readJUnit(t, failing()).Suites {
		for _, c := range s.Cases {
			kind := "passed"
			switch {
			case c.Failure != nil:
				kind = "failure"
			case c.Error != nil:
				kind = "error"
			case c.Skipped != nil:
				kind = "skipped"
			}
			got[s.Name+"/"+c.Name] = kind
		}
	}
	want := map[string]string{
		"tripmgmt ready/readiness":  "passed",
		"tripmgmt judge/home":       "passed",
		"tripmgmt judge/health":     "failure",
		"tripmgmt judge/order flow": "error",
		"tripmgmt judge/search":     "error",
		"tripmgmt judge/new banner": "passed", // observed
		"tripmgmt compare/report":   "failure",
		"tripmgmt compare/list":     "passed",
		"tripmgmt judge/export":     "skipped",
		"tripmgmt verdict/verdict":  "failure",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// CodeBuild shows a report group as passed when nothing in it failed: then the verdict must have been PASS.
func TestJUnitIsAllGreenOnlyForAPass(t *testing.T) {
	cut := passing() // all that ran passed, but not all ran
	cut.Verdict, cut.Blame, cut.Reason = finding.Error, finding.BlameConfig, "no time left for export"
	cut.NotRun = []finding.NotRun{{Check: "export", Why: "no time left"}}
	for name, c := range map[string]struct {
		r                         finding.Report
		failures, errors, skipped int
	}{
		"passing":                 {passing(), 0, 0, 0},
		"cut short":               {cut, 0, 1, 1},
		"inconclusive":            {inconclusive(false), 0, 2, 0},
		"inconclusive is allowed": {inconclusive(true), 0, 0, 2},
		"nothing at all":          {finding.Report{}, 0, 1, 0},
	} {
		j := readJUnit(t, c.r)
		if j.Failures != c.failures || j.Errors != c.errors || j.Skipped != c.skipped || j.Tests == 0 {
			t.Errorf("%s: %d failures, %d errors, %d skipped of %d; want %d, %d, %d", name, j.Failures, j.Errors, j.Skipped, j.Tests, c.failures, c.errors, c.skipped)
		}
	}
}

func TestTheTerminalsWidthIsKept(t *testing.T) {
	r := failing()
	r.Checks[1].Findings[0].Excerpt = strings.Repeat("äöü ", 100)
	text := terminal(t, report.Terminal{Width: 60, Source: []byte(source + strings.Repeat("x", 200))}, r)
	seen := false
	for _, l := range strings.Split(text, "\n") {
		if strings.Contains(l, "äöü") {
			seen = true
			if n := len([]rune(l)); n != 60 {
				t.Errorf("%d characters, want 60: %s", n, l)
			}
		}
	}
	if !seen {
		t.Errorf("the excerpt is missing:\n%s", text)
	}
}

func TestTheVerdictIsTheTerminalsLastLine(t *testing.T) {
	text := strings.TrimSuffix(render(t, "text", failing()), "\n")
	last := text[strings.LastIndexByte(text, '\n')+1:]
	if want := "FAIL (release) tripmgmt: health: status 503, want 200"; last != want {
		t.Errorf("last line %q, want %q", last, want)
	}
}

func ExampleTerminal_Write() {
	r := failing()
	r.Checks, r.Compares, r.NotRun, r.Warnings = r.Checks[1:2], nil, nil, nil
	w := report.Terminal{Width: 80, Source: []byte(source)}
	_ = w.Write(os.Stdout, r)
	// Output:
	// failed: health: 5 of 5 attempts failed
	//   --> smoke.yaml:6:14
	//    | GET /health  (attempt 1; the same in 5 attempts)
	//    | ...
	//  6 |     expect: {status: 200, json: {$.status: ok}}
	//    |   status
	//    |     expected: 200
	//    |     got:      503
	//    |   json $.status
	//    |     expected: ok
	//    |     got:      down
	//    |   response:
	//    |     {"status":"down",
	//    |      "db":"connection refused"}
	//
	// ready: passed, 20 rounds in 310ms, the last 20 in a row held, 2 relapses after the first right answer
	// checks: 1 failed · 14.2s · release 1.4.2 not proven
	// FAIL (release) tripmgmt: health: status 503, want 200
}

func BenchmarkHTML(b *testing.B) {
	w, _ := report.ByName("html")
	r := failing()
	b.ReportAllocs()
	for b.Loop() {
		if err := w(io.Discard, r); err != nil {
			b.Fatal(err)
		}
	}
}
