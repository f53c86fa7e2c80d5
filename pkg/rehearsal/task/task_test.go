package task_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/process"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/task"
)

func TestMain(m *testing.M) {
	if exit, child := task.Child(os.Args[1:], os.Getenv); child {
		os.Exit(exit)
	}
	if len(os.Args) > 1 && os.Args[1] == "task" {
		served()
	}
	os.Exit(m.Run())
}

// served is a program that serves its environment at /, and ends when it is asked for /exit.
func served() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Join(os.Environ(), "\n"))
	})
	http.HandleFunc("/exit", func(http.ResponseWriter, *http.Request) { os.Exit(7) }) //nolint:revive // this is a program
	fmt.Fprintln(os.Stderr, http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
	os.Exit(1) //nolint:revive // this is a program
}

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func spec(t *testing.T, argv ...string) task.Spec {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if len(argv) == 0 {
		argv = []string{self, "task"}
	}
	return task.Spec{Name: "green", Release: "1.1.0", Count: 2, Argv: argv, Path: "/usr/bin:/bin", Home: t.TempDir(), Keeper: self, StartTimeout: time.Minute}
}

func get(t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(bounded(t), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(response.Body)
	return string(body)
}

func TestATaskGetsFourVariablesAndNoMore(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "leaked")
	s := spec(t)
	set, err := task.Start(bounded(t), s)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Stop(time.Second)
	var names []string
	for line := range strings.Lines(get(t, "http://"+set.Tasks[1].Addr)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if name != "GOCOVERDIR" && name != "GORACE" {
			names = append(names, name)
		}
		if name == "RELEASE" && value != "1.1.0" {
			t.Errorf("RELEASE = %q", value)
		}
	}
	slices.Sort(names)
	if want := []string{"HOME", "PATH", "PORT", "RELEASE"}; !slices.Equal(names, want) {
		t.Errorf("the task's environment is %q, want %q", names, want)
	}
	if set.Tasks[0].ID != "green/1" || set.Tasks[0].Addr == set.Tasks[1].Addr || set.Running() != 2 {
		t.Errorf("tasks %+v", set.Tasks)
	}
	set.Stop(time.Second)
	if got := get(t, "http://"+set.Tasks[0].Addr); !strings.Contains(got, "refused") || set.Running() != 0 {
		t.Errorf("after Stop: %q, %d running", got, set.Running())
	}
}

func TestATaskThatDoesNotComeUpSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		argv []string
		why  string
		log  string
	}{
		"ends at once":  {task.Shell("echo no license >&2; exit 7"), "ended after", "no license"},
		"never listens": {task.Shell("echo waiting; exec sleep 60"), "was not opened within 3s", "waiting"},
		"no program":    {[]string{"/nonexistent/server"}, "/nonexistent/server", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := spec(t, c.argv...)
			s.StartTimeout = 3 * time.Second
			if name != "never listens" {
				s.StartTimeout = time.Minute
			}
			set, err := task.Start(bounded(t), s)
			failed, ok := errors.AsType[*task.StartError](err)
			if !ok || set != nil || !strings.Contains(failed.Why, c.why) || !strings.Contains(strings.Join(failed.Log, "\n"), c.log) {
				t.Errorf("%v, %+v", err, failed)
			}
		})
	}
}

func TestATaskThatEndsIsReplaced(t *testing.T) {
	ended, started := make(chan string, 10), make(chan *task.Task, 10)
	s := spec(t)
	s.RestartPause = 10 * time.Millisecond
	s.Ended = func(task string, exit process.Exit) { ended <- task + " " + exit.String() }
	s.Started = func(task *task.Task) { started <- task }
	set, err := task.Start(bounded(t), s)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Stop(time.Second)
	at := set.Tasks[0].Addr
	for n := range 2 {
		get(t, "http://"+at+"/exit")
		if got := <-ended; !strings.HasSuffix(got, "exit status 7") {
			t.Errorf("ended: %q", got)
		}
		next := <-started
		if want := fmt.Sprintf("green/%d", n+3); next.ID != want || set.Running() != 2 {
			t.Errorf("task %s is up, %d run, want %s and 2", next.ID, set.Running(), want)
		}
		at = next.Addr
	}
	set.Stop(time.Second)
	if len(ended) > 0 || len(started) > 0 || set.Running() != 0 {
		t.Errorf("Stop was taken for a crash: %d ended, %d started, %d run", len(ended), len(started), set.Running())
	}
}

func TestStopEndsATaskThatIsBeingReplaced(t *testing.T) {
	s := spec(t)
	s.RestartPause = time.Hour
	ended := make(chan string, 1)
	s.Ended = func(task string, _ process.Exit) { ended <- task }
	set, err := task.Start(bounded(t), s)
	if err != nil {
		t.Fatal(err)
	}
	get(t, "http://"+set.Tasks[0].Addr+"/exit")
	<-ended
	began := time.Now()
	if set.Stop(time.Second); time.Since(began) > time.Minute {
		t.Errorf("Stop took %s", time.Since(began))
	}
}
