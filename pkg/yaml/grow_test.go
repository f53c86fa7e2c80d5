package yaml_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// grower writes documents by chance, most of them good ones.
type grower struct{ *rand.Rand }

func (g grower) pick(s ...string) string { return s[g.IntN(len(s))] }

// end ends a line, now and then with more than that.
func (g grower) end() string {
	if g.IntN(3) > 0 {
		return "\n"
	}
	return g.pick(" # c\n", "\n\n", "\n  # c: d\n", "\n  \n", "\n# c\n\n", "\t# c\n")
}

func (g grower) props() string {
	if g.IntN(3) > 0 {
		return ""
	}
	return g.pick("&x ", "!!str ", "&y !t ", "!t  &x ")
}

// word is a scalar on one line.
func (g grower) word() string {
	return g.pick("a", "b", "c", "d", "true", "12", "-1", "x y", "'it''s'", `"a\n\u00e9 \"b\" "`, "*x ", "http://a/b#c", "é:ü", "?x", "a#b", "''", "<<")
}

// text is a scalar in a collection at the column.
func (g grower) text(col int) string {
	next := "\n" + strings.Repeat(" ", col+1+g.IntN(2))
	switch g.IntN(8) {
	case 0:
		return "one" + next + "two \t" + next + "\n" + next + "three"
	case 1:
		return "'one " + next + "two" + next + "\n" + next + "three'"
	case 2:
		return "\"one \\" + next + "two\\ " + next + "\\tx\\\n" + next + "three\""
	case 3:
		return g.literal(col)
	}
	return g.word()
}

func (g grower) literal(col int) string {
	hint := g.pick("", "", "1", "2", "3")
	n := 1 + g.IntN(3)
	if hint != "" {
		n, _ = strconv.Atoi(hint)
	}
	indent := strings.Repeat(" ", max(col, 0)+n)
	s := g.pick("|", ">") + hint + g.pick("", "-", "+") + g.pick("", " ", " # c")
	for range g.IntN(6) {
		s += "\n" + g.pick("", "", " ", indent, indent+"  ", indent+"text", indent+"a: b", indent+"# x", indent+"  more", indent+"\ttab", indent+"- x ")
	}
	return s
}

func (g grower) flow(depth int) string {
	if depth <= 0 || g.IntN(3) == 0 {
		return g.props() + g.word()
	}
	mapping := g.IntN(2) == 0
	var parts []string
	for range g.IntN(4) {
		part := g.flow(depth - 1)
		if mapping || g.IntN(5) == 0 {
			part = g.props() + g.word() + g.pick(": ", " : ", ":", ":  ", ":\n ", ":\n") + part
		}
		parts = append(parts, part)
	}
	s := g.pick("", " ", "\n ") + strings.Join(parts, g.pick(",", ", ", ",\n", " ,\n  ", "\n, ", ", # c\n"))
	if len(parts) > 0 {
		s += g.pick("", "", ",", " , ")
	}
	if s += g.pick("", " ", "\n ", "\n"); mapping {
		return "{" + s + "}"
	}
	return "[" + s + "]"
}

// value is a node behind the - or : of a collection at the column. Where compact is set, a collection may begin
// on the same line.
func (g grower) value(col, depth int, compact bool) string {
	switch {
	case depth <= 0 || g.IntN(3) == 0:
		return " " + g.props() + g.text(col)
	case g.IntN(5) == 0:
		return " " + g.props() + g.flow(2)
	case g.IntN(8) == 0:
		return strings.TrimRight(" "+g.props(), " ")
	case compact && g.IntN(2) == 0:
		blanks := 1 + g.IntN(3)
		return strings.Repeat(" ", blanks) + g.collection(col+1+blanks, depth-1)
	}
	indent := strings.Repeat(" ", col+1+g.IntN(3))
	props := g.props()
	if props != "" && g.IntN(3) == 0 {
		props = g.end() + indent + props
	}
	return strings.TrimRight(" "+props, " ") + g.end() + indent + g.collection(len(indent), depth-1)
}

