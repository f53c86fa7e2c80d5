package main

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"smoke": main, "apps": apps})
}

// Every story starts the real command against a real server on loopback.
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Deadline:            time.Now().Add(2 * time.Minute),
		Setup: func(e *testscript.Env) error {
			// A program built with -race waits a second at its end, for reports of other threads.
			e.Setenv("GORACE", "atexit_sleep_ms=0")
			e.Setenv("LARGE", strings.Repeat("hunter2", 10_000))
			e.Values["servers"] = map[string]*server{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve":    serve,
			"requests": requests,
			"signal":   signalJob,
			"tls":      exportCA,
		},
	})
}

func servers(ts *testscript.TestScript) map[string]*server {
	return ts.Value("servers").(map[string]*server)
}

// serve NAME ROUTES [tls] starts a server that answers as the file of routes says, and sets $NAME to its URL.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: serve NAME ROUTES [tls]")
	}
	s, err := newServer(ts.ReadFile(args[1]), ts.Getenv)
	ts.Check(err)
	if len(args) > 2 {
		s.Server = httptest.NewTLSServer(s)
	} else {
		s.Server = httptest.NewServer(s)
	}
	s.Config.ErrorLog = nil
	ts.Defer(func() {
		close(s.done)
		s.CloseClientConnections()
		s.Close()
	})
	servers(ts)[args[0]] = s
	ts.Setenv(args[0], s.URL)
	ts.Setenv(args[0]+"_HOST", strings.SplitN(s.URL, "://", 2)[1])
}

// requests NAME prints what the server was asked, in order.
func requests(ts *testscript.TestScript, neg bool, args []string) {
	s := servers(ts)[args[0]]
	got := s.asked()
	ts.Check(os.WriteFile(ts.MkAbs("requests"), []byte(got), 0o644))
}

// tls NAME FILE writes the certificate of a server.
func exportCA(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), servers(ts)[args[0]].certificate(), 0o644))
}

// signal SERVER REQUEST interrupts the smoke command once the server was asked that.
func signalJob(ts *testscript.TestScript, neg bool, args []string) {
	s := servers(ts)[args[0]]
	for range 500 {
		if strings.Contains(s.asked(), args[1]) {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	for _, c := range ts.BackgroundCmds() {
		ts.Check(c.Process.Signal(syscall.SIGINT))
	}
}

func TestStoriesExist(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 10 {
		t.Errorf("%d stories: %v", len(files), err)
	}
}
