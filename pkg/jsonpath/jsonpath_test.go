package jsonpath_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/jsonpath"
)

// suite is the compliance test suite of the JSONPath working group, as data.
type suite struct {
	Tests []struct {
		Name, Selector  string
		Document        any
		Result          []any
		Results         [][]any // any of these, where the RFC leaves the order open
		InvalidSelector bool    `json:"invalid_selector"`
	}
}

const suiteSize = 703

func read(t testing.TB) suite {
	t.Helper()
	data, err := os.ReadFile("testdata/rfc9535-compliance.json")
	if err != nil {
		t.Fatal(err)
	}
	var s suite
	decode(t, string(data), &s)
	if len(s.Tests) != suiteSize {
		t.Fatalf("the suite has %d cases, want %d", len(s.Tests), suiteSize)
	}
	return s
}

func decode(t testing.TB, text string, into any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		t.Fatal(err)
	}
}

func TestTheRFCsComplianceSuiteHolds(t *testing.T) {
	passed := 0
	for _, c := range read(t).Tests {
		ok := t.Run(c.Name, func(t *testing.T) {
			p, err := jsonpath.Parse(c.Selector)
			switch {
			case c.InvalidSelector && err == nil:
				t.Fatalf("%q parses, want an error", c.Selector)
			case c.InvalidSelector:
				return
			case err != nil:
				t.Fatalf("%q: %v", c.Selector, err)
			}
			want := c.Results
			if want == nil {
				want = [][]any{c.Result}
			}
			got, err := p.Select(c.Document)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range want {
				if len(w) == 0 && len(got) == 0 || reflect.DeepEqual(got, w) {
					return
				}
			}
			t.Fatalf("%q finds %v, want one of %v", c.Selector, got, want)
		})
		if ok {
			passed++
		}
	}
	t.Logf("%d of %d", passed, suiteSize)
}

// A decoder without UseNumber gives float64: the answers are the same.
func TestNumbersMayBeFloats(t *testing.T) {
	var doc any
	if err := json.Unmarshal([]byte(`{"a":[1,2.5,1e2,-0],"n":100}`), &doc); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		`$.a[?@ == 1]`: 1, `$.a[?@ == 2.50]`: 1, `$.a[?@ == 100]`: 1, `$.a[?@ == $.n]`: 1,
		`$.a[?@ == 0]`: 1, `$.a[?@ > 1]`: 2, `$.a[?@ <= 2.5]`: 3, `$.a[?@ < -1]`: 0,
	} {
		if got := find(t, path, doc); len(got) != want {
			t.Errorf("%s finds %v, want %d values", path, got, want)
		}
	}
}

func TestNumbersAreComparedExactly(t *testing.T) {
	var doc any
	decode(t, `[9007199254740993, 1e999999999, 1e999999998, -1e999999999, 0.1, 1e-400, 0, 18446744073709551616, 99999999999999999999e99999999999999999999]`, &doc)
	for path, want := range map[string]int{
		`$[?@ == 9007199254740993]`:          1,
		`$[?@ == 9007199254740992]`:          0, // the same float64
		`$[?@ == 1e999999999]`:               1,
		`$[?@ == 10e999999998]`:              1,
		`$[?@ > 1e999999998]`:                2,
		`$[?@ < -1]`:                         1,
		`$[?@ == 0.10]`:                      1,
		`$[?@ == 0]`:                         1,
		`$[?@ == -0]`:                        1,
		`$[?@ > 0 && @ < 1e-399]`:            1,
		`$[?@ == 18446744073709551616.0]`:    1,
		`$[?@ == '0']`:                       0,
		`$[?@ == 1844674407370955161600e-2]`: 1,
	} {
		if got := find(t, path, doc); len(got) != want {
			t.Errorf("%s finds %v, want %d values", path, got, want)
		}
	}
}

