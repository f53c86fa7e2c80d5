package buildtools_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

const (
	released     = "v9.8.7"
	actionFolder = ".github/install"
)

var wholeRelease = flag.Bool("release", false, "make a release twice, which takes minutes (CI does)")

// TestRelease makes a release for one platform, twice, and looks at it.
func TestRelease(t *testing.T) {
	if !*wholeRelease {
		t.Skip("without -release, which CI gives, no release is made")
	}
	var made [2]string
	for i := range made {
		dist := t.TempDir()
		cmd := exec.CommandContext(t.Context(), "sh", "buildtools/release.sh", "go", released)
		cmd.Dir = ".."
		cmd.Env = append(os.Environ(), "DIST="+dist, "DIRTY=yes", "PLATFORMS=linux/amd64", "ARCHITECTURES=x86_64")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		made[i] = filepath.Join(dist, "release")
	}
	t.Run("made twice it is the same", func(t *testing.T) { madeTwiceItIsTheSame(t, made) })
	t.Run("an archive is enough to rehearse", func(t *testing.T) { anArchiveIsEnough(t, made[0]) })
	t.Run("the gate takes its code from the release", func(t *testing.T) { theGateTakesItsCode(t, made[0]) })
	t.Run("the image is whole", func(t *testing.T) { theImageIsWhole(t, made[0]) })
}

func read(t *testing.T, elements ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(elements...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// unpacked returns the files of an archive.
func unpacked(t *testing.T, r io.Reader) map[string]string {
	t.Helper()
	files := map[string]string{}
	for archive := tar.NewReader(r); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		content, wrong := io.ReadAll(archive)
		if err != nil || wrong != nil {
			t.Fatal(err, wrong)
		}
		files[h.Name] = string(content)
	}
}

func gunzip(t *testing.T, text string) io.Reader {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func madeTwiceItIsTheSame(t *testing.T, made [2]string) {
	t.Helper()
	sums := read(t, made[0], "SHA256SUMS")
	if again := read(t, made[1], "SHA256SUMS"); sums != again {
		t.Errorf("made again, it is another:\n%s\n%s", sums, again)
	}
	names := []string{"SHA256SUMS"}
	for line := range strings.Lines(sums) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		names = append(names, name)
		if got := fmt.Sprintf("%x", sha256.Sum256([]byte(read(t, made[0], name)))); got != sum {
			t.Errorf("%s has the sum %s, and SHA256SUMS says %s", name, got, sum)
		}
	}
	entries, err := os.ReadDir(made[0])
	if err != nil || len(entries) != len(names) {
		t.Errorf("%d files, %d in SHA256SUMS, %v", len(entries), len(names)-1, err)
	}
	for _, want := range []string{
		"greenlight_" + released + "_linux_amd64.tar.gz", "greenlight_" + released + "_image.tar", "greenlight_" + released + ".cdx.json", "gate.yml",
		"iam-policy.json", "prober-x86_64.zip", "after-allow-test-traffic-x86_64.zip", "before-allow-traffic-x86_64.zip", "after-allow-traffic-x86_64.zip", "notifier-x86_64.zip",
	} {
		if !slices.Contains(names, want) {
			t.Errorf("there is no %s", want)
		}
	}
	var bom struct {
		Metadata   struct{ Component struct{ Version string } }
		Components []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(read(t, made[0], "greenlight_"+released+".cdx.json")), &bom); err != nil || bom.Metadata.Component.Version != released || len(bom.Components) < 20 {
		t.Errorf("the SBOM is of %q with %d components, %v", bom.Metadata.Component.Version, len(bom.Components), err)
	}
}

// Without Go, and with nothing else of Greenlight's beside it; the demo needs its script and the files that it renders.
func anArchiveIsEnough(t *testing.T, made string) {
	t.Helper()
	files := unpacked(t, gunzip(t, read(t, made, "greenlight_"+released+"_linux_amd64.tar.gz")))
	for _, name := range []string{"LICENSE", "man/rehearse.1", "man/greenlight-deploy.1", "completions/smoke.bash", "completions/greenlight.powershell"} {
		if files[name] == "" {
			t.Errorf("there is no %s in it, only %v", name, slices.Sorted(maps.Keys(files)))
		}
	}
	for _, want := range []string{"github.com/aws/aws-sdk-go-v2@", "github.com/spf13/cobra@", "go@go1", "Apache License", "Copyright 2009 The Go Authors"} {
		if !strings.Contains(files["THIRD-PARTY-LICENSES.txt"], want) {
			t.Errorf("the licences do not tell %s", want)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"rehearse", "render-taskdef", "render-appspec", "smoke", "greenlight"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(files[name]), 0o700); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), filepath.Join(dir, name), "version").Output()
		if err != nil || !strings.HasPrefix(string(out), name+" "+released+" (go1.") || !strings.Contains(string(out), ", commit ") {
			t.Errorf("%s version: %q, %v", name, out, err)
		}
	}
	inputs, err := filepath.Abs("rehearse/testdata/release")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "rehearse"), "--taskdef", "taskdef.json", "--appspec", "appspec.yaml", "--suite", "smoke.yaml",
		"--blue", "builtin:good", "--green", "builtin:good", "--production-port", "0", "--test-port", "0", "--speed", "100", "--traffic", "50", "--report", "json="+dir+"/report.json")
	cmd.Dir, cmd.Env = inputs, []string{"PATH=/nowhere", "TMPDIR=" + dir}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "SHIFTED") {
		t.Errorf("%v\n%s", err, out)
	}
	if report := read(t, dir, "report.json"); !strings.Contains(report, `"greenlight": "`+released+`"`) {
		t.Error("the report does not say the version")
	}

	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	beside := t.TempDir()
	if err := os.Symlink(filepath.Join(root, "infra"), filepath.Join(beside, "infra")); err != nil {
		t.Fatal(err)
	}
	demo := exec.CommandContext(t.Context(), "sh", filepath.Join(root, "buildtools/rehearse/demo.sh"), dir)
	demo.Dir, demo.Env = beside, []string{"PATH=/usr/bin:/bin", "TMPDIR=" + dir}
	if out, err := demo.CombinedOutput(); err != nil || strings.Count(string(out), "\nROLLED BACK") != 2 || !strings.Contains(string(out), "\nSHIFTED") {
		t.Errorf("the demo: %v\n%s", err, out)
	}
}

