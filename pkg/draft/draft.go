// Package draft writes a first suite for an application: a source -> operations -> answers -> the text of a suite.
//
// One judge decides what is expected: what an answer suggests is written into a suite, and pkg/suite holds it against
// both answers of the target; what does not hold is weakened, and at last left out. The same judge then meets what the
// faults of a rehearsal look like, and so tells which of them the draft lets through.
//
// It refuses to send a method that is not safe unless it is told to, to ask anybody but the target, to follow a reference
// out of a document, to expect what looks like a time, an id or a count, and to write what looks like a secret.
//
// It reads OpenAPI by itself: kin-openapi 0.153 would add 2.6 MB, four modules and 5 ms to each start of smoke, which
// takes 8, and libopenapi 0.42 8.1 MB and six modules.
package draft

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/greenlight-ecs/greenlight/pkg/probe"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// maxOperations bounds a draft: nobody reads more checks.
const maxOperations = 500

// Draft is a suite in the making. Name may be empty, and Target nil: then it is the source's, and nobody is asked.
type Draft struct {
	Name   string
	Target *url.URL
	// Unsafe takes methods that may change something, too.
	Unsafe bool
	// Env looks up the variables that requests need; Tell is told how far asking is, by one goroutine at a time.
	Env  func(name string) (string, bool)
	Tell func(done, total int)

	operations []*operation
	variables  map[string]string // by their names, where the suite finds them
	given      map[string]string // their values, where the source itself tells them
	secrets    []string
	notes      map[string][]string // what is not in the draft, or not asked, by the reason
	release    string              // what the target says that it is
}

// New returns an empty draft.
func New() *Draft {
	return &Draft{variables: map[string]string{}, given: map[string]string{}, notes: map[string][]string{}}
}

// Release is what the target says that it is; "" where it does not.
func (d *Draft) Release() string { return d.release }

// operation is one request and what is expected of its answer. A variable is {{X}} in it, until add puts it into the
// suite's words.
type operation struct {
	name, method, host, path string
	headers                  [][2]string
	body, status             string // of a status that the source does not say, ""
	rules                    []rule
	answers                  []probe.Observation
}

func (op *operation) line() string { return op.method + " " + op.path }

// put puts a parameter where it belongs.
func (op *operation) put(in, name, value string) {
	switch in {
	case "query":
		op.path += when(op.path == "", "?") + when(op.path != "", "&") + url.QueryEscape(name) + "=" + value
	case "cookie":
		op.headers = append(op.headers, [2]string{"Cookie", name + "=" + value})
	default:
		op.headers = append(op.headers, [2]string{name, value})
	}
}

// Read takes the operations out of a source's text: those of the target's host, or else of the first one.
func (d *Draft) Read(name, text string) error {
	doc, problems := template.Reader{Literal: true, AnyNumber: true}.Read(name, text)
	wrong := problems.Errors(false)
	switch root := doc.Root; {
	case matches(text, `(?m)^\s*(\$ )?curl\s`) && !matches(text, `(?m)^(openapi|\{)`):
		d.curl(text)
	case len(wrong) > 0:
		return fmt.Errorf("%s: %s", wrong[0].Place, strings.TrimSuffix(wrong[0].Text+"; "+wrong[0].Help, "; "))
	case root.Get("openapi") != nil:
		(&openAPI{d, root, openAPIBudget}).read()
	case root.Get("log").Get("entries") != nil || root.Get("info") != nil && root.Get("item") != nil:
		d.Name = cmp.Or(d.Name, root.Get("info").Get("name").Str())
		d.recorded(root)
	default:
		return errors.New("it is neither OpenAPI 3, a HAR recording, a Postman collection nor curl lines")
	}
	home := ""
	for _, op := range d.operations {
		if home == "" || d.Target != nil && op.host == d.Target.Host {
			home = op.host
		}
	}
	return d.without(func(op *operation) string {
		return when(op.host != "" && op.host != home, "it is of another host than "+home)
	})
}

// without leaves out the operations for which why names a reason; it is an error when none stays.
func (d *Draft) without(why func(*operation) string) error {
	d.operations = slices.DeleteFunc(d.operations, func(op *operation) bool {
		reason := why(op)
		return reason != "" && d.note("left out, "+reason, op.line())
	})
	if len(d.operations) == 0 {
		return errors.New(strings.Join(append([]string{"nothing is left to check"}, d.Notes(200)...), "; "))
	}
	return nil
}

// note notes what is not in the draft, without its query, where a secret may stand.
func (d *Draft) note(why, what string) bool {
	if what, _, _ = strings.Cut(what, "?"); SecretValue(what) {
		what = "what looks like a secret"
	}
	if !slices.Contains(d.notes[why], what) {
		d.notes[why] = append(d.notes[why], what)
	}
	return true
}

// Notes says what is not in the draft, or was not asked, and why, in lines of at most so many characters.
func (d *Draft) Notes(limit int) (lines []string) {
	hidden := redact.New(d.secrets...)
	for _, why := range slices.Sorted(maps.Keys(d.notes)) {
		lines = append(lines, hidden.Line(why+": "+strings.Join(d.notes[why], ", "), limit))
	}
	return lines
}

