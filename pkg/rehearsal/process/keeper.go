package process

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
)

// statusFD is the descriptor on which the keeper tells how the command ended.
const statusFD = 3

// Keep is the keeper's whole life: it runs argv in a process group of its own with this process' output,
// until the command ends or control (standard input) closes. It returns the keeper's exit status.
//
// On control, 't' asks for SIGTERM to the group; the end of the stream means that whoever started the
// command is gone or wants it gone: SIGKILL.
func Keep(argv []string, control io.Reader) int {
	// Taken, not ignored: an ignored signal would stay ignored in the command. The group's own signals
	// come by control alone.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	// The command must not hold the status pipe open.
	syscall.CloseOnExec(statusFD)
	status := os.NewFile(statusFD, "status")
	exit := keep(argv, control)
	if line, err := json.Marshal(exit); err == nil && status != nil {
		_, _ = status.Write(line)
	}
	return 0
}

func keep(argv []string, control io.Reader) Exit {
	if len(argv) == 0 {
		return Exit{Start: "no command"}
	}
	// The parent-death signal belongs to the thread that starts the command: that thread must live on.
	runtime.LockOSThread()
	adopt()
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:noctx // its life is bound by control
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = ownGroup()
	if err := cmd.Start(); err != nil {
		return Exit{Start: err.Error()}
	}
	group := -cmd.Process.Pid
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	go func() {
		buf := make([]byte, 1)
		for {
			if _, err := control.Read(buf); err != nil {
				_ = syscall.Kill(group, syscall.SIGKILL)
				return
			}
			if buf[0] == 't' {
				_ = syscall.Kill(group, syscall.SIGTERM)
			}
		}
	}()
	err := <-ended
	// Whatever the command started and left must not outlive it.
	_ = syscall.Kill(group, syscall.SIGKILL)
	killAdopted()
	return exitOf(err)
}

func exitOf(err error) Exit {
	failed, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return Exit{}
	case !ok:
		return Exit{Code: -1, Signal: err.Error()}
	}
	if status, ok := failed.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return Exit{Code: 128 + int(status.Signal()), Signal: status.Signal().String()}
	}
	return Exit{Code: failed.ExitCode()}
}
