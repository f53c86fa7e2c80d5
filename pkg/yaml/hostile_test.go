package yaml_test

import (
	"strings"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/yaml"
)

// hostile are texts of about n bytes that a parser may take more than linear time for.
func hostile(n int) map[string]string {
	return map[string]string{
		"deep block lists":         strings.Repeat("- ", n/2),
		"deep flow lists":          strings.Repeat("[", n),
		"deep flow mappings":       strings.Repeat("{a: ", n/4),
		"deep keys":                strings.Repeat("? ", n/2),
		"empty items":              strings.Repeat("-\n", n/2),
		"empty items with CR":      strings.Repeat("-\r", n/2),
		"colons":                   strings.Repeat("a:", n/2),
		"colons with a space":      strings.Repeat("a: ", n/3),
		"single quotes":            strings.Repeat("'", n),
		"double quotes":            `"` + strings.Repeat(`\"`, n/2) + `"`,
		"breaks in quotes":         `"` + strings.Repeat("a \n", n/3) + `"`,
		"empty lines in quotes":    "'" + strings.Repeat(" \n", n/2) + "'",
		"one line":                 "a: " + strings.Repeat("x", n),
		"one line of blanks":       "a: x" + strings.Repeat(" ", n),
		"blanks before each line":  strings.Repeat("a: x"+strings.Repeat(" ", 1000)+"\n", n/1005),
		"comments":                 strings.Repeat("# c\n", n/4),
		"comments with CR":         strings.Repeat("# c\r", n/4),
		"a comment at each line":   strings.Repeat("- a # c\n", n/8),
		"flow entries":             "[" + strings.Repeat("a,", n/2) + "]",
		"flow pairs":               "[" + strings.Repeat("a: b,", n/5) + "]",
		"flow mappings":            "[" + strings.Repeat("{a: b},", n/7) + "]",
		"no commas":                "[" + strings.Repeat("[a] ", n/4),
		"anchors":                  strings.Repeat("- &a x\n", n/7),
		"aliases":                  "- &a x\n" + strings.Repeat("- *a\n", n/5),
		"anchor after anchor":      strings.Repeat("&a ", n/3),
		"tags":                     strings.Repeat("- !!t x\n", n/8),
		"a long tag":               "!" + strings.Repeat("a", n) + " x",
		"exclamation marks":        strings.Repeat("!", n),
		"plain text on many lines": strings.Repeat("a\n", n/2),
		"empty lines":              "a" + strings.Repeat("\n", n) + "b",
		"empty lines and an end":   "a: b" + strings.Repeat("\n", n) + "c: d",
		"literal lines":            "a: |\n" + strings.Repeat("  x\n", n/4),
		"folded lines":             "a: >\n" + strings.Repeat("  x\n", n/4),
		"empty literal lines":      "a: |+\n" + strings.Repeat("\n", n),
		"literals":                 strings.Repeat("- |\n x\n", n/7),
		"keys":                     strings.Repeat("key: value\n", n/11),
		"explicit keys":            strings.Repeat("? a\n: b\n", n/8),
		"quoted keys":              strings.Repeat("\"a\": 'b'\n", n/9),
		"long keys":                strings.Repeat(strings.Repeat("é", 1000)+": b\n", n/2004),
		"a key too long":           strings.Repeat("k", n) + ": b",
		"key in key":               strings.Repeat("[", 500) + strings.Repeat("x", n) + strings.Repeat("]: 1", 500),
		"nested key in key":        strings.Repeat(strings.Repeat("[", 400)+"é"+strings.Repeat("]: 1", 400)+"\n", n/2000),
		"documents":                strings.Repeat("---\n", n/4),
		"ends":                     "a\n" + strings.Repeat("...\n", n/4),
		"directives":               strings.Repeat("%TAG !a! b\n", n/11),
		"dashes in quotes":         "'" + strings.Repeat("\n --- ", n/6) + "'",
		"questions":                strings.Repeat("?", n),
		"tabs":                     "a:" + strings.Repeat("\t", n) + "b",
		"stairs":                   strings.Repeat(stairs(), max(1, n/len(stairs()))),
	}
}

// stairs are 900 mappings within one another, each indented by one.
func stairs() string {
	var b strings.Builder
	for i := range 900 {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// TestTimeGrowsWithTheLength: twice the text takes about twice the time. A parser that looks at everything once
// more for each part takes hours for these.
func TestTimeGrowsWithTheLength(t *testing.T) {
	const size = 200_000
	twice := hostile(2 * size)
	for name, text := range hostile(size) {
		best := func(text string) time.Duration {
			least := time.Hour
			for range 2 {
				start := time.Now()
				_, _ = yaml.Parse(text)
				least = min(least, time.Since(start))
			}
			return least
		}
		once := best(text)
		if limit := 4*once + 500*time.Millisecond; once > 5*time.Second || best(twice[name]) > limit {
			t.Errorf("%s: %v for %d bytes, and twice of it takes more than %v", name, once, len(text), limit)
		}
		t.Logf("%-26s %v", name, once.Round(10*time.Microsecond))
	}
}
