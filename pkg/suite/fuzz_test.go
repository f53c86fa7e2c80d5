package suite

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/probe"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
)

// answers is every kind of whole answer that a broken release may give.
func answers() []probe.Observation {
	var out []probe.Observation
	for _, status := range []int{200, 201, 204, 302, 404, 418, 500, 503, 599} {
		for _, body := range []string{"", "x", "null", "{}", "[]", `"x"`, "0", `{"status":"ok"}`, `[{"a":[1]}]`} {
			for _, h := range []http.Header{nil, {"X-A": {"b"}}} {
				out = append(out, probe.Observation{Status: status, Header: h, Body: []byte(body), Latency: 1})
			}
		}
	}
	return out
}

// FuzzReadSuite: reading never panics, what is refused says where and why, and what is accepted has a
// check that counts and that some answer fails.
func FuzzReadSuite(f *testing.F) {
	for _, pattern := range []string{"testdata/accepted/*.yaml", "testdata/refused/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("no seeds in %s: %v", pattern, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	all := answers()
	f.Fuzz(func(t *testing.T, data []byte) {
		suite, problems := Read(Source{Name: "s.yaml", Text: data})
		for _, p := range problems {
			if p.File != "s.yaml" || p.Text == "" {
				t.Fatalf("a problem without place or text: %+v", p)
			}
		}
		if suite == nil {
			if len(problems.Errors(false)) == 0 {
				t.Fatal("refused without a reason")
			}
			return
		}
		counted := 0
		for _, c := range suite.checks {
			if !c.Observe {
				counted++
			}
			if c.Attempts <= c.Allowed || !canFailOn(t, c, all) {
				t.Fatalf("check %q cannot fail", c.Name)
			}
		}
		if counted == 0 {
			t.Fatal("no check counts")
		}
	})
}

func canFailOn(t *testing.T, c *Check, all []probe.Observation) bool {
	can := false
	for i := range c.Steps {
		s := c.Steps[i]
		for _, o := range all {
			v := s.Verify(o, Scope{})
			if v.Asserted == 0 {
				t.Fatal("nothing was asserted")
			}
			can = can || len(v.Wrong) > 0
		}
		if v := s.Verify(probe.Observation{Fault: probe.FaultReset}, Scope{}); len(v.Wrong) == 0 {
			t.Fatal("a reset passes")
		}
	}
	return can
}

// FuzzTemplate: what is captured never leaves its path segment.
func FuzzTemplate(f *testing.F) {
	f.Add("/orders/${id}/items", "../../admin")
	f.Add("/a?q=${id}", "x&y=z#f")
	f.Add("/${id}", "//evil")
	f.Fuzz(func(t *testing.T, path, value string) {
		text, _, wrong := parseText(path, func() Pos { return Pos{} })
		if wrong != "" || !strings.HasPrefix(path, "/") {
			return
		}
		plain, _, err1 := text.path(Scope{Vars: map[string]string{"id": "x"}})
		got, _, err2 := text.path(Scope{Captured: map[string]any{"id": value}})
		if err1 != nil || err2 != nil {
			return
		}
		if count(got, '/') != count(plain, '/') || count(got, '?') != count(plain, '?') || query(got) != query(plain) || count(got, '#') != count(plain, '#') {
			t.Fatalf("%q in %q gives %q", value, path, got)
		}
	})
}

// query counts what separates the query's fields.
func query(s string) int {
	_, q, _ := strings.Cut(s, "?")
	return count(q, '&') + count(q, ';')
}

func count(s string, c byte) int {
	n := 0
	for i := range len(s) {
		if s[i] == c {
			n++
		}
	}
	return n
}

// FuzzAnswer: whatever a server answers, every expectation comes to a result.
func FuzzAnswer(f *testing.F) {
	data, err := os.ReadFile("testdata/accepted/everything.yaml")
	if err != nil {
		f.Fatal(err)
	}
	suite, problems := Read(Source{Name: "s.yaml", Text: data})
	if suite == nil {
		f.Fatal(problems)
	}
	sc := Scope{Vars: map[string]string{"A": "1", "B": "hidden", "C": "true"}, Secrets: redact.New("hidden")}
	f.Add(200, `{"a":null,"b":{"c":[1,2]},"list":[{"n":1}],"s":"y"}`, "12")
	f.Add(500, `[{"price":1e999,"title":"hidden"}]`, "hidden")
	f.Fuzz(func(t *testing.T, status int, body, header string) {
		o := probe.Observation{Status: max(1, status), Body: []byte(body), Header: http.Header{"X-Count": {header}, "X-Id": {header, "x"}}, Latency: 1}
		for i := range suite.checks {
			for j := range suite.checks[i].Steps {
				s := suite.checks[i].Steps[j]
				v := s.Verify(o, sc)
				if v.Asserted == 0 {
					t.Fatal("nothing was asserted")
				}
				for _, w := range v.Wrong {
					if w.Expected == "" || w.Subject == "" {
						t.Fatalf("an unexplained failure: %+v", w)
					}
				}
			}
		}
	})
}
