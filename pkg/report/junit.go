package report

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
)

// The elements are those that CodeBuild's report groups read (JUNITXML).
type (
	junitSuite struct { // a testsuite, or all of them
		XMLName   xml.Name
		Name      string         `xml:"name,attr"`
		Tests     int            `xml:"tests,attr"`
		Failures  int            `xml:"failures,attr"`
		Errors    int            `xml:"errors,attr"`
		Skipped   int            `xml:"skipped,attr"`
		Time      junitSeconds   `xml:"time,attr"`
		Timestamp string         `xml:"timestamp,attr,omitempty"`
		By        *junitProperty `xml:"properties>property"`
		Suites    []junitSuite   `xml:"testsuite"`
		Cases     []junitCase    `xml:"testcase"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Class string       `xml:"classname,attr"`
		Name  string       `xml:"name,attr"`
		File  string       `xml:"file,attr,omitempty"`
		Line  int          `xml:"line,attr,omitempty"`
		Time  junitSeconds `xml:"time,attr"`
		Told  *junitText   // why it did not pass
		Out   string       `xml:"system-out,omitempty"`
	}
	junitText struct {
		XMLName xml.Name // failure, error or skipped
		Message string   `xml:"message,attr"`
		Type    string   `xml:"type,attr"`
		Text    string   `xml:",chardata"`
	}
	junitSeconds time.Duration // a duration, written in seconds, to the millisecond
)

// MarshalText writes the seconds.
func (s junitSeconds) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%.3f", time.Duration(s).Seconds()), nil
}

// JUnit writes JUnit XML for CodeBuild's report groups: a testsuite for each phase, a testcase for each check, and one
// for the verdict of the whole, so that no reader of it sees only green where the verdict is another. It is a Writer.
//
// FAIL is a failure; ERROR, and an INCONCLUSIVE that no policy allows, is an error; an allowed
// INCONCLUSIVE and what did not run is skipped, which CodeBuild does not count as passed.
func JUnit(w io.Writer, r finding.Report) error {
	all := junitSuite{XMLName: xml.Name{Local: "testsuites"}, Name: r.Suite}
	cases := map[finding.Phase][]junitCase{}
	if r.Readiness != nil {
		c := junitCase{Name: "readiness", Time: junitSeconds(r.Readiness.Waited)}
		c.set(r, r.Readiness.Verdict, readiness(*r.Readiness), "")
		cases[finding.PhaseReady] = []junitCase{c}
	}
	for _, c := range r.Checks {
		k := junitCase{Name: c.Check, File: c.Place.File, Line: c.Place.Line, Time: junitSeconds(c.Duration), Out: tally(c)}
		if c.Observe {
			k.Out = fmt.Sprintf("observed, does not count: %s, %s: %s", noun(c.Verdict), k.Out, c.Reason)
		} else {
			k.set(r, c.Verdict, c.Reason, plain(c))
		}
		of := map[bool]finding.Phase{true: finding.PhaseWatch, false: finding.PhaseJudge}[watched(c)]
		cases[of] = append(cases[of], k)
	}
	for _, c := range r.Compares {
		k := junitCase{Name: c.Check, File: c.Place.File, Line: c.Place.Line}
		for _, d := range slices.Concat(c.Green, c.Blue) {
			k.Time += junitSeconds(d)
		}
		k.Out = Plain(c) + "\n" + c.Reason
		k.set(r, c.Verdict, Plain(c), k.Out)
		cases[finding.PhaseCompare] = append(cases[finding.PhaseCompare], k)
	}
	for _, n := range r.NotRun {
		if n.Phase != finding.PhaseCompare && n.Phase != finding.PhaseWatch {
			n.Phase = finding.PhaseJudge
		}
		// One that was begun has its case already.
		if !slices.ContainsFunc(cases[n.Phase], func(c junitCase) bool { return c.Name == n.Check }) {
			cases[n.Phase] = append(cases[n.Phase], junitCase{Name: n.Check, Told: told("skipped", "not run", n.Why, n.Why)})
		}
	}
	whole := junitCase{Name: "verdict", Time: junitSeconds(r.Duration), Out: strings.Join(r.Warnings, "\n")}
	whole.set(r, r.Verdict, r.Reason, "")
	cases["verdict"] = []junitCase{whole}
	phases := []finding.Phase{finding.PhaseReady, finding.PhaseJudge, finding.PhaseCompare, finding.PhaseWatch, "verdict"}
	for _, p := range phases {
		all.add(r, string(p), cases[p])
	}
	all.Time = junitSeconds(r.Duration)
	text, err := xml.MarshalIndent(all, "", "  ")
	if err == nil {
		_, err = io.WriteString(w, xml.Header+string(text)+"\n")
	}
	return err
}

// set gives a testcase the element that its verdict asks for.
func (c *junitCase) set(r finding.Report, v finding.Verdict, message, text string) {
	v = Known(v)
	element := map[finding.Verdict]string{finding.Fail: "failure", finding.Skipped: "skipped"}[v]
	if v == finding.Inconclusive && r.InconclusiveAllowed {
		element = "skipped"
	}
	if v != finding.Pass {
		c.Told = told(cmp.Or(element, "error"), string(v), message, cmp.Or(text, message))
	}
}

func told(element, kind, message, text string) *junitText {
	return &junitText{xml.Name{Local: element}, message, kind, text}
}

// plain lists the findings of a check as text.
func plain(c finding.CheckResult) string {
	var b strings.Builder
	for _, q := range requests(c.Findings) {
		fmt.Fprintf(&b, "%s: %s%s\n", q[0].Place, q[0].Request, filled(" (%s)", which(q[0])))
		for _, f := range q {
			fmt.Fprintf(&b, "  %s\n    expected: %s\n    got:      %s\n", f.Subject, f.Expected, f.Got)
		}
		b.WriteString(filled("  response:\n    %s\n", strings.Join(lines(q[0].Excerpt), "\n    ")))
	}
	return b.String()
}

func (s *junitSuite) add(r finding.Report, phase string, cases []junitCase) {
	if len(cases) == 0 {
		return
	}
	suite := junitSuite{Name: r.Suite + " " + phase, Cases: cases}
	if r.Greenlight != "" {
		suite.By = &junitProperty{Name: "greenlight", Value: r.Greenlight}
	}
	if !r.Started.IsZero() {
		suite.Timestamp = r.Started.UTC().Format("2006-01-02T15:04:05")
	}
	for i := range cases {
		c := &cases[i]
		c.Class = r.Suite + "." + phase
		for _, to := range []*junitSuite{&suite, s} {
			to.Tests++
			to.Time += c.Time
			if c.Told != nil {
				*map[string]*int{"failure": &to.Failures, "error": &to.Errors, "skipped": &to.Skipped}[c.Told.XMLName.Local]++
			}
		}
	}
	s.Suites = append(s.Suites, suite)
}