// Every key of gate.yml's code is a file of the release; there is a bucket to say, and cfn-lint finds nothing.
func theGateTakesItsCode(t *testing.T, made string) {
	t.Helper()
	gate := read(t, made, "gate.yml")
	keys := regexp.MustCompile(`S3Key: !Sub "greenlight/`+released+`/(.*)"}`).FindAllStringSubmatch(gate, -1)
	for _, key := range keys {
		if _, err := os.Stat(filepath.Join(made, strings.ReplaceAll(key[1], "${Architecture}", "x86_64"))); err != nil {
			t.Error(err)
		}
	}
	archive := "greenlight_" + released + "_linux_amd64.tar.gz"
	for _, want := range []string{
		"  CodeBucket:\n    Type: String\n", `Version: "` + released + `"`, `ToolsSha256: "` + fmt.Sprintf("%x", sha256.Sum256([]byte(read(t, made, archive)))) + `"`,
		"Value: !Sub s3://${CodeBucket}/greenlight/" + released + "/" + archive,
	} {
		if !strings.Contains(gate, want) {
			t.Errorf("gate.yml does not hold %s", want)
		}
	}
	if len(keys) != 5 || strings.Contains(gate, "../dist") {
		t.Errorf("%d of five functions have their code in the bucket", len(keys))
	}
	if _, err := exec.LookPath("cfn-lint"); err != nil {
		t.Log("there is no cfn-lint")
	} else if out, err := exec.CommandContext(t.Context(), "cfn-lint", "--regions", "eu-west-1", "--template", filepath.Join(made, "gate.yml")).CombinedOutput(); err != nil {
		t.Errorf("cfn-lint: %v\n%s", err, out)
	}
}

