package suite

import (
	"cmp"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// maxNesting is how deep a suite's mappings and lists may stand in each other: deeper is not a smoke test.
const maxNesting = 100

// Pos is a place in the suite's file, 1-based; smaller than a diagnostic.Place, as there are many.
type Pos struct{ line, col int32 }

func posOf(n *yaml.Node) Pos { return Pos{int32(n.Line), int32(n.Column)} }

func (p Pos) place(file string) diagnostic.Place {
	return diagnostic.Place{File: file, Line: int(p.line), Col: int(p.col)}
}

// reader walks the document and collects what is wrong with it, all in one go.
type reader struct {
	file     string
	problems diagnostic.List
	// budget is how many more nodes may be looked at: a few aliases of aliases stand for billions of nodes.
	budget int
	broke  bool
	// source is the file's text, lines are its lines, and sought is how much of them places looked at.
	source []byte
	lines  [][]byte
	sought int
	// files are those that the suite may name, missing the names of others.
	files   map[string][]byte
	missing []string
}

func (r *reader) fail(p Pos, help, format string, args ...any) {
	if len(r.problems) < template.MaxProblems {
		text := fmt.Sprintf(format, args...)
		r.problems = append(r.problems, diagnostic.Problem{Place: p.place(r.file), Text: text, Help: help})
	}
}

func (r *reader) warn(p Pos, help, format string, args ...any) {
	if before := len(r.problems); before < template.MaxProblems-1 { // an error must have room
		r.fail(p, help, format, args...)
		r.problems[before].Severity = diagnostic.Warning
	}
}

// resolve returns the node that an alias stands for; nil when the document stands for more than anybody wrote.
func (r *reader) resolve(n *yaml.Node, depth int) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
		depth++
	}
	r.budget--
	if n != nil && r.budget >= 0 && depth <= maxNesting {
		return n
	}
	if !r.broke && n != nil {
		r.broke = true
		r.fail(posOf(n), "write it out, with fewer aliases and levels",
			"the document is nested too deeply or repeats itself too often")
	}
	return nil
}

// pair is one entry of a mapping; the value is resolved.
type pair struct {
	key   string
	at    Pos
	value *yaml.Node
}

// pairs returns the entries of a mapping in order, those of merged mappings last. When known is not
// empty, other keys are problems. What is not a mapping is a problem, and has no entries.
func (r *reader) pairs(n *yaml.Node, what string, known ...string) []pair {
	n = r.resolve(n, 0)
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		help := exampleOf(known)
		switch {
		case help == "" && n.Kind == yaml.SequenceNode:
			help = "write NAME: VALUE on each line, without a -"
		case what == "expect" && n.ShortTag() == "!!null":
			help = "indent what is expected below it; " + help
		}
		r.fail(posOf(n), help, "%s must be a mapping, not %s", what, describe(n))
		return nil
	}
	out := r.collect(n, 0)
	if len(known) == 0 {
		return out
	}
	return kept(out, func(p pair) bool {
		if slices.Contains(known, p.key) {
			return true
		}
		r.fail(p.at, r.keyHelp(p, what, known, out), "unknown key %s in %s", quote(p.key), what)
		return false
	})
}

// row is a key that a mapping may have, and what reads its entry.
type row struct {
	key  string
	read func(p pair)
}

// entries reads the entries of a mapping in order, those of merged mappings last, and returns their keys.
func (r *reader) entries(n *yaml.Node, what string, keys []row) []string {
	known := list(keys, func(k row) string { return k.key })
	return list(r.pairs(n, what, known...), func(p pair) string {
		keys[slices.Index(known, p.key)].read(p)
		return p.key
	})
}

// keyHelp is the help for an unknown key; all are the entries of its mapping.
func (r *reader) keyHelp(p pair, what string, known []string, all []pair) string {
	expected := slices.ContainsFunc(r.expectKeys(nil), func(k row) bool { return k.key == p.key })
	if expected && slices.ContainsFunc(all, func(o pair) bool { return o.key == "expect" && o.value.ShortTag() == "!!null" }) {
		return "indent it below expect:"
	}
	if what == "this expectation" && !slices.Contains(known, "type") && meant(p.key) == "" {
		return "for a body of JSON, write json: {$." + quoteless(p.key) + ": …}; " + exampleOf(known)
	}
	return suggest(p.key, known)
}

// collect returns the entries of a mapping, resolved, and then those of the mappings merged into it.
func (r *reader) collect(n *yaml.Node, depth int) []pair {
	all, seen := make([]pair, 0, len(n.Content)/2), map[string]bool{}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := r.resolve(n.Content[i], depth), r.resolve(n.Content[i+1], depth)
		switch {
		case k == nil || v == nil:
			return all
		case k.ShortTag() == "!!merge":
			merged = append(merged, r.oneOrMore(v, "<<")...)
		case k.Kind != yaml.ScalarNode:
			r.fail(posOf(k), "", "a key must be a single word, not %s", describe(k))
		case seen[k.Value]:
			r.fail(posOf(k), "keep one of them", "the key %s stands here twice", quote(k.Value))
		default:
			seen[k.Value] = true
			all = append(all, pair{k.Value, posOf(k), v})
		}
	}
	for _, m := range merged {
		if m = r.resolve(m, depth+1); m != nil && m.Kind != yaml.MappingNode {
			r.fail(posOf(m), "", "only a mapping can be merged with <<, not %s", describe(m))
		} else if m != nil {
			all = append(all, slices.DeleteFunc(r.collect(m, depth+1), func(p pair) bool {
				twice := seen[p.key]
				seen[p.key] = true
				return twice
			})...)
		}
	}
	return all
}

