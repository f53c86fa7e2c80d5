package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/greenlight-ecs/greenlight/pkg/programs"
)

// TestStories tells its stories with the real programs: greenlight against the project's own rehearsal.
func TestStories(t *testing.T) {
	dir := programs.In(t, "buildtools/greenlight", "buildtools/rehearse", "buildtools/smoke", "buildtools/render-taskdef",
		"buildtools/render-appspec", "functions/after-allow-test-traffic", "functions/before-allow-traffic")
	testscript.Run(t, testscript.Params{
		Dir: "testdata", RequireExplicitExec: true, RequireUniqueNames: true,
		UpdateScripts: os.Getenv("UPDATE") != "",
		Deadline:      time.Now().Add(4 * time.Minute),
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", dir+string(os.PathListSeparator)+e.Getenv("PATH"))
			e.Setenv("AWS_ACCESS_KEY_ID", "ann")
			e.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
			e.Setenv("AWS_REGION", "eu-west-1")
			e.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			e.Setenv("GORACE", "atexit_sleep_ms=0")
			e.Values["jobs"] = map[string]*job{}
			for _, name := range []string{"taskdef.json", "appspec.yaml"} {
				data, err := os.ReadFile("../rehearse/testdata/release/" + name)
				if err != nil {
					return err
				}
				if err := os.WriteFile(filepath.Join(e.WorkDir, name), data, 0o600); err != nil {
					return err
				}
			}
			return os.WriteFile(filepath.Join(e.WorkDir, "smoke.yaml"), []byte(suite), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start": start, "until": until, "signal": signalJob, "ended": ended, "exits": exit, "rehearse": rehearse,
			"bend": bend, "held": held, "moto": moto, "freeport": freePort,
		},
	})
}

// suite proves which release answers.
const suite = `version: 1
name: tripmgmt
checks:
  - name: list trips
    request: GET /api/trips
    expect: {status: 200}
  - name: version
    request: GET /version
    expect: {headers: {X-App-Version: "${RELEASE}"}}
`

// patient is how long a story waits for anything.
const patient = 90 * time.Second

// job is a program that runs beside the story.
type job struct {
	cmd  *exec.Cmd
	file string
	done chan struct{}
}

func jobs(ts *testscript.TestScript) map[string]*job { return ts.Value("jobs").(map[string]*job) }

// start NAME PROGRAM… starts a program; what it prints goes to the file NAME.
func start(ts *testscript.TestScript, _ bool, args []string) {
	out, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	path, err := lookIn(ts.Getenv("PATH"), args[1])
	ts.Check(err)
	j := &job{cmd: exec.Command(path, args[2:]...), file: args[0], done: make(chan struct{})}
	j.cmd.Dir, j.cmd.Stdout, j.cmd.Stderr = ts.MkAbs("."), out, out
	for _, name := range []string{"PATH", "HOME", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_EC2_METADATA_DISABLED", "GORACE"} {
		j.cmd.Env = append(j.cmd.Env, name+"="+ts.Getenv(name))
	}
	ts.Check(j.cmd.Start())
	go func() {
		_ = j.cmd.Wait()
		_ = out.Close()
		close(j.done)
	}()
	jobs(ts)[args[0]] = j
	ts.Defer(func() {
		_ = j.cmd.Process.Signal(os.Interrupt)
		select {
		case <-j.done:
		case <-time.After(patient):
			_ = j.cmd.Process.Kill()
		}
	})
}

func lookIn(path, name string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return filepath.Join(dir, name), nil
		}
	}
	return "", errors.New("no program " + name)
}

// until NAME PATTERN waits until the job has printed it.
func until(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile("(?m)" + args[1])
	for deadline := time.Now().Add(patient); ; {
		text := ts.ReadFile(args[0])
		if pattern.MatchString(text) {
			return
		}
		select {
		case <-jobs(ts)[args[0]].done:
			if text = ts.ReadFile(args[0]); !pattern.MatchString(text) {
				ts.Fatalf("%s ended and never printed %q:\n%s", args[0], args[1], text)
			}
			return
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s never printed %q:\n%s", args[0], args[1], text)
		}
	}
}

func signalJob(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(jobs(ts)[args[0]].cmd.Process.Signal(syscall.SIGINT))
}

