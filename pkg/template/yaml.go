package template

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
)

// MaxYAML is the most bytes of YAML that are read: the library makes up to 900 bytes of garbage of each.
const MaxYAML = 500_000

// maxAliased is how many values aliases may stand for in all: a few lines can otherwise name billions.
const maxAliased = 10_000

// document reads the one document of the text.
func (y *yamlReader) document() {
	if len(y.doc.Source.Text) > MaxYAML {
		help := fmt.Sprintf("write it as JSON, of which %d are read", MaxSize)
		y.report(0, fmt.Sprintf("longer than %d bytes, and YAML", MaxYAML), help)
		return
	}
	y.open, y.yamlPlaces = map[*yaml.Node]bool{}, placesIn(&y.doc.Source)
	switch first, second, wrong := ParseYAML(&y.doc.Source); {
	case wrong != nil:
		y.problems = wrong
	case first == nil:
		y.report(0, "empty", "a document is one mapping")
	case second != nil:
		y.report(y.at(second), "a second document in the file", "one file holds one document; remove what follows ---")
	default:
		y.doc.Root = y.node(first, 0)
	}
}

// ParseYAML parses a text into the library's nodes: the content of the first document and, when there is one, the
// second document; both are nil for an empty text. A text that is not YAML gives one problem, with its place and the
// right form. Aliases are not bounded; size is bounded by MaxSize only, and depth by the library's 10,000.
func ParseYAML(src *Source) (first, second *yaml.Node, wrong diagnostic.List) {
	// A document may come from anywhere, and a parser that panics on it must not end the program.
	defer func() {
		if recover() != nil {
			first, second, wrong = nil, nil, diagnostic.List{syntaxProblem(src.Place(0), "the parser gave up", "")}
		}
	}()
	if bad, ok := Readable(src); !ok {
		return nil, nil, diagnostic.List{bad}
	}
	loader, err := yaml.NewLoader(strings.NewReader(src.Text))
	var docs [2]yaml.Node
	for i := range docs {
		if err == nil {
			err = loader.Load(&docs[i])
		}
		switch {
		case errors.Is(err, io.EOF) && i == 0 || err == nil && len(docs[i].Content) == 0:
			return nil, nil, nil
		case errors.Is(err, io.EOF):
			return docs[0].Content[0], nil, nil
		case err != nil:
			return nil, nil, diagnostic.List{placesIn(src).failed(err)}
		}
	}
	return docs[0].Content[0], &docs[1], nil
}

// yamlPlaces turns the YAML library's lines and columns into bytes of the source.
type yamlPlaces struct {
	source *Source
	chars  []int // where each character begins, and the text ends
	lines  []int // the first character of each of the library's lines
}

func placesIn(src *Source) yamlPlaces {
	p := yamlPlaces{src, make([]int, 0, len(src.Text)+1), []int{0}}
	for i, r := range src.Text { // more characters end a line for the library than for an editor
		p.chars = append(p.chars, i)
		crlf := r == '\r' && strings.HasPrefix(src.Text[i+1:], "\n")
		if strings.ContainsRune("\r\n\u0085\u2028\u2029", r) && !crlf {
			p.lines = append(p.lines, len(p.chars))
		}
	}
	if strings.HasPrefix(src.Text, bom) {
		p.lines[0] = 1
	}
	p.chars = append(p.chars, len(src.Text))
	return p
}

func syntaxProblem(at diagnostic.Place, text, help string) diagnostic.Problem {
	return diagnostic.Problem{Place: at, Cause: diagnostic.Syntax, Text: text, Help: help}
}

type yamlReader struct {
	reader
	yamlPlaces
	aliased int                 // values made from aliases so far
	inAlias int                 // aliases being followed now
	open    map[*yaml.Node]bool // anchors being followed now
}

// at is the byte at which a node begins, with its anchor or tag where it has one.
func (p yamlPlaces) at(n *yaml.Node) int { return p.offset(n.Line, n.Column) }

// offset is the byte of a place of the library's; 0 where it knows none.
func (p yamlPlaces) offset(line, column int) int {
	switch {
	case line < 1:
		return 0
	case line > len(p.lines):
		return len(p.source.Text)
	}
	return p.chars[min(p.lines[line-1]+max(0, column-1), len(p.chars)-1)]
}

// tag is a node's tag as it was written, or "".
func tag(n *yaml.Node) string {
	if n.Style&yaml.TaggedStyle == 0 {
		return ""
	}
	return n.Tag
}

// isPlain reports whether a scalar has neither quotes nor a block mark (| or >), so that its text decides its type.
func isPlain(n *yaml.Node) bool { return n.Style&^yaml.TaggedStyle == 0 }

// beforeText is what stands before a scalar's text: anchor and tag, the quote, the line of its | or >.
var beforeText = regexp.MustCompile(`^(?:[&!]\S*\s+)*(?:["']|[|>][^\r\n]*\r?\n?)?`)

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
		y.tagged(n, "!!map")
		y.mapping(out, n, depth)
	case yaml.SequenceNode:
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

// tagged reports a tag of a mapping or sequence other than the standard one: its meaning would be lost silently.
func (y *yamlReader) tagged(n *yaml.Node, own string) {
	if t := tag(n); t != "" && t != own {
		y.unsupported(y.at(n), t)
	}
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
	keys := map[string]int{} // where each stands
	var merged []*Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch keyAt := y.at(key); {
		case key.Kind == yaml.ScalarNode && isPlain(key) && key.Value == "<<" && tag(key) == "":
			merged = append(merged, y.merge(value, depth)...)
		case key.Kind != yaml.ScalarNode || strings.IndexByte(key.Value, 0) >= 0:
			y.report(keyAt, "a key that is not text", "write KEY: VALUE; a text that begins with ?, [ or { stands in quotes")
		case !y.twice(keys, key.Value, keyAt):
			out.Members = append(out.Members, Member{key.Value, keyAt, y.node(value, depth+1)})
		}
	}
	// Keys that stand here win over merged ones, and earlier merges over later.
	for _, from := range merged {
		for _, m := range from.Members {
			if _, known := keys[m.Key]; !known {
				keys[m.Key] = m.KeyAt
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
	if !y.Literal && strings.IndexByte(n.Value, '$') >= 0 {
		y.origin(out, out.At+len(beforeText.FindString(y.doc.Source.Text[out.At:])))
		out.Plain = isPlain(n) && out.Origin != nil && tag(n) == ""
		return
	}
	y.typed(out, n)
}

// typed gives a scalar without placeholders the type that YAML gives it.
func (y *yamlReader) typed(out *Node, n *yaml.Node) {
	switch t := n.ShortTag(); t {
	case "", "!!str", "!!merge", "!!timestamp": // a date stays the text that it was
	case "!!null":
		out.Kind, out.Text = Null, ""
	case "!!bool":
		switch strings.ToLower(n.Value) {
		case "true", "false":
			out.Kind, out.Text = Bool, strings.ToLower(n.Value)
		default:
			y.report(out.At, "not true or false: "+Quote(n.Value), "")
		}
	case "!!int", "!!float":
		if !IsNumber(n.Value) && (!y.AnyNumber || tag(n) != "") {
			y.report(out.At, "a number that JSON cannot write: "+Quote(n.Value),
				"write it in decimal digits, or quote it if it is text")
			return
		}
		out.Kind = Number
	default:
		y.unsupported(out.At, t)
	}
}

func (y *yamlReader) unsupported(at int, tag string) {
	y.report(at, "values of type "+Quote(tag)+" are not supported", "quote it if it is text")
}
