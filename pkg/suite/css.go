package suite

import (
	"strings"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"

	"github.com/greenlight-ecs/greenlight/pkg/probe"
)

// selector finds elements of a page: a CSS selector, whose texts are meant, or SELECTOR@ATTRIBUTE.
type selector struct {
	expr      string
	compiled  cascadia.Selector
	attribute string
}

func (r *reader) selector(expr string, at Pos) selector {
	s := selector{expr: expr}
	css, attribute, _ := strings.Cut(expr, "@")
	s.attribute = strings.ToLower(attribute)
	var err error
	if s.compiled, err = cascadia.Compile(css); err != nil {
		r.fail(at, `write h1, .price, "form input[name=csrf]@value"`, "%s is not a CSS selector: %v", quote(expr), err)
	}
	return s
}

// find returns the texts, or the values of the attribute, of the elements that the selector finds.
func (s selector) find(o probe.Observation) []any {
	page, err := html.Parse(strings.NewReader(bodyText(o)))
	if err != nil || s.compiled == nil {
		return nil
	}
	var out []any
	for _, n := range s.compiled.MatchAll(page) {
		if s.attribute == "" {
			out = append(out, strings.Join(strings.Fields(textIn(n)), " "))
		}
		for _, a := range n.Attr {
			if s.attribute != "" && a.Key == s.attribute {
				out = append(out, a.Val)
			}
		}
	}
	return out
}

func textIn(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	text := ""
	for c := range n.ChildNodes() {
		text += textIn(c)
	}
	return text
}