// ended NAME CODE waits for the job's end.
func ended(ts *testscript.TestScript, _ bool, args []string) {
	j := jobs(ts)[args[0]]
	select {
	case <-j.done:
	case <-time.After(patient):
		ts.Fatalf("%s does not end:\n%s", args[0], ts.ReadFile(args[0]))
	}
	if got := strconv.Itoa(j.cmd.ProcessState.ExitCode()); got != args[1] {
		ts.Fatalf("%s exited with %s, want %s:\n%s", args[0], got, args[1], ts.ReadFile(args[0]))
	}
}

// exits CODE PROGRAM… runs a program to its end.
func exit(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if failed, ok := err.(*exec.ExitError); ok { //nolint:errorlint // testscript returns it unwrapped
		code = failed.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("%s exited with %d, want %s", args[1], code, args[0])
	}
}

// rehearse FLAGS… starts a rehearsal that waits for its deployment, and leads AWS_ENDPOINT_URL there.
func rehearse(ts *testscript.TestScript, _ bool, args []string) {
	flags := strings.Fields("--await-update --keep --taskdef taskdef.json --suite smoke.yaml --blue builtin:good --production-port 0 --test-port 0 --traffic 0")
	start(ts, false, append(append([]string{"rehearsal", "rehearse"}, flags...), args...))
	until(ts, false, []string{"rehearsal", "waits for (UpdateService|CreateDeployment)"})
	ts.Setenv("AWS_ENDPOINT_URL", regexp.MustCompile(`AWS (http://[0-9.:]+)`).FindStringSubmatch(ts.ReadFile("rehearsal"))[1])
}

// freePort NAME puts the number of a port on which nobody listens into a variable.
func freePort(ts *testscript.TestScript, _ bool, args []string) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(socket.Addr().String())
	ts.Check(err)
	ts.Check(socket.Close())
	ts.Setenv(args[0], port)
}

// moto starts moto_server, an account in which nothing exists, and leads AWS_ENDPOINT_URL there.
func moto(ts *testscript.TestScript, _ bool, _ []string) {
	start(ts, false, []string{"moto", "moto_server", "-H", "127.0.0.1", "-p", "0"})
	until(ts, false, []string{"moto", `Running on http://`})
	at := regexp.MustCompile(`Running on (http://[0-9.:]+)`).FindStringSubmatch(ts.ReadFile("moto"))[1]
	ts.Setenv("AWS_ENDPOINT_URL", at)
	// A service is loaded when it is first called, which takes seconds.
	for service := range strings.FieldsSeq("sts iam ecr ssm secretsmanager logs lambda codedeploy ecs elasticloadbalancing s3 cloudformation") {
		r, err := http.NewRequest(http.MethodGet, at, http.NoBody)
		ts.Check(err)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/eu-west-1/"+service+"/aws4_request, SignedHeaders=host, Signature=x")
		answer, err := http.DefaultClient.Do(r)
		ts.Check(err)
		_ = answer.Body.Close()
	}
}

// bend OPERATION ANSWER [TIMES] puts a proxy in front of AWS that answers the operation as it is told: with AWS's error of
// that name, or, when that is hang, not at all, or with the JSON of a file.
func bend(ts *testscript.TestScript, _ bool, args []string) {
	to, err := url.Parse(ts.Getenv("AWS_ENDPOINT_URL"))
	ts.Check(err)
	times := 1 << 30
	if len(args) > 2 {
		times, err = strconv.Atoi(args[2])
		ts.Check(err)
	}
	answer := ""
	if strings.HasSuffix(args[1], ".json") {
		answer = ts.ReadFile(args[1])
	}
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		mu.Lock()
		bent := times > 0 && (strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+args[0]) || strings.Contains(string(body), "Action="+args[0]+"&"))
		if bent {
			times--
		}
		mu.Unlock()
		switch {
		case !bent:
			forward.ServeHTTP(w, r)
		case args[1] == "hang":
			<-r.Context().Done()
		case strings.HasSuffix(args[1], ".json"):
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			_, _ = io.WriteString(w, answer)
		default:
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			status, err := strconv.Atoi(args[1])
			if err != nil {
				status = http.StatusBadRequest
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"__type":"`+args[1]+`","message":"bent"}`)
		}
	}))
	ts.Defer(func() { server.CloseClientConnections(); server.Close() })
	ts.Setenv("AWS_ENDPOINT_URL", server.URL)
}

// held PATTERN wants the rehearsal itself to have seen it.
func held(ts *testscript.TestScript, _ bool, args []string) {
	until(ts, false, []string{"rehearsal", args[0]})
}
