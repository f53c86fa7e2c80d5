package suite_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

var update = flag.Bool("update", false, "write the expected messages anew")

// Every file under testdata/refused is named by its fault; what is said of it stands beside it.
func TestBrokenSuitesAreRefusedWithAPlaceAndHelp(t *testing.T) {
	files, err := filepath.Glob("testdata/refused/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			suite, problems := suite.Read(suite.Source{Name: name + ".yaml", Text: data})
			if suite != nil {
				t.Error("is accepted")
			}
			var got bytes.Buffer
			if err := problems.Write(&got, diagnostic.Text, "program"); err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("got:\n%swant:\n%s", &got, want)
			}
		})
	}
}

func TestASuiteIsReadUpToItsSize(t *testing.T) {
	const text = "version: 1\nchecks: [{name: home, request: /, expect: {status: 200}}]\n"
	for size, refused := range map[int]bool{suite.MaxSuite: false, suite.MaxSuite + 1: true} {
		read, problems := suite.Read(suite.Source{Name: "s", Text: []byte(text + "#" + strings.Repeat("x", size-len(text)-1))})
		if (read == nil) != refused || refused && !strings.Contains(problems[0].Text, "larger than 500000 bytes") {
			t.Errorf("%d bytes: %v", size, problems)
		}
	}
}

func TestWarningsHideNoError(t *testing.T) {
	const warned = "  - {name: n%d, request: GET /, headers: {A: “x”}, expect: {status: 200}}\n"
	text := "version: 1\nchecks:\n"
	for i := range 1100 {
		text += fmt.Sprintf(warned, i)
	}
	text += "  - {name: wrong, request: GET /, expect: {status: 999}}\n"
	if s, problems := suite.Read(suite.Source{Name: "s", Text: []byte(text)}); s != nil || len(problems.Errors(false)) == 0 {
		t.Errorf("is accepted with %d problems", len(problems))
	}
}