// Every digest and size of the image is that of what it names, and its one layer holds the commands and the roots.
func theImageIsWhole(t *testing.T, made string) {
	t.Helper()
	layout := unpacked(t, strings.NewReader(read(t, made, "greenlight_"+released+"_image.tar")))
	type described struct {
		MediaType, Digest string
		Size              int
		Platform          struct{ Architecture string }
	}
	get := func(d described, to any) string {
		_, sum, _ := strings.Cut(d.Digest, ":")
		content := layout["blobs/sha256/"+sum]
		if got := fmt.Sprintf("%x", sha256.Sum256([]byte(content))); got != sum || len(content) != d.Size {
			t.Fatalf("%s has %d bytes and the sum %s, want %d and %s", d.MediaType, len(content), got, d.Size, sum)
		}
		if to != nil {
			if err := json.Unmarshal([]byte(content), to); err != nil {
				t.Fatal(err)
			}
		}
		return content
	}
	var index struct{ Manifests []described }
	if err := json.Unmarshal([]byte(layout["index.json"]), &index); err != nil || len(index.Manifests) != 1 || index.Manifests[0].Platform.Architecture != "amd64" {
		t.Fatalf("%v: %s", err, layout["index.json"])
	}
	var manifest struct {
		Config described
		Layers []described
	}
	get(index.Manifests[0], &manifest)
	var config struct {
		Architecture string
		Rootfs       struct {
			DiffIDs []string `json:"diff_ids"`
		}
	}
	get(manifest.Config, &config)
	layer, err := io.ReadAll(gunzip(t, get(manifest.Layers[0], nil)))
	if err != nil || fmt.Sprintf("sha256:%x", sha256.Sum256(layer)) != config.Rootfs.DiffIDs[0] || len(manifest.Layers) != 1 {
		t.Errorf("the layer is not the config's: %v, %+v", err, config)
	}
	files := unpacked(t, bytes.NewReader(layer))
	if strings.Count(files["etc/ssl/certs/ca-certificates.crt"], "BEGIN CERTIFICATE") < 50 || files["usr/bin/greenlight"] == "" || files["usr/bin/smoke"] == "" {
		t.Errorf("it holds %v", slices.Sorted(maps.Keys(files)))
	}
}

func TestWhatIsNoVersionIsNotReleased(t *testing.T) {
	for _, version := range []string{"", "1.0", "latest", "v1.0.0 x", "v1.0.0;x"} {
		cmd := exec.CommandContext(t.Context(), "sh", "buildtools/release.sh", "go", version)
		cmd.Dir, cmd.Env = "..", append(os.Environ(), "DIST="+t.TempDir())
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "want something like v0.2.0") {
			t.Errorf("%q: %v\n%s", version, err, out)
		}
	}
}

