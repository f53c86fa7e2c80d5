package template

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
)

// Reader reads documents.
type Reader struct {
	// Literal says that the document has no placeholders: every $ is text.
	Literal bool
	// Plain says that a document in JSON has no comments, because whoever reads it next takes none. YAML has its own.
	Plain bool
	// AnyNumber keeps a number that only YAML knows, such as 0x50, for callers that have a better message of their own.
	AnyNumber bool
	// Scope says which names are variables; nil means every name.
	Scope Scope
}

// Read reads a document, and returns what it understood of it with all problems that it met. The language
// is the name's (.yaml, .yml, .json, .jsonc), else what the text begins with.
func (r Reader) Read(name, text string) (*Document, diagnostic.List) {
	d := &Document{Root: &Node{}, Source: Source{Name: name, Text: text}}
	if len(text) > MaxSize {
		return d, diagnostic.List{{
			Place: diagnostic.Place{File: name}, Cause: diagnostic.File, Text: fmt.Sprintf("longer than %d bytes", MaxSize),
		}}
	}
	if p, ok := Readable(&d.Source); !ok {
		return d, diagnostic.List{p}
	}
	both := reader{Reader: r, doc: d}
	if isYAML(name, text) {
		y := yamlReader{reader: both}
		y.document()
		return d, y.problems
	}
	s := scanner{reader: both, text: text}
	d.Root = s.document()
	return d, s.problems
}

// reader is what both languages need: the document, and the problems met so far.
type reader struct {
	Reader
	doc      *Document
	problems diagnostic.List
	dead     bool // the structure is lost, or there are too many problems: no more is reported
}

func (r *reader) report(at int, text, help string) {
	if !r.dead {
		r.problems = noted(r.problems, syntaxProblem(r.doc.Place(at), text, help))
		r.dead = len(r.problems) > MaxProblems
	}
}

// twice reports a key that stands in one object for the second time, and else notes where it stands.
func (r *reader) twice(keys map[string]int, key string, at int) bool {
	first, twice := keys[key]
	if twice {
		r.report(at, "the key "+Quote(key)+" stands here twice", fmt.Sprintf("first on line %d", r.doc.Source.Place(first).Line))
	} else {
		keys[key] = at
	}
	return twice
}

// noted appends a problem; beyond MaxProblems it only notes that there are more.
func noted(l diagnostic.List, p diagnostic.Problem) diagnostic.List {
	if len(l) == MaxProblems {
		p.Text, p.Help = "more problems than are listed", ""
	}
	if len(l) > MaxProblems {
		return l
	}
	return append(l, p)
}

// origin sets the Origin of a node whose text has placeholders and begins at textAt in the source. A text that has no
// placeholder after all, only $$ or a lone $, becomes an ordinary one, with $$ replaced by $.
func (r *reader) origin(n *Node, textAt int) {
	p := parser{scope: r.Scope, text: n.Text}
	parsed := p.parse()
	if len(p.faults) == 0 && len(parsed.references()) == 0 {
		n.Text, _ = parsed.expand(nil)
		return
	}
	n.Origin = &Origin{phrase: parsed, Source: n.Text, textAt: textAt}
	for _, f := range p.faults {
		r.report(r.doc.offsetIn(n, f.at), f.text, f.help)
	}
}

// Readable looks for bytes that no document may have, invalid UTF-8 and NUL, and reports whether there are none.
func Readable(s *Source) (bad diagnostic.Problem, ok bool) {
	at, text, help := strings.IndexByte(s.Text, 0), "a NUL byte", "save the file as UTF-8 text"
	if !utf8.ValidString(s.Text) {
		text, help = "not UTF-8", "save the file as UTF-8"
		for i, r := range s.Text {
			if at = i; r == utf8.RuneError && !strings.HasPrefix(s.Text[i:], "\uFFFD") {
				break
			}
		}
	}
	if at < 0 {
		return bad, true
	}
	return syntaxProblem(s.Place(at), text, help), false
}

// isYAML tells YAML from JSON: by the name's ending, else by the first character that is not a comment's.
func isYAML(name, text string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".yaml", ".yml":
		return true
	case ".json", ".jsonc":
		return false
	}
	text = strings.TrimLeft(strings.TrimPrefix(text, bom), " \t\r\n")
	return text != "" && text[0] != '{' && text[0] != '[' && !strings.HasPrefix(text, "//") &&
		!strings.HasPrefix(text, "/*")
}

// offsetIn returns where in the source the byte of a template's text stands. Quotes, folds and escapes move characters
// about, but each $ stays one: they are counted. What is no $ has the place of the text.
func (d *Document) offsetIn(n *Node, at int) int {
	o := n.Origin
	switch {
	case n.At < 0:
		return n.At
	case !strings.HasPrefix(o.Source[at:], "$"):
		return o.textAt
	}
	c := &d.cursor
	if c.node != n || at < c.at {
		c.node, c.at, c.raw = n, -1, o.textAt-1
	}
	for range strings.Count(o.Source[c.at+1:at+1], "$") {
		c.raw += 1 + strings.IndexByte(d.Source.Text[c.raw+1:], '$')
	}
	c.at = at
	return c.raw
}

// Source is a text with a name, which turns byte offsets into lines and columns.
type Source struct {
	Name string
	Text string
	// blocks holds the place of each block's first byte. It is computed when the first place is asked for; a document
	// without problems never needs it.
	blocks []diagnostic.Place
}

// block is the most bytes that are counted through to find a place: a hostile file may be one line of 10 MB with a
// problem at every character, and must not take quadratic time.
const block = 1024

// Place returns the line and column (in characters) of a byte offset.
func (s *Source) Place(at int) diagnostic.Place {
	at = min(max(at, 0), len(s.Text))
	if s.blocks == nil {
		begin := diagnostic.Place{File: s.Name, Line: 1, Col: 1}
		if strings.HasPrefix(s.Text, bom) {
			begin.Col = 0 // an editor shows no column for it
		}
		s.blocks = append(make([]diagnostic.Place, 0, 1+len(s.Text)/block), begin)
		for i := block; i <= len(s.Text); i += block {
			s.blocks = append(s.blocks, behind(s.blocks[i/block-1], s.Text[i-block:i]))
		}
	}
	place := behind(s.blocks[at/block], s.Text[at/block*block:at])
	place.Col = max(1, place.Col)
	return place
}

// behind is the place behind a text, which may itself begin or end within a character.
func behind(p diagnostic.Place, text string) diagnostic.Place {
	if last := strings.LastIndexByte(text, '\n'); last >= 0 {
		p.Line, p.Col = p.Line+strings.Count(text, "\n"), 1
		text = text[last+1:]
	}
	for i := range len(text) {
		if utf8.RuneStart(text[i]) {
			p.Col++
		}
	}
	return p
}

// bom is the byte order mark that some editors put first.
const bom = "\uFEFF"
