// Package template reads a text with places and placeholders into a document: a tree of values that remembers what a
// map forgets, which are the order of keys, the text of numbers, and the place of every key and value. It reads JSON,
// JSON with comments and YAML, puts values in the place of ${…}, and writes JSON.
//
// JSON is read by a scanner of our own: encoding/json knows neither comments, nor a ${CPU} outside of strings, nor
// places, nor duplicate keys. YAML is read by go.yaml.in/yaml/v4 and not v3: its errors have an exact place, where v3's
// have no column and are often a line off. It makes up to 900 bytes of garbage for each byte that is read; hence
// MaxYAML. Its unclear messages are replaced in one place, for everybody who reads YAML (ParseYAML).
//
// It knows nothing of what the document means. It refuses input that readers understand in different ways (duplicate
// keys, invalid UTF-8, NUL, lone surrogates), and what is nested deeper than MaxDepth or longer than MaxSize or
// MaxYAML. A value is never expanded a second time, and no message holds a value.
package template

import (
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
)

// MaxSize is the most bytes that are read; a task definition may have 64 KiB.
const MaxSize = 10_000_000

// MaxProblems is how many problems of one kind are listed; a hostile file has millions.
const MaxProblems = 1000

// MaxDepth is the deepest nesting that is read; ECS's own fields end at 6.
const MaxDepth = 1000

// Kind is what a value is.
type Kind uint8

// The kinds. The zero value is Null, which the renderers drop.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// A is the kind with its article, for messages.
func (k Kind) A() string {
	return [...]string{"null", "a boolean", "a number", "a string", "a list", "an object"}[k]
}

// Node is one value.
type Node struct {
	Kind Kind
	// Plain marks a YAML scalar without quotes, with a placeholder: its field decides its type, and As or Settle sets it.
	Plain bool
	// At is where the value begins: a byte offset in the source, or, below zero, one of the document's flags.
	At int
	// Text is a string's value, a number as it was written, "true" or "false".
	Text string
	// Origin is set where the value holds, or held, placeholders.
	Origin *Origin
	// Members are an object's, in the order of the source; Items a list's.
	Members []Member
	Items   []*Node
}

// Member is a key of an object with its value.
type Member struct {
	Key   string
	KeyAt int
	Value *Node
}

// Show returns the key as a message may show it: one that came in the value of a ${json:…} is not shown.
func (m *Member) Show() string {
	// Everything in the value of a ${json:…} has the same place.
	if o := m.Value.Origin; o != nil && o.WholeJSON() && m.KeyAt == m.Value.At {
		return "from " + Quote(o.Source)
	}
	return Quote(m.Key)
}

// Label is Show without quotes.
func (m *Member) Label() string { return strings.ReplaceAll(m.Show(), `"`, "") }

// Origin is the text of a value before its placeholders were expanded.
type Origin struct {
	// Source is the text as it was written, for messages: a value never stands in one.
	Source string
	// Expanded says that the node's Text is the result; Unknown that there is none, and that this was reported.
	Expanded, Unknown bool
	// Shell says that what reads the text later has variables of its own, which a $$ would leave to it.
	Shell  bool
	phrase phrase
	// textAt is where the text begins in the source, after its quote or another mark.
	textAt int
	// bare says that the placeholder stands outside of quotes in JSON.
	bare bool
}

// WholeJSON reports whether the value is one ${json:NAME} and nothing else.
func (o *Origin) WholeJSON() bool {
	return len(o.phrase) == 1 && o.phrase[0].ref != nil && o.phrase[0].ref.json
}

// Get returns the value of a key, or nil. The node may be nil or not an object.
func (n *Node) Get(key string) *Node {
	if m := n.Member(key); m != nil {
		return m.Value
	}
	return nil
}

// Member returns the member with the key, or nil. The node may be nil or not an object.
func (n *Node) Member(key string) *Member {
	if n == nil {
		return nil
	}
	for i := range n.Members {
		if n.Members[i].Key == key {
			return &n.Members[i]
		}
	}
	return nil
}

