package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

var update = flag.Bool("update", false, "write the generated parts of the README")

// node is what is read of the schema.
type node struct {
	Description string
	Default     any
	Ref         string `json:"$ref"`
	Enum        []any
	Properties  keys
	AnyOf       []node
	Items       *node
	Defs        map[string]node `json:"$defs"`
}

// keys are properties in the order of the file.
type keys struct {
	names []string
	of    map[string]node
}

func (k *keys) UnmarshalJSON(text []byte) error {
	dec := json.NewDecoder(strings.NewReader(string(text)))
	_, _ = dec.Token()
	k.of = map[string]node{}
	for dec.More() {
		name, _ := dec.Token()
		var n node
		if err := dec.Decode(&n); err != nil {
			return err
		}
		k.names = append(k.names, name.(string))
		k.of[name.(string)] = n
	}
	return nil
}

// TestTheReadmeSaysWhatTheSchemaKnows compares the generated parts of the README with the schema and the cookbook.
func TestTheReadmeSaysWhatTheSchemaKnows(t *testing.T) {
	var root node
	if err := json.Unmarshal(suite.Schema(), &root); err != nil {
		t.Fatal(err)
	}
	part := regexp.MustCompile(`(?s)(<!-- ([\w/.]+): generated -->\n).*?(<!-- end -->)`)
	shown := readFile(t, "README.md")
	want := part.ReplaceAllStringFunc(shown, func(old string) string {
		m := part.FindStringSubmatch(old)
		text := ""
		switch m[2] {
		case "keys":
			text = keyTable(root)
		default:
			text = "```yaml\n" + readFile(t, m[2]) + "```\n"
		}
		return m[1] + text + m[3]
	})
	if *update {
		if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != shown {
		t.Error("README.md is not what is generated: go test ./buildtools/smoke -run TestTheReadme -update writes it")
	}
}

func keyTable(root node) string {
	text := "| | | default |\n| --- | --- | --- |\n"
	told := root.Defs["check"].Properties.of // a step has them, too
	var add func(prefix string, n node)
	add = func(prefix string, n node) {
		for _, name := range n.Properties.names {
			k := n.Properties.of[name]
			if _, twice := told[name]; twice && prefix == "steps[]." {
				continue
			}
			said, value := k.Description, k.Default
			of, isRef := root.Defs[strings.TrimPrefix(k.Ref, "#/$defs/")]
			if said == "" {
				said = of.Description
			}
			if value == nil {
				value = of.Default
			}
			var words []string
			for _, w := range append(slices.Clone(k.Enum), of.Enum...) {
				if word := fmt.Sprint(w); !slices.Contains(words, word) {
					words = append(words, word)
				}
			}
			if len(words) > 0 {
				said += " " + strings.Join(words, ", ") + "."
			}
			shown := ""
			if value != nil {
				shown = "`" + fmt.Sprint(value) + "`"
			}
			text += fmt.Sprintf("| `%s%s` | %s | %s |\n", prefix, name, strings.ReplaceAll(said, "|", "\\|"), shown)
			if !isRef {
				add(prefix+name+".", k)
			}
			for _, a := range k.AnyOf {
				add(prefix+name+".", a)
			}
		}
	}
	add("", root)
	for _, def := range []string{"check", "step", "expect", "jsonRule", "comparison", "watchLog"} {
		prefix := map[string]string{
			"check": "checks[].", "step": "steps[].", "expect": "expect.", "jsonRule": "", "comparison": "compare[].", "watchLog": "watch.logs[].",
		}[def]
		n := root.Defs[def]
		for _, a := range n.AnyOf {
			n.Properties.names = append(n.Properties.names, a.Properties.names...)
			if n.Properties.of == nil {
				n.Properties.of = a.Properties.of
			}
		}
		add(prefix, n)
	}
	return text
}
