package template

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
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
	if len(y.open) > 0 {
		if y.aliased++; y.aliased > maxAliased {
			if y.aliased == maxAliased+1 {
				y.report(out.At, fmt.Sprintf("aliases stand for more than %d values", maxAliased), "write them out")
			}
			return out
		}
	}
	if t := tag(n); t != "" && // its meaning would be lost silently
		(n.Kind == yaml.MappingNode && t != "!!map" || n.Kind == yaml.SequenceNode && t != "!!seq") {
		y.unsupported(out.At, t)
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
	out := y.node(n.Alias, depth+1)
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
			from := y.node(value, depth+1)
			list := []*Node{from}
			if from.Kind == Array {
				list = from.Items
			}
			if slices.ContainsFunc(list, func(m *Node) bool { return m.Kind != Object }) {
				y.report(y.at(value), "<< wants a mapping or a list of them", "")
			} else {
				merged = append(merged, list...)
			}
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

// failed is the problem at the first place where the text is not YAML.
func (p yamlPlaces) failed(err error) diagnostic.Problem {
	e, ok := errors.AsType[*yaml.LoadError](err)
	if !ok {
		return syntaxProblem(p.source.Place(0), err.Error(), "")
	}
	s := slip{text: p.source.Text, at: p.offset(e.Mark.Line, e.Mark.Column)}
	s.begin = p.offset(e.ContextMark.Line, e.ContextMark.Column)
	s.line = 1 + strings.LastIndexAny(s.text[:s.at], "\r\n")
	if !s.near() && !s.known(e.Message) {
		s.said, s.help = e.Message, e.ContextMsg
	}
	return syntaxProblem(p.source.Place(s.at), s.said, s.help)
}

// slip looks for what a person got wrong. The library may have stopped a line after it.
type slip struct {
	text string
	// at is the byte where the library stopped, begin where what it was reading began, line where at's line begins.
	at, begin, line int
	said, help      string
}

func (s *slip) is(at int, said, help string) bool {
	s.at, s.said, s.help = at, said, help
	return true
}

var (
	noBreakSpace = regexp.MustCompile("(?m)^[^#'\"\n]*?[:-](\u00A0)")
	tightColon   = regexp.MustCompile(`(?m)^ *(?:- +)*[A-Za-z_][\w.-]*(:)[^\s:/]`)
)

// near looks for a slip in the two lines that end where the library stopped.
func (s *slip) near() bool {
	rest, from := s.text[s.at:], 1+strings.LastIndexByte(strings.TrimRight(s.text[:s.line], "\r\n "), '\n')
	above := s.text[from:s.at]
	before := strings.TrimRight(above, " ")
	if quote := strings.LastIndexAny(before, `"'`); quote >= 0 && quote == len(before)-1 {
		closing := from + quote
		if open := strings.LastIndexByte(s.text[:closing], s.text[closing]); open >= 0 &&
			strings.ContainsAny(s.text[open:closing], "\r\n") {
			return s.is(open, "not closed: "+s.text[open:open+1], "close it on the line where it begins")
		}
	}
	if strings.HasPrefix(rest, "\t") {
		return s.is(s.at, "a tab in the indentation", "indent with spaces")
	}
	if rest != "" && strings.Contains("@`%", rest[:1]) {
		return s.is(s.at, "a text cannot begin with "+rest[:1], "put it in quotes")
	}
	if m := noBreakSpace.FindStringSubmatchIndex(above); m != nil {
		return s.is(from+m[2], "a non-breaking space", "replace it with an ordinary one")
	}
	if m := tightColon.FindStringSubmatchIndex(above); m != nil {
		return s.is(from+m[2], "no space after this colon", "write KEY: VALUE; a text with a colon in it stands in quotes")
	}
	return false
}

// known replaces the library's message by one of ours.
func (s *slip) known(message string) bool {
	before, rest := s.text[s.line:s.at], s.text[s.at:]
	anchor, isAnchor := strings.CutPrefix(message, "unknown anchor '")
	is := func(part string) bool { return strings.Contains(message, part) }
	switch {
	case is("control characters"):
		at := max(0, strings.IndexFunc(s.text, func(r rune) bool {
			return r < ' ' && !strings.ContainsRune("\t\r\n", r) || r >= 0x7F && r < 0xA0 && r != 0x85
		}))
		return s.is(at, "a control character", `a text with it stands in double quotes, as \u…`)
	case is("end of stream"):
		return s.is(s.begin, "not closed: "+s.text[s.begin:s.begin+1], "close it on the line where it begins")
	case is("expected ',' or"):
		closing := map[byte]string{'[': "]", '{': "}"}[s.text[s.begin]]
		if rest == "" {
			return s.is(s.begin, "not closed: "+s.text[s.begin:s.begin+1], "its "+closing+" is missing")
		}
		help := "a text with , : [ ] { } in it stands in quotes"
		if s.begin < s.line {
			help += fmt.Sprintf("; or is the %s missing, for the %c of line %d?", closing, s.text[s.begin],
				1+strings.Count(s.text[:s.begin], "\n"))
		}
		return s.is(s.at, "a , or "+closing+" should stand here", help)
	case isAnchor:
		return s.is(s.at, `unknown anchor "`+strings.TrimSuffix(anchor, "' referenced")+`"`,
			"a text that begins with * stands in quotes")
	case is("expected ':'"):
		return s.is(s.begin, "a : is missing after this key",
			"write KEY: VALUE; a line that goes on is indented by more than its key")
	}
	here := func(when bool, part, said, help string) bool { return when && is(part) && s.is(s.at, said, help) }
	behind := strings.TrimLeft(before, " ") != ""
	item := strings.HasPrefix(rest, "-")
	less := s.begin < s.line && len(before) > s.begin-1-strings.LastIndexAny(s.text[:s.begin], "\r\n")
	return here(true, "exceeded max depth", fmt.Sprintf("nested deeper than %d levels", MaxDepth), "") ||
		here(true, "alphabetic or numeric character", "an anchor or alias without a name",
			"a text that begins with & or * stands in quotes") ||
		here(strings.Contains(before, ": "), "mapping values are not allowed", "a second : on this line",
			"a text that ends with a colon, or has one before a space, stands in quotes") ||
		here(true, "mapping values are not allowed", "a : after a text of several lines",
			"does this line go on with the one above? then its colon stands in quotes; else it is indented too far") ||
		here(true, "unknown escape", "an unknown escape", `\\ is a backslash; in single quotes it is one by itself`) ||
		here(true, "sequence entries are not allowed", "a list begins on a line of its own", "") ||
		here(true, "expected comment or line break", "text after | or >",
			"the text begins on the next line; a text that begins with | or > stands in quotes") ||
		here(true, "expected node content", "a value or key is missing here", `an empty text is ""`) ||
		here(behind && (is("expected key") || is("expected '-'")), "", "text after a value",
			"a text with quotes, brackets or a # in it stands in quotes as a whole") ||
		here(item, "expected key", "a list item among the keys of a mapping", "indent it below its key") ||
		here(true, "expected key", "a key should stand here",
			"write KEY: VALUE; is its indentation that of the keys above?") ||
		here(less && !item, "expected '-'", "this line is indented less than the other keys of its list item",
			"indent it as they are") ||
		here(true, "expected '-'", "the next item of the list should stand here", "it begins with - and a space") ||
		here(true, "expected <document start>", "text after the end of the document",
			"is its indentation that of the lines above?")
}