// Set gives a key a value, at its old place among the members or at their end.
func (n *Node) Set(key string, value *Node) {
	if m := n.Member(key); m != nil {
		m.Value, m.KeyAt = value, value.At
		return
	}
	n.Members = append(n.Members, Member{key, value.At, value})
}

// Delete removes a key.
func (n *Node) Delete(key string) {
	n.Members = slices.DeleteFunc(n.Members, func(m Member) bool { return m.Key == key })
}

// Walk calls visit for the node, and then for every one below it that is still there.
func (n *Node) Walk(visit func(*Node)) {
	visit(n)
	for i := range n.Members {
		n.Members[i].Value.Walk(visit)
	}
	for _, item := range n.Items {
		item.Walk(visit)
	}
}

// From marks a whole value with its source: a flag, or the placeholder that it replaces.
func (n *Node) From(at int, origin *Origin) {
	n.Walk(func(n *Node) {
		n.At, n.Origin = at, origin
		for i := range n.Members {
			n.Members[i].KeyAt = at
		}
	})
}

// Str returns a string's text; "" for nil and for everything else.
func (n *Node) Str() string {
	if n == nil || n.Kind != String {
		return ""
	}
	return n.Text
}

// List returns a list's items; none for nil and for everything else.
func (n *Node) List() []*Node {
	if n == nil {
		return nil
	}
	return n.Items
}

// Show returns a scalar as a message may show it: quoted and capped, and as its template where it came from a variable.
func (n *Node) Show() string {
	switch {
	case n == nil:
		return "nothing"
	case n.Origin != nil:
		return Quote(n.Origin.Source)
	case n.At < 0:
		return "the value given" // a flag's value may be a secret
	case n.Kind == String:
		return Quote(n.Text)
	case n.Kind == Number, n.Kind == Bool:
		return capped(n.Text)
	}
	return map[Kind]string{Null: "null", Array: "list", Object: "object"}[n.Kind]
}

// Label is Show for a place that has its own quotes or needs none, such as a command line in a help text.
func (n *Node) Label() string { return strings.Trim(n.Show(), `"`) }

// Unknown reports whether the node's value could not be made; the reason has been reported.
func (n *Node) Unknown() bool { return n != nil && n.Origin != nil && n.Origin.Unknown }

func (n *Node) unknown() {
	n.Kind, n.Text, n.Origin.Unknown = String, n.Origin.Source, true
}

// Secretive reports whether the value came from a variable or a flag, so that no message may show it.
func (n *Node) Secretive() bool { return n.Origin != nil || n.At < 0 }

// Document is a tree with its source.
type Document struct {
	Root   *Node
	Source Source
	// Flags are the flags that made nodes which are in no file: a node with At == -1 came from Flags[0].
	Flags []string

	// cursor remembers where offsetIn was: one text may hold a million references, and their places come in order. at is
	// the last $ in the node's text, raw the same in the source.
	cursor struct {
		node    *Node
		at, raw int
	}
}

// FromFlag returns the At of nodes that the flag (with its dashes) made.
func (d *Document) FromFlag(flag string) int {
	if i := slices.Index(d.Flags, flag); i >= 0 {
		return -i - 1
	}
	d.Flags = append(d.Flags, flag)
	return -len(d.Flags)
}

// Place returns the place that an At stands for.
func (d *Document) Place(at int) diagnostic.Place {
	if at < 0 {
		return diagnostic.Place{Flag: d.Flags[-at-1]}
	}
	return d.Source.Place(at)
}

// Quote shows foreign text in a message: quoted, on one line, capped.
func Quote(s string) string { return `"` + Unquoted(s) + `"` }

// Unquoted is Quote without the quotes.
func Unquoted(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(diagnostic.OneLine(capped(s)))
}

// capped cuts s at the length that a message shows, between two characters.
func capped(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
