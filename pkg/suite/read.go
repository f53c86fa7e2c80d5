package suite

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// MaxSuite is the largest suite that is read, in bytes: some 3,000 checks. The YAML library allocates 115 bytes for
// each byte of a usual suite, and 900 for each byte of a suite that is only brackets; a hook of 512 MB has to survive
// it.
const MaxSuite = template.MaxYAML

// Read reads and checks a suite. It finds everything that is wrong in one go; the suite is nil when
// something is. Warnings come with a suite.
func Read(src Source) (*Suite, diagnostic.List) {
	r := &reader{file: src.Name, source: src.Text, budget: 10*len(src.Text) + 10000}
	root := r.document(src.Text)
	if root == nil {
		return nil, r.problems
	}
	sum := sha256.Sum256(src.Text)
	s := &Suite{file: src.Name, sha256: hex.EncodeToString(sum[:])}
	r.suite(root, s, src.Files)
	if len(r.problems.Errors(false)) > 0 {
		return nil, r.problems.Sorted()
	}
	return s, r.problems.Sorted()
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
		r.syntax(Pos{int32(wrong[0].Place.Line), int32(wrong[0].Place.Col)}, wrong[0].Help, "the suite is not YAML: "+said)
		return nil
	case second != nil:
		r.syntax(posOf(second), "a suite is one document", "a second document begins here")
		return nil
	case root == nil:
		r.syntax(Pos{line: 1}, "", "the suite is empty: it has no checks")
	}
	return root
}

func (r *reader) syntax(at Pos, help, text string) {
	r.fail(at, help, "%s", text)
	r.problems[len(r.problems)-1].Cause = diagnostic.Syntax
}

// root returns the entries of the document. Anything may be given for a suite, a list of passwords or a secret
// in JSON: of what is not a suite nothing is quoted.
func (r *reader) root(n *yaml.Node) []pair {
	known := []string{
		"version", "name", "variables", "defaults", "readiness", "checks", "compare", "tls", "host",
		"policy",
	}
	if n.Kind != yaml.MappingNode {
		r.fail(posOf(n), exampleOf(known), "the suite is %s, not a mapping", kindName(n))
		return nil
	}
	entries := r.pairs(n, "the suite", known...)
	if !slices.ContainsFunc(entries, func(p pair) bool { return p.key == "version" || p.key == "checks" }) {
		r.problems = nil
		const help = "begin with version: 1, and write checks: with a list of them"
		r.fail(posOf(n), help, "this is not a suite: it has neither version nor checks")
		return nil
	}
	return entries
}

func (r *reader) suite(root *yaml.Node, s *Suite, files map[string][]byte) {
	s.defaults = defaults{timeout: defaultTimeout, maxBody: defaultMaxBody}
	s.Consecutive, s.Within, s.Concurrency = defaultConsecutive, defaultWithin, defaultConcurrency
	var version, checks, compare *pair
	entries := r.root(root)
	for i := range entries {
		switch p := entries[i]; p.key {
		case "version":
			version = &p
		case "name":
			s.name = r.name(p.value)
		case "variables":
			s.variables = r.variables(p.value)
		case "defaults":
			r.defaults(p.value, &s.defaults)
		case "readiness":
			s.readinessAt = p.at
			r.readiness(p.value, s)
		case "checks":
			checks = &p
		case "compare":
			compare = &p
		case "tls":
			s.roots, s.server = r.tls(p.value, files)
		case "host":
			s.host = r.host(p)
		case "policy":
			r.policy(p.value, s)
		}
	}
	if entries == nil {
		return
	}
	r.version(root, version)
	// Checks come after the defaults, wherever these stand in the file.
	if checks == nil {
		r.fail(posOf(root), "write checks: with a list of them", "the suite has no checks")
	} else {
		s.checks = r.checks(checks, &s.defaults)
	}
	if compare != nil {
		s.compares = r.compares(compare, &s.defaults)
	}
	if s.name == "" {
		s.name = "smoke"
	}
	r.names(s)
	r.checkVariables(s)
	r.checkPace(s)
}

func (r *reader) version(root *yaml.Node, p *pair) {
	if p == nil {
		r.fail(posOf(root), "begin with version: 1", "the suite does not say its version")
		return
	}
	if v, ok := r.scalar(p.value, "version"); ok && v != "1" {
		r.fail(posOf(p.value), "write version: 1", "version %s is not known to this build", quote(v))
	}
}

func (r *reader) defaults(n *yaml.Node, d *defaults) {
	for _, p := range r.pairs(n, "defaults", "timeout", "max_body", "attempts", "allowed_failures", "headers") {
		switch p.key {
		case "timeout":
			d.timeout = r.duration(p.value, "timeout", maxTimeout)
		case "max_body":
			d.maxBody = r.size(p.value, "max_body")
		case "attempts":
			d.attempts = r.integer(p.value, "attempts", 1, maxAttempts)
		case "allowed_failures":
			d.allowed = r.integer(p.value, "allowed_failures", 0, maxAttempts)
		case "headers":
			d.headers = merge(nil, r.headers(p.value))
		}
	}
}

