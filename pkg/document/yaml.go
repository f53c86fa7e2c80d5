package document

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/placeholder"
	"github.com/greenlight-ecs/greenlight/pkg/yaml"
)

// maxAliased is how many values aliases may stand for in all: a few lines can otherwise name billions.
const maxAliased = 10_000

// readYAML fills the document from YAML.
func (r Reader) readYAML(d *Document) diagnostic.List {
	y := yamlReader{
		literal: r.Literal, anyNumber: r.AnyNumber, templates: templates{doc: d, parser: placeholder.Parser{Scope: r.Scope}},
		doc: d, open: map[*yaml.Node]bool{},
	}
	root, err := yaml.Parse(d.Source.Text)
	switch {
	case err != nil:
		y.report(err.At, err.Text, err.Help)
	case root == nil:
		y.report(0, "empty", "a document is one mapping")
	default:
		d.Root = y.node(root, 0)
	}
	return y.problems
}

type yamlReader struct {
	literal   bool // no $ begins a placeholder
	anyNumber bool
	templates templates
	doc       *Document
	aliased   int                 // values made from aliases so far
	inAlias   int                 // aliases being followed now
	open      map[*yaml.Node]bool // anchors being followed now
	problems  diagnostic.List
}

func (y *yamlReader) node(n *yaml.Node, depth int) *Node {
	out := &Node{At: n.At}
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
	case yaml.Alias:
		return y.alias(n, depth)
	case yaml.Mapping:
		out.Kind = Object
		y.tagged(n, "!!map")
		y.mapping(out, n, depth)
	case yaml.Sequence:
		out.Kind = Array
		y.tagged(n, "!!seq")
		for _, item := range n.Content {
			out.Items = append(out.Items, y.node(item, depth+1))
		}
	default:
		y.scalar(out, n)
	}
	return out
}

// tagged reports a tag of a mapping or sequence that is not its own: what it means would be lost in silence.
func (y *yamlReader) tagged(n *yaml.Node, own string) {
	if n.Tag != "" && n.Tag != own {
		y.unsupported(n.At, n.Tag)
	}
}

func (y *yamlReader) alias(n *yaml.Node, depth int) *Node {
	if y.open[n.Target] {
		y.report(n.At, "the alias *"+n.Text+" holds itself", "")
		return &Node{At: n.At}
	}
	y.open[n.Target] = true
	y.inAlias++
	out := y.node(n.Target, depth+1)
	y.inAlias--
	delete(y.open, n.Target)
	return out
}

func (y *yamlReader) mapping(out *Node, n *yaml.Node, depth int) {
	keys := keySet{}
	var merged []*Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.Scalar && key.Plain && key.Text == "<<" && key.Tag == "" {
			merged = append(merged, y.merge(value, depth)...)
			continue
		}
		if key.Kind != yaml.Scalar || strings.IndexByte(key.Text, 0) >= 0 {
			y.report(key.At, "a key that is no text", "")
			continue
		}
		if first, twice := keys.first(key.Text, key.At); twice {
			y.report(key.At, "the key "+Quote(key.Text)+" stands here twice", fmt.Sprintf("first on line %d", y.doc.Source.line(first)))
			continue
		}
		out.Members = append(out.Members, Member{key.Text, key.At, y.node(value, depth+1)})
	}
	// Keys that stand here win over merged ones, and earlier merges over later.
	for _, from := range merged {
		for _, m := range from.Members {
			if _, known := keys.first(m.Key, m.KeyAt); !known {
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
			y.report(value.At, "<< wants a mapping or a list of them", "")
			return nil
		}
	}
	return list
}

func (y *yamlReader) scalar(out *Node, n *yaml.Node) {
	out.Kind, out.Text = String, n.Text
	if strings.IndexByte(n.Text, 0) >= 0 {
		y.report(out.At, "a NUL character in a text", "")
		return
	}
	if !y.literal && strings.IndexByte(n.Text, '$') >= 0 {
		problems := y.templates.read(out, inYAML, n.TextAt)
		if len(y.problems) <= MaxProblems {
			y.problems = append(y.problems, problems...)
		}
		out.Plain = n.Plain && out.Template != nil && n.Tag == ""
		return
	}
	y.typed(out, n)
}

// typed gives a scalar without placeholders the type that YAML gives it.
func (y *yamlReader) typed(out *Node, n *yaml.Node) {
	tag := n.Tag
	if tag == "" && n.Plain {
		tag = tagOf(n.Text)
	}
	switch tag {
	case "", "!!str", "!!timestamp": // a date stays the text that it was
	case "!!null":
		out.Kind, out.Text = Null, ""
	case "!!bool":
		switch strings.ToLower(n.Text) {
		case "true", "false":
			out.Kind, out.Text = Bool, strings.ToLower(n.Text)
		default:
			y.report(out.At, "not true or false: "+Quote(n.Text), "")
		}
	case "!!int", "!!float":
		if !IsNumber(n.Text) && (!y.anyNumber || tagOf(n.Text) != tag) {
			y.report(out.At, "a number that JSON cannot write: "+Quote(n.Text), "write it in decimal digits, or quote it if it is text")
			return
		}
		out.Kind = Number
	default:
		y.unsupported(out.At, tag)
	}
}

func (y *yamlReader) unsupported(at int, tag string) {
	y.report(at, "values of type "+Quote(tag)+" are not supported", "quote it if it is text")
}

// tagOf is the type that YAML gives a text without quotes; "" for a text.
func tagOf(s string) string {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return "!!null"
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return "!!bool"
	case ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF":
		return "!!float"
	}
	if c := s[0]; c < '0' && c != '+' && c != '-' && c != '.' || c > '9' {
		return ""
	}
	digits := s
	if s[0] != '.' {
		digits = strings.ReplaceAll(s, "_", "") // YAML 1.1 allows them everywhere else
	}
	if _, err := strconv.ParseInt(digits, 0, 64); err == nil {
		return "!!int"
	}
	if _, err := strconv.ParseUint(digits, 0, 64); err == nil {
		return "!!int"
	}
	if isFloat(digits) {
		return "!!float"
	}
	return ""
}

// isFloat reports whether s is a number with or without a point and an exponent, in decimal digits.
func isFloat(s string) bool {
	s = strings.TrimLeft(s[:min(1, len(s))], "+-") + s[min(1, len(s)):]
	mantissa, exponent, scientific := s, "", false
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent, scientific = s[:i], s[i+1:], true
	}
	if scientific {
		exponent = strings.TrimLeft(exponent[:min(1, len(exponent))], "+-") + exponent[min(1, len(exponent)):]
		if !isDigits(exponent) {
			return false
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	return isDigits(whole) && (fraction == "" || isDigits(fraction)) || whole == "" && isDigits(fraction)
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func (y *yamlReader) report(at int, text, help string) {
	if len(y.problems) > MaxProblems {
		return
	}
	y.problems = append(y.problems, diagnostic.Problem{
		Place: y.doc.Place(at), Severity: diagnostic.Error, Cause: diagnostic.Syntax, Text: text, Help: help,
	})
}