func TestErrorsSayWhereAndWhatWasExpected(t *testing.T) {
	for path, want := range map[string]string{
		``:                             `column 1: expected "$", where every path begins`,
		`status`:                       `column 1: expected "$", where every path begins`,
		`$.`:                           `column 3: expected a name or "*"`,
		`$.ä[`:                         `column 5: expected a name in quotes, an index, a slice, "*" or a filter that begins with "?"`,
		`$.a b`:                        `column 4: expected ".", "[" or the end of the path`,
		`$[a]`:                         `column 3: expected a name in quotes, an index, a slice, "*" or a filter that begins with "?"`,
		`$['a'`:                        `column 6: expected "," or "]"`,
		`$["a]`:                        `column 6: expected ", which closes the string at column 3`,
		`$[01]`:                        `column 3: expected an integer without a leading zero`,
		`$[9007199254740992]`:          `column 3: expected an integer between -(2^53-1) and 2^53-1`,
		`$[?@.a == ]`:                  `column 11: expected a path that begins with "@" or "$", a literal or a function`,
		`$[?@.* == 1]`:                 `column 4: expected a path of names and indexes only, which finds at most one value`,
		`$[?1]`:                        `column 4: expected a path or a condition; a value must be compared with something`,
		`$[?max(@)]`:                   `column 4: expected one of the functions length, count, value, match and search`,
		`$[?match(@.ü, '(')]`:          "column 15: expected a regular expression: missing closing ): `(`",
		`$[?@.a && (@.b]`:              `column 15: expected ")", "&&" or "||"`,
		`$['\ud800']`:                  `column 4: expected a pair of surrogates \uD8xx\uDCxx`,
		"$.\xff":                       `column 3: expected UTF-8`,
		strings.Repeat(`$`, 1<<15):     `column 1: expected at most 16384 bytes, have 32768`,
		`$[?@ == true == true]`:        `column 14: expected "," or "]"`,
		`$[?count(1) == 1]`:            `column 10: expected a path that begins with "@" or "$"`,
		`$[?match(@.a)]`:               `column 13: expected "," and the regular expression`,
		`$[?match(@, 'a') == true]`:    `column 4: expected a value; the result of match and search is not one`,
		"$['a\nb']":                    `column 5: expected control characters in a string as \u000a`,
		`$` + nested(101):              `column 303: expected at most 100 levels of nesting`,
		`$[?` + paren(100) + `@` + `]`: `column 104: expected at most 100 levels of nesting`,
	} {
		_, err := jsonpath.Parse(path)
		if err == nil || err.Error() != want {
			t.Errorf("Parse(%.60q): %v, want %s", path, err, want)
		}
	}
}

func nested(n int) string { return strings.Repeat("[?@", n) + strings.Repeat("]", n) }
func paren(n int) string  { return strings.Repeat("(", n) }

func TestOnlyNamesAndIndexesAreSingular(t *testing.T) {
	for path, want := range map[string]bool{
		`$`: true, `$.a['b'][0][-1]`: true,
		`$.*`: false, `$..a`: false, `$[0,1]`: false, `$[0:1]`: false, `$[?@.a]`: false,
	} {
		if got := parse(t, path).Singular(); got != want {
			t.Errorf("%s: Singular() = %v, want %v", path, got, want)
		}
	}
}

