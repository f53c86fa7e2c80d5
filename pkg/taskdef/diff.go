package taskdef

import (
	"cmp"
	_ "embed" // what means nothing
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// Difference is one thing in which a task definition differs from another one.
type Difference struct {
	// Path is where it is: containerDefinitions[web].environment[LOG_LEVEL].
	Path string
	// Old and New are values as JSON; "" stands for one that is not there. What looks like a secret is replaced.
	Old, New string
	// Place is that of the new value; the beginning of the file for one that is gone.
	Place diagnostic.Place
}

// Hidden stands for a value that looks like a secret.
const Hidden = `"(looks like a secret)"`

// Differences compares what two task definitions mean to ECS: the order of what has names, what ECS fills in, and what
// only DescribeTaskDefinition prints are no difference. Both are rendered ones; an empty text is none.
func Differences(old, name, text string) ([]Difference, diagnostic.List) {
	before, _, problems := meaning("the running task definition", cmp.Or(old, "{}"))
	if len(problems) > 0 {
		return nil, problems
	}
	after, doc, problems := meaning(name, text)
	if len(problems) > 0 {
		return nil, problems
	}
	var all []Difference
	paths := slices.AppendSeq(slices.Collect(maps.Keys(before)), maps.Keys(after))
	slices.Sort(paths)
	for _, path := range slices.Compact(paths) {
		was, is := before[path], after[path]
		if was.text != is.text {
			all = append(all, Difference{path, was.shown(path), is.shown(path), doc.Place(is.at)})
		}
	}
	return all, nil
}

// leaf is one value of a task definition.
type leaf struct {
	text string
	at   int
}

// meaning reads a task definition into its values by path, without those that ECS would fill in.
func meaning(name, text string) (map[string]leaf, *template.Document, diagnostic.List) {
	doc, problems := template.Reader{Literal: true}.Read(name, text)
	if len(problems) > 0 {
		return nil, nil, problems
	}
	root := unwrap(doc.Root, nil)
	normalise(root)
	root.Delete("family") // it is the same, or it was asked for
	m := meant{values: map[string]leaf{}, identity: regexp.MustCompile(`\[[^]]*\]`)}
	mode := root.Get("networkMode").Str()
	m.sameHostPort = mode == "awsvpc" || mode == "host"
	for unit, size := range map[string]*template.Node{"vcpu": root.Get("cpu"), "gb": root.Get("memory")} {
		if n, ok := quantity(size, unit); ok {
			size.Text = strconv.Itoa(n)
		}
	}
	m.object("", root)
	return m.values, doc, nil
}

type meant struct {
	values map[string]leaf
	// identity is what stands in brackets of a path.
	identity *regexp.Regexp
	// sameHostPort says that a container's port is the host's, too.
	sameHostPort bool
}

func (m *meant) object(path string, n *template.Node) {
	for _, member := range n.Members {
		m.value(strings.TrimPrefix(path+"."+member.Key, "."), member.Key, member.Value)
	}
}

func (m *meant) value(path, key string, n *template.Node) {
	name := meaningOf()[key+"[]"]
	switch {
	case n.Kind == template.Object:
		m.object(path, n)
		return
	case n.Kind != template.Array:
		if text := string(n.Compact()); text != meaningOf()[m.identity.ReplaceAllString(path, "")] {
			m.values[path] = leaf{text, n.At}
		}
		return
	case name == "" || slices.ContainsFunc(n.Items, func(item *template.Node) bool { return item.Kind != template.Object }):
		if key == "requiresCompatibilities" || key == "add" || key == "drop" || key == "permissions" {
			slices.SortFunc(n.Items, func(a, b *template.Node) int { return strings.Compare(a.Text, b.Text) })
		}
		n.Walk(func(n *template.Node) {
			slices.SortFunc(n.Members, func(a, b template.Member) int { return strings.Compare(a.Key, b.Key) })
		})
		if len(n.Items) > 0 {
			m.values[path] = leaf{string(n.Compact()), n.At}
		}
		return
	}
	for i, item := range n.Items {
		id := cmp.Or(item.Get(name), item.Get(name+"Range"), &template.Node{Text: strconv.Itoa(i)}) // a range of ports
		m.item(path, id.Text, item)
	}
}

// item is an item of a list whose order means nothing.
func (m *meant) item(path, id string, item *template.Node) {
	if port := item.Get("hostPort"); port != nil && (port.Text == "0" || m.sameHostPort && port.Text == id) {
		item.Delete("hostPort")
	}
	if protocol := item.Get("protocol").Str(); protocol != "" && protocol != "tcp" {
		id += "/" + protocol
	}
	at := path + "[" + id + "]"
	for _, pair := range []string{"value", "valueFrom"} {
		if value := item.Get(pair); value != nil && len(item.Members) == 2 {
			m.values[at] = leaf{string(value.Compact()), value.At}
			return
		}
	}
	m.object(at, item)
}

// meaningText holds the defaults by their paths and, with [] behind a list's name, what identifies its items.
//
//go:embed meaning.txt
var meaningText string

var meaningOf = sync.OnceValue(func() map[string]string { //nolint:gochecknoglobals // read once
	known := map[string]string{}
	for line := range strings.Lines(meaningText) {
		path, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		known[path] = value
	}
	return known
})

// shown is the value, unless its name or the value itself looks like a secret. References to secrets are none.
func (l leaf) shown(path string) string {
	reference := strings.Contains(path, ".secrets[") || strings.Contains(path, ".secretOptions[")
	key := strings.ReplaceAll(path[strings.LastIndexAny(path, ".[")+1:], "-", "_")
	bare := strings.Trim(l.text, `"`)
	if l.text == "" || reference {
		return l.text
	}
	words := strings.NewReplacer("[", " ", "]", " ", `","`, " ", `"`, "").Replace(l.text)
	if holdsSecret(key, bare) || credentials.MatchString(l.text) || secretInScript(words) {
		return Hidden
	}
	return l.text
}
