package suite

import (
	"strings"

	"golang.org/x/net/html"

	"github.com/greenlight-ecs/greenlight/pkg/probe"
)

// WantsAssets reports whether the page's assets are expected to be there.
func (s *Step) WantsAssets() bool { return s.expect.assetsAt != (Pos{}) }

// AssetsAt is where the assets of the page are expected.
func (s *Step) AssetsAt() Pos { return s.expect.assetsAt }

// Assets lists the stylesheets, scripts, icons and images that a page names, each once and as it names them.
func Assets(page probe.Observation) []string {
	var out []string
	seen := map[string]bool{}
	z := html.NewTokenizer(strings.NewReader(bodyText(page)))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return out
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		if link := assetOf(z.Token()); link != "" && !seen[link] {
			seen[link] = true
			out = append(out, link)
		}
	}
}

// assetOf is the link of an element that is an asset, or "".
func assetOf(t html.Token) string {
	attr := map[string]string{}
	for _, a := range t.Attr {
		attr[a.Key] = strings.TrimSpace(a.Val)
	}
	link := ""
	switch t.Data {
	case "script", "img":
		link = attr["src"]
	case "link":
		if rel := strings.Fields(strings.ToLower(attr["rel"])); len(rel) > 0 && (rel[0] == "stylesheet" || rel[0] == "icon") {
			link = attr["href"]
		}
	}
	if strings.HasPrefix(link, "data:") || strings.HasPrefix(link, "blob:") {
		return ""
	}
	return link
}