// The document comes from the server under test. Depth and breadth cost time in proportion, and what
// grows faster than the document ends in an error, soon.
func TestHostileDocumentsAreBounded(t *testing.T) {
	var chain any = "leaf"
	for range 10_000 {
		chain = []any{chain}
	}
	var objects any = "leaf"
	for range 100_000 {
		objects = map[string]any{"a": objects}
	}
	wide := make([]any, 200_000)
	for i := range wide {
		wide[i] = map[string]any{"a": fmt.Sprint(i), "b": json.Number("1")}
	}
	text := strings.Repeat("a", 1<<19)
	for name, c := range map[string]struct {
		path string
		doc  any
		want int // -1: too much
	}{
		"a deep chain":            {`$..*`, chain, 10_000},
		"deeper than any decoder": {`$..a`, objects, 100_000},
		"a wide array":            {`$..a`, wide, 200_000},
		"a filter from the root":  {`$[?@.b == value($[?@.a == '17'].b)]`, wide, 200_000},
		"deep values are equal":   {`$[?@ == $[0]]`, []any{objects, objects}, 2},
		"all pairs":               {`$..*..*`, chain, -1},
		"a filter below each":     {`$..[?@..a]`, chain, -1},
		"three levels":            {`$..[?@..[?@..[?@..a]]]`, chain, -1},
		"long texts":              {`$.l[?match($.t, '(a|aa|a?)*b')]`, map[string]any{"t": text, "l": wide}, -1},
		"long texts compared":     {`$.l[?$.t < $.t]`, map[string]any{"t": text, "l": wide}, -1},
		"long texts measured":     {`$.l[?length($.t) == 1]`, map[string]any{"t": text, "l": wide}, -1},
		"a pattern from outside":  {`$[?search('a', @)]`, []any{strings.Repeat(`\pL`, 1000)}, -1},
		"many patterns":           {`$[?search('b', @.a)]`, wide, -1},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got, err := parse(t, c.path).Select(c.doc)
			runtime.ReadMemStats(&after)
			if made := after.TotalAlloc - before.TotalAlloc; made > 256<<20 { // of all pairs it is 164 MiB
				t.Errorf("%d MiB were allocated", made>>20)
			}
			if c.want < 0 {
				if err == nil || got != nil || !strings.HasPrefix(err.Error(), "select "+c.path+": more than ") {
					t.Fatalf("found %d values, %v; want an error alone", len(got), err)
				}
				return
			}
			if err != nil || len(got) != c.want {
				t.Errorf("found %d values, %v; want %d", len(got), err, c.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range read(f).Tests {
		f.Add(c.Selector)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		if _, err := jsonpath.Parse(expr); err != nil {
			if e, ok := errors.AsType[*jsonpath.SyntaxError](err); !ok || e.Col < 1 || e.Col > len(expr)+1 || e.Text == "" {
				t.Fatalf("Parse(%q): %#v", expr, err)
			}
		}
	})
}

func FuzzSelect(f *testing.F) {
	for _, c := range read(f).Tests {
		doc, err := json.Marshal(c.Document)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(c.Selector, string(doc))
	}
	f.Fuzz(func(t *testing.T, expr, text string) {
		p, err := jsonpath.Parse(expr)
		if err != nil {
			return
		}
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var doc any
		if d.Decode(&doc) != nil {
			return
		}
		got, err := p.Select(doc)
		if err != nil {
			return
		}
		if p.Singular() && len(got) > 1 {
			t.Fatalf("%s is singular and finds %v", expr, got)
		}
	})
}

func ExamplePath_Select() {
	p, err := jsonpath.Parse(`$.orders[?@.qty > 1].sku`)
	if err != nil {
		fmt.Println(err)
		return
	}
	var doc any
	if err := json.Unmarshal([]byte(`{"orders":[{"sku":"A-1","qty":2},{"sku":"B-7","qty":1}]}`), &doc); err != nil {
		fmt.Println(err)
		return
	}
	found, err := p.Select(doc)
	fmt.Println(found, err)
	// Output: [A-1] <nil>
}

func BenchmarkSelect(b *testing.B) {
	var doc any
	decode(b, `{"status":"ok","db":{"up":true},"orders":[{"sku":"A-1","qty":2},{"sku":"B-7","qty":1}]}`, &doc)
	for _, path := range []string{`$.status`, `$.orders[0].qty`, `$..sku`, `$.orders[?@.qty > 1].sku`} {
		b.Run(path, func(b *testing.B) {
			p := parse(b, path)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Select(doc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func parse(t testing.TB, path string) *jsonpath.Path {
	t.Helper()
	p, err := jsonpath.Parse(path)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return p
}

func find(t testing.TB, path string, doc any) []any {
	t.Helper()
	found, err := parse(t, path).Select(doc)
	if err != nil {
		t.Fatal(err)
	}
	return found
}