// items returns the elements of a list, resolved. What is not a list is a problem, and has no elements.
func (r *reader) items(n *yaml.Node, what string) []*yaml.Node {
	if n = r.resolve(n, 0); n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.fail(posOf(n), "", "%s must be a list, not %s", what, describe(n))
		return nil
	}
	out := list(n.Content, func(c *yaml.Node) *yaml.Node { return r.resolve(c, 0) })
	return kept(out, func(c *yaml.Node) bool { return c != nil })
}

// oneOrMore returns the elements of a list, resolved, or the one node that is none.
func (r *reader) oneOrMore(n *yaml.Node, what string) []*yaml.Node {
	if n.Kind == yaml.SequenceNode {
		return r.items(n, what)
	}
	return []*yaml.Node{n}
}

// single returns a node that must be a single value other than null, or nil.
func (r *reader) single(n *yaml.Node, what string) *yaml.Node {
	if n = r.resolve(n, 0); n == nil {
		return nil
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		r.fail(posOf(n), "", "%s must be a text, not %s", what, describe(n))
		return nil
	}
	return n
}

// scalar returns the text of a node that must be a single value, and holds no variable.
func (r *reader) scalar(n *yaml.Node, what string) (string, bool) {
	if n = r.single(n, what); n == nil {
		return "", false
	}
	return r.literal(n.Value, posOf(n), what, `write the text itself; "$${" is the text "${"`)
}

// word returns the text of an entry that must be a single value, or "".
func (r *reader) word(p pair) string {
	s, _ := r.scalar(p.value, p.key)
	return s
}

// template returns the text of a node that must be a single value, with the variables in it.
func (r *reader) template(n *yaml.Node, what string) (text, bool) {
	if n = r.single(n, what); n == nil {
		return text{}, false
	}
	return r.text(n.Value, posOf(n))
}

func (r *reader) boolean(n *yaml.Node, what string) bool {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!bool" {
		return strings.EqualFold(n.Value, "true")
	}
	r.fail(posOf(n), "write true or false", "%s must be true or false, not %s", what, describe(n))
	return false
}

// integer returns a whole number between the bounds, or low.
func (r *reader) integer(n *yaml.Node, what string, low, high int) int {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!int" {
		if i, err := strconv.Atoi(n.Value); err == nil && i >= low && i <= high {
			return i
		}
		r.fail(posOf(n), "", "%s must be between %d and %d, not %s", what, low, high, quote(n.Value))
		return low
	}
	help := "write a number, such as " + strconv.Itoa(max(low, 1))
	if _, err := strconv.Atoi(n.Value); err == nil {
		help = "write " + n.Value + " without quotes"
	}
	r.fail(posOf(n), help, "%s must be a whole number, not %s", what, describe(n))
	return low
}

func (r *reader) oneOf(n *yaml.Node, what string, allowed ...string) string {
	s, ok := r.scalar(n, what)
	if !ok || slices.Contains(allowed, s) {
		return s
	}
	r.fail(posOf(n), suggest(s, allowed), "%s must be %s, not %s", what, either(allowed), quote(s))
	return ""
}

// describe says what stands there instead, and quotes a text; kindName quotes nothing.
func describe(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
		return quote(n.Value)
	}
	return kindName(n)
}

func kindName(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.ShortTag() == "!!null":
		return "nothing"
	}
	return "a text"
}

// list is what is made of each.
func list[T, U any](all []T, of func(T) U) []U {
	out := make([]U, len(all))
	for i, one := range all {
		out[i] = of(one)
	}
	return out
}

// kept are those of them for which keep holds.
func kept[T any](all []T, keep func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(all), func(one T) bool { return !keep(one) })
}

// distinct are they without repetitions, in their order.
func distinct(all []string) []string {
	seen := map[string]bool{}
	return kept(all, func(one string) bool {
		again := seen[one]
		seen[one] = true
		return !again
	})
}

func quote(s string) string { return redact.Quote(s) }

func either(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// suggest is the help for a word that is not one of the known ones.
func suggest(word string, known []string) string {
	if near, ok := diagnostic.Nearest(word, known); ok {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return cmp.Or(meant(word), exampleOf(known))
}

// meanings are, line by line, words that other tools for the same work have, and what to write instead.
//
//go:embed meant.txt
var meanings string

// meant says what somebody most likely meant by a key or word that a suite does not know, or "".
func meant(word string) string {
	known := strings.ToLower(strings.ReplaceAll(word, "-", "_"))
	for line := range strings.Lines(meanings) {
		words, help, _ := strings.Cut(strings.TrimSpace(line), " = ")
		if slices.Contains(strings.Fields(words), known) {
			return help
		}
	}
	if key, value, ok := strings.Cut(word, ":"); ok && key != "" && value != "" {
		return "write a blank behind the colon: " + quoteless(key+": "+value)
	}
	return ""
}

func exampleOf(known []string) string {
	if len(known) == 0 {
		return ""
	}
	return "known here: " + strings.Join(known, ", ")
}
