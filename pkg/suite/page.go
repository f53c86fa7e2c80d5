package suite

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
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
	css := expr
	if at := strings.LastIndexByte(expr, '@'); at >= 0 && !strings.ContainsAny(expr[at:], `"']`) {
		css, s.attribute = expr[:at], strings.ToLower(expr[at+1:])
	}
	var err error
	if s.compiled, err = cascadia.Compile(css); err != nil {
		r.fail(at, `write h1, .price, "form input[name=csrf]@value"`, "%s is not a CSS selector: %v", quote(expr), err)
	}
	return s
}

// find returns the texts, or the values of the attribute, of the elements that the selector finds.
func (s selector) find(o probe.Observation) ([]any, error) {
	body := BodyText(o)
	page, err := html.Parse(strings.NewReader(body))
	if err != nil || strings.TrimSpace(body) == "" {
		return nil, cmp.Or(err, errors.New("an empty body"))
	}
	var out []any
	size := 0
	for _, n := range s.compiled.MatchAll(page) {
		if s.attribute == "" {
			text := textIn(n)
			if size += len(text); size > maxTexts {
				return nil, errors.New("more text in elements within each other than anybody reads")
			}
			out = append(out, strings.Join(strings.Fields(text), " "))
		}
		for _, a := range n.Attr {
			if s.attribute != "" && a.Key == s.attribute {
				out = append(out, a.Val)
			}
		}
	}
	return out, nil
}

// maxTexts bounds the texts that a selector finds, in bytes: each of 500 elements within each other has the same text.
const maxTexts = 16 << 20

func textIn(n *html.Node) string {
	var text strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			text.WriteString(c.Data)
		}
	}
	return text.String()
}

// AssetsAt is where the page's assets are expected to be there; the zero Pos where they are not.
func (s *Step) AssetsAt() Pos { return s.expect.assetsAt }

// Assets lists the stylesheets, scripts, icons and images that a page names, each once, as links of the page.
func Assets(page probe.Observation) []string {
	var out []string
	base, _ := url.Parse(page.Path) // which answered, and so it is one
	z := html.NewTokenizer(strings.NewReader(BodyText(page)))
	for kind := z.Next(); kind != html.ErrorToken; kind = z.Next() {
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		element, href := linkOf(z.Token())
		u, err := base.Parse(href)
		switch {
		case href == "" || err != nil:
		case element == "base":
			base = u
		default:
			out = append(out, u.String())
		}
	}
	return distinct(out)
}

// linkOf is an element, and its link where that is an asset, or the base of others; or "".
func linkOf(t html.Token) (element, link string) {
	attr := map[string]string{}
	for _, a := range t.Attr {
		attr[a.Key] = strings.TrimSpace(a.Val)
	}
	switch t.Data {
	case "base":
		link = attr["href"]
	case "script", "img":
		link = attr["src"]
	case "link":
		if rel := strings.Fields(strings.ToLower(attr["rel"])); slices.Contains(rel, "stylesheet") || slices.Contains(rel, "icon") {
			link = attr["href"]
		}
	}
	if strings.HasPrefix(link, "data:") || strings.HasPrefix(link, "blob:") {
		return "", ""
	}
	return t.Data, link
}