func (g grower) collection(col, depth int) string {
	indent := strings.Repeat(" ", col)
	mapping := g.IntN(3) > 0
	var s []string
	for range 1 + g.IntN(3) {
		switch {
		case !mapping:
			s = append(s, "-"+g.value(col, depth, true))
		case g.IntN(8) == 0:
			s = append(s, g.word()+":\n"+indent+"-"+g.value(col, depth, true)+"\n"+indent+"-"+g.value(col, depth, true))
		case g.IntN(8) == 0:
			s = append(s, "?"+g.value(col, depth, true)+"\n"+indent+":"+g.value(col, depth, true))
		default:
			s = append(s, g.props()+g.word()+g.pick(":", ":", " :")+g.value(col, depth, false))
		}
	}
	return strings.Join(s, g.end()+indent)
}

func (g grower) document() string {
	s := g.pick("", "", "", "# c\n", "---\n", "%YAML 1.1\n---\n", "\uFEFF") +
		g.pick("- &x 1\n- &y 2\n- "+g.collection(2, 4), "x: &x 1\ny: &y {}\nz:"+g.value(0, 5, false)) +
		g.pick("", "\n", "\n...\n", "\n# c", "\n---\n")
	if g.IntN(10) == 0 {
		s = strings.ReplaceAll(s, "\n", g.pick("\r", "\r\n"))
	}
	return s
}

// change breaks a document in a place or two.
func (g grower) change(s string) string {
	for range 1 + g.IntN(2) {
		r := []rune(s)
		k := g.IntN(len(r) + 1)
		s = string(r[:k]) + g.pick("", " ", "\n", ":", "-", "a", "#", "'", "\"", "[", "]", "{", "}", ",", "\t", "&", "*", "|", "?", "!", "\n ", "\n\n", ": ", "- ", "\\", "\r", "\n---\n") + string(r[min(len(r), k+g.IntN(3)):])
	}
	return s
}

// parts are what a text by pure chance is made of.
func (g grower) soup() string {
	var b strings.Builder
	for range 1 + g.IntN(9) {
		b.WriteString(g.pick("a", "b", "a: ", "b: ", "\"c\": ", "'d': ", "- ", "- ", "\n", "\n", "\n", "\n  ", "\n  ", "\n ", "\n    ", "  ", " ", "? ", ": ", ":", "'", "'", "\"", "\"", "[", "]", "{", "}", ", ", ",", "#", " #c",
			"&x ", "&y ", "*x", "*x ", "!t ", "!!str ", "|", "|-", ">+", ">", ">1", "|2-", "\t", "\n\t", "\n---\n", "\n--- ", "\n...\n", "%", "\\n", "\\", "1", "-", "é", "\r\n", "\r", "x y", "\\u00e9", "!", "&", "*", "?", "@", "`", "http://x", "a#b",
			"\n\n", " \n", "\n- ", "\n- ", "\n  - ", "\na: ", "\n  b: ", "|\n  ", ">\n  ", "|-\n    "))
	}
	return b.String()
}

func TestGrownDocumentsAreReadAsTheLibraryReadsThem(t *testing.T) {
	const rounds = 3000 // of 200,000 all were read alike, too
	g := grower{rand.New(rand.NewPCG(1, 2))}
	grown, changed, soups := 0, 0, 0
	count := func(n *int, text string) {
		if holdAgainstTheLibrary(t, text) {
			*n++
		}
	}
	for range rounds {
		text := g.document()
		count(&grown, text)
		count(&changed, g.change(text))
		count(&soups, g.soup())
		if t.Failed() {
			break
		}
	}
	if grown < rounds/4 {
		t.Errorf("only %d of %d documents are read", grown, rounds)
	}
	t.Logf("of %d each, %d grown, %d changed and %d of chance are read", rounds, grown, changed, soups)
}

// FuzzLikeTheLibrary: what we read, v3 reads, and alike; what we refuse, it refuses, but for what is known.
func FuzzLikeTheLibrary(f *testing.F) {
	i := 0
	everyDocument(func(text string) {
		if i++; i%50 == 0 {
			f.Add(text)
		}
	})
	g := grower{rand.New(rand.NewPCG(3, 4))}
	for range 200 {
		f.Add(g.document())
	}
	f.Fuzz(func(t *testing.T, text string) { holdAgainstTheLibrary(t, text) })
}
