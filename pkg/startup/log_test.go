package startup_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/greenlight-ecs/greenlight/pkg/startup"
)

// program is the variable that makes the test a program of that name.
const program = "STARTUP_PROGRAM"

func TestMain(m *testing.M) {
	if name := os.Getenv(program); name != "" {
		startup.TakeOverLog()
		programs[name]()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var programs = map[string]func(){
	"a library":           func() { log.Print("hunter2") },
	"a library that ends": func() { log.Fatal("hunter2") }, //nolint:revive // this is a program
	"an error":            func() { lambda.Start(func() error { return errors.New("hunter2") }) },
	"a panic":             func() { lambda.Start(func() { panic("hunter2") }) },
	"a wrong payload":     func() { lambda.Start(func(struct{ N int }) {}) },
	"outside of Lambda":   func() { lambda.Start(func() {}) },
}

// TestWhatIsHeard runs programs on Lambda's real runtime library.
func TestWhatIsHeard(t *testing.T) {
	for name, want := range map[string][]string{
		"a library": nil, "a library that ends": nil,
		"an error":          {`{"errorType":"errorString"}`},
		"a panic":           {`"errorType":"string"`, `"stackTrace":[{"path":`, "the process should exit"},
		"a wrong payload":   {`{"errorType":"UnmarshalTypeError"}`},
		"outside of Lambda": {"AWS_LAMBDA_RUNTIME_API"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), program+"="+name)
			if name != "outside of Lambda" {
				cmd.Env = append(cmd.Env, "AWS_LAMBDA_RUNTIME_API="+runtimeAPI(t))
			}
			var stderr, stdout bytes.Buffer
			cmd.Stderr, cmd.Stdout = &stderr, &stdout
			_ = cmd.Run() // most end with an error
			text := stderr.String()
			if stdout.Len() > 0 || strings.Contains(text, "hunter2") || len(want) == 0 && text != "" {
				t.Errorf("stdout %q, stderr %q", &stdout, text)
			}
			said := ""
			for line := range strings.Lines(text) {
				var note struct{ Timestamp, Level, Event, Message string }
				if err := json.Unmarshal([]byte(line), &note); err != nil || note.Timestamp == "" || note.Level != "error" || note.Event != "note" {
					t.Errorf("%v: no line of a log: %q", err, line)
				}
				said += note.Message
			}
			for _, w := range want {
				if !strings.Contains(said, w) {
					t.Errorf("%q does not stand in %q", w, said)
				}
			}
		})
	}
}

// runtimeAPI invokes a function once, and then is gone.
func runtimeAPI(t *testing.T) string {
	t.Helper()
	invoked := false
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusAccepted)
		case invoked:
			w.WriteHeader(http.StatusGone)
		default:
			invoked = true
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(int64(1)<<42))
			_, _ = io.WriteString(w, `{"N":"hunter2"}`)
		}
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}
