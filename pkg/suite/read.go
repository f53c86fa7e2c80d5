package suite

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// MaxSuite is the largest suite that is read, in bytes, 3,000 checks. The YAML library allocates 115 bytes for each
// byte of a usual suite, and 900 for one of only brackets; a hook of 512 MB has to survive it.
const MaxSuite = template.MaxYAML

// Read reads and checks a suite, and finds all that is wrong in one go: errors without a suite, or warnings with one.
func Read(src Source) (*Suite, diagnostic.List) {
	r := newReader(src)
	root := r.document(src.Text)
	if root == nil {
		return nil, r.problems
	}
	sum := sha256.Sum256(src.Text)
	s := &Suite{file: src.Name, SHA256: hex.EncodeToString(sum[:])}
	r.suite(root, s)
	if len(r.problems.Errors(false)) > 0 {
		return nil, r.problems.Sorted()
	}
	return s, r.problems.Sorted()
}

func newReader(src Source) *reader {
	return &reader{file: src.Name, source: src.Text, files: src.Files, budget: 10*len(src.Text) + 10000}
}

// document parses the text into its one mapping.
func (r *reader) document(text []byte) *yaml.Node {
	if len(text) > MaxSuite {
		r.syntax(Pos{}, "split it up", fmt.Sprintf("the suite is larger than %d bytes", MaxSuite))
		return nil
	}
	root, second, wrong := template.ParseYAML(&template.Source{Name: r.file, Text: string(text)})
	switch {
	case wrong != nil:
		// The name of an alias is not quoted: a password may begin with a *, too.
		said := wrong[0].Text
		if strings.HasPrefix(said, "unknown anchor") {
			said = "an alias (*name) has no anchor (&name) before it"
		}
		r.syntax(Pos{int32(wrong[0].Line), int32(wrong[0].Col)}, wrong[0].Help, "the suite is not YAML: "+said)
	case second != nil:
		r.syntax(posOf(second), "a suite is one document", "a second document begins here")
	case root == nil:
		r.syntax(Pos{line: 1}, "write checks: with a list of them", "the suite is empty: it has no checks")
	default:
		return root
	}
	return nil
}

func (r *reader) syntax(at Pos, help, text string) {
	r.fail(at, help, "%s", text)
	r.problems[len(r.problems)-1].Cause = diagnostic.Syntax
}

// suiteKeys are the keys of a suite, in the order in which they are read: what others need comes first.
func (r *reader) suiteKeys(s *Suite) []row {
	return []row{
		{"version", func(p pair) {
			if v, ok := r.scalar(p.value, "version"); ok && v != "1" {
				r.fail(posOf(p.value), "write version: 1", "version %s is not known to this build", quote(v))
			}
		}},
		{"name", func(p pair) { s.Name = r.name(p.value) }},
		{"files", func(p pair) { r.carried(p.value) }},
		{"variables", func(p pair) { s.variables = r.variables(p.value) }},
		{"defaults", func(p pair) { r.defaults(p.value, &s.defaults) }},
		{"tls", func(p pair) { r.tls(p.value, s) }},
		{"host", func(p pair) { s.host = r.host(p) }},
		{"policy", func(p pair) { r.policy(p.value, s) }},
		{"readiness", func(p pair) { r.readiness(p, s) }},
		{"setup", func(p pair) { s.Setup = r.setup(p, s) }},
		{"checks", func(p pair) { s.checks = r.checks(&p, &s.defaults) }},
		{"teardown", func(p pair) { s.Teardown = r.setup(p, s) }},
		{"compare", func(p pair) { s.compares = r.compares(&p, &s.defaults) }},
		{"watch", func(p pair) { s.Watch = r.watch(&p) }},
	}
}

// root returns the entries of the document. Of what is no suite, which may be a list of passwords, nothing is quoted.
func (r *reader) root(n *yaml.Node, keys []row) map[string]pair {
	names := list(keys, func(k row) string { return k.key })
	if n.Kind != yaml.MappingNode {
		r.fail(posOf(n), exampleOf(names), "the suite is %s, not a mapping", kindName(n))
		return nil
	}
	for i := 0; i < len(n.Content); i += 2 {
		if key := n.Content[i].Value; strings.HasPrefix(key, "x-") { // for anchors
			names = append(names, key)
		}
	}
	entries := map[string]pair{}
	for _, p := range r.pairs(n, "the suite", names...) {
		entries[p.key] = p
	}
	_, versioned := entries["version"]
	if _, ok := entries["checks"]; !versioned && !ok {
		r.problems = nil
		const help = "begin with version: 1, and write checks: with a list of them"
		r.fail(posOf(n), help, "this is not a suite: it has neither version nor checks")
		return nil
	}
	return entries
}

