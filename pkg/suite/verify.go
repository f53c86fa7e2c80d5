package suite

import (
	"cmp"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/greenlight-ecs/greenlight/pkg/probe"
)

// Verification is an answer, held against what was expected of it.
type Verification struct {
	Observation probe.Observation
	// Asserted is how many assertions were evaluated; Wrong are those that did not hold.
	Asserted int
	Wrong    []Wrong
	root     any // the decoded body, where it was needed
}

// Wrong is one assertion that did not hold.
type Wrong struct {
	At Pos
	// Subject is what was looked at: "status", "header X-App-Version", "json $.status", "body".
	Subject string
	Mismatch
	// Release says that the assertion mentions ${RELEASE}.
	Release bool
}

// Verify holds an answer against the step's expectations. All of them are evaluated; what cannot be is wrong.
func (s *Step) Verify(o probe.Observation, sc Scope) Verification {
	v := Verification{Observation: o}
	e := &s.expect
	if !o.Answered() {
		v.fail(cmp.Or(e.statusAt, s.path.at), "answer", Mismatch{"a whole answer", o.Text})
		return v
	}
	got := strconv.Itoa(o.Status)
	if o.Location != "" {
		got += ", to " + strconv.Quote(o.Location)
	}
	v.assert(e.status.allow(o.Status), cmp.Or(e.statusAt, s.path.at), "status", Mismatch{e.status.String(), got})
	if e.latency > 0 {
		v.assert(o.Latency <= e.latency, e.latencyAt, "latency", Mismatch{"at most " + e.latency.String(), o.Latency.String()})
	}
	for _, h := range e.only(subjectHeader) {
		shown := sc
		if h.of == "Set-Cookie" { // a session is as good as a password
			shown.Secrets = sc.Secrets.With(list(o.Cookies, func(c *http.Cookie) string { return c.Value })...)
		}
		v.add(h, h.rule.header(o.Header[h.of], shown))
	}
	if e.certificateDays > 0 {
		days, got := int(time.Until(o.Expires).Hours()/24), "none: the target is not https"
		if !o.Expires.IsZero() {
			got = fmt.Sprintf("%d days left", days)
		}
		v.assert(!o.Expires.IsZero() && days >= e.certificateDays, e.certificateAt, "certificate",
			Mismatch{fmt.Sprintf("good for %d days or more", e.certificateDays), got})
	}
	if s.grpc && o.Status == http.StatusOK {
		v.verifyHealth(s)
	}
	v.verifyBody(s, sc)
	return v
}

func (v *Verification) verifyBody(s *Step, sc Scope) {
	e := &s.expect
	if !s.looksAtBody() {
		return
	}
	at := cmp.Or(e.statusAt, s.path.at)
	if !probe.Readable(v.Observation.Header) {
		encoding := strings.Join(v.Observation.Header["Content-Encoding"], ", ")
		v.fail(at, "body", Mismatch{"a body that is plain or gzip", "Content-Encoding " + strconv.Quote(encoding)})
		return
	}
	if got := v.Observation.Events; e.events > 0 {
		v.assert(got >= e.events, e.eventsAt, "events",
			Mismatch{strconv.Itoa(e.events) + " of an event stream", strconv.Itoa(got)})
	}
	var bad *Mismatch
	ofJSON := e.only(subjectJSON)
	if len(ofJSON) > 0 || slices.ContainsFunc(s.captures, func(c capture) bool { return c.kind == subjectJSON }) {
		v.root, bad = decode(v.Observation)
	}
	for _, x := range slices.Concat(e.only(SubjectBody), e.only(subjectCSS), ofJSON) {
		if x.kind == subjectJSON && bad != nil {
			at = x.at
			break
		}
		if found, err := x.find(v.Observation, v.root, sc); err == nil {
			v.add(x, x.rule.json(found, x.kind == SubjectBody || x.path.singular, sc))
		} else {
			readable := map[subjectKind]string{subjectCSS: "a page that can be read", subjectJSON: "a path that can be followed"}
			v.fail(x.at, x.text(), Mismatch{readable[x.kind], err.Error()})
		}
	}
	if bad != nil {
		v.fail(at, "json", *bad)
	}
}

// looksAtBody reports whether something of the body is expected or captured.
func (s *Step) looksAtBody() bool {
	return s.expect.assetsAt != (Pos{}) || s.expect.events > 0 ||
		slices.ContainsFunc(s.expect.subjects, func(x subject) bool { return x.ofBody() }) ||
		slices.ContainsFunc(s.captures, func(c capture) bool { return c.ofBody() })
}

// assert notes one assertion, and what is wrong where it does not hold.
func (v *Verification) assert(holds bool, at Pos, subject string, m Mismatch) {
	if v.Asserted++; !holds {
		v.Wrong = append(v.Wrong, Wrong{at, subject, m, false})
	}
}

func (v *Verification) fail(at Pos, subject string, m Mismatch) { v.assert(false, at, subject, m) }

func (v *Verification) add(of subject, bad []Mismatch) {
	v.Asserted += len(of.rule)
	for _, m := range bad {
		v.Wrong = append(v.Wrong, Wrong{of.at, of.text(), m, mentions(varRelease, of.rule.texts()...)})
	}
}

// Final reports whether asking again cannot help.
func (v *Verification) Final() bool {
	f := v.Observation.Fault
	return f == probe.FaultCertificate || f == probe.FaultHandshake || f == probe.FaultRequest || f == probe.FaultInterrupted
}

// BodyText is the body as the text that it stands for: in the charset that its Content-Type names, without a byte order
// mark. One in a charset that is not known stays as it is.
func BodyText(o probe.Observation) string {
	text := o.Body
	if kind := o.Header.Get("Content-Type"); strings.Contains(kind, "=") && !strings.Contains(strings.ToLower(kind), "utf-8") {
		_, params, _ := mime.ParseMediaType(kind)
		if from, _ := charset.Lookup(params["charset"]); from != nil {
			if read, _, err := transform.Bytes(unicode.BOMOverride(from.NewDecoder()), text); err == nil {
				text = read
			}
		}
	}
	return strings.TrimPrefix(string(text), "\ufeff")
}