func (r *reader) readiness(n *yaml.Node, s *Suite) {
	for _, p := range r.pairs(n, "readiness", "checks", "consecutive", "within") {
		switch p.key {
		case "checks":
			names := r.items(p.value, "checks of readiness")
			for _, c := range names {
				if name, ok := r.scalar(c, "the name of a check"); ok {
					s.readiness = append(s.readiness, name)
				}
			}
			if len(names) == 0 {
				r.fail(p.at, "name a check, or leave checks out", "readiness waits for no check")
			}
			s.readinessAt = p.at
		case "consecutive":
			s.Consecutive = r.integer(p.value, "consecutive", 1, maxAttempts)
		case "within":
			s.Within = r.duration(p.value, "within", 24*maxTimeout)
		}
	}
}

func (r *reader) policy(n *yaml.Node, s *Suite) {
	inconclusive, askFor, askForAt := "", defaultAskFor, Pos{}
	for _, p := range r.pairs(n, "policy", "inconclusive", "ask_for", "baseline", "rate", "concurrency") {
		switch p.key {
		case "inconclusive":
			inconclusive = r.oneOf(p.value, "inconclusive", "fail", "allow", "ask")
		case "ask_for":
			askForAt = p.at
			if askFor = r.duration(p.value, "ask_for", MaxAskFor); askFor > 0 && askFor < time.Minute {
				r.fail(posOf(p.value), "write ask_for: 30m", "ask_for must be at least 1m, not %s", quote(p.value.Value))
			}
		case "baseline":
			s.baselineOptional = r.oneOf(p.value, "baseline", "required", "optional") == "optional"
		case "rate":
			s.Rate, s.rateAt = r.rate(p.value, "rate"), posOf(p.value)
		case "concurrency":
			s.Concurrency = r.integer(p.value, "concurrency", 1, 1000)
		}
	}
	s.inconclusiveAllowed = inconclusive == "allow"
	if inconclusive == "ask" {
		s.askFor = askFor
	} else if askForAt != (Pos{}) {
		r.fail(askForAt, "write inconclusive: ask beside it, or leave it out", "ask_for is for inconclusive: ask alone")
	}
}

func (r *reader) host(p pair) text {
	t, ok := r.template(p.value, "host")
	if !ok {
		return t
	}
	if strings.ContainsAny(t.raw, "/ @?#") || t.parts == nil && t.raw == "" {
		r.fail(posOf(p.value), "write host: trips.example", "host is a name, not %s", quote(p.value.Value))
	}
	return t
}

// tls reads the private authority and the name that certificates must have.
func (r *reader) tls(n *yaml.Node, files map[string][]byte) (*x509.CertPool, string) {
	var roots *x509.CertPool
	var server string
	for _, p := range r.pairs(n, "tls", "ca", "server_name") {
		text, ok := r.scalar(p.value, p.key)
		switch {
		case !ok:
		case p.key == "server_name":
			if server = text; strings.ContainsAny(server, "/: ") || server == "" {
				r.fail(posOf(p.value), "write server_name: trips.internal", "%s is not a host name", quote(server))
			}
		default:
			roots = r.authority(p.value, text, files)
		}
	}
	return roots, server
}

func (r *reader) authority(n *yaml.Node, ca string, files map[string][]byte) *x509.CertPool {
	data, what := []byte(ca), "tls.ca"
	if !strings.Contains(ca, "-----BEGIN") {
		var ok bool
		what = quote(ca)
		if data, ok = files[ca]; !ok {
			r.fail(posOf(n), "a path is relative to the suite's file; or write the PEM here",
				"the authority's file %s cannot be read", what)
			return nil
		}
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(data) {
		r.fail(posOf(n), "it begins with -----BEGIN CERTIFICATE-----", "%s holds no certificate", what)
	}
	return roots
}

// Load reads a suite from a file, or from stdin where the name is "-", with the files that it names. None is read past
// its limit, and a file that cannot be read is missing in Files: Read reports it with its place.
func Load(name string, stdin io.Reader) (src Source, err error) {
	src = Source{Name: name, Files: map[string][]byte{}}
	if name == "-" && stdin != nil {
		src.Name = "stdin"
		src.Text, err = io.ReadAll(io.LimitReader(stdin, MaxSuite+1))
	} else {
		src.Text, err = readLimited(name)
	}
	for _, file := range Files(src.Text) {
		path := file
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(name), path)
		}
		if data, err := readLimited(path); err == nil {
			src.Files[file] = data
		}
	}
	return src, err
}

func readLimited(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	return io.ReadAll(io.LimitReader(f, MaxSuite+1))
}

// Files lists the files that the suite's text refers to (tls.ca), for the caller to read into
// Source.Files. Of a text that is no suite it lists none.
func Files(text []byte) []string {
	if !bytes.Contains(text, []byte("tls")) || !bytes.Contains(text, []byte("ca")) || len(text) > MaxSuite {
		return nil // most suites: they are not parsed twice
	}
	var doc struct {
		TLS struct {
			CA string `yaml:"ca"`
		} `yaml:"tls"`
	}
	if err := yaml.Unmarshal(text, &doc); err != nil || doc.TLS.CA == "" || strings.Contains(doc.TLS.CA, "-----BEGIN") {
		return nil
	}
	return []string{doc.TLS.CA}
}

// Source is a suite as it was read, with the files that it names.
type Source struct {
	// Name is how messages call the suite: a path, an S3 URL.
	Name string `json:"name"`
	Text []byte `json:"text"`
	// Files holds the content of the files that the suite refers to (tls.ca), by the name used in it.
	Files map[string][]byte `json:"files,omitempty"`
}
