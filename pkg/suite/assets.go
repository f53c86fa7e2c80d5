package suite

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/greenlight-ecs/greenlight/pkg/probe"
)

// WantsAssets reports whether the page's assets are expected to be there.
func (s *Step) WantsAssets() bool { return s.expect.assetsAt != (Pos{}) }

// AssetsAt is where the assets of the page are expected.
func (s *Step) AssetsAt() Pos { return s.expect.assetsAt }

// Assets lists the stylesheets, scripts, icons and images that a page names, each once, as links of the page.
func Assets(page probe.Observation) []string {
	var out []string
	seen := map[string]bool{}
	base, _ := url.Parse(page.Path) // which answered, and so it is one
	z := html.NewTokenizer(strings.NewReader(BodyText(page)))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return out
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		element, href := linkOf(z.Token())
		u, err := base.Parse(href)
		switch {
		case href == "" || err != nil:
		case element == "base":
			base = u
		case !seen[u.String()]:
			seen[u.String()] = true
			out = append(out, u.String())
		}
	}
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
