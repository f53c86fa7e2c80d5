package suite_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// A label or a setting may name a secret or a list of passwords where a suite should be; the reader's messages
// go to a log.
func TestOfWhatIsNotASuiteNothingIsQuoted(t *testing.T) {
	for name, text := range map[string]string{
		"a word":                    "pa55word",
		"a word in quotes":          `"pa55word"`,
		"lines":                     "root:x:0:0:pa55word:/root\nuser:pa55word:1:1\n",
		"a list":                    "[pa55word]",
		"a number":                  "55",
		"a secret in JSON":          `{"username": "pa55word", "pa55word": 1}`,
		"a database's secret":       `{"username": "pa55word", "password": "pa55word", "host": "pa55word/x", "name": ["pa55word"]}`,
		"the same key twice":        `{"pa55word": 1, "pa55word": 2}`,
		"a key with a variable":     `{"a${pa55word}": 1, "b${pa55 word}": 2}`,
		"a key that is a list":      "? [pa55word]\n: 1",
		"merged":                    "<<: {pa55word: 1}",
		"merged with a word":        "<<: pa55word",
		"an alias":                  "*pa55word",
		"an alias with a quote":     "*pa55word'x",
		"an alias in a mapping":     "a: *pa55word\nb: 1",
		"an anchor":                 "&pa55word",
		"an alias of itself":        "&pa55word [*pa55word]",
		"a tag":                     "!pa55word x",
		"a tag of the library":      "!!int pa55word",
		"a tag of a mapping":        "!!pa55word {pa55word: 1}",
		"a handle":                  "!pa55word!x y",
		"an open tag":               "!<pa55word",
		"a directive":               "%pa55word\n--- x",
		"a wrong version":           "%YAML pa55word\n--- x",
		"a wrong tag directive":     "%TAG pa55word x\n--- x",
		"an escape":                 `"\pa55word"`,
		"an open quote":             `"pa55word`,
		"an open bracket":           "[pa55word, {pa55word",
		"a block":                   "|pa55word\n x",
		"a tab":                     "a:\n\tpa55word: 1",
		"a character":               "@pa55word",
		"a control character":       "pa55word\x01",
		"no UTF-8":                  "pa55word\xff",
		"a wrong indentation":       "pa55word:\n  a: 1\n pa55word: 2",
		"a second document":         "pa55word\n---\npa55word",
		"a second, broken document": "version: 1\n---\n*pa55word",
		"binary":                    "!!binary pa55word",
	} {
		t.Run(name, func(t *testing.T) {
			suite, problems := suite.Read(suite.Source{Name: "s.yaml", Text: []byte(text)})
			if suite != nil || len(problems) == 0 {
				t.Fatalf("is accepted: %v", problems)
			}
			for _, p := range problems {
				if told := fmt.Sprintf("%s %s", p.Text, p.Help); strings.Contains(told, "55") {
					t.Errorf("%s: %s", p.Place, told)
				}
			}
		})
	}
}

func TestAMisspeltKeyOfASuiteIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"version: 1\ncheks: []\n":    `unknown key "cheks" in the suite`,
		"checks: []\nvariabels: x\n": `unknown key "variabels" in the suite`,
	} {
		_, problems := suite.Read(suite.Source{Name: "s.yaml", Text: []byte(text)})
		if !strings.Contains(fmt.Sprint(problems), want) {
			t.Errorf("%q: %v, want %s", text, problems, want)
		}
	}
}