func (r *reader) suite(root *yaml.Node, s *Suite) {
	s.defaults = defaults{timeout: defaultTimeout, maxBody: defaultMaxBody}
	s.Consecutive, s.Within, s.Concurrency = defaultConsecutive, defaultWithin, defaultConcurrency
	s.Name = "smoke"
	keys := r.suiteKeys(s)
	entries := r.root(root, keys)
	if entries == nil {
		return
	}
	for _, k := range keys {
		if p, ok := entries[k.key]; ok {
			k.read(p)
		}
	}
	if _, ok := entries["version"]; !ok {
		r.fail(posOf(root), "begin with version: 1", "the suite does not say its version")
	}
	if _, ok := entries["checks"]; !ok {
		r.fail(posOf(root), "write checks: with a list of them", "the suite has no checks")
	}
	r.names(s)
	r.checkVariables(s)
	r.checkPace(s)
}

func (r *reader) defaults(n *yaml.Node, d *defaults) {
	r.entries(n, "defaults", []row{
		{"timeout", func(p pair) { d.timeout = r.duration(p.value, "timeout", maxTimeout) }},
		{"max_body", func(p pair) { d.maxBody = r.size(p.value, "max_body") }},
		{"attempts", func(p pair) { d.attempts = r.integer(p.value, "attempts", 1, maxAttempts) }},
		{"allowed_failures", func(p pair) { d.allowed = r.integer(p.value, "allowed_failures", 0, maxAttempts) }},
		{"headers", func(p pair) { d.headers = merge(nil, r.headers(p.value)) }},
	})
}

func (r *reader) readiness(p pair, s *Suite) {
	s.readinessAt = p.at
	r.entries(p.value, "readiness", []row{
		{"checks", func(p pair) {
			names := r.items(p.value, "checks of readiness")
			if len(names) == 0 {
				r.fail(p.at, "name a check, or leave checks out", "readiness waits for no check")
			}
			s.readiness, s.readinessAt = r.checkNames(names), p.at
		}},
		{"consecutive", func(p pair) { s.Consecutive = r.integer(p.value, "consecutive", 1, maxAttempts) }},
		{"within", func(p pair) { s.Within = r.duration(p.value, "within", 24*maxTimeout) }},
	})
}

func (r *reader) policy(n *yaml.Node, s *Suite) {
	inconclusive, askFor, askForAt := "", defaultAskFor, Pos{}
	r.entries(n, "policy", []row{
		{"inconclusive", func(p pair) { inconclusive = r.oneOf(p.value, "inconclusive", "fail", "allow", "ask") }},
		{"ask_for", func(p pair) {
			askForAt = p.at
			if askFor = r.duration(p.value, "ask_for", MaxAskFor); askFor > 0 && askFor < time.Minute {
				r.fail(posOf(p.value), "write ask_for: 30m", "ask_for must be at least 1m, not %s", quote(p.value.Value))
			}
		}},
		{"baseline", func(p pair) { s.BaselineOptional = r.oneOf(p.value, p.key, "required", "optional") == "optional" }},
		{"rate", func(p pair) { s.Rate, s.rateAt = r.rate(p.value, "rate"), posOf(p.value) }},
		{"concurrency", func(p pair) { s.Concurrency = r.integer(p.value, "concurrency", 1, 1000) }},
	})
	s.InconclusiveAllowed = inconclusive == "allow"
	if inconclusive == "ask" {
		s.AskFor = askFor
	} else if askForAt != (Pos{}) {
		r.fail(askForAt, "write inconclusive: ask beside it, or leave it out", "ask_for is for inconclusive: ask alone")
	}
}

func (r *reader) host(p pair) text {
	t, ok := r.template(p.value, "host")
	if ok && t.parts == nil && (t.raw == "" || strings.ContainsAny(t.raw, "/ @?#")) {
		r.fail(posOf(p.value), "write host: trips.example", "host is a name, not %s", quote(p.value.Value))
	}
	return t
}

func (r *reader) tls(n *yaml.Node, s *Suite) {
	r.entries(n, "tls", []row{
		{"ca", func(p pair) {
			if ca, ok := r.scalar(p.value, p.key); ok {
				s.Roots = r.authority(p.value, ca)
			}
		}},
		{"server_name", func(p pair) {
			name, ok := r.scalar(p.value, p.key)
			if s.ServerName = name; ok && (name == "" || strings.ContainsAny(name, "/: ")) {
				r.fail(posOf(p.value), "write server_name: trips.internal", "%s is not a host name", quote(name))
			}
		}},
	})
}

