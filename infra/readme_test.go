package infra_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// toolTexts are the texts that show how the tools are used.
func toolTexts() []string {
	return []string{
		"../README.md", "README.md", "../functions/README.md", "../buildtools/smoke/README.md", "../pkg/README.md",
		"../buildtools/bench/README.md", "../.github/CONTRIBUTING.md",
	}
}

// shown is a fenced part of a text. A run one stands behind <!-- run -->.
type shown struct {
	file, kind, text string
	run              bool
}

func shownIn(t *testing.T, files ...string) []shown {
	t.Helper()
	var all []shown
	fence := regexp.MustCompile("(?ms)^(<!-- run -->\n)?```(\\w*)\n(.*?)^```$")
	for _, file := range files {
		for _, m := range fence.FindAllStringSubmatch(read(t, file), -1) {
			all = append(all, shown{file, m[2], m[3], m[1] != ""})
		}
	}
	return all
}

// TestWhatIsShownRuns runs the blocks that are marked, as a build does: with the tools, the application's files and the
// stack's variables.
func TestWhatIsShownRuns(t *testing.T) {
	t.Parallel()
	dir, ran := built, 0
	for _, b := range shownIn(t, toolTexts()...) {
		if !b.run {
			continue
		}
		ran++
		work := t.TempDir()
		for _, name := range []string{"taskdef_src.json", "smoke.yaml"} {
			if err := os.WriteFile(filepath.Join(work, name), []byte(read(t, "tripmgmt/"+name)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.CommandContext(within(t, time.Minute), "sh", "-euc", b.text)
		cmd.Dir = work
		cmd.Env = []string{
			"PATH=" + dir + string(os.PathListSeparator) + os.Getenv("PATH"), "AWS_DEFAULT_REGION=eu-west-1", "DIGEST=" + digest,
			"CODEBUILD_RESOLVED_SOURCE_VERSION=4f5e6d7c", "SUITE_SHA256=" + strings.Repeat("0", 64),
		}
		for name, value := range stackVariables("") {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s\n%s", b.file, err, b.text, out)
		}
		for _, name := range []string{"taskdef.json", "appspec.yaml"} {
			if text, err := os.ReadFile(filepath.Join(work, name)); err != nil || len(text) == 0 {
				t.Errorf("%s: %s was not made: %v", b.file, name, err)
			}
		}
	}
	if ran == 0 {
		t.Error("no block is marked")
	}
}

// TestSuitesThatAreShownAreRead has smoke read them.
func TestSuitesThatAreShownAreRead(t *testing.T) {
	t.Parallel()
	dir, seen := built, 0
	for _, b := range shownIn(t, toolTexts()...) {
		if b.kind != "yaml" || !strings.HasPrefix(b.text, "version: 1\n") {
			continue
		}
		seen++
		file := filepath.Join(t.TempDir(), "smoke.yaml")
		if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(within(t, time.Minute), filepath.Join(dir, "smoke"), "--validate", file)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", b.file, err, out)
		}
		if n := strings.Count(b.text, "\n"); b.file == "../README.md" && n > 20 {
			t.Errorf("the suite of 20 lines has %d", n)
		}
	}
	if seen < 2 {
		t.Errorf("only %d suites were found", seen)
	}
}

// TestTheProblemsThatAreShownAreTold makes the slips of the README in the application's template.
func TestTheProblemsThatAreShownAreTold(t *testing.T) {
	t.Parallel()
	work := t.TempDir()
	text := strings.Replace(read(t, "tripmgmt/taskdef_src.json"), `"essential"`, `"essent`+`ail"`, 1)
	if err := os.WriteFile(filepath.Join(work, "taskdef_src.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(within(t, time.Minute), filepath.Join(built, "render-taskdef"), "taskdef_src.json")
	cmd.Dir = work
	for line := range strings.Lines(read(t, "tripmgmt/demo.env")) {
		if !strings.HasPrefix(line, "TASK_EXECUTION_ROLE_ARN=") {
			cmd.Env = append(cmd.Env, strings.TrimSpace(line))
		}
	}
	out, _ := cmd.CombinedOutput()
	for _, b := range shownIn(t, "../README.md") {
		if b.kind == "" && strings.HasPrefix(b.text, "taskdef_src.json:") {
			if b.text != string(out) {
				t.Errorf("README.md shows\n%s\nrender-taskdef says\n%s", b.text, out)
			}
			return
		}
	}
	t.Error("README.md shows no problems")
}

// TestFlagsThatAreShownExist looks every flag up in its command's help.
func TestFlagsThatAreShownExist(t *testing.T) {
	t.Parallel()
	dir := built
	rehearse := filepath.Join(dir, "rehearse")
	help := map[string]string{}
	for name, argv := range map[string][]string{
		"smoke": {filepath.Join(dir, "smoke")}, "rehearse": {rehearse}, "rehearse faults": {rehearse, "faults"},
		"render-taskdef": {filepath.Join(dir, "render-taskdef")}, "render-appspec": {filepath.Join(dir, "render-appspec")},
	} {
		out, err := exec.CommandContext(within(t, time.Minute), argv[0], append(argv[1:], "-h")...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		help[name] = string(out)
	}
	seen := 0
	command := regexp.MustCompile(`(?m)(?:^|\s|bin/)` +
		`(rehearse faults|rehearse|smoke|render-taskdef|render-appspec)((?: +[^\n|;&]*)?)`)
	flag := regexp.MustCompile(`(?:^| )(--?[a-z][a-z-]*)`)
	quoted := regexp.MustCompile(`'[^']*'`)
	for _, file := range toolTexts() {
		text := quoted.ReplaceAllString(strings.ReplaceAll(code(t, file), "\\\n", " "), "''")
		for _, m := range command.FindAllStringSubmatch(text, -1) {
			for _, f := range flag.FindAllStringSubmatch(m[2], -1) {
				seen++
				if !regexp.MustCompile(regexp.QuoteMeta(f[1]) + `[\s,=]`).MatchString(help[m[1]]) {
					t.Errorf("%s shows %s %s, which its help does not know", file, m[1], f[1])
				}
			}
		}
	}
	if seen < 15 {
		t.Errorf("only %d flags were found", seen)
	}
}

// code is the shell blocks of a text and what stands between backticks.
func code(t *testing.T, file string) string {
	t.Helper()
	var b strings.Builder
	for _, s := range shownIn(t, file) {
		if s.kind == "sh" {
			b.WriteString(s.text + "\n")
		}
	}
	for _, m := range regexp.MustCompile("(?m)`([^`\n]+)`").FindAllStringSubmatch(read(t, file), -1) {
		b.WriteString(m[1] + "\n")
	}
	return b.String()
}
