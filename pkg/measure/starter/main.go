// The starter command runs another one, and writes to its fourth file what that took: nanoseconds of wall
// and of user and system time, the most KiB resident, and the exit code (-1: ended by a signal). Its
// arguments are the path of the program, then its name and arguments. It is as small as Go makes them,
// because Linux counts the memory of the process that forks into the child's figure, and has no other use.
package main

import (
	"errors"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// results is the file that the figures go to; it is not the child's.
const results = 3

func main() {
	if err := run(); err != nil {
		_, _ = os.Stderr.WriteString("starter: " + err.Error() + "\n") // nobody else is left to tell
		os.Exit(2)
	}
}

func run() error {
	syscall.CloseOnExec(results)
	if len(os.Args) < 3 {
		return errors.New("nothing to start")
	}
	began := time.Now()
	process, err := os.StartProcess(os.Args[1], os.Args[2:], &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		return err
	}
	state, err := process.Wait()
	wall := time.Since(began)
	if err != nil {
		return err
	}
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return errors.New("the system does not tell what a process took")
	}
	kib := usage.Maxrss
	if runtime.GOOS == "darwin" {
		kib /= 1024 // bytes there
	}
	line := number(int64(wall)) + number(int64(state.UserTime()+state.SystemTime())) + number(kib) + number(int64(state.ExitCode())) + "\n"
	_, err = os.NewFile(results, "results").WriteString(line)
	return err
}

func number(n int64) string { return strconv.FormatInt(n, 10) + " " }