func (r *reader) authority(n *yaml.Node, ca string) *x509.CertPool {
	data, what := []byte(ca), "tls.ca"
	if !strings.Contains(ca, "-----BEGIN") {
		var ok bool
		what = quote(ca)
		if data, ok = r.content(n, ca, "; or write the PEM here"); !ok {
			return nil
		}
	}
	roots, _ := x509.SystemCertPool() // nil where the system has none
	roots = cmp.Or(roots, x509.NewCertPool())
	if !roots.AppendCertsFromPEM(data) {
		r.fail(posOf(n), "it begins with -----BEGIN CERTIFICATE-----", "%s holds no certificate", what)
	}
	return roots
}

// Load reads a suite from a file, or from stdin where the name is "-", with the files that it names, none past a limit.
// A file that cannot be read is missing in Files: Read reports it with its place.
func Load(name string, stdin io.Reader) (src Source, err error) {
	src = Source{Name: name, Files: map[string][]byte{}}
	if name == "-" && stdin != nil {
		src.Name = "stdin"
		src.Text, err = io.ReadAll(io.LimitReader(stdin, MaxSuite+1))
	} else {
		src.Text, err = ReadLimited(os.Open, name, MaxSuite)
	}
	room := maxFiles
	for _, file := range Files(src.Text) {
		path := file
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(name), path)
		}
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || room < 0 {
			continue
		}
		if data, err := ReadLimited(os.Open, path, MaxSuite); err == nil {
			src.Files[file] = data
			room -= len(data)
		}
	}
	return src, err
}

// ReadLimited reads a file, and one byte more than the most at most: whoever reads the text refuses that.
func ReadLimited(open func(name string) (*os.File, error), name string, most int64) ([]byte, error) {
	f, err := open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	return io.ReadAll(io.LimitReader(f, most+1))
}

// Files lists the files that the suite's text names (tls.ca, the files of bodies), for the caller to read into
// Source.Files: those that reading it misses. Of a text that is no suite it lists none.
func Files(text []byte) []string {
	if !bytes.Contains(text, []byte("file")) && !bytes.Contains(text, []byte("tls")) {
		return nil // most suites: they are not read twice
	}
	r := newReader(Source{Text: text})
	if root := r.document(text); root != nil {
		r.suite(root, &Suite{})
	}
	return distinct(r.missing)
}

// maxFiles is the most bytes that all files may have.
const maxFiles = 32 << 20

// content returns the content of a file that the suite names, at n.
func (r *reader) content(n *yaml.Node, name, or string) ([]byte, bool) {
	content, ok := r.files[name]
	if !ok {
		r.missing = append(r.missing, name)
		r.fail(posOf(n), "a path is relative to the suite's file"+or, "the file %s cannot be read", quote(name))
	} else if len(content) > MaxSuite {
		r.fail(posOf(n), "take a smaller one", "the file %s is larger than %d bytes", quote(name), MaxSuite)
	}
	return content, ok
}

// carried reads the files that the suite brings with it, as Bundle writes them.
func (r *reader) carried(n *yaml.Node) {
	outside := r.files
	r.files = map[string][]byte{}
	maps.Copy(r.files, outside)
	for _, p := range r.pairs(n, "files") {
		node := r.single(p.value, "file "+quote(p.key))
		if node == nil {
			continue
		}
		content := []byte(node.Value)
		if node.ShortTag() == "!!binary" {
			var err error
			if content, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(node.Value), "")); err != nil {
				r.fail(posOf(node), "smoke --bundle writes it", "file %s is not base64", quote(p.key))
			}
		}
		r.files[p.key] = content
	}
}

// Bundle returns the suite's text with the files that it names in it: one text that can be read anywhere.
func Bundle(src Source) ([]byte, error) {
	names := slices.Sorted(maps.Keys(src.Files))
	if len(names) == 0 {
		return src.Text, nil
	}
	root, _, _ := template.ParseYAML(&template.Source{Text: string(src.Text)})
	if root == nil || root.Style&yaml.FlowStyle != 0 {
		return nil, errors.New("only a suite in YAML with a key to each line can carry files")
	}
	for i := 0; i < len(root.Content); i += 2 {
		if root.Content[i].Value == "files" {
			return nil, errors.New("the suite carries files already: take files: away, and put them beside it")
		}
	}
	out := append(bytes.TrimRight(src.Text, "\n"), "\nfiles:\n"...)
	for _, name := range names {
		out = fmt.Appendf(out, "  %s: !!binary %s\n", strconv.Quote(name), base64.StdEncoding.EncodeToString(src.Files[name]))
	}
	return out, nil
}

// Source is a suite as it was read, with the files that it names.
type Source struct {
	// Name is how messages call the suite: a path, an S3 URL.
	Name string `json:"name"`
	Text []byte `json:"text"`
	// Files holds the content of the files that the suite names, by the name used in it.
	Files map[string][]byte `json:"files,omitempty"`
}