// TestTheActionInstalls runs the action's own step as a runner does, against a server of releases.
func TestTheActionInstalls(t *testing.T) {
	var action struct {
		Inputs map[string]struct{ Default string }
		Runs   struct {
			Using string
			Steps []struct {
				Shell, Run string
				Env        map[string]string
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "..", actionFolder, "action.yml")), &action); err != nil || action.Runs.Using != "composite" || len(action.Runs.Steps) != 1 {
		t.Fatalf("%v: %+v", err, action)
	}
	step := action.Runs.Steps[0]
	if strings.Contains(step.Run, "${{") {
		t.Error("an input is part of the script: whoever sets it runs what he likes")
	}
	var archive bytes.Buffer
	g := gzip.NewWriter(&archive)
	w := tar.NewWriter(g)
	const program = "#!/bin/sh\necho smoke v1.2.3\n"
	err := w.WriteHeader(&tar.Header{Name: "smoke", Mode: 0o755, Size: int64(len(program))})
	_, wrong := io.WriteString(w, program)
	if err := errors.Join(err, wrong, w.Close(), g.Close()); err != nil {
		t.Fatal(err)
	}
	var zipped bytes.Buffer
	z := zip.NewWriter(&zipped)
	header := &zip.FileHeader{Name: "smoke"}
	header.SetMode(0o755)
	inside, err := z.CreateHeader(header)
	if err != nil {
		t.Fatal(err)
	}
	_, wrong = io.WriteString(inside, program)
	if err := errors.Join(wrong, z.Close()); err != nil {
		t.Fatal(err)
	}
	sum, zipSum := fmt.Sprintf("%x", sha256.Sum256(archive.Bytes())), fmt.Sprintf("%x", sha256.Sum256(zipped.Bytes()))
	other := strings.Repeat("0", 64)
	for name, tc := range map[string]struct{ machine, listed, pinned, version, want string }{
		"by the release's sums": {"x86_64", sum, "", "v1.2.3", ""},
		"on Windows":            {"windows", zipSum, "", "v1.2.3", ""},
		"by a sum of one's own": {"aarch64", other, sum, "v1.2.3", ""},
		"another sum":           {"x86_64", sum, other, "v1.2.3", "nothing was installed"},
		"a broken archive":      {"x86_64", other, "", "v1.2.3", "nothing was installed"},
		"no such release":       {"x86_64", sum, "", "v1.2.4", "cannot get"},
		"no such machine":       {"riscv64", sum, "", "v1.2.3", "no archive"},
		"no version":            {"x86_64", sum, "", "v1/../..", "want something like"},
	} {
		t.Run(name, func(t *testing.T) {
			system, machine, content := "Linux", tc.machine, archive.Bytes()
			file := "greenlight_v1.2.3_linux_" + map[string]string{"x86_64": "amd64", "aarch64": "arm64"}[machine] + ".tar.gz"
			if machine == "windows" {
				if _, err := exec.LookPath("unzip"); err != nil {
					t.Skip("there is no unzip, which the shell for Windows has")
				}
				system, machine, content, file = "MINGW64_NT-10.0", "x86_64", zipped.Bytes(), "greenlight_v1.2.3_windows_amd64.zip"
			}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/v1.2.3/" + file:
					_, _ = w.Write(content)
				case "/v1.2.3/SHA256SUMS":
					_, _ = fmt.Fprintf(w, "%s  gate.yml\n%s  %s\n", other, tc.listed, file)
				default:
					http.NotFound(w, r)
				}
			}))
			defer server.Close()
			dir := t.TempDir()
			root, err := filepath.Abs("..")
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), step.Shell, "--noprofile", "--norc", "-eo", "pipefail", "-c", step.Run)
			cmd.Env = append(os.Environ(), "RUNNER_TEMP="+dir, "GITHUB_ACTION_PATH="+filepath.Join(root, actionFolder), "GITHUB_PATH="+dir+"/path", "GITHUB_OUTPUT="+dir+"/output", "OS_NAME="+system, "MACHINE="+machine)
			inputs := map[string]string{"version": tc.version, "sha256": tc.pinned, "base-url": server.URL}
			for variable, value := range step.Env {
				input := strings.TrimSuffix(strings.TrimPrefix(value, "${{ inputs."), " }}")
				if _, known := action.Inputs[input]; !known {
					t.Errorf("%s is %s", variable, value)
				}
				cmd.Env = append(cmd.Env, variable+"="+inputs[input])
			}
			out, err := cmd.CombinedOutput()
			folder := dir + "/greenlight-" + tc.version
			if tc.want != "" {
				if _, there := os.Stat(folder + "/smoke"); err == nil || there == nil || !strings.Contains(string(out), tc.want) {
					t.Errorf("%v\n%s", err, out)
				}
				return
			}
			if err != nil || read(t, dir, "path") != folder+"\n" || read(t, dir, "output") != "path="+folder+"\n" || read(t, folder, "smoke") != program {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
