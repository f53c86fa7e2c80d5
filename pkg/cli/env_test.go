package cli_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
)

func TestRead(t *testing.T) {
	for text, want := range map[string]map[string]string{
		"A=b":                        {"A": "b"},
		"A=":                         {"A": ""},
		"\uFEFFA=b\r\nB=c\r\n":       {"A": "b", "B": "c"},
		"# c\n\n  A = no":            nil,
		"  export A=b":               {"A": "b"},
		"export\tA=b":                {"A": "b"},
		"exportA=b":                  {"exportA": "b"},
		"A=b # comment":              {"A": "b"},
		"A=b#no comment":             {"A": "b#no comment"},
		"A=#fff":                     nil,
		"A= # comment":               {"A": ""},
		"A='#fff' # comment":         {"A": "#fff"},
		"A=x y  ":                    {"A": "x y"},
		"A=b=c=d":                    {"A": "b=c=d"},
		"A=$B ${C} $(d) `e`":         {"A": "$B ${C} $(d) `e`"},
		`A="b # c"`:                  {"A": "b # c"},
		`A="b" # c`:                  {"A": "b"},
		`A='b\n$C'`:                  {"A": `b\n$C`},
		`A="b\n\t\"\\\$\q"`:          {"A": "b\n\t\"\\$\\q"},
		"A=\"b\nc\"\nD=e":            {"A": "b\nc", "D": "e"},
		"A='b\nc'\nD=e":              {"A": "b\nc", "D": "e"},
		"A=\"b\\\nc\"":               {"A": "bc"},
		"A=it's":                     {"A": "it's"},
		"DB=SuperSecretPGSqlPwd##20": {"DB": "SuperSecretPGSqlPwd##20"},
	} {
		got, problems := cli.ReadEnv("x.env", text)
		if want == nil {
			if len(problems) == 0 {
				t.Errorf("%q was read as %v", text, got)
			}
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" || len(problems) > 0 {
			t.Errorf("%q: %v %s", text, problems, diff)
		}
	}
}

func TestProblemsHavePlacesAndNoValues(t *testing.T) {
	for text, want := range map[string]string{
		"A=b\nhunter2":          "x.env:2:1: want KEY=VALUE with a KEY of letters, digits and _, and no space before the =",
		"\n  hun-ter2=x":        "x.env:2:3: want KEY=VALUE with a KEY of letters, digits and _, and no space before the =",
		"A=\"hunter2":           "x.env:1:3: a quote is not closed",
		"A='\n\nhunter2":        "x.env:1:3: a quote is not closed",
		"A=\"x\" hunter2":       "x.env:1:7: text behind the closing quote",
		"A=\"ü\n\"x\"hunter2\"": "x.env:2:2: text behind the closing quote",
		"A=hunter2\nA=hunter2":  "x.env:2:1: A stands here twice",
		"A=#hunter2":            "x.env:1:3: a # right behind the =",
		"A=\xffhunter2":         "x.env:1:3: not UTF-8",
		"A=b\nB=\x00":           "x.env:2:3: a NUL byte",
		"=hunter2":              "x.env:1:1: want KEY=VALUE with a KEY of letters, digits and _, and no space before the =",
		"9A=hunter2":            "x.env:1:1: want KEY=VALUE with a KEY of letters, digits and _, and no space before the =",
	} {
		_, problems := cli.ReadEnv("x.env", text)
		if len(problems) != 1 {
			t.Errorf("%q: %v, want one problem", text, problems)
			continue
		}
		if got := problems[0].Place.String() + ": " + problems[0].Text; got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
		if strings.Contains(fmt.Sprintf("%+v", problems), "hunter2") {
			t.Errorf("%q: a value is shown: %+v", text, problems)
		}
	}
}

// FuzzRead: nothing panics, no message spans lines, and what is written in single quotes is read as it is.
func FuzzRead(f *testing.F) {
	f.Add("A=b\n", "value")
	f.Add("export A=\"x\\\n\"", "a\nb")
	f.Fuzz(func(t *testing.T, text, value string) {
		_, problems := cli.ReadEnv("x", text)
		for _, p := range problems {
			if strings.ContainsAny(p.Text+p.Help, "\n\r") || p.Line < 1 {
				t.Errorf("%q: %+v", text, p)
			}
		}
		if strings.ContainsAny(value, "'\x00") {
			return
		}
		got, problems := cli.ReadEnv("x", "# c\nA='"+value+"' # c\nB=c")
		if len(problems) > 0 {
			return // not UTF-8
		}
		if got["A"] != value || got["B"] != "c" {
			t.Errorf("%q was read as %q", value, got)
		}
	})
}
