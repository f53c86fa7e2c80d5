package document

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/placeholder"
)

// maxAliased is how many values aliases may stand for in all: a few lines can otherwise name billions.
const maxAliased = 10_000

// readYAML fills the document from YAML 1.2 as go.yaml.in reads it, one document.
func (r Reader) readYAML(d *Document) diagnostic.List {
	y := yamlReader{
		literal: r.Literal, templates: templates{doc: d, parser: placeholder.Parser{Scope: r.Scope}},
		doc: d, open: map[*yaml.Node]bool{},
	}
	decoder := yaml.NewDecoder(strings.NewReader(d.Source.Text))
	var root, second yaml.Node
	err := decoder.Decode(&root)
	switch {
	case errors.Is(err, io.EOF), err == nil && root.Kind != yaml.DocumentNode:
		y.report(0, "empty", "a document is one mapping")
		return y.problems
	case err != nil:
		y.syntax(err)
		return y.problems
	}
	d.Root = y.node(root.Content[0], 0)
	if err := decoder.Decode(&second); err == nil {
		y.report(d.Source.offset(second.Line, second.Column), "a second document in the file", "one file holds one document; remove what follows ---")
	} else if !errors.Is(err, io.EOF) {
		y.syntax(err)
	}
	return y.problems
}

type yamlReader struct {
	literal   bool // no $ begins a placeholder
	templates templates
	doc       *Document
	aliased   int                 // values made from aliases so far
	inAlias   int                 // aliases being followed now
	open      map[*yaml.Node]bool // anchors being followed now
	problems  diagnostic.List
}

