package taskdef

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// The model is generated; these are facts about it that its users rely on.
func TestTheModelIsThatOfRegisterTaskDefinition(t *testing.T) {
	for _, name := range []string{"family", "containerDefinitions", "cpu", "enableFaultInjection", "runtimePlatform"} {
		if _, ok := shapes[0].field(name); !ok {
			t.Errorf("the model does not know %s", name)
		}
	}
	for i := range shapes {
		names := shapes[i].names()
		if !slices.IsSorted(names) {
			t.Errorf("fields of %s are not sorted, so that some are not found", shapes[i].name)
		}
		for _, n := range names {
			if f, ok := shapes[i].field(n); !ok || f.name != n {
				t.Errorf("%s.%s is not found", shapes[i].name, n)
			}
			// Two fields of one structure within two edits: a slip of one is taken for the other, never refused.
			if near, ok := diagnostic.Nearest(n, slices.DeleteFunc(slices.Clone(names), func(o string) bool { return o == n })); ok && near == n {
				t.Errorf("%s suggests itself", n)
			}
		}
	}
	if !slices.Contains(outputOnly[:], "taskDefinitionArn") || slices.Contains(outputOnly[:], "family") {
		t.Errorf("output-only fields are %v", outputOnly)
	}
}

func TestRead(t *testing.T) {
	const text = `{"taskDefinition": {"family": "app", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "containerDefinitions": [
  {"name": "log", "image": "l", "essential": false},
  {"name": "web", "image": "w$1", "portMappings": [{"containerPort": 80}, {"containerPortRange": "1-2"}], "dockerLabels": {"greenlight.release": "1.1.0", "greenlight.suite": "s3://b/k"}}]}}`
	got, problems := Read("t.json", text)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	at := func(line, col int) diagnostic.Place { return diagnostic.Place{File: "t.json", Line: line, Col: col} }
	want := Task{
		Family: "app", NetworkMode: "awsvpc", Fargate: true, Reached: 1, Place: at(1, 20),
		Containers: []Container{
			{Name: "log", Shown: `"log"`, Image: "l", Place: at(2, 12)},
			{
				Name: "web", Shown: `"web"`, Image: "w$1", Place: at(3, 12), Essential: true, Ports: []Port{{80, "80", at(3, 70)}}, Ranges: []string{"1-2"},
				Labels: map[string]string{"greenlight.release": "1.1.0", "greenlight.suite": "s3://b/k"},
			},
		},
	}
	if got.Root.Get("family").Str() != "app" || got.Doc.Place(got.Root.At) != got.Place {
		t.Errorf("the document is %v", got.Root)
	}
	got.Doc, got.Root = nil, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhereTheTasksMayRun(t *testing.T) {
	for compatibilities, want := range map[string]Task{
		``:                      {Instances: true},
		`[]`:                    {Instances: true},
		`["EC2"]`:               {Instances: true},
		`["FARGATE"]`:           {Fargate: true},
		`["EC2", "FARGATE"]`:    {Fargate: true, Instances: true},
		`["MANAGED_INSTANCES"]`: {Instances: true},
	} {
		text := `{"containerDefinitions": []`
		if compatibilities != "" {
			text += `, "requiresCompatibilities": ` + compatibilities
		}
		got, problems := Read("t.json", text+"}")
		if len(problems) > 0 || got.Fargate != want.Fargate || got.Instances != want.Instances {
			t.Errorf("%s: Fargate %v, Instances %v (%v)", compatibilities, got.Fargate, got.Instances, problems)
		}
	}
}

func TestReadTakesAPortOnce(t *testing.T) {
	got, problems := Read("t.json", `{"containerDefinitions": [
  {"name": "dns", "portMappings": [{"containerPort": 53, "protocol": "udp"}, {"containerPort": 53, "protocol": "tcp"}, {"containerPort": 80}]},
  {"name": "odd", "portMappings": [{"containerPort": "80"}, {"containerPort": 8.5}, {"containerPort": 81}, 82]},
  {"name": "text", "portMappings": "80"}]}`)
	if dns, _ := got.Container("dns"); len(dns.Ports) != 2 || dns.PortsUnclear {
		t.Errorf("got %+v, want the ports 53 and 80", dns)
	}
	if odd, _ := got.Container("odd"); len(odd.Ports) != 1 || !odd.PortsUnclear {
		t.Errorf("got %+v, want the port 81 and that others are unclear", odd)
	}
	if text, _ := got.Container("text"); len(text.Ports) != 0 || !text.PortsUnclear {
		t.Errorf("got %+v, want that its ports are unclear", text)
	}
	if len(problems) != 4 || problems[0].Text != "containerPort is a string, want a whole number from 1 to 65535" {
		t.Errorf("got %v, want a problem for each wrong port", problems)
	}
}

func TestReadRefusesWhatIsNoTaskDefinition(t *testing.T) {
	for _, text := range []string{"", "[]", "{}", "x: [", `{"containerDefinitions": {}}`, `{"containerDefinitions": [{}]}`, `{"containerDefinitions": [1]}`, "null", `"x"`, `{"taskDefinition": 1}`} {
		if task, problems := Read("t.json", text); len(problems.Errors(false)) == 0 {
			t.Errorf("%q was read as %+v", text, task)
		}
	}
}

// FuzzRender: whatever the template, the values and the flags are, nothing panics; what is accepted is JSON
// that renders to itself; no message holds a value.
func FuzzRender(f *testing.F) {
	files, _ := filepath.Glob("testdata/rules/*.txtar")
	for _, name := range files {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if len(file.Data) < 2000 && file.Name != "want" {
				f.Add(string(file.Data), "value-of-a-variable", "web=a", "/cpu=1")
			}
		}
	}
	example, _ := os.ReadFile("../../infra/tripmgmt/taskdef_src.json")
	f.Add(string(example), "arn:aws:iam::123456789012:role/x", "*=x:1", "/containerDefinitions/0/image=${json:A}")
	f.Add("family: ${A}\ncontainerDefinitions: [{name: web, image: $A, memory: 6}]", "512", "x", "/tags/-/key=\"x\"")
	f.Add(`{"family": "a", "containerDefinitions": ${json:A}}`, `[{"name":"x","image":"y","memory":6}]`, "", "")
	f.Fuzz(func(t *testing.T, text, value, image, set string) {
		const mark = "☃hunter2"
		if strings.Contains(text+image+set, "☃") {
			return
		}
		for _, v := range []string{value, value + mark, mark + value} {
			lookup := func(string) (string, bool) { return v, true }
			doc, problems := template.Reader{}.Read("template", text)
			if len(problems) > 0 {
				(&template.Expander{Doc: doc, Lookup: lookup}).All(doc.Root)
				return
			}
			edits := Edits{
				Images: []string{image, "web=" + v}, Sets: []string{set, "/family=" + v}, Env: []string{set, image, "A=" + v}, UnsetEnv: []string{image},
				Secrets: []string{set, "A=" + v}, Labels: []string{set, "a=" + v}, Tags: []string{set, "a=" + v}, Commands: []string{set, "web=" + v},
				ImagePlaceholders: []string{image}, WantImage: true, Release: "r", Suite: v,
			}
			_, problems = Request{Expander: template.Expander{Doc: doc, Lookup: lookup}, Edits: edits}.Render()
			if said := fmt.Sprintf("%+v", problems); strings.Contains(said, mark) {
				t.Errorf("a message holds a value: %s", said)
			}
		}
		renderTwice(t, text, value)
	})
}