// add takes an operation whose path may still be a URL: secrets become variables, and the reader of suites must take it.
func (d *Draft) add(op operation) {
	if m := re(`^\{\{([^{}]*)\}\}`).FindStringSubmatch(op.path); m != nil { // a base URL
		op.path = d.given[variableName(m[1])] + op.path[len(m[0]):]
	}
	parts := re(`^(?:\w+://)?([^/?#]*)([^?#]*)\??([^#]*)`).FindStringSubmatch(op.path)
	op.method, op.host = strings.ToUpper(cmp.Or(op.method, "GET")), parts[1]
	shown, query := op.method+" "+parts[2], d.pairs(parts[3])
	op.path = "/" + strings.TrimPrefix(d.text(parts[2]), "/") + when(query != "", "?"+query)
	typed := false
	for i, h := range op.headers {
		op.headers[i][1] = d.text(d.hide(h[0], h[1]))
		typed = typed || strings.EqualFold(h[0], "Content-Type")
	}
	if op.body = d.bodyText(op.body); strings.HasPrefix(op.body, "body:") && !typed {
		op.put("header", "Content-Type", "application/x-www-form-urlencoded")
	}
	same := func(o *operation) bool { return o.line() == op.line() && o.body == op.body }
	switch {
	case slices.ContainsFunc(d.operations, same):
	case SecretValue(parts[2]):
		d.note("left out, its path", shown)
	case !d.Unsafe && !slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, op.method):
		d.note("left out, it may change something (--unsafe takes it)", shown)
	case len(d.operations) == maxOperations:
		d.note(fmt.Sprintf("left out, more than %d operations", maxOperations), shown)
	default:
		d.operations = append(d.operations, &op)
		if _, _, wrong := d.read(&op); wrong != "" {
			d.operations = d.operations[:len(d.operations)-1]
			d.note("left out, no suite can ask it ("+wrong+")", shown)
		}
	}
}

// read is what the reader of suites makes of operations: a step each, and whether they prove the release.
func (d *Draft) read(ops ...*operation) (steps []*suite.Step, proves bool, wrong string) {
	s, problems := suite.Read(suite.Source{Name: "draft", Text: []byte(d.write(ops))})
	if s == nil {
		return nil, false, problems.Errors(false)[0].Text
	}
	checks, _ := s.Chosen(nil)
	for _, c := range checks {
		steps = append(steps, c.Steps...)
	}
	return steps, s.ProvesRelease(), ""
}

// write is a suite of the operations.
func (d *Draft) write(ops []*operation) string {
	var b strings.Builder
	taken, quick := map[string]int{}, true
	for _, op := range ops {
		name := redact.Safe(strings.ReplaceAll(cmp.Or(op.name, op.line()), "$", ""), 60)
		if taken[name]++; taken[name] > 1 {
			name += fmt.Sprintf(" (%d)", taken[name])
		}
		fmt.Fprintf(&b, "  - name: %s\n    request: %s\n", quote(name), quote(op.line()))
		for i, h := range op.headers {
			fmt.Fprintf(&b, "%s      %s: %s\n", when(i == 0, "    headers:\n"), quote(h[0]), strconv.Quote(h[1]))
		}
		b.WriteString(when(op.body != "", "    "+op.body+"\n"))
		fmt.Fprintf(&b, "    expect:\n      status: %s\n", cmp.Or(op.status, "2xx"))
		for i, r := range op.rules {
			b.WriteString(when(i == 0 || op.rules[i-1].of != r.of, "      "+r.of+":"+when(r.key != "", "\n")))
			b.WriteString(when(r.key != "", "        "+quote(r.key)+":") + " " + r.levels[0] + "\n")
		}
		for _, a := range op.answers {
			quick = quick && a.Latency > 0 && a.Latency < patience/4
		}
		quick = quick && len(op.answers) > 0
	}
	variables := ""
	for _, name := range slices.Sorted(maps.Keys(d.variables)) {
		variables += when(strings.Contains(b.String(), "${"+name+"}"), "  "+name+": "+d.variables[name]+"\n")
	}
	return "version: 1\nname: " + quote(redact.Safe(cmp.Or(d.Name, "smoke"), 60)) + "\n" +
		when(variables != "", "variables:\n"+variables) +
		when(quick, "defaults: {timeout: "+patience.String()+"} # each answer took less than a quarter of that\n") +
		"checks:\n" + b.String()
}

// quote writes a text for YAML's block style: plain where that is safe.
func quote(s string) string {
	if matches(s, `^[A-Za-z/$][\w/$.?=&%+{} -]*[\w/$.%+}]$|^[/$]$`) && !matches(s, `(?i)^(true|false|null|yes|no|on|off)$`) {
		return s
	}
	return strconv.Quote(s)
}

// compiled are the patterns that were needed: compiled with the package, they would slow each start of smoke down.
var compiled sync.Map //nolint:gochecknoglobals // a cache

func re(pattern string) *regexp.Regexp {
	known, ok := compiled.Load(pattern)
	if !ok {
		known, _ = compiled.LoadOrStore(pattern, regexp.MustCompile(pattern))
	}
	return known.(*regexp.Regexp)
}

func matches(text, pattern string) bool { return re(pattern).MatchString(text) }

// when is the text where something is so.
func when(is bool, text string) string {
	if is {
		return text
	}
	return ""
}