// syntax reports what the parser says; it knows lines, not columns.
func (y *yamlReader) syntax(err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	place := diagnostic.Place{File: y.doc.Source.Name, Line: 1, Col: 1} // it names no line for a fault in the first
	if found := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(text); found != nil {
		place.Line, _ = strconv.Atoi(found[1])
		text = text[len(found[0]):]
		if regexp.MustCompile(`^did not find expected (<document start>|node content|'-' indicator|key|',')`).MatchString(text) {
			place.Line++ // the parser counts from 0, the scanner from 1
		}
		line := y.doc.Source.Text[y.doc.Source.offset(place.Line, 1):]
		place.Col = 1 + len(line) - len(strings.TrimLeft(line, " \t"))
	} else if found := regexp.MustCompile(`^unknown anchor '(.+)' referenced`).FindStringSubmatch(text); found != nil {
		place = y.doc.Place(max(0, strings.Index(y.doc.Source.Text, "*"+found[1])))
	} else if strings.HasPrefix(text, "control characters") {
		place = y.doc.Place(max(0, strings.IndexFunc(y.doc.Source.Text, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\r\n\u0085", r) })))
	}
	y.problems = append(y.problems, diagnostic.Problem{
		Place: place, Severity: diagnostic.Error, Cause: diagnostic.Syntax,
		Text: strings.Join(strings.Fields(text), " "),
		Help: "a text with { } : # or a leading * & ! stands in quotes",
	})
}

func (y *yamlReader) at(n *yaml.Node) int { return y.doc.Source.offset(n.Line, n.Column) }

func (y *yamlReader) node(n *yaml.Node, depth int) *Node {
	out := &Node{At: y.at(n)}
	if depth > MaxDepth {
		y.report(out.At, fmt.Sprintf("nested deeper than %d levels", MaxDepth), "")
		return out
	}
	if y.inAlias > 0 {
		if y.aliased++; y.aliased > maxAliased {
			if y.aliased == maxAliased+1 {
				y.report(out.At, fmt.Sprintf("aliases stand for more than %d values", maxAliased), "write them out")
			}
			return out
		}
	}
	switch n.Kind {
	case yaml.AliasNode:
		return y.alias(n, depth)
	case yaml.MappingNode:
		out.Kind = Object
		y.mapping(out, n, depth)
	case yaml.SequenceNode:
		out.Kind = Array
		for _, item := range n.Content {
			out.Items = append(out.Items, y.node(item, depth+1))
		}
	default:
		y.scalar(out, n)
	}
	return out
}

func (y *yamlReader) alias(n *yaml.Node, depth int) *Node {
	if y.open[n.Alias] {
		y.report(y.at(n), "the alias *"+n.Value+" holds itself", "")
		return &Node{At: y.at(n)}
	}
	y.open[n.Alias] = true
	y.inAlias++
	out := y.node(n.Alias, depth+1)
	y.inAlias--
	delete(y.open, n.Alias)
	return out
}

func (y *yamlReader) mapping(out *Node, n *yaml.Node, depth int) {
	var keys keySet
	var merged []*Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.ShortTag() == "!!merge" {
			merged = append(merged, y.merge(value, depth)...)
			continue
		}
		if key.Kind != yaml.ScalarNode || strings.IndexByte(key.Value, 0) >= 0 {
			y.report(y.at(key), "a key that is no text", "")
			continue
		}
		at := y.at(key)
		if first, twice := keys.first(out.Members, key.Value, at); twice {
			y.report(at, "the key "+Quote(key.Value)+" stands here twice", fmt.Sprintf("first on line %d", y.doc.Source.line(first)))
			continue
		}
		out.Members = append(out.Members, Member{key.Value, at, y.node(value, depth+1)})
	}
	// Keys that stand here win over merged ones, and earlier merges over later.
	for _, from := range merged {
		for _, m := range from.Members {
			if _, known := keys.first(out.Members, m.Key, m.KeyAt); !known {
				out.Members = append(out.Members, m)
			}
		}
	}
}

// merge returns the mappings that << names.
func (y *yamlReader) merge(value *yaml.Node, depth int) []*Node {
	from := y.node(value, depth+1)
	list := []*Node{from}
	if from.Kind == Array {
		list = from.Items
	}
	for _, m := range list {
		if m.Kind != Object {
			y.report(y.at(value), "<< wants a mapping or a list of them", "")
			return nil
		}
	}
	return list
}

func (y *yamlReader) scalar(out *Node, n *yaml.Node) {
	out.Kind, out.Text = String, n.Value
	if strings.IndexByte(n.Value, 0) >= 0 {
		y.report(out.At, "a NUL character in a text", "")
		return
	}
	plain := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	if !y.literal && strings.IndexByte(n.Value, '$') >= 0 {
		problems := y.templates.read(out, inYAML)
		if len(y.problems) <= MaxProblems {
			y.problems = append(y.problems, problems...)
		}
		out.Plain = plain && out.Template != nil && n.Style&yaml.TaggedStyle == 0
		return
	}
	y.typed(out, n)
}

// typed gives a scalar without placeholders the type that YAML gives it.
func (y *yamlReader) typed(out *Node, n *yaml.Node) {
	switch tag := n.ShortTag(); tag {
	case "!!str", "!!timestamp": // a date stays the text that it was
	case "!!null":
		out.Kind, out.Text = Null, ""
	case "!!bool":
		var b bool
		if err := n.Decode(&b); err != nil {
			y.report(out.At, "not true or false: "+Quote(n.Value), "")
			return
		}
		out.Kind, out.Text = Bool, strconv.FormatBool(b)
	case "!!int", "!!float":
		if !IsNumber(n.Value) {
			y.report(out.At, "a number that JSON cannot write: "+Quote(n.Value), "write it in decimal digits, or quote it if it is text")
			return
		}
		out.Kind = Number
	default:
		y.report(out.At, "values of type "+Quote(tag)+" are not supported", "quote it if it is text")
	}
}

func (y *yamlReader) report(at int, text, help string) {
	if len(y.problems) > MaxProblems {
		return
	}
	y.problems = append(y.problems, diagnostic.Problem{
		Place: y.doc.Place(at), Severity: diagnostic.Error, Cause: diagnostic.Syntax, Text: text, Help: help,
	})
}
