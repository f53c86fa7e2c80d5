package pkg_test

import (
	"bytes"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the repository's, from here.
const root = ".."

// texts returns the repository's files with one of the endings, by their paths from the root. What was built, and what
// stands for somebody else's files in tests, is not ours to hold.
func texts(t *testing.T, endings ...string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{".git", ".demo", "bin", "dist", "testdata"}, d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if slices.ContainsFunc(endings, func(e string) bool { return strings.HasSuffix(d.Name(), e) }) {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			name, err := filepath.Rel(root, path)
			all[filepath.ToSlash(name)] = string(text)
			return err
		}
		return nil
	})
	if err != nil || len(all) == 0 {
		t.Fatalf("no files: %v", err)
	}
	return all
}

// block is a fenced part of a text.
type block struct{ kind, text string }

var fence = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")

func blocks(text string) (all []block) {
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		all = append(all, block{m[1], m[2]})
	}
	return all
}

// prose is a text without its blocks.
func prose(text string) string { return fence.ReplaceAllString(text, "") }

// anchors are what links into a text can name: its headings as GitHub spells them.
func anchors(text string) []string {
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(prose(text), -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		all = append(all, strings.ReplaceAll(name, " ", "-"))
	}
	return all
}

// TestLinksLeadSomewhere follows the links between our own files, pictures and headings included.
func TestLinksLeadSomewhere(t *testing.T) {
	followed := 0
	docs := texts(t, ".md")
	for name, text := range docs {
		for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(prose(text), -1) {
			u, err := url.Parse(m[1])
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if u.Scheme != "" {
				if u.Scheme != "https" {
					t.Errorf("%s links %s, which is not https", name, m[1])
				}
				continue
			}
			followed++
			target := name
			if u.Path != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(name), u.Path))
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s links %s: %v", name, m[1], err)
			} else if u.Fragment != "" && !slices.Contains(anchors(docs[target]), u.Fragment) {
				t.Errorf("%s links %s, and %s has no such heading: %v", name, m[1], target, anchors(docs[target]))
			}
		}
	}
	if followed < 20 {
		t.Errorf("only %d links were found", followed)
	}
}

// TestEveryTextIsReachedFromTheREADME: a reader who starts at the README finds each text in a few hops.
func TestEveryTextIsReachedFromTheREADME(t *testing.T) {
	docs := texts(t, ".md")
	reached := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		if _, ok := docs[name]; !ok || reached[name] {
			return
		}
		reached[name] = true
		for _, m := range regexp.MustCompile(`\]\(([^)\s#]+)`).FindAllStringSubmatch(prose(docs[name]), -1) {
			target := filepath.ToSlash(filepath.Join(filepath.Dir(name), m[1]))
			visit(target)
			visit(target + "/README.md")
		}
	}
	visit("README.md")
	for name := range docs {
		if !reached[name] {
			t.Errorf("no link leads to %s", name)
		}
	}
}

func TestTheREADMEIsShort(t *testing.T) {
	const most = 150
	text := texts(t, "README.md")["README.md"]
	if n := strings.Count(text, "\n"); n > most || n < most/3 {
		t.Errorf("README.md has %d lines, want at most %d: the rest belongs to the folders' own", n, most)
	}
}

// TestThePictureIsLight: the README loads at once.
func TestThePictureIsLight(t *testing.T) {
	picture, err := os.Stat(filepath.Join(root, ".github/rehearsal.png"))
	if err != nil {
		t.Fatal(err)
	}
	if n := picture.Size(); n > 200_000 || n < 10_000 {
		t.Errorf("%s has %d bytes", picture.Name(), n)
	}
}

// TestTargetsThatAreNamedExist looks for `make TARGET` in our texts.
func TestTargetsThatAreNamedExist(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	code := regexp.MustCompile("`[^`\n]*`")
	command := regexp.MustCompile("(?m)(?:`|^\\$? ?|&& |; )make ([a-z][a-z-]*)")
	for name, text := range texts(t, ".md", ".yml", ".sh") {
		in := strings.Join(code.FindAllString(prose(text), -1), "\n")
		for _, b := range blocks(text) {
			in += "\n" + b.text
		}
		for _, m := range command.FindAllStringSubmatch(in, -1) {
			named++
			if !regexp.MustCompile(`(?m)^` + m[1] + `:`).Match(makefile) {
				t.Errorf("%s says make %s, which is no target", name, m[1])
			}
		}
	}
	if named < 15 {
		t.Errorf("only %d targets were found", named)
	}
}

// TestShellBlocksAreShell has a shell read every block that readers copy, and looks for the packages that it names.
func TestShellBlocksAreShell(t *testing.T) {
	seen := 0
	for name, text := range texts(t, ".md") {
		for _, b := range blocks(text) {
			if b.kind != "sh" {
				continue
			}
			seen++
			cmd := exec.CommandContext(t.Context(), "sh", "-n")
			cmd.Stdin = strings.NewReader(b.text)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s\n%s", name, err, out, b.text)
			}
			for _, m := range regexp.MustCompile(`(?m)\s\./([a-z/-]+)`).FindAllStringSubmatch(b.text, -1) {
				if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d blocks were found", seen)
	}
}

// TestNobodyCitesWhatIsNotHere: what a maintainer must know stands in the repository.
func TestNobodyCitesWhatIsNotHere(t *testing.T) {
	elsewhere := regexp.MustCompile(`(?i)\b(the contract|contract,|section \d)`)
	for name, text := range texts(t, ".go", ".md", ".sh", ".yml", "Makefile") {
		if name == "pkg/readme_test.go" {
			continue
		}
		for i, line := range bytes.Split([]byte(text), []byte("\n")) {
			if m := elsewhere.Find(line); m != nil && !bytes.Contains(line, []byte("RFC")) {
				t.Errorf("%s:%d cites %q: say the fact, or link it", name, i+1, m)
			}
		}
	}
}
