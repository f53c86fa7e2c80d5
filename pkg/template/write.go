package template

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// JSON is the tree as a person reads it: indented by two spaces, keys in their order, numbers as they were written.
func (n *Node) JSON() []byte {
	var b bytes.Buffer
	compact := n.Compact()
	if json.Indent(&b, compact, "", "  ") != nil { // nested deeper than it goes
		b.Write(compact)
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// Compact is the tree as JSON without white space.
func (n *Node) Compact() []byte {
	var b bytes.Buffer
	n.write(&b)
	return b.Bytes()
}

func (n *Node) write(b *bytes.Buffer) {
	comma := func(i int) {
		if i > 0 {
			b.WriteByte(',')
		}
	}
	switch n.Kind {
	case Object:
		b.WriteByte('{')
		for i, m := range n.Members {
			comma(i)
			quote(b, m.Key)
			b.WriteByte(':')
			m.Value.write(b)
		}
		b.WriteByte('}')
	case Array:
		b.WriteByte('[')
		for i, item := range n.Items {
			comma(i)
			item.write(b)
		}
		b.WriteByte(']')
	case String:
		quote(b, n.Text)
	case Number, Bool:
		b.WriteString(n.Text)
	default:
		b.WriteString("null")
	}
}

// quote writes s, which is UTF-8, as a JSON string.
func quote(b *bytes.Buffer, s string) {
	b.WriteByte('"')
	_, _ = escapes().WriteString(b, s) // a buffer takes everything
	b.WriteByte('"')
}

// escapes are what JSON demands and no more: encoding/json escapes U+2028 too, and AWS counts the bytes.
var escapes = sync.OnceValue(func() *strings.Replacer { //nolint:gochecknoglobals // made once
	pairs := []string{`"`, `\"`, `\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`} // the first of two for one wins
	for c := range ' ' {
		pairs = append(pairs, string(c), fmt.Sprintf(`\u%04x`, c))
	}
	return strings.NewReplacer(pairs...)
})

// DropNull removes every null: DescribeTaskDefinition prints them, and RegisterTaskDefinition refuses them.
func (n *Node) DropNull() {
	n.Walk(func(n *Node) {
		n.Members = slices.DeleteFunc(n.Members, func(m Member) bool { return m.Value.Kind == Null })
		n.Items = slices.DeleteFunc(n.Items, func(item *Node) bool { return item.Kind == Null })
	})
}