// renderTwice renders a template without edits: what is accepted is JSON, and renders to itself.
func renderTwice(t *testing.T, text, value string) {
	lookup := func(string) (string, bool) { return value, true }
	doc, _ := template.Reader{}.Read("template", text)
	rendered, problems := Request{Expander: template.Expander{Doc: doc, Lookup: lookup}}.Render()
	if len(problems.Errors(false)) > 0 {
		return
	}
	if !json.Valid(rendered.Root.JSON()) {
		t.Fatalf("%q became %q, which is no JSON", text, rendered.Root.JSON())
	}
	if bytes.Contains(rendered.Root.JSON(), []byte("$")) {
		return // a $ of the result would be read as a variable
	}
	doc, problems = template.Reader{}.Read("out.json", string(rendered.Root.JSON()))
	again, more := Request{Expander: template.Expander{Doc: doc, Lookup: lookup}}.Render()
	if problems = append(problems, more...); len(problems.Errors(false)) > 0 || !bytes.Equal(again.Root.JSON(), rendered.Root.JSON()) {
		t.Errorf("%q is no fixed point: %q (%v)", rendered.Root.JSON(), again.Root.JSON(), problems)
	}
}

func TestAFloodOfUnknownKeysIsRefused(t *testing.T) {
	var b strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&b, `"unknownKey%d": 1, `, i)
	}
	_, problems := render(t, "flood.json", "{"+b.String()+`"family": "app", "containerDefinitions": [{"name": "web", "image": "a", "memory": 128}]}`)
	refused := false
	for _, p := range problems.Errors(false) {
		refused = refused || p.Text == "more than 1000 unknown keys"
	}
	if !refused {
		t.Errorf("errors: %v", problems.Errors(false))
	}
}

func TestSetMakesAListBeforeADashInANewElementToo(t *testing.T) {
	doc, _ := template.Reader{}.Read("t.json", `{"family": "a", "containerDefinitions": []}`)
	edits := Edits{Sets: []string{`/containerDefinitions/-/links/-="b"`}}
	rendered, _ := Request{Expander: template.Expander{Doc: doc}, Edits: edits}.Render()
	if got, want := string(rendered.Root.Compact()), `{"family":"a","containerDefinitions":[{"links":["b"]}]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Each port once, and not by the square of their number: this would take half a minute.
func TestAFloodOfPortsIsRead(t *testing.T) {
	var ports []string
	for i := range 100_000 {
		ports = append(ports, fmt.Sprintf(`{"containerPort": %d}`, i), `{"containerPort": 1}`)
	}
	task, problems := Read("t.json", `{"containerDefinitions": [{"name": "a", "portMappings": [`+strings.Join(ports, ", ")+`]}]}`)
	if got := len(task.Containers[0].Ports); got != 100_000 || len(problems) > 0 {
		t.Errorf("%d ports (%v)", got, problems)
	}
}
